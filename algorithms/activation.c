/* Activations on arrays. */
#include "algorithms/activation.h"

#include "algorithms/vector.h"

#include <stddef.h>

static const char *const names[] = {[ACTIVATION_RELU] = "relu",
                                    [ACTIVATION_TANH] = "tanh",
                                    [ACTIVATION_SIGMOID] = "sigmoid",
                                    [ACTIVATION_SOFTPLUS] = "softplus"};

enum status activation_parse(const char *name, enum activation *activation)
{
    for (size_t a = ACTIVATION_RELU; a < sizeof names / sizeof *names; a++)
        if (strcmp(name, names[a]) == 0) {
            *activation = (enum activation)a;
            return OK;
        }
    return FAIL(ERR_USAGE, "activation \"%s\" is not one of relu, tanh, sigmoid, softplus", name);
}

VECTORISED static void relu(float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) x[i] = x[i] < 0.0f ? 0.0f : x[i];
}

VECTORISED static void hyperbolic(float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) x[i] = activation_tanh(x[i]);
}

VECTORISED static void sigmoid(float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) x[i] = activation_sigmoid(x[i]);
}

/* log(1 + e^x) = max(x, 0) + log(1 + e) with e = e^-|x|; log(1 + e) = 2 atanh(s), s = e / (2 + e)
 * at most 1/3, by its series */
VECTORISED static void softplus(float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        float e = activation_exp(x[i] > 0.0f ? -x[i] : x[i]);
        float s = e / (2.0f + e), s2 = s * s, series = 1.0f / 15.0f;
        series = series * s2 + 1.0f / 13.0f;
        series = series * s2 + 1.0f / 11.0f;
        series = series * s2 + 1.0f / 9.0f;
        series = series * s2 + 1.0f / 7.0f;
        series = series * s2 + 1.0f / 5.0f;
        series = series * s2 + 1.0f / 3.0f;
        series = series * s2 + 1.0f;
        x[i] = (x[i] > 0.0f ? x[i] : 0.0f) + 2.0f * s * series;
    }
}

void activation_apply(enum activation activation, float *x, int64_t count)
{
    switch (activation) {
    case ACTIVATION_RELU:
        relu(x, count);
        break;
    case ACTIVATION_TANH:
        hyperbolic(x, count);
        break;
    case ACTIVATION_SIGMOID:
        sigmoid(x, count);
        break;
    case ACTIVATION_SOFTPLUS:
        softplus(x, count);
        break;
    case ACTIVATION_NONE:
        break;
    }
}

VECTORISED static void relu_slope(const float *out, float *delta, int64_t count)
{
    for (int64_t i = 0; i < count; i++) delta[i] = out[i] > 0.0f ? delta[i] : 0.0f;
}

VECTORISED static void tanh_slope(const float *out, float *delta, int64_t count)
{
    for (int64_t i = 0; i < count; i++) delta[i] *= 1.0f - out[i] * out[i];
}

VECTORISED static void sigmoid_slope(const float *out, float *delta, int64_t count)
{
    for (int64_t i = 0; i < count; i++) delta[i] *= out[i] * (1.0f - out[i]);
}

VECTORISED static void softplus_slope(const float *out, float *delta, int64_t count)
{
    for (int64_t i = 0; i < count; i++) delta[i] *= 1.0f - activation_exp(-out[i]);
}

void activation_slope(enum activation activation, const float *out, float *delta, int64_t count)
{
    switch (activation) {
    case ACTIVATION_RELU:
        relu_slope(out, delta, count);
        break;
    case ACTIVATION_TANH:
        tanh_slope(out, delta, count);
        break;
    case ACTIVATION_SIGMOID:
        sigmoid_slope(out, delta, count);
        break;
    case ACTIVATION_SOFTPLUS:
        softplus_slope(out, delta, count);
        break;
    case ACTIVATION_NONE:
        break;
    }
}
