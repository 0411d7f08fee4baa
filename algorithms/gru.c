/* Gated recurrent unit, reset applied to the product with the state:
 *   r = sigmoid(Wr x + Ur h), z = sigmoid(Wz x + Uz h), n = tanh(Wn x + r (Un h)),
 *   h' = (1 - z) n + z h, each product with its bias.
 * Source: Cho et al. 2014; the reset's place as in cuDNN and PyTorch. */
#include "algorithms/recurrent.h"
#include "algorithms/vector.h"

/* slices: Wn x, then r, z, then Un h */

VECTORISED static void forward_row(int64_t units, float *restrict sums,
                                   const float *restrict before, float *restrict state)
{
    for (int64_t j = 0; j < units; j++) {
        float r = activation_sigmoid(sums[units + j]);
        float z = activation_sigmoid(sums[2 * units + j]);
        float n = activation_tanh(sums[j] + r * sums[3 * units + j]);
        sums[j] = n;
        sums[units + j] = r;
        sums[2 * units + j] = z;
        state[j] = n + z * (before[j] - n);
    }
}

VECTORISED static void backward_row(int64_t units, const float *restrict sums,
                                    const float *restrict before, float *restrict state_slope,
                                    float *restrict slope)
{
    for (int64_t j = 0; j < units; j++) {
        float n = sums[j], r = sums[units + j], z = sums[2 * units + j];
        float by_n = state_slope[j] * (1.0f - z) * (1.0f - n * n);
        slope[j] = by_n;
        slope[units + j] = by_n * sums[3 * units + j] * (r * (1.0f - r));
        slope[2 * units + j] = state_slope[j] * (before[j] - n) * (z * (1.0f - z));
        slope[3 * units + j] = by_n * r;
        state_slope[j] *= z;
    }
}

static void gru_forward(const struct recurrent_step *step)
{
    int64_t units = step->units;
    for (int64_t i = 0; i < step->rows; i++)
        forward_row(units, step->sums + i * RECURRENT_SLICES * units, step->before + i * units,
                    step->state + i * units);
}

static void gru_backward(const struct recurrent_step *step, float *state_slope, float *memory_slope,
                         float *sums_slope)
{
    int64_t units = step->units;
    (void)memory_slope;
    for (int64_t i = 0; i < step->rows; i++)
        backward_row(units, step->sums + i * RECURRENT_SLICES * units, step->before + i * units,
                     state_slope + i * units, sums_slope + i * RECURRENT_SLICES * units);
}

const struct recurrent_cell recurrent_gru = {.gates = 3,
                                             .x_first = 0,
                                             .h_first = 1,
                                             .gate = {2, 0, 1, 2},
                                             .open_gate = -1,
                                             .forward = gru_forward,
                                             .backward = gru_backward};
