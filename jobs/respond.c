/* The respond stage: fit the response model on all ranks, then draw every candidate's curve. */
#include "algorithms/metrics.h"
#include "algorithms/standardise.h"
#include "jobs/labels.h"
#include "jobs/response_bend.h"
#include "jobs/response_blend.h"
#include "jobs/response_calibration.h"
#include "jobs/response_heldout.h"
#include "jobs/response_model.h"
#include "jobs/response_network.h"
#include "jobs/response_rows.h"
#include "jobs/response_score.h"
#include "jobs/response_sequence.h"
#include "jobs/response_settle.h"
#include "jobs/response_structured.h"
#include "jobs/response_training.h"
#include "jobs/run.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>

static enum status scale_rows(const struct comm *comm, const struct run *run,
                              struct response_rows *rows, struct response_ensemble *ensemble)
{
    enum status status = OK;
    struct rows view = {&rows->blocks, rows->columns, rows->stride, rows->x};
    ensemble->columns = rows->columns;
    ensemble->stride = rows->stride;
    TRY_ALL(comm, memory_new(&ensemble->mean, rows->columns, sizeof *ensemble->mean));
    TRY_ALL(comm, memory_new(&ensemble->sd, rows->columns, sizeof *ensemble->sd));
    TRY(standardise_measure_rows(comm, &view, ensemble->mean, ensemble->sd));
    response_sequence_keep_scale(response_network_events(run->config), ensemble->mean,
                                 ensemble->sd);
    response_ensemble_scale(ensemble, rows->blocks.rows_local, rows->x);
done:
    return status;
}

/* Log loss of predicting the observed share for everyone. */
static double entropy(int64_t positives, int64_t rows)
{
    double p = (double)positives / (double)rows;
    if (p <= 0.0 || p >= 1.0) return 0.0;
    return -p * log(p) - (1.0 - p) * log(1.0 - p);
}

/* ---- members ---- */

enum { STRUCTURED = 1, NETWORK = 2 };

static int kinds_of(const struct run *run)
{
    if (config_is(run->config, "respond.model", "structured")) return STRUCTURED;
    return config_is(run->config, "respond.model", "network") ? NETWORK : STRUCTURED | NETWORK;
}

static enum status fit_and_draw(const struct comm *comm, const struct run *run,
                                const struct response_context *context, int kind,
                                struct response_rows *rows, struct response_ensemble *ensemble,
                                struct response_drawn *drawn)
{
    enum status status = OK;
    if (kind == STRUCTURED) {
        TRY(response_structured_fit(comm, context, rows, ensemble));
        TRY_ALL(comm, response_draw_structured(rows, ensemble, drawn));
    } else {
        TRY(response_training_fit(comm, run, rows, ensemble));
        TRY_ALL(comm, response_draw_networks(rows, ensemble, drawn));
    }
done:
    return status;
}

/* Structured members and bends are fitted in turn: on a straight dose what no discount would do is
 * off, and bends with it. Networks take too long. */
static int rounds_of(int kind)
{
    return kind == STRUCTURED ? 2 : 1;
}

/* Fit, and where outcomes say that the response bends, once more on the bent dose. */
static enum status fit_to_shape(const struct comm *comm, const struct run *run,
                                const struct response_context *context, int kind,
                                struct response_rows *rows, struct response_ensemble *ensemble,
                                struct response_drawn *drawn)
{
    enum status status = OK;
    TRY(fit_and_draw(comm, run, context, kind, rows, ensemble, drawn));
    if (rows->observational || ensemble->members < 2) goto done;
    for (int round = 0; round < rounds_of(kind); round++) {
        struct dose_shapes shapes;
        TRY(response_bend_find(comm, rows, &context->classes, drawn->a, drawn->b, &shapes));
        if (shapes.kinds < ensemble->shapes.kinds || shapes.kinds == 0) break;
        ensemble->shapes = shapes;
        response_bend_rows(&ensemble->shapes, &context->classes, rows);
        TRY(fit_and_draw(comm, run, context, kind, rows, ensemble, drawn));
    }
done:
    return status;
}

/* The structured members go first, as they find the bend at less cost. drawn: of the mixture. */
static enum status fit_members(const struct comm *comm, const struct run *run,
                               const struct response_context *context, struct response_rows *rows,
                               struct response_ensemble *ensemble, struct response_drawn *drawn)
{
    enum status status = OK;
    struct response_drawn structured = {0};
    int kinds = kinds_of(run);
    if (kinds != (STRUCTURED | NETWORK)) {
        TRY(fit_to_shape(comm, run, context, kinds, rows, ensemble, drawn));
        goto done;
    }
    TRY_ALL(comm, response_drawn_init(rows->blocks.rows_local, &structured));
    TRY(fit_to_shape(comm, run, context, STRUCTURED, rows, ensemble, &structured));
    TRY(fit_and_draw(comm, run, context, NETWORK, rows, ensemble, drawn));
    TRY(response_blend_find(comm, rows, &structured, drawn, ensemble));
done:
    response_drawn_clear(&structured);
    return status;
}

/* How well the curves order and match the held-out rows: with several members all rows. a becomes
 * the chances. */
static enum status judge(const struct comm *comm, const struct run *run, struct response_rows *rows,
                         struct response_ensemble *ensemble, float *a, const float *b)
{
    enum status status = OK;
    struct metrics_binary measured;
    int64_t count = rows->blocks.rows_local;
    for (int64_t i = 0; i < count && ensemble->members > 1; i++) rows->part[i] = PART_VALIDATION;
    TRY(response_calibrate(comm, run, rows, a, b, ensemble));
    for (int64_t i = 0; i < count; i++)
        a[i] = (float)curves_chance((double)a[i], (double)b[i], (double)rows->dose[i]);
    struct metrics_rows judged = {&rows->blocks, rows->y, a, rows->part, PART_VALIDATION};
    TRY(metrics_binary(comm, &judged, &measured));
    if (measured.positives == 0 || measured.positives == measured.rows) goto done;
    log_info("  held-out rows: AUC %.4f, %lld bought of %lld", measured.auc,
             (long long)measured.positives, (long long)measured.rows);
    if (!rows->observational) /* drawn rows have weights, which a plain log loss leaves out */
        log_info("  held-out log loss without weights %.6f, of the mean chance alone %.6f",
                 measured.log_loss, entropy(measured.positives, measured.rows));
done:
    return status;
}

static enum status fit_model(const struct comm *comm, const struct run *run,
                             const struct response_context *context,
                             const struct candidates *candidates,
                             struct response_ensemble *ensemble)
{
    enum status status = OK;
    struct response_rows rows = {0};
    struct response_drawn drawn = {0};
    struct response_rows_options options = {
        .holdout = config_number(run->config, "respond.holdout"),
        .negatives = config_integer(run->config, "respond.negatives"),
        .rows_most = config_integer(run->config, "respond.rows_most"),
        .members = (int)config_integer(run->config, "respond.folds"),
        .seed = run->seed};
    ensemble->members = options.members;
    TRY(response_rows_make(comm, context, candidates, &options, &rows));
    ensemble->observational = rows.observational;
    TRY(scale_rows(comm, run, &rows, ensemble));
    TRY_ALL(comm, response_drawn_init(rows.blocks.rows_local, &drawn));
    TRY(fit_members(comm, run, context, &rows, ensemble, &drawn));
    TRY(response_bend_settle(comm, &rows, &context->classes, drawn.a, drawn.b, &ensemble->shapes));
    response_bend_rows(&ensemble->shapes, &context->classes, &rows);
    TRY(judge(comm, run, &rows, ensemble, drawn.a, drawn.b));
done:
    response_drawn_clear(&drawn);
    response_rows_clear(&rows);
    return status;
}

static enum status respond_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct dataset *dataset = NULL;
    struct demand demand = {0};
    struct candidates candidates = {0};
    struct response_context context = {0};
    struct response_ensemble ensemble = {0};
    struct response_effects effects = {0};
    struct heldout heldout = {0};
    struct curves curves = {0};
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), DATASET_ALL, &dataset));
    TRY(labels_learn(comm, run, dataset)); /* first, as what is wrong with labels is soon told */
    const struct blocks *blocks = &dataset->users.blocks;
    TRY(demand_read(comm, run_path(run, "demand.h5"), &demand));
    TRY(candidates_read(comm, run_path(run, "candidates.h5"), blocks, &candidates));
    TRY(response_context_make(comm, dataset, &demand, &context));
    TRY(response_context_classify(comm, &context));
    response_context_begin_with(&context, response_network_events(run->config));
    TRY(fit_model(comm, run, &context, &candidates, &ensemble));
    TRY(response_effects_make(comm, &context, &ensemble, &effects));
    TRY(response_heldout_draw(comm, run, &context, &candidates, &ensemble, &effects, &heldout));
    TRY(response_settle(comm, &context, &ensemble, &heldout, &effects));
    TRY(heldout_write(comm, run_path(run, "heldout.h5"), &heldout));
    TRY(response_model_write(comm, run_path(run, "model.h5"), &ensemble, &effects));
    TRY_ALL(comm, response_score(&context, &candidates, &ensemble, &effects, &curves));
    TRY(curves_write(comm, run_path(run, "curves.h5"), blocks, &curves));
    TRY(response_training_forget(comm, run, ensemble.members));
done:
    curves_clear(&curves);
    heldout_clear(&heldout);
    response_effects_clear(&effects);
    response_ensemble_clear(&ensemble);
    response_context_clear(&context);
    candidates_clear(&candidates);
    demand_clear(&demand);
    dataset_free(&dataset);
    return status;
}

static const char *const keys[] = {"respond", NULL};
static const char *const needs[] = {"demand", "recommend", NULL};
static const char *const outputs[] = {"model.h5",  "curves.h5",  "response.json",
                                      "labels.h5", "heldout.h5", NULL};

const struct stage stage_respond = {
    .name = "respond",
    .does = "the chance of buying at each discount, for every user and candidate",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = respond_run,
};
