/**
 * Fairness on the table itself: the mean discount, access to discounts or surplus of the rows of
 * each protected group, and the rule that any two of them differ by at most delta.
 *
 * The rule is one linear limit for each ordered pair of groups. Only pairs that a table without
 * them would break are added, and the problem solved again, until none is broken; pairs that share
 * no group stand side by side in one kind, so that any number of groups takes few kinds. The rows'
 * weights are rounded against the rule, so that the means of the published table keep it exactly.
 */
#ifndef REMISE_JOBS_FAIRNESS_H
#define REMISE_JOBS_FAIRNESS_H

#include "jobs/limit_groups.h"
#include "jobs/problem.h"

#include <jansson.h>

enum fairness_by { FAIR_DISCOUNT, FAIR_ACCESS, FAIR_SURPLUS };

struct fairness {
    bool known; /* the users have a group; else all that follows is empty */
    bool rule;  /* allocate.fairness.delta is given */
    enum fairness_by by;
    int decimals;  /* a unit of the measure is 10^-decimals */
    double delta;  /* as given */
    int64_t limit; /* delta in 10^-12 */
    int surplus;   /* place of the measure `surplus` of the problem, -1 where not needed */
    struct limit_groups groups;
    int64_t *rows;  /* [groups] of the table, over all ranks */
    int64_t *users; /* [groups] who have rows */
    int64_t min_users;
    int64_t *sum;     /* [groups] of the measure, of the table looked at last */
    int64_t *sum_off; /* [groups] of the table without the rule */
    int64_t objective_off;
    int64_t rounds; /* of pairs added */
};

/**
 * Count groups and rows. Collective.
 * fairness  out  the caller clears it with fairness_clear, also on failure
 * Errors: ERR_MEMORY.
 */
enum status fairness_open(const struct comm *comm, const struct run *run,
                          const struct dataset *dataset, const struct candidates *candidates,
                          const struct problem *problem, struct fairness *fairness);
/** Free; accepts a zeroed struct. Local. */
void fairness_clear(struct fairness *fairness);

/** Add up the measure by group for a choice of levels: into sum. Collective. */
void fairness_look(const struct comm *comm, const struct problem *problem, const uint8_t *level,
                   struct fairness *fairness);

/**
 * Add limits for pairs that the sums break, those furthest apart first, each group in one pair.
 *
 * Collective.
 * pairs  out  how many; 0: the rule holds
 * Memory: 8 bytes x slots x levels + 4 x slots.
 * Errors: ERR_NUMERIC there is no room for another kind of limits; ERR_MEMORY.
 */
enum status fairness_add_pairs(const struct comm *comm, struct problem *problem,
                               struct fairness *fairness, int64_t *pairs);

/** The means with and without the rule, for the receipt; NULL where there is no group. Local. */
json_t *fairness_json(const struct fairness *fairness, int64_t objective);

#endif
