/**
 * What past offers tell of the user by the chance with which they were given.
 *
 * Whoever chose the discounts of the past knew something: a policy that gives deeper discounts to
 * some users than to others ranks them, and the propensity of each offer tells where the user
 * stands. As a model of any such policy, the chances of the levels are tilted by a standing along
 * the standardised discount (algorithms/tilted_policy.h); what they are tilted from, and which part
 * is given blindly, is found from users with several offers in a category. A propensity fits one
 * standing at the shallowest and deepest level, and up to two in between: then the likelier one by
 * what the user's other offers say, those of the category first, and by how far standings spread.
 * What a standing means for the chance of buying is for the network to learn.
 */
#ifndef REMISE_JOBS_RESPONSE_POLICY_H
#define REMISE_JOBS_RESPONSE_POLICY_H

#include "io/dataset.h"

struct response_policy {
    /* by offer of this rank */
    float *standing; /* within -TILT_STANDING .. TILT_STANDING */
    float *weight;   /* 0 no propensity, 1 a standing without doubt */
    /* of all */
    double usual;                        /* mean of those without doubt */
    double within, by_category, by_user; /* their variances: of a user's category, between them */
    double pull_category, pull_user;     /* weight, in offers, of the user's mean for a category's,
                                            of the usual for the user's */
};

/**
 * Work out the standings. Collective. Free with response_policy_clear.
 * Memory: 8 bytes per offer; while it works 24 more for the offers of one user.
 * Errors: ERR_MEMORY.
 */
enum status response_policy_make(const struct comm *comm, const struct dataset *dataset,
                                 struct response_policy *policy);
/** Free; accepts a zeroed struct. Local. */
void response_policy_clear(struct response_policy *policy);

#endif
