/**
 * Saved models: what `fit --model FILE` keeps and `apply FILE TABLE` brings to other rows.
 *
 * A model is an HDF5 file (io/store.h) with two things that all have in common, the note `kind` and
 * the texts `columns`, the names of its input columns in order; the rest belongs to its kind. The
 * table model_kinds says how each kind is read and applied; a kind lives in jobs/model_<kind>.c,
 * with a function of its own that saves it between model_create and store_commit.
 */
#ifndef REMISE_JOBS_MODELS_H
#define REMISE_JOBS_MODELS_H

#include "io/store.h"
#include "jobs/applied.h"
#include "jobs/fit_table.h"

/** Columns of a table as a model takes them; borrows the table. */
struct model_rows {
    const struct fit_table *table;
    const struct blocks *blocks; /* of the table */
    int64_t columns;
    int64_t *at;    /* [columns] their places in the table */
    bool *usable;   /* [rows_local] has a value where it needs one */
    double horizon; /* how far to look ahead, of `apply --horizon`; NaN: as the model says */
};

struct model_kind {
    const char *name; /* of the fit; the note `kind` */
    bool texts;       /* takes columns of texts, too */
    bool ids;         /* its columns hold ids */

    /* Read the model's own part on every rank; collective. model out: new, freed by `free` */
    enum status (*read)(const struct comm *comm, const struct store *store, void **model);

    /* Change rows->usable, which is true where no column lacks a value; local; NULL: leave it. */
    void (*settle)(struct model_rows *rows);

    /* Say something of every usable row, by applied_add; collective. The others keep NaN. */
    enum status (*apply)(const struct comm *comm, const void *model, const struct model_rows *rows,
                         struct applied *applied);

    void (*free)(void *model);
};

/** All kinds in alphabetical order, ended by NULL. */
extern const struct model_kind *const model_kinds[];

/** The kind of this name; ERR_DATA lists those there are. Local. */
enum status model_kind_find(const char *name, const struct model_kind **kind);

/**
 * Begin the file of a model: kind and columns. The caller writes its own part and ends it by
 * store_commit.
 *
 * Collective.
 * names  in   [columns] names of the input columns in the order of the fit
 * store  out  closed by store_commit or store_close
 * Errors: those of store_create.
 */
enum status model_create(const struct comm *comm, const char *path, const char *kind,
                         const char *const *names, int64_t columns, struct store **store);

/** Write one number. Collective. Errors: those of store_write. */
enum status model_write_number(const struct comm *comm, struct store *store, const char *name,
                               const char *unit, const char *help, double x);
/** Read one. Collective. Errors: those of store_read. */
enum status model_read_number(const struct comm *comm, const struct store *store, const char *name,
                              double *x);

/**
 * Find columns of a table for a model, and the rows that have them all.
 *
 * Collective.
 * texts  in   columns of texts are welcome
 * rows   out  cleared with model_rows_clear, also on failure
 * Errors: ERR_DATA a column is not there, or holds text and must not; ERR_MEMORY.
 */
enum status model_rows_take(const struct comm *comm, const struct fit_table *table,
                            const char *const *names, int64_t columns, bool texts,
                            struct model_rows *rows);
/** Free; accepts a zeroed struct. Local. */
void model_rows_clear(struct model_rows *rows);

/** Column j of the model in the table. Local. */
const struct table_column *model_rows_column(const struct model_rows *rows, int64_t j);

/**
 * Tell of the rows that are not usable; fail if there is no other.
 * Collective. Errors: ERR_DATA.
 */
enum status model_rows_tell(const struct comm *comm, const struct model_rows *rows);

/**
 * The numbers of all columns, row by row; 0 in rows that are not usable.
 * Local. x out: new [rows_local][columns], the caller frees it. Errors: ERR_MEMORY.
 */
enum status model_rows_numbers(const struct model_rows *rows, double **x);

#endif
