/**
 * The optimiser's curse: whoever takes what looks best takes what was judged too well. So what a
 * table promises is stated beside what past offers say of it that neither its curves nor its choice
 * have learned from.
 *
 * heldout.h5 has such offers, each with its outcome and the curve drawn as if it had never been
 * made. Weighted by the inverse of their propensities, they tell by how much curves are off, and
 * for whom (algorithms/transport.h): by the discount, the curve itself, what the user did with
 * product and category. That correction is carried over to the rows of the table, each at its own
 * discount. Standard errors are by users and hold what outcomes leave open.
 */
#ifndef REMISE_JOBS_CURSE_H
#define REMISE_JOBS_CURSE_H

#include "jobs/cells.h"

#include <jansson.h>

enum curse_sum { CURSE_PROFIT, CURSE_GAIN, CURSE_PURCHASES, CURSE_COST, CURSE_SUMS };

/* The table; borrowed. */
struct curse_table {
    const struct run *run;
    const struct blocks *users;
    const struct cell_maker *maker;
    const uint8_t *level;        /* [users_local][slots] */
    double promised[CURSE_SUMS]; /* currency, and purchases; the gain is profit above none */
};

/**
 * What the receipt says: for each sum promised, out_of_fold and std_error; or `reason`, where
 * nothing was held out that could tell.
 *
 * Collective.
 * json  out  new, on every rank
 * Cost: about ten passes over the rows of heldout.h5, one over the table.
 * Memory: about 80 bytes a row of heldout.h5.
 * Errors: those of heldout_read; ERR_MEMORY.
 * Same for any number of ranks.
 */
enum status curse_json(const struct comm *comm, const struct curse_table *table, json_t **json);

#endif
