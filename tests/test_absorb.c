/* Absorbed effects: as columns and projected out they give the same model, on any number of ranks.
 */
#include "tests/harness.h"
#include "tests/uniform.h"

#include "algorithms/least_squares.h"
#include "algorithms/levels.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 2400, DENSE = 4, SPARSE = 3, FIRST = 60, SECOND = 41, THIRD = 7 };

struct table {
    struct blocks blocks;
    double *x, *y, *weight;
    int64_t *row_start;
    int32_t *column, *level[3];
    struct design_effect effect[3];
};

/* Levels of the two halves of the table never meet: two components. Column 2 is constant in the
 * first effect; column 3 depends on column 0 and an effect. */
static void fill_row(struct table *t, int64_t i, int64_t row)
{
    int half = row < ROWS / 2 ? 0 : 1;
    int32_t a = (int32_t)(30 * half + (int)(uniform(row, 0) * 30));
    int32_t b = (int32_t)(20 * half + (int)(uniform(row, 1) * uniform(row, 2) * 20));
    t->level[0][i] = a;
    t->level[1][i] = b;
    t->level[2][i] = (int32_t)(uniform(row, 3) * THIRD);
    double *x = t->x + i * DENSE;
    x[0] = uniform(row, 4) + 0.1 * a;
    x[1] = 100.0 * uniform(row, 5) + b;
    x[2] = sqrt(a);
    x[3] = 3.0 * x[0] + b;
    t->weight[i] = uniform(row, 6) < 0.05 ? 0.0 : 0.5 + uniform(row, 7);
    int32_t kind = (int32_t)(uniform(row, 8) * (SPARSE + 1)); /* the last is the base */
    t->row_start[i + 1] = t->row_start[i] + (kind < SPARSE);
    if (kind < SPARSE) t->column[t->row_start[i]] = kind;
    t->y[i] = 2.0 * x[0] - 0.03 * x[1] + kind + sin(a) + cos(b) + 0.2 * t->level[2][i] +
              uniform(row, 9) + uniform(row, 10);
}

static struct table table_make(const struct comm *comm)
{
    static const int64_t levels[] = {FIRST, SECOND, THIRD};
    struct table t = {0};
    blocks_cut(comm, ROWS, 64, &t.blocks);
    size_t rows = (size_t)t.blocks.rows_local + 1;
    t.x = calloc(rows * DENSE, sizeof *t.x);
    t.y = calloc(rows, sizeof *t.y);
    t.weight = calloc(rows, sizeof *t.weight);
    t.row_start = calloc(rows, sizeof *t.row_start);
    t.column = calloc(rows, sizeof *t.column);
    for (int e = 0; e < 3; e++) {
        t.level[e] = calloc(rows, sizeof *t.level[e]);
        t.effect[e] = (struct design_effect){levels[e], t.level[e]};
    }
    for (int64_t i = 0; i < t.blocks.rows_local; i++) fill_row(&t, i, t.blocks.row_first + i);
    return t;
}

static void table_free(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->y);
    free(t->weight);
    free(t->row_start);
    free(t->column);
    for (int e = 0; e < 3; e++) free(t->level[e]);
}

static struct design design_of(const struct table *t, int64_t effects)
{
    return (struct design){.blocks = &t->blocks,
                           .intercept = true,
                           .dense = DENSE,
                           .x = t->x,
                           .sparse = SPARSE,
                           .row_start = t->row_start,
                           .column = t->column,
                           .y = t->y,
                           .weight = t->weight,
                           .effects = effects,
                           .effect = t->effect};
}

static struct least_squares *fit_of(const struct comm *comm, const struct design *design,
                                    int64_t columns_max)
{
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    options.columns_max = columns_max;
    assert_all(least_squares_fit(comm, design, &options, &fit) == OK);
    return fit;
}

/* Both ways drop the intercept and what the effects explain, and agree on all else. The third
 * effect shares one level with the others: then the count of independent levels is exact too. */
static void both_ways(void **state)
{
    (void)state;
    struct table t = table_make(&world);
    for (int64_t effects = 1; effects <= 3; effects++) {
        struct design design = design_of(&t, effects);
        design.intercept = effects != 2;
        int64_t first = design.intercept ? 1 : 0;
        struct least_squares *columns = fit_of(&world, &design, 4096);
        struct least_squares *projected = fit_of(&world, &design, 8);
        assert_all(columns->absorbed == ABSORB_COLUMNS && projected->absorbed == ABSORB_PROJECTED);
        assert_all(projected->converged && projected->freedom == columns->freedom);
        for (int64_t j = 0; j < columns->parameters; j++) {
            bool explained = j < first || j == first + 2 || (j == first + 3 && effects > 1);
            assert_all(columns->dropped[j] == explained && projected->dropped[j] == explained);
            if (explained) continue;
            assert_close(projected->coefficient[j], columns->coefficient[j], 1e-9);
            assert_close(projected->std_error[j], columns->std_error[j], 1e-9);
        }
        assert_close(projected->r_squared, columns->r_squared, 1e-11);
        assert_close(projected->total_square / columns->total_square, 1.0, 1e-12);
        least_squares_free(&columns);
        least_squares_free(&projected);
    }
    table_free(&t);
}

static void same_bytes(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct table share = table_make(&world), whole = table_make(&self);
    for (int64_t effects = 1; effects <= 3; effects++)
        for (int64_t most = 8; most <= 4096; most += 4088) {
            struct design spread = design_of(&share, effects), alone = design_of(&whole, effects);
            struct least_squares *many = fit_of(&world, &spread, most);
            struct least_squares *one = fit_of(&self, &alone, most);
            size_t bytes = (size_t)one->parameters * sizeof(double);
            assert_all(memcmp(one->coefficient, many->coefficient, bytes) == 0);
            assert_all(memcmp(one->std_error, many->std_error, bytes) == 0);
            assert_all(memcmp(&one->r_squared, &many->r_squared, sizeof(double)) == 0);
            assert_all(one->freedom == many->freedom && one->iterations == many->iterations);
            least_squares_free(&many);
            least_squares_free(&one);
        }
    table_free(&share);
    table_free(&whole);
}

/* Nothing but effects. */
static void only_effects(void **state)
{
    (void)state;
    struct table t = table_make(&world);
    struct design design = design_of(&t, 2);
    design.dense = design.sparse = 0;
    design.intercept = false;
    struct least_squares *columns = fit_of(&world, &design, 4096);
    struct least_squares *projected = fit_of(&world, &design, 8);
    assert_all(columns->parameters == 0 && projected->parameters == 0);
    assert_all(projected->freedom == columns->freedom);
    assert_close(projected->r_squared, columns->r_squared, 1e-11);
    least_squares_free(&columns);
    least_squares_free(&projected);
    table_free(&t);
}

/* One effect of two levels: rests about their means. */
static void by_hand(void **state)
{
    (void)state;
    static const double x[] = {0, 1, 5, 2, 4, 9}, y[] = {1, 2, 3, 5, 8, 13};
    static const int32_t level[] = {0, 0, 0, 1, 1, 1};
    const struct design_effect effect = {2, level};
    struct blocks blocks = {0};
    assert_all(blocks_cut(&world, 6, 6, &blocks) == OK);
    struct design design = {.blocks = &blocks,
                            .intercept = true,
                            .dense = 1,
                            .x = x,
                            .y = y,
                            .effects = 1,
                            .effect = &effect};
    /* about the means: x -2 -1 3 -3 -1 4, y -1 0 1 -11/3 -2/3 13/3: slope (5 + 29) / 40 */
    struct least_squares *fit = fit_of(&world, &design, 1);
    assert_close(fit->coefficient[1], 34.0 / 40.0, 1e-13);
    assert_close(fit->residual_square, 2.0 + 98.0 / 3.0 - 34.0 * 34.0 / 40.0, 1e-12);
    assert_all(fit->freedom == 3 && fit->levels == 2 && fit->rank == 1);
    least_squares_free(&fit);
    blocks_clear(&blocks);
}

/* ---- levels that hang together badly ---- */

enum { HARD_ROWS = 3600, SIDE = 30 };

/* 0: a long chain, each link twice: a0b0 a1b0 a1b1 a2b1 ..; 1: workers who join neighbours of a
 * lattice of firms; 2: the same with a third effect of neighbourhoods. */
static void hard_levels(int kind, int64_t row, int32_t *level)
{
    int64_t link = row / 2, worker = row / 4, cell = worker % (SIDE * SIDE);
    int64_t moved = (cell + (uniform(worker, 11) < 0.5 ? 1 : SIDE)) % (SIDE * SIDE);
    level[0] = (int32_t)(kind == 0 ? (link + 1) / 2 : worker);
    level[1] = (int32_t)(kind == 0 ? link / 2 : row % 4 < 2 ? cell : moved);
    level[2] = (int32_t)((level[1] + row % 2) % (SIDE * SIDE) / 3);
}

static struct table hard_make(const struct comm *comm, int kind)
{
    static const int64_t levels[] = {HARD_ROWS / 4 + 1, HARD_ROWS / 4 + 1, SIDE * SIDE};
    struct table t = {0};
    blocks_cut(comm, HARD_ROWS, 16, &t.blocks);
    size_t rows = (size_t)t.blocks.rows_local + 1;
    t.x = calloc(rows, sizeof *t.x);
    t.y = calloc(rows, sizeof *t.y);
    for (int e = 0; e < 3; e++) {
        t.level[e] = calloc(rows, sizeof *t.level[e]);
        t.effect[e] = (struct design_effect){levels[e], t.level[e]};
    }
    for (int64_t i = 0; i < t.blocks.rows_local; i++) {
        int64_t row = t.blocks.row_first + i;
        int32_t level[3];
        hard_levels(kind, row, level);
        for (int e = 0; e < 3; e++) t.level[e][i] = level[e];
        t.x[i] = uniform(row, 0) + 0.001 * level[1];
        t.y[i] = 2.0 * t.x[i] + level[0] - 3.0 * level[1] + (kind == 2 ? level[2] : 0);
    }
    return t;
}

static struct design hard_design(const struct table *t, int kind)
{
    return (struct design){.blocks = &t->blocks,
                           .intercept = true,
                           .dense = 1,
                           .x = t->x,
                           .y = t->y,
                           .effects = kind == 2 ? 3 : 2,
                           .effect = t->effect};
}

/* Effects explain what x leaves: the slope is there to the digits that the tolerance promises. More
 * steps than the diagonal is tried for; and the same bits on any number of ranks. */
static void hard_graphs(void **state)
{
    (void)state;
    struct comm self = comm_self();
    for (int kind = 0; kind < 3; kind++) {
        struct table share = hard_make(&world, kind), whole = hard_make(&self, kind);
        struct design spread = hard_design(&share, kind), alone = hard_design(&whole, kind);
        struct least_squares *many = fit_of(&world, &spread, 8), *one = fit_of(&self, &alone, 8);
        assert_all(many->converged && many->reached <= 1e-12 && many->iterations < 200);
        assert_all(many->iterations > LEVELS_EASY_STEPS && many->iterations == one->iterations);
        assert_all(memcmp(one->coefficient, many->coefficient, 2 * sizeof(double)) == 0);
        assert_all(memcmp(&one->reached, &many->reached, sizeof(double)) == 0);
        assert_close(many->coefficient[1], 2.0, 1e-8);
        least_squares_free(&many);
        least_squares_free(&one);
        table_free(&share);
        table_free(&whole);
    }
}

static enum status fit_and_free(const struct design *design, int64_t columns_max)
{
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct least_squares *fit = NULL;
    options.columns_max = columns_max;
    enum status status = least_squares_fit(&world, design, &options, &fit);
    if ((status == OK) != (fit != NULL)) status = ERR_STOPPED; /* nothing else gives this */
    least_squares_free(&fit);
    return status;
}

static void refuses(void **state)
{
    (void)state;
    struct table t = table_make(&world);
    struct design design = design_of(&t, 2);
    const int64_t group[ROWS] = {0};
    design.group = group;
    assert_all(fit_and_free(&design, 8) == ERR_ARG);
    design.group = NULL;
    if (world.rank == world.ranks - 1) t.level[1][0] = SECOND;
    assert_all(fit_and_free(&design, 8) == ERR_ARG);
    assert_non_null(strstr(status_message(), "effect 1"));
    table_free(&t);
}

static void agrees_on_faults(void **state)
{
    (void)state;
    struct table t = hard_make(&world, 1);
    struct design design = hard_design(&t, 1);
    comm_inject_fault(-1, 0);
    assert_all(fit_and_free(&design, 8) == OK);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k += k < 12 || k > agreements - 12 ? 1 : 17) {
        comm_inject_fault(k, (int)(k % world.ranks));
        enum status status = fit_and_free(&design, 8);
        comm_inject_fault(-1, 0);
        assert_all(status == ERR_BUG);
    }
    table_free(&t);
}

TEST_MAIN(cmocka_unit_test(both_ways), cmocka_unit_test(same_bytes), cmocka_unit_test(by_hand),
          cmocka_unit_test(only_effects), cmocka_unit_test(hard_graphs), cmocka_unit_test(refuses),
          cmocka_unit_test(agrees_on_faults))
