/* Prices by halving, then levels row by row. */
#include "jobs/verify_best.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { HALVINGS = 28, DOUBLINGS = 6, SWEEPS = 3 };

#define NONE (-((verify_wide)1 << 120)) /* below any worth */
#define REACH ((verify_wide)1 << 100)   /* of price x use */

enum status verify_best_new(const struct problem *problem, int64_t rows, struct verify_best *best)
{
    enum status status = OK;
    int64_t cells = rows * problem->levels;
    *best = (struct verify_best){
        .rows = rows, .levels = problem->levels, .caps = problem->caps, .known = NONE};
    TRY(memory_new(&best->worth, cells, sizeof *best->worth));
    TRY(memory_new(&best->net, cells, sizeof *best->net));
    TRY(memory_new(&best->ahead, rows + 1, sizeof *best->ahead));
    TRY(memory_new(&best->least, (rows + 1) * problem->caps, sizeof *best->least));
    TRY(memory_new(&best->order, rows * (problem->levels + 1), sizeof *best->order));
done:
    return status;
}

void verify_best_clear(struct verify_best *best)
{
    free(best->worth);
    free(best->net);
    free(best->ahead);
    free(best->least);
    free(best->order);
    *best = (struct verify_best){0};
}

static bool may(const struct verify_best *b, int64_t row, int level)
{
    return (b->allowed[row] >> level & 1) != 0;
}

/* ---- prices ---- */

static verify_wide net_of(const struct verify_best *b, int64_t row, int level)
{
    int64_t at = row * b->levels + level;
    verify_wide net = b->worth[at];
    for (int c = 0; c < b->caps; c++) net -= b->price[c] * b->use[c][at];
    return net;
}

static int best_level(const struct verify_best *b, int64_t row, verify_wide *net)
{
    int best = -1;
    for (int k = 0; k < b->levels; k++) {
        if (!may(b, row, k)) continue;
        verify_wide here = net_of(b, row, k);
        if (best >= 0 && here <= *net) continue;
        best = k;
        *net = here;
    }
    return best;
}

/* Do the best levels at the prices use more of a limit than there is? */
static bool exceeds(const struct verify_best *b, int cap)
{
    int64_t used = 0;
    for (int64_t r = 0; r < b->count; r++) {
        verify_wide net = 0;
        used += b->use[cap][r * b->levels + best_level(b, r, &net)];
    }
    return used > b->limit[cap];
}

/* A price that makes up for the largest difference of worth, and the largest that can be counted
 * with. */
static verify_wide first_price(const struct verify_best *b, int cap, verify_wide *most)
{
    verify_wide spread = 0;
    int64_t largest = 1;
    for (int64_t r = 0; r < b->count; r++)
        for (int k = 0; k < b->levels; k++) {
            int64_t use = llabs(b->use[cap][r * b->levels + k]);
            verify_wide worth = b->worth[r * b->levels + k] - b->worth[r * b->levels];
            if (!may(b, r, k)) continue;
            spread = worth > spread ? worth : -worth > spread ? -worth : spread;
            largest = use > largest ? use : largest;
        }
    *most = REACH / largest;
    verify_wide first = 2 * (spread / largest) + 1;
    return first < *most ? first : *most;
}

/* The lowest price, nearly, at which the limit is kept. */
static void halve(struct verify_best *b, int cap)
{
    verify_wide most, low = 0, high = first_price(b, cap, &most);
    b->price[cap] = 0;
    if (!exceeds(b, cap)) return;
    b->price[cap] = high;
    for (int i = 0; i < DOUBLINGS && exceeds(b, cap); i++) {
        low = high;
        high = 8 * high < most ? 8 * high : most;
        b->price[cap] = high;
    }
    for (int i = 0; i < HALVINGS && high - low > 1; i++) {
        b->price[cap] = low + (high - low) / 2;
        *(exceeds(b, cap) ? &low : &high) = b->price[cap];
    }
    b->price[cap] = high;
}

/* ---- rows ---- */

/* Allowed levels by falling net, of equal ones the first first. */
static void sort_levels(struct verify_best *b, int64_t row)
{
    const verify_wide *net = b->net + row * b->levels;
    int8_t *order = b->order + row * (b->levels + 1);
    int count = 0;
    for (int k = 0; k < b->levels; k++) {
        int at = count;
        if (!may(b, row, k)) continue;
        for (; at > 0 && net[order[at - 1]] < net[k]; at--) order[at] = order[at - 1];
        order[at] = (int8_t)k;
        count++;
    }
    order[count] = -1;
}

static int64_t least_use(const struct verify_best *b, int cap, int64_t row)
{
    int64_t least = INT64_MAX;
    for (int k = 0; k < b->levels; k++)
        if (may(b, row, k) && b->use[cap][row * b->levels + k] < least)
            least = b->use[cap][row * b->levels + k];
    return least;
}

static void look_ahead(struct verify_best *b)
{
    int64_t n = b->count;
    b->ahead[n] = b->priced = 0;
    for (int c = 0; c < b->caps; c++) {
        b->least[c * (b->rows + 1) + n] = 0;
        b->priced += b->price[c] * b->limit[c];
    }
    for (int64_t r = n - 1; r >= 0; r--) {
        for (int k = 0; k < b->levels; k++) b->net[r * b->levels + k] = net_of(b, r, k);
        sort_levels(b, r);
        b->ahead[r] = b->ahead[r + 1] + b->net[r * b->levels + b->order[r * (b->levels + 1)]];
        for (int c = 0; c < b->caps; c++) {
            int64_t *least = b->least + c * (b->rows + 1) + r;
            least[0] = least[1] + least_use(b, c, r);
        }
    }
}

/* What is used with this level, and whether the rows after it can still keep the limits. */
static bool fits(const struct verify_best *b, int64_t row, int level, const int64_t *used,
                 int64_t *then)
{
    for (int c = 0; c < b->caps; c++) {
        then[c] = used[c] + b->use[c][row * b->levels + level];
        if (then[c] + b->least[c * (b->rows + 1) + row + 1] > b->limit[c]) return false;
    }
    return true;
}

/* All choices from a row on that may be worth more than what is known. net, worth: of the rows
 * before it */
static void search(struct verify_best *b, int64_t row, verify_wide net, verify_wide worth,
                   const int64_t *used)
{
    if (row == b->count) {
        if (worth > b->known) b->known = worth;
        return;
    }
    for (const int8_t *k = b->order + row * (b->levels + 1); *k >= 0; k++) {
        int64_t then[KNAPSACK_CAPS], at = row * b->levels + *k;
        verify_wide most = net + b->net[at] + b->ahead[row + 1] + b->priced;
        if (most <= b->known || b->steps >= VERIFY_BEST_STEPS) return;
        b->steps++;
        if (fits(b, row, *k, used, then))
            search(b, row + 1, net + b->net[at], worth + b->worth[at], then);
    }
}

/* ---- a user ---- */

static void open_user(struct verify_best *b, const struct problem *p, int64_t user)
{
    int64_t first = p->user_start[user];
    b->count = p->user_start[user + 1] - first;
    b->allowed = p->allowed + first;
    b->caps = 0;
    b->known = NONE;
    b->steps = 0;
    for (int c = 0; c < p->caps; c++) {
        if (p->cap[c].limit[user] == KNAPSACK_FREE) continue;
        b->use[b->caps] = p->measure[p->cap[c].measure].use + first * p->levels;
        b->price[b->caps] = 0;
        b->limit[b->caps++] = p->cap[c].limit[user];
    }
}

static void take_known(struct verify_best *b, const uint8_t *level)
{
    verify_wide worth = 0;
    int64_t used[KNAPSACK_CAPS] = {0};
    for (int64_t r = 0; r < b->count; r++) {
        if (level[r] >= b->levels || !may(b, r, level[r])) return;
        worth += b->worth[r * b->levels + level[r]];
        for (int c = 0; c < b->caps; c++) used[c] += b->use[c][r * b->levels + level[r]];
    }
    for (int c = 0; c < b->caps; c++)
        if (used[c] > b->limit[c]) return;
    b->known = worth;
}

static bool is_free(const struct verify_best *b)
{
    for (int c = 0; c < b->caps; c++)
        if (exceeds(b, c)) return false;
    return true;
}

void verify_best_find(struct verify_best *b, const struct problem *problem, int64_t user,
                      const uint8_t *level, verify_wide *most, verify_wide *known)
{
    const int64_t none[KNAPSACK_CAPS] = {0};
    open_user(b, problem, user);
    bool is_bound = !is_free(b);
    for (int sweep = 0; is_bound && sweep < (b->caps > 1 ? SWEEPS : 1); sweep++)
        for (int c = 0; c < b->caps; c++) halve(b, c);
    look_ahead(b);
    *most = *known = b->ahead[0] + b->priced;
    if (!is_bound) return;
    take_known(b, level);
    search(b, 0, 0, 0, none);
    *known = b->known;
    if (b->steps < VERIFY_BEST_STEPS) *most = b->known;
}
