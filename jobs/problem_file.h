/**
 * Pieces that the file of an allocation problem is written and read by: short lists that all ranks
 * hold, and names of numbered columns. Parts of problem_write and problem_read.
 */
#ifndef REMISE_JOBS_PROBLEM_FILE_H
#define REMISE_JOBS_PROBLEM_FILE_H

#include "jobs/problem.h"

enum { PROBLEM_NAME_BYTES = 32 };

/** "cells/use_3". Local. room out [PROBLEM_NAME_BYTES], which is returned */
const char *problem_numbered(char *room, const char *name, int number);

/** Write `rows` rows that every rank has. Collective. Errors: those of store_write. */
enum status problem_write_small(const struct comm *comm, struct store *store, const char *name,
                                enum store_type type, const char *help, const void *data,
                                int64_t rows);

/**
 * Read all rows of a column of any length on every rank.
 * Collective. data_out out: where the pointer to them goes; new, freed by the caller, also on
 * failure. Errors: ERR_IO there is no such column; those of store_read; ERR_MEMORY.
 */
enum status problem_read_small(const struct comm *comm, const struct store *store, const char *name,
                               enum store_type type, void *data_out, int64_t *rows);

/** Write texts that every rank has. Collective. Errors: those of store_write; ERR_MEMORY. */
enum status problem_write_texts(const struct comm *comm, struct store *store, const char *name,
                                const char *help, char *const *text, int count);

/**
 * Read them.
 * Collective. text out [*count], at most KNAPSACK_KINDS, each new, freed by the caller, also on
 * failure. Errors: ERR_IO there are none or too many; those of store_read; ERR_MEMORY.
 */
enum status problem_read_texts(const struct comm *comm, const struct store *store, const char *name,
                               char **text, int *count);

/** Caps of users; nothing where there are none. Collective. Errors: as problem_write. */
enum status problem_write_caps(const struct comm *comm, struct store *store,
                               const struct problem *problem);

/** Caps of the users of some rows: users that lie on several ranks are cut. Collective. */
enum status problem_read_caps(const struct comm *comm, const struct store *store,
                              const struct blocks *rows, struct problem *problem);

#endif
