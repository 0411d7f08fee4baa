/**
 * choices.h5: the level chosen for every candidate of every user, the prices that certify it, the
 * receipt that goes with it, and the problem it solves (jobs/problem.h).
 */
#ifndef REMISE_JOBS_CHOICES_H
#define REMISE_JOBS_CHOICES_H

#include "jobs/problem.h"

struct choices {
    int64_t slots;
    uint8_t *level;                 /* [users_local][slots] */
    int64_t limits;                 /* numbered kind by kind, as in algorithms/knapsack.h */
    int64_t *price;                 /* [limits] units of value per 2^30 units of use */
    int64_t *used;                  /* [limits] units of the kind's measure */
    int64_t objective, upper_bound; /* 1/10,000 of the currency */
    char *receipt;                  /* JSON text, the same on every rank */
    uint8_t *solved;                /* [users_local][slots] level before exploration */
    double *propensity;             /* likewise: with which the level was chosen; NULL as is solved
                                       where there is no exploration: all are certain */
};

/**
 * Write the choices and the problem they solve.
 * Collective. blocks are those of the users. Errors: those of io/store.h.
 */
enum status choices_write(const struct comm *comm, const char *path, const struct blocks *blocks,
                          const struct problem *problem, const struct choices *choices);

/** Read the choices of the local users. Collective. Free with choices_clear. */
enum status choices_read(const struct comm *comm, const char *path, const struct blocks *blocks,
                         struct choices *choices);

/**
 * Read the problem of the local users from choices.h5.
 * Collective. problem out: the caller clears it with problem_clear, also on failure.
 */
enum status choices_read_problem(const struct comm *comm, const char *path,
                                 const struct blocks *blocks, int64_t slots,
                                 struct problem *problem);

/** Write what is known of limits, without levels and cells. Collective. Errors: of store_write. */
enum status choices_write_limits(const struct comm *comm, struct store *store,
                                 const struct choices *choices);
/** Read it; free with choices_clear, also on failure. Collective. Errors: of store_read. */
enum status choices_read_limits(const struct comm *comm, const struct store *store,
                                struct choices *choices);

/** Free; accepts a zeroed struct. Local. */
void choices_clear(struct choices *choices);

#endif
