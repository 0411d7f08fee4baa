/**
 * Whether the response of all bends with the discount: curves drawn as straight in the log odds
 * are compared with what users did of whom the networks knew nothing.
 */
#ifndef REMISE_JOBS_RESPONSE_BEND_H
#define REMISE_JOBS_RESPONSE_BEND_H

#include "jobs/response_rows.h"

/**
 * Find the bend of the dose that outcomes ask for. Collective.
 * rows   in   their dose is the discount
 * a, b   in   [rows_local] of networks that have not learned from the row's user
 * shape  out  without knots where a straight line does as well
 * Cost: that of calibration_fit.
 * Same bits for any number of ranks.
 * Errors: those of calibration_fit.
 */
enum status response_bend_find(const struct comm *comm, const struct response_rows *rows,
                               const float *a, const float *b, struct dose_shape *shape);

/** Put the bent dose in the place of the discounts. Local. */
void response_bend_rows(const struct dose_shape *shape, struct response_rows *rows);

#endif
