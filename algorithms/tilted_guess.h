/**
 * Where a user stands with a policy, by all the chances it had in one group.
 *
 * A chance of a level in between leaves two standings possible (algorithms/tilted_policy.h), and
 * several chances often only one of these. Each of the two is a guess that is carried along: the
 * offers that follow are read by the root that is nearer to it, and tell how likely it is.
 */
#ifndef REMISE_ALGORITHMS_TILTED_GUESS_H
#define REMISE_ALGORITHMS_TILTED_GUESS_H

#include "algorithms/tilted_policy.h"

/* What is not exact. */
struct tilted_noise {
    double within; /* variance of a group's standings from offer to offer */
    double misfit; /* standard deviation of the log of a chance, by rounding or the policy found */
};

struct tilted_guess {
    int count; /* 0: nothing is known; 1 or 2 standings are possible */
    double standing[2], variance[2], log_likelihood[2];
};

/**
 * One more offer of the group; those that leave one standing are best added first. Local.
 * guess  inout  zeroed before the first
 */
void tilted_guess_add(const struct tilted_policy *policy, const struct tilted_noise *noise,
                      int level, float chance, struct tilted_guess *guess);
/** The standings that are left, the higher with the log of how much likelier it is. Local. */
struct tilted_roots tilted_guess_roots(const struct tilted_guess *guess, double *lean);

#endif
