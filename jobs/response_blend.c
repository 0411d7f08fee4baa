/* The weights of the structured members beside the networks. */
#include "jobs/response_blend.h"

#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 11, PAIRS = STEPS * STEPS, BATCH_ROWS = 4096 };

/* Rows to ask, about; more take long and say the same. */
#define ROWS_ENOUGH 200000.0

enum status response_drawn_init(int64_t rows, struct response_drawn *drawn)
{
    enum status status = OK;
    TRY(memory_new(&drawn->a, rows, sizeof *drawn->a));
    TRY(memory_new(&drawn->b, rows, sizeof *drawn->b));
done:
    return status;
}

void response_drawn_clear(struct response_drawn *drawn)
{
    free(drawn->a);
    free(drawn->b);
    *drawn = (struct response_drawn){0};
}

/* ---- curves by those who have not learned ---- */

typedef enum status ask_member(const struct response_ensemble *ensemble, int member, const float *x,
                               int64_t rows, float *a, float *b);

static enum status ask_network(const struct response_ensemble *ensemble, int member, const float *x,
                               int64_t rows, float *a, float *b)
{
    return network_response(ensemble->network[member], x, rows, ensemble->stride, a, b);
}

static enum status ask_structured(const struct response_ensemble *ensemble, int member,
                                  const float *x, int64_t rows, float *a, float *b)
{
    return slope_logit_apply(ensemble->logit[member], x, rows, ensemble->stride, a, b);
}

/* Rows that one member is asked about together. */
struct batch {
    int64_t rows;
    float *x;     /* [BATCH_ROWS][stride] */
    int64_t *row; /* [BATCH_ROWS] which they are */
    float *a, *b; /* [BATCH_ROWS] */
};

static enum status batch_init(int64_t stride, struct batch *batch)
{
    enum status status = OK;
    TRY(memory_new(&batch->x, BATCH_ROWS * stride, sizeof *batch->x));
    TRY(memory_new(&batch->row, BATCH_ROWS, sizeof *batch->row));
    TRY(memory_new(&batch->a, BATCH_ROWS, sizeof *batch->a));
    TRY(memory_new(&batch->b, BATCH_ROWS, sizeof *batch->b));
done:
    return status;
}

static void batch_clear(struct batch *batch)
{
    free(batch->x);
    free(batch->row);
    free(batch->a);
    free(batch->b);
}

static enum status flush(const struct response_ensemble *ensemble, int member, ask_member *ask,
                         struct batch *batch, struct response_drawn *drawn)
{
    enum status status = ask(ensemble, member, batch->x, batch->rows, batch->a, batch->b);
    for (int64_t i = 0; i < batch->rows && status == OK; i++) {
        drawn->a[batch->row[i]] = batch->a[i];
        drawn->b[batch->row[i]] = batch->b[i];
    }
    batch->rows = 0;
    return status;
}

/* Each row by the member that has not learned from it. */
static enum status draw(const struct response_rows *rows, const struct response_ensemble *ensemble,
                        ask_member *ask, struct response_drawn *drawn)
{
    enum status status = OK;
    struct batch batch = {0};
    int64_t stride = rows->stride;
    TRY(batch_init(stride, &batch));
    for (int k = 0; k < ensemble->members; k++) {
        for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
            if (rows->member[i] != k) continue;
            memcpy(batch.x + batch.rows * stride, rows->x + i * stride,
                   (size_t)stride * sizeof *batch.x);
            batch.row[batch.rows++] = i;
            if (batch.rows == BATCH_ROWS) TRY(flush(ensemble, k, ask, &batch, drawn));
        }
        TRY(flush(ensemble, k, ask, &batch, drawn));
    }
done:
    batch_clear(&batch);
    return status;
}

enum status response_draw_networks(const struct response_rows *rows,
                                   const struct response_ensemble *ensemble,
                                   struct response_drawn *drawn)
{
    return draw(rows, ensemble, ask_network, drawn);
}

enum status response_draw_structured(const struct response_rows *rows,
                                     const struct response_ensemble *ensemble,
                                     struct response_drawn *drawn)
{
    return draw(rows, ensemble, ask_structured, drawn);
}

/* ---- weights ---- */

/* log(1 + exp(z)) */
static double soft(double z)
{
    return z > 0.0 ? z + log1p(exp(-z)) : log1p(exp(z));
}

/* loss[step of a][step of b] += those of one row */
static void add_row(const struct response_rows *rows, const struct response_drawn *network,
                    const struct response_drawn *structured, int64_t i, double *loss)
{
    double weight = (double)rows->weight[i], y = (double)rows->y[i];
    for (int v = 0; v < STEPS; v++) {
        double b = response_blend_b((double)v / (STEPS - 1), structured->b[i], network->b[i]);
        for (int u = 0; u < STEPS; u++) {
            double a = response_blend_a((double)u / (STEPS - 1), structured->a[i], network->a[i]);
            double z = a + b * (double)rows->dose[i];
            loss[u * STEPS + v] += weight * (soft(z) - y * z);
        }
    }
}

static bool asked(const struct response_rows *rows, bool all, int64_t i)
{
    double u = random_uniform(3, RANDOM_SPLIT, (uint64_t)(rows->blocks.row_first + i), 0);
    if (!all && rows->part[i] != PART_VALIDATION) return false;
    return u * (double)rows->blocks.rows_total < ROWS_ENOUGH;
}

static void add_all(const struct response_rows *rows, const struct response_drawn *network,
                    const struct response_drawn *structured, bool all, struct exact_sums *sums)
{
    for (int64_t b = 0; b < rows->blocks.blocks_local; b++) {
        double loss[PAIRS + 1] = {0};
        for (int64_t i = rows->blocks.start[b]; i < rows->blocks.start[b + 1]; i++) {
            if (!asked(rows, all, i)) continue;
            add_row(rows, network, structured, i, loss);
            loss[PAIRS] += (double)rows->weight[i];
        }
        exact_add(sums, 0, loss, PAIRS + 1);
    }
}

/* The best pair; of equal ones that with more of the structured members, whose slope stands where
 * nothing tells of it. */
static void choose(const struct exact_sums *sums, bool one_dose, struct response_blend *blend)
{
    double weight = exact_get(sums, PAIRS), least = INFINITY;
    *blend = (struct response_blend){.offset = 1.0, .slope = 1.0};
    if (!(weight > 0.0)) return;
    for (int k = PAIRS - 1; k >= 0; k--) {
        double loss = exact_get(sums, k) / weight;
        if (!(loss < least) || (one_dose && k % STEPS < STEPS - 1)) continue;
        least = loss;
        blend->offset = (double)(k / STEPS) / (STEPS - 1);
        blend->slope = (double)(k % STEPS) / (STEPS - 1);
    }
    blend->loss = least;
    blend->loss_network = exact_get(sums, 0) / weight;
    blend->loss_structured = exact_get(sums, PAIRS - 1) / weight;
}

static void tell(const struct response_blend *blend)
{
    if (blend->loss > 0.0)
        log_info("  structured members weigh %.0f %% in the offset and %.0f %% in the slope: "
                 "held-out loss "
                 "%.6f, of the structured alone %.6f, of the networks alone %.6f",
                 100.0 * blend->offset, 100.0 * blend->slope, blend->loss, blend->loss_structured,
                 blend->loss_network);
    else
        log_info("  no row was held out that could tell networks from structured members: curves "
                 "are those of the structured ones");
}

enum status response_blend_find(const struct comm *comm, const struct response_rows *rows,
                                const struct response_drawn *structured,
                                struct response_drawn *network, struct response_ensemble *ensemble)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    struct response_blend *blend = &ensemble->blend;
    TRY_ALL(comm, exact_init(&sums, PAIRS + 1));
    add_all(rows, network, structured, ensemble->members > 1, &sums);
    TRY(exact_reduce(comm, &sums));
    choose(&sums, rows->one_dose, blend);
    response_blend_apply(blend, rows->blocks.rows_local, structured->a, structured->b, network->a,
                         network->b);
    tell(blend);
done:
    exact_clear(&sums);
    return status;
}
