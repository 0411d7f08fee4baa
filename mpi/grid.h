/**
 * A ScaLAPACK process grid over the ranks of a comm, and the block-cyclic share of a matrix on it.
 *
 * The grid is the largest near-square one that fits; ranks left over are outside (inside == false)
 * and skip the ScaLAPACK calls but not the collectives around them. Results on another grid differ
 * in the last bits: whoever uses it refines and rounds before anything is decided.
 */
#ifndef REMISE_MPI_GRID_H
#define REMISE_MPI_GRID_H

#include "mpi/comm.h"

struct grid {
    int context; /* BLACS context; -1 outside */
    int rows, columns;
    int row, column;
    bool inside;
};

/**
 * Lay a grid over the ranks of comm. Collective. End with grid_close.
 * Errors: ERR_LAUNCH BLACS refuses.
 */
enum status grid_open(const struct comm *comm, struct grid *grid);
/** The same with all ranks one below the other, for tall matrices. Collective. */
enum status grid_open_tall(const struct comm *comm, struct grid *grid);
/** Collective over the grid; harmless outside. */
void grid_close(struct grid *grid);

/**
 * Rows (or columns) of `total` in blocks of `block` that position `at` of `positions` owns
 * (NUMROC). Local.
 */
int grid_share(int total, int block, int at, int positions);

/** Global index of local index `local` for position `at` of `positions`, 0-based. Local. */
int grid_global(int local, int block, int at, int positions);

#endif
