/* How effects are absorbed. */
#include "algorithms/absorb.h"

#include "mpi/memory.h"

#include <stdlib.h>

enum { SPARSE_MANY = 256, PIECES_MAX = 8192 };

static int64_t count_levels(const struct design *design)
{
    int64_t levels = 0;
    for (int64_t e = 0; e < design->effects; e++) levels += design->effect[e].levels;
    return levels;
}

static enum status check_effects(const struct design *design)
{
    if (design->group != NULL)
        return FAIL(ERR_ARG, "groups and other absorbed effects do not go together");
    for (int64_t e = 0; e < design->effects; e++)
        for (int64_t i = 0; i < design->blocks->rows_local; i++)
            if (design->effect[e].level[i] < 0 ||
                design->effect[e].level[i] >= design->effect[e].levels)
                return FAIL(ERR_ARG, "level %d of absorbed effect %lld is outside 0 .. %lld",
                            design->effect[e].level[i], (long long)e,
                            (long long)design->effect[e].levels - 1);
    return OK;
}

/* Projected, sparse columns become dense: where they are many, normal equations in pieces take less
 * of memory and time. */
static bool as_few_columns(const struct design *design, const struct absorb_options *options)
{
    int64_t columns = design_parameters(design) + count_levels(design);
    return columns <= options->columns_max ||
           (design->sparse >= SPARSE_MANY && columns <= PIECES_MAX);
}

/* ---- as sparse columns ---- */

static void add_row(const struct design *design, int64_t row, struct absorbed *plain)
{
    int64_t end = plain->row_start[row], first = design->sparse;
    for (int64_t e = design->sparse > 0 ? design->row_start[row] : 0;
         design->sparse > 0 && e < design->row_start[row + 1]; e++) {
        plain->column[end] = design->column[e];
        plain->value[end++] = design->value != NULL ? design->value[e] : 1.0;
    }
    for (int64_t e = 0; e < design->effects; e++) {
        plain->column[end] = (int32_t)(first + design->effect[e].level[row]);
        plain->value[end++] = 1.0;
        first += design->effect[e].levels;
    }
    plain->row_start[row + 1] = end;
}

static enum status as_columns(const struct design *design, struct absorbed *plain)
{
    enum status status = OK;
    int64_t rows = design->blocks->rows_local, levels = count_levels(design);
    int64_t entries = design->sparse > 0 ? design->row_start[rows] : 0;
    entries += rows * design->effects;
    TRY(memory_new(&plain->row_start, rows + 1, sizeof *plain->row_start));
    TRY(memory_new(&plain->column, entries, sizeof *plain->column));
    TRY(memory_new(&plain->value, entries, sizeof *plain->value));
    for (int64_t i = 0; i < rows; i++) add_row(design, i, plain);
    plain->way = ABSORB_COLUMNS;
    plain->design.sparse += levels;
    plain->design.last_first += levels;
    plain->design.row_start = plain->row_start;
    plain->design.column = plain->column;
    plain->design.value = plain->value;
done:
    return status;
}

/* ---- public ---- */

void absorbed_clear(struct absorbed *plain)
{
    free(plain->row_start);
    free(plain->column);
    free(plain->value);
    free(plain->x);
    free(plain->y);
    *plain = (struct absorbed){0};
}

enum status absorb_make(const struct comm *comm, const struct design *design,
                        const struct absorb_options *options, struct absorbed *plain)
{
    enum status status = OK;
    *plain = (struct absorbed){.design = *design, .converged = true};
    plain->design.effects = 0;
    if (design->effects == 0) return OK;
    TRY_ALL(comm, check_effects(design));
    if (as_few_columns(design, options))
        TRY_ALL(comm, as_columns(design, plain));
    else
        TRY(absorb_project(comm, design, options, plain));
done:
    if (status != OK) absorbed_clear(plain);
    return status;
}
