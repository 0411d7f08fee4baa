/**
 * Items by what they are: each a sparse vector of its attributes, so that items are alike as far as
 * their attributes are, and a portrait made of items somebody liked tells how much of it any other
 * item has - also one that nobody has bought yet.
 *
 * An attribute is a field with dimensions of its own, in which an item has a vector of length 1, or
 * none where the attribute is missing:
 *   level   one of a few names: a dimension each, hashed with a sign if there are too many
 *   number  two of ten dimensions at quantiles of the field, by how near it lies to each, so that
 *           near numbers are alike whatever their scale
 *   text    the words it holds, hashed with a sign, rare ones heavier (inverse document frequency)
 * Everything is local: items are few beside users, and on every rank.
 */
#ifndef REMISE_ALGORITHMS_CONTENT_H
#define REMISE_ALGORITHMS_CONTENT_H

#include "mpi/status.h"

#include <stdint.h>

enum { CONTENT_FIELDS_MAX = 64, CONTENT_KNOTS = 10, CONTENT_BITS_MAX = 20, CONTENT_WORDS_MAX = 64 };

struct content_field {
    int64_t first, dimensions;  /* its run of all dimensions */
    double knot[CONTENT_KNOTS]; /* of a number: quantiles, rising; unused otherwise */
};

struct content {
    int64_t items, fields, dimensions;
    struct content_field *field; /* [fields] */
    int64_t *start;              /* [items * fields + 1] first entry of each item and field */
    int32_t *dimension;          /* [entries] rising within an item and field */
    float *value;                /* [entries] */
    int64_t capacity;            /* of entries, while fields are added */
};

/* A field as it is given: exactly one of the three. Borrowed. */
struct content_source {
    const int32_t *level; /* [items] -1 where missing */
    int64_t levels;
    const double *number;    /* [items] not finite where missing */
    const char *const *text; /* [items] NULL where missing */
};

/**
 * Make the vectors.
 *
 * Local.
 * source   in   [fields] at most CONTENT_FIELDS_MAX
 * bits     in   hashed fields have 2^bits dimensions, at most CONTENT_BITS_MAX
 * content  out  free with content_clear
 * A word is a run of letters, digits and bytes above 127 (UTF-8), capitals as small letters; of a
 * text the first CONTENT_WORDS_MAX distinct ones count.
 * Memory: 8 bytes for each entry (a level 1, a number 2, a text its words), 8 for each item and
 *         field; meanwhile 4 MiB.
 * Cost: one pass over the levels and numbers, two over the texts, a sort of each number.
 * Same bits on every rank.
 * Errors: ERR_ARG; ERR_MEMORY.
 * Source: Weinberger et al. 2009 (signed hashing); Sparck Jones 1972 (document frequency).
 */
enum status content_make(int64_t items, int64_t fields, const struct content_source *source,
                         int bits, struct content *content);
/** Free; accepts a zeroed struct. Local. */
void content_clear(struct content *content);

/** Add `weight` times an item to a portrait. Local. portrait inout [dimensions] */
void content_add(const struct content *content, int64_t item, double weight, float *portrait);

/**
 * How much of a portrait an item has, field by field: inner products. Local.
 * likeness  out  [fields] 0 where the item lacks the attribute
 */
void content_likeness(const struct content *content, int64_t item, const float *portrait,
                      float *likeness);

/**
 * The sum of all fields' likenesses, for all items. Local. Weigh the portrait's fields first.
 * score  out  [items]
 */
void content_score(const struct content *content, const float *portrait, float *score);

#endif
