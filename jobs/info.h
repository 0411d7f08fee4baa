/**
 * `remise info`: what a run folder, a version, or a file of this program holds; and the rows of one
 * user, found without reading the table. All local, without MPI.
 */
#ifndef REMISE_JOBS_INFO_H
#define REMISE_JOBS_INFO_H

#include "mpi/comm.h"

enum { INFO_PATH_BYTES = 4608 };

/** Print a run folder: its current version, and the stages that stand. Errors: ERR_NO_INPUT. */
enum status info_run(const char *folder);

/** Print data sets of HDF5, columns of CSV, or fields of JSON. Errors: those of the readers. */
enum status info_file(const char *path);

/**
 * Print the rows of one user as CSV, with the header, from folder/discounts.h5.
 * user    in  a pseudonym, or the shop's id
 * secret  in  path of the secret that makes one of the other; NULL: the user's own
 * Cost: some KiB of the file are read, whatever its size.
 * Errors: ERR_NO_INPUT no such user, no table, no secret; those of the readers.
 */
enum status info_user(const char *folder, const char *user, const char *secret);

#endif
