/* Forests: batches of trees, their importances, and their use. */
#include "algorithms/forest.h"

#include "algorithms/forest_judge.h"
#include "algorithms/tree_grow.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status check_data(const struct forest_data *data)
{
    if (data->bins->columns > FOREST_COLUMNS_MAX)
        return FAIL(ERR_ARG, "%lld columns are more than a forest takes; choose up to %d",
                    (long long)data->bins->columns, FOREST_COLUMNS_MAX);
    if (data->classes < 0 || data->classes == 1 || data->classes > FOREST_CLASSES_MAX)
        return FAIL(ERR_ARG, "%lld classes; there must be 2 to %d", (long long)data->classes,
                    FOREST_CLASSES_MAX);
    if (data->blocks->rows_local > FOREST_ROWS_MAX)
        return FAIL(ERR_ARG, "%lld rows are more than a rank takes; run on more ranks",
                    (long long)data->blocks->rows_local);
    return OK;
}

static enum status check_options(const struct forest_options *opt)
{
    if (opt->trees < 1 || opt->trees > FOREST_TREES_MAX)
        return FAIL(ERR_ARG, "%lld trees; choose 1 to %d", (long long)opt->trees, FOREST_TREES_MAX);
    if (opt->depth < 0 || opt->depth > FOREST_DEPTH_MAX)
        return FAIL(ERR_ARG, "a depth of %lld; choose 0 to %d", (long long)opt->depth,
                    FOREST_DEPTH_MAX);
    if (opt->min_rows < 1 || opt->features < 0 || !(opt->min_gain >= 0.0) || opt->batch < 0)
        return FAIL(ERR_ARG,
                    "min_rows = %lld (at least 1), features = %lld, min_gain = %g and batch = %lld "
                    "(at least 0) are out of range",
                    (long long)opt->min_rows, (long long)opt->features, opt->min_gain,
                    (long long)opt->batch);
    if (!(opt->share >= 0.0 && opt->share <= 1.0) || (opt->share > 0.0 && opt->bootstrap))
        return FAIL(ERR_ARG, "a share of %g; choose up to 1, and no bootstrap beside it",
                    opt->share);
    if (opt->oob && !opt->bootstrap && opt->share == 0.0)
        return FAIL(ERR_ARG, "without bootstrap every tree draws every row: no out-of-bag error");
    return OK;
}

void forest_free(struct forest **forest)
{
    if (*forest == NULL) return;
    for (int64_t t = 0; (*forest)->tree != NULL && t < (*forest)->trees; t++)
        tree_clear(&(*forest)->tree[t]);
    free((*forest)->tree);
    free((*forest)->importance);
    free((*forest)->permutation);
    free(*forest);
    *forest = NULL;
}

static enum status forest_new(const struct forest_data *data, const struct forest_options *opt,
                              struct forest **forest)
{
    enum status status = OK;
    int64_t columns = data->bins->columns;
    TRY(memory_new(forest, 1, sizeof **forest));
    (*forest)->columns = columns;
    (*forest)->classes = data->classes;
    (*forest)->outputs = data->classes > 0 ? data->classes : 1;
    (*forest)->trees = opt->trees;
    (*forest)->oob_rmse = (*forest)->oob_accuracy = NAN;
    TRY(memory_new(&(*forest)->tree, opt->trees, sizeof *(*forest)->tree));
    TRY(memory_new(&(*forest)->importance, columns, sizeof *(*forest)->importance));
    if (opt->permutation)
        TRY(memory_new(&(*forest)->permutation, columns, sizeof *(*forest)->permutation));
done:
    if (status != OK) forest_free(forest);
    return status;
}

/* ---- growing ---- */

static enum status lists_new(int64_t count, int64_t rows, struct tree_list **lists)
{
    enum status status = OK;
    TRY(memory_new(lists, count, sizeof **lists));
    for (int64_t t = 0; t < count; t++)
        TRY(memory_new(&(*lists)[t].entry, rows, sizeof *(*lists)[t].entry));
done:
    return status;
}

static void lists_free(int64_t count, struct tree_list *lists)
{
    for (int64_t t = 0; lists != NULL && t < count; t++) free(lists[t].entry);
    free(lists);
}

static enum status judge_all(struct forest_judge *judge, int64_t count, const struct tree *tree,
                             struct tree_list *lists)
{
    enum status status = OK;
    for (int64_t t = 0; t < count; t++) TRY(forest_judge_add(judge, &tree[t], &lists[t]));
done:
    return status;
}

static enum status grow_all(const struct comm *comm, struct tree_grower *grower,
                            struct forest_judge *judge, struct forest *forest)
{
    enum status status = OK;
    int64_t batch = tree_grower_batch(grower);
    struct tree_list *lists = NULL;
    TRY_ALL(comm, lists_new(batch, grower->records->rows, &lists));
    for (int64_t t = 0; t < forest->trees; t += batch) {
        int64_t count = forest->trees - t < batch ? forest->trees - t : batch;
        tree_lists_draw(grower->data, grower->opt, t, count, lists);
        TRY(tree_grow(comm, grower, t, count, lists, forest->tree + t));
        TRY_ALL(comm, judge_all(judge, count, forest->tree + t, lists));
        log_progress("trees", t + count, forest->trees);
    }
done:
    lists_free(batch, lists);
    return status;
}

/* Mean over the trees of each column's share of the tree's gains. */
static enum status sum_importance(struct forest *forest)
{
    double *gain = NULL, asked = 0;
    enum status status = memory_new(&gain, forest->columns, sizeof *gain);
    if (status != OK) return status;
    for (int64_t t = 0; t < forest->trees; t++) {
        const struct tree *tree = &forest->tree[t];
        double total = 0;
        memset(gain, 0, (size_t)forest->columns * sizeof *gain);
        for (int64_t i = 0; i < tree->nodes; i++)
            if (tree->node[i].feature >= 0) {
                gain[tree->node[i].feature] += tree->node[i].gain;
                total += tree->node[i].gain;
            }
        asked += total > 0.0;
        for (int64_t j = 0; j < forest->columns && total > 0.0; j++)
            forest->importance[j] += gain[j] / total;
    }
    for (int64_t j = 0; j < forest->columns && asked > 0.0; j++) forest->importance[j] /= asked;
    free(gain);
    return OK;
}

enum status forest_fit(const struct comm *comm, const struct forest_data *data,
                       const struct forest_options *opt, struct forest **forest)
{
    enum status status = OK;
    struct tree_records records = {0};
    struct tree_grower grower = {0};
    struct forest_judge judge = {0};
    *forest = NULL;
    TRY_ALL(comm, check_data(data));
    TRY_ALL(comm, check_options(opt));
    TRY_ALL(comm, forest_new(data, opt, forest));
    TRY(tree_records_make(comm, data, &records));
    TRY_ALL(comm, tree_grower_init(&grower, data, opt, &records));
    TRY(forest_judge_init(comm, data, opt, &records, &judge));
    TRY(grow_all(comm, &grower, &judge, *forest));
    TRY(forest_judge_end(comm, &judge, *forest));
    TRY_ALL(comm, sum_importance(*forest));
done:
    forest_judge_clear(&judge);
    tree_grower_clear(&grower);
    tree_records_clear(&records);
    if (status != OK) forest_free(forest);
    return status;
}

/* ---- use ---- */

enum status forest_apply(const struct forest *forest, const struct rows *x, double *out)
{
    int64_t outputs = forest->outputs;
    if (x->columns != forest->columns)
        return FAIL(ERR_ARG,
                    "rows of %lld columns for a forest of %lld; give those it was grown "
                    "from",
                    (long long)x->columns, (long long)forest->columns);
    for (int64_t i = 0; i < x->blocks->rows_local; i++) {
        double *sum = out + i * outputs; /* out[i][:] */
        memset(sum, 0, (size_t)outputs * sizeof *sum);
        for (int64_t t = 0; t < forest->trees; t++) {
            const struct tree *tree = &forest->tree[t];
            const double *value = tree->value + tree_leaf(tree, x->x + i * x->stride) * outputs;
            for (int64_t k = 0; k < outputs; k++) sum[k] += value[k];
        }
        for (int64_t k = 0; k < outputs; k++) sum[k] /= (double)forest->trees;
    }
    return OK;
}

int32_t forest_class(const double *share, int64_t classes)
{
    int32_t best = 0;
    for (int32_t k = 1; k < classes; k++)
        if (share[k] > share[best]) best = k;
    return best;
}
