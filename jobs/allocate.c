/* The allocate stage: one level per candidate under the budget and the margin floor, with a
 * receipt. */
#include "algorithms/allocation.h"
#include "jobs/cell_source.h"
#include "jobs/choices.h"
#include "jobs/run.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The cells of all local candidates, as the solver takes them. */
struct problem {
    struct blocks blocks; /* rows are slots */
    int levels;
    int64_t *value, *cost; /* [slots_local][levels] */
    uint32_t *allowed;     /* [slots_local] */
};

/* Totals over all ranks, in 1/10,000 of the currency; chances in millionths. */
enum {
    TOTAL_REVENUE,
    TOTAL_PROFIT,
    TOTAL_SURPLUS,
    TOTAL_PURCHASES,
    TAKEN_REVENUE,
    TAKEN_PROFIT,
    TAKEN_PURCHASES,
    TOTALS
};

struct outcome {
    int64_t none[TOTALS];   /* without any discount */
    int64_t chosen[TOTALS]; /* as chosen */
};

static void problem_clear(struct problem *problem)
{
    blocks_clear(&problem->blocks);
    free(problem->value);
    free(problem->cost);
    free(problem->allowed);
}

static enum status slot_blocks(const struct blocks *users, int64_t slots, struct blocks *blocks)
{
    *blocks = *users;
    blocks->start = NULL;
    enum status status = memory_new(&blocks->start, users->blocks_local + 1, sizeof *blocks->start);
    if (status != OK) return status;
    for (int64_t b = 0; b <= users->blocks_local; b++) blocks->start[b] = slots * users->start[b];
    blocks->rows_total *= slots;
    blocks->rows_local *= slots;
    blocks->row_first *= slots;
    return OK;
}

static enum status fill_problem(const struct cell_maker *maker, const struct blocks *users,
                                struct problem *problem)
{
    enum status status = OK;
    struct slot_cells cells;
    int levels = problem->levels = maker->levels;
    TRY(slot_blocks(users, maker->candidates->slots, &problem->blocks));
    int64_t rows = problem->blocks.rows_local;
    TRY(memory_new(&problem->value, rows * levels, sizeof *problem->value));
    TRY(memory_new(&problem->cost, rows * levels, sizeof *problem->cost));
    TRY(memory_new(&problem->allowed, rows, sizeof *problem->allowed));
    for (int64_t i = 0; i < rows; i++) {
        cells_of_slot(maker, i, &cells);
        memcpy(problem->value + i * levels, cells.value, (size_t)levels * sizeof *cells.value);
        memcpy(problem->cost + i * levels, cells.cost, (size_t)levels * sizeof *cells.cost);
        problem->allowed[i] = cells.allowed;
    }
done:
    return status;
}

static void add_level(const struct slot_cells *cells, int k, int64_t *totals)
{
    totals[TOTAL_REVENUE] += cells->revenue[k];
    totals[TOTAL_PROFIT] += cells->profit[k];
    totals[TOTAL_SURPLUS] += cells->surplus[k];
    totals[TOTAL_PURCHASES] += llround(1e6 * cells->chance[k]);
    totals[TAKEN_REVENUE] += cells->taken_revenue[k];
    totals[TAKEN_PROFIT] += cells->taken_profit[k];
    totals[TAKEN_PURCHASES] += llround(1e6 * cells->taken[k]);
}

static void add_up(const struct comm *comm, const struct cell_maker *maker, int64_t rows,
                   const uint8_t *choice, struct outcome *outcome)
{
    struct slot_cells cells;
    *outcome = (struct outcome){0};
    for (int64_t i = 0; i < rows; i++) {
        cells_of_slot(maker, i, &cells);
        if (cells.product < 0) continue;
        add_level(&cells, 0, outcome->none);
        if (choice != NULL) add_level(&cells, choice[i], outcome->chosen);
    }
    comm_sum_int64(comm, outcome->none, TOTALS);
    comm_sum_int64(comm, outcome->chosen, TOTALS);
}

/* The budget in units of cost; without one in the configuration a share of the revenue without
 * discounts. */
static int64_t budget_of(const struct comm *comm, const struct run *run,
                         const struct cell_maker *maker, int64_t rows)
{
    struct outcome outcome;
    if (config_has(run->config, "allocate.budget"))
        return config_cents(run->config, "allocate.budget") * CELL_UNITS_PER_CENT;
    double share = config_number(run->config, "allocate.budget_share");
    add_up(comm, maker, rows, NULL, &outcome);
    double cents = floor(share * (double)outcome.none[TOTAL_REVENUE] / CELL_UNITS_PER_CENT);
    return (int64_t)cents * CELL_UNITS_PER_CENT;
}

/* ---- the receipt ---- */

static json_t *money(int64_t units)
{
    return json_real((double)units / 1e4);
}

static json_t *budget_json(const struct allocation_receipt *r)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:f}", "name", "budget", "limit", money(r->budget),
                     "used", money(r->spent), "slack", money(r->slack), "dual_price",
                     r->dual_price);
}

static json_t *floor_json(const struct cell_maker *maker, int64_t forbidden)
{
    return json_pack("{s:s, s:f, s:I, s:s}", "name", "margin_floor", "limit", maker->floor,
                     "forbidden_cells", (json_int_t)forbidden, "unit",
                     "fraction of the discounted price");
}

static json_t *totals_json(const int64_t *totals)
{
    return json_pack("{s:o, s:o, s:o, s:f}", "revenue", money(totals[TOTAL_REVENUE]), "profit",
                     money(totals[TOTAL_PROFIT]), "surplus", money(totals[TOTAL_SURPLUS]),
                     "purchases", (double)totals[TOTAL_PURCHASES] / 1e6);
}

/* What the chosen discounts take from the users' other candidates: `expected` is without it. */
static json_t *taken_json(const int64_t *totals)
{
    return json_pack("{s:o, s:o, s:f}", "revenue", money(totals[TAKEN_REVENUE]), "profit",
                     money(totals[TAKEN_PROFIT]), "purchases",
                     (double)totals[TAKEN_PURCHASES] / 1e6);
}

static void add_levels(json_t *receipt, const struct cell_maker *maker,
                       const struct allocation_receipt *r)
{
    json_t *levels = json_array(), *count = json_array(), *spend = json_array();
    for (int k = 0; k < maker->levels; k++) {
        json_array_append_new(levels, json_real(maker->level[k]));
        json_array_append_new(count, json_integer(r->count[k]));
        json_array_append_new(spend, money(r->spend[k]));
    }
    json_object_set_new(receipt, "levels", levels);
    json_object_set_new(receipt, "level_rows", count);
    json_object_set_new(receipt, "level_spend", spend);
}

static void add_basis(json_t *receipt, const struct run *run, const struct dataset *dataset,
                      const struct cell_maker *maker)
{
    if (maker->labels != NULL)
        json_object_set_new(
            receipt, "labels",
            labels_json(maker->labels, config_integer(run->config, "privacy.min_users")));
    json_object_set_new(receipt, "weights",
                        json_pack("{s:f, s:f, s:f}", "profit", maker->weight_profit, "revenue",
                                  maker->weight_revenue, "surplus", maker->weight_surplus));
    json_object_set_new(receipt, "margin_floor", json_real(maker->floor));
    json_object_set_new(receipt, "cost_basis",
                        json_string(dataset->assumed_cost ? "assumed_margin" : "unit_cost"));
    if (dataset->assumed_cost)
        json_object_set_new(receipt, "assumed_margin",
                            json_real(config_number(run->config, "products.assumed_margin")));
    json_object_set_new(receipt, "response",
                        json_string(maker->curves->observational ? "observational" : "offers"));
}

/* Levels of candidates that the margin floor forbids, over all ranks. */
static int64_t count_forbidden(const struct comm *comm, const struct cell_maker *maker,
                               const struct problem *problem)
{
    int64_t count = 0;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        if (maker->candidates->product[i] >= 0)
            count += problem->levels - __builtin_popcount(problem->allowed[i]);
    comm_sum_int64(comm, &count, 1);
    return count;
}

/* Slots without a candidate took level 0; they are no rows of the table. */
static void leave_out_empty(const struct comm *comm, const struct cell_maker *maker, int64_t rows,
                            struct allocation_receipt *receipt)
{
    int64_t empty = 0;
    for (int64_t i = 0; i < rows; i++) empty += maker->candidates->product[i] < 0;
    comm_sum_int64(comm, &empty, 1);
    receipt->slots -= empty;
    receipt->count[0] -= empty;
}

static enum status make_receipt(const struct comm *comm, const struct run *run,
                                const struct dataset *dataset, const struct cell_maker *maker,
                                const struct problem *problem, const struct allocation_receipt *r,
                                const struct outcome *outcome, char **text)
{
    int64_t forbidden = count_forbidden(comm, maker, problem);
    json_t *receipt =
        json_pack("{s:o, s:o, s:f, s:f, s:o, s:I, s:[o, o]}", "objective", money(r->objective),
                  "upper_bound", money(r->upper_bound), "gap", r->gap, "gap_of_gain", r->gap_gain,
                  "objective_without_discounts", money(r->base_value), "rows", (json_int_t)r->slots,
                  "constraints", budget_json(r), floor_json(maker, forbidden));
    if (receipt == NULL) return comm_agree(comm, FAIL(ERR_MEMORY, "no memory for the receipt"));
    json_object_set_new(receipt, "next_unit_of_budget_brings", json_real(r->marginal / 1e4));
    add_levels(receipt, maker, r);
    add_basis(receipt, run, dataset, maker);
    json_object_set_new(receipt, "expected_without_discounts", totals_json(outcome->none));
    json_object_set_new(receipt, "expected", totals_json(outcome->chosen));
    if (maker->demand != NULL)
        json_object_set_new(receipt, "taken_from_neighbours", taken_json(outcome->chosen));
    *text = json_dumps(receipt, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(receipt);
    return comm_agree(comm, *text != NULL ? OK : FAIL(ERR_MEMORY, "no memory for the receipt"));
}

static void say(const struct allocation_receipt *r)
{
    log_info("  objective %.2f (%.2f without discounts), upper bound %.2f, gap %.2e",
             (double)r->objective / 1e4, (double)r->base_value / 1e4, (double)r->upper_bound / 1e4,
             r->gap);
    log_info("  budget %.2f, spent %.2f, dual price %.4f", (double)r->budget / 1e4,
             (double)r->spent / 1e4, r->dual_price);
}

/* ---- the stage ---- */

static enum status solve(const struct comm *comm, const struct run *run,
                         const struct dataset *dataset, const struct cell_maker *maker,
                         struct choices *choices)
{
    enum status status = OK;
    struct problem problem = {0};
    struct allocation_receipt receipt;
    struct outcome outcome;
    int64_t slots = dataset->users.blocks.rows_local * maker->candidates->slots;
    log_need(comm, slots * (16 * maker->levels + 4 * maker->levels + 24)); /* cells, keys, curves */
    TRY_ALL(comm, fill_problem(maker, &dataset->users.blocks, &problem));
    int64_t rows = problem.blocks.rows_local, budget = budget_of(comm, run, maker, rows);
    struct allocation_cells cells = {&problem.blocks, problem.levels, problem.value, problem.cost,
                                     problem.allowed};
    TRY_ALL(comm, memory_new(&choices->level, rows, 1));
    TRY(allocation_solve(comm, &cells, budget, choices->level, &receipt));
    leave_out_empty(comm, maker, rows, &receipt);
    choices->price = receipt.dual_price;
    add_up(comm, maker, rows, choices->level, &outcome);
    TRY(make_receipt(comm, run, dataset, maker, &problem, &receipt, &outcome, &choices->receipt));
    say(&receipt);
done:
    problem_clear(&problem);
    return status;
}

static enum status allocate_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct cell_source source = {0};
    struct choices choices = {0};
    TRY(cell_source_open(comm, run, 0, &source));
    choices.slots = source.candidates.slots;
    TRY(solve(comm, run, source.dataset, &source.maker, &choices));
    TRY(choices_write(comm, run_path(run, "choices.h5"), &source.dataset->users.blocks, &choices));
done:
    choices_clear(&choices);
    cell_source_close(&source);
    return status;
}

static const char *const keys[] = {"allocate", NULL};
static const char *const needs[] = {"respond", NULL};
static const char *const outputs[] = {"choices.h5", NULL};

const struct stage stage_allocate = {
    .name = "allocate",
    .does = "one discount level for each candidate, within the budget",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = allocate_run,
};
