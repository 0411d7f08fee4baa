/* SGD and Adam. */
#include "algorithms/optimiser.h"

#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status check(const struct optimiser_options *o)
{
    if (!(o->rate > 0.0) || !isfinite(o->rate))
        return FAIL(ERR_ARG, "the learning rate must be above 0, not %g", o->rate);
    if (!(o->momentum >= 0.0 && o->momentum < 1.0))
        return FAIL(ERR_ARG, "momentum must be in [0, 1), not %g", o->momentum);
    if (!(o->beta1 >= 0.0 && o->beta1 < 1.0 && o->beta2 >= 0.0 && o->beta2 < 1.0))
        return FAIL(ERR_ARG, "Adam's betas must be in [0, 1), not %g and %g", o->beta1, o->beta2);
    if (!(o->epsilon > 0.0)) return FAIL(ERR_ARG, "epsilon must be above 0, not %g", o->epsilon);
    if (!(o->weight_decay >= 0.0))
        return FAIL(ERR_ARG, "weight decay must not be negative, but is %g", o->weight_decay);
    if (!(o->clip >= 0.0)) return FAIL(ERR_ARG, "a gradient cannot be clipped to %g", o->clip);
    return OK;
}

enum status optimiser_init(struct optimiser *state, const struct optimiser_options *options,
                           int64_t count, int64_t steps_total)
{
    enum status status = OK;
    *state = (struct optimiser){.options = *options,
                                .steps_total = steps_total,
                                .beta1_power = 1.0,
                                .beta2_power = 1.0,
                                .count = count};
    TRY(check(options));
    TRY(memory_new(&state->first, count, sizeof *state->first));
    if (options->kind == OPTIMISER_ADAM)
        TRY(memory_new(&state->second, count, sizeof *state->second));
done:
    if (status != OK) optimiser_clear(state);
    return status;
}

void optimiser_clear(struct optimiser *state)
{
    free(state->first);
    free(state->second);
    *state = (struct optimiser){0};
}

enum { LANES = 8 }; /* partial sums, so that vector units can add them side by side */

VECTORISED static double sum_of_squares(const float *x, int64_t count)
{
    double lane[LANES] = {0}, sum = 0.0;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int64_t k = 0; k < LANES; k++) lane[k] += (double)x[i + k] * (double)x[i + k];
    for (; i < count; i++) sum += (double)x[i] * (double)x[i];
    for (int64_t k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}

void optimiser_clip(const struct optimiser *state, float *gradient)
{
    double most = state->options.clip;
    if (most == 0.0) return;
    double length = sqrt(sum_of_squares(gradient, state->count));
    if (!(length > most)) return;
    float factor = (float)(most / length);
    for (int64_t i = 0; i < state->count; i++) gradient[i] *= factor;
}

/* Sizes of floats are ordered as their bits are; NaN counts as infinite. */
VECTORISED static float largest(const float *x, int64_t count)
{
    const uint32_t infinite = 0x7f800000;
    uint32_t most = 0;
    float size;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    most = most > infinite ? infinite : most;
    memcpy(&size, &most, sizeof size);
    return size;
}

double optimiser_expect(const struct optimiser *state, int64_t first, int64_t count)
{
    return largest(state->first + first, count);
}

void optimiser_begin(struct optimiser *state)
{
    state->steps_done++;
    state->beta1_power *= state->options.beta1;
    state->beta2_power *= state->options.beta2;
}

double optimiser_rate(const struct optimiser *state)
{
    const struct optimiser_options *o = &state->options;
    if (o->schedule == RATE_CONSTANT || state->steps_total < 1) return o->rate;
    double done = (double)(state->steps_done - 1) / (double)state->steps_total;
    return o->rate * 0.5 * (1.0 + cos(3.14159265358979323846 * fmin(done, 1.0)));
}

struct adam {
    float beta1, beta2, epsilon, rate, second_scale, keep;
};

VECTORISED static void adam_move(struct adam a, int64_t count, const float *restrict gradient,
                                 float *restrict first, float *restrict second,
                                 float *restrict weights)
{
    for (int64_t i = 0; i < count; i++) {
        float g = gradient[i];
        first[i] = a.beta1 * first[i] + (1.0f - a.beta1) * g;
        second[i] = a.beta2 * second[i] + (1.0f - a.beta2) * (g * g);
        float size = sqrtf(second[i]) * a.second_scale + a.epsilon;
        weights[i] = a.keep * weights[i] - a.rate * (first[i] / size);
    }
}

VECTORISED static void sgd_move(float momentum, float rate, int64_t count,
                                const float *restrict gradient, float *restrict first,
                                float *restrict weights)
{
    for (int64_t i = 0; i < count; i++) {
        first[i] = momentum * first[i] + gradient[i];
        weights[i] -= rate * first[i];
    }
}

void optimiser_move(struct optimiser *state, int64_t first, int64_t count, const float *gradient,
                    float *weights)
{
    const struct optimiser_options *o = &state->options;
    double rate = optimiser_rate(state);
    if (o->kind == OPTIMISER_SGD) {
        sgd_move((float)o->momentum, (float)rate, count, gradient, state->first + first, weights);
        return;
    }
    struct adam a = {.beta1 = (float)o->beta1,
                     .beta2 = (float)o->beta2,
                     .epsilon = (float)o->epsilon,
                     .rate = (float)(rate / (1.0 - state->beta1_power)),
                     .second_scale = (float)(1.0 / sqrt(1.0 - state->beta2_power)),
                     .keep = (float)(1.0 - rate * o->weight_decay)};
    adam_move(a, count, gradient, state->first + first, state->second + first, weights);
}
