/**
 * The two halves of an iteration of algorithms/als.h, and the work space between them.
 *
 * Both halves are the same: rows of the other side stand in memory that the ranks of a node share,
 * and each rank solves the problems of its own users, or items, alone. Items' factors are always
 * there as a whole; users' factors are brought there panel by panel.
 */
#ifndef REMISE_ALGORITHMS_ALS_HALVES_H
#define REMISE_ALGORITHMS_ALS_HALVES_H

#include "algorithms/als_owners.h"
#include "algorithms/als_solver.h"
#include "algorithms/als_white.h"

enum { ALS_TILE = 64 }; /* members solved between two changes of coordinates */

struct als_halves {
    const struct als_data *data;
    const struct als_options *opt;
    struct als_model *model;
    struct als_terms terms;
    struct nodes nodes;
    struct als_owned owned;
    struct als_solver *solver;
    struct als_white white;    /* implicit */
    struct shared item_row;    /* implicit: [items][wide] halves of rows as als_white.h has them */
    struct shared user_row;    /* [panel_users][wide]; implicit: halves */
    int64_t panel_users;       /* the same at any number of ranks */
    float *tile;               /* [ALS_TILE][wide] */
    float *part;               /* [columns][wide] */
    struct als_normal *normal; /* [batch] where users come in several panels */
    int64_t batch;
    double *loss; /* [owned.count] of each item */
};

/**
 * Prepare, and make memory for the items of the model. Collective.
 * Cleared with als_halves_clear, also on failure.
 * Errors: ERR_MEMORY, ERR_ARG.
 */
enum status als_halves_init(const struct comm *comm, const struct als_data *data,
                            const struct als_options *opt, struct als_model *model,
                            struct als_halves *halves);
/** Collective; accepts a zeroed struct. */
void als_halves_clear(struct als_halves *halves);

/**
 * Factors of this rank's users, from those of all items. Collective.
 * Errors: ERR_MEMORY; ERR_NUMERIC factors are no longer finite.
 */
enum status als_solve_users(const struct comm *comm, struct als_halves *halves);
/** Factors of all items, from those of all users. Collective. Errors: as als_solve_users. */
enum status als_solve_items(const struct comm *comm, struct als_halves *halves);

/**
 * What is to be least, right after als_solve_items. Collective. Errors: ERR_MEMORY, ERR_NUMERIC.
 */
enum status als_loss(const struct comm *comm, const struct als_halves *halves, double *loss);

#endif
