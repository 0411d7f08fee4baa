/* Rows of a design as they are factored. */
#include "algorithms/design.h"

#include <math.h>

void design_row(const struct design *design, const struct scaling *scaling, int64_t row, double *to,
                int64_t stride)
{
    int64_t dense = design->dense;
    double weight = design->weight != NULL ? design->weight[row] * scaling->weight_scale : 1.0;
    double root = sqrt(weight);
    if (!(weight > 0.0)) return; /* the row stays 0 */
    if (design->intercept) {
        *to = root;
        to += stride;
    }
    for (int64_t j = 0; j < dense; j++)
        to[j * stride] =
            root * ((design->x[row * dense + j] - scaling->shift[j]) * scaling->scale[j]);
    for (int64_t e = design->sparse > 0 ? design->row_start[row] : 0;
         design->sparse > 0 && e < design->row_start[row + 1]; e++) {
        double value = design->value != NULL ? design->value[e] : 1.0;
        int64_t column = design->column[e];
        to[(dense + column) * stride] = root * (value * scaling->sparse_scale[column]);
    }
    to[(dense + design->sparse) * stride] =
        root * ((design->y[row] - scaling->shift[dense]) * scaling->scale[dense]);
}
