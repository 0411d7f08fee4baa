/**
 * What a regression needs of each of many units (stores, users, products): counts, means and
 * centred sums of products, brought together from rows that lie anywhere.
 *
 * Each rank sums its rows block by block and unit by unit; these partial moments travel to the rank
 * that gets the unit, where they are merged in the order of the blocks. So no row travels, no rank
 * holds all units, and the result does not depend on the number of ranks. Units come in the order
 * of their keys, each rank a stretch of it.
 */
#ifndef REMISE_ALGORITHMS_UNIT_STATISTICS_H
#define REMISE_ALGORITHMS_UNIT_STATISTICS_H

#include "algorithms/moments.h"
#include "partition/blocks.h"

enum { UNIT_COLUMNS_MAX = 64 };

/* Borrowed. */
struct unit_rows {
    const struct blocks *blocks;
    int64_t columns;      /* of x, at most UNIT_COLUMNS_MAX */
    const double *x;      /* [rows_local][columns] finite */
    const double *y;      /* [rows_local] finite */
    const double *weight; /* [rows_local] > 0; NULL: all 1 */
    const uint64_t *key;  /* [rows_local] of the row's unit */
    const bool *use;      /* [rows_local] rows that count; NULL: all */
    const int32_t *group; /* [rows_local] >= 0, of the row's unit; NULL: none */
    int64_t first_rows;   /* > 0: a unit's first so many rows make part 0, its others part 1 */
    const char *folder;   /* for partial moments that exceed 1 GiB a rank */
};

struct unit_statistics {
    int64_t units;       /* of this rank; may be 0 */
    int64_t units_total; /* over all ranks */
    int64_t columns;
    int64_t parts;  /* 2 with first_rows, else 1 */
    uint64_t *key;  /* [units] rising, and from rank to rank */
    int32_t *group; /* [units][2] the lowest and the highest of its rows: the same if it has one */
    int64_t *rows;  /* [units][parts] */
    double *moment; /* [units][parts][moments_width(columns + 1)] of x and, last, y */
};

/** Moments of a part of a unit. Local. */
static inline const double *unit_moments(const struct unit_statistics *s, int64_t unit,
                                         int64_t part)
{
    return s->moment + (unit * s->parts + part) * moments_width(s->columns + 1);
}

/**
 * Sum up the rows of each unit.
 *
 * Collective.
 * statistics  out  free with unit_statistics_clear
 * Cost: rows columns^2 flops; one sort of the partial moments, 8 (moments_width + 1) parts + 24
 *       bytes for each unit of each block; with first_rows two exchanges of 24 bytes for each of
 *       them before.
 * Memory: 48 bytes a row until the partial moments are on their way, then these.
 * Same bits for any number of ranks, and the units in the same order.
 * Errors: ERR_ARG columns; ERR_MEMORY, ERR_WRITE, ERR_IO.
 */
enum status unit_statistics_make(const struct comm *comm, const struct unit_rows *rows,
                                 struct unit_statistics *statistics);
/** Free; accepts a zeroed struct. Local. */
void unit_statistics_clear(struct unit_statistics *statistics);

#endif
