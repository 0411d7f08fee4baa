/* The first constraint of a table of cells at other limits. */
#include "jobs/table_path.h"

#include "algorithms/allocation_path.h"
#include "jobs/applied.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 int128;

static enum status check(const struct cell_table *t, const struct constraint *constraint,
                         const struct table_path_options *options)
{
    if (t->constraints == 0 || constraint[0].at_least)
        return FAIL(ERR_USAGE, "a path of budgets follows the first constraint: give it as "
                               "--constraint \"COLUMN <= NUMBER\"");
    if (t->is_cap[0])
        return FAIL(ERR_USAGE,
                    "a path of budgets follows the first constraint, and users have "
                    "limits of their own: put one in all, or per another column, "
                    "before \"%s\"",
                    constraint[0].text);
    if (options->out != NULL && (t->constraints > 1 || constraint[0].per != NULL))
        return FAIL(ERR_USAGE, "the steps of a path can be written where there is one constraint, "
                               "in all; leave --path-out away, or the other constraints");
    return OK;
}

static double per_unit(const struct cell_table *t, double price)
{
    return price * t->value_unit / fabs(t->use_unit[0]);
}

/* ---- one budget in all ---- */

static json_t *exact_json(const struct cell_table *t, const struct allocation_path_point *p)
{
    double unit = fabs(t->use_unit[0]);
    if (p->steps < 0)
        return json_pack("{s:f, s:b}", "budget", cell_amount(p->budget, unit), "feasible", 0);
    double price = (double)p->price.value / (double)p->price.cost;
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "budget", cell_amount(p->budget, unit), "spent",
                     cell_amount(p->spent, unit), "objective", cell_amount(p->value, t->value_unit),
                     "upper_bound", cell_amount(p->upper_bound, t->value_unit), "dual_price",
                     per_unit(t, price));
}

static enum status exact_points(const struct comm *comm, const struct cell_table *t,
                                const struct allocation_path *path, int64_t points, json_t *json)
{
    enum status status = OK;
    struct allocation_path_point *point = NULL;
    int64_t limit = t->limit[0][0], low = path->base_spent,
            high = limit < path->spent_after ? limit : path->spent_after;
    TRY_ALL(comm, memory_new(&point, points, sizeof *point));
    if (low > high) low = high; /* the limit is less than must be spent */
    for (int64_t p = 0; p < points; p++)
        point[p].budget = low + (int64_t)((int128)(high - low) * (p + 1) / points);
    TRY(allocation_path_at(comm, path, point, points));
    if (json == NULL) goto done;
    json_t *list = json_array();
    for (int64_t p = 0; p < points; p++) json_array_append_new(list, exact_json(t, &point[p]));
    json_object_set_new(json, "path", list);
    json_object_set_new(json, "path_steps", json_integer(path->steps_total));
done:
    free(point);
    return status;
}

static enum status write_steps(const struct comm *comm, const struct cell_table *t,
                               const struct allocation_path *path, const char *file)
{
    static const char *const name[4] = {"spent", "value", "price", "row"};
    enum status status = OK;
    struct blocks blocks = {.rows_total = path->steps_total,
                            .rows_local = path->steps_local,
                            .row_first = path->step_first};
    struct applied applied = {.blocks = &blocks};
    double *x[4], unit = fabs(t->use_unit[0]);
    for (int j = 0; j < 4; j++) TRY_ALL(comm, applied_add(&applied, name[j], &x[j]));
    for (int64_t i = 0; i < path->steps_local; i++) {
        struct allocation_price price = allocation_path_price(path, i);
        x[0][i] = cell_amount(path->step[i].spent, unit);
        x[1][i] = cell_amount(path->step[i].value, t->value_unit);
        x[2][i] = per_unit(t, (double)price.value / (double)price.cost);
        x[3][i] = (double)path->step[i].mark + 1.0;
    }
    TRY(applied_write(comm, &applied, file));
done:
    applied_clear(&applied);
    return status;
}

static enum status exact_path(const struct comm *comm, const struct cell_table *t,
                              const struct table_path_options *options, json_t *json)
{
    enum status status = OK;
    struct allocation_path path = {0};
    struct allocation_cells cells = {.blocks = &t->blocks,
                                     .levels = t->cells.options,
                                     .value = t->value,
                                     .cost = t->use[0],
                                     .allowed = t->allowed};
    TRY(allocation_path_make(comm, &cells, t->row, &path));
    if (options->points > 0) TRY(exact_points(comm, t, &path, options->points, json));
    if (options->out != NULL) TRY(write_steps(comm, t, &path, options->out));
done:
    allocation_path_clear(&path);
    return status;
}

/* ---- many limits ---- */

struct restarts {
    struct knapsack_cells cells; /* the table's, the first kind with other limits */
    int64_t limits, groups;      /* in all, of the first kind */
    int64_t *limit;              /* [groups] */
    int64_t *price, *used;       /* [limits] */
    uint8_t *choice;
};

static json_t *part_json(const struct cell_table *t, const struct restarts *r,
                         const struct knapsack_receipt *receipt, double part, bool feasible)
{
    double unit = fabs(t->use_unit[0]), spent, budget;
    int64_t used = 0, limit = 0;
    for (int64_t g = 0; g < r->groups; g++) {
        used += r->used[g];
        limit += r->limit[g];
    }
    spent = cell_amount(used, unit);
    budget = cell_amount(limit, unit);
    if (!feasible)
        return json_pack("{s:f, s:f, s:b}", "part", part, "budget", budget, "feasible", 0);
    json_t *out =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "part", part, "budget", budget, "spent", spent,
                  "objective", cell_amount(receipt->objective, t->value_unit), "upper_bound",
                  cell_amount(receipt->upper_bound, t->value_unit), "gap", receipt->gap);
    if (out != NULL && r->groups == 1)
        json_object_set_new(out, "dual_price",
                            json_real(per_unit(t, (double)r->price[0] * 0x1p-30)));
    return out;
}

static enum status open_restarts(const struct cell_table *t, const int64_t *price,
                                 struct restarts *r)
{
    enum status status = OK;
    r->cells = t->cells;
    r->limits = knapsack_limits(&t->cells);
    r->groups = t->cells.kind[0].groups;
    TRY(memory_new(&r->limit, r->groups, sizeof *r->limit));
    TRY(memory_new(&r->price, r->limits, sizeof *r->price));
    TRY(memory_new(&r->used, r->limits, sizeof *r->used));
    TRY(memory_new(&r->choice, t->blocks.rows_local, 1));
    memcpy(r->price, price, (size_t)r->limits * sizeof *price);
    r->cells.kind[0].limit = r->limit;
done:
    return status;
}

/* From the limit down, each budget from the prices of the one before; listed upwards. */
static enum status restarted_path(const struct comm *comm, const struct cell_table *t,
                                  int64_t points, const int64_t *price, json_t *json)
{
    enum status status = OK;
    struct restarts r = {0};
    json_t *list = json != NULL ? json_array() : NULL;
    TRY_ALL(comm, open_restarts(t, price, &r));
    for (int64_t p = points; p >= 1; p--) {
        struct knapsack_receipt receipt;
        for (int64_t g = 0; g < r.groups; g++)
            r.limit[g] = (int64_t)((int128)t->limit[0][g] * p / points);
        enum status solved = knapsack_solve(comm, &r.cells, r.price, r.choice, r.used, &receipt);
        if (solved != OK && solved != ERR_NUMERIC) TRY(solved);
        if (list == NULL) continue;
        json_array_insert_new(list, 0,
                              part_json(t, &r, &receipt, (double)p / (double)points, solved == OK));
    }
    if (list != NULL) json_object_set(json, "path", list);
done:
    json_decref(list);
    free(r.limit);
    free(r.price);
    free(r.used);
    free(r.choice);
    return status;
}

enum status table_path(const struct comm *comm, const struct cell_table *cells,
                       const struct constraint *constraint,
                       const struct table_path_options *options, const int64_t *price, json_t *json)
{
    enum status status = OK;
    if (options->points == 0 && options->out == NULL) return OK;
    TRY_ALL(comm, check(cells, constraint, options));
    if (cells->constraints == 1 && constraint[0].per == NULL)
        TRY(exact_path(comm, cells, options, json));
    else
        TRY(restarted_path(comm, cells, options->points, price, json));
done:
    return status;
}
