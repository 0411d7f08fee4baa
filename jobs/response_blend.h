/**
 * How much of a curve the structured member says and how much the network: weights found on the
 * rows that neither has learned from.
 *
 * a = wa a_structured + (1 - wa) a_network, log b = wb log b_structured + (1 - wb) log b_network.
 * With few rows held-out outcomes lean on the structured members, with many on what is nearer to
 * the truth.
 */
#ifndef REMISE_JOBS_RESPONSE_BLEND_H
#define REMISE_JOBS_RESPONSE_BLEND_H

#include "jobs/response_rows.h"

/* Curves of all rows by the members that have not learned from them. */
struct response_drawn {
    float *a, *b; /* [rows_local] */
};

/** Make room. Local. Free with response_drawn_clear. Errors: ERR_MEMORY. */
enum status response_drawn_init(int64_t rows, struct response_drawn *drawn);
/** Free; accepts a zeroed struct. Local. */
void response_drawn_clear(struct response_drawn *drawn);

/** Draw them by networks. Local. Errors: ERR_MEMORY. */
enum status response_draw_networks(const struct response_rows *rows,
                                   const struct response_ensemble *ensemble,
                                   struct response_drawn *drawn);
/** Likewise by the structured members. Local. Errors: ERR_MEMORY. */
enum status response_draw_structured(const struct response_rows *rows,
                                     const struct response_ensemble *ensemble,
                                     struct response_drawn *drawn);

/**
 * Find the weights, and mix. Collective.
 * rows        in      with one member only those of PART_VALIDATION are asked
 * structured  in
 * network     in out  becomes the mixture
 * ensemble    in out  blend: the weights, and the held-out loss of each and of the mixture
 * Cost: a pass with 121 likelihoods a row, of 200,000 rows at most.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC a curve is not finite; ERR_MEMORY.
 */
enum status response_blend_find(const struct comm *comm, const struct response_rows *rows,
                                const struct response_drawn *structured,
                                struct response_drawn *network, struct response_ensemble *ensemble);

#endif
