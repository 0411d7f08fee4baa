/* Recurrent layers: products with inputs and states step by step, cells between them. */
#include "algorithms/recurrent.h"

#include "algorithms/gemm.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

struct recurrent {
    struct layer layer;
    const struct recurrent_cell *cell;
    int64_t channels, units, units_padded, channels_padded;
    int64_t entered; /* columns of sums that inputs, or states, enter */
    int64_t width;   /* columns of sums: slices x padded units */
    /* weights for the forward pass, */
    float *x_forward; /* [channels][entered] */
    float *h_forward; /* [units][entered] */
    float *bias;      /* [width] */
    /* and for the backward pass, */
    float *x_backward; /* [entered][channels_padded]; NULL if never used */
    float *h_backward; /* [entered][units_padded] */
    /* of the rows in hand, step by step, */
    float *sums;   /* [steps][rows_max][width] */
    float *state;  /* [steps + 1][rows_max][units_padded], the first one zero */
    float *memory; /* the same; NULL without one */
    /* and on the way back */
    float *state_slope, *memory_slope; /* [rows][units_padded] */
    float *sums_slope;                 /* [rows][width] */
    float *narrow;                     /* [rows][channels_padded] slopes of a step's inputs */
    float *x_weights;                  /* [entered][channels_padded] slopes of weights */
    float *h_weights;                  /* [entered][units_padded] */
    float *bias_slope;                 /* [width] */
};

static const struct recurrent_cell *cell_of(const struct layer_plan *plan)
{
    return plan->kind == &layer_gru ? &recurrent_gru : &recurrent_lstm;
}

static enum status recurrent_shape(const struct layer_plan *plan, struct layer_shape in,
                                   struct layer_shape *out)
{
    if (plan->units < 1)
        return FAIL(ERR_ARG, "%lld hidden units; give at least 1", (long long)plan->units);
    *out = (struct layer_shape){plan->every_step ? in.steps : 1, plan->units};
    return OK;
}

static int64_t recurrent_weights(const struct layer_plan *plan, struct layer_shape in)
{
    return cell_of(plan)->gates * plan->units * (in.channels + plan->units + 2);
}

/* Uniform by the number of units, as recurrent layers are usually started; biases zero. */
static void recurrent_start(const struct layer_plan *plan, struct layer_shape in, uint64_t seed,
                            int64_t first, float *weights)
{
    const struct recurrent_cell *cell = cell_of(plan);
    int64_t units = plan->units, biases = 2 * cell->gates * units;
    int64_t count = recurrent_weights(plan, in) - biases;
    layer_draw(seed, first, 1.0 / sqrt((double)units), count, weights);
    memset(weights + count, 0, (size_t)biases * sizeof *weights);
    for (int64_t j = 0; j < units && cell->open_gate >= 0; j++)
        weights[count + cell->open_gate * units + j] = 1.0f;
}

/* ---- memory ---- */

static enum status init_backward(struct recurrent *r)
{
    enum status status = OK;
    int64_t rows = r->layer.rows_max, entered = r->entered;
    TRY(memory_new(&r->x_backward, entered * r->channels_padded, sizeof(float)));
    TRY(memory_new(&r->h_backward, entered * r->units_padded, sizeof(float)));
    TRY(memory_new(&r->state_slope, rows * r->units_padded, sizeof(float)));
    TRY(memory_new(&r->memory_slope, rows * r->units_padded, sizeof(float)));
    TRY(memory_new(&r->sums_slope, rows * r->width, sizeof(float)));
    TRY(memory_new(&r->narrow, rows * r->channels_padded, sizeof(float)));
    TRY(memory_new(&r->x_weights, entered * r->channels_padded, sizeof(float)));
    TRY(memory_new(&r->h_weights, entered * r->units_padded, sizeof(float)));
    TRY(memory_new(&r->bias_slope, r->width, sizeof(float)));
done:
    return status;
}

static enum status recurrent_init(struct layer *layer)
{
    enum status status = OK;
    struct recurrent *r = (struct recurrent *)layer;
    int64_t steps = layer->in.steps, rows = layer->rows_max;
    r->cell = cell_of(&layer->plan);
    r->channels = layer->in.channels;
    r->units = layer->plan.units;
    r->units_padded = vector_padded(r->units);
    r->channels_padded = vector_padded(r->channels);
    r->entered = r->cell->gates * r->units_padded;
    r->width = RECURRENT_SLICES * r->units_padded;
    int64_t states = (steps + 1) * rows * r->units_padded;
    TRY(memory_new(&r->x_forward, r->channels * r->entered, sizeof(float)));
    TRY(memory_new(&r->h_forward, r->units * r->entered, sizeof(float)));
    TRY(memory_new(&r->bias, r->width, sizeof(float)));
    TRY(memory_new(&r->sums, steps * rows * r->width, sizeof(float)));
    TRY(memory_new(&r->state, states, sizeof(float)));
    if (r->cell->memory) TRY(memory_new(&r->memory, states, sizeof(float)));
    if (layer->trains) TRY(init_backward(r));
done:
    return status;
}

static void recurrent_clear(struct layer *layer)
{
    struct recurrent *r = (struct recurrent *)layer;
    float *all[] = {r->x_forward,  r->h_forward, r->bias,      r->x_backward,  r->h_backward,
                    r->sums,       r->state,     r->memory,    r->state_slope, r->memory_slope,
                    r->sums_slope, r->narrow,    r->x_weights, r->h_weights,   r->bias_slope};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
}

/* ---- weights, between their order in the network and that of the slices ---- */

/* Where gate slices begin: `entry` 0 for inputs, 1 for states. */
static int64_t first_slice(const struct recurrent *r, int64_t entry)
{
    return entry == 0 ? r->cell->x_first : r->cell->h_first;
}

static void recurrent_load(struct layer *layer, const float *weights)
{
    struct recurrent *r = (struct recurrent *)layer;
    int64_t gates = r->cell->gates, units = r->units;
    const float *bias = weights + gates * units * (r->channels + units);
    memset(r->bias, 0, (size_t)r->width * sizeof *r->bias);
    for (int64_t entry = 0; entry < 2; entry++) {
        int64_t count = entry == 0 ? r->channels : units; /* columns of weights */
        int64_t stride = vector_padded(count), first = first_slice(r, entry);
        float *forward = entry == 0 ? r->x_forward : r->h_forward;
        float *backward = entry == 0 ? r->x_backward : r->h_backward;
        for (int64_t s = 0; s < gates; s++) {
            int64_t gate = r->cell->gate[first + s], at = s * r->units_padded;
            const float *part = weights + gate * units * count; /* [units][count] */
            layer_transpose(part, units, count, forward + at, r->entered);
            if (backward != NULL)
                layer_copy(part, count, units, count, backward + at * stride, stride);
            layer_add_rows(bias + gate * units, 0, 1, units,
                           r->bias + (first + s) * r->units_padded);
        }
        weights += gates * units * count;
        bias += gates * units;
    }
}

static void unload_slopes(const struct recurrent *r, float *slopes)
{
    int64_t gates = r->cell->gates, units = r->units;
    float *bias = slopes + gates * units * (r->channels + units);
    for (int64_t entry = 0; entry < 2; entry++) {
        int64_t count = entry == 0 ? r->channels : units;
        int64_t stride = vector_padded(count), first = first_slice(r, entry);
        const float *from = entry == 0 ? r->x_weights : r->h_weights;
        for (int64_t s = 0; s < gates; s++) {
            int64_t gate = r->cell->gate[first + s];
            layer_copy(from + s * r->units_padded * stride, stride, units, count,
                       slopes + gate * units * count, count);
            memcpy(bias + gate * units, r->bias_slope + (first + s) * r->units_padded,
                   (size_t)units * sizeof *bias);
        }
        slopes += gates * units * count;
        bias += gates * units;
    }
}

/* ---- passes ---- */

static struct recurrent_step step_at(const struct recurrent *r, int64_t rows, int64_t t)
{
    int64_t most = r->layer.rows_max, states = most * r->units_padded;
    struct recurrent_step step = {.rows = rows,
                                  .units = r->units_padded,
                                  .sums = r->sums + t * most * r->width,
                                  .before = r->state + t * states,
                                  .state = r->state + (t + 1) * states};
    if (r->memory == NULL) return step;
    step.old_memory = r->memory + t * states;
    step.memory = r->memory + (t + 1) * states;
    return step;
}

static void fill_bias(const struct recurrent *r, int64_t rows, float *sums)
{
    for (int64_t i = 0; i < rows; i++)
        memcpy(sums + i * r->width, r->bias, (size_t)r->width * sizeof *sums);
}

/* x: of step t, rows in_stride apart */
static void step_forward(const struct recurrent *r, const struct recurrent_step *step,
                         const float *x, int64_t in_stride)
{
    float *entered = step->sums + r->cell->x_first * r->units_padded;
    fill_bias(r, step->rows, step->sums);
    struct gemm product = {.precision = r->layer.precision,
                           .rows = step->rows,
                           .columns = r->entered,
                           .depth = r->channels,
                           .a = x,
                           .a_row = in_stride,
                           .a_depth = 1,
                           .b = r->x_forward,
                           .b_stride = r->entered,
                           .start = entered,
                           .start_row = r->width,
                           .c = entered,
                           .c_stride = r->width};
    gemm_run(&product);
    product.depth = r->units;
    product.a = step->before;
    product.a_row = r->units_padded;
    product.b = r->h_forward;
    product.start = product.c = step->sums + r->cell->h_first * r->units_padded;
    gemm_run(&product);
    r->cell->forward(step);
}

static void recurrent_forward(struct layer *layer, const struct layer_rows *rows, const float *x,
                              float *out)
{
    const struct recurrent *r = (const struct recurrent *)layer;
    int64_t in_stride = vector_padded(layer_values(layer->in));
    int64_t out_stride = vector_padded(layer_values(layer->out)), steps = layer->in.steps;
    for (int64_t t = 0; t < steps; t++) {
        struct recurrent_step step = step_at(r, rows->count, t);
        step_forward(r, &step, x + t * r->channels, in_stride);
        int64_t to = layer->plan.every_step ? t * r->units : 0;
        if (layer->plan.every_step || t == steps - 1)
            layer_copy(step.state, r->units_padded, rows->count, r->units, out + to, out_stride);
    }
}

/* Slopes of weights on top of those of later steps. */
static void add_weights(const struct recurrent *r, const struct recurrent_step *step,
                        const float *x, int64_t in_stride)
{
    struct gemm product = {.precision = r->layer.precision,
                           .rows = r->entered,
                           .columns = r->channels_padded,
                           .depth = step->rows,
                           .a = r->sums_slope + r->cell->x_first * r->units_padded,
                           .a_row = 1,
                           .a_depth = r->width,
                           .b = x,
                           .b_stride = in_stride,
                           .start = r->x_weights,
                           .start_row = r->channels_padded,
                           .c = r->x_weights,
                           .c_stride = r->channels_padded};
    gemm_run(&product);
    product.columns = product.b_stride = r->units_padded;
    product.start_row = product.c_stride = r->units_padded;
    product.a = r->sums_slope + r->cell->h_first * r->units_padded;
    product.b = step->before;
    product.start = product.c = r->h_weights;
    gemm_run(&product);
    layer_add_rows(r->sums_slope, r->width, step->rows, r->width, r->bias_slope);
}

/* From the slopes of sums to those of the state before, and of the inputs unless x_slope is NULL.
 */
static void pass_on(const struct recurrent *r, int64_t rows, float *x_slope, int64_t in_stride)
{
    struct gemm product = {.precision = r->layer.precision,
                           .rows = rows,
                           .columns = r->units_padded,
                           .depth = r->entered,
                           .a = r->sums_slope + r->cell->h_first * r->units_padded,
                           .a_row = r->width,
                           .a_depth = 1,
                           .b = r->h_backward,
                           .b_stride = r->units_padded,
                           .start = r->state_slope,
                           .start_row = r->units_padded,
                           .c = r->state_slope,
                           .c_stride = r->units_padded};
    gemm_run(&product);
    if (x_slope == NULL) return;
    product.columns = product.b_stride = product.c_stride = r->channels_padded;
    product.a = r->sums_slope + r->cell->x_first * r->units_padded;
    product.b = r->x_backward;
    product.start = NULL;
    product.c = r->narrow;
    gemm_run(&product);
    layer_copy(r->narrow, r->channels_padded, rows, r->channels, x_slope, in_stride);
}

/* state_slope[:] += what the outputs of step t say */
static void take_delta(const struct recurrent *r, int64_t rows, int64_t t, const float *delta)
{
    const struct layer *layer = &r->layer;
    int64_t stride = vector_padded(layer_values(layer->out));
    int64_t from = layer->plan.every_step ? t * r->units : 0;
    if (!layer->plan.every_step && t < layer->in.steps - 1) return;
    for (int64_t i = 0; i < rows; i++)
        layer_add_rows(delta + i * stride + from, 0, 1, r->units,
                       r->state_slope + i * r->units_padded);
}

static void zero(float *x, int64_t count)
{
    memset(x, 0, (size_t)count * sizeof *x);
}

static void recurrent_backward(struct layer *layer, const struct layer_rows *rows, const float *x,
                               const float *out, float *delta, float *slopes, float *x_slope)
{
    const struct recurrent *r = (const struct recurrent *)layer;
    int64_t in_stride = vector_padded(layer_values(layer->in)), count = rows->count;
    (void)out;
    zero(r->state_slope, count * r->units_padded);
    zero(r->memory_slope, count * r->units_padded);
    zero(r->x_weights, r->entered * r->channels_padded);
    zero(r->h_weights, r->entered * r->units_padded);
    zero(r->bias_slope, r->width);
    for (int64_t t = layer->in.steps - 1; t >= 0; t--) {
        struct recurrent_step step = step_at(r, count, t);
        int64_t at = t * r->channels;
        take_delta(r, count, t, delta);
        r->cell->backward(&step, r->state_slope, r->memory_slope, r->sums_slope);
        add_weights(r, &step, x + at, in_stride);
        pass_on(r, count, x_slope != NULL ? x_slope + at : NULL, in_stride);
    }
    unload_slopes(r, slopes);
}

#define RECURRENT(noun)                                                                 \
    {                                                                                   \
        .name = noun, .bytes = sizeof(struct recurrent), .shape = recurrent_shape,      \
        .weights = recurrent_weights, .start = recurrent_start, .init = recurrent_init, \
        .clear = recurrent_clear, .load = recurrent_load, .forward = recurrent_forward, \
        .backward = recurrent_backward                                                  \
    }

const struct layer_kind layer_gru = RECURRENT("gru");
const struct layer_kind layer_lstm = RECURRENT("lstm");
