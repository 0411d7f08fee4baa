/**
 * From the columns of a shop's own CSV file to the roles of a table, as the configuration maps
 * them.
 *
 * A role is a bare column (texts, times, numbers) or an expression over columns (numbers). The
 * mapping is opened once per file and then asked row by row.
 */
#ifndef REMISE_JOBS_MAPPING_H
#define REMISE_JOBS_MAPPING_H

#include "io/csv.h"
#include "jobs/config.h"
#include "jobs/expression.h"

enum { MAPPING_NAME_BYTES = 1024 };

enum mapping_result { MAPPING_VALUE, MAPPING_MISSING, MAPPING_BAD };

struct mapping_role {
    const char *name;              /* "unit_price" */
    struct expression *expression; /* NULL where the role is not mapped */
    int64_t column;                /* 0-based where it is a bare column, else -1 */
    int64_t used;                  /* columns the expression reads */
    int64_t *uses;                 /* [used] */
};

struct mapping {
    int64_t roles;
    struct mapping_role *role; /* [roles] in the order asked for */
    double *value;             /* [columns] work space */
    int64_t bad_column; /* after MAPPING_BAD or MAPPING_MISSING: the column at fault, or -1 */
};

/**
 * Compile the roles of a table. Local; the same result on every rank.
 * names    in   [roles] role names; those in front of `texts` must be bare columns
 * mapping  out  free with mapping_clear
 * Errors: ERR_CONFIG a column that the file does not have (naming those it has), or an expression
 *         where a column is needed.
 */
enum status mapping_open(const struct config *config, const char *table, const struct csv *csv,
                         const char *const *names, int64_t roles, int64_t texts,
                         struct mapping *mapping);
/** Free; accepts a zeroed struct. Local. */
void mapping_clear(struct mapping *mapping);

/** Is the role mapped? Local. */
bool mapping_has(const struct mapping *mapping, int64_t role);

/** The text of a bare-column role. Local. field out: borrowed from the row. */
enum mapping_result mapping_text(struct mapping *mapping, int64_t role, const struct csv_row *row,
                                 struct csv_field *field);

/**
 * mapping_text for what names something: MAPPING_BAD beyond MAPPING_NAME_BYTES, as every name takes
 * the room of the longest. Local.
 */
enum mapping_result mapping_name(struct mapping *mapping, int64_t role, const struct csv_row *row,
                                 struct csv_field *field);

/**
 * The value of a role; NAN unless MAPPING_VALUE. Infinite results (division by zero) are missing.
 * Local.
 */
enum mapping_result mapping_number(struct mapping *mapping, int64_t role, const struct csv_row *row,
                                   double *value);

/**
 * Yes or no: a number above 0 or not; or, in a bare column, yes, true, y, t or no, false, n, f in
 * any case. *value is set for MAPPING_VALUE only. Local.
 */
enum mapping_result mapping_flag(struct mapping *mapping, int64_t role, const struct csv_row *row,
                                 bool *value);

/**
 * The time of a bare-column role; MAPPING_BAD beyond the years 0000 to 9999 (milliseconds). Local.
 */
enum mapping_result mapping_time(struct mapping *mapping, int64_t role, const struct csv_row *row,
                                 int64_t *time);

#endif
