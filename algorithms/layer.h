/**
 * A layer of a network: values in, values out, and back. Kinds differ by a small table of
 * functions; whoever builds or trains networks knows this header only.
 *
 * What passes between layers is a sequence for each row: steps x channels values, [steps][channels]
 * without gaps, in a row of a buffer whose rows are padded to VECTOR_FLOATS. Hence a window of
 * steps is one run of values, and a dense layer takes a sequence as it lies: nothing flattens. A
 * plain row of numbers is one step. Padding may hold anything finite and decides nothing.
 *
 * A plan says what a layer is (kind, sizes); a layer is a plan at work: weights laid out for
 * products, and memory for micro-batches. Weights and their slopes lie flat in the network, in the
 * order that each kind's file states.
 */
#ifndef REMISE_ALGORITHMS_LAYER_H
#define REMISE_ALGORITHMS_LAYER_H

#include "algorithms/activation.h"
#include "algorithms/gemm.h"

#include <stdbool.h>
#include <stddef.h>

struct layer_shape {
    int64_t steps, channels;
};

/** Values of a row. Local. */
static inline int64_t layer_values(struct layer_shape shape)
{
    return shape.steps * shape.channels;
}

struct layer_kind;

enum { LAYER_CODES_MAX = 1 << 24 }; /* whole numbers that float32 holds */

/* What a layer is; each kind uses the fields that its line names. */
struct layer_plan {
    const struct layer_kind *kind;
    enum activation activation; /* dense, convolution */
    int64_t units;   /* dense: outputs; convolution: filters; recurrent: hidden units; embedding:
                      values of a code */
    int64_t width;   /* convolution, pools: steps of a window; pools: 0 for all steps */
    int64_t stride;  /* convolution, pools: steps from window to window; 0: 1, for pools `width` */
    bool every_step; /* recurrent: hand on the state after every step, not the last one alone */
    int64_t codes;   /* embedding: values are whole numbers from 0 to codes - 1 */
    double rate;     /* dropout: share of values dropped, in [0, 1) */
};

/* Which rows are in hand. */
struct layer_rows {
    int64_t count;
    const int64_t *number; /* [count] global row numbers; NULL: nothing is dropped */
    uint64_t seed;
    int64_t epoch;
};

/* At work. Every kind's struct begins with one. */
struct layer {
    struct layer_plan plan;
    struct layer_shape in, out;
    int64_t number;                /* in its network, from 0 */
    int64_t rows_max;              /* of a call */
    bool trains;                   /* backward will be called */
    bool slopes_in;                /* and must find the slopes of its inputs */
    enum gemm_precision precision; /* of its products */
};

/*
 * x          [rows][padded values in]
 * out        [rows][padded values out]; a row's result depends on that row alone
 * delta      [rows][padded values out] d loss / d out; scratch afterwards
 * slopes     [weights] summed over rows
 * x_slope    [rows][padded values in] d loss / d x; NULL unless slopes_in
 * Buffers of values have VECTOR_FLOATS floats behind their last row that may be read.
 */
struct layer_kind {
    const char *name;
    size_t bytes; /* of the kind's struct */
    /* the shape out, or ERR_ARG and why the plan does not suit the shape in */
    enum status (*shape)(const struct layer_plan *plan, struct layer_shape in,
                         struct layer_shape *out);
    /* the others may be NULL: no weights, nothing to allocate */
    int64_t (*weights)(const struct layer_plan *plan, struct layer_shape in);
    /* draw weights; `first` is the number of the first one in the network */
    void (*start)(const struct layer_plan *plan, struct layer_shape in, uint64_t seed,
                  int64_t first, float *weights);
    enum status (*init)(struct layer *layer);
    void (*clear)(struct layer *layer); /* also after a failed init */
    void (*load)(struct layer *layer, const float *weights);
    void (*forward)(struct layer *layer, const struct layer_rows *rows, const float *x, float *out);
    void (*backward)(struct layer *layer, const struct layer_rows *rows, const float *x,
                     const float *out, float *delta, float *slopes, float *x_slope);
};

extern const struct layer_kind layer_dense, layer_convolution, layer_max_pool, layer_mean_pool,
    layer_dropout, layer_gru, layer_lstm, layer_embedding;

/** Weights of a planned layer. Local. */
int64_t layer_weights(const struct layer_plan *plan, struct layer_shape in);

/**
 * Put a planned layer to work; its `plan`, `in`, `number`, `rows_max`, `trains` and `slopes_in` are
 * taken from `like`. Local. The caller frees it with layer_free; NULL unless OK.
 * Errors: ERR_MEMORY; ERR_ARG as the kind's shape.
 */
enum status layer_new(const struct layer *like, struct layer **layer);
/** Free and null; accepts NULL inside. Local. */
void layer_free(struct layer **layer);

/* ---- for the kinds ---- */

/** Fill with uniform values in [-limit, limit), by (seed, RANDOM_WEIGHTS, first + i). Local. */
void layer_draw(uint64_t seed, int64_t first, double limit, int64_t count, float *weights);

/** Copy `rows` runs of `count` floats between strides. Local. */
void layer_copy(const float *from, int64_t from_stride, int64_t rows, int64_t count, float *to,
                int64_t to_stride);

/** sum[j] += x[0][j] + x[1][j] + ..., rows in order. Local. */
void layer_add_rows(const float *x, int64_t stride, int64_t rows, int64_t columns, float *sum);

/**
 * From slopes by outputs to slopes by the sums that the activation took, in delta, [rows][columns];
 * sum[j] += those of column j, rows in order. Local.
 */
void layer_take_slopes(enum activation activation, const float *out, int64_t rows, int64_t columns,
                       float *delta, float *sum);

/** matrix[columns][to_stride] = transposed from[rows][columns]. Local. */
void layer_transpose(const float *from, int64_t rows, int64_t columns, float *to,
                     int64_t to_stride);

#endif
