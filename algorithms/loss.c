/* Losses in double on float32 outputs. */
#include "algorithms/loss.h"

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

static double cross_entropy(double z, double y, double *slope)
{
    double e = exp(-fabs(z));
    *slope = (z >= 0.0 ? 1.0 : e) / (1.0 + e) - y;
    return (z > 0.0 ? z : 0.0 * z) - z * y + log1p(e); /* 0 z keeps a NaN */
}

static double structural(const struct loss_rows *beside, int64_t i, double a, double raw,
                         struct row_slope *slope)
{
    double dose = beside->dose[i], b = loss_softplus(raw), b_slope = loss_sigmoid(raw);
    double value = cross_entropy(a + b * dose, beside->y[i], &slope->first);
    slope->second = slope->first * dose * b_slope;
    double prior = beside->prior != NULL ? beside->prior[i] : 0.0;
    if (prior > 0.0 && beside->prior_weight > 0.0) {
        double log_b = raw < -30.0 ? raw : log(b);
        double far = log_b - log(prior);
        double log_slope = raw < -30.0 ? 1.0 : b_slope / b;
        value += beside->prior_weight * far * far;
        slope->second += 2.0 * beside->prior_weight * far * log_slope;
    }
    return value;
}

static double row_loss(enum loss loss, const struct loss_rows *beside, int64_t i, const float *out,
                       struct row_slope *slope)
{
    switch (loss) {
    case LOSS_MSE:
        return squared_error(out[0], beside->y[i], slope);
    case LOSS_HUBER:
        return huber(out[0], beside->y[i], slope);
    case LOSS_BCE:
        return cross_entropy(out[0], beside->y[i], &slope->first);
    case LOSS_STRUCTURAL:
        break;
    }
    return structural(beside, i, out[0], out[1], slope);
}

struct loss_sums loss_evaluate(enum loss loss, const struct loss_rows *beside, int64_t rows,
                               int64_t stride, const float *out, float *slope)
{
    struct loss_sums sums = {0.0, 0.0};
    for (int64_t i = 0; i < rows; i++) {
        struct row_slope row = {0.0, 0.0};
        double weight = beside->weight[i];
        sums.loss += weight * row_loss(loss, beside, i, out + i * stride, &row);
        sums.weight += weight;
        if (slope == NULL) continue;
        memset(slope + i * stride, 0, (size_t)stride * sizeof *slope);
        slope[i * stride] = (float)(weight * row.first);
        if (loss == LOSS_STRUCTURAL) slope[i * stride + 1] = (float)(weight * row.second);
    }
    return sums;
}
