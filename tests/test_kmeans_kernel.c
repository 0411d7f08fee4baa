/* The k-means loops of every instruction set against plain arithmetic, for all remainders of rows,
 * columns and k. */
#include "tests/harness.h"

#include "algorithms/kmeans_kernel.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 131, COLUMNS = 35, K = 26, STRIDE = 37 };

static float x[ROWS * STRIDE];
static double centroids[K * COLUMNS];

static void fill(int64_t columns)
{
    for (int64_t i = 0; i < ROWS * STRIDE; i++)
        x[i] = i % STRIDE < columns
                   ? (float)random_uniform(1, RANDOM_TEST, (uint64_t)i, (uint64_t)columns) - 0.5f
                   : NAN;
    for (int64_t i = 0; i < K * columns; i++)
        centroids[i] = random_uniform(2, RANDOM_TEST, (uint64_t)i, (uint64_t)columns) - 0.5;
}

/* The label by the definition: one chain of fused multiply-adds per centroid, the lower centroid in
 * a tie. */
static int32_t nearest(const float *row, int64_t k, int64_t columns)
{
    float least = INFINITY;
    int32_t label = 0;
    for (int64_t c = 0; c < k; c++) {
        double norm = 0;
        for (int64_t j = 0; j < columns; j++) {
            double value = (double)(float)centroids[c * columns + j];
            norm += value * value;
        }
        float score = (float)(norm / 2);
        for (int64_t j = 0; j < columns; j++)
            score = fmaf(-row[j], (float)centroids[c * columns + j], score);
        if (score < least) {
            least = score;
            label = (int32_t)c;
        }
    }
    return label;
}

static bool labels_right(const struct kmeans_kernel *kernel, int64_t rows, int64_t k,
                         int64_t columns, int32_t *labels)
{
    struct kmeans_panels panels = {0};
    bool right = kmeans_panels_init(&panels, kernel, k, columns) == OK;
    if (!right) return false;
    kmeans_panels_set(&panels, centroids);
    labels[rows] = -7; /* must stay */
    kernel->assign(&panels, x, rows, STRIDE, labels);
    for (int64_t i = 0; i < rows; i++)
        right = right && labels[i] == nearest(x + i * STRIDE, k, columns);
    kmeans_panels_clear(&panels);
    return right && labels[rows] == -7;
}

/* Rows added to where they belong, and then moved on to the next cluster. */
static bool sums_right(const struct kmeans_kernel *kernel, int64_t rows, int64_t columns,
                       const int32_t *labels)
{
    static _Alignas(64) double sums[K * (COLUMNS + 7)], expected[K * (COLUMNS + 7)];
    static _Alignas(64) double grid[COLUMNS + 7];
    struct kmeans_move moves[2 * ROWS];
    int64_t pitch = kmeans_pitch(columns);
    memset(sums, 0, sizeof sums);
    memset(expected, 0, sizeof expected);
    memset(grid, 0, sizeof grid);
    for (int64_t j = 0; j < columns; j++) grid[j] = 0x1.8p33 * (double)(1 << (j % 3));
    for (int64_t i = 0; i < rows; i++) {
        int32_t next = (labels[i] + 1) % K;
        moves[i] = (struct kmeans_move){(int32_t)i, -1, labels[i]};
        moves[rows + i] = (struct kmeans_move){(int32_t)i, labels[i], next};
        for (int64_t j = 0; j < columns; j++) {
            double unit = 0x1p-19 * (double)(1 << (j % 3));
            expected[next * pitch + j] += rint((double)x[i * STRIDE + j] / unit) * unit;
        }
    }
    kernel->move(x, STRIDE, columns, grid, moves, 2 * rows, sums);
    bool right = true;
    for (int64_t i = 0; i < K * pitch; i++) right = right && sums[i] == expected[i];
    return right;
}

/* The gap is no more than the other centroids allow, and no less than rounding costs; rows may be
 * picked. */
static bool gaps_right(const struct kmeans_kernel *kernel, int64_t rows, int64_t k, int64_t columns)
{
    struct kmeans_panels panels = {0};
    int32_t index[ROWS], labels[ROWS];
    float gap[ROWS], all[ROWS];
    bool right = kmeans_panels_init(&panels, kernel, k, columns) == OK;
    if (!right) return false;
    kmeans_panels_set(&panels, centroids);
    for (int64_t i = 0; i < rows; i++) index[i] = (int32_t)(i * 7 % ROWS);
    kernel->judge(&panels, x, NULL, ROWS, STRIDE, labels, all);
    kernel->judge(&panels, x, index, rows, STRIDE, labels, gap);
    for (int64_t i = 0; i < rows; i++) {
        const float *row = x + index[i] * STRIDE;
        double least = INFINITY, second = INFINITY;
        for (int64_t c = 0; c < k; c++) {
            double square = 0;
            for (int64_t j = 0; j < columns; j++)
                square += pow((double)row[j] - (double)(float)centroids[c * columns + j], 2);
            second = fmin(second, fmax(least, square));
            least = fmin(least, square);
        }
        double truth = sqrt(second) - sqrt(least);
        right = right && labels[i] == nearest(row, k, columns) && gap[i] == all[index[i]] &&
                (double)gap[i] <= truth && (double)gap[i] > 0.7 * truth - 0.02;
    }
    kmeans_panels_clear(&panels);
    return right;
}

static bool squares_right(const struct kmeans_kernel *kernel, int64_t rows, int64_t columns,
                          const int32_t *labels)
{
    double squares[ROWS], plain[ROWS];
    bool right = true;
    kernel->squares(x, rows, STRIDE, columns, labels, centroids, squares);
    kmeans_kernel_plain->squares(x, rows, STRIDE, columns, labels, centroids, plain);
    for (int64_t i = 0; i < rows; i++) {
        const double *centroid = centroids + labels[i] * columns;
        double sum = 0;
        for (int64_t j = 0; j < columns; j++)
            sum += pow((double)x[i * STRIDE + j] - centroid[j], 2);
        right = right && fabs(squares[i] - sum) <= 1e-14 * (1 + sum);
    }
    return right && memcmp(squares, plain, (size_t)rows * sizeof *squares) == 0;
}

static void every_shape(void **state)
{
    (void)state;
    int32_t labels[ROWS + 1];
    bool right = true;
    for (enum kmeans_path path = KMEANS_PATH_PLAIN; path <= KMEANS_PATH_AVX512; path++) {
        const struct kmeans_kernel *kernel = kmeans_kernel_choose(path);
        if (kernel == NULL) continue;
        for (int64_t n = world.rank; n < COLUMNS * K; n += world.ranks) {
            int64_t columns = n % COLUMNS + 1, k = n / COLUMNS + 1, rows = 1 + n * 13 % ROWS;
            fill(columns);
            right = right && labels_right(kernel, rows, k, columns, labels);
            right = right && sums_right(kernel, rows, columns, labels);
            right = right && (k == 1 || gaps_right(kernel, rows, k, columns));
            right = right && squares_right(kernel, rows, columns, labels);
        }
    }
    assert_all(right);
}

/* Equal centroids: the lower one; and products that fall halfway between two floats. */
static void ties_and_roundings(void **state)
{
    (void)state;
    int32_t labels[ROWS + 1];
    bool right = true;
    for (enum kmeans_path path = KMEANS_PATH_PLAIN; path <= KMEANS_PATH_AVX512; path++) {
        const struct kmeans_kernel *kernel = kmeans_kernel_choose(path);
        if (kernel == NULL) continue;
        fill(4);
        for (int64_t i = 0; i < K * 4; i++) centroids[i] = 0.25;
        right = right && labels_right(kernel, ROWS, K, 4, labels) && labels[0] == 0;
        for (int64_t i = 0; i < ROWS * STRIDE; i++)
            x[i] = 1.0f + (float)(i % 7) * 0x1p-12f + (float)(i % 3) * 0x1p-23f;
        for (int64_t i = 0; i < K * 4; i++)
            centroids[i] = (i % 2 ? 1 : -1) * (1 + 0x1p-12 * (double)(i % 5));
        right = right && labels_right(kernel, ROWS, K, 4, labels);
    }
    assert_all(right);
}

/* A centroid [3] with this first cell whose half norm rounds to `half` exactly. */
static void centroid_of(double first, double half, double *centroid)
{
    centroid[0] = first;
    centroid[1] = (double)(float)(sqrt(2 * half - first * first) - 0x1p-20);
    centroid[2] = (double)(float)sqrt(2 * half - first * first - centroid[1] * centroid[1]);
}

/* 1 + 2^-23 + (2^-24 - 2^-70) is a little below halfway between two floats. Rounded to double it is
 * halfway, and to float then one step too high, where the other centroid, the lower one, wins the
 * tie. */
static void one_rounding(void **state)
{
    (void)state;
    int32_t labels[ROWS + 1];
    bool right = true;
    fill(3);
    for (int64_t i = 0; i < ROWS * STRIDE; i++)
        x[i] = i % STRIDE == 0 ? -0x1p-24f * (1 + 0x1p-23f) : 0;
    centroid_of(0, 1 + 0x1p-22, centroids);
    centroid_of(1 - 0x1p-23, 1 + 0x1p-23, centroids + 3);
    for (enum kmeans_path path = KMEANS_PATH_PLAIN; path <= KMEANS_PATH_AVX512; path++) {
        const struct kmeans_kernel *kernel = kmeans_kernel_choose(path);
        if (kernel == NULL) continue;
        right = right && labels_right(kernel, ROWS, 2, 3, labels) && labels[0] == 1;
    }
    assert_all(right);
}

TEST_MAIN(cmocka_unit_test(every_shape), cmocka_unit_test(ties_and_roundings),
          cmocka_unit_test(one_rounding))
