/* Arrow matrices: sums, factors, solutions. */
#include "algorithms/arrow.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_TOLERANCE 1e-8
#define TAIL_TOLERANCE 1e-10
#define TOGETHER_TOLERANCE 1e-8
#define YIELD_TOLERANCE 1e-6

enum status arrow_new(int64_t heads, int64_t tails, struct arrow **arrow)
{
    enum status status = OK;
    struct arrow *a = NULL;
    *arrow = NULL;
    TRY(memory_new(&a, 1, sizeof *a));
    a->heads = heads;
    a->tails = tails;
    TRY(memory_new(&a->head, heads, sizeof *a->head));
    TRY(memory_new(&a->side, heads * tails, sizeof *a->side));
    TRY(memory_new(&a->tail, tails * tails, sizeof *a->tail));
    TRY(memory_new(&a->forced, heads, sizeof *a->forced));
    TRY(memory_new(&a->tail_forced, tails, sizeof *a->tail_forced));
    TRY(memory_new(&a->head_out, heads, sizeof *a->head_out));
    TRY(memory_new(&a->tail_out, tails, sizeof *a->tail_out));
    TRY(memory_new(&a->factor, tails * tails, sizeof *a->factor));
    *arrow = a;
    a = NULL;
done:
    arrow_free(&a);
    return status;
}

void arrow_free(struct arrow **arrow)
{
    struct arrow *a = *arrow;
    if (a == NULL) return;
    free(a->head);
    free(a->side);
    free(a->tail);
    free(a->forced);
    free(a->tail_forced);
    free(a->head_out);
    free(a->tail_out);
    free(a->factor);
    free(a);
    *arrow = NULL;
}

void arrow_reset(struct arrow *a)
{
    memset(a->head, 0, (size_t)a->heads * sizeof *a->head);
    memset(a->side, 0, (size_t)(a->heads * a->tails) * sizeof *a->side);
    memset(a->tail, 0, (size_t)(a->tails * a->tails) * sizeof *a->tail);
}

/* ---- sums ---- */

int64_t arrow_width(const struct arrow *a)
{
    return a->heads * (1 + a->tails) + a->tails * a->tails;
}

void arrow_flush(struct arrow *a, bool *used, struct exact_sums *sums, int64_t first)
{
    int64_t tails = a->tails, tail_first = first + a->heads * (1 + tails);
    for (int64_t h = 0; h < a->heads; h++) {
        if (!used[h]) continue;
        exact_add_one(sums, first + h * (1 + tails), a->head[h]);
        exact_add(sums, first + h * (1 + tails) + 1, a->side + h * tails, tails);
        memset(a->side + h * tails, 0, (size_t)tails * sizeof *a->side);
        a->head[h] = 0.0;
        used[h] = false;
    }
    exact_add(sums, tail_first, a->tail, tails * tails);
    memset(a->tail, 0, (size_t)(tails * tails) * sizeof *a->tail);
}

void arrow_load(struct arrow *a, const struct exact_sums *sums, int64_t first)
{
    int64_t tails = a->tails;
    for (int64_t h = 0; h < a->heads; h++) {
        a->head[h] = exact_get(sums, first + h * (1 + tails));
        exact_get_all(sums, first + h * (1 + tails) + 1, a->side + h * tails, tails);
    }
    exact_get_all(sums, first + a->heads * (1 + tails), a->tail, tails * tails);
}

/* ---- factors ---- */

/* U' U = f in place, columns out where a pivot is at most tolerance x own. */
static void cholesky(double *f, int64_t n, const double *own, double tolerance, bool *out)
{
    for (int64_t k = 0; k < n; k++) {
        double *row = f + k * n;
        out[k] = !(row[k] > tolerance * own[k]) || !(own[k] > 0.0);
        if (out[k]) continue;
        double root = sqrt(row[k]);
        for (int64_t j = k; j < n; j++) row[j] /= root;
        for (int64_t i = k + 1; i < n; i++)
            for (int64_t j = i; j < n; j++) f[i * n + j] -= row[i] * row[j];
    }
}

/* U' y = b in place. */
static void forward(const double *f, int64_t n, const bool *out, double *b)
{
    for (int64_t i = 0; i < n; i++) {
        if (out[i]) {
            b[i] = 0.0;
            continue;
        }
        b[i] /= f[i * n + i];
        for (int64_t j = i + 1; j < n; j++) b[j] -= f[i * n + j] * b[i];
    }
}

/* U x = y in place, for the first n rows. */
static void backward(const double *f, int64_t stride, int64_t n, const bool *out, double *b)
{
    for (int64_t i = n - 1; i >= 0; i--) {
        if (out[i]) continue;
        for (int64_t j = i + 1; j < n; j++)
            if (!out[j]) b[i] -= f[i * stride + j] * b[j];
        b[i] /= f[i * stride + i];
    }
}

/* Heads that the tail explains go; left is what remains of the others. */
static void drop_heads(struct arrow *a, const double *own, double *work, double *left)
{
    int64_t n = a->tails;
    memcpy(a->factor, a->tail, (size_t)(n * n) * sizeof *a->factor);
    cholesky(a->factor, n, own, TAIL_TOLERANCE, a->tail_out);
    for (int64_t h = 0; h < a->heads; h++) {
        double rest = a->head[h];
        memcpy(work, a->side + h * n, (size_t)n * sizeof *work);
        forward(a->factor, n, a->tail_out, work);
        for (int64_t j = 0; j < n; j++) rest -= work[j] * work[j];
        a->head_out[h] = a->forced[h] || !(rest > HEAD_TOLERANCE * a->head[h]);
        left[h] = a->head_out[h] ? 0.0 : rest;
    }
}

/* Heads less what the tail explains of them and has in common with others. */
static void fill_heads(const struct arrow *a, const double *left, double *work, double *s)
{
    int64_t n = a->tails, h = a->heads;
    for (int64_t i = 0; i < h; i++) {
        memcpy(work + i * n, a->side + i * n, (size_t)n * sizeof *work);
        forward(a->factor, n, a->tail_out, work + i * n);
    }
    for (int64_t i = 0; i < h; i++) {
        s[i * h + i] = left[i];
        for (int64_t j = i + 1; j < h && !a->head_out[i]; j++)
            for (int64_t k = 0; k < n && !a->head_out[j]; k++)
                s[i * h + j] -= work[i * n + k] * work[j * n + k];
    }
}

/* Where heads are told apart by the tail, but not all of them together: all that take part in what
 * cannot be told go. The factor is that of the tail alone. */
static enum status drop_together(struct arrow *a, double *left)
{
    enum status status = OK;
    int64_t h = a->heads;
    double *s = NULL, *work = NULL, *share = NULL;
    bool *out = NULL;
    TRY(memory_new(&s, h * h, sizeof *s));
    TRY(memory_new(&work, h * a->tails, sizeof *work));
    TRY(memory_new(&share, h, sizeof *share));
    TRY(memory_new(&out, h, sizeof *out));
    fill_heads(a, left, work, s);
    cholesky(s, h, left, TOGETHER_TOLERANCE, out);
    for (int64_t k = 0; k < h; k++) {
        if (!out[k] || a->head_out[k]) continue;
        for (int64_t i = 0; i < h; i++) share[i] = i < k && !out[i] ? s[i * h + k] : 0.0;
        backward(s, h, k, out, share);
        for (int64_t i = 0; i < k; i++)
            if (!out[i] && share[i] * share[i] * left[i] > TOGETHER_TOLERANCE * left[k])
                a->head_out[i] = true;
        a->head_out[k] = true;
    }
    for (int64_t i = 0; i < h; i++)
        if (a->head_out[i]) left[i] = 0.0;
done:
    free(s);
    free(work);
    free(share);
    free(out);
    return status;
}

/* The tail less what heads explain of it; how many of its columns are out. */
static int64_t factor_rest(struct arrow *a, const double *own, double tolerance)
{
    int64_t n = a->tails, out = 0;
    memcpy(a->factor, a->tail, (size_t)(n * n) * sizeof *a->factor);
    for (int64_t h = 0; h < a->heads; h++) {
        const double *side = a->side + h * n;
        if (a->head_out[h]) continue;
        for (int64_t i = 0; i < n; i++) {
            double part = side[i] / a->head[h];
            if (part == 0.0) continue;
            for (int64_t j = i; j < n; j++) a->factor[i * n + j] -= part * side[j];
        }
    }
    cholesky(a->factor, n, own, tolerance, a->tail_out);
    for (int64_t i = 0; i < n; i++) out += a->tail_out[i];
    return out;
}

enum status arrow_factor(struct arrow *a, double *left)
{
    enum status status = OK;
    int64_t n = a->tails, alone = 0;
    double *own = NULL, *work = NULL, *rest = NULL;
    TRY(memory_new(&own, n, sizeof *own));
    TRY(memory_new(&work, n, sizeof *work));
    TRY(memory_new(&rest, a->heads, sizeof *rest));
    for (int64_t i = 0; i < n; i++) own[i] = a->tail_forced[i] ? 0.0 : a->tail[i * n + i];
    drop_heads(a, own, work, rest);
    for (int64_t i = 0; i < n; i++) alone += a->tail_out[i];
    if (factor_rest(a, own, TAIL_TOLERANCE) > alone) {
        drop_heads(a, own, work, rest);
        TRY(drop_together(a, rest));
        factor_rest(a, own, TAIL_TOLERANCE);
    }
    if (left != NULL) memcpy(left, rest, (size_t)a->heads * sizeof *left);
done:
    free(own);
    free(work);
    free(rest);
    return status;
}

enum status arrow_yield(struct arrow *a, int64_t first)
{
    double *own = NULL;
    enum status status = memory_new(&own, a->tails, sizeof *own);
    if (status != OK) return status;
    for (int64_t i = 0; i < a->tails; i++)
        own[i] = i < first && a->tail_out[i] ? 0.0 : a->tail[i * a->tails + i];
    factor_rest(a, own, YIELD_TOLERANCE);
    for (int64_t i = first; i < a->tails; i++) a->tail_forced[i] = a->tail_out[i];
    free(own);
    return OK;
}

void arrow_solve(const struct arrow *a, double *head, double *tail)
{
    int64_t n = a->tails;
    for (int64_t h = 0; h < a->heads; h++) {
        if (a->head_out[h]) head[h] = 0.0;
        if (head[h] == 0.0) continue;
        for (int64_t j = 0; j < n; j++) tail[j] -= a->side[h * n + j] * (head[h] / a->head[h]);
    }
    forward(a->factor, n, a->tail_out, tail);
    backward(a->factor, n, n, a->tail_out, tail);
    for (int64_t h = 0; h < a->heads; h++) {
        if (a->head_out[h]) continue;
        for (int64_t j = 0; j < n; j++) head[h] -= a->side[h * n + j] * tail[j];
        head[h] /= a->head[h];
    }
}

double arrow_square(const struct arrow *a, const double *head, const double *tail)
{
    int64_t n = a->tails;
    double sum = 0;
    for (int64_t h = 0; h < a->heads; h++) {
        double with = 0.5 * head[h] * a->head[h];
        for (int64_t j = 0; j < n; j++) with += a->side[h * n + j] * tail[j];
        sum += 2.0 * head[h] * with;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            sum += tail[i] * a->tail[(i < j ? i * n + j : j * n + i)] * tail[j];
    return sum;
}
