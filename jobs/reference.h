/**
 * The reference price of each product: the lowest one it was sold at in the days before the table,
 * which a discount that is announced must be below (Directive 98/6/EC, article 6a).
 *
 * Where a promotion of the shop runs already, they are the days before it began: its price is the
 * reduction that is announced, not what it is compared with.
 *
 * It is worked out once, by allocate, from the purchases of the data set, and kept in prices.h5 for
 * whoever looks at cells. docs/decisions/015-reference-price.md says what counts as a price to all.
 */
#ifndef REMISE_JOBS_REFERENCE_H
#define REMISE_JOBS_REFERENCE_H

#include "io/dataset.h"
#include "jobs/run.h"
#include "jobs/running.h"

struct reference {
    int64_t *cents;  /* [products] never above the list price */
    uint8_t *source; /* [products] enum reference_source */
};
enum reference_source { REFERENCE_LIST, REFERENCE_SOLD };

/**
 * The lowest price a unit of each product was sold at to all, on this rank, in cents.
 *
 * Local. The data set has its events and offers.
 * end      in   [products] seconds since 1970: purchases before it count
 * seconds  in   and after end - seconds, or at it
 * apart    in   promotions that were not for all (running_open_apart), NULL: none
 * lowest   out  [products] INT64_MAX where nothing was sold
 * A purchase of a user who redeemed an offer of the product with a discount, made that day or
 * within `seconds` before, counts at its price before discounts: what was taken off was his alone.
 * So does one at which a promotion ran for the user that was not for all.
 */
void reference_lowest(const struct dataset *dataset, const int64_t *end, int64_t seconds,
                      const struct running *apart, int64_t *lowest);

/**
 * Work out the reference prices of the run and write them to prices.h5.
 * Collective.
 * Memory: dataset_bytes of events and offers while it works, and 16 bytes a product.
 * Same bytes for any number of ranks.
 * Errors: those of dataset_read and of the store.
 */
enum status reference_make(const struct comm *comm, const struct run *run);

/**
 * Read them. Collective. reference out: free with reference_clear, also on failure.
 * Errors: those of the store; ERR_IO of another number of products.
 */
enum status reference_read(const struct comm *comm, const char *path, int64_t products,
                           struct reference *reference);
/** Free; accepts a zeroed struct. Local. */
void reference_clear(struct reference *reference);

#endif
