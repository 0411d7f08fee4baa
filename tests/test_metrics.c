/* Measures against hand counts, an independent implementation, and pair counting. */
#include "algorithms/metrics.h"
#include "mpi/memory.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 5000, BLOCK = 512 };

/* tests/goldens/metrics.py */
#define GOLDEN_LOG_LOSS 0.7067979413982417
#define GOLDEN_ACCURACY 0.6496
#define GOLDEN_PRECISION 0.6505204163330665
#define GOLDEN_RECALL 0.6489616613418531
#define GOLDEN_F1 0.6497401039584166
#define GOLDEN_AUC 0.6998350715777832
#define GOLDEN_MSE 0.23343008464420936

static float truth[ROWS], score[ROWS];
static uint8_t part[ROWS];

static void make_rows(void)
{
    for (int64_t i = 0; i < ROWS; i++) {
        score[i] = (float)((i * 7919) % 1009) / 1009.0f;
        truth[i] = (double)((i * 104729) % 997) / 997.0 < (double)(0.2f + 0.6f * score[i]);
        part[i] = i % 3 == 1;
    }
}

static struct metrics_rows view(const struct blocks *blocks)
{
    int64_t first = blocks->row_first;
    return (struct metrics_rows){blocks, truth + first, score + first, NULL, 0};
}

static void test_hand(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct metrics_binary got;
    double mse = 0.0;
    int64_t rows = 0;
    const float y[5] = {0, 1, 1, 0, 1}, p[5] = {0.5f, 0.5f, 0.75f, 0.25f, 0.0f};
    assert_all(blocks_cut(&world, 5, 1, &blocks) == OK);
    struct metrics_rows all = {&blocks, y + blocks.row_first, p + blocks.row_first, NULL, 0};
    assert_all(metrics_binary(&world, &all, &got) == OK);
    assert_all(got.rows == 5 && got.positives == 3);
    assert_all(got.true_positives == 2 && got.false_positives == 1);
    assert_close(got.accuracy, 3.0 / 5.0, 1e-15);
    assert_close(got.precision, 2.0 / 3.0, 1e-15);
    assert_close(got.recall, 2.0 / 3.0, 1e-15);
    assert_close(got.f1, 2.0 / 3.0, 1e-15);
    assert_close(got.auc, 3.5 / 6.0,
                 1e-15); /* 0.75 beats both, 0.5 ties one and beats one, 0 none */
    assert_close(got.log_loss, -(2 * log(0.5) + 2 * log(0.75) + log(0x1p-23)) / 5, 1e-15);
    assert_all(metrics_mse(&world, &all, &mse, &rows) == OK && rows == 5);
    assert_close(mse, (0.25 + 0.25 + 0.0625 + 0.0625 + 1.0) / 5, 1e-15);
    blocks_clear(&blocks);
}

static void test_golden(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct metrics_binary got;
    double mse = 0.0;
    int64_t rows = 0;
    make_rows();
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    struct metrics_rows all = view(&blocks);
    assert_all(metrics_binary(&world, &all, &got) == OK);
    assert_all(metrics_mse(&world, &all, &mse, &rows) == OK && rows == ROWS);
    assert_close(got.log_loss, GOLDEN_LOG_LOSS, 1e-12);
    assert_close(got.accuracy, GOLDEN_ACCURACY, 1e-15);
    assert_close(got.precision, GOLDEN_PRECISION, 1e-15);
    assert_close(got.recall, GOLDEN_RECALL, 1e-15);
    assert_close(got.f1, GOLDEN_F1, 1e-15);
    assert_close(got.auc, GOLDEN_AUC, 1e-14);
    assert_close(mse, GOLDEN_MSE, 1e-14);
    blocks_clear(&blocks);
}

/* Any finite score, also negative ones and both zeros, against all pairs of one part. */
static void test_auc_pairs(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    double auc = 0.0, wins = 0.0, pairs = 0.0;
    make_rows();
    for (int64_t i = 0; i < ROWS; i++) {
        float wide = (float)((i * 7919) % 211) - 105.0f;
        score[i] = i % 5 == 0 ? -0.0f : i % 2 ? wide : wide * 1e-4f;
    }
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t j = 0; j < ROWS && part[i] && truth[i] > 0.5f; j++) {
            if (!part[j] || truth[j] > 0.5f) continue;
            wins += score[i] > score[j] ? 1.0 : score[i] == score[j] ? 0.5 : 0.0;
            pairs += 1.0;
        }
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    struct metrics_rows some = view(&blocks);
    some.part = part + blocks.row_first;
    some.chosen = 1;
    assert_all(metrics_auc(&world, &some, &auc) == OK);
    assert_close(auc, wins / pairs, 1e-14);
    blocks_clear(&blocks);
}

static void test_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct blocks mine = {0}, whole = {0};
    struct metrics_binary a, b;
    struct metrics_bin bins_a[10], bins_b[10];
    make_rows();
    assert_all(blocks_cut(&world, ROWS, BLOCK, &mine) == OK);
    assert_all(blocks_cut(&self, ROWS, BLOCK, &whole) == OK);
    struct metrics_rows here = view(&mine), alone = view(&whole);
    assert_all(metrics_binary(&world, &here, &a) == OK);
    assert_all(metrics_binary(&self, &alone, &b) == OK);
    assert_all(memcmp(&a, &b, sizeof a) == 0);
    assert_all(metrics_calibration(&world, &here, 10, bins_a) == OK);
    assert_all(metrics_calibration(&self, &alone, 10, bins_b) == OK);
    assert_all(memcmp(bins_a, bins_b, sizeof bins_a) == 0);
    int64_t rows = 0;
    for (int64_t k = 0; k < 10; k++) {
        rows += bins_a[k].count;
        assert_close(bins_a[k].predicted, 0.05 + 0.1 * (double)k, 0.01);
        assert_close(bins_a[k].observed, 0.2 + 0.6 * bins_a[k].predicted, 0.1);
    }
    assert_all(rows == ROWS);
    blocks_clear(&mine);
    blocks_clear(&whole);
}

static void test_empty_and_wrong(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct metrics_binary got;
    double auc = 0.0;
    make_rows();
    assert_all(blocks_cut(&world, 0, BLOCK, &blocks) == OK);
    struct metrics_rows none = view(&blocks);
    assert_all(metrics_binary(&world, &none, &got) == OK && got.rows == 0 && isnan(got.auc));
    blocks_clear(&blocks);
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    struct metrics_rows all = view(&blocks);
    score[4000] = 1.5f;
    assert_all(metrics_binary(&world, &all, &got) == ERR_DATA);
    assert_all(strstr(status_message(), "row 4000") != NULL);
    score[4000] = (float)NAN;
    assert_all(metrics_auc(&world, &all, &auc) == ERR_NUMERIC);
    assert_all(metrics_calibration(&world, &all, 0, NULL) == ERR_ARG);
    blocks_clear(&blocks);
}

static void test_faults(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct metrics_binary got;
    make_rows();
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    struct metrics_rows all = view(&blocks);
    comm_inject_fault(-1, 0);
    assert_all(metrics_binary(&world, &all, &got) == OK);
    int64_t agreements = comm_agreements();
    assert_all(agreements > 4);
    for (int64_t k = 0; k < agreements; k++)
        for (int rank = 0; rank < world.ranks; rank++) {
            comm_inject_fault(k, rank);
            enum status status = metrics_binary(&world, &all, &got);
            comm_inject_fault(-1, 0);
            assert_all(status != OK);
        }
    blocks_clear(&blocks);
}

TEST_MAIN(cmocka_unit_test(test_hand), cmocka_unit_test(test_golden),
          cmocka_unit_test(test_auc_pairs), cmocka_unit_test(test_any_ranks),
          cmocka_unit_test(test_empty_and_wrong), cmocka_unit_test(test_faults))
