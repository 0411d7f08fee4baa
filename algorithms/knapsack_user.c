/* The quick test, a guess at the user's own prices, and the proof. */
#include "algorithms/knapsack_user.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PARTIALS_MOST = 1 << 18, WIDTH_MOST = 4096, WIDTH_LEAST = 64 };

enum status knapsack_user_new(const struct knapsack_cells *cells, struct knapsack_user *u)
{
    enum status status = OK;
    int64_t most = 1;
    *u = (struct knapsack_user){.cells = cells, .options = cells->options};
    for (int64_t i = 0; i < cells->users_local; i++) {
        int64_t slots = cells->user_start[i + 1] - cells->user_start[i];
        most = slots > most ? slots : most;
    }
    int64_t cell = most * cells->options;
    u->width = PARTIALS_MOST / most;
    u->width = u->width > WIDTH_MOST ? WIDTH_MOST : u->width < WIDTH_LEAST ? WIDTH_LEAST : u->width;
    u->partial_room = u->width * most + 1;
    TRY(memory_new(&u->worth, cell, sizeof *u->worth));
    TRY(memory_new(&u->base, cell, sizeof *u->base));
    TRY(memory_new(&u->net, cell, sizeof *u->net));
    TRY(memory_new(&u->allowed, most, sizeof *u->allowed));
    TRY(memory_new(&u->choice, most, 1));
    TRY(memory_room(&u->partial, u->partial_room, sizeof *u->partial));
    TRY(memory_room(&u->next, u->width * cells->options, sizeof *u->next));
    TRY(memory_new(&u->open, most, sizeof *u->open));
    TRY(memory_new(&u->ahead, most + 1, sizeof *u->ahead));
    TRY(memory_new(&u->least, (most + 1) * KNAPSACK_CAPS, sizeof *u->least));
done:
    if (status != OK) knapsack_user_clear(u);
    return status;
}

void knapsack_user_clear(struct knapsack_user *u)
{
    free(u->worth);
    free(u->base);
    free(u->net);
    free(u->allowed);
    free(u->choice);
    free(u->partial);
    free(u->next);
    free(u->open);
    free(u->ahead);
    free(u->least);
    *u = (struct knapsack_user){0};
}

/* ---- the user at hand ---- */

/* The least and the most that slots use of a cap. */
static void reach_of(const struct knapsack_user *u, const int64_t *use, int64_t *least,
                     int64_t *most)
{
    *least = *most = 0;
    for (int64_t s = 0; s < u->slots; s++) {
        int64_t low = INT64_MAX, high = INT64_MIN;
        for (uint32_t left = u->allowed[s]; left != 0; left &= left - 1) {
            int64_t x = use[s * u->options + __builtin_ctz(left)];
            low = x < low ? x : low;
            high = x > high ? x : high;
        }
        *least += low;
        *most += high;
    }
}

static uint32_t all_options(const struct knapsack_user *u)
{
    return UINT32_MAX >> (32 - u->options);
}

static void open_user(struct knapsack_user *u, const int64_t *price, int64_t user)
{
    const struct knapsack_cells *cells = u->cells;
    u->first = cells->user_start[user];
    u->slots = cells->user_start[user + 1] - u->first;
    for (int64_t s = 0; s < u->slots; s++) {
        u->allowed[s] = all_options(u);
        if (cells->allowed != NULL) u->allowed[s] &= cells->allowed[u->first + s];
        for (uint32_t left = u->allowed[s]; left != 0; left &= left - 1) {
            int k = __builtin_ctz(left);
            u->worth[s * u->options + k] = knapsack_exact_worth(cells, price, u->first + s, k);
        }
    }
}

/* Caps that some choice would break; false: every choice breaks one of them. */
static bool open_caps(struct knapsack_user *u, int64_t user)
{
    u->caps = 0;
    for (int c = 0; c < u->cells->caps; c++) {
        const int64_t *use = u->cells->cap[c].use + u->first * u->options;
        int64_t limit = u->cells->cap[c].limit[user], least, most;
        if (limit == KNAPSACK_FREE || (u->without >> c & 1) != 0) continue;
        reach_of(u, use, &least, &most);
        if (least > limit) return false;
        if (most <= limit) continue;
        u->use[u->caps] = use;
        u->limit[u->caps] = limit;
        u->number[u->caps++] = c;
    }
    return true;
}

static int128 choose_freely(struct knapsack_user *u)
{
    int128 total = 0;
    for (int64_t s = 0; s < u->slots; s++) {
        const int128 *worth = u->worth + s * u->options;
        int best = __builtin_ctz(u->allowed[s]);
        for (uint32_t left = u->allowed[s]; left != 0; left &= left - 1) {
            int k = __builtin_ctz(left);
            if (worth[k] > worth[best]) best = k;
        }
        u->choice[s] = (uint8_t)best;
        total += worth[best];
    }
    return total;
}

static bool keeps(const struct knapsack_user *u, const int64_t *used)
{
    for (int c = 0; c < u->caps; c++)
        if (used[c] > u->limit[c]) return false;
    return true;
}

int128 knapsack_user_tally(const struct knapsack_user *u, int64_t *used)
{
    int128 worth = 0;
    memset(used, 0, KNAPSACK_CAPS * sizeof *used);
    for (int64_t s = 0; s < u->slots; s++) {
        int64_t at = s * u->options + u->choice[s];
        worth += u->worth[at];
        for (int c = 0; c < u->caps; c++) used[c] += u->use[c][at];
    }
    return worth;
}

/* Whether an option is worth no more than another one that uses no more of any cap. */
static bool is_beaten(const struct knapsack_user *u, int64_t slot, int option)
{
    int64_t row = slot * u->options;
    for (uint32_t left = u->allowed[slot]; left != 0; left &= left - 1) {
        int k = __builtin_ctz(left);
        int128 more = u->worth[row + k] - u->worth[row + option];
        bool beats = k != option && (more > 0 || (more == 0 && k < option));
        for (int c = 0; c < u->caps; c++)
            beats = beats && u->use[c][row + k] <= u->use[c][row + option];
        if (beats) return true;
    }
    return false;
}

static void drop_beaten(struct knapsack_user *u)
{
    for (int64_t s = 0; s < u->slots; s++)
        for (uint32_t left = u->allowed[s]; left != 0; left &= left - 1)
            if (is_beaten(u, s, __builtin_ctz(left))) u->allowed[s] &= ~(left & -left);
}

enum knapsack_user_end knapsack_user_choose(struct knapsack_user *u, const int64_t *price,
                                            int64_t user, int128 *worth)
{
    int64_t used[KNAPSACK_CAPS];
    open_user(u, price, user);
    if (!open_caps(u, user)) return USER_IMPOSSIBLE;
    *worth = u->bound = choose_freely(u);
    u->exact = true;
    knapsack_user_tally(u, used);
    if (keeps(u, used)) return USER_FREE;
    drop_beaten(u);
    knapsack_user_price(u);
    bool known = knapsack_user_guess(u);
    if (!knapsack_user_search(u, known)) return u->exact ? USER_IMPOSSIBLE : USER_LOST;
    *worth = knapsack_user_tally(u, used);
    if (u->exact) u->bound = *worth;
    return USER_BOUND;
}

/* ---- a guess ---- */

/* What a move of a slot changes of the caps. */
static void change_of(const struct knapsack_user *u, int64_t slot, int from, int to,
                      int64_t *change)
{
    int64_t row = slot * u->options;
    for (int c = 0; c < u->caps; c++) change[c] = u->use[c][row + to] - u->use[c][row + from];
}

/* By how many limits it lessens what is beyond the caps. */
static double relief_of(const struct knapsack_user *u, const int64_t *used, const int64_t *change)
{
    double sum = 0.0;
    for (int c = 0; c < u->caps; c++) {
        double over = fmax((double)(used[c] - u->limit[c]), 0.0);
        double then = fmax((double)(used[c] + change[c] - u->limit[c]), 0.0);
        sum += (over - then) / fmax(1.0, fabs((double)u->limit[c]));
    }
    return sum;
}

static bool fits(const struct knapsack_user *u, const int64_t *used, const int64_t *change)
{
    for (int c = 0; c < u->caps; c++)
        if (change[c] > 0 && used[c] + change[c] > u->limit[c]) return false;
    return true;
}

/* How good a move is, 0: not at all. */
static double merit_of(const struct knapsack_user *u, const int64_t *used, bool mending,
                       int64_t slot, int to)
{
    int64_t row = slot * u->options, change[KNAPSACK_CAPS];
    int from = u->choice[slot];
    double gain = u->base[row + to] - u->base[row + from];
    change_of(u, slot, from, to, change);
    if (!mending) return fits(u, used, change) ? gain : 0.0;
    double relief = relief_of(u, used, change);
    return relief > 0.0 ? relief / (fmax(-gain, 0.0) + 1.0) : 0.0;
}

/* The best move of all is taken; false: none is any good. */
static bool move_one(struct knapsack_user *u, int64_t *used, bool mending)
{
    double best = 0.0;
    int64_t slot = -1, change[KNAPSACK_CAPS];
    int option = 0;
    for (int64_t s = 0; s < u->slots; s++)
        for (uint32_t left = u->allowed[s]; left != 0; left &= left - 1) {
            int k = __builtin_ctz(left);
            if (k == u->choice[s]) continue;
            double merit = merit_of(u, used, mending, s, k);
            if (merit <= best) continue;
            best = merit;
            slot = s;
            option = k;
        }
    if (slot < 0) return false;
    change_of(u, slot, u->choice[slot], option, change);
    for (int c = 0; c < u->caps; c++) used[c] += change[c];
    u->choice[slot] = (uint8_t)option;
    return true;
}

static void choose_net(struct knapsack_user *u)
{
    for (int64_t s = 0; s < u->slots; s++) {
        const double *net = u->net + s * u->options;
        int best = __builtin_ctz(u->allowed[s]);
        for (uint32_t left = u->allowed[s]; left != 0; left &= left - 1) {
            int k = __builtin_ctz(left);
            if (net[k] > net[best]) best = k;
        }
        u->choice[s] = (uint8_t)best;
    }
}

bool knapsack_user_guess(struct knapsack_user *u)
{
    int64_t used[KNAPSACK_CAPS], moves = 4 * u->slots;
    choose_net(u);
    knapsack_user_tally(u, used);
    while (!keeps(u, used))
        if (moves-- == 0 || !move_one(u, used, true)) return false;
    for (moves = 4 * u->slots; moves > 0 && move_one(u, used, false); moves--) continue;
    return true;
}

/* ---- options that no choice can have ---- */

static bool narrow_slot(const struct knapsack_user *u, const int64_t *use, int64_t slot,
                        int64_t room)
{
    bool any = false;
    int64_t low = INT64_MAX;
    for (int k = 0; k < u->options; k++)
        if ((u->allowed[slot] >> k & 1) != 0 && use[slot * u->options + k] < low)
            low = use[slot * u->options + k];
    for (int k = 0; k < u->options; k++) {
        if ((u->allowed[slot] >> k & 1) == 0 || use[slot * u->options + k] - low <= room) continue;
        u->allowed[slot] &= ~(UINT32_C(1) << k);
        any = true;
    }
    return any;
}

static enum status narrow_user(struct knapsack_user *u, int64_t user)
{
    bool again = true;
    u->first = u->cells->user_start[user];
    u->slots = u->cells->user_start[user + 1] - u->first;
    for (int64_t s = 0; s < u->slots; s++) u->allowed[s] &= all_options(u);
    while (again) {
        again = false;
        for (int c = 0; c < u->cells->caps; c++) {
            const int64_t *use = u->cells->cap[c].use + u->first * u->options;
            int64_t limit = u->cells->cap[c].limit[user], least, most;
            if (limit == KNAPSACK_FREE) continue;
            reach_of(u, use, &least, &most);
            if (least > limit)
                return FAIL(ERR_NUMERIC,
                            "no choice keeps all limits: the user of slot %lld uses at least %lld "
                            "of its cap %d, limit %lld",
                            (long long)(u->cells->blocks->row_first + u->first), (long long)least,
                            c, (long long)limit);
            for (int64_t s = 0; s < u->slots && most > limit; s++)
                again = narrow_slot(u, use, s, limit - least) || again;
        }
    }
    return OK;
}

enum status knapsack_user_narrow(const struct knapsack_cells *cells, uint32_t *allowed)
{
    enum status status = OK;
    struct knapsack_user u = {.cells = cells, .options = cells->options};
    for (int64_t i = 0; i < cells->users_local && status == OK; i++) {
        u.allowed = allowed + cells->user_start[i];
        status = narrow_user(&u, i);
    }
    return status;
}
