/* Gaussian mixtures: EM, its floor, starts, choice of k, responsibilities, and the same bits on any
 * ranks. */
#include "tests/harness.h"

#include "algorithms/mixture.h"
#include "algorithms/mixture_update.h"
#include "mpi/memory.h"
#include "tests/mixture_golden.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 3000, COLUMNS = 5, K = 4, SPOTS = 6, ITERATIONS = 14, BLOCK = 97 };

/* ---- the table of the goldens ---- */

static double uniform(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 44) * 0x1p-20;
}

/* About spot i % SPOTS, correlated with the column before, the columns of different scale; exact in
 * float32. */
static double cell(int64_t i, int64_t j)
{
    double spot = uniform((uint64_t)(1000000 + i % SPOTS * COLUMNS + j));
    double before = j > 0 ? uniform((uint64_t)(i * COLUMNS + j - 1)) : 0.0;
    return ldexp(spot + uniform((uint64_t)(i * COLUMNS + j)) + before, (int)(3 * j));
}

struct sample {
    struct blocks blocks;
    double *x;
    float *narrow;
    struct mixture_rows rows, rounded;
};

/* rows_total rows of value(i, j) cut over comm, as doubles and as float32; collective for the
 * assertions' sake. */
static void sample_init(struct sample *s, const struct comm *comm, int64_t rows_total,
                        int64_t columns, double (*value)(int64_t, int64_t))
{
    assert_all(blocks_cut(comm, rows_total, BLOCK, &s->blocks) == OK);
    int64_t stride = columns + 3, rows = s->blocks.rows_local;
    assert_all(memory_new(&s->x, rows * columns, sizeof *s->x) == OK);
    assert_all(memory_new(&s->narrow, rows * stride, sizeof *s->narrow) == OK);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < stride; j++) {
            double number = j < columns ? value(s->blocks.row_first + i, j) : NAN;
            if (j < columns) s->x[i * columns + j] = number;
            s->narrow[i * stride + j] = (float)number;
        }
    s->rows = (struct mixture_rows){.blocks = &s->blocks, .columns = columns, .full = s->x};
    s->rounded = (struct mixture_rows){
        .blocks = &s->blocks, .columns = columns, .single = s->narrow, .stride = stride};
}

static void sample_clear(struct sample *s)
{
    blocks_clear(&s->blocks);
    free(s->x);
    free(s->narrow);
}

static void first_rows(double *init)
{
    for (int64_t i = 0; i < K * COLUMNS; i++) init[i] = cell(i / COLUMNS, i % COLUMNS);
}

static bool same(const double *a, const double *b, int64_t count)
{
    return memcmp(a, b, (size_t)count * sizeof *a) == 0;
}

static bool same_model(const struct mixture_model *a, const struct mixture_model *b)
{
    int64_t shape = mixture_covariance_count(a->covariance, a->k, a->columns);
    return a->k == b->k && a->columns == b->columns && a->iterations == b->iterations &&
           same(a->weights, b->weights, a->k) && same(a->means, b->means, a->k * a->columns) &&
           same(a->covariances, b->covariances, shape) &&
           same(a->trace, b->trace, a->iterations + 1) && same(&a->bic, &b->bic, 1) &&
           same(a->centre, b->centre, a->columns) && same(a->scale, b->scale, a->columns);
}

static bool close_to(double a, double b, double relative)
{
    return fabs(a - b) <= relative * fabs(b);
}

/* ---- tests ---- */

static double pairs(int64_t i, int64_t j)
{
    (void)j;
    return (double)(i / 2 * 10 + i % 2); /* 0, 1, 10, 11 */
}

static void by_hand(void **state)
{
    (void)state;
    struct sample s;
    struct mixture_model *one = NULL, *two = NULL;
    const double init[2] = {0, 11}, log_2_pi = 1.8378770664093453;
    struct mixture_options opt = MIXTURE_OPTIONS_DEFAULTS;
    sample_init(&s, &world, 4, 1, pairs); /* more ranks than blocks */
    opt.k = 1;
    assert_all(mixture_fit(&world, &s.rows, &opt, &one) == OK);
    assert_close(mixture_mean(one, 0, 0), 5.5, 1e-14);
    assert_close(mixture_covariance_of(one, 0, 0, 0), 25.25, 1e-13);
    assert_close(one->log_likelihood, -2 * (log_2_pi + log(25.25) + 1), 1e-13);
    assert_close(one->bic, 2 * log(4) - 2 * one->log_likelihood, 1e-13);
    assert_close(one->aic, 4 - 2 * one->log_likelihood, 1e-13);
    opt.k = 2;
    opt.init = init;
    assert_all(mixture_fit(&world, &s.rows, &opt, &two) == OK);
    for (int64_t c = 0; c < 2; c++) { /* 19 deviations apart */
        assert_close(two->weights[c], 0.5, 1e-14);
        assert_close(mixture_mean(two, c, 0), c == 0 ? 0.5 : 10.5, 1e-13);
        assert_close(mixture_covariance_of(two, c, 0, 0), 0.25, 1e-13);
    }
    assert_close(two->log_likelihood, -4 * log(2) - 2 * (log_2_pi + log(0.25) + 1), 1e-12);
    assert_all(two->parameters == 5 && two->converged && two->monotone && !two->stopped);
    mixture_free(&one);
    mixture_free(&two);
    sample_clear(&s);
}

static void fit_golden(const struct mixture_rows *x, enum mixture_covariance covariance,
                       struct mixture_model **model)
{
    double init[K * COLUMNS];
    struct mixture_options opt = {
        .k = K, .restarts = 1, .max_iterations = ITERATIONS, .floor = 1e-9, .init = init};
    first_rows(init);
    opt.covariance = covariance;
    assert_all(mixture_fit(&world, x, &opt, model) == OK);
}

static bool like_golden(const struct mixture_model *model, const struct golden *g)
{
    bool full = model->covariance == MIXTURE_FULL, diagonal = model->covariance == MIXTURE_DIAGONAL;
    bool good = close_to(model->log_likelihood, g->score[0], 1e-11);
    good = good && close_to(model->bic, g->score[1], 1e-11);
    good = good && close_to(model->aic, g->score[2], 1e-11);
    for (int64_t t = 0; t < ITERATIONS; t++)
        good = good && close_to(model->trace[t], g->trace[t], 1e-11);
    for (int64_t i = 0; i < K * COLUMNS; i++) {
        int64_t c = i / COLUMNS, j = i % COLUMNS;
        good = good && close_to(model->weights[c], g->weights[c], 1e-9);
        good = good && close_to(mixture_mean(model, c, j), g->means[i], 1e-9);
        for (int64_t l = 0; l < COLUMNS; l++) {
            double ours = mixture_covariance_of(model, c, l, j);
            int64_t at = (full ? c * COLUMNS + l : l) * COLUMNS + j;
            double theirs = diagonal ? (l == j ? g->covariances[i] : 0.0) : g->covariances[at];
            good = good && fabs(ours - theirs) <= 1e-8 * ldexp(1.0, (int)(3 * (j + l)));
        }
    }
    return good;
}

static void golden(void **state)
{
    (void)state;
    struct sample s;
    sample_init(&s, &world, ROWS, COLUMNS, cell);
    for (int n = 0; n < 3; n++) {
        struct mixture_model *model = NULL, *single = NULL;
        fit_golden(&s.rows, goldens[n].covariance, &model);
        assert_all(like_golden(model, &goldens[n]));
        assert_all(model->iterations == ITERATIONS && model->stopped && model->monotone);
        fit_golden(&s.rounded, goldens[n].covariance, &single);
        assert_all(same_model(model, single)); /* the same numbers as float32 */
        mixture_free(&model);
        mixture_free(&single);
    }
    sample_clear(&s);
}

static void apply_golden(void **state)
{
    (void)state;
    struct sample s;
    int32_t component[ROWS * K], best[ROWS];
    double share[ROWS * K], density[ROWS];
    sample_init(&s, &world, ROWS, COLUMNS, cell);
    for (int n = 0; n < 3; n++) {
        struct mixture_model *model = NULL;
        bool good = true;
        fit_golden(&s.rows, goldens[n].covariance, &model);
        assert_all(mixture_apply(model, &s.rows, K, component, share, density) == OK);
        assert_all(mixture_apply(model, &s.rounded, 1, best, NULL, NULL) == OK);
        for (int64_t i = 0; i < s.blocks.rows_local; i++) {
            int64_t row = s.blocks.row_first + i;
            double total = 0;
            for (int64_t c = 0; c < K; c++) {
                double mine = share[i * K + c];
                total += mine;
                good = good && (c == 0 || mine <= share[i * K + c - 1]);
                if (row >= 3) continue;
                good =
                    good && fabs(mine - goldens[n].share[row * K + component[i * K + c]]) <= 1e-9;
            }
            good = good && fabs(total - 1) < 1e-14 && best[i] == component[i * K];
            if (row < 3) good = good && close_to(density[i], goldens[n].density[row], 1e-10);
        }
        assert_all(good);
        mixture_free(&model);
    }
    sample_clear(&s);
}

/* Starts and iterations on all ranks give the bytes of one rank; so do both wide instruction sets.
 */
static void same_bits(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct sample spread, whole;
    sample_init(&spread, &world, ROWS, COLUMNS, cell);
    sample_init(&whole, &self, ROWS, COLUMNS, cell);
    for (int n = 0; n < 3; n++) {
        struct mixture_model *expected = NULL, *wide = NULL;
        struct mixture_options opt = {.k = 7, .restarts = 2, .seed = 5, .max_iterations = 9};
        opt.covariance = goldens[n].covariance;
        opt.floor = 1e-6;
        assert_all(mixture_fit(&self, &whole.rows, &opt, &expected) == OK);
        for (enum mixture_path path = MIXTURE_PATH_BEST; path <= MIXTURE_PATH_AVX512; path++) {
            struct mixture_model *model = NULL;
            if (mixture_kernel_choose(path) == NULL) continue;
            opt.path = path;
            assert_all(mixture_fit(&world, &spread.rows, &opt, &model) == OK);
            assert_all(close_to(model->log_likelihood, expected->log_likelihood, 1e-9));
            if (path == MIXTURE_PATH_BEST) assert_all(same_model(model, expected));
            if (path >= MIXTURE_PATH_AVX2) assert_all(wide == NULL || same_model(model, wide));
            if (path == MIXTURE_PATH_AVX2) {
                wide = model;
                model = NULL;
            }
            mixture_free(&model);
        }
        mixture_free(&expected);
        mixture_free(&wide);
    }
    sample_clear(&spread);
    sample_clear(&whole);
}

/* The third column is the sum of the first two, the fourth constant. */
static double collinear(int64_t i, int64_t j)
{
    if (j == 2) return cell(i, 0) + cell(i, 1);
    return j == 3 ? 12.25 : cell(i, j);
}

/* Tight spots far apart. */
static double tight(int64_t i, int64_t j)
{
    return 1e3 * (double)(i % 7 == j) + 1e-3 * uniform((uint64_t)(i * COLUMNS + j));
}

static bool never_falls(const struct mixture_model *model)
{
    for (int64_t t = 1; t <= model->iterations; t++)
        if (model->trace[t] < model->trace[t - 1] - 1e-11 * fabs(model->trace[t])) return false;
    return model->monotone;
}

static void likelihood_never_falls(void **state)
{
    (void)state;
    double (*const values[3])(int64_t, int64_t) = {cell, collinear, tight};
    struct sample s;
    for (int v = 0; v < 3; v++) {
        sample_init(&s, &world, 900, COLUMNS, values[v]);
        for (int n = 0; n < 3; n++)
            for (int64_t k = 1; k < 12; k += 5) {
                struct mixture_model *model = NULL;
                struct mixture_options opt = MIXTURE_OPTIONS_DEFAULTS;
                opt.covariance = goldens[n].covariance;
                opt.k = k;
                opt.max_iterations = 60;
                opt.tolerance = 1e-12;
                assert_all(mixture_fit(&world, &s.rows, &opt, &model) == OK);
                assert_all(never_falls(model) && isfinite(model->log_likelihood));
                if (values[v] == collinear && n != 1) assert_all(model->held[0] >= 2);
                if (values[v] == collinear && n == 1) assert_all(model->held[0] >= 1);
                mixture_free(&model);
            }
        sample_clear(&s);
    }
}

static double other_units(int64_t i, int64_t j)
{
    return 1e9 + cell(i, j) * (j == 1 ? 1e4 : 250.0);
}

/* Columns in other units give the same fit in those units. */
static void any_units(void **state)
{
    (void)state;
    struct sample one, other;
    struct mixture_model *a = NULL, *b = NULL;
    struct mixture_options opt = {.k = 3, .restarts = 1, .max_iterations = 20, .floor = 1e-6};
    double shift = -ROWS * (log(1e4) + 4 * log(250.0));
    sample_init(&one, &world, ROWS, COLUMNS, cell);
    sample_init(&other, &world, ROWS, COLUMNS, other_units);
    assert_all(mixture_fit(&world, &one.rows, &opt, &a) == OK);
    assert_all(mixture_fit(&world, &other.rows, &opt, &b) == OK);
    assert_close(b->log_likelihood, a->log_likelihood + shift, 1e-2); /* 1e9 takes nine digits */
    for (int64_t c = 0; c < 3; c++) assert_close(a->weights[c], b->weights[c], 1e-6);
    mixture_free(&a);
    mixture_free(&b);
    sample_clear(&one);
    sample_clear(&other);
}

static double three_values(int64_t i, int64_t j)
{
    return (double)(i % 3) * (double)(j + 1);
}

/* A single row, as many components as rows, more components than different rows. */
static void few_rows(void **state)
{
    (void)state;
    const int64_t rows[4] = {1, 3, 5, 400}, k[4] = {1, 3, 5, 6};
    for (int n = 0; n < 12; n++) {
        struct sample s;
        struct mixture_model *model = NULL;
        struct mixture_options opt = MIXTURE_OPTIONS_DEFAULTS;
        double total = 0;
        opt.k = k[n % 4];
        opt.covariance = goldens[n / 4].covariance;
        sample_init(&s, &world, rows[n % 4], 2, three_values);
        assert_all(mixture_fit(&world, &s.rows, &opt, &model) == OK);
        for (int64_t c = 0; c < opt.k; c++) total += model->weights[c];
        assert_close(total, 1, 1e-14);
        assert_all(never_falls(model) && isfinite(model->log_likelihood));
        assert_all(model->held[0] > 0);
        mixture_free(&model);
        sample_clear(&s);
    }
}

/* About three far spots, nearly normal. */
static double three_spots(int64_t i, int64_t j)
{
    double sum = 0;
    for (uint64_t n = 0; n < 6; n++) sum += uniform((uint64_t)(i * 2 + j) * 6 + n) - 0.5;
    return 5 * (double)(i % 3 == j) + sum;
}

static void range_finds_k(void **state)
{
    (void)state;
    struct sample s;
    struct mixture_choice choices[5];
    struct mixture_model *model = NULL, *alone = NULL;
    struct mixture_options opt = MIXTURE_OPTIONS_DEFAULTS;
    opt.tolerance = 1e-6;
    sample_init(&s, &world, 1200, 2, three_spots);
    assert_all(mixture_fit_range(&world, &s.rows, &opt, 1, 5, choices, &model) == OK);
    assert_all(model->k == 3 && same(&choices[2].bic, &model->bic, 1));
    for (int64_t i = 0; i < 5; i++) {
        double log_rows = log(1200), n = (double)choices[i].parameters;
        assert_all(choices[i].k == i + 1 && choices[i].parameters == 6 * i + 5);
        assert_all(choices[i].bic >= model->bic && choices[i].monotone);
        assert_close(choices[i].bic, n * log_rows - 2 * choices[i].log_likelihood, 1e-9);
        assert_close(choices[i].aic, 2 * n - 2 * choices[i].log_likelihood, 1e-9);
    }
    assert_all(mixture_fit(&world, &s.rows, &opt, &alone) == OK);
    assert_all(same_model(model, alone));
    mixture_free(&model);
    mixture_free(&alone);
    assert_all(mixture_fit_range(&world, &s.rows, &opt, 0, 3, choices, &model) == ERR_ARG);
    assert_all(mixture_fit_range(&world, &s.rows, &opt, 3, 2, choices, &model) == ERR_ARG);
    sample_clear(&s);
}

/* Eigenvalues 4, 1 and 0.01 about turned axes: the last is raised. */
static void floor_by_hand(void **state)
{
    (void)state;
    const double axis[3][3] = {
        {2 / 3., 2 / 3., 1 / 3.}, {-2 / 3., 1 / 3., 2 / 3.}, {1 / 3., -2 / 3., 2 / 3.}};
    const double before[3] = {4, 1, 0.01}, after[3] = {4, 1, 0.5};
    double a[9] = {0}, raised[9] = {0}, work[18];
    for (int e = 0; e < 3; e++)
        for (int i = 0; i < 9; i++) {
            a[i] += before[e] * axis[e][i / 3] * axis[e][i % 3];
            raised[i] += after[e] * axis[e][i / 3] * axis[e][i % 3];
        }
    assert_all(mixture_raise(a, 3, 0.009, work) == 0);
    assert_all(mixture_raise(a, 3, 0.5, work) == 1);
    for (int i = 0; i < 9; i++) assert_close(a[i], raised[i], 1e-14);
    assert_all(mixture_raise(a, 3, 10, work) == 3);
    for (int i = 0; i < 9; i++) assert_close(a[i], i % 4 == 0 ? 10 : 0, 1e-13);
}

static void refusals(void **state)
{
    (void)state;
    struct sample s;
    struct mixture_model *model = NULL;
    struct mixture_options good = MIXTURE_OPTIONS_DEFAULTS, opt;
    const double init[3 * COLUMNS] = {[4] = INFINITY};
    int32_t component[30];
    sample_init(&s, &world, 30, COLUMNS, cell);
    opt = good, opt.k = 0;
    assert_all(mixture_fit(&world, &s.rows, &opt, &model) == ERR_ARG && model == NULL);
    opt = good, opt.k = 31;
    assert_all(mixture_fit(&world, &s.rows, &opt, &model) == ERR_ARG && model == NULL);
    opt = good, opt.restarts = 0;
    assert_all(mixture_fit(&world, &s.rows, &opt, &model) == ERR_ARG);
    opt = good, opt.floor = 0;
    assert_all(mixture_fit(&world, &s.rows, &opt, &model) == ERR_ARG);
    opt = good, opt.init = init;
    assert_all(mixture_fit(&world, &s.rows, &opt, &model) == ERR_ARG);
    assert_all(mixture_fit(&world, &s.rows, &good, &model) == OK);
    assert_all(mixture_apply(model, &s.rows, 4, component, NULL, NULL) == ERR_ARG);
    s.rows.columns--;
    assert_all(mixture_apply(model, &s.rows, 1, component, NULL, NULL) == ERR_ARG);
    s.rows.columns++;
    mixture_free(&model);
    if (s.blocks.rows_local > 0) s.x[4] = s.narrow[4] = NAN; /* on rank 0 alone */
    assert_all(mixture_fit(&world, &s.rows, &good, &model) == ERR_NUMERIC && model == NULL);
    assert_all(mixture_fit(&world, &s.rounded, &good, &model) == ERR_NUMERIC && model == NULL);
    sample_clear(&s);
}

/* An iteration sends one message: the sums and their count of refusals. */
static void one_reduction(void **state)
{
    (void)state;
    struct sample s;
    sample_init(&s, &world, ROWS, COLUMNS, cell);
    for (int n = 0; n < 3; n++) {
        const int64_t terms[3] = {1 + COLUMNS + COLUMNS * (COLUMNS + 1) / 2, 1 + 2 * COLUMNS,
                                  1 + COLUMNS};
        struct comm_traffic sent[2];
        for (int more = 0; more < 2; more++) {
            struct mixture_options opt = {.k = K, .restarts = 1, .max_iterations = 2 + 3 * more};
            struct mixture_model *model = NULL;
            struct comm_traffic before = comm_traffic();
            opt.covariance = goldens[n].covariance;
            opt.floor = 1e-6;
            assert_all(mixture_fit(&world, &s.rows, &opt, &model) == OK && model->stopped);
            sent[more].collectives = comm_traffic().collectives - before.collectives;
            sent[more].bytes = comm_traffic().bytes - before.bytes;
            mixture_free(&model);
        }
        assert_all(sent[1].collectives - sent[0].collectives == 3);
        assert_all(sent[1].bytes - sent[0].bytes == 3 * 16 * (K * terms[n] + 2));
    }
    sample_clear(&s);
}

/* Whichever agreement fails on whichever rank, all ranks leave with that failure and no model. */
static void fault_sweep(void **state)
{
    (void)state;
    struct sample s;
    struct mixture_model *model = NULL;
    struct mixture_choice choices[2];
    sample_init(&s, &world, 500, COLUMNS, cell);
    struct mixture_options opt = {.k = 3, .restarts = 2, .max_iterations = 2, .floor = 1e-6};
    opt.covariance = MIXTURE_TIED;
    comm_inject_fault(-1, 0);
    assert_all(mixture_fit_range(&world, &s.rows, &opt, 2, 3, choices, &model) == OK);
    mixture_free(&model);
    int64_t agreements = comm_agreements();
    assert_all(agreements > 10);
    for (int64_t a = 0; a < agreements; a++) {
        comm_inject_fault(a, (int)(a % world.ranks));
        assert_all(mixture_fit_range(&world, &s.rows, &opt, 2, 3, choices, &model) != OK);
        assert_all(model == NULL);
    }
    comm_inject_fault(-1, 0);
    sample_clear(&s);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(golden), cmocka_unit_test(apply_golden),
          cmocka_unit_test(same_bits), cmocka_unit_test(likelihood_never_falls),
          cmocka_unit_test(any_units), cmocka_unit_test(few_rows), cmocka_unit_test(range_finds_k),
          cmocka_unit_test(floor_by_hand), cmocka_unit_test(refusals),
          cmocka_unit_test(one_reduction), cmocka_unit_test(fault_sweep))
