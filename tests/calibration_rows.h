/* Rows with known curves and chances, as tests/goldens/calibration.py makes them. */
#ifndef REMISE_TESTS_CALIBRATION_ROWS_H
#define REMISE_TESTS_CALIBRATION_ROWS_H

#include "tests/harness.h"

#include "partition/blocks.h"

enum { ROWS = 5000, BLOCK = 256 };

static float rows_a[ROWS], rows_b[ROWS], rows_dose[ROWS], rows_y[ROWS], rows_weight[ROWS];
static double rows_score[ROWS];
static uint8_t rows_half[ROWS];

static double rows_chance(int64_t i)
{
    return 1.0 / (1.0 + exp(-(0.5 + 0.6 * (double)rows_a[i] +
                              1.5 * (double)rows_b[i] * (double)rows_dose[i])));
}

static void rows_make(void)
{
    for (int64_t i = 0; i < ROWS; i++) {
        rows_a[i] = (float)(-3.0 + 4.0 * (double)((i * 7919) % 1009) / 1009.0);
        rows_b[i] = (float)(1.0 + 5.0 * (double)((i * 3571) % 499) / 499.0);
        rows_dose[i] = 0.05f * (float)(i * 31 % 5);
        rows_weight[i] = 0.5f + (float)(i % 7) / 4.0f;
        rows_y[i] = (double)((i * 104729) % 997) / 997.0 < rows_chance(i);
        rows_half[i] = i / 10 % 2 == 1;
        double score = (double)rows_a[i] + (double)rows_b[i] * (double)rows_dose[i];
        rows_score[i] = i % 11 == 0 ? -5.0 : rint(score * 100.0) / 100.0;
    }
}

#endif
