/**
 * What one user chooses at given prices of the limits: the options of most worth that keep the
 * user's caps, exact. Part of algorithms/knapsack.h.
 *
 * Where the best options of all slots keep the caps, that is all. Else the user's caps get prices
 * of their own, which bound what can be had; a choice is made at them and mended; options that the
 * bound shows to be worth no more than that choice drop out; and what is left, mostly a few options
 * of a few slots, is gone through slot by slot, keeping of partial choices those that no other
 * beats in worth and in all caps.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_USER_H
#define REMISE_ALGORITHMS_KNAPSACK_USER_H

#include "algorithms/knapsack_point.h"

/* A choice for the slots gone through so far. */
struct knapsack_partial {
    int128 worth;
    int64_t used[KNAPSACK_CAPS];
    int32_t before; /* the one it comes from */
    uint8_t option;
};

enum knapsack_user_end {
    USER_FREE,       /* caps or none, the choice is the same */
    USER_BOUND,      /* the caps make it another one */
    USER_IMPOSSIBLE, /* no choice keeps the caps: proven */
    USER_LOST        /* none was found */
};

/* Room for one user after another. */
struct knapsack_user {
    const struct knapsack_cells *cells; /* not owned */
    uint32_t without;                   /* bit c: cap c does not count; 0 from the start */
    /* the user at hand */
    int64_t first, slots;              /* local row of its first slot */
    int options, caps;                 /* caps that count and that some choice would break */
    const int64_t *use[KNAPSACK_CAPS]; /* [slots][options], not owned */
    int64_t limit[KNAPSACK_CAPS];
    int number[KNAPSACK_CAPS];   /* of the cap among those of cells */
    int128 *worth;               /* [slots][options] in 2^-30 units of value */
    double *base, *net;          /* the same rounded; less what caps' prices make of it */
    uint32_t *allowed;           /* [slots] */
    double price[KNAPSACK_CAPS]; /* 2^-30 units of value per unit of use, a whole number */
    uint8_t *choice;             /* [slots] */
    bool exact; /* the choice is the best; else bound is above its worth, or may be */
    int128 bound;
    /* slot by slot */
    int64_t partial_room, width; /* in all; of a slot's */
    struct knapsack_partial *partial, *next;
    int64_t *open;  /* [slots] slots with more than one option left */
    int128 *ahead;  /* [slots + 1] of open slots: what can come at most */
    int64_t *least; /* [slots + 1][caps] what they use at least */
};

/** Room for the user with most slots. Local. Free with knapsack_user_clear. Errors: ERR_MEMORY. */
enum status knapsack_user_new(const struct knapsack_cells *cells, struct knapsack_user *u);
/** Free; accepts a zeroed struct. Local. */
void knapsack_user_clear(struct knapsack_user *u);

/**
 * Choose for a user: u->choice, its worth and u->bound, which is the worth itself where u->exact.
 * Local.
 * price  in   [limits] as in algorithms/knapsack_point.h
 * worth  out  of the choice in 2^-30 units of value; undefined where there is none
 * Cost: a pass over the user's cells; where caps bind some 10 more and a few partial choices. No
 *       more than 4096 partial choices a slot are kept: beyond, u->exact is false.
 */
enum knapsack_user_end knapsack_user_choose(struct knapsack_user *u, const int64_t *price,
                                            int64_t user, int128 *worth);

/* ---- steps of it ---- */

/** Prices of the caps that make the user's bound small: u->price and u->bound. Local. */
void knapsack_user_price(struct knapsack_user *u);

/** A choice near the prices that keeps the caps, if moves of single slots find one. Local. */
bool knapsack_user_guess(struct knapsack_user *u);

/** The best choice, given one that is known or none; false: there is none. Local. */
bool knapsack_user_search(struct knapsack_user *u, bool known);

/** Worth of u->choice in 2^-30 units of value, and what it uses. Local. used out [caps]. */
int128 knapsack_user_tally(const struct knapsack_user *u, int64_t *used);

/** Worth of a cell less what the caps' prices make of its use, exact. Local. */
int128 knapsack_user_net(const struct knapsack_user *u, int64_t slot, int option);

/**
 * The caps of this rank's users, as far as each alone tells, take options away.
 * allowed  inout  [rows_local]
 * Local. Errors: ERR_NUMERIC a user cannot keep a cap, named by its first slot.
 */
enum status knapsack_user_narrow(const struct knapsack_cells *cells, uint32_t *allowed);

#endif
