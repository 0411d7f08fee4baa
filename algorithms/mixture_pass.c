/* Passes over the rows: strips, blocks, one reduction. */
#include "algorithms/mixture_pass.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRIP_BYTES = 1 << 15, PRODUCT_ROWS = 32, CACHE_LINE = 64 };

#define TERM_LIMIT 0x1p46   /* exact sums take twice that */
#define NOT_AT_ALL (-1e300) /* logarithm of a weight of 0 */
#define LOG_2_PI 1.8378770664093454836

/* ---- space ---- */

/* Rows of a strip such that they stay in the first-level cache. */
static int64_t choose_pitch(int64_t columns)
{
    int64_t rows = STRIP_BYTES / (2 * columns * (int64_t)sizeof(double)) / MIXTURE_STEP;
    if (rows * MIXTURE_STEP > MIXTURE_STRIP) return MIXTURE_STRIP;
    return rows > 0 ? rows * MIXTURE_STEP : MIXTURE_STEP;
}

static int64_t lane_terms(enum mixture_covariance covariance, int64_t columns)
{
    int64_t terms = mixture_terms(covariance, columns);
    return covariance == MIXTURE_FULL ? 1 + columns + columns * columns : terms;
}

static enum status alloc_strip(struct mixture_pass *p)
{
    enum status status = OK;
    int64_t cells = p->columns * p->pitch;
    TRY(memory_new(&p->x, cells, sizeof *p->x));
    TRY(memory_new(&p->other, p->covariance == MIXTURE_FULL ? 0 : cells, sizeof *p->other));
    TRY(memory_new(&p->share, p->k * p->pitch, sizeof *p->share));
    TRY(memory_new(&p->largest, p->pitch, sizeof *p->largest));
    TRY(memory_new(&p->sum, p->pitch, sizeof *p->sum));
done:
    return status;
}

static enum status alloc_parameters(struct mixture_pass *p)
{
    enum status status = OK;
    int64_t d = p->columns, factors = p->covariance == MIXTURE_TIED ? 1 : p->k;
    bool diagonal = p->covariance == MIXTURE_DIAGONAL;
    int64_t count = diagonal ? d : mixture_factor_count(p->kernel, d);
    TRY(memory_new(&p->centre, d, sizeof *p->centre));
    TRY(memory_new(&p->inverse, d, sizeof *p->inverse));
    TRY(memory_new(&p->ones, d, sizeof *p->ones));
    TRY(memory_new(&p->zeros, d, sizeof *p->zeros));
    TRY(memory_new(&p->factor, factors * count, sizeof *p->factor));
    TRY(memory_new(&p->shift, p->k * d, sizeof *p->shift));
    TRY(memory_new(&p->constant, p->k, sizeof *p->constant));
done:
    return status;
}

static enum status alloc_sums(struct mixture_pass *p)
{
    enum status status = OK;
    int64_t count = p->k * p->terms + 1;
    TRY(memory_new(&p->lanes, p->k * p->lane_terms * MIXTURE_LANES, sizeof *p->lanes));
    TRY(memory_new(&p->block, count, sizeof *p->block));
    TRY(exact_init(&p->exact, count));
done:
    return status;
}

enum status mixture_pass_init(struct mixture_pass *p, const struct mixture_kernel *kernel,
                              const struct mixture_model *model, double limit)
{
    enum status status = OK;
    int exponent = 0;
    *p = (struct mixture_pass){.kernel = kernel, .covariance = model->covariance, .k = model->k};
    p->columns = model->columns;
    p->terms = mixture_terms(p->covariance, p->columns);
    p->lane_terms = lane_terms(p->covariance, p->columns);
    p->pitch = choose_pitch(p->columns);
    frexp(limit / TERM_LIMIT, &exponent);
    p->unit = ldexp(1.0, exponent > 0 ? exponent : 0);
    TRY(alloc_parameters(p));
    TRY(alloc_strip(p));
    TRY(alloc_sums(p));
    for (int64_t j = 0; j < p->columns; j++) {
        p->centre[j] = model->centre[j];
        p->inverse[j] = 1.0 / model->scale[j];
        p->ones[j] = 1.0;
    }
done:
    if (status != OK) mixture_pass_clear(p);
    return status;
}

void mixture_pass_clear(struct mixture_pass *p)
{
    double *owned[] = {p->centre,  p->inverse,  p->ones,  p->zeros, p->factor,
                       p->shift,   p->constant, p->x,     p->other, p->share,
                       p->largest, p->sum,      p->lanes, p->block};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    exact_clear(&p->exact);
    *p = (struct mixture_pass){0};
}

/* ---- parameters ---- */

/* shift = inverse mean */
static void whiten_mean(const double *inverse, const double *mean, int64_t d, double *shift)
{
    for (int64_t j = 0; j < d; j++) {
        shift[j] = 0.0;
        for (int64_t i = 0; i <= j; i++) shift[j] += inverse[j * d + i] * mean[i];
    }
}

static void set_shape(struct mixture_pass *p, const struct mixture_model *model,
                      const struct mixture_factors *factors, int64_t c)
{
    int64_t d = p->columns, square = d * d, own = p->covariance == MIXTURE_FULL ? c : 0;
    const double *mean = model->means + c * d;
    if (p->covariance == MIXTURE_DIAGONAL) {
        for (int64_t j = 0; j < d; j++) {
            p->factor[c * d + j] = factors->inverse[c * d + j];
            p->shift[c * d + j] = factors->inverse[c * d + j] * mean[j];
        }
        return;
    }
    whiten_mean(factors->inverse + own * square, mean, d, p->shift + c * d);
    if (own == c)
        mixture_factor_pack(p->kernel, d, factors->inverse + own * square,
                            p->factor + own * mixture_factor_count(p->kernel, d));
}

void mixture_pass_set(struct mixture_pass *p, const struct mixture_model *model,
                      const struct mixture_factors *factors)
{
    double height = -0.5 * (double)p->columns * LOG_2_PI;
    for (int64_t c = 0; c < p->k; c++) {
        double weight = model->weights[c];
        set_shape(p, model, factors, c);
        p->constant[c] = weight > 0.0 ? log(weight) + height - factors->log_scale[c] : NOT_AT_ALL;
    }
}

/* ---- a strip ---- */

/* Ask for share `part` of k of the next strip's rows, which come while this one is worked on.
 * Inlined by force: the compiler takes a function that only prefetches for one without effect. */
static inline __attribute__((always_inline)) void
prefetch(const struct mixture_pass *p, const struct mixture_rows *x, int64_t first, int64_t part)
{
    int64_t end = first + p->pitch, last = x->blocks->rows_local;
    int64_t row = x->columns * (int64_t)sizeof *x->full;
    const char *rows = (const char *)x->full;
    if (x->single != NULL) {
        row = x->stride * (int64_t)sizeof *x->single;
        rows = (const char *)x->single;
    }
    int64_t bytes = ((end < last ? end : last) - first) * row;
    for (int64_t at = bytes * part / p->k; at < bytes * (part + 1) / p->k; at += CACHE_LINE)
        __builtin_prefetch(rows + first * row + at, 0, 2);
}

void mixture_pass_strip(struct mixture_pass *p, const struct mixture_rows *x, int64_t first,
                        int64_t rows, bool hard)
{
    const struct mixture_kernel *kernel = p->kernel;
    int64_t d = p->columns, pitch = p->pitch, packed = mixture_factor_count(kernel, d);
    kernel->pack(x, first, rows, p->centre, p->inverse, pitch, p->x);
    if (p->covariance == MIXTURE_TIED)
        kernel->whiten(p->factor, p->zeros, d, pitch, p->x, p->other, p->sum);
    for (int64_t c = 0; c < p->k; c++) {
        const double *shift = p->shift + c * d;
        double *square = p->share + c * pitch;
        prefetch(p, x, first + rows, c);
        if (p->covariance == MIXTURE_FULL)
            kernel->whiten(p->factor + c * packed, shift, d, pitch, p->x, NULL, square);
        else if (p->covariance == MIXTURE_DIAGONAL)
            kernel->distance(p->factor + c * d, shift, d, pitch, p->x, square);
        else
            kernel->distance(p->ones, shift, d, pitch, p->other, square);
    }
    kernel->divide(p->constant, p->k, pitch, hard, p->share, p->largest, p->sum);
    for (int64_t r = rows; r < pitch; r++) { /* no rows */
        for (int64_t c = 0; c < p->k; c++) p->share[c * pitch + r] = 0.0;
        p->largest[r] = 0.0;
        p->sum[r] = 1.0;
    }
}

/* largest + log(sum) over the strip; the logarithm of a product of 32 sums, each from 1 to k. */
static double strip_likelihood(const struct mixture_pass *p)
{
    double lane[MIXTURE_LANES] = {0}, logarithm = 0.0;
    for (int64_t r = 0; r < p->pitch; r++) lane[r % MIXTURE_LANES] += p->largest[r];
    for (int64_t r = 0; r < p->pitch; r += PRODUCT_ROWS) {
        double product[4] = {1.0, 1.0, 1.0, 1.0};
        for (int64_t i = 0; i < PRODUCT_ROWS; i++) product[i % 4] *= p->sum[r + i];
        logarithm += log(product[0] * product[1]) + log(product[2] * product[3]);
    }
    return logarithm + ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static void add_strip(struct mixture_pass *p)
{
    const struct mixture_kernel *kernel = p->kernel;
    int64_t d = p->columns, pitch = p->pitch;
    const double *squares = p->covariance == MIXTURE_DIAGONAL ? p->other : NULL;
    if (squares != NULL) kernel->square(p->x, d, pitch, p->other);
    for (int64_t c = 0; c < p->k; c++) {
        const double *share = p->share + c * pitch;
        double *sums = p->lanes + c * p->lane_terms * MIXTURE_LANES;
        kernel->moments(share, p->x, squares, d, pitch, sums);
        if (p->covariance == MIXTURE_FULL)
            kernel->products(share, p->x, d, pitch, sums + (1 + d) * MIXTURE_LANES);
    }
}

/* ---- blocks ---- */

static double fold(const double *lane)
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* The sums of the block, out of their lanes and into the exact ones. */
static void take_block(struct mixture_pass *p, double likelihood)
{
    int64_t d = p->columns, count = p->k * p->terms + 1;
    double *to = p->block;
    for (int64_t c = 0; c < p->k; c++) {
        const double *lanes = p->lanes + c * p->lane_terms * MIXTURE_LANES;
        int64_t plain = p->covariance == MIXTURE_FULL ? 1 + d : p->terms;
        for (int64_t i = 0; i < plain; i++) *to++ = fold(lanes + i * MIXTURE_LANES);
        for (int64_t i = 0; i < d && p->covariance == MIXTURE_FULL; i++)
            for (int64_t j = i; j < d; j++)
                *to++ = fold(lanes + (1 + d + i * d + j) * MIXTURE_LANES);
    }
    *to = likelihood;
    for (int64_t i = 0; i < count; i++) p->block[i] /= p->unit;
    exact_add(&p->exact, 0, p->block, count);
}

enum status mixture_pass_run(const struct comm *comm, struct mixture_pass *p,
                             const struct mixture_rows *x, bool hard, double *sums,
                             double *log_likelihood)
{
    int64_t count = p->k * p->terms;
    exact_reset(&p->exact);
    for (int64_t b = 0; b < x->blocks->blocks_local; b++) {
        int64_t first = x->blocks->start[b], end = x->blocks->start[b + 1];
        double likelihood = 0.0;
        memset(p->lanes, 0, (size_t)(p->k * p->lane_terms * MIXTURE_LANES) * sizeof *p->lanes);
        for (; first < end; first += p->pitch) {
            int64_t rows = end - first < p->pitch ? end - first : p->pitch;
            mixture_pass_strip(p, x, first, rows, hard);
            likelihood += hard ? 0.0 : strip_likelihood(p);
            add_strip(p);
        }
        take_block(p, likelihood);
    }
    enum status status = exact_reduce(comm, &p->exact);
    if (status != OK) return status;
    exact_get_all(&p->exact, 0, sums, count);
    for (int64_t i = 0; i < count; i++) sums[i] *= p->unit;
    *log_likelihood = exact_get(&p->exact, count) * p->unit;
    return OK;
}
