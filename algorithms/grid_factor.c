/* Factors on the process grid. */
#include "algorithms/grid_factor.h"

#include "mpi/memory.h"
#include "mpi/scalapack.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const int one = 1;

static void describe(const struct grid *grid, int64_t rows, int64_t columns, int share,
                     int descriptor[9])
{
    int m = (int)rows, n = (int)columns, block = GRID_BLOCK, zero = 0, info = 0;
    int leading = share > 0 ? share : 1;
    if (grid->inside)
        scalapack()->descinit(descriptor, &m, &n, &block, &block, &zero, &zero, &grid->context,
                              &leading, &info);
}

enum status grid_factor_open(const struct comm *comm, int64_t rows, int64_t columns,
                             struct grid_factor *f)
{
    enum status status = OK;
    *f = (struct grid_factor){.rows = rows, .columns = columns};
    if (rows > INT_MAX - GRID_BLOCK)
        return FAIL(ERR_ARG, "%lld rows are more than a dense wide design may have",
                    (long long)rows);
    TRY(grid_open(comm, &f->grid));
    if (f->grid.inside) {
        f->rows_share = grid_share((int)rows, GRID_BLOCK, f->grid.row, f->grid.rows);
        f->columns_share = grid_share((int)columns, GRID_BLOCK, f->grid.column, f->grid.columns);
        f->side_share = grid_share((int)columns, GRID_BLOCK, f->grid.row, f->grid.rows);
    }
    TRY_ALL(comm, memory_new(&f->a, (int64_t)f->rows_share * f->columns_share, sizeof *f->a));
    describe(&f->grid, rows, columns, f->rows_share, f->descriptor);
done:
    if (status != OK) grid_factor_clear(f);
    return status;
}

void grid_factor_clear(struct grid_factor *f)
{
    free(f->a);
    grid_close(&f->grid);
    *f = (struct grid_factor){0};
}

int grid_factor_holder(const struct grid_factor *f, int64_t row, int64_t column)
{
    int64_t grid_row = row / GRID_BLOCK % f->grid.rows;
    return (int)(grid_row * f->grid.columns + column / GRID_BLOCK % f->grid.columns);
}

/* Place of an index on the rank that holds it. */
static int64_t place_of(int64_t index, int64_t positions)
{
    return index / GRID_BLOCK / positions * GRID_BLOCK + index % GRID_BLOCK;
}

double *grid_factor_at(const struct grid_factor *f, int64_t row, int64_t column)
{
    return f->a + place_of(column, f->grid.columns) * f->rows_share + place_of(row, f->grid.rows);
}

void grid_factor_diagonal(const struct comm *comm, const struct grid_factor *f, double *diagonal)
{
    memset(diagonal, 0, (size_t)f->columns * sizeof *diagonal);
    for (int64_t j = 0; j < f->columns; j++)
        if (f->grid.inside && grid_factor_holder(f, j, j) == comm->rank)
            diagonal[j] = *grid_factor_at(f, j, j);
    comm_sum_int64(comm, (int64_t *)(void *)diagonal, f->columns); /* of bits: each has one owner */
}

void grid_factor_cholesky(const struct comm *comm, struct grid_factor *f, int64_t *failed)
{
    int n = (int)f->columns, info = 0;
    if (f->grid.inside && n > 0)
        scalapack()->pdpotrf("L", &n, f->a, &one, &one, f->descriptor, &info);
    *failed = info - 1;
    comm_max_int64(comm, failed, 1);
}

/* ---- right-hand sides: they lie on the first column of the grid ---- */

static void join_side(const struct comm *comm, const struct grid_factor *f, const double *local,
                      double *x)
{
    memset(x, 0, (size_t)f->columns * sizeof *x);
    for (int i = 0; i < f->side_share && f->grid.column == 0; i++)
        x[grid_global(i, GRID_BLOCK, f->grid.row, f->grid.rows)] = local[i];
    comm_sum_int64(comm, (int64_t *)(void *)x, f->columns);
}

static enum status run_least_squares(struct grid_factor *f, double *y)
{
    enum status status = OK;
    int m = (int)f->rows, n = (int)f->columns, descriptor[9] = {0}, size = -1, info = 0;
    double *work = NULL, wanted = 0.0;
    if (!f->grid.inside || n == 0) return OK;
    describe(&f->grid, f->rows, 1, f->rows_share, descriptor);
    scalapack()->pdgels("N", &m, &n, &one, f->a, &one, &one, f->descriptor, y, &one, &one,
                        descriptor, &wanted, &size, &info);
    size = (int)wanted;
    TRY(memory_new(&work, size, sizeof *work));
    scalapack()->pdgels("N", &m, &n, &one, f->a, &one, &one, f->descriptor, y, &one, &one,
                        descriptor, work, &size, &info);
done:
    free(work);
    return status;
}

enum status grid_factor_least_squares(const struct comm *comm, struct grid_factor *f, double *y,
                                      double *x)
{
    enum status status = OK;
    f->upper = true;
    TRY_ALL(comm, run_least_squares(f, y));
    join_side(comm, f, y, x);
done:
    return status;
}

enum status grid_factor_step(const struct comm *comm, const struct grid_factor *f, const double *b,
                             double *x)
{
    enum status status = OK;
    int n = (int)f->columns, descriptor[9] = {0}, info = 0;
    double *local = NULL;
    TRY_ALL(comm, memory_new(&local, f->side_share, sizeof *local));
    for (int i = 0; i < f->side_share; i++)
        local[i] = b[grid_global(i, GRID_BLOCK, f->grid.row, f->grid.rows)];
    describe(&f->grid, f->columns, 1, f->side_share, descriptor);
    if (f->grid.inside && n > 0)
        scalapack()->pdpotrs(f->upper ? "U" : "L", &n, &one, f->a, &one, &one, f->descriptor, local,
                             &one, &one, descriptor, &info);
    join_side(comm, f, local, x);
done:
    free(local);
    return status;
}
