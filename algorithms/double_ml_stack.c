/* Weights of learners from the products of their predictions. */
#include "algorithms/double_ml_stack.h"

#include "mpi/exact.h"

#include <math.h>
#include <string.h>

enum { SIZE = DOUBLE_ML_LEARNERS + 1 }; /* learners, then the target */

#define SAME 1e-9 /* learners that leave less of each other's variance are one */

struct products {
    int64_t learners;
    double rows, mean[SIZE];
    double of[SIZE][SIZE]; /* about the means */
};

/* predictions and target of a row, about their means */
static void take_row(const struct double_ml_stack *stack, const struct products *p, int64_t row,
                     double *z)
{
    for (int64_t l = 0; l < stack->learners; l++)
        z[l] = stack->predict[l * stack->blocks->rows_local + row] - p->mean[l];
    z[stack->learners] = stack->y[row] - p->mean[stack->learners];
}

static enum status sum_means(const struct comm *comm, const struct double_ml_stack *stack,
                             struct products *p)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    int64_t count = stack->learners + 1;
    double z[SIZE];
    TRY_ALL(comm, exact_init(&sums, count + 1));
    for (int64_t i = 0; i < stack->blocks->rows_local; i++) {
        if (stack->weight[i] <= 0.0) continue;
        take_row(stack, p, i, z);
        exact_add(&sums, 0, z, count);
        exact_add_one(&sums, count, 1.0);
    }
    TRY(exact_reduce(comm, &sums));
    p->rows = exact_get(&sums, count);
    for (int64_t l = 0; l < count; l++) p->mean[l] = exact_get(&sums, l) / p->rows;
done:
    exact_clear(&sums);
    return status;
}

static enum status sum_products(const struct comm *comm, const struct double_ml_stack *stack,
                                struct products *p)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    int64_t count = stack->learners + 1;
    double z[SIZE], product[SIZE];
    TRY_ALL(comm, exact_init(&sums, count * SIZE));
    for (int64_t i = 0; i < stack->blocks->rows_local; i++) {
        if (stack->weight[i] <= 0.0) continue;
        take_row(stack, p, i, z);
        for (int64_t k = 0; k < count; k++) {
            for (int64_t l = 0; l < count; l++) product[l] = z[k] * z[l];
            exact_add(&sums, k * SIZE, product, count);
        }
    }
    TRY(exact_reduce(comm, &sums));
    for (int64_t k = 0; k < count; k++) exact_get_all(&sums, k * SIZE, p->of[k], count);
done:
    exact_clear(&sums);
    return status;
}

/* Solve by elimination for the learners of a set; false if two of them are one. */
static bool solve(const struct products *p, int64_t count, const int64_t *at, double *w)
{
    double a[SIZE][SIZE];
    for (int64_t k = 0; k < count; k++) {
        for (int64_t l = 0; l < count; l++) a[k][l] = p->of[at[k]][at[l]];
        a[k][count] = p->of[at[k]][p->learners];
    }
    for (int64_t k = 0; k < count; k++) {
        if (!(a[k][k] > SAME * p->of[at[k]][at[k]])) return false;
        for (int64_t i = k + 1; i < count; i++) {
            double factor = a[i][k] / a[k][k];
            for (int64_t l = k; l <= count; l++) a[i][l] -= factor * a[k][l];
        }
    }
    for (int64_t k = count - 1; k >= 0; k--) {
        w[k] = a[k][count];
        for (int64_t l = k + 1; l < count; l++) w[k] -= a[k][l] * w[l];
        w[k] /= a[k][k];
    }
    return true;
}

/* The best set of learners with positive weights; all weights 0 if none helps. */
static void choose(const struct products *p, double *weight)
{
    double best = 0;
    for (unsigned set = 1; set < 1u << p->learners; set++) {
        int64_t at[DOUBLE_ML_LEARNERS], count = 0;
        double w[DOUBLE_ML_LEARNERS], gain = 0;
        bool allowed = true;
        for (int64_t l = 0; l < p->learners; l++)
            if ((set >> l & 1u) != 0) at[count++] = l;
        if (!solve(p, count, at, w)) continue;
        for (int64_t k = 0; k < count; k++) {
            allowed = allowed && w[k] > 0.0;
            gain += w[k] * p->of[at[k]][p->learners];
        }
        if (!allowed || gain <= best) continue;
        best = gain;
        memset(weight, 0, DOUBLE_ML_LEARNERS * sizeof *weight);
        for (int64_t k = 0; k < count; k++) weight[at[k]] = w[k];
    }
}

enum status double_ml_stack(const struct comm *comm, const struct double_ml_stack *stack,
                            double *rest, struct double_ml_nuisance *nuisance)
{
    enum status status = OK;
    struct products p = {.learners = stack->learners};
    struct exact_sums square = {0};
    double z[SIZE];
    memset(nuisance, 0, sizeof *nuisance);
    TRY(sum_means(comm, stack, &p));
    TRY(sum_products(comm, stack, &p));
    choose(&p, nuisance->weight);
    TRY_ALL(comm, exact_init(&square, 1));
    for (int64_t i = 0; i < stack->blocks->rows_local; i++) {
        rest[i] = 0;
        if (stack->weight[i] <= 0.0) continue;
        take_row(stack, &p, i, z);
        rest[i] = z[p.learners];
        for (int64_t l = 0; l < p.learners; l++) rest[i] -= nuisance->weight[l] * z[l];
        exact_add_one(&square, 0, rest[i] * rest[i]);
    }
    TRY(exact_reduce(comm, &square));
    nuisance->r_squared = 1 - exact_get(&square, 0) / p.of[p.learners][p.learners];
done:
    exact_clear(&square);
    return status;
}
