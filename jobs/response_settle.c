/* The line through the log odds of past offers. */
#include "jobs/response_settle.h"

#include "algorithms/logistic.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* 1 / 0.1^2: what a shift or a scale of one standard deviation costs, in rows. */
#define RIDGE 100.0

/* Past offers, and what is said of them. */
struct settled_rows {
    struct blocks blocks;
    float *logit;  /* [rows_local] */
    float *y;      /* [rows_local] */
    uint8_t *skip; /* [rows_local] slots without an offer */
    double middle; /* log odds of the share that bought */
};

static double logit_of(const struct response_context *context,
                       const struct response_ensemble *ensemble, const struct heldout *heldout,
                       int64_t slot)
{
    int64_t user = heldout->user_first + slot / heldout->slots * heldout->every;
    struct dose_shape shape = response_classes_shape(&context->classes, &ensemble->shapes, user);
    double dose = dose_apply(&shape, (double)heldout->discount[slot]);
    return (double)heldout->a[slot] + (double)heldout->b[slot] * dose;
}

static enum status reserve(const struct blocks *users, const struct heldout *heldout,
                           struct settled_rows *rows)
{
    enum status status = OK;
    TRY(heldout_blocks(users, heldout, &rows->blocks));
    TRY(memory_new(&rows->logit, rows->blocks.rows_local, sizeof *rows->logit));
    TRY(memory_new(&rows->y, rows->blocks.rows_local, sizeof *rows->y));
    TRY(memory_new(&rows->skip, rows->blocks.rows_local, sizeof *rows->skip));
done:
    return status;
}

static void clear(struct settled_rows *rows)
{
    blocks_clear(&rows->blocks);
    free(rows->logit);
    free(rows->y);
    free(rows->skip);
}

/* bought out: [2] rows, and how many of them bought; of all ranks */
static void fill(const struct comm *comm, const struct response_context *context,
                 const struct response_ensemble *ensemble, const struct heldout *heldout,
                 struct settled_rows *rows, int64_t bought[2])
{
    bought[0] = bought[1] = 0;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        rows->skip[i] = heldout->product[i] < 0;
        if (rows->skip[i] != 0) continue;
        rows->logit[i] = (float)logit_of(context, ensemble, heldout, i);
        rows->y[i] = heldout->bought[i] != 0 ? 1.0f : 0.0f;
        bought[0]++;
        bought[1] += heldout->bought[i] != 0;
    }
    comm_sum_int64(comm, bought, 2);
}

static double columns_of(const void *context, int64_t i, double *x)
{
    const struct settled_rows *rows = context;
    x[0] = 1.0;
    x[1] = (double)rows->logit[i] - rows->middle;
    return 0.0;
}

static enum status fit(const struct comm *comm, const struct settled_rows *rows,
                       struct response_effects *effects)
{
    enum status status = OK;
    static const bool not_negative[] = {false, true};
    static const double ridge[] = {RIDGE, RIDGE};
    const struct logistic_rows view = {&rows->blocks, 2,    columns_of, rows,
                                       rows->y,       NULL, rows->skip};
    const struct logistic_options opt = {not_negative, ridge, 30};
    double line[] = {rows->middle, 1.0};
    struct logistic_result result;
    TRY(logistic_fit(comm, &view, &opt, line, &result));
    effects->scale = line[1];
    effects->shift = line[0] - line[1] * rows->middle;
done:
    return status;
}

static void draw_again(const struct response_effects *effects, int64_t count,
                       struct heldout *heldout)
{
    for (int64_t i = 0; i < count; i++) {
        heldout->a[i] = (float)(effects->shift + effects->scale * (double)heldout->a[i]);
        heldout->b[i] = (float)(effects->scale * (double)heldout->b[i]);
    }
}

enum status response_settle(const struct comm *comm, const struct response_context *context,
                            const struct response_ensemble *ensemble, struct heldout *heldout,
                            struct response_effects *effects)
{
    enum status status = OK;
    struct settled_rows rows = {0};
    int64_t bought[2];
    if (heldout->slots == 0) return OK;
    TRY_ALL(comm, reserve(&context->dataset->users.blocks, heldout, &rows));
    fill(comm, context, ensemble, heldout, &rows, bought);
    if (bought[1] == 0 || bought[1] == bought[0]) goto done;
    rows.middle = log((double)bought[1] / (double)(bought[0] - bought[1]));
    TRY(fit(comm, &rows, effects));
    draw_again(effects, rows.blocks.rows_local, heldout);
    log_info("  %lld past offers, told without their outcomes: log odds %.3f + %.3f times theirs",
             (long long)bought[0], effects->shift, effects->scale);
done:
    clear(&rows);
    return status;
}
