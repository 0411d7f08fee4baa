/**
 * demand.method: least_squares. Log purchases on log price, with a slope for each category, or each
 * segment, an effect of each panel (a product; a product, segment and fold) and of each season, and
 * one of promotions where the shop tells of them.
 *
 * Panels are eliminated, slopes and seasons are columns (algorithms/least_squares.h; the log says
 * which way it took). Rows weigh as their panel sells (jobs/demand_rows.h, where the bias of logs
 * stands, too). Seasons come first: a price that moves with nothing but them tells nothing, and a
 * slope that could only be told beside it does not either. Errors allow for any variance of each
 * product and week (HC1), and for the segments of one product and week depending on each other.
 */
#ifndef REMISE_JOBS_DEMAND_LINE_H
#define REMISE_JOBS_DEMAND_LINE_H

#include "jobs/demand_method.h"
#include "jobs/demand_rows.h"

extern const struct demand_method demand_line;

/* The regression itself, which other methods take season effects from. */
struct demand_line_fit {
    int64_t units, lots;        /* units are fitted in lots, each with seasons of its own */
    int64_t lot_units, seasons; /* a lot has */
    double *slope, *std_error;  /* [units + 1] NaN where the rows tell nothing */
    double *season;             /* [lots][seasons] 0 for the first */
    double *promotion;          /* [lots] effect of promotions; 0 where not told */
};

/**
 * Fit it.
 * Collective.
 * seasons  in   how many there are
 * fit      out  the caller clears it with demand_line_fit_clear, also on failure
 * A lot has as many units as normal equations on one rank have room for, so that there is one
 * lot unless there are thousands of units. Without rows everything is NaN, and seasons are 0.
 * Same bits for any number of ranks.
 * Errors: those of least_squares_fit.
 */
enum status demand_line_fit(const struct comm *comm, const struct demand_rows *rows,
                            int64_t seasons, struct demand_line_fit *fit);
/** Free; accepts a zeroed struct. Local. */
void demand_line_fit_clear(struct demand_line_fit *fit);

/**
 * A row's log purchases without the effects of panel, season and promotions: what price is left to
 * explain.
 * Local.
 * out  out  [rows_local]
 */
void demand_line_outcome(const struct demand_line_fit *fit, const struct demand_rows *rows,
                         double *out);

#endif
