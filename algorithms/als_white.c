/* Cholesky's factor of what all pairs weigh, its inverse, and rows times either. */
#include "algorithms/als_white.h"

#include "algorithms/definite.h"
#include "algorithms/gemm.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { STRIP = 32 };

enum status als_white_init(int64_t columns, int64_t wide, struct als_white *w)
{
    enum status status = OK;
    *w = (struct als_white){.columns = columns, .wide = wide};
    TRY(memory_new(&w->square, columns * wide, sizeof *w->square));
    TRY(memory_new(&w->inverse, columns * wide, sizeof *w->inverse));
    TRY(memory_new(&w->rows, columns * wide, sizeof *w->rows));
    TRY(memory_new(&w->there, columns * wide, sizeof *w->there));
    TRY(memory_new(&w->back, columns * wide, sizeof *w->back));
done:
    return status;
}

void als_white_clear(struct als_white *w)
{
    free(w->square);
    free(w->inverse);
    free(w->rows);
    free(w->there);
    free(w->back);
    *w = (struct als_white){0};
}

/* inverse[i][:] = (unit row i - sum over k > i of u[i][k] inverse[k][:]) / u[i][i] */
VECTORISED static void invert(const double *u, int64_t n, int64_t wide, double *inverse)
{
    memset(inverse, 0, (size_t)(n * wide) * sizeof *inverse);
    for (int64_t i = n - 1; i >= 0; i--) {
        double *row = inverse + i * wide, per = 1.0 / u[i * wide + i];
        for (int64_t k = i + 1; k < n; k++) {
            const double *other = inverse + k * wide, c = u[i * wide + k];
            for (int64_t j = k; j < n; j++) row[j] -= c * other[j];
        }
        for (int64_t j = i + 1; j < n; j++) row[j] *= per;
        row[i] = per;
    }
}

enum status als_white_set(struct als_white *w, double lambda)
{
    int64_t n = w->columns, wide = w->wide;
    for (int64_t k = 0; k < n; k++) w->square[k * wide + k] += lambda;
    if (!definite_factor(w->square, n, wide))
        return FAIL(ERR_NUMERIC, "factors are out of range; raise lambda");
    invert(w->square, n, wide, w->inverse);
    for (int64_t k = 0; k < n; k++)
        for (int64_t j = k; j < n; j++) {
            w->rows[k * wide + j] = w->back[j * wide + k] = (float)w->inverse[k * wide + j];
            w->there[j * wide + k] = (float)w->square[k * wide + j];
        }
    return OK;
}

/* By strips of columns, whose numbers are 0 above the diagonal of a lower matrix, or below it. */
static void apply(const struct als_white *w, const float *matrix, bool lower, const float *from,
                  int64_t count, int64_t from_stride, float *to, int64_t to_stride)
{
    for (int64_t first = 0; first < w->wide; first += STRIP) {
        int64_t end = first + STRIP < w->wide ? first + STRIP : w->wide;
        int64_t k = lower ? first : 0, last = lower || end > w->columns ? w->columns : end;
        gemm_run(&(struct gemm){.rows = count,
                                .columns = end - first,
                                .depth = last > k ? last - k : 0,
                                .a = from + k,
                                .a_row = from_stride,
                                .a_depth = 1,
                                .b = matrix + k * w->wide + first,
                                .b_stride = w->wide,
                                .c = to + first,
                                .c_stride = to_stride});
    }
}

void als_white_rows(const struct als_white *w, const float *from, int64_t count,
                    int64_t from_stride, float *to, int64_t to_stride)
{
    apply(w, w->rows, false, from, count, from_stride, to, to_stride);
}

void als_white_there(const struct als_white *w, const float *from, int64_t count,
                     int64_t from_stride, float *to, int64_t to_stride)
{
    apply(w, w->there, true, from, count, from_stride, to, to_stride);
}

void als_white_back(const struct als_white *w, const float *from, int64_t count,
                    int64_t from_stride, float *to, int64_t to_stride)
{
    apply(w, w->back, true, from, count, from_stride, to, to_stride);
}
