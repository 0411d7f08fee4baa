/* A tree over pulls on one half of the rows, effects from the other. */
#include "algorithms/double_ml_tree.h"

#include "mpi/exact.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_LEAST = 50, LEAVES_MOST = 50 };

#define CHANCE 12.0 /* a question by chance seldom takes off so many times the mean square a row */

struct halves {
    const struct double_ml *ml;
    uint8_t *skip;  /* [rows_local] not 0 but for rows to grow from */
    double *pull;   /* [rows_local] */
    uint8_t *code;  /* [columns][rows_local] */
    int32_t *group; /* [rows_local] leaf of rows to estimate from, else -1 */
    double rows, square;
};

static enum status halves_alloc(const struct rows *controls, struct halves *h)
{
    enum status status = OK;
    int64_t rows = controls->blocks->rows_local;
    TRY(memory_new(&h->skip, rows, sizeof *h->skip));
    TRY(memory_new(&h->pull, rows, sizeof *h->pull));
    TRY(memory_new(&h->group, rows, sizeof *h->group));
    TRY(memory_new(&h->code, rows * controls->columns, sizeof *h->code));
done:
    return status;
}

static void halves_clear(struct halves *h)
{
    free(h->skip);
    free(h->pull);
    free(h->code);
    free(h->group);
}

static bool grows(const struct double_ml *ml, int64_t row, uint64_t seed)
{
    uint64_t entity =
        ml->cluster != NULL ? (uint64_t)ml->cluster[row] : (uint64_t)(ml->blocks->row_first + row);
    return random_uniform(seed, RANDOM_SPLIT, entity, 1) < 0.5;
}

static enum status deal(const struct comm *comm, uint64_t seed, struct halves *h)
{
    enum status status = OK;
    const struct double_ml *ml = h->ml;
    struct exact_sums sums = {0};
    double effect = ml->effect.estimate * (ml->treatment_unit / ml->outcome_unit);
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t i = 0; i < ml->blocks->rows_local; i++) {
        h->skip[i] = !(ml->weight[i] > 0.0 && grows(ml, i, seed));
        h->pull[i] = ml->treatment[i] * (ml->outcome[i] - effect * ml->treatment[i]);
        if (h->skip[i] != 0) continue;
        const double both[2] = {1, h->pull[i] * h->pull[i]};
        exact_add(&sums, 0, both, 2);
    }
    TRY(exact_reduce(comm, &sums));
    h->rows = exact_get(&sums, 0);
    h->square = exact_get(&sums, 1);
    if (h->rows < 1)
        TRY(FAIL(ERR_DATA, "no row fell to the half that a tree of effects is grown from; bring "
                           "more rows, or take another seed"));
done:
    exact_clear(&sums);
    return status;
}

static enum status grow(const struct comm *comm, const struct rows *controls, const uint8_t *skip,
                        int64_t depth, int64_t min_rows, struct halves *h,
                        struct double_ml_tree *tree)
{
    enum status status = OK;
    int64_t least = (int64_t)(h->rows / LEAVES_MOST);
    TRY(bins_make(comm, controls, skip, BINS_MAX, &tree->bins));
    TRY_ALL(comm, bins_code(tree->bins, controls, h->code));
    struct forest_data data = {.blocks = controls->blocks,
                               .bins = tree->bins,
                               .code = h->code,
                               .value = h->pull,
                               .skip = h->skip};
    struct forest_options opt = {.trees = 1,
                                 .depth = depth,
                                 .min_rows = min_rows > 0         ? min_rows
                                             : least > ROWS_LEAST ? least
                                                                  : ROWS_LEAST,
                                 .min_gain = CHANCE * h->square / (h->rows * h->rows)};
    TRY(forest_fit(comm, &data, &opt, &tree->forest));
done:
    return status;
}

/* How far the leaves' effects are apart, in standard errors. */
static double wald_of(const struct double_ml_tree *tree)
{
    double weights = 0, mean = 0, sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < tree->forest->tree[0].nodes; i++) {
            const struct double_ml_estimate *e = &tree->estimate[i];
            if (tree->forest->tree[0].node[i].feature >= 0 || !(e->std_error > 0.0)) continue;
            double weight = 1 / (e->std_error * e->std_error);
            if (pass == 0) {
                weights += weight;
                mean += (e->estimate - mean) * weight / weights;
            } else {
                sum += weight * (e->estimate - mean) * (e->estimate - mean);
            }
        }
    return sum;
}

static enum status estimate(const struct comm *comm, const struct rows *controls, struct halves *h,
                            struct double_ml_tree *tree)
{
    enum status status = OK;
    const struct tree *grown = &tree->forest->tree[0];
    TRY_ALL(comm, memory_new(&tree->estimate, grown->nodes, sizeof *tree->estimate));
    for (int64_t i = 0; i < controls->blocks->rows_local; i++)
        h->group[i] = h->skip[i] != 0 && h->ml->weight[i] > 0.0
                          ? (int32_t)tree_leaf(grown, controls->x + i * controls->stride)
                          : -1;
    TRY(double_ml_groups(comm, h->ml, grown->nodes, h->group, tree->estimate, NULL));
    for (int64_t i = 0; i < grown->nodes; i++) tree->leaves += grown->node[i].feature < 0;
    tree->growing_rows = h->rows;
    tree->wald = h->ml->cluster != NULL || tree->leaves < 2 ? NAN : wald_of(tree);
done:
    return status;
}

enum status double_ml_tree_fit(const struct comm *comm, const struct double_ml *ml,
                               const struct rows *controls, const uint8_t *skip, int64_t depth,
                               int64_t min_rows, uint64_t seed, struct double_ml_tree *tree)
{
    enum status status = OK;
    struct halves h = {.ml = ml};
    *tree = (struct double_ml_tree){0};
    if (depth < 0 || depth > DOUBLE_ML_DEPTH_MAX)
        return FAIL(ERR_ARG, "a tree of effects of depth %" PRId64 "; choose 0 to %d", depth,
                    DOUBLE_ML_DEPTH_MAX);
    TRY_ALL(comm, halves_alloc(controls, &h));
    TRY(deal(comm, seed, &h));
    TRY(grow(comm, controls, skip, depth, min_rows, &h, tree));
    TRY(estimate(comm, controls, &h, tree));
done:
    halves_clear(&h);
    return status;
}

void double_ml_tree_clear(struct double_ml_tree *tree)
{
    forest_free(&tree->forest);
    bins_free(&tree->bins);
    free(tree->estimate);
    *tree = (struct double_ml_tree){0};
}
