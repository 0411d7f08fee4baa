/**
 * A network of layers: float32 weights, trained by all ranks together.
 *
 * Use: network_new with the plans of its layers (algorithms/layer.h), or network_new_tower where
 * rows are a sequence with plain values behind it, network_start (or weights of
 * an earlier model), network_fit on rows spread over the ranks, then network_apply or, for
 * LOSS_STRUCTURAL, network_response on any rows. A row is a sequence, [steps][channels]; a plain
 * row of numbers is one step. Every rank holds the same model. Training is data-parallel: each rank
 * takes the micro-batches of its own blocks (algorithms/batches.h), gradients are averaged exactly
 * (algorithms/gradient.h), and all ranks take the same step. Weights, optimiser state, order of
 * batches and loss curve are the same bytes at any number of ranks. A model is its plans and
 * `weights`, one flat array.
 */
#ifndef REMISE_ALGORITHMS_NETWORK_H
#define REMISE_ALGORITHMS_NETWORK_H

#include "algorithms/layer.h"
#include "algorithms/loss.h"
#include "algorithms/optimiser.h"
#include "algorithms/rows.h"

enum { NETWORK_LAYERS_MAX = 16, NETWORK_SIZE_MAX = 65536 };

/* A second input: layers before `at` take a row's sequence alone; layer `at` takes all that they
 * hand on and the row's plain values, side by side. */
struct network_join {
    int64_t plain; /* values behind the sequence; 0: rows are sequences alone */
    int64_t at;
};

struct network {
    int64_t layers; /* the last one is dense and linear: the outputs that the loss needs */
    struct layer_plan plan[NETWORK_LAYERS_MAX];
    struct layer_shape shape[NETWORK_LAYERS_MAX + 1]; /* of the sequence; after layer l at l + 1 */
    struct network_join join;
    enum loss loss; /* decides the number of outputs and what they mean */
    int64_t weights_count;
    float *weights; /* [weights_count] layer by layer, as each kind states */
};

/**
 * A network with all weights zero. Local.
 * input  in   of a row
 * plan   in   [layers] of the hidden layers; none is a linear model. The last layer, with the
 *             loss's outputs, is added.
 * model  out  new; the caller frees it with network_free; NULL unless OK
 * Errors: ERR_ARG a layer that does not suit what comes before it, named in the message; values or
 *         units outside 1 .. NETWORK_SIZE_MAX; too many layers; ERR_MEMORY.
 */
enum status network_new(struct layer_shape input, const struct layer_plan *plan, int64_t layers,
                        enum loss loss, struct network **model);
/**
 * A network of two inputs: a row is a sequence with join.plain values behind it. Local.
 * plan  in  as network_new; those before join.at are the encoder of the sequence
 * Errors: as network_new; ERR_ARG the join is outside the layers.
 */
enum status network_new_tower(struct layer_shape input, struct network_join join,
                              const struct layer_plan *plan, int64_t layers, enum loss loss,
                              struct network **model);
/**
 * A multi-layer perceptron: dense layers of these many units. Local.
 * hidden  in   [hidden_count]
 * Errors: as network_new.
 */
enum status network_new_mlp(int64_t inputs, const int64_t *hidden, int64_t hidden_count,
                            enum activation activation, enum loss loss, struct network **model);
/** Free and null; accepts NULL inside. Local. */
void network_free(struct network **model);

/** Values of an input row. Local. */
int64_t network_inputs(const struct network *model);

/** Shape that layer `at` takes. Local. */
struct layer_shape network_shape_in(const struct network *model, int64_t at);

/** Index of layer `at`'s first weight; at == layers gives weights_count. Local. */
int64_t network_layer_first(const struct network *model, int64_t at);

/** Random weights by (seed, RANDOM_WEIGHTS, index), as suits each kind of layer. Local. */
void network_start(struct network *model, uint64_t seed);

/**
 * Predictions for rows: the value, or the probability (LOSS_BCE). Local.
 * x    in   [rows][stride], stride >= inputs
 * out  out  [rows]; a row's result depends on that row alone, however rows are cut into calls
 * Cost: 2 flops per weight and row.
 * Errors: ERR_ARG LOSS_STRUCTURAL; ERR_MEMORY.
 */
enum status network_apply(const struct network *model, const float *x, int64_t rows, int64_t stride,
                          float *out);

/**
 * Response curves for rows, P(d) = sigmoid(a + b d) with b >= 0.
 * Local. LOSS_STRUCTURAL only; else as network_apply.
 * a, b  out  [rows]
 */
enum status network_response(const struct network *model, const float *x, int64_t rows,
                             int64_t stride, float *a, float *b);

/* ---- training ---- */

enum network_part { PART_TRAIN = 0, PART_VALIDATION = 1, PART_TEST = 2 };

/* All arrays are borrowed and of [rows_local]. */
struct network_data {
    struct rows rows;
    const float *y;      /* finite; in [0, 1] where loss_of_chances */
    const float *weight; /* >= 0; NULL: 1 each */
    const float *dose;   /* LOSS_STRUCTURAL: the discount the row had; else NULL */
    const float
        *prior; /* LOSS_STRUCTURAL: value that b is pulled toward, 0 for none; may be NULL */
    const uint8_t *part; /* enum network_part; NULL: all train */
};

struct network_keeper;

struct network_options {
    struct optimiser_options optimiser;
    int64_t batch; /* rows of a step, over all ranks */
    int64_t epochs;
    int64_t patience;    /* stop after this many epochs without a lower validation loss; 0: never */
    bool keep_best;      /* with a validation part: end with the weights of its best epoch */
    double prior_weight; /* of the penalty (log b - log prior)^2 */
    uint64_t seed;       /* of the order of rows */
    bool bf16;           /* training multiplies in bf16 (algorithms/gemm_bf16.h), weights stay
                            float32; a trained model is applied in float32 */
    const struct network_keeper *keeper; /* of checkpoints; not owned; NULL: none are kept */
};

#define NETWORK_DEFAULTS                                                             \
    {                                                                                \
        .optimiser = OPTIMISER_DEFAULTS, .batch = 1024, .epochs = 20, .patience = 0, \
        .keep_best = true, .prior_weight = 0.0, .seed = 1                            \
    }

/* What happened, epoch by epoch. */
struct network_history {
    int64_t epochs;     /* done */
    int64_t best_epoch; /* 0-based, by validation; the last one without validation */
    bool stopped;       /* before options->epochs, by patience */
    int64_t rows_train; /* over all ranks */
    int64_t rows_validation;
    double *train; /* [epochs] mean loss over the epoch's steps, each before its update */
    /* [epochs] the same over validation rows, after the epoch; NULL without any */
    double *validation;
};

/* Where a training stands between two steps: all that, beside data, options and plan, decides how
 * it goes on. The same on every rank; random numbers come from counters, so none is kept. */
struct network_progress {
    int64_t epoch, step;   /* of the next step, from 0 */
    struct loss_sums sums; /* of this epoch's steps so far */
    bool over;             /* no step is left */
    struct network_history history;
    struct optimiser optimiser;
    struct network *model; /* its weights; not owned */
    float *best;           /* [weights_count] of the best epoch so far, with a validation part */
};

/* Keeps the progress of a training, so that another process can go on from it. */
struct network_keeper {
    void *context;

    /* Before the first step: fill `progress`, whose arrays are there, with what was kept of the
     * same training, or leave it alone. Collective; the same on every rank. */
    enum status (*restore)(const struct comm *comm, void *context,
                           struct network_progress *progress);

    /* Between any two steps, and once it is over: keep `progress` if it is time to. Collective; any
     * status but OK ends the training with it. */
    enum status (*keep)(const struct comm *comm, void *context,
                        const struct network_progress *progress);
};

/**
 * Train a model on rows spread over the ranks.
 *
 * Collective.
 * data     in     rows of this rank, possibly none; rows.columns == model's inputs
 * options  in     same values on every rank
 * model    inout  same on every rank; starts from its present weights (warm start). Undefined
 *                 unless OK.
 * history  out    the caller clears it with network_history_clear; may be NULL
 * Units: gradients and losses are weighted means over the rows of a step, penalty included.
 * Cost: 6 flops per weight and row, one reduction of 8 bytes per weight and step, in up to 4
 *       overlapped pieces.
 * Memory: 32 bytes per weight, 8 per row, and about 3 micro-batches of activations.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG an option out of range, no training rows, or inputs that do not match; ERR_DATA a
 *         target, weight, dose or prior out of range, with its row; ERR_NUMERIC the loss is not
 *         finite, with epoch, step and rows; ERR_MEMORY; what the keeper says.
 * Source: Kingma and Ba 2015; Farrell, Liang and Misra 2021.
 */
enum status network_fit(const struct comm *comm, const struct network_data *data,
                        const struct network_options *options, struct network *model,
                        struct network_history *history);
/** Free; accepts a zeroed struct. Local. */
void network_history_clear(struct network_history *history);

/**
 * Mean loss of a model over the rows of one part (penalty left out).
 * Collective.
 * rows_counted  out  over all ranks; the loss is 0 if there are none
 * Errors: as network_fit.
 * Same bits for any number of ranks.
 */
enum status network_loss(const struct comm *comm, const struct network_data *data,
                         enum network_part part, const struct network *model, double *loss,
                         int64_t *rows_counted);

/**
 * Deal rows to parts by a hash of their global number: shares validation and test, the rest trains.
 * Local.
 * part  out  [blocks->rows_local]
 */
void network_split(const struct blocks *blocks, uint64_t seed, double validation, double test,
                   uint8_t *part);

#endif
