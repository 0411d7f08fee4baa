/**
 * Past offers as rows of a correction: their columns, and weights by which they stand for the table
 * (jobs/curse.h).
 */
#ifndef REMISE_JOBS_CURSE_ROWS_H
#define REMISE_JOBS_CURSE_ROWS_H

#include "algorithms/logistic.h"
#include "jobs/curves.h"
#include "jobs/heldout.h"

/* Discounts by whole percents. */
enum { CURSE_LEVELS = 101 };

enum curse_column {
    CURSE_ONE,
    CURSE_NO_DISCOUNT,
    CURSE_DISCOUNT,
    CURSE_SLOPE, /* b times the dose: slopes are too steep, or not enough */
    CURSE_A,
    CURSE_KNOWN,
    CURSE_A_OF_KNOWN,
    CURSE_BOUGHT,
    CURSE_BROWSED,
    CURSE_CATEGORY_BOUGHT,
    CURSE_CATEGORY_BROWSED,
    CURSE_ALL_BOUGHT,
    CURSE_ALL_BROWSED,
    CURSE_POPULAR,
    CURSE_COLUMNS
};

/* A row, as offer or as part of the table. */
struct curse_row {
    int64_t user; /* local */
    double a, b, discount;
    const uint8_t *trait; /* [TRAITS] */
    int64_t purchases;    /* of the product */
};

struct curse_rows {
    struct blocks blocks;                          /* rows by user, heldout->slots each */
    const struct heldout *source;                  /* not owned */
    const struct curves *curves;                   /* not owned; for the shape of the dose */
    float *y, *weight;                             /* [rows_local] */
    uint8_t *skip;                                 /* [rows_local] no offer */
    double mean[CURSE_COLUMNS], sd[CURSE_COLUMNS]; /* of the columns; sd 0: constant */
    int64_t offers, bought;                        /* over all ranks */
    int64_t estimated; /* of these, whose propensity is estimated: the share of their discount
                          among those who are as likely to buy */
    int levels;        /* different discounts among them */
    double deepest;
    double worth; /* of how many even ones */
};

/**
 * Make the rows.
 *
 * Collective.
 * table  in   [CURSE_LEVELS] rows of the table at each discount, over all ranks
 * rows   out  the caller clears it with curse_rows_clear, also on failure
 * Errors: ERR_MEMORY; ERR_NUMERIC a curve is not finite.
 */
enum status curse_rows_make(const struct comm *comm, const struct blocks *users,
                            const struct heldout *source, const struct curves *curves,
                            const int64_t *table, struct curse_rows *rows);
/** Free; accepts a zeroed struct. Local. */
void curse_rows_clear(struct curse_rows *rows);

/** x[CURSE_COLUMNS] of a row; returns its log odds as forecast. Local. */
double curse_columns(const struct curse_rows *rows, const struct curse_row *row, double *x);

/** A logistic_row, of a struct curse_rows. */
double curse_rows_columns(const void *context, int64_t i, double *x);

/** The bin of a discount. Local. */
int curse_level(double discount);

#endif
