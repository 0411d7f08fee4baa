/**
 * What one option of a slot is worth more than another at the prices of limits, and of which parts
 * that is made: exact, in integers, from the cells and the prices alone.
 *
 * At prices an option is worth its value less price x use of each limit that its slot counts
 * against. Of two options the difference of the worths is the reduced cost: by so much the
 * Lagrangian changes, to the last digit, when one takes the place of the other. Worths are in
 * 2^-30 units of value, as prices are (KNAPSACK_PRICE_BITS). All local.
 */
#ifndef REMISE_JOBS_REDUCED_COST_H
#define REMISE_JOBS_REDUCED_COST_H

#include "algorithms/knapsack.h"

__extension__ typedef __int128 wide_int;

enum { REDUCED_COST_TEXT_BYTES = 48 };

/* What a limit has to do with it. */
struct reduced_term {
    int kind;        /* place among the kinds */
    int64_t limit;   /* number, as of prices */
    int64_t use;     /* that the option uses more, in units of the measure */
    wide_int amount; /* price x use, taken off the worth */
};

struct reduced_cost {
    int64_t value;  /* that the option has more */
    wide_int total; /* of worth: (value << 30) - sum of amounts */
    int terms;
    struct reduced_term term[KNAPSACK_KINDS]; /* limits with a price and a different use */
};

/** An option against another one of its slot; against -1: against none, with value and uses 0. */
void reduced_cost_between(const struct knapsack_cells *cells, const int64_t *price, int64_t slot,
                          int option, int against, struct reduced_cost *cost);

/** The allowed option of most worth but for `except`, the first of equals; -1: there is none. */
int reduced_cost_best(const struct knapsack_cells *cells, const int64_t *price, int64_t slot,
                      int except);

/** Worth in units of value, to the nearest; halves away from 0. */
int64_t reduced_cost_units(wide_int worth);

/** All digits of an integer. text out [REDUCED_COST_TEXT_BYTES], ended by 0. */
void reduced_cost_text(wide_int worth, char *text);

#endif
