/* Moments of rows and their sums. */
#include "algorithms/moments.h"

#include <string.h>

static double value_of(const struct moments_rows *r, int64_t row, int64_t i)
{
    return i == r->variables - 1 ? r->y[row] : r->x[row * (r->variables - 1) + i];
}

static double weight_of(const struct moments_rows *r, int64_t row)
{
    return r->weight != NULL ? r->weight[row] : 1.0;
}

static void add_means(const int64_t *row, int64_t count, const struct moments_rows *rows,
                      double *moments)
{
    for (int64_t r = 0; r < count; r++) moments[0] += weight_of(rows, row[r]);
    for (int64_t i = 0; i < rows->variables; i++) {
        double first = value_of(rows, row[0], i), sum = 0;
        for (int64_t r = 1; r < count; r++)
            sum += weight_of(rows, row[r]) * (value_of(rows, row[r], i) - first);
        moments[1 + i] = first + sum / moments[0];
    }
}

void moments_of_rows(const int64_t *row, int64_t count, const struct moments_rows *rows,
                     double *moments)
{
    int64_t v = rows->variables;
    memset(moments, 0, (size_t)moments_width(v) * sizeof *moments);
    if (count == 0) return;
    add_means(row, count, rows, moments);
    if (count == 1) return;
    for (int64_t r = 0; r < count; r++) {
        double *pair = moments + 1 + v, weight = weight_of(rows, row[r]);
        for (int64_t i = 0; i < v; i++) {
            double off = weight * (value_of(rows, row[r], i) - moments[1 + i]);
            for (int64_t j = i; j < v; j++)
                *pair++ += off * (value_of(rows, row[r], j) - moments[1 + j]);
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
