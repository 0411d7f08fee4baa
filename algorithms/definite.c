/* Cholesky's method by rows of the upper factor: every inner loop runs along a row. */
#include "algorithms/definite.h"

#include "algorithms/vector.h"

#include <math.h>
#include <string.h>

/* y[0 .. count) -= c x[0 .. count) */
VECTORISED static void subtract(int64_t count, double c, const double *restrict x,
                                double *restrict y)
{
    for (int64_t i = 0; i < count; i++) y[i] -= c * x[i];
}

/* a = u' u, u in the upper triangle */
static bool factor(double *a, int64_t n, int64_t stride)
{
    for (int64_t k = 0; k < n; k++) {
        double *row = a + k * stride;
        if (!(row[k] > 0.0) || isinf(row[k])) return false;
        double root = sqrt(row[k]);
        row[k] = root;
        for (int64_t j = k + 1; j < n; j++) row[j] /= root;
        for (int64_t i = k + 1; i < n; i++) subtract(n - i, row[i], row + i, a + i * stride + i);
    }
    return true;
}

/* u' z = b, then u x = z; the second by columns would stride, so it adds up along rows */
static void solve(const double *u, int64_t n, int64_t stride, double *b)
{
    for (int64_t k = 0; k < n; k++) {
        b[k] /= u[k * stride + k];
        subtract(n - k - 1, b[k], u + k * stride + k + 1, b + k + 1);
    }
    for (int64_t k = n - 1; k >= 0; k--) {
        double sum = b[k];
        for (int64_t j = k + 1; j < n; j++) sum -= u[k * stride + j] * b[j];
        b[k] = sum / u[k * stride + k];
    }
}

bool definite_solve(double *a, int64_t n, int64_t stride, double *b)
{
    if (!factor(a, n, stride)) return false;
    solve(a, n, stride, b);
    return true;
}

bool definite_invert(double *a, int64_t n, int64_t stride, double *inverse)
{
    if (!factor(a, n, stride)) return false;
    memset(inverse, 0, (size_t)(n * n) * sizeof *inverse);
    for (int64_t k = 0; k < n; k++) { /* symmetric: a row serves for a column */
        inverse[k * n + k] = 1.0;
        solve(a, n, stride, inverse + k * n);
    }
    return true;
}
