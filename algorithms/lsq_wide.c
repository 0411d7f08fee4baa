/* PDGELS on the rows. */
#include "algorithms/lsq_wide.h"

#include "algorithms/lsq_refine.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES ((int64_t)64 << 20)

enum { DIGITS = 44 }; /* binary ones of coefficients: the factor's digits are not known alike */

/* 64 columns of a row; panel `panels` holds y. */
struct piece {
    int64_t row, panel;
    double value[GRID_BLOCK];
};

struct spreader {
    const struct lsq_system *s;  /* not owned */
    const struct grid_factor *f; /* not owned */
    double *y;                   /* [rows_share] not owned */
    int64_t panels, batch_rows;
    double *row;            /* [parameters + 1] */
    int64_t *counts, *next; /* [ranks] */
    struct piece *send;     /* [batch_rows][panels + 1] */
};

static enum status spreader_init(const struct comm *comm, const struct lsq_system *s,
                                 const struct grid_factor *f, double *y, struct spreader *p)
{
    enum status status = OK;
    *p = (struct spreader){.s = s, .f = f, .y = y};
    p->panels = (s->kept + GRID_BLOCK - 1) / GRID_BLOCK;
    p->batch_rows = BATCH_BYTES / ((p->panels + 1) * (int64_t)sizeof *p->send) + 1;
    if (p->batch_rows > s->design->blocks->rows_local)
        p->batch_rows = s->design->blocks->rows_local + 1;
    TRY(memory_new(&p->row, design_parameters(s->design) + 1, sizeof *p->row));
    TRY(memory_new(&p->counts, 2 * (int64_t)comm->ranks, sizeof *p->counts));
    p->next = p->counts + comm->ranks;
    TRY(memory_new(&p->send, p->batch_rows * (p->panels + 1), sizeof *p->send));
done:
    return status;
}

static void spreader_clear(struct spreader *p)
{
    free(p->row);
    free(p->counts);
    free(p->send);
}

static int holder_of(const struct spreader *p, int64_t row, int64_t panel)
{
    return grid_factor_holder(p->f, row, panel < p->panels ? panel * GRID_BLOCK : 0);
}

static void fill_pieces(struct spreader *p, int64_t row)
{
    const struct lsq_system *s = p->s;
    int64_t parameters = design_parameters(s->design), global = s->design->blocks->row_first + row;
    memset(p->row, 0, (size_t)(parameters + 1) * sizeof *p->row);
    design_row(s->design, s->scaling, row, p->row, 1);
    for (int64_t k = 0; k <= p->panels; k++) {
        struct piece *piece = &p->send[p->next[holder_of(p, global, k)]++];
        *piece = (struct piece){.row = global, .panel = k};
        if (k == p->panels) piece->value[0] = p->row[parameters];
        for (int64_t j = k * GRID_BLOCK; j < s->kept && j < (k + 1) * GRID_BLOCK; j++)
            piece->value[j - k * GRID_BLOCK] = p->row[s->parameter[j]];
    }
}

static void store_piece(const struct spreader *p, const struct piece *piece)
{
    int64_t first = piece->panel * GRID_BLOCK;
    double *y_here = p->y + (grid_factor_at(p->f, piece->row, 0) - p->f->a);
    if (piece->panel == p->panels) *y_here = piece->value[0];
    for (int64_t j = first; j < p->s->kept && j < first + GRID_BLOCK; j++)
        *grid_factor_at(p->f, piece->row, j) = piece->value[j - first];
}

/* Rows from .. to of this rank go to the ranks that hold their pieces. */
static enum status send_batch(const struct comm *comm, struct spreader *p, int64_t from, int64_t to)
{
    enum status status = OK;
    void *received = NULL;
    int64_t count = 0, all = 0, first = p->s->design->blocks->row_first;
    memset(p->counts, 0, (size_t)comm->ranks * sizeof *p->counts);
    for (int64_t i = from; i < to; i++)
        for (int64_t k = 0; k <= p->panels; k++) p->counts[holder_of(p, first + i, k)]++;
    for (int r = 0; r < comm->ranks; r++) {
        p->next[r] = all;
        all += p->counts[r];
    }
    for (int64_t i = from; i < to; i++) fill_pieces(p, i);
    TRY(comm_exchange(comm, p->send, p->counts, sizeof *p->send, &received, &count));
    for (int64_t i = 0; i < count; i++) store_piece(p, (const struct piece *)received + i);
done:
    free(received);
    return status;
}

static enum status spread_rows(const struct comm *comm, const struct lsq_system *s,
                               const struct grid_factor *f, double *y)
{
    enum status status = OK;
    struct spreader p = {0};
    int64_t rows = s->design->blocks->rows_local;
    TRY_ALL(comm, spreader_init(comm, s, f, y, &p));
    int64_t batches = (rows + p.batch_rows - 1) / p.batch_rows;
    comm_max_int64(comm, &batches, 1);
    for (int64_t b = 0; b < batches; b++) {
        int64_t from = b * p.batch_rows, to = from + p.batch_rows;
        TRY(send_batch(comm, &p, from < rows ? from : rows, to < rows ? to : rows));
    }
done:
    spreader_clear(&p);
    return status;
}

/* Rows that penalties are: one for each column that has one. */
static int64_t penalties(const struct lsq_system *s)
{
    int64_t count = 0;
    for (int64_t j = 0; j < s->kept; j++) count += s->penalty[j] > 0.0;
    return count;
}

static void add_penalties(const struct comm *comm, const struct lsq_system *s, int64_t row,
                          const struct grid_factor *f)
{
    for (int64_t j = 0; j < s->kept; j++) {
        if (!(s->penalty[j] > 0.0)) continue;
        if (f->grid.inside && grid_factor_holder(f, row, j) == comm->rank)
            *grid_factor_at(f, row, j) = sqrt(s->penalty[j]);
        row++;
    }
}

/* Mark columns by the diagonal of R; whether any. Where there are fewer rows than columns, a
 * dependent one takes up a direction that a later one needs: then only the first counts. */
static bool mark_dependent(const struct lsq_system *s, const double *diagonal, double tolerance,
                           bool *dropped)
{
    bool any = false, few = s->design->blocks->rows_total + penalties(s) < s->kept;
    for (int64_t j = 0; j < s->kept; j++) {
        int64_t at = s->parameter[j];
        if (s->penalty[j] > 0.0) continue;
        if (diagonal[j] * diagonal[j] > tolerance * s->scaling->square_sum[at]) continue;
        dropped[at] = any = true;
        if (few && j < s->design->blocks->rows_total) break;
    }
    return any;
}

/* One try with the columns that are not dropped yet; marks more, or solves. */
static enum status attempt(const struct comm *comm, double tolerance, bool *dropped,
                           struct lsq_system *s, bool *again)
{
    enum status status = OK;
    double *y = NULL, *diagonal = NULL;
    int64_t rows = s->design->blocks->rows_total, more = penalties(s);
    *again = false;
    if (s->kept == 0) return OK;
    TRY(grid_factor_open(comm, rows + more > s->kept ? rows + more : s->kept, s->kept, &s->grid));
    TRY_ALL(comm, memory_new(&y, s->grid.rows_share, sizeof *y));
    TRY_ALL(comm, memory_new(&diagonal, s->kept, sizeof *diagonal));
    TRY(spread_rows(comm, s, &s->grid, y));
    add_penalties(comm, s, rows, &s->grid);
    TRY(grid_factor_least_squares(comm, &s->grid, y, s->x));
    grid_factor_diagonal(comm, &s->grid, diagonal);
    *again = mark_dependent(s, diagonal, tolerance, dropped);
done:
    free(y);
    free(diagonal);
    return status;
}

static double largest_square(const struct lsq_system *s)
{
    double largest = 0.0;
    for (int64_t i = 0; i < s->kept; i++)
        largest = fmax(largest, s->scaling->square_sum[s->parameter[i]] + s->penalty[i]);
    return largest;
}

enum status lsq_wide_solve(const struct comm *comm, const struct design *design,
                           const struct scaling *scaling, const struct lsq_columns *columns,
                           double tolerance, bool *dropped, struct lsq_system *s)
{
    enum status status = OK;
    for (bool again = true; again;) {
        lsq_system_clear(s);
        TRY_ALL(comm, lsq_system_init(design, scaling, columns, dropped, s));
        s->solver = LSQ_GRID;
        s->digits = DIGITS;
        s->norm = largest_square(s);
        TRY(attempt(comm, tolerance, dropped, s, &again));
    }
    TRY(lsq_refine(comm, s, NULL, 1, s->x, s->digits, s->x));
done:
    return status;
}
