/**
 * What scorers learn from: the shop as it was known at a moment.
 *
 * A scorer is judged by what happened after a moment, so that nothing it sees may come from later:
 * events, the users' portraits (features standardised), and the segments these put them in are all
 * made again from the events before. The same at the end of the tables is what the final scores are
 * made from. A scorer that has to hold something back itself makes earlier data of its data.
 */
#ifndef REMISE_JOBS_SCORER_DATA_H
#define REMISE_JOBS_SCORER_DATA_H

#include "io/dataset.h"
#include "jobs/run.h"

/* What stays the same whatever the moment. Borrowed by the data made from it. */
struct scorer_shop {
    const struct dataset *dataset; /* all events */
    uint8_t *offerable;            /* [products] 1: may be offered */
    uint64_t seed;
    const struct config *config; /* not owned */
    /* of the profile stage: */
    struct dictionary feature; /* names of the columns */
    int64_t segments;
    double *centroid;  /* [segments][feature.count] in standardised units */
    double *mean, *sd; /* [feature.count] */
};

struct scorer_data {
    const struct scorer_shop *shop; /* not owned */
    /* Users and products whole, of events those to learn from alone, in the order of time. */
    const struct dataset *dataset;
    struct dataset *owned; /* what `dataset` is, where it had to be made; NULL: the shop's */
    /* What came of each user and product that had to do with each other: */
    int64_t *start;   /* [users_local + 1] */
    int32_t *product; /* [start[users_local]] rising within a user */
    float *interest;  /* what the events are worth together: 1 a purchase, 0.4 a cart, 0.1 a click,
                          0.05 a view, -1 a return; may be negative */
    int32_t *bought;  /* purchases */
    int32_t *segment; /* [users_local] of the portrait */
    int64_t columns;  /* of the portrait */
    int64_t stride;   /* floats of a row, a multiple of VECTOR_FLOATS */
    float *portrait;  /* [users_local][stride] features in standard deviations, then 0 */
};

/**
 * Read what the profile stage found out, and say what may be offered.
 * Collective. Free with scorer_shop_clear.
 * dataset  in  borrowed; with events and users
 * Errors: those of store_read; ERR_DATA nothing may be offered; ERR_MEMORY.
 */
enum status scorer_shop_open(const struct comm *comm, const struct run *run,
                             const struct dataset *dataset, struct scorer_shop *shop);

/** Free; accepts a zeroed struct. Local. */
void scorer_shop_clear(struct scorer_shop *shop);

/**
 * The shop's data without events from the moment `before` on, and without those held back.
 *
 * Collective. Free with scorer_data_clear.
 * before  in  seconds since 1970; INT64_MAX: all
 * held    in  [events_local of the shop] 1: held back; NULL: none
 * Cost: one pass over the events. Memory: 12 bytes a pair and 150 a user; 26 an event that stays,
 *       unless all do; in between 200 a user for the features.
 * Same for any number of ranks. Errors: ERR_MEMORY; ERR_DATA no event is left.
 */
enum status scorer_data_make(const struct comm *comm, const struct scorer_shop *shop,
                             int64_t before, const uint8_t *held, struct scorer_data *data);

/** The same at an earlier moment; shares the shop of `data`. Collective. */
enum status scorer_data_earlier(const struct comm *comm, const struct scorer_data *data,
                                int64_t before, struct scorer_data *earlier);

/** What an event is worth as a sign of interest: 1 a purchase, see `interest`. Local. */
double scorer_worth(enum event_kind kind);

/** Has the user bought the product? Local, O(log pairs of the user). */
bool scorer_data_bought(const struct scorer_data *data, int64_t user, int32_t product);

/** Free; accepts a zeroed struct. Local. */
void scorer_data_clear(struct scorer_data *data);

#endif
