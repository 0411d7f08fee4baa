/**
 * The shape of a response to a dose: how far along its whole effect each dose is.
 *
 * A line that bends at its knots, rises nowhere less than not at all, and begins at 0 where the
 * dose is 0; it is scaled so that the highest knot stays where it is, so that without a bend every
 * dose is itself. A shape that saturates has its steep part first.
 */
#ifndef REMISE_ALGORITHMS_DOSE_H
#define REMISE_ALGORITHMS_DOSE_H

#include <stdint.h>

enum { DOSE_KNOTS_MAX = 16, DOSE_KINDS_MAX = 16 };

struct dose_shape {
    int64_t knots;                /* 0: every dose is itself */
    double dose[DOSE_KNOTS_MAX];  /* rising, above 0 */
    double value[DOSE_KNOTS_MAX]; /* never falling, >= 0 */
};

/* Shapes of kinds of people, of the same knots. */
struct dose_shapes {
    int64_t kinds; /* 0: every dose is itself; 1: one shape for all */
    struct dose_shape shape[DOSE_KINDS_MAX];
};

/**
 * The shape of who is of each kind with these chances: their mean. Local.
 * chance  in  [shapes->kinds] sum 1; not read where there are fewer than two
 */
struct dose_shape dose_mix(const struct dose_shapes *shapes, const float *chance);

/** Where a dose stands; beyond the last knot the last piece goes on. Local. */
double dose_apply(const struct dose_shape *shape, double dose);

/**
 * How much of a dose lies in each piece: up to the first knot, between two, from the last but one
 * on. Local.
 * piece  out  [shape->knots], >= 0, whose sum is the dose
 */
void dose_pieces(const struct dose_shape *shape, double dose, double *piece);

/**
 * Set the values from the slopes of the pieces, and scale them. Local.
 * slope  in  [shape->knots] >= 0
 * Returns the scale: the mean slope up to the last knot; where it is 0, values are the doses.
 */
double dose_bend(struct dose_shape *shape, const double *slope);

#endif
