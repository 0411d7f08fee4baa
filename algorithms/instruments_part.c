/* Columns of a design by role, and the designs of the stages. */
#include "algorithms/instruments_part.h"

#include "mpi/memory.h"

#include <stdlib.h>

static int64_t dense_parameter(const struct design *design, int64_t column)
{
    return column + (design->intercept ? 1 : 0);
}

static int64_t sparse_parameter(const struct design *design, int64_t column)
{
    return dense_parameter(design, design->dense) + column;
}

static enum instruments_role dense_role(const struct instruments_split *s, int64_t column)
{
    return s->role[dense_parameter(s->design, column)];
}

static enum instruments_role sparse_role(const struct instruments_split *s, int64_t column)
{
    return s->role[sparse_parameter(s->design, column)];
}

static int64_t rows_of(const struct instruments_split *s)
{
    return s->design->blocks->rows_local;
}

/* ---- the split ---- */

/* The dense columns of a row that are endogenous, then the sparse ones. */
static void copy_endogenous(struct instruments_split *s, int64_t row)
{
    const struct design *design = s->design;
    double *to = s->actual + row * s->endogenous, *sparse = to + s->dense[ROLE_ENDOGENOUS];
    for (int64_t j = 0; j < design->dense; j++)
        if (dense_role(s, j) == ROLE_ENDOGENOUS) *to++ = design->x[row * design->dense + j];
    for (int64_t e = design->sparse > 0 ? design->row_start[row] : 0;
         design->sparse > 0 && e < design->row_start[row + 1]; e++)
        if (sparse_role(s, design->column[e]) == ROLE_ENDOGENOUS)
            sparse[s->place[design->column[e]]] = design->value != NULL ? design->value[e] : 1.0;
}

static void count_roles(struct instruments_split *s)
{
    for (int64_t j = 0; j < s->design->dense; j++) s->dense[dense_role(s, j)]++;
    for (int64_t j = 0; j < s->design->sparse; j++) s->place[j] = s->sparse[sparse_role(s, j)]++;
    s->endogenous = s->dense[ROLE_ENDOGENOUS] + s->sparse[ROLE_ENDOGENOUS];
}

static void list_endogenous(struct instruments_split *s)
{
    int64_t count = 0, first = s->design->intercept ? 1 : 0;
    for (int64_t j = first; j < design_parameters(s->design); j++)
        if (s->role[j] == ROLE_ENDOGENOUS) s->parameter[count++] = j;
}

enum status instruments_split_make(const struct design *design, const enum instruments_role *role,
                                   struct instruments_split *s)
{
    enum status status = OK;
    *s = (struct instruments_split){.design = design, .role = role};
    TRY(memory_new(&s->place, design->sparse, sizeof *s->place));
    count_roles(s);
    TRY(memory_new(&s->parameter, s->endogenous, sizeof *s->parameter));
    list_endogenous(s);
    TRY(memory_new(&s->actual, 3 * rows_of(s) * s->endogenous, sizeof *s->actual));
    s->fitted = s->actual + rows_of(s) * s->endogenous;
    s->left = s->fitted + rows_of(s) * s->endogenous;
    for (int64_t i = 0; i < rows_of(s); i++) copy_endogenous(s, i);
done:
    return status;
}

void instruments_split_clear(struct instruments_split *s)
{
    free(s->place);
    free(s->parameter);
    free(s->actual);
    *s = (struct instruments_split){0};
}

/* ---- a stage ---- */

/* The dense columns of one role in a row; returns behind them. */
static double *copy_role(const struct instruments_split *s, enum instruments_role role, int64_t row,
                         double *to)
{
    for (int64_t j = 0; j < s->design->dense; j++)
        if (dense_role(s, j) == role) *to++ = s->design->x[row * s->design->dense + j];
    return to;
}

static void copy_dense(const struct instruments_split *s, bool fitted, bool instruments,
                       int64_t row, double *to)
{
    to = copy_role(s, ROLE_EXOGENOUS, row, to);
    for (int64_t k = 0; k < s->endogenous && fitted; k++)
        *to++ = s->fitted[row * s->endogenous + k];
    if (instruments) copy_role(s, ROLE_INSTRUMENT, row, to);
}

/* A sparse column's number in the stage, -1 if it is not there. */
static int64_t stage_column(const struct instruments_split *s, bool instruments, int64_t column)
{
    switch (sparse_role(s, column)) {
    case ROLE_EXOGENOUS:
        return s->place[column];
    case ROLE_INSTRUMENT:
        return instruments ? s->sparse[ROLE_EXOGENOUS] + s->place[column] : -1;
    default:
        return -1;
    }
}

static int64_t copy_sparse(const struct instruments_split *s, bool instruments, int64_t row,
                           int64_t end, struct instruments_part *part)
{
    const struct design *design = s->design;
    for (int64_t e = design->row_start[row]; e < design->row_start[row + 1]; e++) {
        int64_t column = stage_column(s, instruments, design->column[e]);
        if (column < 0) continue;
        part->column[end] = (int32_t)column;
        part->value[end++] = design->value != NULL ? design->value[e] : 1.0;
    }
    return end;
}

static void list_origins(const struct instruments_split *s, bool fitted, bool instruments,
                         struct instruments_part *part)
{
    const struct design *design = s->design;
    int64_t *to = part->origin;
    if (design->intercept) *to++ = 0;
    for (int64_t j = 0; j < design->dense; j++)
        if (dense_role(s, j) == ROLE_EXOGENOUS) *to++ = dense_parameter(design, j);
    for (int64_t k = 0; k < s->endogenous && fitted; k++) *to++ = s->parameter[k];
    for (int64_t j = 0; j < design->dense && instruments; j++)
        if (dense_role(s, j) == ROLE_INSTRUMENT) *to++ = dense_parameter(design, j);
    for (int64_t j = 0; j < design->sparse; j++) {
        int64_t column = stage_column(s, instruments, j);
        if (column >= 0) to[column] = sparse_parameter(design, j);
    }
}

/* Exogenous columns, fitted values, instruments. */
static void set_order(const struct instruments_split *s, struct instruments_part *part)
{
    static const enum instruments_role roles[] = {ROLE_EXOGENOUS, ROLE_ENDOGENOUS, ROLE_INSTRUMENT};
    int64_t count = 0;
    for (int r = 0; r < 3; r++)
        for (int64_t j = 0; j < design_parameters(&part->design); j++)
            if ((part->design.intercept && j == 0 ? ROLE_EXOGENOUS : s->role[part->origin[j]]) ==
                roles[r])
                part->order[count++] = j;
}

static enum status part_new(const struct instruments_split *s, struct instruments_part *part)
{
    enum status status = OK;
    const struct design *design = s->design;
    int64_t rows = rows_of(s), entries = design->sparse > 0 ? design->row_start[rows] : 0;
    TRY(memory_new(&part->x, rows * part->design.dense, sizeof *part->x));
    TRY(memory_new(&part->row_start, rows + 1, sizeof *part->row_start));
    TRY(memory_new(&part->column, entries, sizeof *part->column));
    TRY(memory_new(&part->value, entries, sizeof *part->value));
    TRY(memory_new(&part->origin, design_parameters(&part->design), sizeof *part->origin));
    TRY(memory_new(&part->order, design_parameters(&part->design), sizeof *part->order));
done:
    return status;
}

enum status instruments_part_make(const struct instruments_split *s, bool fitted, bool instruments,
                                  const double *y, struct instruments_part *part)
{
    enum status status = OK;
    struct design *to = &part->design;
    *part = (struct instruments_part){.design = *s->design};
    to->dense = s->dense[ROLE_EXOGENOUS] + (fitted ? s->endogenous : 0) +
                (instruments ? s->dense[ROLE_INSTRUMENT] : 0);
    to->sparse = s->sparse[ROLE_EXOGENOUS] + (instruments ? s->sparse[ROLE_INSTRUMENT] : 0);
    to->y = y;
    TRY(part_new(s, part));
    for (int64_t i = 0; i < rows_of(s); i++) {
        copy_dense(s, fitted, instruments, i, part->x + i * to->dense);
        part->row_start[i + 1] = part->row_start[i];
        if (s->design->sparse > 0)
            part->row_start[i + 1] = copy_sparse(s, instruments, i, part->row_start[i], part);
    }
    list_origins(s, fitted, instruments, part);
    set_order(s, part);
    to->order = part->order;
    to->x = part->x;
    to->row_start = part->row_start;
    to->column = part->column;
    to->value = part->value;
done:
    return status;
}

void instruments_part_clear(struct instruments_part *part)
{
    free(part->x);
    free(part->row_start);
    free(part->column);
    free(part->value);
    free(part->origin);
    free(part->order);
    *part = (struct instruments_part){0};
}
