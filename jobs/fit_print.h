/**
 * The result of a fit on stdout.
 */
#ifndef REMISE_JOBS_FIT_PRINT_H
#define REMISE_JOBS_FIT_PRINT_H

#include "mpi/status.h"

#include <jansson.h>

/**
 * Print a result as JSON to stdout, numbers so that they read back the same; takes it over.
 * Local, on one rank. result NULL: there was no memory for it.
 * Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status fit_print(json_t *result);

/** The same with each number in the fewest digits that read back to it. */
enum status fit_print_shortest(json_t *result);

/** A number, null where it is not finite. Local. */
json_t *fit_number(double x);

#endif
