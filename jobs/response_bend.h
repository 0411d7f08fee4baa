/**
 * Whether responses bend with the discount: curves drawn as straight in the log odds are compared
 * with what users did of whom the members knew nothing. There may be one shape for all, or one for
 * each kind of users (jobs/response_classes.h).
 */
#ifndef REMISE_JOBS_RESPONSE_BEND_H
#define REMISE_JOBS_RESPONSE_BEND_H

#include "jobs/response_rows.h"

/**
 * Find the bends of the dose that outcomes ask for. Collective.
 * rows    in   their dose is the discount
 * a, b    in   [rows_local] of members that have not learned from the row's user
 * shapes  out  none where a straight line does as well
 * Cost: those of calibration_fit and dose_kinds_fit, of 300,000 rows at most.
 * Same bits for any number of ranks.
 * Errors: those of these.
 */
enum status response_bend_find(const struct comm *comm, const struct response_rows *rows,
                               const struct response_classes *classes, const float *a,
                               const float *b, struct dose_shapes *shapes);

/**
 * Find the bends of kinds again, of the curves that members ended with: what a fit of members makes
 * of a bent dose follows the rows they learned from. Collective.
 * a, b    in     [rows_local] of members that have not learned from the row's user
 * shapes  inout  nothing is done where kinds have none of their own
 * Cost: that of dose_kinds_fit, of 300,000 rows at most.
 * Same bits for any number of ranks.
 * Errors: those of dose_kinds_fit.
 */
enum status response_bend_settle(const struct comm *comm, const struct response_rows *rows,
                                 const struct response_classes *classes, const float *a,
                                 const float *b, struct dose_shapes *shapes);

/** Put the bent dose in the place of the discounts. Local. */
void response_bend_rows(const struct dose_shapes *shapes, const struct response_classes *classes,
                        struct response_rows *rows);

#endif
