/**
 * candidates.h5: the products that each user may be offered, best first, `slots` for every user.
 */
#ifndef REMISE_JOBS_CANDIDATES_H
#define REMISE_JOBS_CANDIDATES_H

#include "partition/blocks.h"

struct candidates {
    int64_t slots;
    int32_t *product; /* [users_local][slots]; -1 where there are fewer products than slots */
    float *score;     /* [users_local][slots] falling */
};

/** Write candidates of the users of `blocks`. Collective. Errors: those of store_write. */
enum status candidates_write(const struct comm *comm, const char *path, const struct blocks *blocks,
                             const struct candidates *candidates);

/** Read the candidates of the local users. Collective. Free with candidates_clear. */
enum status candidates_read(const struct comm *comm, const char *path, const struct blocks *blocks,
                            struct candidates *candidates);

/** Free; accepts a zeroed struct. Local. */
void candidates_clear(struct candidates *candidates);

#endif
