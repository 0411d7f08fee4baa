/**
 * heldout.h5: what the response networks said of offers that they have not learned from, and what
 * came of them. By these the promise of a table is checked (jobs/curse.h).
 *
 * A row is an offer shown (or, without an offers table, a week on sale): the product, how much its
 * discount counts, and the curve drawn for it by the network that did not see its user. At most a
 * million rows, each k-th in the order of the users' pseudonyms; users are not told.
 */
#ifndef REMISE_JOBS_HELDOUT_H
#define REMISE_JOBS_HELDOUT_H

#include "jobs/response_rows.h"
#include "jobs/run.h"

struct heldout {
    struct blocks blocks;
    int32_t *product;
    float *a, *b; /* log odds are a + b dose */
    float *dose;
    float *bought; /* 1 or 0 */
    float *weight; /* mean about 1 */
};

/**
 * Write heldout.h5 of the run: of the rows whose part is PART_VALIDATION.
 *
 * Collective.
 * calibration  in   of the networks
 * a, b         in   [rows_local] by networks that have not learned from the row, as they are
 * Memory: 24 bytes a row kept.
 * Errors: ERR_MEMORY; those of io/store.h.
 * Same bytes for any number of ranks.
 */
enum status heldout_write(const struct comm *comm, const struct run *run,
                          const struct response_rows *rows, const struct calibration *calibration,
                          const float *a, const float *b);

/** Read it, cut by row number. Collective. Free with heldout_clear. Errors: those of io/store.h. */
enum status heldout_read(const struct comm *comm, const char *path, struct heldout *heldout);
/** Free; accepts a zeroed struct. Local. */
void heldout_clear(struct heldout *heldout);

#endif
