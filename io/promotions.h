/**
 * The shop's own promotions in `dataset.h5`: a discount on a product or on all products of a
 * category, from a moment to a moment, for everybody or for a market, segment or audience.
 *
 * They are few, as products are, and the same on every rank. jobs/running.h tells which of them run
 * at the moment of a table.
 */
#ifndef REMISE_IO_PROMOTIONS_H
#define REMISE_IO_PROMOTIONS_H

#include "io/store.h"
#include "partition/dictionary.h"

enum promotion_kind {
    PROMOTION_LIMITED_TIME,
    PROMOTION_COUPON,
    PROMOTION_MEMBERSHIP,
    PROMOTION_KINDS
};

struct promotion {
    int32_t product;    /* -1: all of the category */
    int32_t category;   /* -1: of a product */
    int32_t market;     /* row of promotions.market, -1: all */
    int32_t segment;    /* -1: all */
    int64_t start, end; /* seconds since 1970: runs from start until before end */
    double discount;    /* fraction in [0, 1) */
    int32_t audience;   /* row of promotions.audience, -1: all */
    uint8_t kind;       /* enum promotion_kind */
    uint8_t padding[3];
};

struct promotions {
    int64_t count;
    struct promotion *promotion; /* [count] in the order of the table */
    struct dictionary market;    /* names in order; none where no promotion names one */
    struct dictionary audience;  /* values of the attribute promotions.audience; likewise */
};

/** "limited-time", "coupon" or "membership". Local. */
const char *promotion_kind_name(enum promotion_kind kind);

/**
 * Write them; nothing where there are none.
 * Collective; the same on every rank. Errors: those of store_write.
 */
enum status promotions_write(const struct comm *comm, struct store *store,
                             const struct promotions *promotions);

/**
 * Read them; none where the file has none.
 * Collective; every rank gets all.
 * promotions  out  free with promotions_clear, also on failure
 * Errors: those of store_read; ERR_MEMORY.
 */
enum status promotions_read(const struct comm *comm, struct store *store,
                            struct promotions *promotions);

/** Free what the struct holds and zero it. Local. */
void promotions_clear(struct promotions *promotions);

#endif
