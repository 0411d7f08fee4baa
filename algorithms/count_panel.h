/**
 * Elasticities from counts: how what is sold of a product in a week moves with its price.
 *
 * A product's sales to a segment in a fold of weeks are a panel. Given the panel's sum, the shares
 * of its weeks are
 *     pi[t] ~ exp((slope[c] + shift[s]) x[t] + season[t]),   c the product's slope, s its segment
 * which is Poisson regression with an effect for each panel, eliminated exactly; x is the log
 * price. Products may sell seldom, and nothing is assumed of how much is sold in all. Only the mean
 * must be right: standard errors are sandwiches over cells of product and week. The equations are
 * an arrow, slopes by slopes diagonal, so that thousands of slopes cost no more than their number.
 *
 * Further regressors z, such as advertising or the prices of substitutes, add effect . z to the log
 * of the mean; those that prices and seasons explain are dropped and leave the slopes alone.
 *
 * Often a price is known only of weeks in which something was sold. Promotions that sold nothing
 * are then not seen as such, and those seen look better than they are. With `per_sale` the units of
 * a week are therefore compared with what is expected given that there is a sale (zero-truncated
 * counts): with a mean of m units and r units a sale, m / (1 - exp(-m / r)).
 */
#ifndef REMISE_ALGORITHMS_COUNT_PANEL_H
#define REMISE_ALGORITHMS_COUNT_PANEL_H

#include "partition/blocks.h"

/* Units sold of a product in a week to a segment. */
struct panel_count {
    int32_t week, segment;
    double units; /* > 0 */
};

/* Borrowed. Products are this rank's rows of `blocks`; week t is in fold t modulo folds. */
struct panel_data {
    const struct blocks *blocks;
    int64_t weeks, folds, segments, slopes, seasons;
    int64_t columns, effects; /* further regressors of a product, and coefficients of all */
    const int32_t *season;    /* [weeks] in [0, seasons) */
    const int32_t *slope;     /* [products] in [0, slopes) */
    const double *x;          /* [products][weeks] NaN in weeks that do not count */
    const double *per_sale; /* [products] units a sale, where only weeks with one count; or NULL */
    const double *offset;   /* [products][weeks] added to the log of the mean; NULL: none */
    const double *z;        /* [columns][products][weeks] finite where x is */
    const int32_t *effect;  /* [columns][products] in [0, effects), ascending over a product's */
    const int64_t *start;   /* [products + 1] first count of each product */
    const struct panel_count *count; /* by product; a (week, segment) at most once each */
};

struct count_panel {
    int64_t slopes, segments, seasons, effects;
    double *slope;     /* [slopes] for segment 0; 0 where dropped */
    bool *dropped;     /* [slopes] not told: prices hardly varied apart from seasons, or sales */
    double *shift;     /* [segments] of segment, 0 for the first and where it is dropped */
    double *season;    /* [seasons] 0 for the first */
    bool *lost_shift;  /* [segments] nothing tells it */
    double *effect;    /* [effects] of further regressors; 0 where dropped */
    bool *lost_effect; /* [effects] slopes, shifts and seasons explain its column, or all is 0 */
    double *leverage;  /* [slopes] inverse variance of the slope alone; 0 where dropped */
    double *season_weight; /* [seasons] inverse variance of the level of the season alone */
    double dispersion;
    int64_t cells; /* of product and week in panels with sales */
    int64_t iterations;
    bool converged;
    double *hat; /* [effects + 1][slopes + effects] for leverages; NULL: no effects */
    struct arrow *bread, *meat; /* for count_panel_combine */
};

/**
 * Fit the slopes, shifts, seasons and effects.
 *
 * Collective.
 * fit  out  new; the caller frees it with count_panel_free; NULL unless OK
 * Cost: an iteration takes products x segments x weeks exponentials and, for each panel, the square
 *       of its weeks additions; some 6 of them, each one reduction of slopes x tail + tail^2 sums,
 *       tail = segments + seasons + effects.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC a sum out of range; ERR_MEMORY. Not to converge is no error.
 * Source: Hausman, Hall and Griliches 1984, Econometrica 52(4); robust to all but the mean:
 *         Wooldridge 1999, J. Econometrics 90(1); HC3: MacKinnon and White 1985, ibid. 29(3), with
 *         leverages on the slope and, where a cell is of one panel, its level and its season.
 */
enum status count_panel_fit(const struct comm *comm, const struct panel_data *data,
                            struct count_panel **fit);
/** Free and null; accepts NULL inside. Local. */
void count_panel_free(struct count_panel **fit);

/**
 * Estimate and standard error of slope_weight . slope + shift_weight . shift; NaN if what it needs
 * was dropped. Local; the same on every rank.
 * slope_weight  in  [slopes]; shift_weight in [segments]
 * Errors: ERR_MEMORY.
 */
enum status count_panel_combine(const struct count_panel *fit, const double *slope_weight,
                                const double *shift_weight, double *estimate, double *std_error);

/** Effect k and its standard error; NaN if it was dropped. As count_panel_combine. */
enum status count_panel_effect(const struct count_panel *fit, int64_t k, double *estimate,
                               double *std_error);

/** What the further regressors add to the log of a product's mean in a week. Local. */
double count_panel_added(const struct panel_data *data, const struct count_panel *fit,
                         int64_t product, int64_t week);

/**
 * Mean and variance of x under the shares of a fold's weeks. Local.
 * x       in   [weeks] of a product
 * season  in   [weeks] effect of each week; offset in [weeks] or NULL
 * Returns false if the product is not on sale in the fold.
 */
bool count_panel_moments(const double *x, const double *season, const double *offset, int64_t weeks,
                         int64_t folds, int64_t fold, double slope, double *mean, double *variance);

/**
 * By how much more a week sells on average given that something is sold: the log of
 * 1 / (1 - exp(-m / r)), at the means m of a fit with `per_sale` and one segment. As `offset` it
 * corrects regressions on parts of the same sales. Local.
 * offset  out  [products][weeks]; 0 where x is NaN. Where no week has more than one sale,
 *              prices tell nothing, and the offset makes all weeks alike.
 * Errors: ERR_MEMORY.
 */
enum status count_panel_offsets(const struct panel_data *data, const struct count_panel *fit,
                                double *offset);

#endif
