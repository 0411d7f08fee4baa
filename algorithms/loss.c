/* Losses in double on float32 outputs. Exponentials and logarithms of many rows are vector code of
 * plain arithmetic: the same bits on every machine. */
#include "algorithms/loss.h"

#include "algorithms/vector.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

bool loss_of_chances(enum loss loss)
{
    return loss == LOSS_BCE || loss == LOSS_STRUCTURAL;
}

int64_t loss_outputs(enum loss loss)
{
    return loss == LOSS_STRUCTURAL ? 2 : 1;
}

double loss_sigmoid(double z)
{
    double e = exp(-fabs(z));
    return z >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

double loss_softplus(double raw)
{
    return fmax(raw, 0.0) + log1p(exp(-fabs(raw)));
}

enum { CHUNK = 128 }; /* rows whose exponentials are taken together */

/* Of z: what sigmoid and softplus are made of. */
struct logistic {
    double z[CHUNK];
    double e[CHUNK];     /* e^-|z| */
    double log_1[CHUNK]; /* log(1 + e) */
};

/* e^x for x <= 0, e^-708 below that; Cody and Waite 1980 (reduction), then its series */
static inline __attribute__((always_inline)) double exponential(double x)
{
    const double shift = 0x1.8p52; /* adding it leaves the nearest whole number in the low bits */
    x = x < -708.0 ? -708.0 : x;
    double shifted = x * 0x1.71547652b82fep0 + shift, whole = shifted - shift;
    double r = x - whole * 0x1.62e42fefa38p-1 - whole * 0x1.ef35793c7673p-45;
    double p = 1.0 / 6227020800.0; /* 1 / 13! */
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * (r * r) + r + 1.0;
    uint64_t power, bits;
    memcpy(&power, &shifted, sizeof power);
    memcpy(&bits, &p, sizeof bits);
    bits += power << 52; /* times 2^whole; what else is in `power` falls out at the top */
    memcpy(&p, &bits, sizeof p);
    return x != x ? x : p;
}

/* log(1 + e) = 2 atanh(s), s = e / (2 + e) at most 1/3, by its series */
static inline __attribute__((always_inline)) double log_one_plus(double e)
{
    double s = e / (2.0 + e), s2 = s * s, series = 1.0 / 33.0;
#pragma GCC unroll 16
    for (int k = 31; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
    return 2.0 * s * series;
}

VECTORISED static void take_logistic(struct logistic *of, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        double e = exponential(of->z[i] > 0.0 ? -of->z[i] : of->z[i]);
        of->e[i] = e;
        of->log_1[i] = log_one_plus(e);
    }
}

/* What the outputs of a few rows are, each part where the loss needs it. */
struct outputs {
    struct logistic chance; /* z of the cross entropy, or what errors are of */
    struct logistic raw;    /* LOSS_STRUCTURAL: of b */
};

struct row_slope {
    double first, second; /* by the outputs */
};

static double squared_error(double z, double y, struct row_slope *slope)
{
    slope->first = 2.0 * (z - y);
    return (z - y) * (z - y);
}

static double huber(double z, double y, struct row_slope *slope)
{
    double far = z - y, size = fabs(far);
    slope->first = size <= 1.0 ? far : copysign(1.0, far);
    return size <= 1.0 ? 0.5 * far * far : size - 0.5;
}

static double sigmoid_of(const struct logistic *of, int64_t i)
{
    return (of->z[i] >= 0.0 ? 1.0 : of->e[i]) / (1.0 + of->e[i]);
}

static double cross_entropy(const struct logistic *of, int64_t i, double y, double *slope)
{
    double z = of->z[i];
    *slope = sigmoid_of(of, i) - y;
    return (z > 0.0 ? z : 0.0 * z) - z * y + of->log_1[i]; /* 0 z keeps a NaN */
}

static double softplus_of(const struct logistic *of, int64_t i)
{
    return fmax(of->z[i], 0.0) + of->log_1[i];
}

static double structural(const struct loss_rows *beside, const struct outputs *o, int64_t from,
                         int64_t i, struct row_slope *slope)
{
    double raw = o->raw.z[i], b_slope = sigmoid_of(&o->raw, i);
    double value = cross_entropy(&o->chance, i, beside->y[from + i], &slope->first);
    slope->second = slope->first * beside->dose[from + i] * b_slope;
    double prior = beside->prior != NULL ? beside->prior[from + i] : 0.0;
    if (prior > 0.0 && beside->prior_weight > 0.0) {
        double b = softplus_of(&o->raw, i), log_b = raw < -30.0 ? raw : log(b);
        double far = log_b - log(prior);
        double log_slope = raw < -30.0 ? 1.0 : b_slope / b;
        value += beside->prior_weight * far * far;
        slope->second += 2.0 * beside->prior_weight * far * log_slope;
    }
    return value;
}

/* Fill `o` for rows from .. from + count - 1 */
static void take_outputs(enum loss loss, const struct loss_rows *beside, int64_t from,
                         int64_t count, int64_t stride, const float *out, struct outputs *o)
{
    for (int64_t i = 0; i < count; i++) o->chance.z[i] = out[(from + i) * stride];
    if (loss == LOSS_STRUCTURAL) {
        for (int64_t i = 0; i < count; i++) o->raw.z[i] = out[(from + i) * stride + 1];
        take_logistic(&o->raw, count);
        for (int64_t i = 0; i < count; i++)
            o->chance.z[i] += softplus_of(&o->raw, i) * beside->dose[from + i];
    }
    if (loss_of_chances(loss)) take_logistic(&o->chance, count);
}

/* of row from + i */
static double row_loss(enum loss loss, const struct loss_rows *beside, const struct outputs *o,
                       int64_t from, int64_t i, struct row_slope *slope)
{
    switch (loss) {
    case LOSS_MSE:
        return squared_error(o->chance.z[i], beside->y[from + i], slope);
    case LOSS_HUBER:
        return huber(o->chance.z[i], beside->y[from + i], slope);
    case LOSS_BCE:
        return cross_entropy(&o->chance, i, beside->y[from + i], &slope->first);
    case LOSS_STRUCTURAL:
        break;
    }
    return structural(beside, o, from, i, slope);
}

static void write_slope(enum loss loss, double weight, const struct row_slope *row, int64_t stride,
                        float *slope)
{
    memset(slope, 0, (size_t)stride * sizeof *slope);
    slope[0] = (float)(weight * row->first);
    if (loss == LOSS_STRUCTURAL) slope[1] = (float)(weight * row->second);
}

struct loss_sums loss_evaluate(enum loss loss, const struct loss_rows *beside, int64_t rows,
                               int64_t stride, const float *out, float *slope)
{
    struct loss_sums sums = {0.0, 0.0};
    struct outputs o;
    for (int64_t from = 0; from < rows; from += CHUNK) {
        int64_t count = rows - from < CHUNK ? rows - from : CHUNK;
        take_outputs(loss, beside, from, count, stride, out, &o);
        for (int64_t i = 0; i < count; i++) {
            struct row_slope row = {0.0, 0.0};
            double weight = beside->weight[from + i];
            sums.loss += weight * row_loss(loss, beside, &o, from, i, &row);
            sums.weight += weight;
            if (slope != NULL) write_slope(loss, weight, &row, stride, slope + (from + i) * stride);
        }
    }
    return sums;
}
