/* What many columns need of an inverse, in double by one rank. */
#include "algorithms/cholesky.h"

#include "mpi/memory.h"
#include "mpi/scalapack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status invert(const double *a, int64_t columns, double *inverse)
{
    int n = (int)columns, info = 0;
    memcpy(inverse, a, (size_t)(columns * columns) * sizeof *inverse);
    if (n > 0) scalapack()->dpotrf("L", &n, inverse, &n, &info);
    if (n > 0 && info == 0) scalapack()->dpotri("L", &n, inverse, &n, &info);
    if (info != 0)
        return FAIL(ERR_NUMERIC, "the normal equations have no inverse at column %d", info - 1);
    for (int64_t j = 0; j < columns; j++) /* column-major below the diagonal */
        for (int64_t i = 0; i < j; i++) inverse[j * columns + i] = inverse[i * columns + j];
    return OK;
}

enum status cholesky_inverse(const struct comm *comm, const struct cholesky *c, double **inverse)
{
    enum status status = OK;
    int64_t n = c->columns;
    *inverse = NULL;
    TRY_ALL(comm, memory_new(inverse, n * n, sizeof **inverse));
    TRY_ALL(comm, comm->rank == 0 ? invert(c->a, n, *inverse) : OK);
    comm_broadcast(comm, *inverse, n * n * (int64_t)sizeof **inverse, 0);
done:
    if (status != OK) {
        free(*inverse);
        *inverse = NULL;
    }
    return status;
}

static enum status estimate(const double *a, int64_t columns, double *norm)
{
    enum status status = OK;
    double *copy = NULL, *work = NULL, one = 1.0, reciprocal = 0.0;
    int *integers = NULL, n = (int)columns, info = 0;
    TRY(memory_new(&copy, columns * columns, sizeof *copy));
    TRY(memory_new(&work, 3 * columns, sizeof *work));
    TRY(memory_new(&integers, columns, sizeof *integers));
    memcpy(copy, a, (size_t)(columns * columns) * sizeof *copy);
    scalapack()->dpotrf("L", &n, copy, &n, &info);
    if (info == 0) scalapack()->dpocon("L", &n, copy, &n, &one, &reciprocal, work, integers, &info);
    *norm = info == 0 && reciprocal > 0.0 ? 1.0 / reciprocal : NAN;
done:
    free(copy);
    free(work);
    free(integers);
    return status;
}

enum status cholesky_inverse_estimate(const struct comm *comm, const struct cholesky *c,
                                      double *norm)
{
    enum status status = OK;
    *norm = 0.0;
    if (c->columns == 0) return OK;
    TRY_ALL(comm, comm->rank == 0 ? estimate(c->a, c->columns, norm) : OK);
    comm_broadcast(comm, norm, sizeof *norm, 0);
done:
    return status;
}
