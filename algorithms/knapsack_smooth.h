/**
 * The smoothed dual of algorithms/knapsack.h, its gradient and its curvature, in one pass.
 *
 * In place of its best option a slot takes every option with a chance in proportion to
 * exp(worth / temperature), worth = value - sum of price x use. The dual then has derivatives: the
 * gradient is what is left of each limit, the curvature the covariance of uses within slots over
 * the temperature. At temperature 0 it is the dual itself.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_SMOOTH_H
#define REMISE_ALGORITHMS_KNAPSACK_SMOOTH_H

#include "algorithms/knapsack.h"

/* Kinds of at most so many groups are narrow: their covariances with all others are kept, and a
 * wide kind's only with narrow ones. */
enum { KNAPSACK_NARROW = 64 };

/* How large things are: what sums are scaled by. The same on every rank. */
struct knapsack_scale {
    int64_t slots;
    double value;                 /* mean over slots of the largest |value| */
    double value_reach;           /* the largest |value| of each slot, added up */
    double use[KNAPSACK_KINDS];   /* the largest |use| of the kind; 1 where all are 0 */
    double reach[KNAPSACK_KINDS]; /* the largest |use| of each slot, added up */
};

/* Where limits lie among the narrow and in all. */
struct knapsack_layout {
    int64_t limits, narrow;
    int64_t first[KNAPSACK_KINDS + 1];   /* limit of the kind's group 0 */
    int64_t narrow_at[KNAPSACK_KINDS];   /* column of a narrow kind's group 0, -1: wide */
    int64_t cross_first[KNAPSACK_KINDS]; /* of a wide kind in cross */
    int64_t crosses;
};

struct knapsack_local;
struct knapsack_panel;

struct knapsack_smooth {
    struct knapsack_layout layout;
    int64_t *sum; /* all that follows as integers */
    int64_t sums;
    double temperature;
    double dual;      /* of the smoothed problem, limits included */
    double blur;      /* temperature x entropy: by how much smoothing raises the dual at most */
    double *left;     /* [limits] limit - expected use; the gradient */
    double *diagonal; /* [limits] of the curvature */
    double *dense;    /* [narrow][narrow] curvature among narrow kinds */
    double *cross;    /* [limits of wide kinds][narrow] */
    struct knapsack_panel *panel; /* room for slots */
    double *own; /* [users_local][caps] prices of users' caps, where the next ones begin */
    struct knapsack_local *local; /* room for users; NULL where there are no caps */
};

/**
 * Where each limit lies. Local.
 */
void knapsack_layout_make(const struct knapsack_cells *cells, struct knapsack_layout *layout);

/** Room for sums. Local. Free with knapsack_smooth_clear. Errors: ERR_MEMORY. */
enum status knapsack_smooth_new(const struct knapsack_cells *cells, struct knapsack_smooth *smooth);
/** Free; accepts a zeroed struct. Local. */
void knapsack_smooth_clear(struct knapsack_smooth *smooth);

/**
 * Work them out at these prices.
 *
 * Collective.
 * price        in   [limits] units of value per unit of use, >= 0
 * temperature  in   > 0, units of value
 * every        in   1: all slots; else a sample of about one slot in `every`, limits in proportion
 * Users' caps have prices of their own, those that make the dual least at these prices; the
 * curvature is that of what is left.
 * Cost: one pass over the (sampled) cells, options x (kinds + 2)^2 / 2 operations a slot and one
 *       exponential an option, with caps some 3 to 6 exponentials; one reduction of 8 bytes per
 *       number of the struct.
 * Same bytes for any number of ranks.
 */
void knapsack_smooth_at(const struct comm *comm, const struct knapsack_cells *cells,
                        const struct knapsack_scale *scale, const double *price, double temperature,
                        int64_t every, struct knapsack_smooth *smooth);

#endif
