/* Stacked triangles: dependent columns, a start by PDGELS, refinement. */
#include "algorithms/lsq_narrow.h"

#include "algorithms/lsq_refine.h"
#include "algorithms/triangles.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Binary digits of a refined solution: residuals have 104, of which the condition takes its square;
 * a few are left to spare. */
enum { DIGITS_MOST = 60, DIGITS_LEAST = 24, DIGITS_RESIDUAL = 96 };

/* to = columns of the stack; work space of triangles_factor */
struct narrow {
    const struct triangles *stack; /* not owned */
    double *to, *work;
};

static enum status narrow_init(const struct triangles *stack, struct narrow *n)
{
    enum status status = OK;
    *n = (struct narrow){.stack = stack};
    TRY(memory_new(&n->to, stack->rows * stack->columns, sizeof *n->to));
    TRY(memory_new(&n->work, 65 * stack->columns, sizeof *n->work));
done:
    return status;
}

static void narrow_clear(struct narrow *n)
{
    free(n->to);
    free(n->work);
}

static void take_columns(const struct narrow *n, const int64_t *column, int64_t count)
{
    size_t bytes = (size_t)n->stack->rows * sizeof *n->to;
    for (int64_t j = 0; j < count; j++)
        memcpy(n->to + j * n->stack->rows, n->stack->a + column[j] * n->stack->rows, bytes);
}

static double square_of(const double *x, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) sum += x[i] * x[i];
    return sum;
}

/* First column in turn that those before it explain; count if there is none. A column is compared
 * with its own norm. */
static int64_t first_dependent(struct narrow *n, const int64_t *column, int64_t count,
                               double tolerance)
{
    int64_t rows = n->stack->rows;
    take_columns(n, column, count);
    if (count > 0) triangles_factor(n->to, rows, count, n->work);
    for (int64_t j = 0; j < count; j++) {
        double pivot = n->to[j * rows + j], whole = square_of(n->to + j * rows, j + 1);
        if (!(pivot * pivot > tolerance * whole)) return j;
    }
    return count;
}

/* Leave out dependent columns one by one: with the first gone, the others' figures are right. */
static void find_dropped(struct narrow *n, const int64_t *order, double tolerance, bool *dropped)
{
    int64_t column[TRIANGLES_COLUMNS_MAX], count = n->stack->columns - 1;
    for (int64_t j = 0; j < count; j++) column[j] = order != NULL ? order[j] : j;
    for (int64_t at = 0; (at = first_dependent(n, column, count, tolerance)) < count; count--) {
        dropped[column[at]] = true;
        memmove(column + at, column + at + 1, (size_t)(count - at - 1) * sizeof *column);
    }
}

/* R of the kept columns, and the digits that it leaves a solution. */
static void take_triangle(struct narrow *n, struct lsq_system *s)
{
    int64_t rows = n->stack->rows, kept = s->kept;
    double least = 1.0;
    take_columns(n, s->parameter, kept);
    if (kept > 0) triangles_factor(n->to, rows, kept, n->work);
    for (int64_t j = 0; j < kept; j++) {
        const double *column = n->to + j * rows;
        for (int64_t i = 0; i <= j; i++) s->triangle[j * kept + i] = column[i];
        least = fmin(least, fabs(column[j]) / sqrt(square_of(column, j + 1)));
    }
    s->digits = DIGITS_RESIDUAL + (int)floor(2.0 * log2(least));
    s->digits = s->digits > DIGITS_MOST ? DIGITS_MOST : s->digits;
    s->digits = s->digits < DIGITS_LEAST ? DIGITS_LEAST : s->digits;
}

/* Largest column sum of R'R. */
static double square_norm(const double *r, int64_t n)
{
    double largest = 0.0;
    for (int64_t j = 0; j < n; j++) {
        double sum = 0.0;
        for (int64_t k = 0; k < n; k++) {
            double product = 0.0;
            for (int64_t i = 0; i <= j && i <= k; i++) product += r[j * n + i] * r[k * n + i];
            sum += fabs(product);
        }
        largest = fmax(largest, sum);
    }
    return largest;
}

/* x = the solution over the stack, by PDGELS. */
static enum status start(const struct comm *comm, const struct triangles *stack,
                         const struct lsq_system *s, double *x)
{
    enum status status = OK;
    struct grid_factor f = {0};
    double *y = NULL;
    const double *stack_y = stack->a + (stack->columns - 1) * stack->rows;
    TRY(grid_factor_open(comm, stack->rows, s->kept, &f));
    TRY_ALL(comm, memory_new(&y, f.rows_share, sizeof *y));
    for (int i = 0; i < f.rows_share; i++) {
        int row = grid_global(i, GRID_BLOCK, f.grid.row, f.grid.rows);
        y[i] = stack_y[row];
        for (int j = 0; j < f.columns_share; j++) {
            int column = grid_global(j, GRID_BLOCK, f.grid.column, f.grid.columns);
            f.a[(int64_t)j * f.rows_share + i] = stack->a[s->parameter[column] * stack->rows + row];
        }
    }
    TRY(grid_factor_least_squares(comm, &f, y, x));
done:
    free(y);
    grid_factor_clear(&f);
    return status;
}

/* Rank 0 decides and factors, so that all have the same triangle. */
static enum status factor(const struct comm *comm, const struct triangles *stack,
                          const int64_t *order, double tolerance, bool *dropped,
                          const struct design *design, const struct scaling *scaling,
                          struct lsq_system *s)
{
    enum status status = OK;
    struct narrow n = {0};
    memset(dropped, 0, (size_t)(stack->columns - 1) * sizeof *dropped);
    TRY_ALL(comm, narrow_init(stack, &n));
    if (comm->rank == 0) find_dropped(&n, order, tolerance, dropped);
    comm_broadcast(comm, dropped, (stack->columns - 1) * (int64_t)sizeof *dropped, 0);
    TRY_ALL(comm, lsq_system_init(design, scaling, NULL, dropped, s));
    s->solver = LSQ_TRIANGLE;
    TRY_ALL(comm, memory_new(&s->triangle, s->kept * s->kept, sizeof *s->triangle));
    if (comm->rank == 0) take_triangle(&n, s);
    comm_broadcast(comm, s->triangle, s->kept * s->kept * (int64_t)sizeof *s->triangle, 0);
    comm_broadcast(comm, &s->digits, sizeof s->digits, 0);
    s->norm = square_norm(s->triangle, s->kept);
done:
    narrow_clear(&n);
    return status;
}

enum status lsq_narrow_solve(const struct comm *comm, const struct design *design,
                             const struct scaling *scaling, const int64_t *order, double tolerance,
                             bool *dropped, struct lsq_system *s)
{
    enum status status = OK;
    struct triangles stack = {0};
    TRY(triangles_make(comm, design, scaling, &stack));
    TRY(factor(comm, &stack, order, tolerance, dropped, design, scaling, s));
    TRY(start(comm, &stack, s, s->x));
    TRY(lsq_refine(comm, s, NULL, 1, s->x, s->digits, s->x));
done:
    triangles_clear(&stack);
    return status;
}
