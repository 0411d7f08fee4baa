/* What the table promises, by past offers that it has not learned from. */
#include "jobs/curse.h"

#include "algorithms/transport.h"
#include "jobs/curse_rows.h"
#include "mpi/exact.h"
#include "mpi/log.h"

#include <math.h>

enum { OFFERS_LEAST = 200, BOUGHT_LEAST = 30 };

/* Of each sum: as forecast, as corrected, its slopes, those of log odds of rows chosen for a
 * discount, and of these at the discount alone, and the variance by what is each user's own. */
enum { SLOPES = 2, CHOSEN = SLOPES + CURSE_COLUMNS, DISCOUNTED, OWN, EACH_SUMS };

static const char *const sum_name[CURSE_SUMS] = {"profit", "gain", "purchases", "cost"};

/* How far log odds are believed to be off beforehand: all of them, and for one standard deviation
 * of a column. */
#define USUAL_OFFSET 0.08
#define USUAL_CURVE 0.08 /* of the curve itself */
#define USUAL_SPREAD 0.04

/* Offers of the past were made to whom the shop thought them fit, by what no column shows. So log
 * odds of all rows, and of discounted ones once more, may be off by this (docs/methods.md). */
#define CARRIED_OVER 0.025

/* Rows chosen for a discount lie where curves are furthest out, which no column tells either: what
 * that leaves open of their log odds, and of those at the discount, over the root of the rows. */
#define LEFT_OF_CHOSEN 8.0
#define LEFT_OF_DISCOUNTED 5.0

/* ---- the table ---- */

/* What a slot's level comes to off the list price, beside a promotion that runs. */
static double discount_of(const struct curse_table *table, int64_t slot)
{
    const struct cell_maker *maker = table->maker;
    const struct candidates *candidates = maker->candidates;
    int32_t promotion =
        running_find(maker->running, slot / candidates->slots, candidates->product[slot]);
    return cells_combine(maker->stacking, running_discount(maker->running, promotion),
                         maker->level[table->level[slot]]);
}

/* rows[CURSE_LEVELS] of the table at each discount, over all ranks. */
static void count_table(const struct comm *comm, const struct curse_table *table, int64_t *rows)
{
    const struct candidates *candidates = table->maker->candidates;
    for (int k = 0; k < CURSE_LEVELS; k++) rows[k] = 0;
    for (int64_t i = 0; i < table->users->rows_local * candidates->slots; i++)
        if (candidates->product[i] >= 0) rows[curse_level(discount_of(table, i))]++;
    comm_sum_int64(comm, rows, CURSE_LEVELS);
}

/* What one purchase at a level brings, as the cells have it: profit and cost in currency. */
struct worth {
    double profit, cost;
};

static struct worth worth_of(const struct slot_cells *cells, int k)
{
    double each = 1e-4 / fmax(cells->chance[k], 1e-12);
    return (struct worth){(double)(cells->profit[k] + cells->taken_profit[k]) * each,
                          (double)cells->cost[k] * each};
}

/* What add_slot needs beside the table. */
struct adder {
    const struct curse_table *table;
    const struct transport *model;
    const struct curse_rows *rows;
    const struct curves *curves; /* with what is not known of them */
};

/* Standard deviation of a slot's true log odds at a discount. */
static double deviation(const struct curves *curves, int64_t slot, double discount)
{
    if (curves->a_sd == NULL) return 0.0;
    double a = (double)curves->a_sd[slot];
    double gain = (double)curves->b_sd[slot] * curves_dose(curves, slot / curves->slots, discount);
    double square = a * a + gain * gain + 2.0 * (double)curves->correlation[slot] * a * gain;
    return sqrt(fmax(square, 0.0));
}

/* One slot at a discount, for what a purchase brings there. */
static void add_at(const struct adder *adder, const struct curse_row *row, int64_t slot,
                   double worth, double *sums)
{
    const struct curse_table *table = adder->table;
    double x[CURSE_COLUMNS], z = curse_columns(adder->rows, row, x);
    double p = curves_chance(z, 0.0, 0.0), slope = worth * p * (1.0 - p);
    transport_add(adder->model, z, x, worth, sums);
    if (table->maker->level[table->level[slot]] > 0.0) sums[CHOSEN] += slope;
    if (row->discount > 0.0) sums[DISCOUNTED] += slope;
    sums[OWN] += slope * deviation(adder->curves, slot, row->discount);
}

/* sums[CURSE_SUMS][EACH_SUMS] += one slot of the table */
static void add_slot(const struct adder *adder, int64_t slot, const uint8_t *trait,
                     double sums[CURSE_SUMS][EACH_SUMS])
{
    const struct cell_maker *maker = adder->table->maker;
    struct slot_cells cells;
    int k = adder->table->level[slot];
    cells_of_slot(maker, slot, &cells);
    if (cells.product < 0) return;
    struct curse_row row = {.user = slot / maker->curves->slots,
                            .a = (double)maker->curves->a[slot],
                            .b = (double)maker->curves->b[slot],
                            .discount = cells.combined[k],
                            .trait = trait,
                            .purchases = adder->rows->source->purchases[cells.product]};
    struct worth worth = worth_of(&cells, k), without = worth_of(&cells, 0);
    add_at(adder, &row, slot, worth.profit, sums[CURSE_PROFIT]);
    add_at(adder, &row, slot, 1.0, sums[CURSE_PURCHASES]);
    if (k == 0) return;
    add_at(adder, &row, slot, worth.cost, sums[CURSE_COST]);
    add_at(adder, &row, slot, worth.profit, sums[CURSE_GAIN]);
    row.discount = cells.combined[0];
    add_at(adder, &row, slot, -without.profit, sums[CURSE_GAIN]);
}

/* What is a user's own moves all of the user's rows alike. */
static void add_user(const struct adder *adder, int64_t i, double sums[CURSE_SUMS][EACH_SUMS])
{
    const struct heldout *h = adder->rows->source;
    int64_t user = h->user_first + i * h->every, slots = adder->table->maker->candidates->slots;
    for (int64_t s = 0; s < slots; s++)
        add_slot(adder, user * slots + s, h->of_candidates + (i * slots + s) * TRAITS, sums);
    for (int c = 0; c < CURSE_SUMS; c++) sums[c][OWN] *= sums[c][OWN];
}

static enum status sum_table(const struct comm *comm, const struct adder *adder, double *sums)
{
    enum status status = OK;
    struct exact_sums exact = {0};
    const int count = CURSE_SUMS * EACH_SUMS;
    TRY_ALL(comm, exact_init(&exact, count));
    for (int64_t i = 0; i < adder->rows->source->users; i++) {
        double part[CURSE_SUMS][EACH_SUMS] = {{0.0}};
        add_user(adder, i, part);
        exact_add(&exact, 0, &part[0][0], count);
    }
    TRY(exact_reduce(comm, &exact));
    exact_get_all(&exact, 0, sums, count);
done:
    exact_clear(&exact);
    return status;
}

/* ---- what is said ---- */

/* users_each: how many each user that was looked at stands for */
static double error_of(const struct curse_rows *rows, const struct transport *model,
                       const double *sums, double users_each)
{
    double outcomes = transport_error(model, sums + SLOPES);
    double all = CARRIED_OVER * sums[SLOPES + CURSE_ONE];
    double chosen = LEFT_OF_CHOSEN / sqrt(rows->worth) * sums[CHOSEN];
    double discounted = hypot(CARRIED_OVER, LEFT_OF_DISCOUNTED / sqrt(rows->worth));
    discounted *= sums[DISCOUNTED];
    double common = outcomes * outcomes + all * all + chosen * chosen + discounted * discounted;
    return sqrt(users_each * users_each * common + users_each * sums[OWN]);
}

static json_t *sum_json(double promised, const struct curse_rows *rows,
                        const struct transport *model, const double *sums, double users_each)
{
    return json_pack("{s:f, s:f, s:f}", "promised", promised, "out_of_fold",
                     promised + users_each * (sums[1] - sums[0]), "std_error",
                     error_of(rows, model, sums, users_each));
}

static json_t *answer_json(const struct curse_table *table, const struct curse_rows *rows,
                           const struct transport *model, const double *sums, int64_t beyond)
{
    const struct heldout *h = rows->source;
    int64_t users = table->users->rows_total, looked_at = (users + h->every - 1) / h->every;
    double users_each = (double)users / (double)(looked_at > 0 ? looked_at : 1);
    json_t *json = json_pack(
        "{s:s, s:I, s:f, s:s}", "method",
        "past offers, each by curves that have not learned from it, weighted by the inverse of its "
        "propensity; how far they are off is carried over to the rows of the table",
        "rows", (json_int_t)rows->offers, "worth_rows", round(rows->worth), "propensity",
        rows->estimated == 0              ? "given"
        : rows->estimated == rows->offers ? "estimated"
                                          : "partly");
    for (int which = 0; which < CURSE_SUMS; which++)
        json_object_set_new(
            json, sum_name[which],
            sum_json(table->promised[which], rows, model, sums + which * EACH_SUMS, users_each));
    json_object_set_new(json, "rows_beyond_offers", json_integer(beyond));
    return json;
}

/* Why nothing can be said; NULL if it can. */
static const char *reason_of(const struct curse_table *table, const struct curse_rows *rows)
{
    if (table->maker->curves->observational)
        return "without a table of past offers no outcome shows what a discount caused";
    if (rows->source->slots == 0)
        return "with one network alone (respond.folds: 1) all past offers were learned from";
    if (rows->offers < OFFERS_LEAST || rows->bought < BOUGHT_LEAST)
        return "too few past offers were taken";
    if (rows->bought == rows->offers) return "all past offers were taken";
    if (rows->levels < 2) return "all past offers have the same discount";
    return NULL;
}

static void say(const json_t *json)
{
    const json_t *gain = json_object_get(json, "gain"), *profit = json_object_get(json, "profit");
    log_info("  by past offers not learned from: profit %.2f +- %.2f (promised %.2f), gain %.2f "
             "+- %.2f (promised %.2f)",
             json_number_value(json_object_get(profit, "out_of_fold")),
             1.96 * json_number_value(json_object_get(profit, "std_error")),
             json_number_value(json_object_get(profit, "promised")),
             json_number_value(json_object_get(gain, "out_of_fold")),
             1.96 * json_number_value(json_object_get(gain, "std_error")),
             json_number_value(json_object_get(gain, "promised")));
}

static enum status answer(const struct comm *comm, const struct curse_table *table,
                          const struct curse_rows *rows, const int64_t *level_rows, json_t **json)
{
    enum status status = OK;
    double spread[CURSE_COLUMNS], sums[CURSE_SUMS * EACH_SUMS];
    struct transport model;
    struct curves curves = {0};
    int64_t beyond = 0;
    const struct logistic_rows view = {.blocks = &rows->blocks,
                                       .columns = CURSE_COLUMNS,
                                       .row = curse_rows_columns,
                                       .context = rows,
                                       .y = rows->y,
                                       .weight = rows->weight,
                                       .skip = rows->skip};
    for (int j = 0; j < CURSE_COLUMNS; j++)
        spread[j] = j == CURSE_ONE ? USUAL_OFFSET : USUAL_SPREAD;
    for (int k = 0; k < CURSE_LEVELS; k++)
        if (k / 100.0 > rows->deepest) beyond += level_rows[k];
    TRY(transport_fit(comm, &view, spread, rows->source->slots, &model));
    TRY(curves_read_intervals(comm, run_path(table->run, "curves.h5"), table->users, &curves));
    const struct adder adder = {table, &model, rows, &curves};
    TRY(sum_table(comm, &adder, sums));
    *json = answer_json(table, rows, &model, sums, beyond);
    say(*json);
done:
    curves_clear(&curves);
    return status;
}

enum status curse_json(const struct comm *comm, const struct curse_table *table, json_t **json)
{
    enum status status = OK;
    struct heldout heldout = {0};
    struct curse_rows rows = {0};
    int64_t level_rows[CURSE_LEVELS];
    *json = NULL;
    TRY(heldout_read(comm, run_path(table->run, "heldout.h5"), table->users, &heldout));
    count_table(comm, table, level_rows);
    TRY(curse_rows_make(comm, table->users, &heldout, table->maker->curves, level_rows, &rows));
    const char *reason = reason_of(table, &rows);
    if (reason == NULL)
        TRY(answer(comm, table, &rows, level_rows, json));
    else
        *json = json_pack("{s:s}", "reason", reason);
done:
    curse_rows_clear(&rows);
    heldout_clear(&heldout);
    return status;
}
