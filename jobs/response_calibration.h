/**
 * How far the response model may be believed: what its members say of users they have not learned
 * from against what these did, and the recalibration that makes up for it.
 *
 * Only the step that keeps the form of curves is taken, log odds shift + scale_a a + scale_b b d
 * (algorithms/calibration.h); what an isotonic map would gain on top of it is measured and told.
 * Users' own effects come after it. response.json has the figures.
 */
#ifndef REMISE_JOBS_RESPONSE_CALIBRATION_H
#define REMISE_JOBS_RESPONSE_CALIBRATION_H

#include "algorithms/calibration.h"
#include "jobs/response_rows.h"
#include "jobs/run.h"

/**
 * Judge and recalibrate by the rows whose part is PART_VALIDATION, and write response.json.
 *
 * Collective.
 * a, b      in      [rows_local] what a member says that has not learned from the row
 * ensemble  in out  calibration: found; it needs no clearing, as it holds no map
 * Memory: 20 bytes a row; 100 more up to two million rows over all ranks, beyond which the map is
 *         not measured.
 * Where all rows have one and the same discount, nothing is recalibrated.
 * Same bytes for any number of ranks.
 * Errors: ERR_MEMORY, ERR_NUMERIC, ERR_WRITE.
 */
enum status response_calibrate(const struct comm *comm, const struct run *run,
                               const struct response_rows *rows, const float *a, const float *b,
                               struct response_ensemble *ensemble);

/** Bytes of a row while it judges, of so many rows over all ranks. Local. */
int64_t response_calibration_row_bytes(int64_t rows_total);

#endif
