/* BLACS grids. */
#include "mpi/grid.h"

#include "mpi/scalapack.h"

static void shape(int ranks, int *rows, int *columns)
{
    int side = 1;
    while ((side + 1) * (side + 1) <= ranks) side++;
    *rows = side;
    *columns = ranks / side;
}

static enum status open_shape(const struct comm *comm, int rows, int columns, struct grid *grid)
{
    int handle = scalapack()->blacs_handle(comm->handle);
    enum status status = OK;
    *grid = (struct grid){.context = handle, .rows = rows, .columns = columns};
    bool expected = comm->rank < grid->rows * grid->columns;
    scalapack()->blacs_gridinit(&grid->context, "Row", grid->rows, grid->columns);
    scalapack()->blacs_free_handle(handle);
    grid->row = grid->column = -1;
    if (grid->context >= 0)
        scalapack()->blacs_gridinfo(grid->context, &grid->rows, &grid->columns, &grid->row,
                                    &grid->column);
    grid->inside = grid->row >= 0 && grid->column >= 0;
    if (grid->inside != expected)
        status =
            FAIL(ERR_LAUNCH, "BLACS gave no process grid; check the ScaLAPACK of this Open MPI");
    status = comm_agree(comm, status);
    if (status != OK) grid_close(grid);
    return status;
}

enum status grid_open(const struct comm *comm, struct grid *grid)
{
    int rows = 0, columns = 0;
    shape(comm->ranks, &rows, &columns);
    return open_shape(comm, rows, columns, grid);
}

enum status grid_open_tall(const struct comm *comm, struct grid *grid)
{
    return open_shape(comm, comm->ranks, 1, grid);
}

void grid_close(struct grid *grid)
{
    if (grid->inside) scalapack()->blacs_gridexit(grid->context);
    *grid = (struct grid){.context = -1};
}

int grid_share(int total, int block, int at, int positions)
{
    int blocks = total / block;
    int share = blocks / positions * block, extra = blocks % positions;
    if (at < extra) return share + block;
    return at == extra ? share + total % block : share;
}

int grid_global(int local, int block, int at, int positions)
{
    return (local / block * positions + at) * block + local % block;
}
