/* Normal equations in pieces. */
#include "algorithms/lsq_sparse.h"

#include "algorithms/gram.h"
#include "algorithms/lsq_refine.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_PAIRS ((int64_t)1 << 21)
#define RIDGE 1e-15 /* of each diagonal element: dependent columns factor, too, to small pivots */

enum { DIGITS = 44 }; /* binary ones of coefficients: the factor's digits are not known alike */

/* A product of two sparse columns in a row. */
struct pair {
    int32_t row, column; /* of the matrix, row >= column */
    double value;
};

struct builder {
    struct lsq_system *s;   /* not owned */
    struct exact_sums sums; /* [columns_share][rows_share] elements of this rank */
    int64_t *counts, *next; /* [ranks] */
    struct pair *send;
    int64_t send_room;
};

/* ---- pairs of sparse columns ---- */

static double entry_of(const struct lsq_system *s, int64_t entry)
{
    const struct design *design = s->design;
    double value = design->value != NULL ? design->value[entry] : 1.0;
    return value * s->scaling->sparse_scale[design->column[entry]];
}

static int64_t place_of(const struct lsq_system *s, int64_t entry)
{
    int64_t first = design_parameters(s->design) - s->design->sparse;
    return s->place[first + s->design->column[entry]];
}

/* Pairs of a row: counted by the rank that gets them, or written where send is not NULL. */
static void take_pairs(struct builder *b, int64_t row, bool write)
{
    const struct lsq_system *s = b->s;
    const struct design *design = s->design;
    double weight = design->weight != NULL ? design->weight[row] * s->scaling->weight_scale : 1.0;
    if (!(weight > 0.0)) return;
    for (int64_t e = design->row_start[row]; e < design->row_start[row + 1]; e++)
        for (int64_t f = e; f < design->row_start[row + 1]; f++) {
            int64_t i = place_of(s, e), j = place_of(s, f);
            if (i < 0 || j < 0) continue;
            int64_t high = i > j ? i : j, low = i > j ? j : i;
            int holder = grid_factor_holder(&s->grid, high, low);
            b->counts[holder]++;
            if (write)
                b->send[b->next[holder]++] = (struct pair){
                    (int32_t)high, (int32_t)low, weight * entry_of(s, e) * entry_of(s, f)};
        }
}

static enum status count_batch(const struct comm *comm, struct builder *b, int64_t from, int64_t to)
{
    int64_t all = 0;
    memset(b->counts, 0, (size_t)comm->ranks * sizeof *b->counts);
    for (int64_t i = from; i < to; i++) take_pairs(b, i, false);
    for (int r = 0; r < comm->ranks; r++) {
        b->next[r] = all;
        all += b->counts[r];
    }
    if (all <= b->send_room) return OK;
    free(b->send);
    b->send = NULL;
    b->send_room = 0;
    enum status status = memory_new(&b->send, all, sizeof *b->send);
    if (status == OK) b->send_room = all;
    return status;
}

static enum status send_batch(const struct comm *comm, struct builder *b, int64_t from, int64_t to)
{
    enum status status = OK;
    void *received = NULL;
    int64_t count = 0;
    const struct grid_factor *f = &b->s->grid;
    TRY_ALL(comm, count_batch(comm, b, from, to));
    memset(b->counts, 0, (size_t)comm->ranks * sizeof *b->counts);
    for (int64_t i = from; i < to; i++) take_pairs(b, i, true);
    TRY(comm_exchange(comm, b->send, b->counts, sizeof *b->send, &received, &count));
    for (int64_t i = 0; i < count; i++) {
        const struct pair *pair = (const struct pair *)received + i;
        exact_add_one(&b->sums, grid_factor_at(f, pair->row, pair->column) - f->a, pair->value);
    }
done:
    free(received);
    return status;
}

/* First row after `from` with which a batch is full. */
static int64_t batch_end(const struct design *design, int64_t from)
{
    int64_t pairs = 0, row = from;
    for (; row < design->blocks->rows_local && pairs < BATCH_PAIRS; row++) {
        int64_t entries = design->row_start[row + 1] - design->row_start[row];
        pairs += entries * (entries + 1) / 2;
    }
    return row;
}

static enum status add_pairs(const struct comm *comm, struct builder *b)
{
    enum status status = OK;
    const struct design *design = b->s->design;
    int64_t left = design->sparse > 0 ? 1 : 0;
    for (int64_t from = 0, to; left > 0; from = to) {
        to = batch_end(design, from);
        TRY(send_batch(comm, b, from, to));
        left = design->blocks->rows_local - to;
        comm_sum_int64(comm, &left, 1);
    }
done:
    return status;
}

/* ---- the rest ---- */

static double edge_value(const struct gram_edge *edge, const struct lsq_system *s, int64_t row,
                         int64_t column)
{
    int64_t last = edge->width - 1, a = s->parameter[row], b = s->parameter[column];
    int64_t i = a > b ? a : b, j = a > b ? b : a;
    if (i >= last) return edge->cross[(i - last) * edge->width + j];
    return edge->square[j * edge->width - j * (j - 1) / 2 + i - j];
}

/* Elements of this rank from the exact sums and the edge, in the units of a diagonal near 1. */
static void fill_matrix(const struct comm *comm, struct builder *b, const struct gram_edge *edge)
{
    struct lsq_system *s = b->s;
    struct grid_factor *f = &s->grid;
    int64_t last = edge->width - 1;
    for (int64_t j = 0; j < s->kept; j++)
        for (int64_t i = j; i < s->kept; i++) {
            if (!f->grid.inside || grid_factor_holder(f, i, j) != comm->rank) continue;
            double *at = grid_factor_at(f, i, j);
            bool sparse = s->parameter[i] >= last && s->parameter[j] >= last;
            double value = sparse ? exact_get(&b->sums, at - f->a) : edge_value(edge, s, i, j);
            if (i == j) value += s->penalty[i];
            *at = value * s->unit[i] * s->unit[j];
            if (i == j) *at *= 1.0 + RIDGE;
        }
}

static void set_units(struct lsq_system *s)
{
    for (int64_t i = 0; i < s->kept; i++) {
        double square = s->scaling->square_sum[s->parameter[i]] + s->penalty[i];
        s->unit[i] = square > 0.0 ? lsq_system_unit(square) : 1.0;
    }
}

static enum status build(const struct comm *comm, const struct gram_edge *edge,
                         struct lsq_system *s)
{
    enum status status = OK;
    struct builder b = {.s = s};
    TRY(grid_factor_open(comm, s->kept, s->kept, &s->grid));
    TRY_ALL(comm, exact_init(&b.sums, (int64_t)s->grid.rows_share * s->grid.columns_share));
    TRY_ALL(comm, memory_new(&b.counts, 2 * (int64_t)comm->ranks, sizeof *b.counts));
    b.next = b.counts + comm->ranks;
    set_units(s);
    TRY(add_pairs(comm, &b));
    fill_matrix(comm, &b, edge);
done:
    exact_clear(&b.sums);
    free(b.counts);
    free(b.send);
    return status;
}

/* Factor, and mark the columns with small pivots or the one where it ends; whether any. */
static enum status factor(const struct comm *comm, struct lsq_system *s, bool *dropped, bool *any)
{
    enum status status = OK;
    double *diagonal = NULL;
    int64_t failed = -1;
    TRY_ALL(comm, memory_new(&diagonal, s->kept, sizeof *diagonal));
    grid_factor_cholesky(comm, &s->grid, &failed);
    grid_factor_diagonal(comm, &s->grid, diagonal);
    *any = failed >= 0;
    if (failed >= 0) dropped[s->parameter[failed]] = true;
    for (int64_t j = 0; j < (failed >= 0 ? failed : s->kept); j++) {
        int64_t at = s->parameter[j];
        if (s->penalty[j] > 0.0) continue;
        double reference = s->scaling->square_sum[at] * s->unit[j] * s->unit[j];
        if (diagonal[j] * diagonal[j] > LSQ_SPARSE_TOLERANCE * reference) continue;
        dropped[at] = *any = true;
    }
done:
    free(diagonal);
    return status;
}

enum status lsq_sparse_solve(const struct comm *comm, const struct design *design,
                             const struct scaling *scaling, const struct lsq_columns *columns,
                             bool *dropped, struct lsq_system *s)
{
    enum status status = OK;
    struct gram_edge edge = {0};
    TRY(gram_make_edge(comm, design, scaling, &edge));
    for (int64_t j = 0; j < design_parameters(design); j++)
        dropped[j] |= !(scaling->square_sum[j] > 0.0) &&
                      (columns->penalty == NULL || !(columns->penalty[j] > 0.0));
    for (bool again = true; again;) {
        lsq_system_clear(s);
        TRY_ALL(comm, lsq_system_init(design, scaling, columns, dropped, s));
        s->solver = LSQ_GRID;
        s->digits = DIGITS;
        s->norm = 1.0;
        TRY(build(comm, &edge, s));
        TRY(factor(comm, s, dropped, &again));
    }
    TRY(lsq_refine(comm, s, NULL, 1, NULL, s->digits, s->x));
done:
    gram_edge_clear(&edge);
    return status;
}
