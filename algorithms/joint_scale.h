/**
 * Units brought to the scale of what they tell on average, around the mean of all: so that exact
 * sums keep their digits, and a spread of 1 is one that matters.
 */
#ifndef REMISE_ALGORITHMS_JOINT_SCALE_H
#define REMISE_ALGORITHMS_JOINT_SCALE_H

#include "algorithms/joint.h"

struct joint_scale {
    double unit[JOINT_COLUMNS];   /* coefficients are multiples of it; 1 where no unit tells one */
    double centre[JOINT_COLUMNS]; /* in these units */
};

/** Scale and centre in place. Collective. Errors: ERR_NUMERIC a sum is not finite; ERR_MEMORY. */
enum status joint_scale_units(const struct comm *comm, struct joint_units *units,
                              struct joint_scale *scale);
/** Undo it in units. Local. */
void joint_scale_undo(const struct joint_scale *scale, struct joint_units *units);
/** Undo it in a spread [k][k], and in a level's groups. Local. */
void joint_scale_level(const struct joint_scale *scale, int64_t columns, struct joint_level *level);

#endif
