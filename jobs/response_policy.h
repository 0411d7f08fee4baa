/**
 * What past offers tell of the user by the chance with which they were given.
 *
 * Whoever chose the discounts of the past knew something: a policy that gives deeper discounts to
 * some users than to others ranks them, and the propensity of each offer tells where the user
 * stands. As a model of any such policy, levels k of discount d[k] are given with chances
 *
 *     p(k | s) = m[k] exp(s z[k]) / sum over j of m[j] exp(s z[j])
 *
 * where m is how often each level was given to anybody and z the standardised discount; s is the
 * standing. A propensity fits one standing at the shallowest and deepest level, and up to two in
 * between: then the one nearer to what the user's other offers say, those of the category first.
 * What a standing means for the chance of buying is for the network to learn.
 */
#ifndef REMISE_JOBS_RESPONSE_POLICY_H
#define REMISE_JOBS_RESPONSE_POLICY_H

#include "io/dataset.h"

/* By offer of this rank. */
struct response_policy {
    float *standing; /* within -RESPONSE_STANDING .. RESPONSE_STANDING */
    float *weight;   /* 0 no propensity, 1 a standing without doubt */
    double usual;    /* mean of those without doubt */
};

#define RESPONSE_STANDING 4.0

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
