/* A sweep of weights, and the tables that none beats. */
#include "jobs/front.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PROFIT, REVENUE, SURPLUS, GOALS, PURCHASES = GOALS, SPEND, TOTALS };
enum { FINER_MOST = 3, KNOWN_MOST = 48 };

#define WEIGHT_LEAST 0.01 /* so that no goal is given away for nothing */

static const char *const total_name[TOTALS] = {"profit", "revenue", "surplus", "purchases",
                                               "spend"};
static const double total_unit[TOTALS] = {1e-4, 1e-4, 1e-4, 1e-6, 1e-4};

struct table {
    double weight[GOALS];
    int64_t total[TOTALS];
    double gap;
    bool chosen; /* the run's own */
    bool beaten;
};

/* Prices that were found for weights. */
struct known {
    double weight[GOALS];
    int64_t *price; /* [limits] */
};

struct front {
    struct what_if *w;
    const struct cell_maker *maker;
    int64_t *cell[TOTALS]; /* [rows][levels] of the slots looked at */
    int64_t base[TOTALS];  /* of the run's table there */
    int64_t whole[TOTALS]; /* of the run's table over all */
    struct table *table;
    int64_t count;
    struct known known[KNOWN_MOST]; /* the first ones, the corners among them */
    int knowns;
};

/* ---- totals ---- */

static void totals_of_level(const struct slot_cells *cells, int k, int64_t total[TOTALS])
{
    total[PROFIT] = cells->profit[k];
    total[REVENUE] = cells->revenue[k];
    total[SURPLUS] = cells->surplus[k];
    total[PURCHASES] = llround(1e6 * cells->chance[k]);
    total[SPEND] = cells->cost[k];
}

static enum status make_cells(struct front *front)
{
    enum status status = OK;
    struct slot_cells cells;
    int64_t total[TOTALS], rows = front->w->problem.blocks.rows_local;
    int levels = front->w->problem.levels;
    for (int t = 0; t < TOTALS; t++)
        TRY(memory_new(&front->cell[t], rows * levels, sizeof *front->cell[t]));
    for (int64_t i = 0; i < rows; i++) {
        cells_of_slot(front->maker, front->w->row[i], &cells);
        for (int k = 0; k < levels; k++) {
            totals_of_level(&cells, k, total);
            for (int t = 0; t < TOTALS; t++) front->cell[t][i * levels + k] = total[t];
        }
    }
done:
    return status;
}

static void add_up(const struct comm *comm, const struct front *front, const uint8_t *level,
                   int64_t total[TOTALS])
{
    const struct problem *problem = &front->w->problem;
    memset(total, 0, TOTALS * sizeof *total);
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        for (int t = 0; t < TOTALS; t++) total[t] += front->cell[t][i * problem->levels + level[i]];
    comm_sum_int64(comm, total, TOTALS);
}

static void add_up_whole(const struct comm *comm, struct front *front)
{
    struct slot_cells cells;
    int64_t total[TOTALS];
    for (int64_t i = 0; i < front->w->whole->blocks.rows_local; i++) {
        if (front->maker->candidates->product[i] < 0) continue;
        cells_of_slot(front->maker, i, &cells);
        totals_of_level(&cells, front->w->solved->level[i], total);
        for (int t = 0; t < TOTALS; t++) front->whole[t] += total[t];
    }
    comm_sum_int64(comm, front->whole, TOTALS);
}

/* ---- the sweep ---- */

static void set_values(struct front *front, const double weight[GOALS])
{
    struct problem *problem = &front->w->problem;
    for (int64_t c = 0; c < problem->blocks.rows_local * problem->levels; c++) {
        double value = 0.0;
        for (int g = 0; g < GOALS; g++) value += weight[g] * (double)front->cell[g][c];
        problem->value[c] = llround(value);
    }
}

/* ---- where prices begin ---- */

static double distance(const double *a, const double *b)
{
    double sum = 0.0;
    for (int g = 0; g < GOALS; g++) sum += (a[g] - b[g]) * (a[g] - b[g]);
    return sqrt(sum);
}

/* The part of the way from a to b that is nearest to c. */
static double part_of(const double *a, const double *b, const double *c)
{
    double along = 0.0, length = 0.0;
    for (int g = 0; g < GOALS; g++) {
        along += (b[g] - a[g]) * (c[g] - a[g]);
        length += (b[g] - a[g]) * (b[g] - a[g]);
    }
    return length > 0.0 ? fmin(fmax(along / length, 0.0), 1.0) : 0.0;
}

/* How far prices between those known for a and b may be from those for c: they bend with the square
 * of what lies between. */
static double doubt(const double *a, const double *b, const double *c, double part)
{
    double between[GOALS], apart = distance(a, b);
    for (int g = 0; g < GOALS; g++) between[g] = a[g] + part * (b[g] - a[g]);
    return distance(between, c) + 0.5 * part * (1.0 - part) * apart * apart;
}

/* Prices begin between those of two tables: the dual is convex in weights and prices together. */
static void begin_between(const struct front *front, const double *weight, int64_t *price)
{
    const struct known *from = NULL, *to = NULL;
    double best = INFINITY, part = 0.0;
    for (int i = 0; i < front->knowns; i++)
        for (int j = 0; j <= i; j++) {
            const double *a = front->known[i].weight, *b = front->known[j].weight;
            double here = part_of(a, b, weight), less = doubt(a, b, weight, here);
            if (less >= best) continue;
            best = less;
            part = here;
            from = &front->known[i];
            to = &front->known[j];
        }
    for (int64_t r = 0; from != NULL && r < front->w->now.limits; r++)
        price[r] = llrint((1.0 - part) * (double)from->price[r] + part * (double)to->price[r]);
}

static enum status note_prices(const struct comm *comm, struct front *front, const double *weight)
{
    enum status status = OK;
    const struct choices *now = &front->w->now;
    struct known *known = &front->known[front->knowns];
    if (front->knowns == KNOWN_MOST) return OK;
    TRY_ALL(comm, memory_new(&known->price, now->limits, sizeof *known->price));
    memcpy(known->weight, weight, sizeof known->weight);
    memcpy(known->price, now->price, (size_t)now->limits * sizeof *known->price);
    front->knowns++;
done:
    return status;
}

/* ---- tables ---- */

static enum status solve_weights(const struct comm *comm, struct front *front,
                                 const double weight[GOALS])
{
    bool found;
    struct table *table = &front->table[front->count];
    set_values(front, weight);
    begin_between(front, weight, front->w->now.price);
    enum status status = what_if_solve(comm, front->w, &found);
    if (status != OK || !found) return status;
    TRY(note_prices(comm, front, weight));
    memcpy(table->weight, weight, sizeof table->weight);
    table->gap = front->w->solution.gap;
    add_up(comm, front, front->w->now.level, table->total);
    front->count++;
done:
    return status;
}

/* Weights (i, j, k) / side. */
static int64_t triangle(int64_t side)
{
    return (side + 1) * (side + 2) / 2;
}

enum part { CORNERS, INSIDE, FINER };

/* Corners come first; the even points of a finer triangle stood in the one before. */
static bool belongs(enum part part, int64_t side, int64_t i, int64_t j)
{
    bool corner = i == side || j == side || i + j == 0;
    if (part == FINER) return i % 2 != 0 || j % 2 != 0;
    return corner == (part == CORNERS);
}

/* Neighbours in the triangle follow each other. */
static enum status sweep(const struct comm *comm, struct front *front, int64_t side, enum part part)
{
    enum status status = OK;
    int64_t room = front->count + triangle(side);
    double all = (double)side + 3.0 * WEIGHT_LEAST;
    TRY_ALL(comm, memory_grow(&front->table, front->count, room, sizeof *front->table));
    for (int64_t i = side; i >= 0; i--)
        for (int64_t j = 0; j <= side - i; j++) {
            int64_t revenue = (side - i) % 2 == 0 ? j : side - i - j;
            double weight[GOALS] = {((double)i + WEIGHT_LEAST) / all,
                                    ((double)revenue + WEIGHT_LEAST) / all,
                                    ((double)(side - i - revenue) + WEIGHT_LEAST) / all};
            if (belongs(part, side, i, revenue)) TRY(solve_weights(comm, front, weight));
        }
done:
    return status;
}

/* ---- what none beats ---- */

/* At least as much of all; of equal tables the first one. */
static bool beats(const struct table *a, int64_t at, const struct table *b, int64_t place)
{
    bool more = false;
    for (int g = 0; g < GOALS; g++) {
        if (a->total[g] < b->total[g]) return false;
        more = more || a->total[g] > b->total[g];
    }
    return more || at < place;
}

static void keep_best(struct front *front)
{
    int64_t kept = 0;
    for (int64_t b = 0; b < front->count; b++) {
        front->table[b].beaten = false;
        for (int64_t a = 0; a < front->count && !front->table[b].beaten; a++)
            front->table[b].beaten = a != b && beats(&front->table[a], a, &front->table[b], b);
    }
    for (int64_t b = 0; b < front->count; b++)
        if (!front->table[b].beaten) front->table[kept++] = front->table[b];
    front->count = kept;
}

static int by_profit(const void *a, const void *b)
{
    const struct table *x = a, *y = b;
    for (int g = 0; g < GOALS; g++)
        if (x->total[g] != y->total[g]) return x->total[g] > y->total[g] ? -1 : 1;
    return 0;
}

/* The run's own table stands among them, with the weights it was chosen by. */
static enum status begin(const struct comm *comm, struct front *front)
{
    enum status status = OK;
    const struct what_if *w = front->w;
    const struct cell_maker *maker = front->maker;
    TRY_ALL(comm, make_cells(front));
    TRY_ALL(comm, memory_new(&front->table, 1, sizeof *front->table));
    front->count = 1;
    front->table[0] = (struct table){
        .weight = {maker->weight_profit, maker->weight_revenue, maker->weight_surplus},
        .gap = (double)(w->solved->upper_bound - w->solved->objective) /
               fmax(1.0, fabs((double)w->solved->objective)),
        .chosen = true};
    add_up_whole(comm, front);
    add_up(comm, front, w->base, front->base);
    memcpy(front->table[0].total, front->base, sizeof front->base);
done:
    return status;
}

static bool is_same(const struct table *a, const struct table *b)
{
    for (int g = 0; g < GOALS; g++)
        if (a->total[g] != b->total[g]) return false;
    return true;
}

/* What is best by each goal alone is the same table: none trades one for another. */
static bool is_one(const struct front *front)
{
    for (int64_t t = 2; t < front->count; t++)
        if (!is_same(&front->table[1], &front->table[t])) return false;
    return true;
}

/* Finer as long as that finds more. */
static enum status fill(const struct comm *comm, struct front *front, int64_t points)
{
    enum status status = OK;
    int64_t side = 1, before = 0;
    while (2 * triangle(side) < 3 * points) side++;
    TRY(sweep(comm, front, side, CORNERS));
    bool one = is_one(front);
    if (!one) TRY(sweep(comm, front, side, INSIDE));
    keep_best(front);
    for (int finer = 1; !one && finer < FINER_MOST && front->count < points; finer++) {
        if (front->count == before) break;
        before = front->count;
        side *= 2;
        TRY(sweep(comm, front, side, FINER));
        keep_best(front);
    }
    qsort(front->table, (size_t)front->count, sizeof *front->table, by_profit);
done:
    return status;
}

/* ---- JSON ---- */

static json_t *table_json(const struct front *front, const struct table *table)
{
    json_t *json = json_pack("{s:{s:f, s:f, s:f}}", "weights", "profit", table->weight[PROFIT],
                             "revenue", table->weight[REVENUE], "surplus", table->weight[SURPLUS]);
    for (int t = 0; t < TOTALS; t++) {
        int64_t total =
            front->whole[t] + what_if_over_all(front->w, table->total[t] - front->base[t]);
        json_object_set_new(json, total_name[t], json_real(total_unit[t] * (double)total));
    }
    json_object_set_new(json, "gap", json_real(table->gap));
    json_object_set_new(json, "chosen", json_boolean(table->chosen));
    return json;
}

static json_t *tables_json(const struct front *front)
{
    json_t *list = json_array();
    for (int64_t t = 0; t < front->count; t++)
        json_array_append_new(list, table_json(front, &front->table[t]));
    return json_pack("{s:s, s:I, s:I, s:o}", "method",
                     front->w->every == 1
                         ? "weights swept, each problem solved"
                         : "differences from the table on a sample of users; gaps are the sample's",
                     "users", (json_int_t)front->w->users, "users_total",
                     (json_int_t)front->w->users_total, "points", list);
}

enum status front_json(const struct comm *comm, struct what_if *w, const struct cell_maker *maker,
                       int64_t points, json_t **json)
{
    enum status status = OK;
    struct front front = {.w = w, .maker = maker};
    *json = NULL;
    w->problem.rough = w->problem.blocks.rows_total > WHAT_IF_FEW;
    TRY(begin(comm, &front));
    TRY(fill(comm, &front, points));
    *json = tables_json(&front);
done:
    w->problem.rough = false;
    what_if_restore(w);
    what_if_begin(w);
    for (int t = 0; t < TOTALS; t++) free(front.cell[t]);
    for (int k = 0; k < front.knowns; k++) free(front.known[k].price);
    free(front.table);
    return status;
}
