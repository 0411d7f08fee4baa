/**
 * The table of `remise fit dml`: outcome, treatment, controls, groups, terms and clusters of the
 * rows that have them all.
 *
 * A row without a value in a column of outcome, treatment, groups, effects or cluster is left out;
 * controls may be missing. Columns that groups or effects depend on are controls, too: otherwise
 * their own part in the outcome would be taken for an effect.
 */
#ifndef REMISE_JOBS_FIT_DML_DATA_H
#define REMISE_JOBS_FIT_DML_DATA_H

#include "algorithms/double_ml.h"
#include "jobs/fit_table.h"
#include "jobs/formula_design.h"
#include "jobs/formula_rows.h"

struct fit_dml_source {
    const char *path;
    const char *outcome, *treatment; /* expressions */
    const char *group_by;            /* an expression or a column; NULL */
    const char *effects;             /* terms of a formula; NULL */
    const char *cluster;             /* a column; NULL */
    char **controls;                 /* [controls_count] names */
    int64_t controls_count;
    bool all;                 /* every column that is not named otherwise is a control */
    bool lines_only;          /* nuisances are by least squares alone */
    struct formula *formula;  /* outcome ~ I(treatment) + C(group_by); made by fit_dml_parse */
    struct formula *modifier; /* outcome ~ effects; NULL without */
};

struct fit_dml_data {
    struct fit_table in;
    struct formula_rows rows;     /* the complete ones, and their blocks */
    bool *varies;                 /* [table columns] has two values in the complete rows */
    int64_t columns;              /* controls */
    int64_t *source;              /* [columns] places in the table */
    int64_t *levels;              /* [columns] of texts, 0 of numbers */
    float *x;                     /* [rows][columns] */
    double *outcome, *treatment;  /* [rows] */
    int64_t *cluster;             /* [rows] or NULL */
    struct formula_levels groups; /* count 0 without */
    struct formula_design *terms; /* NULL without */
    int64_t left_out;
};

/**
 * Make the formulas from what was said on the command line. Local.
 * Errors: ERR_USAGE with the remedy; ERR_MEMORY.
 */
enum status fit_dml_parse(struct fit_dml_source *source);
/** Free what fit_dml_parse made, and the names; accepts a zeroed struct. Local. */
void fit_dml_source_clear(struct fit_dml_source *source);

/**
 * Read the table.
 * Collective. Clear with fit_dml_data_clear, also on failure.
 * Controls without two values, or with a text for nearly every row, are left out and warned of.
 * Errors: ERR_DATA a column is missing, text where numbers must stand, a value is not finite, there
 *         is a single cluster, or groups have less than two rows each;
 *         ERR_NO_INPUT; ERR_MEMORY.
 */
enum status fit_dml_data_read(const struct comm *comm, const struct fit_dml_source *source,
                              struct fit_dml_data *data);
/** Free; accepts a zeroed struct. Local. */
void fit_dml_data_clear(struct fit_dml_data *data);

/** The terms of the effect as columns; *term is new, the caller frees it. Local. */
enum status fit_dml_terms(const struct fit_dml_data *data, double **term);

/** Name of control j; borrowed. Local. */
const char *fit_dml_control(const struct fit_dml_data *data, int64_t j);

#endif
