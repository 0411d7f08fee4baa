/**
 * Cells with sales as rows of a regression: log purchases on log price, for the methods that want a
 * table (jobs/demand_line.h, demand_grove.h, demand_double_ml.h).
 *
 * A row of the categories' table is a product and week, one of the segments' table a product, week
 * and segment. Rows that share everything but week and price are a panel: a product; or a product,
 * a segment and a fold of weeks, as segments hold other users in other folds. Panels stand
 * together, in the blocks of their products; a panel of a single row tells nothing and is left out.
 *
 * Logs of purchases have a bias that no table mends: a week without a purchase has neither a log
 * nor a price. Where a product sells a few times a week or less, the weeks that are seen are its
 * better ones, those at high prices most of all, and elasticities come out too near zero. Where it
 * sells some five times a week, the mean of logs is below the log of the mean, and the more so the
 * fewer: elasticities come out a little too far from zero.
 */
#ifndef REMISE_JOBS_DEMAND_ROWS_H
#define REMISE_JOBS_DEMAND_ROWS_H

#include "jobs/demand_sources.h"

enum demand_kind { DEMAND_OF_CATEGORIES, DEMAND_OF_SEGMENTS };

struct demand_row {
    int32_t product, week, season;
    int32_t category;
    int32_t segment; /* 0 in the categories' table */
    int32_t unit;    /* category or segment whose elasticity it tells; `units` for all of fewer than
                        demand.min_rows cells together */
    double y, x;     /* log of purchases, of the price */
    double promoted; /* share of purchases on a promotion; 0 where that is not told */
    double mean_y, mean_x, mean_promoted; /* over the panel's rows */
    /* Mean purchases of the panel's rows. The variance of the log of a count is about one over its
     * mean; the row's own count would favour weeks that chance made good. And what sells more
     * counts more, as in an elasticity of all that is sold. */
    double weight;
};

struct demand_rows {
    struct blocks blocks; /* those of the products */
    bool by_segment;
    bool promotions;        /* the shop tells of them */
    int64_t units;          /* categories or segments */
    struct demand_row *row; /* [rows_local] */
    int64_t *panel;         /* [rows_local] a number of each panel on this rank */
    int64_t *cluster;       /* [rows_local] product and week: what one chance event moves */
};

/**
 * Make the table; warns where most rows have a single purchase.
 * Collective.
 * rows  out  the caller clears it with demand_rows_clear, also on failure
 * Errors: ERR_MEMORY.
 */
enum status demand_rows_make(const struct comm *comm, const struct demand_panel *panel,
                             enum demand_kind kind, struct demand_rows *rows);
/** Free; accepts a zeroed struct. Local. */
void demand_rows_clear(struct demand_rows *rows);

#endif
