/* What the ways to solve a linear model send: as their headers say, by path. MPI itself is counted,
 * by its profiling interface, on the program's own communicator; what ScaLAPACK sends among itself
 * goes by others. */
#include "tests/harness.h"
#include "tests/uniform.h"

#include "algorithms/least_squares.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 3000, DENSE = 66, LEVELS = 40, BLOCK = 50 };
enum { EXACT = 16 /* bytes of a sum */, PAIR = 16, PIECE_BYTES = 16 + 64 * 8 };

/* ---- counting ---- */

static struct {
    int64_t reduced; /* bytes that this rank puts into reductions and broadcasts */
    int64_t sent;    /* to other ranks, one by one */
    int64_t calls;
} seen;

static void add(MPI_Comm comm, int64_t *to, int64_t count, MPI_Datatype type)
{
    int size = 0;
    if (comm != world.handle) return;
    MPI_Type_size(type, &size);
    seen.calls++;
    *to += count * size;
}

int MPI_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    add(comm, &seen.reduced, count, type);
    return PMPI_Allreduce(in, out, count, type, op, comm);
}

int MPI_Bcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm)
{
    add(comm, &seen.reduced, count, type);
    return PMPI_Bcast(data, count, type, root, comm);
}

int MPI_Sendrecv(const void *out, int count, MPI_Datatype type, int to, int tag, void *in,
                 int count_in, MPI_Datatype type_in, int from, int tag_in, MPI_Comm comm,
                 MPI_Status *status)
{
    add(comm, &seen.sent, count, type);
    return PMPI_Sendrecv(out, count, type, to, tag, in, count_in, type_in, from, tag_in, comm,
                         status);
}

/* ---- a table ---- */

struct table {
    struct blocks blocks;
    double *x, *y;
    int64_t *row_start;
    int32_t *column, *level[2];
    struct design_effect effect[2];
};

static struct table table_make(int64_t rows)
{
    struct table t = {0};
    blocks_cut(&world, rows, BLOCK, &t.blocks);
    size_t room = (size_t)t.blocks.rows_local + 1;
    t.x = calloc(room * DENSE, sizeof *t.x);
    t.y = calloc(room, sizeof *t.y);
    t.row_start = calloc(room, sizeof *t.row_start);
    t.column = calloc(2 * room, sizeof *t.column);
    for (int e = 0; e < 2; e++) {
        t.level[e] = calloc(room, sizeof *t.level[e]);
        t.effect[e] = (struct design_effect){LEVELS, t.level[e]};
    }
    for (int64_t i = 0; i < t.blocks.rows_local; i++) {
        int64_t row = t.blocks.row_first + i;
        for (int j = 0; j < DENSE; j++) t.x[i * DENSE + j] = uniform(row * 2 + j / 40, j % 40);
        for (int e = 0; e < 2; e++) {
            t.level[e][i] = (int32_t)(uniform(row, 50 + e) * LEVELS);
            t.column[2 * i + e] = (int32_t)(e * LEVELS + t.level[e][i]);
        }
        t.row_start[i + 1] = 2 * (i + 1);
        t.y[i] = t.x[i * DENSE] + t.level[0][i] + uniform(row, 60);
    }
    return t;
}

static void table_free(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->y);
    free(t->row_start);
    free(t->column);
    for (int e = 0; e < 2; e++) free(t->level[e]);
}

/* What a fit sends: of `dense` columns, one-hot levels or absorbed ones; the error of a slope. */
static struct least_squares *fit(int64_t rows, int64_t dense, bool levels, bool absorbed,
                                 enum least_squares_path path)
{
    static const int64_t wanted[] = {1};
    struct table t = table_make(rows);
    double *x = calloc((size_t)(t.blocks.rows_local * dense + 1), sizeof *x);
    struct least_squares *made = NULL;
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct design design = {.blocks = &t.blocks,
                            .intercept = true,
                            .dense = dense,
                            .x = x,
                            .sparse = levels ? 2 * LEVELS : 0,
                            .row_start = t.row_start,
                            .column = t.column,
                            .y = t.y,
                            .effects = absorbed ? 2 : 0,
                            .effect = t.effect};
    for (int64_t i = 0; i < t.blocks.rows_local; i++)
        for (int64_t j = 0; j < dense; j++) x[i * dense + j] = t.x[i * DENSE + j];
    options.path = path;
    options.all_errors = options.condition = false;
    options.wanted = wanted;
    options.wanted_count = 1;
    options.columns_max = absorbed ? 8 : options.columns_max;
    memset(&seen, 0, sizeof seen);
    assert_all(least_squares_fit(&world, &design, &options, &made) == OK);
    free(x);
    table_free(&t);
    return made;
}

struct sent {
    int64_t calls;   /* of this rank */
    double reduced;  /* by this rank */
    double sent_all; /* by all ranks */
};

static struct sent sent_by(int64_t rows, int64_t dense, bool levels, bool absorbed,
                           enum least_squares_path path)
{
    struct least_squares *made = fit(rows, dense, levels, absorbed, path);
    struct sent found = {.calls = seen.calls, .reduced = (double)seen.reduced};
    int64_t all = seen.sent;
    comm_sum_int64(&world, &all, 1);
    found.sent_all = (double)all;
    least_squares_free(&made);
    return found;
}

static void tell(const char *what, double found, double stated)
{
    if (world.rank == 0)
        printf("%-26s %2d ranks: %.0f bytes; by its header %.0f\n", what, world.ranks, found,
               stated);
}

/* The part of what is exchanged that does not stay on its rank. */
static double others(void)
{
    return 1.0 - 1.0 / world.ranks;
}

/* ---- the paths ---- */

/* Normal equations: 8 parameters^2 bytes are reduced, and little besides; rows do not matter. */
static void by_gram(void **state)
{
    (void)state;
    struct sent few = sent_by(ROWS, DENSE, false, false, LEAST_SQUARES_GRAM);
    struct sent many = sent_by(2 * ROWS, DENSE, false, false, LEAST_SQUARES_GRAM);
    struct sent half = sent_by(ROWS, DENSE / 2, false, false, LEAST_SQUARES_GRAM);
    double wide = DENSE + 1, narrow = DENSE / 2 + 1, stated = 8 * (wide * wide - narrow * narrow);
    tell("normal equations", few.reduced - half.reduced, stated);
    assert_all(few.calls == many.calls && few.reduced == many.reduced);
    assert_all(few.sent_all == 0.0 && many.sent_all == 0.0);
    assert_close(few.reduced - half.reduced, stated, 0.6 * stated);
}

/* Triangles: at most 4 * 32 columns^2 bytes are reduced, exchanges are of a triangle a level of the
 * tree; rows matter by its depth alone. */
static void by_triangles(void **state)
{
    (void)state;
    struct sent few = sent_by(ROWS, DENSE / 2, false, false, LEAST_SQUARES_TRIANGLES);
    struct sent many = sent_by(4 * ROWS, DENSE / 2, false, false, LEAST_SQUARES_TRIANGLES);
    double columns = DENSE / 2 + 2, stack = 4 * 32 * columns * columns;
    double triangles = 8 * columns * columns * 3 * (world.ranks - 1);
    tell("triangles, reduced", many.reduced, stack);
    tell("triangles, sent", many.sent_all, triangles);
    assert_all(many.reduced < 2.0 * stack);
    assert_all(many.reduced < 1.5 * few.reduced);
    assert_all(many.sent_all <= 2.0 * triangles);
}

/* In pieces: 16 bytes for each pair of sparse entries of a row, three to a row of two. */
static void by_grid(void **state)
{
    (void)state;
    struct sent few = sent_by(ROWS, 2, true, false, LEAST_SQUARES_GRID);
    struct sent many = sent_by(2 * ROWS, 2, true, false, LEAST_SQUARES_GRID);
    double times = 2.0 * ROWS * 3 * PAIR; /* the factor is made twice: a level is dropped */
    tell("pieces, sent", many.sent_all - few.sent_all, times);
    assert_close(many.sent_all - few.sent_all, times * others(), 0.05 * times);
    assert_all(many.reduced <= 1.25 * few.reduced); /* a round of refinement more, at most */
}

/* On the rows: each moves once, padded to 64 columns, with its outcome. */
static void by_rows(void **state)
{
    (void)state;
    struct sent few = sent_by(ROWS, DENSE, false, false, LEAST_SQUARES_ROWS);
    struct sent many = sent_by(2 * ROWS, DENSE, false, false, LEAST_SQUARES_ROWS);
    double panels = (DENSE + 1 + 63) / 64, times = ROWS * (panels + 1) * PIECE_BYTES;
    tell("rows, sent", many.sent_all - few.sent_all, times);
    assert_close(many.sent_all - few.sent_all, times * others(), 0.05 * times);
    assert_all(many.reduced <= 1.25 * few.reduced);
}

/* Absorbed levels: 16 bytes for each row and each ordered pair of effects are exchanged; three
 * reductions of a level's 8 columns, and one for each iteration. */
static void by_projection(void **state)
{
    (void)state;
    struct least_squares *made = fit(ROWS, 4, false, true, LEAST_SQUARES_CHOOSE);
    int64_t iterations = made->iterations, all = seen.sent;
    double reduced = (double)seen.reduced, levels = 2 * LEVELS;
    least_squares_free(&made);
    comm_sum_int64(&world, &all, 1);
    double each = 8 * levels * 8 + 2 * EXACT * 9 + 3 * 8,
           once = EXACT * levels * 8 + 3 * levels * 8;
    double stated = (double)iterations * each + once + 8 * 8 * levels + EXACT * levels;
    tell("projection, sent", (double)all, 2.0 * ROWS * PAIR);
    tell("projection, reduced", reduced, stated);
    assert_close((double)all, 2.0 * ROWS * PAIR * others(), 0.05 * 2.0 * ROWS * PAIR);
    assert_close(reduced, stated, 0.25 * stated);
}

TEST_MAIN(cmocka_unit_test(by_gram), cmocka_unit_test(by_triangles), cmocka_unit_test(by_grid),
          cmocka_unit_test(by_rows), cmocka_unit_test(by_projection))
