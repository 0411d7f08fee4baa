/* Micro-batches through a network; nothing is learned here. */
#include "algorithms/network_runner.h"

#include "algorithms/vector.h"
#include "mpi/memory.h"
#include "mpi/exact.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS_AHEAD = 2 };

static enum status check_row(const struct network_data *data, enum loss loss, int64_t i)
{
    long long row = (long long)(data->rows.blocks->row_first + i);
    float y = data->y[i];
    if (!isfinite(y))
        return FAIL(ERR_DATA, "the target of row %lld is missing or not finite; leave the row out",
                    row);
    if (loss_of_chances(loss) && !(y >= 0.0f && y <= 1.0f))
        return FAIL(ERR_DATA, "the target of row %lld is %g; this loss needs values from 0 to 1",
                    row, (double)y);
    if (data->weight != NULL && !(data->weight[i] >= 0.0f && isfinite(data->weight[i])))
        return FAIL(ERR_DATA, "the weight of row %lld is %g; it must be finite and not negative",
                    row, (double)data->weight[i]);
    if (loss != LOSS_STRUCTURAL) return OK;
    if (!isfinite(data->dose[i])) return FAIL(ERR_DATA, "the dose of row %lld is not finite", row);
    if (data->prior != NULL && !(data->prior[i] >= 0.0f && isfinite(data->prior[i])))
        return FAIL(ERR_DATA, "the prior of row %lld is %g; it must be positive, or 0 for none",
                    row, (double)data->prior[i]);
    return OK;
}

enum status network_runner_check(const struct network_data *data, const struct network *model)
{
    if (data->rows.columns != network_inputs(model))
        return FAIL(ERR_ARG, "rows of %lld columns for a network of %lld inputs",
                    (long long)data->rows.columns, (long long)network_inputs(model));
    if ((model->loss == LOSS_STRUCTURAL) != (data->dose != NULL))
        return FAIL(ERR_ARG, "doses go with the structural loss, and only with it");
    for (int64_t i = 0; i < data->rows.blocks->rows_local; i++) {
        enum status status = check_row(data, model->loss, i);
        if (status != OK) return status;
    }
    return OK;
}

enum status network_runner_init(struct network_runner *runner, const struct network *model,
                                int64_t rows_max, bool training)
{
    enum status status = OK;
    TRY(network_pass_init(&runner->pass, model, rows_max, training));
    TRY(memory_new(&runner->number, rows_max, sizeof *runner->number));
    TRY(memory_new(&runner->y, rows_max, sizeof(float)));
    TRY(memory_new(&runner->weight, rows_max, sizeof(float)));
    TRY(memory_new(&runner->dose, rows_max, sizeof(float)));
    TRY(memory_new(&runner->prior, rows_max, sizeof(float)));
done:
    return status;
}

void network_runner_clear(struct network_runner *runner)
{
    network_pass_clear(&runner->pass);
    free(runner->number);
    free(runner->y);
    free(runner->weight);
    free(runner->dose);
    free(runner->prior);
}

static void gather(const float *from, float otherwise, const struct micro_batch *micro, float *to)
{
    for (int64_t i = 0; i < micro->rows; i++)
        to[i] = from != NULL ? from[micro->row_base + micro->row[i]] : otherwise;
}

/* Row `i` of a micro-batch, or NULL behind the last one. */
static const float *row_of(const struct rows *rows, const struct micro_batch *micro, int64_t i)
{
    if (i >= micro->rows) return NULL;
    return rows->x + (micro->row_base + micro->row[i]) * rows->stride;
}

/* Rows lie anywhere in memory: they are called for some time before they are read. */
static void call_for(const float *row, int64_t columns)
{
    for (int64_t j = 0; j < columns && row != NULL; j += VECTOR_FLOATS) __builtin_prefetch(row + j);
}

/* Copy a micro-batch's rows into the pass, and what goes beside them. Layers know the rows' numbers
 * while they learn. */
static struct loss_rows load_micro(struct network_runner *runner, const struct micro_batch *micro)
{
    const struct network_data *data = runner->data;
    runner->rows.count = micro->rows;
    for (int64_t i = 0; i < micro->rows; i++) {
        int64_t row = micro->row_base + micro->row[i];
        runner->number[i] = data->rows.blocks->row_first + row;
        call_for(row_of(&data->rows, micro, i + ROWS_AHEAD), data->rows.columns);
        network_pass_put(&runner->pass, i, row_of(&data->rows, micro, i));
    }
    gather(data->y, 0.0f, micro, runner->y);
    gather(data->weight, 1.0f, micro, runner->weight);
    gather(data->dose, 0.0f, micro, runner->dose);
    gather(data->prior, 0.0f, micro, runner->prior);
    return (struct loss_rows){runner->y, runner->weight, runner->dose, runner->prior,
                              runner->prior_weight};
}

struct loss_sums network_runner_forward(struct network_runner *runner,
                                        const struct micro_batch *micro, float *slope)
{
    struct loss_rows beside = load_micro(runner, micro);
    struct network_pass *pass = &runner->pass;
    runner->rows.number = slope != NULL ? runner->number : NULL;
    network_pass_forward(pass, &runner->rows);
    return loss_evaluate(runner->loss, &beside, micro->rows, network_pass_stride(pass),
                         pass->out[pass->layers], slope);
}

/* Sum the loss over micro-batches in hand; nothing is learned. */
enum status network_runner_total(const struct comm *comm, struct network_runner *runner,
                                 const struct batches *batches, double *mean)
{
    enum status status = OK;
    struct exact_sums total = {0};
    TRY_ALL(comm, exact_init(&total, 2));
    for (int64_t m = 0; m < batches->micros_local; m++) {
        struct micro_batch micro = batches_micro(batches, m);
        struct loss_sums sums = network_runner_forward(runner, &micro, NULL);
        exact_add_one(&total, 0, sums.loss);
        exact_add_one(&total, 1, sums.weight);
    }
    TRY(exact_reduce(comm, &total));
    double weight = exact_get(&total, 1);
    *mean = weight > 0.0 ? exact_get(&total, 0) / weight : 0.0;
done:
    exact_clear(&total);
    return status;
}

/* ---- bad rows ---- */

/* What an exact sum takes of a loss. */
#define LOSS_LIMIT 0x1p47

static bool slopes_finite(struct network_runner *runner)
{
    struct network_pass *pass = &runner->pass;
    bool finite = true;
    for (int64_t l = pass->layers - 1; l >= 0; l--) {
        int64_t count = pass->first[l + 1] - pass->first[l];
        network_pass_back(pass, l, &runner->rows);
        for (int64_t k = 0; k < count; k++) finite = finite && isfinite(pass->slopes[k]);
    }
    return finite;
}

static bool row_finite(struct network_runner *runner, const struct micro_batch *row, bool learning)
{
    struct network_pass *pass = &runner->pass;
    float *slope = learning ? network_pass_delta(pass, pass->layers - 1) : NULL;
    struct loss_sums sums = network_runner_forward(runner, row, slope);
    return fabs(sums.loss) < LOSS_LIMIT && (!learning || slopes_finite(runner));
}

struct network_blame network_runner_blame(const struct comm *comm, struct network_runner *runner,
                                          const struct micro_list *list, bool learning)
{
    int64_t sum[2] = {0, 0}, first = INT64_MAX;
    for (int64_t m = 0; m < list->count; m++) {
        struct micro_batch micro = batches_micro(list->batches, list->at != NULL ? list->at[m] : m);
        for (int64_t i = 0; i < micro.rows; i++) {
            struct micro_batch row = {1, micro.row_base, micro.row + i};
            int64_t number = runner->data->rows.blocks->row_first + micro.row_base + micro.row[i];
            bool guilty = !row_finite(runner, &row, learning);
            sum[0]++;
            sum[1] += guilty;
            if (guilty && number < first) first = number;
        }
    }
    comm_sum_int64(comm, sum, 2);
    comm_min_int64(comm, &first, 1);
    return (struct network_blame){sum[0], sum[1], first};
}

/* ---- the loss ---- */

enum status network_loss(const struct comm *comm, const struct network_data *data,
                         enum network_part part, const struct network *model, double *loss,
                         int64_t *rows_counted)
{
    enum status status = OK;
    struct batches batches = {0};
    struct network_runner runner = {.data = data, .loss = model->loss};
    TRY_ALL(comm, network_runner_check(data, model));
    TRY(batches_init(comm, data->rows.blocks, data->part, (uint8_t)part, 8192, 0, &batches));
    TRY_ALL(comm, network_runner_init(&runner, model, batches.micro_rows, false));
    TRY(network_runner_total(comm, &runner, &batches, loss));
    *rows_counted = batches.rows_chosen;
done:
    batches_clear(&batches);
    network_runner_clear(&runner);
    return status;
}

void network_split(const struct blocks *blocks, uint64_t seed, double validation, double test,
                   uint8_t *part)
{
    for (int64_t i = 0; i < blocks->rows_local; i++) {
        double u = random_uniform(seed, RANDOM_SPLIT, (uint64_t)(blocks->row_first + i), 0);
        part[i] = u < test ? PART_TEST : u < test + validation ? PART_VALIDATION : PART_TRAIN;
    }
}
