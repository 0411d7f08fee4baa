/**
 * Portraits of users made of products: how much of each attribute of products a user likes.
 *
 * A portrait is the mean of the vectors (algorithms/content.h) of the products the user dealt with,
 * weighted by how much each is liked; beside them stands, as so much liking more, what users of the
 * same attributes have in the mean, by least squares. So a user without a history has a portrait
 * too, that of the like, and where users have no attributes that of all.
 */
#ifndef REMISE_JOBS_CONTENT_PORTRAIT_H
#define REMISE_JOBS_CONTENT_PORTRAIT_H

#include "algorithms/content.h"
#include "jobs/portrait.h"

enum { CONTENT_PORTRAIT_USERS = 20000 }; /* that the usual portrait is learned from */

struct content_portrait {
    const struct content *content;   /* not owned */
    const struct portrait *portrait; /* of users' attributes; not owned */
    double half_life, smoothing;     /* days; liking that the usual portrait weighs */
    int64_t columns;                 /* of attributes, at least 1 */
    float *usual;                    /* [columns + 1][dimensions], the last the intercepts */
};

/**
 * Learn what is usual. Collective. Free with content_portrait_clear.
 * made  in   content, portrait, half_life and smoothing are set
 * Cost: one pass over some users' events, and a least squares fit of their attributes.
 * Same for any number of ranks.
 * Errors: ERR_DATA nobody liked anything; ERR_MEMORY.
 */
enum status content_portrait_make(const struct comm *comm, const struct scorer_data *data,
                                  struct content_portrait *made);
/** Free; accepts a zeroed struct. Local. */
void content_portrait_clear(struct content_portrait *made);

/* Who is painted: attributes as portrait_attributes has them, and products liked. */
struct sitter {
    const float *attribute; /* [columns] */
    int64_t count;
    const int32_t *product; /* [count] */
    const float *liking;    /* [count] >= 0 */
};

/** The portrait of a user. Local. to out [dimensions] */
void content_portrait_paint(const struct content_portrait *made, const struct sitter *sitter,
                            float *to);

#endif
