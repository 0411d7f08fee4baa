/* One cap after the other: Newton's method between brackets on a convex function of one price. */
#include "algorithms/knapsack_local.h"

#include "algorithms/definite.h"
#include "algorithms/knapsack_exponential.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MOST = 60, SWEEPS_MOST = 8 };

#define DECREMENT_ENOUGH 1e-4 /* of the temperature: what another step would gain */
#define BARRED -1e300

enum status knapsack_local_new(const struct knapsack_cells *cells,
                               const struct knapsack_layout *layout, struct knapsack_local *local)
{
    enum status status = OK;
    int64_t most = 1;
    *local = (struct knapsack_local){.cells = cells, .layout = layout};
    for (int64_t u = 0; u < cells->users_local; u++)
        if (cells->user_start[u + 1] - cells->user_start[u] > most)
            most = cells->user_start[u + 1] - cells->user_start[u];
    TRY(memory_new(&local->worth, most * cells->options, sizeof *local->worth));
    TRY(memory_new(&local->net, most * cells->options, sizeof *local->net));
    TRY(memory_new(&local->chance, most * cells->options, sizeof *local->chance));
    for (int c = 0; c < cells->caps; c++)
        TRY(memory_new(&local->use[c], most * cells->options, sizeof *local->use[c]));
    TRY(memory_new(&local->with, layout->limits * KNAPSACK_CAPS, sizeof *local->with));
    TRY(memory_new(&local->touched, layout->limits, sizeof *local->touched));
    TRY(memory_new(&local->kind, layout->limits, 1));
    TRY(memory_new(&local->is_touched, layout->limits, sizeof *local->is_touched));
done:
    if (status != OK) knapsack_local_clear(local);
    return status;
}

void knapsack_local_clear(struct knapsack_local *local)
{
    free(local->worth);
    free(local->net);
    free(local->chance);
    for (int c = 0; c < KNAPSACK_CAPS; c++) free(local->use[c]);
    free(local->with);
    free(local->touched);
    free(local->kind);
    free(local->is_touched);
    *local = (struct knapsack_local){0};
}

/* ---- the user's own prices ---- */

static bool may(const struct knapsack_cells *cells, int64_t slot, int option)
{
    return cells->allowed == NULL || (cells->allowed[slot] >> option & 1) != 0;
}

static void load_worth(struct knapsack_local *l, const double *price, int64_t first)
{
    const struct knapsack_cells *cells = l->cells;
    for (int64_t s = 0; s < l->slots; s++) {
        int64_t from = (first + s) * cells->options;
        double *worth = l->worth + s * cells->options;
        for (int k = 0; k < cells->options; k++)
            worth[k] = may(cells, first + s, k) ? (double)cells->value[from + k] : BARRED;
        for (int d = 0; d < cells->kinds; d++) {
            const struct knapsack_kind *kind = &cells->kind[d];
            int64_t group = kind->group != NULL ? kind->group[first + s] : 0;
            double here = group >= 0 ? price[l->layout->first[d] + group] : 0.0;
            for (int k = 0; k < cells->options && here > 0.0; k++)
                worth[k] -= here * (double)kind->use[from + k];
        }
    }
}

/* Uses of a cap; whether some choice uses more than the limit. */
static bool load_use(struct knapsack_local *l, int64_t first, int cap, double limit)
{
    const struct knapsack_cells *cells = l->cells;
    const int64_t *from = cells->cap[cap].use + first * cells->options;
    double most = 0.0, reach = 1e-300, *use = l->use[cap];
    for (int64_t s = 0; s < l->slots; s++) {
        double highest = -INFINITY;
        for (int k = 0; k < cells->options; k++) {
            int64_t at = s * cells->options + k;
            use[at] = (double)from[at];
            if (may(cells, first + s, k) && use[at] > highest) highest = use[at];
            reach = fabs(use[at]) > reach ? fabs(use[at]) : reach;
        }
        most += highest;
    }
    l->reach[cap] = reach;
    return most > limit;
}

/* net = worth less what the prices of the other caps make of their uses */
static void load_net(struct knapsack_local *l, int cap, const double *own)
{
    int64_t count = l->slots * l->cells->options;
    memcpy(l->net, l->worth, (size_t)count * sizeof *l->net);
    for (int c = 0; c < l->cells->caps; c++)
        for (int64_t i = 0; c != cap && own[c] > 0.0 && i < count; i++)
            l->net[i] -= own[c] * l->use[c][i];
}

static VECTORISED void exponentials(double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) x[i] = knapsack_exponential(x[i]);
}

/* What the slots use of a cap at a price of it, and how that varies. */
static void expect(struct knapsack_local *l, int cap, double price, double *mean, double *variance)
{
    int options = l->cells->options;
    double inverse = 1.0 / l->temperature, *chance = l->chance;
    *mean = *variance = 0.0;
    for (int64_t s = 0; s < l->slots; s++) {
        double best = -INFINITY, *x = chance + s * options;
        const double *net = l->net + s * options, *use = l->use[cap] + s * options;
        for (int k = 0; k < options; k++) {
            x[k] = net[k] - price * use[k];
            best = x[k] > best ? x[k] : best;
        }
        for (int k = 0; k < options; k++) x[k] = (x[k] - best) * inverse;
    }
    exponentials(chance, l->slots * options);
    for (int64_t s = 0; s < l->slots; s++) {
        const double *x = chance + s * options, *use = l->use[cap] + s * options;
        double total = 0.0, first = 0.0, second = 0.0;
        for (int k = 0; k < options; k++) total += x[k], first += x[k] * use[k];
        first /= total;
        for (int k = 0; k < options; k++) second += x[k] * (use[k] - first) * (use[k] - first);
        *mean += first;
        *variance += second / total;
    }
}

/* Where the expected use meets the limit; 0 where it is below it without a price. */
static double find_price(struct knapsack_local *l, int cap, double limit, double start)
{
    double low = 0.0, high = INFINITY, price = start;
    for (int i = 0; i < STEPS_MOST; i++) {
        double mean, variance;
        expect(l, cap, price, &mean, &variance);
        double over = mean - limit;
        if (over <= 0.0 && price == 0.0) return 0.0;
        if (over > 0.0)
            low = price;
        else
            high = price;
        double step = over * l->temperature / variance; /* not finite where nothing varies */
        if (fabs(over) * fabs(step) <= DECREMENT_ENOUGH * l->temperature) return price;
        double next = price + step;
        if (isinf(high))
            next = fmin(next, 4.0 * price + 16.0 * l->temperature / l->reach[cap]);
        else if (!(next > low && next < high))
            next = low == 0.0 && next <= 0.0 && i < 2 ? 0.0 : 0.5 * (low + high);
        price = isfinite(next) ? next : 0.5 * (low + high);
    }
    return price;
}

void knapsack_local_price(struct knapsack_local *l, const double *price, int64_t user, double *own)
{
    const struct knapsack_cells *cells = l->cells;
    int64_t first = cells->user_start[user];
    bool again = true, binds[KNAPSACK_CAPS];
    l->slots = cells->user_start[user + 1] - first;
    load_worth(l, price, first);
    for (int c = 0; c < cells->caps; c++) {
        int64_t limit = cells->cap[c].limit[user];
        binds[c] = limit != KNAPSACK_FREE && load_use(l, first, c, (double)limit);
        if (!binds[c]) own[c] = 0.0;
    }
    for (int sweep = 0; sweep < SWEEPS_MOST && again; sweep++) {
        again = false;
        for (int c = 0; c < cells->caps; c++) {
            double before = own[c];
            if (!binds[c]) continue;
            load_net(l, c, own);
            own[c] = find_price(l, c, (double)cells->cap[c].limit[user], before);
            again = again || (cells->caps > 1 && own[c] != before);
        }
    }
}

/* ---- sums of a user ---- */

void knapsack_local_begin(struct knapsack_local *l)
{
    for (int64_t i = 0; i < l->touches; i++) {
        int64_t limit = l->touched[i];
        l->is_touched[limit] = false;
        memset(l->with + limit * KNAPSACK_CAPS, 0, KNAPSACK_CAPS * sizeof *l->with);
    }
    l->touches = 0;
    l->dual = l->entropy = 0.0;
    memset(l->own, 0, sizeof l->own);
}

bool knapsack_local_invert(const struct knapsack_local *l, const double *own,
                           double inverse[KNAPSACK_CAPS][KNAPSACK_CAPS])
{
    double a[KNAPSACK_CAPS * KNAPSACK_CAPS] = {0}, b[KNAPSACK_CAPS * KNAPSACK_CAPS];
    int caps = l->cells->caps, at[KNAPSACK_CAPS], count = 0;
    memset(inverse, 0, KNAPSACK_CAPS * sizeof *inverse);
    for (int c = 0; c < caps; c++)
        if (own[c] > 0.0 && l->own[c][c] > 0.0) at[count++] = c;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++)
            a[i * count + j] = l->own[at[i]][at[j]] * (i == j ? 1.0 + 1e-9 : 1.0);
    if (count == 0 || !definite_invert(a, count, count, b)) return false;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) inverse[at[i]][at[j]] = b[i * count + j];
    return true;
}

void knapsack_local_lean(const struct knapsack_local *l, int64_t limit,
                         double inverse[KNAPSACK_CAPS][KNAPSACK_CAPS], double *lean)
{
    const double *with = l->with + limit * KNAPSACK_CAPS;
    for (int c = 0; c < l->cells->caps; c++) {
        lean[c] = 0.0;
        for (int e = 0; e < l->cells->caps; e++) lean[c] += inverse[c][e] * with[e];
    }
}

double knapsack_local_part(const struct knapsack_local *l, int64_t limit, const double *lean)
{
    const double *with = l->with + limit * KNAPSACK_CAPS;
    double sum = 0.0;
    for (int c = 0; c < l->cells->caps; c++) sum += with[c] * lean[c];
    return sum;
}
