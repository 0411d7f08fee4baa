/* Figures of few users in a comparison of tables. */
#include "jobs/diff_hide.h"

#include "jobs/suppress.h"

#include <string.h>

enum { CELLS = CELL_LEVELS * CELL_LEVELS };

/* ---- rows by kind ---- */

/* Both tables' numbers of rows are told: those of one are all kinds but the new, those of the other
 * all but the gone. */
static void hide_kinds(const struct diff_totals *totals, struct diff_hidden *hidden)
{
    static const enum diff_kind alone[] = {DIFF_NEW, DIFF_GONE};
    for (int pass = 0; pass < 2 * DIFF_KINDS; pass++) {
        int64_t users[DIFF_KINDS];
        enum diff_kind without = alone[pass % 2];
        for (int k = 0; k < DIFF_KINDS; k++) users[k] = totals->kind[k].users;
        bool out =
            hidden->kind[without] || (users[without] > 0 && users[without] < hidden->min_users);
        users[without] = 0;
        hidden->kind[without] = false;
        suppress_cells(users, DIFF_KINDS, hidden->min_users, hidden->kind);
        hidden->kind[without] = out;
    }
}

static void hide_causes(const struct diff_totals *totals, struct diff_hidden *hidden)
{
    for (int way = 0; way < 2; way++) {
        int64_t users[DIFF_CAUSE_COUNT];
        for (int c = 0; c < DIFF_CAUSE_COUNT; c++) {
            users[c] = totals->cause[c][way].users;
            hidden->cause[way][c] = hidden->kind[way == 0 ? DIFF_HIGHER : DIFF_LOWER];
        }
        suppress_cells(users, DIFF_CAUSE_COUNT, hidden->min_users, hidden->cause[way]);
    }
}

/* ---- what became what ---- */

struct grid {
    const struct diff *diff;
    int levels[2]; /* before, now */
    struct diff_hidden *hidden;
};

static enum diff_kind kind_at(const struct grid *grid, int before, int now)
{
    double was = grid->diff->header[0].problem.level[before],
           is = grid->diff->header[1].problem.level[now];
    return is == was ? DIFF_SAME : is > was ? DIFF_HIGHER : DIFF_LOWER;
}

/* Sums of the grid: by level before, by level now, and by kind. */
static int sums_of(const struct grid *grid)
{
    return grid->levels[0] + grid->levels[1] + DIFF_KINDS - DIFF_SAME;
}

static bool is_in(const struct grid *grid, int sum, int before, int now)
{
    if (sum < grid->levels[0]) return before == sum;
    sum -= grid->levels[0];
    if (sum < grid->levels[1]) return now == sum;
    return (int)kind_at(grid, before, now) == DIFF_SAME + sum - grid->levels[1];
}

/* Hides more where a cell of the sum is hidden alone; returns how many more. */
static int hide_sum(struct grid *grid, int sum)
{
    int64_t users[CELLS] = {0};
    bool hidden[CELLS] = {false}, *cell[CELLS];
    int cells = 0, more = 0;
    for (int i = 0; i < grid->levels[0]; i++)
        for (int j = 0; j < grid->levels[1]; j++) {
            if (!is_in(grid, sum, i, j)) continue;
            users[cells] = grid->diff->totals.level[i][j].users;
            cell[cells] = &grid->hidden->level[i][j];
            hidden[cells] = *cell[cells];
            cells++;
        }
    suppress_cells(users, cells, grid->hidden->min_users, hidden);
    for (int c = 0; c < cells; c++) {
        more += hidden[c] && !*cell[c];
        *cell[c] = hidden[c];
    }
    return more;
}

/* A kind with one cell hidden and no other to hide with it is hidden itself; and of a kind that is,
 * the cells may not add up to it. Returns how many more are hidden. */
static int match_kinds(struct grid *grid)
{
    int hidden[DIFF_KINDS] = {0}, more = 0;
    for (int i = 0; i < grid->levels[0]; i++)
        for (int j = 0; j < grid->levels[1]; j++) {
            enum diff_kind kind = kind_at(grid, i, j);
            bool *cell = &grid->hidden->level[i][j];
            bool hide = grid->hidden->kind[kind] && grid->diff->totals.level[i][j].users > 0;
            more += hide && !*cell;
            *cell = *cell || hide;
            hidden[kind] += *cell;
        }
    for (int k = DIFF_SAME; k < DIFF_KINDS; k++) {
        more += hidden[k] == 1 && !grid->hidden->kind[k];
        grid->hidden->kind[k] = grid->hidden->kind[k] || hidden[k] == 1;
    }
    return more;
}

static int hide_cells(struct grid *grid)
{
    int all = 0, more = 1;
    while (more > 0) {
        more = match_kinds(grid);
        for (int sum = 0; sum < sums_of(grid); sum++) more += hide_sum(grid, sum);
        all += more;
    }
    return all;
}

void diff_hide(const struct diff *diff, int64_t min_users, struct diff_hidden *hidden)
{
    struct grid grid = {
        diff, {diff->header[0].problem.levels, diff->header[1].problem.levels}, hidden};
    memset(hidden, 0, sizeof *hidden);
    hidden->min_users = min_users;
    do hide_kinds(&diff->totals, hidden);
    while (hide_cells(&grid) > 0);
    hide_causes(&diff->totals, hidden);
}
