/**
 * One pass over all panels of counts: likelihood, score and information, or the squares of what the
 * fit leaves.
 */
#ifndef REMISE_ALGORITHMS_PANEL_PASS_H
#define REMISE_ALGORITHMS_PANEL_PASS_H

#include "algorithms/arrow.h"
#include "algorithms/count_panel.h"

/* Room for a pass, and what it found. */
struct panel_sums {
    double likelihood;
    double *score_head; /* [slopes] */
    double *score_tail; /* [tails] */
    struct exact_sums sums;
    bool *used;       /* [slopes] touched since the last flush */
    double *units;    /* [segments][weeks] of one product; 0 between products */
    double *total;    /* [folds][segments] likewise */
    double *expected; /* [segments][weeks] units of one product */
    double *weight;   /* [segments][weeks] their slope in the log of the mean */
    double *mean;     /* [segments] of x in one fold, by weight */
    double *z_mean;   /* [segments][columns] likewise */
    double *whole;    /* [segments] weight of one fold; 0: it tells nothing */
    double *score;    /* [weeks] logs of the means of one panel, but for its level */
    double level;
    double *part;     /* [tails] of a cell's score */
    int64_t *place;   /* [tails] which of it is not 0 */
    int64_t *on_sale; /* [weeks] of one fold */
};

/** Shifts of the segments but the first, seasons but the first, effects. Local. */
int64_t panel_tails(const struct panel_data *data);
/** Where a week's season stands in the tail, -1 for the first. Local. */
int64_t panel_season_place(const struct panel_data *data, int64_t week);

/** Local. Free with panel_sums_clear. Errors: ERR_MEMORY. */
enum status panel_sums_init(const struct panel_data *data, struct panel_sums *sums);
/** Free; accepts a zeroed struct. Local. */
void panel_sums_clear(struct panel_sums *sums);

/** likelihood, scores and fit->bread at the parameters of the fit. Collective. */
enum status panel_newton_sums(const struct comm *comm, const struct panel_data *data,
                              struct count_panel *fit, struct panel_sums *sums);

/** log 1 / (1 - exp(-m / r)) of one product's weeks, with one segment and one fold. Local. */
void panel_product_offsets(const struct panel_data *data, const struct count_panel *fit,
                           struct panel_sums *sums, int64_t product, double *offset);

/** fit->meat, dispersion and cells; needs fit->leverage and hat. Collective. */
enum status panel_meat_sums(const struct comm *comm, const struct panel_data *data,
                            struct panel_sums *sums, struct count_panel *fit);

#endif
