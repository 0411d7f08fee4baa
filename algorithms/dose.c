/* Lines with knots. */
#include "algorithms/dose.h"

#include <math.h>

void dose_pieces(const struct dose_shape *shape, double dose, double *piece)
{
    double from = 0.0;
    for (int64_t k = 0; k < shape->knots; k++) {
        double to = k < shape->knots - 1 ? shape->dose[k] : (double)INFINITY;
        piece[k] = fmax(0.0, fmin(dose, to) - from);
        from = to;
    }
}

double dose_bend(struct dose_shape *shape, const double *slope)
{
    double at = 0.0, height = 0.0;
    if (shape->knots == 0) return 1.0;
    for (int64_t k = 0; k < shape->knots; k++) {
        height += slope[k] * (shape->dose[k] - at);
        at = shape->dose[k];
        shape->value[k] = height;
    }
    double scale = height / at;
    for (int64_t k = 0; k < shape->knots; k++)
        shape->value[k] = scale > 0.0 ? shape->value[k] / scale : shape->dose[k];
    return scale;
}

struct dose_shape dose_mix(const struct dose_shapes *shapes, const float *chance)
{
    struct dose_shape mixed = shapes->shape[0];
    for (int64_t k = 0; k < mixed.knots && shapes->kinds > 1; k++) {
        double sum = 0.0;
        for (int64_t c = 0; c < shapes->kinds; c++)
            sum += (double)chance[c] * shapes->shape[c].value[k];
        mixed.value[k] = sum;
    }
    return mixed;
}

double dose_apply(const struct dose_shape *shape, double dose)
{
    double from = 0.0, low = 0.0;
    if (shape->knots == 0) return dose;
    for (int64_t k = 0;; k++) {
        double to = shape->dose[k], high = shape->value[k];
        if (dose <= to || k == shape->knots - 1)
            return low + (high - low) * (dose - from) / (to - from);
        from = to;
        low = high;
    }
}
