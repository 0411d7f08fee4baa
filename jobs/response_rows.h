/**
 * The rows the response network learns from: what was offered or seen, at which discount, and
 * whether it was bought.
 *
 * With an offers table a row is an offer that was shown, weighted by the inverse of its propensity
 * so that who got which discount no longer depends on who they are. Without one, a row is a week in
 * which a product was on sale at the discount then seen, bought or not: observational, and said so.
 * Rows lie in the blocks of their users.
 */
#ifndef REMISE_JOBS_RESPONSE_ROWS_H
#define REMISE_JOBS_RESPONSE_ROWS_H

#include "algorithms/network.h"
#include "jobs/candidates.h"
#include "jobs/response_ensemble.h"
#include "jobs/response_features.h"

struct response_rows {
    struct blocks blocks;
    int64_t columns, stride;
    float *x;        /* [rows_local][stride] */
    float *y;        /* 1 bought */
    float *discount; /* as a fraction */
    float *dose;     /* what it counts: itself, unless the response bends */
    int32_t *user;   /* local */
    float *weight;   /* mean about 1 */
    float *prior;    /* b that demand implies, 0 unknown */
    uint8_t *part;   /* enum network_part, by user */
    uint8_t *member; /* which member of the ensemble does not learn from it */
    bool observational;
    bool one_dose; /* the same for all rows: nothing tells a from b */
};

struct response_rows_options {
    double holdout;    /* share of the users kept out of training */
    int64_t negatives; /* weeks drawn for each purchase, and for each user's new candidates */
    int64_t rows_most; /* about; where there would be more, rows are of a part of the users */
    int members;       /* networks to train */
    uint64_t seed;
};

/**
 * Make the rows, of all users or, where those would be more than rows_most, of so many drawn at
 * random as have about rows_most. Collective.
 * candidates  in   of the local users; only used without offers
 * rows        out  free with response_rows_clear
 * Memory: 4 (columns + 6) + 2 bytes per row of this rank.
 * Errors: ERR_DATA nothing to learn from; ERR_MEMORY.
 */
enum status response_rows_make(const struct comm *comm, const struct response_context *context,
                               const struct candidates *candidates,
                               const struct response_rows_options *options,
                               struct response_rows *rows);
/**
 * Say what so many rows of this rank will take, with what the stage holds beside them and where
 * they are judged. Collective.
 */
void response_rows_say(const struct comm *comm, const struct response_context *context,
                       int64_t rows);

/**
 * Hold back the rows of one member; none where those are all. Collective. Members differ in what
 * they learn from.
 */
void response_rows_hold(const struct comm *comm, int member, struct response_rows *rows);

/** Free; accepts a zeroed struct. Local. */
void response_rows_clear(struct response_rows *rows);

#endif
