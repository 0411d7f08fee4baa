/**
 * One user's part in the smoothed dual of algorithms/knapsack.h: prices of its caps that make it
 * smallest, and what their moving along does to the curvature.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_LOCAL_H
#define REMISE_ALGORITHMS_KNAPSACK_LOCAL_H

#include "algorithms/knapsack_smooth.h"

/* Room for one user after another. */
struct knapsack_local {
    const struct knapsack_cells *cells;   /* not owned */
    const struct knapsack_layout *layout; /* not owned */
    double temperature;
    int64_t slots;                /* of the user at hand */
    double *worth, *net, *chance; /* [slots][options] */
    double *use[KNAPSACK_CAPS];   /* [slots][options], of caps that have a limit */
    double reach[KNAPSACK_CAPS];  /* the largest |use| */
    /* sums of the user at hand */
    double dual, entropy;
    double own[KNAPSACK_CAPS][KNAPSACK_CAPS]; /* covariances of the caps */
    double *with;                             /* [limits][KNAPSACK_CAPS] of limits with caps */
    int32_t *touched;                         /* [touches] limits */
    uint8_t *kind;                            /* [touches] */
    bool *is_touched;                         /* [limits] */
    int64_t touches;
};

/** Room. Local. Free with knapsack_local_clear. Errors: ERR_MEMORY. */
enum status knapsack_local_new(const struct knapsack_cells *cells,
                               const struct knapsack_layout *layout, struct knapsack_local *local);
/** Free; accepts a zeroed struct. Local. */
void knapsack_local_clear(struct knapsack_local *local);

/**
 * Prices of a user's caps.
 *
 * Local.
 * price  in     [limits] units of value per unit of use
 * own    inout  [caps] where to begin; then those at which the user's smoothed dual is smallest
 * Cost: some 3 to 20 passes over the user's cells for each cap that may bind.
 */
void knapsack_local_price(struct knapsack_local *local, const double *price, int64_t user,
                          double *own);

/** Begin a user's sums. Local. */
void knapsack_local_begin(struct knapsack_local *local);

/** Add the covariance of a limit, `group` of its kind, and a cap in one slot. Local. */
static inline void knapsack_local_add(struct knapsack_local *local, int kind, int32_t group,
                                      int cap, double covariance)
{
    int64_t limit = local->layout->first[kind] + group;
    if (!local->is_touched[limit]) {
        local->is_touched[limit] = true;
        local->kind[local->touches] = (uint8_t)kind;
        local->touched[local->touches++] = (int32_t)limit;
    }
    local->with[limit * KNAPSACK_CAPS + cap] += covariance;
}

/**
 * The inverse of the covariances of the caps that have a price. Local.
 * own      in   [caps] their prices
 * inverse  out  [caps][caps], 0 for the others
 * Returns false where none has, or they do not move.
 */
bool knapsack_local_invert(const struct knapsack_local *local, const double *own,
                           double inverse[KNAPSACK_CAPS][KNAPSACK_CAPS]);

/** By how much the user's own prices move along with a limit's. lean out [caps]. Local. */
void knapsack_local_lean(const struct knapsack_local *local, int64_t limit,
                         double inverse[KNAPSACK_CAPS][KNAPSACK_CAPS], double *lean);

/** By how much less a limit varies together with another one for that: with the one that leans so.
 * Local. */
double knapsack_local_part(const struct knapsack_local *local, int64_t limit, const double *lean);

#endif
