/**
 * What past offers tell of the user by the chance with which they were given.
 *
 * Whoever chose the discounts of the past knew something: a policy that gives deeper discounts to
 * some users than to others ranks them, and the propensity of each offer tells where the user
 * stands. As a model of any such policy, the chances of the levels are tilted by a standing along
 * the standardised discount (algorithms/tilted_policy.h); what they are tilted from, and which part
 * is given blindly, is found from users with several offers in a category. A propensity fits one
 * standing at the shallowest and deepest level, and up to two in between; several in a category
 * often leave one of these (algorithms/tilted_guess.h). Between two, what is believed goes by the
 * user's other categories and by how far standings spread, until the user's kind is known, which
 * tells more (jobs/response_classes.h).
 * What a standing means for the chance of buying is for the network to learn.
 */
#ifndef REMISE_JOBS_RESPONSE_POLICY_H
#define REMISE_JOBS_RESPONSE_POLICY_H

#include "io/dataset.h"

#include <math.h>

struct response_policy {
    /* by offer of this rank */
    float *low, *high; /* the standings that fit the user's offers in the category; equal where
                          there is one, NAN without a propensity */
    float *lean;       /* log of how much likelier the offers' chances make high than low */
    float *standing;   /* what is believed: within -TILT_STANDING .. TILT_STANDING */
    float *weight;     /* 0 no propensity, 1 a standing without doubt */
    /* of all */
    double usual;                        /* mean of those without doubt */
    double within, by_category, by_user; /* their variances: of a user's category, between them */
    double pull_category, pull_user;     /* weight, in offers, of the user's mean for a category's,
                                            of the usual for the user's */
};

/**
 * Work out the standings. Collective. Free with response_policy_clear.
 * Memory: 20 bytes per offer; 72 per category while it works.
 * Errors: ERR_MEMORY.
 */
enum status response_policy_make(const struct comm *comm, const struct dataset *dataset,
                                 struct response_policy *policy);
/** Whether an offer leaves two standings possible. Local. */
static inline bool response_policy_doubts(const struct response_policy *policy, int64_t o)
{
    return islessgreater(policy->low[o], policy->high[o]);
}
/** Believe that an offer's standing is the higher one with this chance. Local. */
void response_policy_believe(struct response_policy *policy, int64_t o, double high);
/** Free; accepts a zeroed struct. Local. */
void response_policy_clear(struct response_policy *policy);

#endif
