/**
 * receipt.json: what allocate promised, with the rows by reason; figures of few users hidden.
 */
#ifndef REMISE_JOBS_PUBLISH_RECEIPT_H
#define REMISE_JOBS_PUBLISH_RECEIPT_H

#include "jobs/publish_rows.h"
#include "jobs/run.h"

/**
 * Write the receipt of the rows.
 * Collective.
 * Levels and reasons given to fewer users than privacy.min_users have null in place of their rows
 * and spend, and are marked as suppressed.
 * Errors: ERR_IO choices.h5 holds no receipt; ERR_WRITE.
 */
enum status publish_receipt(const struct comm *comm, const struct run *run,
                            const struct publisher *publisher);

#endif
