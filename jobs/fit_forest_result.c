/* Measures, importances and rules of a forest as JSON. */
#include "jobs/fit_forest_result.h"

#include "algorithms/kmeans_sums.h"
#include "algorithms/metrics.h"
#include "jobs/fit_print.h"
#include "jobs/rules.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define LEAST_SHARE 1e-15 /* of the true class, in the log loss */

/* ---- measures ---- */

enum { SUM_ERROR, SUM_TARGET, SUM_SQUARE, SUMS }; /* squared error, target, its square */

/* Sums over a block's test rows, targets by unit. */
static void add_values(const struct fit_forest_data *data, const double *out, double unit,
                       int64_t first, int64_t end, double sum[SUMS])
{
    for (int64_t i = first; i < end; i++) {
        if (data->part[i] != FOREST_TEST) continue;
        double target = data->value[i] / unit, off = out[i] / unit - target;
        sum[SUM_ERROR] += off * off;
        sum[SUM_TARGET] += target;
        sum[SUM_SQUARE] += target * target;
    }
}

static enum status judge_values(const struct comm *comm, const struct fit_forest_data *data,
                                const double *out, struct fit_forest_test *test)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double largest = 0, sum[SUMS];
    for (int64_t i = 0; i < data->blocks->rows_local; i++)
        largest = fmax(largest, fmax(fabs(data->value[i]), fabs(out[i])));
    comm_max_double(comm, &largest, 1);
    double unit = kmeans_unit_of(largest), rows = (double)test->rows;
    TRY_ALL(comm, exact_init(&sums, SUMS));
    for (int64_t b = 0; b < data->blocks->blocks_local; b++) {
        double partial[SUMS] = {0};
        add_values(data, out, unit, data->blocks->start[b], data->blocks->start[b + 1], partial);
        exact_add(&sums, 0, partial, SUMS);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, sum, SUMS);
    double spread = sum[SUM_SQUARE] - sum[SUM_TARGET] * sum[SUM_TARGET] / rows;
    test->rmse = sqrt(sum[SUM_ERROR] / rows) * unit;
    if (spread > 0) test->r_squared = 1.0 - sum[SUM_ERROR] / spread;
done:
    exact_clear(&sums);
    return status;
}

static enum status judge_auc(const struct comm *comm, const struct fit_forest_data *data,
                             const double *out, struct fit_forest_test *test)
{
    enum status status = OK;
    float *y = NULL, *share = NULL;
    int64_t rows = data->blocks->rows_local;
    TRY_ALL(comm, memory_new(&y, rows, sizeof *y));
    TRY_ALL(comm, memory_new(&share, rows, sizeof *share));
    for (int64_t i = 0; i < rows; i++) {
        y[i] = (float)data->label[i];
        share[i] = (float)out[2 * i + 1];
    }
    struct metrics_rows judged = {data->blocks, y, share, data->part, FOREST_TEST};
    TRY(metrics_auc(comm, &judged, &test->auc));
done:
    free(y);
    free(share);
    return status;
}

static enum status judge_classes(const struct comm *comm, const struct fit_forest_data *data,
                                 const double *out, struct fit_forest_test *test)
{
    enum status status = OK;
    struct exact_sums loss = {0};
    int64_t right = 0, classes = data->classes;
    TRY_ALL(comm, exact_init(&loss, 1));
    for (int64_t b = 0; b < data->blocks->blocks_local; b++) {
        double partial = 0;
        for (int64_t i = data->blocks->start[b]; i < data->blocks->start[b + 1]; i++) {
            if (data->part[i] != FOREST_TEST) continue;
            const double *share = out + i * classes;
            right += forest_class(share, classes) == data->label[i];
            partial -= log(fmax(share[data->label[i]], LEAST_SHARE));
        }
        exact_add_one(&loss, 0, partial);
    }
    comm_sum_int64(comm, &right, 1);
    TRY(exact_reduce(comm, &loss));
    test->accuracy = (double)right / (double)test->rows;
    test->log_loss = exact_get(&loss, 0) / (double)test->rows;
    if (classes == 2) TRY(judge_auc(comm, data, out, test));
done:
    exact_clear(&loss);
    return status;
}

enum status fit_forest_judge(const struct comm *comm, const struct fit_forest_data *data,
                             const struct forest *forest, struct fit_forest_test *test)
{
    enum status status = OK;
    double *out = NULL;
    struct rows rows = {data->blocks, data->columns, data->columns, data->x};
    *test = (struct fit_forest_test){data->rows[FOREST_TEST], NAN, NAN, NAN, NAN, NAN};
    if (test->rows == 0) return OK;
    TRY_ALL(comm, memory_new(&out, data->blocks->rows_local * forest->outputs, sizeof *out));
    TRY_ALL(comm, forest_apply(forest, &rows, out));
    if (data->classes > 0)
        TRY(judge_classes(comm, data, out, test));
    else
        TRY(judge_values(comm, data, out, test));
done:
    free(out);
    return status;
}

/* ---- JSON ---- */

static json_t *class_json(const struct fit_forest_data *data, int64_t label)
{
    const struct table_column *target = &data->in.table->column[data->source[data->columns]];
    if (data->class_value != NULL) return json_real(data->class_value[label]);
    return json_string(dictionary_text(&target->levels, label));
}

static json_t *test_json(const struct fit_forest_data *data, const struct fit_forest_test *test)
{
    if (data->classes == 0)
        return json_pack("{s:I, s:o, s:o}", "rows", (json_int_t)test->rows, "rmse",
                         fit_number(test->rmse), "r_squared", fit_number(test->r_squared));
    json_t *json = json_pack("{s:I, s:o, s:o}", "rows", (json_int_t)test->rows, "accuracy",
                             fit_number(test->accuracy), "log_loss", fit_number(test->log_loss));
    if (json != NULL && data->classes == 2) json_object_set_new(json, "auc", fit_number(test->auc));
    return json;
}

static json_t *importance_json(const struct fit_forest_data *data, const struct forest *forest)
{
    json_t *list = json_array();
    for (int64_t j = 0; j < data->columns; j++) {
        json_t *each = json_pack("{s:s, s:o}", "column", fit_forest_data_name(data, j), "impurity",
                                 fit_number(forest->importance[j]));
        if (each != NULL && forest->permutation != NULL)
            json_object_set_new(each, "permutation", fit_number(forest->permutation[j]));
        json_array_append_new(list, each);
    }
    return list;
}

static int64_t nodes_of(const struct forest *forest)
{
    int64_t nodes = 0;
    for (int64_t t = 0; t < forest->trees; t++) nodes += forest->tree[t].nodes;
    return nodes;
}

static void put_classes(json_t *json, const struct fit_forest_data *data)
{
    json_t *classes = json_array();
    for (int64_t k = 0; k < data->classes; k++) json_array_append_new(classes, class_json(data, k));
    json_object_set_new(json, "classes", classes);
}

enum status fit_forest_json(const struct fit_forest_source *source,
                            const struct fit_forest_data *data,
                            const struct forest_options *options, const struct forest *forest,
                            const struct fit_forest_test *test, json_t **json)
{
    json_t *columns = json_array();
    for (int64_t j = 0; j < data->columns; j++)
        json_array_append_new(columns, json_string(fit_forest_data_name(data, j)));
    *json = json_pack("{s:I, s:I, s:I, s:I, s:s, s:o, s:I, s:I, s:I, s:I, s:I}", "rows",
                      (json_int_t)data->blocks->rows_total, "rows_train",
                      (json_int_t)data->rows[FOREST_TRAIN], "rows_test",
                      (json_int_t)data->rows[FOREST_TEST], "rows_left_out",
                      (json_int_t)data->rows[FOREST_NONE], "target", source->target, "columns",
                      columns, "trees", (json_int_t)forest->trees, "depth",
                      (json_int_t)options->depth, "min_rows", (json_int_t)options->min_rows, "bins",
                      (json_int_t)source->bins, "nodes", (json_int_t)nodes_of(forest));
    if (*json == NULL) return FAIL(ERR_MEMORY, "no memory for the result");
    if (data->classes > 0) put_classes(*json, data);
    if (options->oob && data->classes > 0)
        json_object_set_new(*json, "oob_accuracy", fit_number(forest->oob_accuracy));
    if (options->oob && data->classes == 0)
        json_object_set_new(*json, "oob_rmse", fit_number(forest->oob_rmse));
    json_object_set_new(*json, "importance", importance_json(data, forest));
    json_object_set_new(*json, "test", test_json(data, test));
    return OK;
}

/* ---- rules ---- */

/* Names of the columns, and texts of their levels in order. */
struct words {
    const char **name;
    const char ***level; /* [columns] ended by NULL */
};

static void words_clear(const struct fit_forest_data *data, struct words *words)
{
    for (int64_t j = 0; words->level != NULL && j < data->columns; j++) free(words->level[j]);
    free(words->level);
    free(words->name);
}

static enum status words_init(const struct fit_forest_data *data, struct words *words)
{
    enum status status = OK;
    TRY(memory_new(&words->name, data->columns, sizeof *words->name));
    TRY(memory_new(&words->level, data->columns, sizeof *words->level));
    for (int64_t j = 0; j < data->columns; j++) {
        const struct table_column *column = &data->in.table->column[data->source[j]];
        words->name[j] = column->name;
        if (data->rank[j] == NULL) continue;
        TRY(memory_new(&words->level[j], column->levels.count + 1, sizeof *words->level[j]));
        for (int64_t l = 0; l < column->levels.count; l++)
            if (data->rank[j][l] >= 0)
                words->level[j][data->rank[j][l]] = dictionary_text(&column->levels, l);
    }
done:
    return status;
}

static enum status rule_json(const struct fit_forest_data *data, const struct rules_words *words,
                             const struct tree_rule *rule, json_t *list)
{
    char *text = NULL;
    enum status status = rules_text(rule, words, &text);
    if (status != OK) return status;
    json_t *json = data->classes > 0
                       ? json_pack("{s:s, s:o, s:f, s:f, s:I}", "if", text, "class",
                                   class_json(data, rule->label), "purity", rule->value, "coverage",
                                   rule->coverage, "rows", (json_int_t)rule->rows)
                       : json_pack("{s:s, s:f, s:f, s:I}", "if", text, "value", rule->value,
                                   "coverage", rule->coverage, "rows", (json_int_t)rule->rows);
    free(text);
    if (json == NULL) return FAIL(ERR_MEMORY, "no memory for the rules");
    json_array_append_new(list, json);
    return OK;
}

enum status fit_forest_rules(const struct fit_forest_data *data, const struct forest *forest,
                             json_t **rules)
{
    enum status status = OK;
    struct words words = {0};
    struct tree_rules found = {0};
    json_t *list = json_array();
    *rules = NULL;
    TRY(words_init(data, &words));
    TRY(tree_rules_make(&forest->tree[0], data->classes, &found));
    struct rules_words named = {words.name, data->bins->missing,
                                (const char *const *const *)words.level};
    for (int64_t i = 0; i < found.count; i++) TRY(rule_json(data, &named, &found.rule[i], list));
    *rules = json_incref(list);
done:
    json_decref(list);
    tree_rules_clear(&found);
    words_clear(data, &words);
    return status;
}
