/**
 * Returns taken off the purchases they belong to.
 *
 * Tables say who returned what and when, hardly ever which purchase it was. A return is matched
 * with the latest earlier purchases of the same user and product that have units left (last in,
 * first out): shops take goods back for some weeks only, so the latest is the most probable one,
 * and what remains of older purchases is then certain to have been kept. A purchase that is wholly
 * returned disappears, as does the return; of one returned in part the rest stays, with its share
 * of the amounts. Every row has one outcome, so rows add up: all = kept + netted + unmatched.
 */
#ifndef REMISE_JOBS_RETURNS_H
#define REMISE_JOBS_RETURNS_H

#include "jobs/shop_record.h"
#include "mpi/status.h"

enum return_outcome {
    RETURN_KEPT,     /* the row stays, maybe reduced */
    RETURN_NETTED,   /* a return that found a purchase, or a purchase wholly returned */
    RETURN_UNMATCHED /* a return without any earlier purchase that had units left: to be rejected */
};

/* Totals of one rank; all but the last three are counts of rows. */
struct returns_counts {
    int64_t returns_netted;    /* a unit or more was taken off a purchase */
    int64_t returns_partly;    /* of these: some units found no purchase */
    int64_t returns_unmatched; /* no unit did */
    int64_t purchases_netted;  /* wholly returned */
    int64_t purchases_reduced; /* kept with fewer units */
    int64_t netted_milli;      /* units taken off purchases */
    int64_t unmatched_milli;   /* units of returns that found no purchase, partly ones included */
    int64_t netted_paid_cents; /* what was paid for the units taken off */
};

/* What returns_net counts and works with; begin with RETURNS_NONE. */
struct returns {
    struct returns_counts counts;
    int64_t open_capacity;
    int64_t *open; /* [open_capacity] work space: purchases with units left, the latest last */
};

#define RETURNS_NONE ((struct returns){0})

/**
 * Net the returns of one user and product. Local.
 * rows     inout  [count] ascending in time; at equal times purchases count as earlier than returns
 *                 wherever they stand. Rows stay where they are; purchases may lose units, paid and
 *                 list amount, in proportion and exactly: what is left and what was taken add up.
 *                 Rows that are neither purchase nor return are kept, and so are purchases whose
 *                 quantity is not known (below 0); amounts below 0 are not known and stay so.
 * outcome  out    [count] enum return_outcome of each row
 * Returns that find some of their units are netted; the units that they did not find are counted in
 * unmatched_milli.
 * Cost: O(count).
 * Errors: ERR_MEMORY.
 */
enum status returns_net(struct returns *returns, struct event_record *rows, int64_t count,
                        uint8_t *outcome);

/** Free; accepts RETURNS_NONE. Local. */
void returns_clear(struct returns *returns);

#endif
