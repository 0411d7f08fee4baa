/* k-means: Lloyd's iterations, starts, restarts, reseeding, and the same bits on any ranks and
 * processors. */
#include "tests/harness.h"

#include "tests/kmeans_table.h"

#include "algorithms/kmeans.h"
#include "algorithms/kmeans_labels.h"

#include <stdlib.h>
#include <string.h>

enum { K = 7 };

/* tests/goldens/kmeans.py */
static const double golden_centroids_3[] = {
    1.7368092337054393,   -1.1664571704978748,  -1.0777565476423256,  2.3274164942210311,
    0.61563633444780352,  1.3886190859857419,   -0.96985035456583502, 1.1644072247122574,
    -1.1287718133298195,  2.4712431844836917,   1.0976412303412124,   1.6343946855459615,
    -0.49948273843793761, 1.3481123653810418,   0.97519256250182185,  0.98481261859168456,
    -0.56045740059759708, -0.38620760120232683, -0.14287206599664193, -0.79541733607626819,
    0.48905243744721294,  0.64218847314874661,  1.1940505110823714,   -0.29938541160331578,
    2.2848771613639398,   -0.53821596346402845, 2.1536225617280493,   1.0115033687903863,
    0.81084961082503004,  -0.86978452526338135, -1.4472651810975365,  0.1067963677483631,
    1.2058259889528198,   0.65134616943450985,  0.55566720131997216};
static const double golden_inertia_3[] = {3758.3754302175321};
static const double golden_sizes_3[] = {334, 334, 335, 637, 333, 694, 333};
static const double golden_iterations_3[] = {3};
static const double golden_centroids_100[] = {
    1.7368092337054393,   -1.1664571704978748,  -1.0777565476423256,  2.3274164942210311,
    0.61563633444780352,  1.3886190859857419,   -0.96985035456583502, 1.1644072247122574,
    -1.1287718133298195,  2.4712431844836917,   1.1001300097939484,   1.6371683874529968,
    -0.49963841752377841, 1.3470968029456225,   0.98037184641032882,  1.542556642412064,
    -1.2683129009899814,  -0.70242272053394972, -1.4939383085783544,  -0.43083239604044882,
    0.48905243744721294,  0.64218847314874661,  1.1940505110823714,   -0.29938541160331578,
    2.2848771613639398,   -0.24461554335401664, 1.5350531214350367,   0.67612739368243946,
    0.9623139880679672,   -0.96782295505801685, -1.4472651810975365,  0.1067963677483631,
    1.2058259889528198,   0.65134616943450985,  0.55566720131997216};
static const double golden_inertia_100[] = {3118.5231167910924};
static const double golden_sizes_100[] = {334, 334, 334, 333, 333, 999, 333};
static const double golden_iterations_100[] = {16};
static const double golden_label_sum_100[] = {19995332}; /* of row * label, both from 1 */

static void first_rows(double *init, double scale)
{
    for (int64_t c = 0; c < K; c++)
        for (int64_t j = 0; j < COLUMNS; j++) init[c * COLUMNS + j] = scale * cell(c, j);
}

static bool same_model(const struct kmeans_model *a, const struct kmeans_model *b)
{
    size_t cells = (size_t)(a->k * a->columns);
    return a->k == b->k && a->columns == b->columns && a->iterations == b->iterations &&
           a->settled == b->settled && memcmp(&a->inertia, &b->inertia, sizeof a->inertia) == 0 &&
           memcmp(a->centroids, b->centroids, cells * sizeof *a->centroids) == 0 &&
           memcmp(a->sizes, b->sizes, (size_t)a->k * sizeof *a->sizes) == 0;
}

/* ---- tests ---- */

static double on_a_line(int64_t i, int64_t j)
{
    (void)j;
    return (double)(i / 2 * 10 + i % 2); /* 0, 1, 10, 11, 20, 21, ... */
}

static void by_hand(void **state)
{
    (void)state;
    struct sample s;
    struct kmeans_model *model = NULL;
    const double init[2] = {0, 10};
    struct kmeans_options opt = KMEANS_OPTIONS_DEFAULTS;
    opt.k = 2;
    opt.init = init;
    sample_init(&s, &world, 4, 1, on_a_line, 1); /* more ranks than blocks */
    assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == OK);
    assert_all(model->centroids[0] == 0.5 && model->centroids[1] == 10.5);
    assert_all(model->sizes[0] == 2 && model->sizes[1] == 2 && model->inertia == 1.0);
    assert_all(model->iterations == 2 && model->converged && model->settled && !model->stopped);
    kmeans_free(&model);
    sample_clear(&s);
}

static bool near(const double *a, const double *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(a[i] - b[i]) <= 1e-12 * (1 + fabs(b[i])))) return false;
    return true;
}

static void golden(void **state)
{
    (void)state;
    struct sample s;
    double init[K * COLUMNS];
    int64_t label_sum = 0;
    static int32_t labels[ROWS];
    struct kmeans_model *few = NULL, *many = NULL;
    first_rows(init, 1);
    sample_init(&s, &world, ROWS, COLUMNS, cell, 1);
    struct kmeans_options opt = {.k = K, .restarts = 1, .max_iterations = 3, .init = init};
    assert_all(kmeans_fit(&world, &s.rows, &opt, &few) == OK);
    opt.max_iterations = 100;
    assert_all(kmeans_fit(&world, &s.rows, &opt, &many) == OK);
    assert_all(near(few->centroids, golden_centroids_3, K * COLUMNS));
    assert_all(near(many->centroids, golden_centroids_100, K * COLUMNS));
    assert_close(few->inertia, golden_inertia_3[0], 1e-8);
    assert_close(many->inertia, golden_inertia_100[0], 1e-8);
    for (int64_t c = 0; c < K; c++) {
        assert_all(few->sizes[c] == (int64_t)golden_sizes_3[c]);
        assert_all(many->sizes[c] == (int64_t)golden_sizes_100[c]);
    }
    assert_all(few->stopped && few->iterations == (int64_t)golden_iterations_3[0]);
    assert_all(many->settled && many->iterations == (int64_t)golden_iterations_100[0]);
    assert_all(kmeans_apply(many, &s.rows, labels, NULL) == OK);
    for (int64_t i = 0; i < s.blocks.rows_local; i++)
        label_sum += (s.blocks.row_first + i + 1) * (labels[i] + 1);
    comm_sum_int64(&world, &label_sum, 1);
    assert_all(label_sum == (int64_t)golden_label_sum_100[0]);
    kmeans_free(&few);
    kmeans_free(&many);
    sample_clear(&s);
}

/* Start, iterations and restarts on all ranks give the bytes of one rank, on each instruction set.
 */
static void same_bits(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct sample spread, whole;
    sample_init(&spread, &world, ROWS, COLUMNS, cell, 1);
    sample_init(&whole, &self, ROWS, COLUMNS, cell, 1);
    struct kmeans_options opt = {.k = 23, .restarts = 3, .seed = 5, .max_iterations = 30};
    struct kmeans_model *expected = NULL;
    assert_all(kmeans_fit(&self, &whole.rows, &opt, &expected) == OK);
    for (enum kmeans_path path = KMEANS_PATH_BEST; path <= KMEANS_PATH_AVX512; path++) {
        struct kmeans_model *model = NULL;
        if (kmeans_kernel_choose(path) == NULL) continue;
        opt.path = path;
        assert_all(kmeans_fit(&world, &spread.rows, &opt, &model) == OK);
        assert_all(same_model(model, expected));
        kmeans_free(&model);
    }
    kmeans_free(&expected);
    sample_clear(&spread);
    sample_clear(&whole);
}

/* Rows times a power of two give the same fit times it: sums do not depend on the scale. */
static void any_scale(void **state)
{
    (void)state;
    const double scales[2] = {0x1p40, 0x1p-60};
    struct sample s;
    double init[K * COLUMNS];
    struct kmeans_model *one = NULL, *other = NULL;
    struct kmeans_options opt = {.k = K, .restarts = 1, .max_iterations = 9, .init = init};
    opt.tolerance = 1e-6;
    first_rows(init, 1);
    sample_init(&s, &world, ROWS, COLUMNS, cell, 1);
    assert_all(kmeans_fit(&world, &s.rows, &opt, &one) == OK);
    sample_clear(&s);
    for (int n = 0; n < 2; n++) {
        first_rows(init, scales[n]);
        sample_init(&s, &world, ROWS, COLUMNS, cell, scales[n]);
        assert_all(kmeans_fit(&world, &s.rows, &opt, &other) == OK);
        for (int64_t i = 0; i < K * COLUMNS; i++) other->centroids[i] /= scales[n];
        other->inertia /= scales[n] * scales[n];
        assert_all(same_model(one, other));
        kmeans_free(&other);
        sample_clear(&s);
    }
    kmeans_free(&one);
}

/* The labels of every pass, kept with bounds, are those of scores taken anew; so are the sums. */
static void labels_stay_right(void **state)
{
    (void)state;
    struct sample s;
    struct kmeans_panels panels = {0}, anew = {0};
    struct kmeans_sums sums = {0}, whole = {0};
    struct kmeans_labels labels = {0}, plain = {0};
    const struct kmeans_kernel *kernel = kmeans_kernel_choose(KMEANS_PATH_BEST);
    double unit[COLUMNS], centroids[K * COLUMNS];
    static double sum[K * COLUMNS], expected[K * COLUMNS];
    int64_t pruned = 0, still = 0;
    sample_init(&s, &world, ROWS, COLUMNS, cell, 1);
    first_rows(centroids, 1);
    assert_all(kmeans_units(&world, &s.rows, unit) == OK);
    assert_all(kmeans_panels_init(&panels, kernel, K, COLUMNS) == OK &&
               kmeans_panels_init(&anew, kernel, K, COLUMNS) == OK);
    assert_all(kmeans_sums_init(&sums, K, COLUMNS, unit) == OK &&
               kmeans_sums_init(&whole, K, COLUMNS, unit) == OK);
    assert_all(kmeans_labels_init(&labels, &s.rows, &panels, &sums) == OK);
    for (int n = 0; n < 40; n++) {
        enum kmeans_pass pass = kmeans_labels_pass(&labels, centroids);
        pruned += pass == KMEANS_PASS_PRUNE;
        still += pass == KMEANS_PASS_NONE;
        assert_all(kmeans_labels_init(&plain, &s.rows, &anew, &whole) == OK);
        kmeans_labels_pass(&plain, centroids);
        size_t bytes = (size_t)s.blocks.rows_local;
        assert_all(bytes == 0 || memcmp(labels.narrow, plain.narrow, bytes) == 0);
        assert_all(kmeans_sums_reduce(&world, &sums, sum) == OK &&
                   kmeans_sums_reduce(&world, &whole, expected) == OK);
        assert_all(memcmp(sum, expected, sizeof sum) == 0 &&
                   memcmp(sums.count, whole.count, K * sizeof *whole.count) == 0);
        for (int64_t i = 0; i < K * COLUMNS && n < 35; i++) /* then nothing moves any more */
            centroids[i] += 0.25 * (sum[i] / (double)sums.count[i / COLUMNS] - centroids[i]);
        kmeans_labels_clear(&plain);
    }
    assert_all(s.blocks.rows_local == 0 || (pruned > 5 && still > 2));
    kmeans_labels_clear(&labels);
    kmeans_sums_clear(&sums);
    kmeans_sums_clear(&whole);
    kmeans_panels_clear(&panels);
    kmeans_panels_clear(&anew);
    sample_clear(&s);
}

enum { ACROSS = 300, TWICE = 90 };

static int64_t points; /* of on_a_grid(): then the first come again */

static double on_a_grid(int64_t i, int64_t j)
{
    i %= points;
    return (double)(j == 0 ? i % ACROSS : i / ACROSS) - ACROSS / 2;
}

/* Labels of one byte, of two, and none: a cluster for each point, of which TWICE come twice. */
static void any_number_of_clusters(void **state)
{
    (void)state;
    const int64_t ks[3] = {255, 256, 65536};
    for (int n = 0; n < 3; n++) {
        struct sample s;
        struct kmeans_model *model = NULL;
        double *init = NULL;
        points = ks[n];
        assert_all(memory_new(&init, 2 * points, sizeof *init) == OK);
        for (int64_t i = 0; i < 2 * points; i++) init[i] = on_a_grid(i / 2, i % 2) + 0.125;
        struct kmeans_options opt = {.k = points, .restarts = 1, .max_iterations = 1, .init = init};
        sample_init(&s, &world, points + TWICE, 2, on_a_grid, 1);
        assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == OK);
        assert_all(model->inertia == 0 && model->iterations == 1);
        for (int64_t c = 0; c < points; c += points / 5)
            assert_all(model->sizes[c] == (c < TWICE ? 2 : 1));
        kmeans_free(&model);
        sample_clear(&s);
        free(init);
    }
}

static void inertia_never_rises(void **state)
{
    (void)state;
    struct sample s;
    double before = INFINITY;
    struct kmeans_options opt = {.k = 30, .restarts = 1, .seed = 3};
    sample_init(&s, &world, ROWS, COLUMNS, cell, 1);
    for (opt.max_iterations = 0; opt.max_iterations < 12; opt.max_iterations++) {
        struct kmeans_model *model = NULL;
        assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == OK);
        assert_all(model->inertia <= before * (1 + 1e-12));
        assert_all(model->iterations == opt.max_iterations || model->settled);
        before = model->inertia;
        kmeans_free(&model);
    }
    sample_clear(&s);
}

static double far_spots(int64_t i, int64_t j)
{
    return 100 * (double)(i % 20 == j) + uniform((uint64_t)(i * 20 + j)) - 0.5;
}

/* Twenty spots 140 apart: the start finds them all, for any seed. */
static void start_finds_spots(void **state)
{
    (void)state;
    struct sample s;
    struct kmeans_options opt = {.k = 20, .restarts = 1, .max_iterations = 20};
    sample_init(&s, &world, 1000, 20, far_spots, 1);
    for (opt.seed = 0; opt.seed < 5; opt.seed++) {
        struct kmeans_model *model = NULL;
        assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == OK);
        for (int64_t c = 0; c < 20; c++) assert_all(model->sizes[c] == 50);
        assert_all(model->inertia < 1000 * 20 / 10);
        kmeans_free(&model);
    }
    sample_clear(&s);
}

static void restarts_keep_the_best(void **state)
{
    (void)state;
    struct sample s;
    struct kmeans_model *one = NULL, *ten = NULL;
    struct kmeans_options opt = {.k = K, .restarts = 1, .seed = 2, .max_iterations = 50};
    sample_init(&s, &world, ROWS, COLUMNS, cell, 1);
    assert_all(kmeans_fit(&world, &s.rows, &opt, &one) == OK);
    opt.restarts = 10;
    assert_all(kmeans_fit(&world, &s.rows, &opt, &ten) == OK);
    assert_all(ten->inertia <= one->inertia && ten->inertia < golden_inertia_100[0]);
    kmeans_free(&one);
    kmeans_free(&ten);
    sample_clear(&s);
}

static double three_values(int64_t i, int64_t j)
{
    return (double)(i % 3) * (double)(j + 1);
}

/* As many clusters as rows, and more clusters than different rows. */
static void few_rows(void **state)
{
    (void)state;
    const int64_t rows[3] = {3, 5, 400}, k[3] = {3, 5, 6};
    for (int n = 0; n < 3; n++) {
        struct sample s;
        struct kmeans_model *model = NULL;
        struct kmeans_options opt = {.k = k[n], .restarts = 2, .max_iterations = 50};
        int64_t total = 0;
        sample_init(&s, &world, rows[n], 2, three_values, 1);
        assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == OK);
        for (int64_t c = 0; c < k[n]; c++) total += model->sizes[c];
        assert_all(model->inertia == 0.0 && total == rows[n] && model->settled);
        kmeans_free(&model);
        sample_clear(&s);
    }
}

/* A start whose centroids are all the same, or out of reach, still ends with rows in every cluster.
 */
static void empty_clusters_move(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct sample spread, whole;
    double init[40 * COLUMNS];
    sample_init(&spread, &world, ROWS, COLUMNS, cell, 1);
    sample_init(&whole, &self, ROWS, COLUMNS, cell, 1);
    for (int n = 0; n < 2; n++) {
        struct kmeans_model *model = NULL, *expected = NULL;
        struct kmeans_options opt = {.k = 40, .restarts = 1, .max_iterations = 40, .init = init};
        for (int64_t i = 0; i < 40 * COLUMNS; i++) init[i] = n == 1 && i >= COLUMNS ? 1e6 : 0;
        assert_all(kmeans_fit(&world, &spread.rows, &opt, &model) == OK);
        assert_all(kmeans_fit(&self, &whole.rows, &opt, &expected) == OK);
        assert_all(same_model(model, expected));
        for (int64_t c = 0; c < 40; c++) assert_all(model->sizes[c] > 0);
        kmeans_free(&model);
        kmeans_free(&expected);
    }
    sample_clear(&spread);
    sample_clear(&whole);
}

static double distance_to(const double *centroid, int64_t row)
{
    double square = 0;
    for (int64_t j = 0; j < COLUMNS; j++) square += pow(cell(row, j) - centroid[j], 2);
    return sqrt(square);
}

static void apply_labels_rows(void **state)
{
    (void)state;
    struct sample s;
    int32_t labels[ROWS];
    float distance[ROWS];
    bool near_enough = true;
    struct kmeans_model *model = NULL;
    struct kmeans_options opt = {.k = K, .restarts = 1, .max_iterations = 50};
    sample_init(&s, &world, ROWS, COLUMNS, cell, 1);
    assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == OK);
    assert_all(kmeans_apply(model, &s.rows, labels, distance) == OK);
    for (int64_t i = 0; i < s.blocks.rows_local; i++) {
        double least = INFINITY;
        for (int64_t c = 0; c < K; c++)
            least =
                fmin(least, distance_to(model->centroids + c * COLUMNS, s.blocks.row_first + i));
        near_enough = near_enough && fabs((double)distance[i] - least) < 1e-5 && labels[i] < K;
    }
    assert_all(near_enough);
    s.rows.columns = COLUMNS - 1;
    assert_all(kmeans_apply(model, &s.rows, labels, distance) == ERR_ARG);
    kmeans_free(&model);
    sample_clear(&s);
}

/* Rows that float32 cannot hold: refined figures are those of the double rows. */
static void refine_sharpens(void **state)
{
    (void)state;
    struct sample s;
    static double x[ROWS * COLUMNS];
    int32_t labels[ROWS];
    double init[K * COLUMNS];
    struct kmeans_model *model = NULL;
    first_rows(init, 1.0 / 3);
    sample_init(&s, &world, ROWS, COLUMNS, cell, 1.0 / 3);
    for (int64_t i = 0; i < s.blocks.rows_local * COLUMNS; i++)
        x[i] = cell(s.blocks.row_first + i / COLUMNS, i % COLUMNS) / 3;
    struct kmeans_options opt = {.k = K, .restarts = 1, .max_iterations = 100, .init = init};
    assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == OK);
    assert_all(fabs(9 * model->inertia - golden_inertia_100[0]) > 1e-9);
    assert_all(kmeans_apply(model, &s.rows, labels, NULL) == OK);
    assert_all(kmeans_refine(&world, &s.blocks, x, labels, model) == OK);
    assert_close(9 * model->inertia, golden_inertia_100[0], 1e-10);
    for (int64_t i = 0; i < K * COLUMNS; i++)
        assert_all(fabs(3 * model->centroids[i] - golden_centroids_100[i]) < 1e-13);
    kmeans_free(&model);
    sample_clear(&s);
}

static void refusals(void **state)
{
    (void)state;
    struct sample s;
    struct kmeans_model *model = NULL;
    struct kmeans_options good = KMEANS_OPTIONS_DEFAULTS, opt;
    sample_init(&s, &world, 30, COLUMNS, cell, 1);
    opt = good, opt.k = 0;
    assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == ERR_ARG && model == NULL);
    opt = good, opt.k = 31;
    assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == ERR_ARG && model == NULL);
    opt = good, opt.restarts = 0;
    assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == ERR_ARG);
    opt = good, opt.tolerance = NAN;
    assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == ERR_ARG);
    if (s.blocks.rows_local > 0) s.x[4] = NAN; /* on rank 0 alone */
    assert_all(kmeans_fit(&world, &s.rows, &good, &model) == ERR_NUMERIC && model == NULL);
    if (s.blocks.rows_local > 0) s.x[4] = 1e20f;
    assert_all(kmeans_fit(&world, &s.rows, &good, &model) == ERR_NUMERIC && model == NULL);
    sample_clear(&s);
}

/* Whichever agreement fails on whichever rank, all ranks leave with that failure and no model. */
static void fault_sweep(void **state)
{
    (void)state;
    struct sample s;
    struct kmeans_model *model = NULL;
    static double init[40 * COLUMNS]; /* all 0: the reseeding is swept too */
    struct kmeans_options opt = {.k = 40, .restarts = 2, .max_iterations = 3, .tolerance = 1e-9};
    sample_init(&s, &world, 700, COLUMNS, cell, 1);
    for (int n = 0; n < 2; n++) {
        opt.init = n == 1 ? init : NULL;
        comm_inject_fault(-1, 0);
        assert_all(kmeans_fit(&world, &s.rows, &opt, &model) == OK);
        kmeans_free(&model);
        int64_t agreements = comm_agreements();
        assert_all(agreements > 5);
        for (int64_t a = 0; a < agreements; a++) {
            comm_inject_fault(a, (int)(a % world.ranks));
            assert_all(kmeans_fit(&world, &s.rows, &opt, &model) != OK && model == NULL);
        }
        comm_inject_fault(-1, 0);
    }
    sample_clear(&s);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(golden), cmocka_unit_test(same_bits),
          cmocka_unit_test(any_scale), cmocka_unit_test(any_number_of_clusters),
          cmocka_unit_test(labels_stay_right), cmocka_unit_test(inertia_never_rises),
          cmocka_unit_test(start_finds_spots), cmocka_unit_test(restarts_keep_the_best),
          cmocka_unit_test(few_rows), cmocka_unit_test(empty_clusters_move),
          cmocka_unit_test(apply_labels_rows), cmocka_unit_test(refine_sharpens),
          cmocka_unit_test(refusals), cmocka_unit_test(fault_sweep))
