/**
 * choices.h5: the level chosen for every candidate of every user, and the receipt that goes with
 * it.
 */
#ifndef REMISE_JOBS_CHOICES_H
#define REMISE_JOBS_CHOICES_H

#include "partition/blocks.h"

struct choices {
    int64_t slots;
    uint8_t *level; /* [users_local][slots] */
    char *receipt;  /* JSON text, the same on every rank */
    double price;   /* dual price of the budget: value per unit of cost */
};

/** Write, read and free. Write and read are collective. Errors: those of io/store.h. */
enum status choices_write(const struct comm *comm, const char *path, const struct blocks *blocks,
                          const struct choices *choices);
/** Read the choices of the local users. Collective. Free with choices_clear. */
enum status choices_read(const struct comm *comm, const char *path, const struct blocks *blocks,
                         struct choices *choices);
/** Free; accepts a zeroed struct. Local. */
void choices_clear(struct choices *choices);

#endif
