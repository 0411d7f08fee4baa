/* The inner loop of the normal equations against plain sums. */
#include "tests/harness.h"

#include "algorithms/syrk.h"
#include "partition/random.h"

#include <stdlib.h>

enum { STRIPS = 3, STRIP_ROWS = 40, WIDTH = STRIPS * SYRK_STRIP };

static double at(const double *panel, int64_t row, int64_t column)
{
    return panel[(column / SYRK_STRIP * STRIP_ROWS + row) * SYRK_STRIP + column % SYRK_STRIP];
}

/* The upper triangle is right, strips below the diagonal are left alone, and start values stay in
 * the sum. */
static void matches_plain_sums(void **state)
{
    (void)state;
    bool right = true, below_alone = true;
    double *panel = calloc(STRIPS * STRIP_ROWS * SYRK_STRIP, sizeof *panel);
    double *square = calloc(WIDTH * WIDTH, sizeof *square);
    for (int64_t i = 0; i < STRIPS * STRIP_ROWS * SYRK_STRIP; i++)
        panel[i] = random_uniform(13, RANDOM_TEST, (uint64_t)i, 0) - 0.5;
    for (int64_t rows = 0; rows <= STRIP_ROWS; rows += 13) {
        for (int64_t i = 0; i < WIDTH * WIDTH; i++) square[i] = 2.0;
        syrk_add(panel, STRIPS, rows, STRIP_ROWS, square);
        for (int64_t i = 0; i < WIDTH; i++)
            for (int64_t j = 0; j < WIDTH; j++) {
                long double sum = 2.0L;
                for (int64_t k = 0; k < rows; k++)
                    sum += (long double)at(panel, k, i) * at(panel, k, j);
                if (i / SYRK_STRIP > j / SYRK_STRIP) {
                    below_alone = below_alone && square[i * WIDTH + j] == 2.0;
                    continue;
                }
                right = right && fabs(square[i * WIDTH + j] - (double)sum) <= 1e-14;
            }
    }
    assert_all(right);
    assert_all(below_alone);
    free(panel);
    free(square);
}

TEST_MAIN(cmocka_unit_test(matches_plain_sums))
