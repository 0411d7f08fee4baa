/* Two-stage least squares: by hand, against plain least squares, what is not identified, the same
 * bytes at any number of ranks. Its goldens are those of test_fit_iv.sh. */
#include "tests/harness.h"
#include "tests/uniform.h"

#include "algorithms/instruments.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 900, DENSE = 5, SPARSE = 6, LEVELS = 7 };

/* Dense columns x, p, q, z1, z2; sparse: level 0 .. 3 exogenous, products of z1 with two levels. */
static const enum instruments_role roles[] = {ROLE_EXOGENOUS,  ROLE_EXOGENOUS,  ROLE_ENDOGENOUS,
                                              ROLE_ENDOGENOUS, ROLE_INSTRUMENT, ROLE_INSTRUMENT,
                                              ROLE_EXOGENOUS,  ROLE_EXOGENOUS,  ROLE_EXOGENOUS,
                                              ROLE_EXOGENOUS,  ROLE_INSTRUMENT, ROLE_INSTRUMENT};

struct table {
    struct blocks blocks;
    double *x, *y, *weight, *value;
    int64_t *row_start, *cluster;
    int32_t *column, *level;
    struct design_effect effect;
};

static void fill_row(struct table *t, int64_t i, int64_t row)
{
    double *x = t->x + i * DENSE, hidden = uniform(row, 20);
    int64_t end = t->row_start[i], kind = row % 5;
    x[0] = uniform(row, 0);
    x[3] = uniform(row, 3);
    x[4] = uniform(row, 4);
    x[1] = x[3] + 2.0 * x[4] + hidden + x[0];
    x[2] = x[3] * (kind < 2 ? 3.0 : 1.0) - x[4] + hidden;
    t->y[i] = 1.0 - 3.0 * x[1] + 2.0 * x[2] + 5.0 * hidden + (double)(row % LEVELS);
    if (kind < 4) {
        t->column[end] = (int32_t)kind;
        t->value[end++] = 1.0;
    }
    if (kind < 2) {
        t->column[end] = (int32_t)(4 + kind);
        t->value[end++] = x[3];
    }
    t->row_start[i + 1] = end;
    t->weight[i] = row % 13 == 0 ? 0.0 : 0.5 + uniform(row, 9);
    t->cluster[i] = row % 31;
    t->level[i] = (int32_t)(row % LEVELS);
}

static struct table table_make(const struct comm *comm)
{
    struct table t = {0};
    blocks_cut(comm, ROWS, 64, &t.blocks);
    size_t rows = (size_t)t.blocks.rows_local + 1;
    t.x = calloc(rows * DENSE, sizeof *t.x);
    t.y = calloc(rows, sizeof *t.y);
    t.weight = calloc(rows, sizeof *t.weight);
    t.value = calloc(2 * rows, sizeof *t.value);
    t.column = calloc(2 * rows, sizeof *t.column);
    t.row_start = calloc(rows, sizeof *t.row_start);
    t.cluster = calloc(rows, sizeof *t.cluster);
    t.level = calloc(rows, sizeof *t.level);
    for (int64_t i = 0; i < t.blocks.rows_local; i++) fill_row(&t, i, t.blocks.row_first + i);
    t.effect = (struct design_effect){LEVELS, t.level};
    return t;
}

static void table_free(struct table *t)
{
    blocks_clear(&t->blocks);
    free(t->x);
    free(t->y);
    free(t->weight);
    free(t->value);
    free(t->column);
    free(t->row_start);
    free(t->cluster);
    free(t->level);
}

/* With effects instead of an intercept, so that parameters keep their numbers less one. */
static struct design design_of(const struct table *t, bool effects)
{
    return (struct design){.blocks = &t->blocks,
                           .intercept = !effects,
                           .dense = DENSE,
                           .x = t->x,
                           .sparse = SPARSE,
                           .row_start = t->row_start,
                           .column = t->column,
                           .value = t->value,
                           .y = t->y,
                           .weight = t->weight,
                           .effects = effects ? 1 : 0,
                           .effect = &t->effect};
}

/* Wald's estimator, four rows: z moves x by 2 and y by 1. */
static void by_hand(void **state)
{
    (void)state;
    static const double x[] = {0, 0, 2, 0, 3, 1, 3, 1}, y[] = {0, 2, 0, 4};
    static const enum instruments_role role[] = {ROLE_EXOGENOUS, ROLE_ENDOGENOUS, ROLE_INSTRUMENT};
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct instruments *fit = NULL;
    struct blocks blocks = {0};
    assert_all(blocks_cut(&world, 4, 1, &blocks) == OK);
    struct design design = {.blocks = &blocks,
                            .intercept = true,
                            .dense = 2,
                            .x = x + 2 * blocks.row_first,
                            .y = y + blocks.row_first};
    assert_all(instruments_fit(&world, &design, role, &options, &fit) == OK);
    assert_close(fit->fit->coefficient[0], 0.5, 1e-15);
    assert_close(fit->fit->coefficient[1], 0.5, 1e-15);
    assert_close(fit->fit->residual_square, 8.5, 1e-14); /* -0.5, 0.5, -2, 2 */
    assert_close(fit->fit->std_error[1], sqrt(8.5 / 2.0 / 4.0), 1e-15);
    assert_close(fit->f[0], 4.0, 1e-14); /* 4 / (2 / 2) */
    assert_all(fit->identified && fit->instruments == 1 && fit->over_freedom == 0);
    assert_all(fit->fit->dropped[2] && isnan(fit->fit->std_error[2]) && isnan(fit->over));
    instruments_free(&fit);
    blocks_clear(&blocks);
}

/* An endogenous column that is its own instrument: plain least squares, errors and all. */
static void as_least_squares(void **state)
{
    (void)state;
    struct table t = table_make(&world);
    struct design plain = design_of(&t, false), doubled = plain;
    double *x = calloc((size_t)t.blocks.rows_local * 4 + 1, sizeof *x);
    static const enum instruments_role role[] = {ROLE_EXOGENOUS,  ROLE_EXOGENOUS, ROLE_ENDOGENOUS,
                                                 ROLE_INSTRUMENT, ROLE_EXOGENOUS, ROLE_EXOGENOUS,
                                                 ROLE_EXOGENOUS,  ROLE_EXOGENOUS, ROLE_EXOGENOUS,
                                                 ROLE_EXOGENOUS,  ROLE_EXOGENOUS};
    for (int64_t i = 0; i < t.blocks.rows_local; i++) {
        const double *from = t.x + i * DENSE;
        const double to[] = {from[0], from[1], from[1], from[2]};
        memcpy(x + i * 4, to, sizeof to);
    }
    doubled.dense = 4;
    doubled.x = x;
    for (int errors = ERRORS_CLASSICAL; errors <= ERRORS_CLUSTERED; errors++) {
        struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
        struct instruments *two = NULL;
        struct least_squares *one = NULL;
        options.errors = (enum least_squares_errors)errors;
        options.cluster = t.cluster;
        plain.dense = 4;
        plain.x = x; /* its second copy is dropped */
        assert_all(least_squares_fit(&world, &plain, &options, &one) == OK);
        assert_all(instruments_fit(&world, &doubled, role, &options, &two) == OK);
        for (int64_t j = 0; j < one->parameters; j++) {
            assert_all(one->dropped[j] == two->fit->dropped[j]);
            if (one->dropped[j]) continue;
            assert_close(two->fit->coefficient[j] / one->coefficient[j], 1.0, 1e-9);
            assert_close(two->fit->std_error[j] / one->std_error[j], 1.0, 1e-9);
        }
        assert_all(two->fit->freedom == one->freedom);
        least_squares_free(&one);
        instruments_free(&two);
    }
    free(x);
    table_free(&t);
}

/* Effects that are projected out and effects that are columns. */
static void effects_either_way(void **state)
{
    (void)state;
    struct table t = table_make(&world);
    struct design design = design_of(&t, true);
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct instruments *columns = NULL, *projected = NULL;
    options.errors = ERRORS_CLUSTERED;
    options.cluster = t.cluster;
    assert_all(instruments_fit(&world, &design, roles + 1, &options, &columns) == OK);
    options.columns_max = SPARSE + DENSE;
    assert_all(instruments_fit(&world, &design, roles + 1, &options, &projected) == OK);
    for (int64_t j = 0; j < columns->fit->parameters; j++) {
        assert_all(columns->fit->dropped[j] == projected->fit->dropped[j]);
        if (columns->fit->dropped[j]) continue;
        assert_close(projected->fit->coefficient[j] / columns->fit->coefficient[j], 1.0, 1e-8);
        assert_close(projected->fit->std_error[j] / columns->fit->std_error[j], 1.0, 1e-8);
    }
    assert_close(projected->f[0] / columns->f[0], 1.0, 1e-8);
    assert_close(projected->over / columns->over, 1.0, 1e-6);
    assert_all(columns->over_freedom == 2 && projected->over_freedom == 2);
    assert_all(projected->fit->freedom == columns->fit->freedom);
    instruments_free(&columns);
    instruments_free(&projected);
    table_free(&t);
}

static void same_bytes(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct table whole = table_make(&self), share = table_make(&world);
    for (int way = 0; way < 4; way++) {
        struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
        struct instruments *one = NULL, *many = NULL;
        struct design alone = design_of(&whole, way % 2), spread = design_of(&share, way % 2);
        options.errors = way < 2 ? ERRORS_CLASSICAL : ERRORS_CLUSTERED;
        options.cluster = whole.cluster;
        assert_all(instruments_fit(&self, &alone, roles + way % 2, &options, &one) == OK);
        options.cluster = share.cluster;
        assert_all(instruments_fit(&world, &spread, roles + way % 2, &options, &many) == OK);
        size_t bytes = (size_t)one->fit->parameters * sizeof(double);
        assert_all(memcmp(one->fit->coefficient, many->fit->coefficient, bytes) == 0);
        assert_all(memcmp(one->fit->std_error, many->fit->std_error, bytes) == 0);
        assert_all(memcmp(one->f, many->f, 2 * sizeof *one->f) == 0);
        assert_all(one->over == many->over && one->over > 0.0);
        instruments_free(&one);
        instruments_free(&many);
    }
    table_free(&whole);
    table_free(&share);
}

/* Too many columns for one rank go through factors in pieces: the same model, as if asked for. */
static void in_pieces(void **state)
{
    (void)state;
    static const enum least_squares_path paths[] = {LEAST_SQUARES_GRID, LEAST_SQUARES_ROWS};
    struct comm self = comm_self();
    struct table whole = table_make(&self), share = table_make(&world);
    struct design alone = design_of(&whole, true), spread = design_of(&share, true);
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct instruments *usual = NULL, *one = NULL, *many = NULL;
    assert_all(instruments_fit(&world, &spread, roles + 1, &options, &usual) == OK);
    for (int k = 0; k < 2; k++) {
        options.path = paths[k];
        assert_all(instruments_fit(&self, &alone, roles + 1, &options, &one) == OK);
        assert_all(instruments_fit(&world, &spread, roles + 1, &options, &many) == OK);
        size_t bytes = (size_t)one->fit->parameters * sizeof(double);
        assert_all(memcmp(one->fit->coefficient, many->fit->coefficient, bytes) == 0);
        assert_all(memcmp(one->fit->std_error, many->fit->std_error, bytes) == 0);
        assert_all(one->over == many->over && one->f[0] == many->f[0]);
        for (int64_t j = 0; j < one->fit->parameters; j++) {
            assert_all(usual->fit->dropped[j] == many->fit->dropped[j]);
            if (usual->fit->dropped[j]) continue;
            assert_close(many->fit->coefficient[j] / usual->fit->coefficient[j], 1.0, 1e-9);
            assert_close(many->fit->std_error[j] / usual->fit->std_error[j], 1.0, 1e-9);
        }
        assert_close(many->f[0] / usual->f[0], 1.0, 1e-9);
        instruments_free(&one);
        instruments_free(&many);
    }
    instruments_free(&usual);
    table_free(&whole);
    table_free(&share);
}

static enum status fit_and_free(const struct design *design, const enum instruments_role *role)
{
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    struct instruments *fit = NULL;
    enum status status = instruments_fit(&world, design, role, &options, &fit);
    if ((status == OK) != (fit != NULL)) status = ERR_STOPPED; /* nothing else gives this */
    instruments_free(&fit);
    return status;
}

static void refuses(void **state)
{
    (void)state;
    struct table t = table_make(&world);
    struct design design = design_of(&t, false);
    enum instruments_role role[1 + DENSE + SPARSE] = {ROLE_EXOGENOUS};
    assert_all(fit_and_free(&design, role) == ERR_ARG);
    role[1] = role[2] = ROLE_ENDOGENOUS;
    role[3] = ROLE_INSTRUMENT;
    assert_all(fit_and_free(&design, role) == ERR_ARG);
    assert_non_null(strstr(status_message(), "1 instruments are too few for 2"));
    table_free(&t);
}

static void agrees_on_faults(void **state)
{
    (void)state;
    struct table t = table_make(&world);
    struct design design = design_of(&t, true);
    comm_inject_fault(-1, 0);
    assert_all(fit_and_free(&design, roles + 1) == OK);
    int64_t agreements = comm_agreements();
    assert_all(agreements > 20);
    for (int64_t k = 0; k < agreements; k += k < 8 ? 1 : 11)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            enum status status = fit_and_free(&design, roles + 1);
            comm_inject_fault(-1, 0);
            assert_all(status == ERR_BUG);
        }
    table_free(&t);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(as_least_squares),
          cmocka_unit_test(effects_either_way), cmocka_unit_test(same_bytes),
          cmocka_unit_test(in_pieces), cmocka_unit_test(refuses),
          cmocka_unit_test(agrees_on_faults))
