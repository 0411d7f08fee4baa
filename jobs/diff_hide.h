/**
 * Which figures of a comparison are hidden, as they are of few users or as those would follow from
 * them.
 *
 * Figures that are told add up in many ways: rows by kind to the rows of either table, what became
 * what to the rows of a kind and to the levels of either receipt, causes to the rows of a kind. In
 * each of these sums no figure is hidden alone.
 */
#ifndef REMISE_JOBS_DIFF_HIDE_H
#define REMISE_JOBS_DIFF_HIDE_H

#include "jobs/diff_merge.h"

struct diff_hidden {
    int64_t min_users;
    bool kind[DIFF_KINDS], cause[2][DIFF_CAUSE_COUNT]; /* causes of higher, of lower discounts */
    bool level[CELL_LEVELS][CELL_LEVELS];              /* [before][now] */
};

/** Find them. Local. hidden out */
void diff_hide(const struct diff *diff, int64_t min_users, struct diff_hidden *hidden);

#endif
