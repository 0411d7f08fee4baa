/**
 * Calibration as JSON: what `remise fit response` prints and response.json of a run holds.
 */
#ifndef REMISE_JOBS_RESPONSE_JSON_H
#define REMISE_JOBS_RESPONSE_JSON_H

#include "algorithms/calibration.h"
#include "algorithms/reliability.h"

#include <jansson.h>

/** Bins of a table: rows, predicted, observed, std_error. Local. NULL: no memory. */
json_t *response_reliability_json(const struct reliability_table *table);

/** Expected calibration error by level of the discount. Local. NULL: no memory. */
json_t *response_levels_json(const struct reliability *reliability);

/** What discounts act as; [] where each is itself. Local. NULL: no memory. */
json_t *response_shape_json(const struct dose_shape *shape);

/** Which steps of recalibration were taken, and what each gained. Local. NULL: no memory. */
json_t *response_calibration_json(const struct calibration *calibration,
                                  const struct calibration_check *check);

#endif
