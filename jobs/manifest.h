/**
 * manifest.json: which version of a table it stands beside, what that was made from, with which
 * settings, and the digests of all of it.
 *
 * Times and the number of ranks stand here and in the log, and in no result file.
 */
#ifndef REMISE_JOBS_MANIFEST_H
#define REMISE_JOBS_MANIFEST_H

#include "jobs/versions.h"

#include <jansson.h>

/**
 * Write the manifest of the version that is being published (jobs/versions.h): SHA-256 of the
 * shop's tables, of the version's files and of what else the run folder holds of results, and the
 * settings.
 *
 * Collective; the ranks share the files among them.
 * id    out  [VERSION_ID_BYTES] the version's name, from the digests of its files alone
 * same  out  a version of this name stands, with files of the same digests
 * Errors: ERR_NO_INPUT or ERR_IO a file cannot be read, ERR_WRITE.
 */
enum status manifest_write(const struct comm *comm, const struct run *run, char *id, bool *same);

/** Write a JSON value to a file of a run, whole or not at all; releases the value. Local. */
enum status manifest_dump(json_t *value, const char *path);

/** A number of six digits for a report; null where it is not finite. Local. */
json_t *manifest_number(double x);

#endif
