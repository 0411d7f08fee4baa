/* The use of a mixture: the likeliest components of rows, and densities. */
#include "algorithms/mixture.h"

#include "algorithms/mixture_pass.h"

#include <math.h>

double mixture_mean(const struct mixture_model *model, int64_t c, int64_t j)
{
    return model->centre[j] + model->scale[j] * model->means[c * model->columns + j];
}

double mixture_covariance_of(const struct mixture_model *model, int64_t c, int64_t i, int64_t j)
{
    int64_t d = model->columns, own = model->covariance == MIXTURE_TIED ? 0 : c;
    double units = model->scale[i] * model->scale[j];
    if (model->covariance == MIXTURE_DIAGONAL)
        return i == j ? units * model->covariances[c * d + j] : 0.0;
    return units * model->covariances[(own * d + i) * d + j];
}

/* The `keep` largest of share[:][pitch] into component and kept, by falling share. */
static void keep_largest(const double *share, int64_t k, int64_t pitch, int64_t keep,
                         int32_t *component, double *kept)
{
    int64_t held = 0;
    for (int64_t c = 0; c < k; c++) {
        double value = share[c * pitch];
        int64_t at = held < keep ? held++ : keep;
        if (at == keep && !(value > kept[keep - 1])) continue;
        at = at == keep ? keep - 1 : at;
        for (; at > 0 && value > kept[at - 1]; at--) {
            kept[at] = kept[at - 1];
            component[at] = component[at - 1];
        }
        kept[at] = value;
        component[at] = (int32_t)c;
    }
}

static enum status check(const struct mixture_model *model, const struct mixture_rows *x,
                         int64_t keep)
{
    if (x->columns != model->columns)
        return FAIL(ERR_ARG, "rows have %lld columns, the mixture %lld; use the columns of the fit",
                    (long long)x->columns, (long long)model->columns);
    if (keep < 1 || keep > model->k)
        return FAIL(ERR_ARG, "%lld components of each row; choose from 1 to the %lld there are",
                    (long long)keep, (long long)model->k);
    return OK;
}

enum status mixture_apply(const struct mixture_model *model, const struct mixture_rows *x,
                          int64_t keep, int32_t *component, double *share, double *density)
{
    enum status status = OK;
    struct mixture_factors factors = {0};
    struct mixture_pass pass = {0};
    int64_t rows_local = x->blocks->rows_local;
    double shift = 0.0;
    TRY(check(model, x, keep));
    TRY(mixture_factors_init(&factors, model));
    TRY(mixture_factor(model, &factors));
    TRY(mixture_pass_init(&pass, mixture_kernel_choose(MIXTURE_PATH_BEST), model, 1.0));
    mixture_pass_set(&pass, model, &factors);
    for (int64_t j = 0; j < model->columns; j++) shift -= log(model->scale[j]);
    for (int64_t first = 0; first < rows_local; first += pass.pitch) {
        int64_t rows = rows_local - first < pass.pitch ? rows_local - first : pass.pitch;
        mixture_pass_strip(&pass, x, first, rows, false);
        for (int64_t r = 0; r < rows; r++) {
            int64_t row = first + r;
            if (!isfinite(pass.largest[r]))
                TRY(FAIL(ERR_NUMERIC,
                         "data row %lld is not finite, or too far from the rows of the fit; look "
                         "at its values",
                         (long long)(x->blocks->row_first + row + 1)));
            double *kept = share != NULL ? share + row * keep : pass.block;
            keep_largest(pass.share + r, model->k, pass.pitch, keep, component + row * keep, kept);
            if (density != NULL) density[row] = pass.largest[r] + log(pass.sum[r]) + shift;
        }
    }
done:
    mixture_factors_clear(&factors);
    mixture_pass_clear(&pass);
    return status;
}
