/**
 * heldout.h5: past offers beside the curves that would be drawn of them by somebody who does not
 * know what came of them, and what is known of them and of candidates alike.
 *
 * A row is an offer that was shown, with its outcome. Its curve is drawn like that of a candidate,
 * but by the member of the ensemble that has not learned from the user, and with the user's own
 * effects from the user's other offers only (jobs/response_heldout.h). Traits are what tells
 * candidates from offers of the past, so that what outcomes say of such curves can be carried over
 * to the table (jobs/curse.h). Of a large shop each every-th user in the order of the pseudonyms is
 * taken, which is random.
 */
#ifndef REMISE_JOBS_HELDOUT_H
#define REMISE_JOBS_HELDOUT_H

#include "partition/blocks.h"

/* Counts end at 255. */
enum heldout_trait {
    TRAIT_KNOWN,            /* 1: another offer tells of the user in the category */
    TRAIT_BOUGHT,           /* the product, by the user, other than by offers */
    TRAIT_BROWSED,          /* likewise */
    TRAIT_CATEGORY_BOUGHT,  /* the category */
    TRAIT_CATEGORY_BROWSED, /* likewise */
    TRAIT_ALL_BOUGHT,       /* anything */
    TRAIT_ALL_BROWSED,
    TRAITS
};

struct heldout {
    int64_t every;      /* users: those whose number is a multiple of it */
    int64_t users;      /* of these on this rank */
    int64_t user_first; /* the first of them, local */
    int64_t slots;      /* offers of a user; 0: there are none to learn from */
    int64_t candidates; /* slots of the table */
    int64_t products;
    int32_t *product; /* [users][slots]; -1 no offer, as candidates have it */
    float *discount;
    float *propensity; /* of that discount, NaN where unknown */
    uint8_t *bought;
    float *a, *b;           /* the curve, as those of curves.h5 */
    uint8_t *trait;         /* [users][slots][TRAITS] */
    uint8_t *of_candidates; /* [users][candidates][TRAITS] */
    int64_t *purchases;     /* [products] of all users */
};

/**
 * Make room, with no offers. Local; every, slots, candidates and products are set. Free with
 * heldout_clear. Errors: ERR_MEMORY.
 */
enum status heldout_reserve(const struct blocks *users, struct heldout *heldout);

/** Write the file. Collective. Errors: those of io/store.h. */
enum status heldout_write(const struct comm *comm, const char *path, const struct heldout *heldout);
/**
 * Read it. Collective. Free with heldout_clear.
 * users  in  the blocks of all users
 * Errors: those of io/store.h.
 */
enum status heldout_read(const struct comm *comm, const char *path, const struct blocks *users,
                         struct heldout *heldout);

/** The blocks of the rows, those of their users. Local. Free with blocks_clear. */
enum status heldout_blocks(const struct blocks *users, const struct heldout *heldout,
                           struct blocks *blocks);

/** Free; accepts a zeroed struct. Local. */
void heldout_clear(struct heldout *heldout);

#endif
