/* What a comparison says: first as JSON, with figures of few users left out, and text from that. */
#include "jobs/diff_hide.h"

#include "jobs/page_json.h"
#include "jobs/problem_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRODUCTS_SHOWN = 10, MIN_USERS = 50 };

static const char *const kind_names[DIFF_KINDS] = {"new", "gone", "same", "higher", "lower"};

/* ---- figures of few users ---- */

static int64_t min_users_of(const struct diff *diff)
{
    int64_t most = 0;
    for (int t = 0; t < 2; t++) {
        json_t *receipt = json_load_file(published_path(&diff->table[t], "receipt.json"), 0, NULL);
        const json_t *told = json_object_get(receipt, "min_users");
        int64_t here = json_is_integer(told) ? json_integer_value(told) : MIN_USERS;
        most = here > most ? here : most;
        json_decref(receipt);
    }
    return most;
}

static json_t *shown(int64_t value, bool hidden)
{
    return hidden ? json_null() : json_integer(value);
}

static json_t *kinds_json(const struct diff_totals *totals, const struct diff_hidden *hidden)
{
    json_t *out = json_object();
    for (int k = 0; k < DIFF_KINDS; k++)
        json_object_set_new(out, kind_names[k], shown(totals->kind[k].rows, hidden->kind[k]));
    return out;
}

static json_t *causes_json(const struct diff_totals *totals, const struct diff_hidden *all)
{
    const bool(*hidden)[DIFF_CAUSE_COUNT] = all->cause;
    json_t *list = json_array();
    for (int c = 0; c < DIFF_CAUSE_COUNT; c++) {
        const struct diff_count *way = totals->cause[c];
        if (way[0].rows + way[1].rows == 0) continue;
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:s}", "cause",
                                              diff_cause_name((enum diff_cause)c), "higher",
                                              shown(way[0].rows, hidden[0][c]), "lower",
                                              shown(way[1].rows, hidden[1][c]), "added_cost",
                                              hidden[0][c] || hidden[1][c]
                                                  ? json_null()
                                                  : json_real((double)totals->cost[c] / 1e4),
                                              "meaning", diff_cause_text((enum diff_cause)c)));
    }
    return list;
}

static json_t *levels_json(const struct diff *diff, const struct diff_hidden *hidden)
{
    const int levels[2] = {diff->header[0].problem.levels, diff->header[1].problem.levels};
    json_t *side[2] = {json_array(), json_array()}, *rows = json_array();
    for (int t = 0; t < 2; t++)
        for (int k = 0; k < levels[t]; k++)
            json_array_append_new(side[t], json_real(diff->header[t].problem.level[k]));
    for (int i = 0; i < levels[0]; i++) {
        json_t *line = json_array();
        for (int j = 0; j < levels[1]; j++)
            json_array_append_new(line, shown(diff->totals.level[i][j].rows, hidden->level[i][j]));
        json_array_append_new(rows, line);
    }
    return json_pack("{s:o, s:o, s:o}", "before", side[0], "now", side[1], "rows", rows);
}

/* ---- products ---- */

static int64_t changes(const struct diff_product *product)
{
    return product->higher + product->lower;
}

/* The product with most changes behind another one, of equals the first; -1: none. */
static int64_t next_product(const struct diff *diff, int64_t after)
{
    int64_t best = -1;
    for (int64_t p = 0; p < diff->products.count; p++) {
        int64_t here = changes(&diff->product[p]);
        if (after >= 0) {
            int64_t there = changes(&diff->product[after]);
            if (here > there || (here == there && p <= after)) continue;
        }
        if (best < 0 || here > changes(&diff->product[best])) best = p;
    }
    return best;
}

static json_t *products_json(const struct diff *diff, const struct diff_hidden *hidden)
{
    json_t *list = json_array();
    int64_t p = -1;
    int64_t min_users = hidden->min_users;
    bool secret = hidden->kind[DIFF_HIGHER] || hidden->kind[DIFF_LOWER]; /* nor may they add up */
    for (int shown_so_far = 0; shown_so_far < PRODUCTS_SHOWN; shown_so_far++) {
        if ((p = next_product(diff, p)) < 0) break;
        const struct diff_product *product = &diff->product[p];
        if (changes(product) < min_users) break;
        bool few = secret || (product->higher > 0 && product->higher < min_users) ||
                   (product->lower > 0 && product->lower < min_users);
        json_array_append_new(list, json_pack("{s:s, s:I, s:o, s:o}", "product_id",
                                              dictionary_text(&diff->products, p), "changed",
                                              (json_int_t)changes(product), "higher",
                                              shown(product->higher, few), "lower",
                                              shown(product->lower, few)));
    }
    return list;
}

/* ---- tables and limits ---- */

static json_t *table_json(const struct diff *diff, int t)
{
    const struct published_rows *header = &diff->header[t];
    return json_pack("{s:s, s:I, s:I, s:f, s:f}", "folder", diff->table[t].folder, "rows",
                     (json_int_t)diff->table[t].rows, "users", (json_int_t)diff->table[t].users,
                     "objective", (double)header->limits.objective / 1e4, "upper_bound",
                     (double)header->limits.upper_bound / 1e4);
}

/* Whether the receipt tells what a limit's group uses: it may be that of few users. */
static bool is_told(const json_t *receipt, const struct problem_kind *kind, int64_t group)
{
    const json_t *list = json_object_get(receipt, "constraints"), *limit;
    size_t i;
    if (kind->names.count == 0) return true;
    json_array_foreach(list, i, limit)
    {
        const char *name = json_string_value(json_object_get(limit, "name"));
        const char *of = json_string_value(json_object_get(limit, "group"));
        if (name == NULL || of == NULL || strcmp(name, kind->name) != 0) continue;
        if (strcmp(of, dictionary_text(&kind->names, group)) == 0)
            return json_is_number(json_object_get(limit, "used"));
    }
    return false;
}

static void add_side(json_t *out, const struct published_rows *header, const json_t *receipt,
                     int kind, int64_t group, int64_t at, const char *side)
{
    static const char *const parts[] = {"limit", "used", "price"};
    const struct problem *problem = &header->problem;
    const struct problem_kind *k = at >= 0 ? &problem->kind[kind] : NULL;
    const double values[] = {at >= 0 ? problem_shown(problem, k, k->limit[group]) : NAN,
                             at >= 0 ? problem_shown(problem, k, header->limits.used[at]) : NAN,
                             at >= 0 ? problem_shown_price(problem, k, header->limits.price[at])
                                     : NAN};
    for (int p = 0; p < 3; p++) {
        char name[32];
        snprintf(name, sizeof name, "%s_%s", parts[p], side);
        bool told = at >= 0 && (p != 1 || is_told(receipt, k, group));
        json_object_set_new(out, name, told ? json_real(values[p]) : json_null());
    }
}

/* The kind and group of a limit by its number. */
static int kind_of(const struct problem *problem, int64_t at, int64_t *group)
{
    int kind = 0;
    *group = at;
    while (*group >= problem->kind[kind].groups) *group -= problem->kind[kind++].groups;
    return kind;
}

static json_t *limit_json(const struct diff *diff, json_t *const receipt[2], const int64_t at[2])
{
    static const char *const sides[] = {"before", "now"};
    int t = at[1] >= 0;
    int64_t group = 0;
    const struct problem *problem = &diff->header[t].problem;
    const struct problem_kind *kind = &problem->kind[kind_of(problem, at[t], &group)];
    json_t *out = json_pack("{s:s}", "name", kind->name);
    json_object_set_new(out, "group",
                        kind->names.count > 0 ? json_string(dictionary_text(&kind->names, group))
                                              : json_null());
    json_object_set_new(out, "unit", json_string(problem->measure[kind->measure].unit_name));
    for (int s = 0; s < 2; s++) {
        int of = at[s] >= 0 ? kind_of(&diff->header[s].problem, at[s], &group) : 0;
        add_side(out, &diff->header[s], receipt[s], of, group, at[s], sides[s]);
    }
    return out;
}

/* Has the limit a price in one of the tables, or does only one of them have it at all? */
static bool tells(const struct diff *diff, const int64_t at[2])
{
    for (int s = 0; s < 2; s++)
        if (at[s] < 0 || diff->prices[s].own[at[s]] != 0) return true;
    return false;
}

/* Of kinds with groups those that tell something. */
static json_t *limits_json(const struct diff *diff)
{
    json_t *list = json_array(), *receipt[2];
    for (int t = 0; t < 2; t++)
        receipt[t] = json_load_file(published_path(&diff->table[t], "receipt.json"), 0, NULL);
    for (int t = 1; t >= 0; t--) {
        const struct problem *problem = &diff->header[t].problem,
                             *other = &diff->header[1 - t].problem;
        int64_t number = 0;
        for (int d = 0; d < problem->kinds; d++)
            for (int64_t g = 0; g < problem->kind[d].groups; g++, number++) {
                int64_t there = diff_limit_find(other, problem, d, g);
                const int64_t at[2] = {t == 0 ? number : there, t == 1 ? number : there};
                if (t == 0 && there >= 0) continue; /* listed already */
                if (problem->kind[d].groups > 1 && !tells(diff, at)) continue;
                json_array_append_new(list, limit_json(diff, receipt, at));
            }
    }
    for (int t = 0; t < 2; t++) json_decref(receipt[t]);
    return list;
}

static json_t *whole_json(const struct diff *diff)
{
    struct diff_hidden hidden;
    const struct diff_totals *totals = &diff->totals;
    diff_hide(diff, min_users_of(diff), &hidden);
    return json_pack("{s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "before", table_json(diff, 0),
                     "now", table_json(diff, 1), "users_in_both", (json_int_t)totals->users_both,
                     "min_users", (json_int_t)hidden.min_users, "rows", kinds_json(totals, &hidden),
                     "levels", levels_json(diff, &hidden), "causes", causes_json(totals, &hidden),
                     "limits", limits_json(diff), "products", products_json(diff, &hidden));
}

enum status diff_print_json(const struct diff *diff, FILE *file)
{
    json_t *out = whole_json(diff);
    if (out == NULL) return FAIL(ERR_MEMORY, "no memory for the comparison");
    bool good = json_dumpf(out, file, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0 &&
                fputc('\n', file) != EOF && fflush(file) == 0;
    json_decref(out);
    return good ? OK : FAIL(ERR_WRITE, "cannot write to stdout: %m");
}

/* ---- text ---- */

static void put_tables(struct page *page, const json_t *out)
{
    static const char *const heads[] = {"<table", "before", "now", "change", NULL};
    static const char *const keys[] = {"rows", "users", "objective", "upper_bound"};
    const json_t *before = json_object_get(out, "before"), *now = json_object_get(out, "now");
    page_title(page, "What changed from one table to the next");
    page_fact(page, "before", "%s", json_string_value(json_object_get(before, "folder")));
    page_fact(page, "now", "%s", json_string_value(json_object_get(now, "folder")));
    page_begin_table(page, heads);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        double was = page_json_number(before, keys[k]), is = page_json_number(now, keys[k]);
        int decimals = k < 2 ? 0 : 2;
        page_cell(page, "%s", k == 3 ? "proven bound" : keys[k]);
        page_cell(page, "%s", page_amount(was, decimals).text);
        page_cell(page, "%s", page_amount(is, decimals).text);
        page_cell(page, "%s", page_change(is - was, decimals).text);
    }
    page_end_table(page);
}

static const char *hidden_or(const json_t *value, struct page_text *room)
{
    *room = page_json_scalar(value);
    return json_is_null(value) ? "few users" : room->text;
}

static void put_rows(struct page *page, const json_t *out)
{
    static const char *const words[DIFF_KINDS] = {"only in the table now",
                                                  "only in the table before", "same discount",
                                                  "higher discount", "lower discount"};
    struct page_text room;
    page_heading(page, "Rows");
    for (int k = 0; k < DIFF_KINDS; k++)
        page_fact(page, words[k], "%s",
                  hidden_or(json_object_get(json_object_get(out, "rows"), kind_names[k]), &room));
    if (json_integer_value(json_object_get(out, "users_in_both")) == 0)
        page_say(page, 2,
                 "The tables have no user in common: were their pseudonyms keyed by "
                 "different secrets?");
}

static void put_causes(struct page *page, const json_t *out)
{
    static const char *const heads[] = {"<cause", "higher", "lower", "added cost", NULL};
    const json_t *list = json_object_get(out, "causes");
    struct page_text room;
    size_t i = 0;
    json_t *cause = NULL;
    if (json_array_size(list) == 0) return;
    page_heading(page, "Why discounts of rows in both tables are others");
    page_begin_table(page, heads);
    json_array_foreach((json_t *)list, i, cause)
    {
        double cost = page_json_number(cause, "added_cost");
        page_cell(page, "%s", json_string_value(json_object_get(cause, "cause")));
        page_cell(page, "%s", hidden_or(json_object_get(cause, "higher"), &room));
        page_cell(page, "%s", hidden_or(json_object_get(cause, "lower"), &room));
        page_cell(page, "%s", isfinite(cost) ? page_change(cost, 2).text : "");
    }
    page_end_table(page);
    json_array_foreach((json_t *)list, i, cause)
        page_fact(page, json_string_value(json_object_get(cause, "cause")), "%s",
                  json_string_value(json_object_get(cause, "meaning")));
}

static void put_levels(struct page *page, const json_t *out)
{
    const json_t *levels = json_object_get(out, "levels"), *now = json_object_get(levels, "now"),
                 *before = json_object_get(levels, "before"),
                 *rows = json_object_get(levels, "rows");
    char name[PAGE_COLUMNS][16];
    const char *heads[PAGE_COLUMNS + 1] = {"<before \\ now"};
    size_t columns = json_array_size(now);
    struct page_text room;
    for (size_t c = 0; c < columns; c++) {
        snprintf(name[c], sizeof name[c], "%.6g %%",
                 100.0 * json_number_value(json_array_get(now, c)));
        heads[1 + c] = name[c];
    }
    heads[1 + columns] = NULL;
    page_heading(page, "Rows in both, by discount");
    page_begin_table(page, heads);
    for (size_t r = 0; r < json_array_size(rows); r++) {
        page_cell(page, "%.6g %%", 100.0 * json_number_value(json_array_get(before, r)));
        for (size_t c = 0; c < columns; c++)
            page_cell(page, "%s",
                      json_is_null(json_array_get(json_array_get(rows, r), c))
                          ? "few"
                          : hidden_or(json_array_get(json_array_get(rows, r), c), &room));
    }
    page_end_table(page);
}

static void put_limits(struct page *page, const json_t *out)
{
    static const char *const heads[] = {"<limit", "before", "used",  "price",
                                        "now",    "used",   "price", NULL};
    static const char *const keys[] = {"limit_before", "used_before", "price_before",
                                       "limit_now",    "used_now",    "price_now"};
    const json_t *list = json_object_get(out, "limits");
    size_t i = 0;
    json_t *limit = NULL;
    if (json_array_size(list) == 0) return;
    page_heading(page, "Limits");
    page_begin_table(page, heads);
    json_array_foreach((json_t *)list, i, limit)
    {
        const char *group = json_string_value(json_object_get(limit, "group"));
        page_cell(page, "%s%s%s", json_string_value(json_object_get(limit, "name")),
                  group != NULL ? ": " : "", group != NULL ? group : "");
        for (int k = 0; k < 6; k++) {
            double value = page_json_number(limit, keys[k]);
            bool there = isfinite(page_json_number(limit, keys[k - k % 3]));
            page_cell(page, "%s",
                      isfinite(value) ? page_amount(value, k % 3 == 2 ? 4 : 2).text
                      : there         ? "few"
                                      : "none");
        }
    }
    page_end_table(page);
}

static void put_products(struct page *page, const json_t *out)
{
    const json_t *list = json_object_get(out, "products");
    if (json_array_size(list) == 0) return;
    page_heading(page, "Products with most changes");
    page_json_table(page, list);
}

enum status diff_print_text(const struct diff *diff, FILE *file)
{
    enum status status = OK;
    struct page *page = NULL;
    char *text = NULL;
    int64_t bytes = 0;
    json_t *out = whole_json(diff);
    TRY(out != NULL ? page_new(&page) : FAIL(ERR_MEMORY, "no memory for the comparison"));
    put_tables(page, out);
    put_rows(page, out);
    put_causes(page, out);
    put_levels(page, out);
    put_limits(page, out);
    put_products(page, out);
    TRY(page_take(&page, &text, &bytes));
    if (fwrite(text, 1, (size_t)bytes, file) != (size_t)bytes || fflush(file) != 0)
        status = FAIL(ERR_WRITE, "cannot write to stdout: %m");
done:
    json_decref(out);
    page_free(&page);
    free(text);
    return status;
}
