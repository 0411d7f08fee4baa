/* Moments of rows and their sums. */
#include "algorithms/moments.h"

#include <string.h>

static double value_of(const double *x, const double *y, int64_t v, int64_t row, int64_t i)
{
    return i == v - 1 ? y[row] : x[row * (v - 1) + i];
}

static void add_means(const int64_t *row, int64_t count, const double *x, const double *y,
                      int64_t v, double *moments)
{
    for (int64_t i = 0; i < v; i++) {
        double first = value_of(x, y, v, row[0], i), sum = 0;
        for (int64_t r = 1; r < count; r++) sum += value_of(x, y, v, row[r], i) - first;
        moments[1 + i] = first + sum / (double)count;
    }
}

void moments_of_rows(const int64_t *row, int64_t count, const double *x, const double *y, int64_t v,
                     double *moments)
{
    memset(moments, 0, (size_t)moments_width(v) * sizeof *moments);
    if (count == 0) return;
    moments[0] = (double)count;
    add_means(row, count, x, y, v, moments);
    if (count == 1) return;
    for (int64_t r = 0; r < count; r++) {
        double *pair = moments + 1 + v;
        for (int64_t i = 0; i < v; i++) {
            double off = value_of(x, y, v, row[r], i) - moments[1 + i];
            for (int64_t j = i; j < v; j++)
                *pair++ += off * (value_of(x, y, v, row[r], j) - moments[1 + j]);
        }
    }
}

void moments_merge(double *moments, const double *other, int64_t v)
{
    double mine = moments[0], theirs = other[0], all = mine + theirs;
    if (theirs == 0.0) return;
    if (mine == 0.0) {
        memcpy(moments, other, (size_t)moments_width(v) * sizeof *moments);
        return;
    }
    double *pair = moments + 1 + v;
    const double *add = other + 1 + v;
    for (int64_t i = 0; i < v; i++) {
        double off = other[1 + i] - moments[1 + i];
        for (int64_t j = i; j < v; j++)
            *pair++ += *add++ + off * (other[1 + j] - moments[1 + j]) * (mine * theirs / all);
    }
    for (int64_t i = 0; i < v; i++)
        moments[1 + i] += (other[1 + i] - moments[1 + i]) * (theirs / all);
    moments[0] = all;
}
