/* Long short-term memory:
 *   i, f, o = sigmoid(W x + U h), g = tanh(Wg x + Ug h), each product with its bias,
 *   c' = f c + i g, h' = o tanh(c').
 * Source: Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000 (forgetting);
 *         Jozefowicz, Zaremba and Sutskever 2015 (the forget gate starts open). */
#include "algorithms/recurrent.h"
#include "algorithms/vector.h"

/* slices: i, f, g, o */

VECTORISED static void forward_row(int64_t units, float *restrict sums, const float *restrict old,
                                   float *restrict memory, float *restrict state)
{
    for (int64_t j = 0; j < units; j++) {
        float i = activation_sigmoid(sums[j]), f = activation_sigmoid(sums[units + j]);
        float g = activation_tanh(sums[2 * units + j]);
        float o = activation_sigmoid(sums[3 * units + j]);
        float c = f * old[j] + i * g;
        sums[j] = i;
        sums[units + j] = f;
        sums[2 * units + j] = g;
        sums[3 * units + j] = o;
        memory[j] = c;
        state[j] = o * activation_tanh(c);
    }
}

VECTORISED static void backward_row(int64_t units, const float *restrict sums,
                                    const float *restrict old, const float *restrict memory,
                                    float *restrict state_slope, float *restrict memory_slope,
                                    float *restrict slope)
{
    for (int64_t j = 0; j < units; j++) {
        float i = sums[j], f = sums[units + j], g = sums[2 * units + j], o = sums[3 * units + j];
        float seen = activation_tanh(memory[j]);
        float by_c = memory_slope[j] + state_slope[j] * o * (1.0f - seen * seen);
        slope[j] = by_c * g * (i * (1.0f - i));
        slope[units + j] = by_c * old[j] * (f * (1.0f - f));
        slope[2 * units + j] = by_c * i * (1.0f - g * g);
        slope[3 * units + j] = state_slope[j] * seen * (o * (1.0f - o));
        memory_slope[j] = by_c * f;
        state_slope[j] = 0.0f;
    }
}

static void lstm_forward(const struct recurrent_step *step)
{
    int64_t units = step->units;
    for (int64_t i = 0; i < step->rows; i++)
        forward_row(units, step->sums + i * RECURRENT_SLICES * units, step->old_memory + i * units,
                    step->memory + i * units, step->state + i * units);
}

static void lstm_backward(const struct recurrent_step *step, float *state_slope,
                          float *memory_slope, float *sums_slope)
{
    int64_t units = step->units;
    for (int64_t i = 0; i < step->rows; i++)
        backward_row(units, step->sums + i * RECURRENT_SLICES * units, step->old_memory + i * units,
                     step->memory + i * units, state_slope + i * units, memory_slope + i * units,
                     sums_slope + i * RECURRENT_SLICES * units);
}

const struct recurrent_cell recurrent_lstm = {.gates = 4,
                                              .x_first = 0,
                                              .h_first = 0,
                                              .gate = {0, 1, 2, 3},
                                              .open_gate = 1,
                                              .memory = true,
                                              .forward = lstm_forward,
                                              .backward = lstm_backward};
