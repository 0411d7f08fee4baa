/**
 * What the neural scorer knows of a user and a product: one row of numbers.
 *
 * What the scorers with panels say of the pair in the user's pool comes first, then the user's
 * portrait and attributes, the product's price, margin and popularity, and how much the user likes
 * the product and its category. Scores of factors take part, factors themselves do not: those of
 * another fit have other axes.
 */
#ifndef REMISE_JOBS_NEURAL_INPUTS_H
#define REMISE_JOBS_NEURAL_INPUTS_H

#include "jobs/portrait.h"

/* Of the shop at a moment. */
struct neural_view {
    const struct scorer_data *data;  /* not owned */
    const struct portrait *portrait; /* not owned */
    int64_t scored;                  /* numbers of the scorers */
    int64_t columns, stride;         /* of a row; floats, a multiple of VECTOR_FLOATS */
    float *product;                  /* [products][NEURAL_PRODUCT] */
};

enum { NEURAL_PRODUCT = 4 };

/**
 * Lay out rows and measure the products. Collective. Free with neural_view_clear.
 * Errors: ERR_MEMORY.
 */
enum status neural_view_make(const struct comm *comm, const struct scorer_data *data,
                             const struct portrait *portrait, int64_t scored,
                             struct neural_view *view);
/** Free; accepts a zeroed struct. Local. */
void neural_view_clear(struct neural_view *view);

/* Work space for one user at a time. */
struct neural_user {
    int64_t user;
    float *recent, *lasting; /* [longest] likings that fade fast, and slowly */
    float *category;         /* [categories] share of the lasting ones */
    float total;
};

/** Make work space. Local. Free with neural_user_clear. Errors: ERR_MEMORY. */
enum status neural_user_open(const struct neural_view *view, struct neural_user *at);
/** Free; accepts a zeroed struct. Local. */
void neural_user_clear(struct neural_user *at);

/** Look at a local user. Local. */
void neural_user_set(const struct neural_view *view, int64_t user, struct neural_user *at);

/**
 * The row for the user looked at and a product. Local.
 * scored  in   [view->scored] what the scorers say of the pair
 * x       out  [view->stride], finite
 */
void neural_row(const struct neural_view *view, const struct neural_user *at, int32_t product,
                const float *scored, float *x);

#endif
