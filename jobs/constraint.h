/**
 * A limit as it is written on the command line: `cost_1 <= 1000`, `units >= 20`,
 * `spend <= 250.50 per category`.
 */
#ifndef REMISE_JOBS_CONSTRAINT_H
#define REMISE_JOBS_CONSTRAINT_H

#include "mpi/status.h"

#include <stdbool.h>

struct constraint {
    char *text;   /* as it was written */
    char *column; /* what is added up over the chosen options */
    bool at_least;
    double limit;
    char *per; /* a column: the limit holds for each of its values; NULL: in all */
};

/**
 * Read one. Local. Free with constraint_clear, also on failure.
 * Names with blanks or signs stand in double quotes.
 * Errors: ERR_USAGE with what is wrong and an example; ERR_MEMORY.
 */
enum status constraint_parse(const char *text, struct constraint *constraint);
/** Free; accepts a zeroed struct. Local. */
void constraint_clear(struct constraint *constraint);

#endif
