/**
 * Elasticities of users: what each one's own purchases say beside categories and segment, and what
 * is left of it once shrunk.
 */
#ifndef REMISE_JOBS_DEMAND_PEOPLE_H
#define REMISE_JOBS_DEMAND_PEOPLE_H

#include "jobs/demand_method.h"

/**
 * Estimate and shrink them.
 *
 * Collective.
 * demand  inout  category, segment and overall are read; people is made
 * Which weeks a user bought a product in, given how much in all, is compared with the shares that
 * category and segment expect: score S and information I of one step of Newton's method. So
 *     deviation = S / I,  std_error = sqrt(dispersion / I)
 * is shrunk toward the mean of its segment and of all (algorithms/shrink.h), and added to what the
 * user's mix of categories and segments makes. The posterior is cut off above zero.
 * Nothing but two numbers a user is kept, and only sums travel.
 * Errors: ERR_MEMORY.
 */
enum status demand_people_make(const struct comm *comm, const struct demand_sources *sources,
                               const struct demand_baseline *baseline, struct demand *demand);

#endif
