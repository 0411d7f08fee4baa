/* Cholesky's method by rows of the upper factor, PANEL of them at a time: every inner loop runs
 * along a row, and a row below is read and written once for a panel. */
#include "algorithms/definite.h"

#include "algorithms/dot.h"
#include "algorithms/vector.h"

#include <math.h>
#include <string.h>

enum { PANEL = 4 };

/* Rows k .. k + rows - 1 of the factor, from rows that owe nothing to earlier ones any more. */
VECTORISED static bool factor_panel(double *a, int64_t n, int64_t stride, int64_t k, int64_t rows)
{
    for (int64_t p = k; p < k + rows; p++) {
        double *row = a + p * stride;
        if (!(row[p] > 0.0) || isinf(row[p])) return false;
        row[p] = sqrt(row[p]);
        double per = 1.0 / row[p];
        for (int64_t j = p + 1; j < n; j++) row[j] *= per;
        for (int64_t i = p + 1; i < k + rows; i++)
            for (int64_t j = i; j < n; j++) a[i * stride + j] -= row[i] * row[j];
    }
    return true;
}

/* row -= sum over four rows u of c[p] u[p][:] */
__attribute__((always_inline)) static inline void
subtract(int64_t count, const double c[PANEL], const double *restrict u0, const double *restrict u1,
         const double *restrict u2, const double *restrict u3, double *restrict row)
{
    for (int64_t j = 0; j < count; j++)
        row[j] -= (c[0] * u0[j] + c[1] * u1[j]) + (c[2] * u2[j] + c[3] * u3[j]);
}

/* What a panel takes from all rows below it. */
VECTORISED static void update(double *a, int64_t n, int64_t stride, int64_t k)
{
    const double *u = a + k * stride;
    for (int64_t i = k + PANEL; i < n; i++) {
        const double c[PANEL] = {u[i], u[i + stride], u[i + 2 * stride], u[i + 3 * stride]};
        subtract(n - i, c, u + i, u + i + stride, u + i + 2 * stride, u + i + 3 * stride,
                 a + i * stride + i);
    }
}

bool definite_factor(double *a, int64_t n, int64_t stride)
{
    for (int64_t k = 0; k < n; k += PANEL) {
        int64_t rows = n - k < PANEL ? n - k : PANEL;
        if (!factor_panel(a, n, stride, k, rows)) return false;
        if (rows == PANEL) update(a, n, stride, k);
    }
    return true;
}

/* u' z = b, then u x = z, both along the rows of u */
VECTORISED static void solve(const double *restrict u, int64_t n, int64_t stride,
                             double *restrict b)
{
    for (int64_t k = 0; k < n; k++) {
        const double *row = u + k * stride;
        double z = b[k] /= row[k];
        for (int64_t j = k + 1; j < n; j++) b[j] -= z * row[j];
    }
    for (int64_t k = n - 1; k >= 0; k--) {
        const double *row = u + k * stride;
        b[k] = (b[k] - dot_double(row + k + 1, b + k + 1, n - k - 1)) / row[k];
    }
}

bool definite_solve(double *a, int64_t n, int64_t stride, double *b)
{
    if (!definite_factor(a, n, stride)) return false;
    solve(a, n, stride, b);
    return true;
}

bool definite_invert(double *a, int64_t n, int64_t stride, double *inverse)
{
    if (!definite_factor(a, n, stride)) return false;
    memset(inverse, 0, (size_t)(n * n) * sizeof *inverse);
    for (int64_t k = 0; k < n; k++) { /* symmetric: a row serves for a column */
        inverse[k * n + k] = 1.0;
        solve(a, n, stride, inverse + k * n);
    }
    return true;
}
