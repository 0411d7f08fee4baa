/**
 * What is known of a user's rows, for people and for machines. All local.
 */
#ifndef REMISE_JOBS_WHY_REPORT_H
#define REMISE_JOBS_WHY_REPORT_H

#include "jobs/why_facts.h"

#include <jansson.h>

enum { WHY_COVERAGE_PERCENT = 90, WHY_SENTENCE_BYTES = 1024, WHY_NAME_BYTES = 96 };

/** A page on the rows of one product, or of all (NULL). Errors: ERR_MEMORY, ERR_NO_INPUT. */
enum status why_print_text(const struct why *why, const char *product, FILE *file);
/** The same as JSON. */
enum status why_print_json(const struct why *why, const char *product, FILE *file);

/**
 * For machines that check: a JSON object a line for every row of a table, in its order: `row`,
 * `level`, `runner_up` (null: none), `by`, and `reduced_cost` of each level against the best that
 * is allowed; worths in 2^-30 units of value, as texts of all digits. Reads the table piece by
 * piece.
 */
enum status why_print_all(const struct comm *comm, const char *folder, FILE *file);

/** Does the question ask for this row? */
bool why_asks(const struct why *why, const char *product, int64_t row);

/** Which rule of the shop forbids a level of a row; NULL: none is known to. */
const char *why_forbidden_by(const struct why *why, int64_t row, int level);

/* A measure as people read it: kept as a negative for limits of the form "at least", its sign is
 * turned back. */
struct why_measure {
    char name[WHY_NAME_BYTES];
    int sign;     /* -1: turned */
    int decimals; /* of its unit */
};
struct why_measure why_measure_shown(const struct problem_measure *measure);

/** Was the level of a row drawn by chance? */
bool why_explored(const struct why *why, int64_t row);

/** The verdict on a row, and the sentence that goes with it: text out [WHY_SENTENCE_BYTES]. */
void why_judge(const struct why *why, int64_t row, struct verdict *verdict, char *text);

#endif
