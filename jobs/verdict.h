/**
 * Why a row of the table has its level: what decided, which level came next, and by how much, exact
 * at the prices of the limits.
 */
#ifndef REMISE_JOBS_VERDICT_H
#define REMISE_JOBS_VERDICT_H

#include "jobs/problem.h"
#include "jobs/reduced_cost.h"

enum verdict_end {
    VERDICT_GAIN,      /* a discount, and no allowed level is worth more at the prices */
    VERDICT_NO_GAIN,   /* no discount adds to the objective */
    VERDICT_FORBIDDEN, /* one would, but none that is allowed */
    VERDICT_LIMIT,     /* one would, but less than what it uses of a limit is worth elsewhere */
    VERDICT_USER,      /* another level is worth more for itself, but with it the user's rows would
                          break one of the user's own limits */
    VERDICT_MOVED      /* another level is worth more at the prices: moved from it so that all
                          limits hold, or to use what was left of them */
};

struct verdict {
    enum verdict_end end;
    int rival;                /* the best other allowed level at the prices; -1: there is none */
    int wanted;               /* FORBIDDEN, LIMIT: the level that would add; else -1 */
    int kind;                 /* LIMIT: of the limit that takes most of what `wanted` adds; MOVED:
                                 of the one kept or used up; else -1 */
    int cap;                  /* USER: the user's limit that stands against the rival; else -1 */
    bool weighed;             /* USER: what follows is known, after verdict_weigh */
    wide_int loss;            /* USER: by how much the user's best rows in all are worth more than
                                 the best with the rival here */
    bool keeps;               /* MOVED: to keep the limit, not to use it up */
    struct reduced_cost cost; /* of the chosen level against the rival; zero without one */
};

/**
 * Judge a row. Local.
 * chosen  in  its level, allowed
 * level   in  [rows] of all rows, of whole users; NULL: users' own limits are not looked at
 * A level that is behind by less than half of a smallest unit of value counts as equal: the prices
 * are rounded to 2^-30.
 */
void verdict_find(const struct problem *problem, const int64_t *price, int64_t slot, int chosen,
                  const uint8_t *level, struct verdict *verdict);

/**
 * Work out what a level that a user's own limit stands against would cost the user's rows: weighed
 * and loss. Local. Cost: two searches for the user's best choice. Errors: ERR_MEMORY.
 */
enum status verdict_weigh(const struct problem *problem, const int64_t *price, int64_t slot,
                          struct verdict *verdict);

/**
 * The verdict as a sentence: "20 % beats 10 % by 0.3112: +1.8400 worth, -0.8976 budget at 1.36 per
 * currency". Local.
 * long_form  in   with the parts behind the colon
 * text       out  [bytes], ended by 0
 */
void verdict_sentence(const struct problem *problem, const int64_t *price, int64_t slot, int chosen,
                      const struct verdict *verdict, bool long_form, char *text, size_t bytes);

/** A level as text: "12.5 %". Local. text out [16] */
void verdict_level(const struct problem *problem, int level, char *text);

#endif
