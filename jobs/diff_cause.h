/**
 * Why a row has another discount than in an earlier table: exact, by choosing for it again with
 * only some of what changed.
 *
 * A row's choice follows from its cells (what each level is worth and uses, and which are allowed)
 * and the prices of the limits. With the old cells at the new prices, and with the new cells at the
 * old prices, it is told which of the two would have changed it alone. Limits are the same where
 * kind, group and unit have the same names. Where users have limits of their own a level is chosen
 * where the user's best choice of all rows has it: the rows of a user belong together, and count
 * as cells do, with their user's limits. All local.
 */
#ifndef REMISE_JOBS_DIFF_CAUSE_H
#define REMISE_JOBS_DIFF_CAUSE_H

#include "jobs/published.h"

/* name in JSON, sentence */
#define DIFF_CAUSES(X)                                                                        \
    X(FORBIDDEN, "forbidden", "its old discount is no longer allowed")                        \
    X(ALLOWED, "allowed", "its new discount was not allowed before")                          \
    X(EXPLORED, "explored", "drawn by chance, before or now")                                 \
    X(MOVED, "moved",                                                                         \
      "moved from what is best at the prices, before or now, so that limits hold, or to use " \
      "what was left")                                                                        \
    X(CAME, "limit_came", "a limit came that it did not have, and turned it")                 \
    X(WENT, "limit_went", "a limit went that had turned it")                                  \
    X(PRICES, "prices", "new prices of limits alone would have changed it")                   \
    X(CELLS, "cells",                                                                         \
      "its own new curve, price or cost alone would have changed it, or other limits of its " \
      "user's own, or what these leave it beside the user's other rows")                      \
    X(EITHER, "either", "new prices alone would have changed it, and so would its new cells") \
    X(BOTH, "both", "new prices and new cells together changed it, neither alone would have")

#define DIFF_CAUSE_ENUM(cause, name, text) DIFF_##cause,
/** Why two tables differ in a row: the names of DIFF_CAUSES. */
enum diff_cause { DIFF_CAUSES(DIFF_CAUSE_ENUM) DIFF_CAUSE_COUNT };
#undef DIFF_CAUSE_ENUM

/** As in the report; constant. */
const char *diff_cause_name(enum diff_cause cause);
/** In words; constant. */
const char *diff_cause_text(enum diff_cause cause);

/* Prices of a table's limits, [limits] each; and its limits of users. */
struct diff_prices {
    int64_t *own;
    int64_t *other; /* of the same limits in the other table; 0 where it has none */
    int64_t *kept;  /* own, but 0 of limits that the other table does not have */
    uint32_t alone; /* bit c: users' limit c, which the other table does not have */
};

/** Match the limits of two tables. Free with diff_prices_clear. Errors: ERR_MEMORY. */
enum status diff_prices_match(const struct published_rows *mine, const struct published_rows *other,
                              struct diff_prices *prices);
/** Free; accepts a zeroed struct. Local. */
void diff_prices_clear(struct diff_prices *prices);

/** The number of a limit in another table, -1: not there. */
int64_t diff_limit_find(const struct problem *problem, const struct problem *of, int kind,
                        int64_t group);

/* A row in one of the tables. */
struct diff_row {
    const struct published_rows *rows;
    const struct diff_prices *prices;
    int64_t row;
};

/**
 * Why the rows have different discounts; both are of one user and product, and stand among all rows
 * of the user. Errors: ERR_MEMORY.
 */
enum status diff_cause_find(const struct diff_row *before, const struct diff_row *now,
                            enum diff_cause *cause);

/** The discount of a row, as a fraction. */
double diff_discount(const struct diff_row *row);

#endif
