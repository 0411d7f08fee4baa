/* Recalibration of curves, the logistic regression under it, and reliability tables. */
#include "tests/calibration_rows.h"

#include "algorithms/calibration.h"
#include "algorithms/logistic.h"
#include "algorithms/reliability.h"

#include <string.h>

/* tests/goldens/calibration.py: shift, scale_a, scale_b */
static const double golden[3] = {0.50605292734768259, 0.60582764138896406, 1.474234017517899};

static double columns(const void *context, int64_t i, double *x)
{
    const int64_t *first = context;
    x[0] = 1.0;
    x[1] = (double)rows_a[*first + i];
    x[2] = (double)rows_b[*first + i] * (double)rows_dose[*first + i];
    x[3] = -x[2]; /* what may not fall below 0 stays at 0 */
    return 0.0;
}

static void logistic_as_others_find(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct logistic_result result;
    rows_make();
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    int64_t at = blocks.row_first;
    static const bool not_negative[4] = {false, false, true, true};
    struct logistic_rows rows = {&blocks, 3, columns, &at, rows_y + at, rows_weight + at, NULL};
    struct logistic_options opt = {not_negative, NULL, 50};
    double c[4] = {0, 0, 0, 0.5};
    assert_all(logistic_fit(&world, &rows, &opt, c, &result) == OK && result.converged);
    for (int j = 0; j < 3; j++) assert_close(c[j], golden[j], 1e-6);
    rows.columns = 4;
    c[0] = c[1] = c[2] = 0;
    assert_all(logistic_fit(&world, &rows, &opt, c, &result) == OK && result.converged);
    for (int j = 0; j < 3; j++) assert_close(c[j], golden[j], 1e-6);
    assert_all(c[3] == 0.0 && result.iterations < 30);
    static const double ridge[3] = {1e9, 1e9, 1e9}; /* nothing moves against that */
    rows.columns = 3;
    opt.ridge = ridge;
    double start[3] = {0.1, 0.2, 0.3};
    assert_all(logistic_fit(&world, &rows, &opt, start, &result) == OK);
    for (int j = 0; j < 3; j++) assert_close(start[j], 0.1 * (j + 1), 1e-5);
    rows.columns = 0;
    assert_all(logistic_fit(&world, &rows, &opt, start, &result) == ERR_ARG);
    blocks_clear(&blocks);
}

static const struct calibration_options mapped = {.isotonic = true};

static struct calibration_rows view(const struct blocks *blocks)
{
    int64_t at = blocks->row_first;
    return (struct calibration_rows){blocks,      rows_a + at,      rows_b + at,   rows_dose + at,
                                     rows_y + at, rows_weight + at, rows_half + at};
}

/* Curves that are wrong in their logits are mended; the map finds no more to do. */
static void curves_are_mended(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct calibration c = {0};
    struct calibration_check check;
    rows_make();
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    const struct calibration_rows rows = view(&blocks);
    assert_all(calibration_fit(&world, &rows, &mapped, &c, &check) == OK);
    assert_all(c.taken[CALIBRATION_LOGIT] && c.map.knots == 0);
    assert_close(c.shift, 0.5, 0.1);
    assert_close(c.scale_a, 0.6, 0.05);
    assert_close(c.scale_b, 1.5, 0.15);
    assert_all(check.gain[CALIBRATION_LOGIT] > 5 * check.gain_error[CALIBRATION_LOGIT]);
    assert_all(check.loss[CALIBRATION_LOGIT] < check.loss[CALIBRATION_NONE]);
    float a = 1.0f, b = 2.0f;
    double chance = calibration_chance(&c, 1.0, 2.0, 0.1);
    calibration_curves(&c, 1, &a, &b);
    calibration_check_clear(&check);
    assert_close(1.0 / (1.0 + exp(-((double)a + 0.1 * (double)b))), chance, 1e-6);
    calibration_clear(&c);
    blocks_clear(&blocks);
}

/* Right curves stay what they are. */
static void right_curves_stay(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct calibration c = {0};
    rows_make();
    for (int64_t i = 0; i < ROWS; i++) {
        rows_a[i] = 0.5f + 0.6f * rows_a[i];
        rows_b[i] *= 1.5f;
    }
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    const struct calibration_rows rows = view(&blocks);
    assert_all(calibration_fit(&world, &rows, &mapped, &c, NULL) == OK);
    assert_all(!c.taken[CALIBRATION_LOGIT] && c.shift == 0.0 && c.scale_a == 1.0);
    calibration_clear(&c);
    blocks_clear(&blocks);
}

/* Chances that no logit maps right: the map is taken, and rises. */
static void maps_where_they_help(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct blocks blocks = {0}, whole = {0};
    struct calibration c = {0}, alone = {0};
    struct calibration_check check, checked;
    rows_make();
    for (int64_t i = 0; i < ROWS; i++) {
        double p = rows_chance(i) < 0.7 ? 0.1 : 0.6; /* a step */
        rows_y[i] = (double)((i * 104729) % 997) / 997.0 < p;
    }
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    assert_all(blocks_cut(&self, ROWS, BLOCK, &whole) == OK);
    const struct calibration_rows rows = view(&blocks), all = view(&whole);
    assert_all(calibration_fit(&world, &rows, &mapped, &c, &check) == OK);
    assert_all(c.taken[CALIBRATION_ISOTONIC] && c.map.knots > 1);
    double before = 0.0;
    for (int d = 0; d <= 20; d++, before = calibration_chance(&c, -1.0, 3.0, 0.05 * (d - 1)))
        assert_all(calibration_chance(&c, -1.0, 3.0, 0.05 * d) >= before);
    assert_close(calibration_chance(&c, -2.0, 1.0, 0.0), 0.1, 0.05);
    assert_close(calibration_chance(&c, 1.0, 6.0, 0.2), 0.6, 0.12);
    assert_all(calibration_fit(&self, &all, &mapped, &alone, &checked) == OK);
    assert_all(memcmp(check.loss, checked.loss, sizeof check.loss) == 0);
    assert_all(memcmp(check.gain_error, checked.gain_error, sizeof check.gain_error) == 0);
    for (int h = 0; h < 2; h++)
        assert_all(check.half[h].map.knots > 1 &&
                   check.half[h].map.knots == checked.half[h].map.knots);
    calibration_check_clear(&check);
    calibration_check_clear(&checked);
    assert_all(c.map.knots == alone.map.knots && c.shift == alone.shift);
    assert_all(memcmp(c.map.y, alone.map.y, (size_t)c.map.knots * sizeof *c.map.y) == 0);
    calibration_clear(&c);
    calibration_clear(&alone);
    blocks_clear(&blocks);
    blocks_clear(&whole);
}

/* A response that saturates: the dose is bent, to what it was made with. */
static void doses_are_bent(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct calibration c = {0};
    static const double made[5] = {0, 0.14, 0.18, 0.19, 0.2};
    const struct calibration_options bent = {.knots = {.knots = 4, .dose = {0.05, 0.1, 0.15, 0.2}}};
    rows_make();
    for (int64_t i = 0; i < ROWS; i++) {
        double z = 2.5 * (double)rows_b[i] * made[i * 31 % 5] + (double)rows_a[i];
        rows_y[i] = (double)((i * 104729) % 997) / 997.0 < 1.0 / (1.0 + exp(-z));
    }
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    const struct calibration_rows rows = view(&blocks);
    assert_all(calibration_fit(&world, &rows, &bent, &c, NULL) == OK);
    assert_all(c.taken[CALIBRATION_DOSE] && c.shape.knots == 4);
    assert_close(c.scale_b, 2.5, 0.3);
    for (int k = 0; k < 5; k++) assert_close(dose_apply(&c.shape, 0.05 * k), made[k], 0.035);
    assert_close(dose_apply(&c.shape, 0.2), 0.2, 1e-12);
    assert_all(dose_apply(&c.shape, 0.3) >= 0.2);
    calibration_clear(&c);
    blocks_clear(&blocks);
}

static void nothing_to_judge(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct calibration c = {0};
    rows_make();
    memset(rows_half, 2, sizeof rows_half);
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    const struct calibration_rows rows = view(&blocks);
    assert_all(calibration_fit(&world, &rows, &mapped, &c, NULL) == OK);
    assert_all(!c.taken[CALIBRATION_LOGIT] && c.scale_a == 1.0 && c.scale_b == 1.0);
    blocks_clear(&blocks);
}

/* ---- reliability ---- */

static float predicted[ROWS];

static struct reliability_rows judged(const struct blocks *blocks)
{
    int64_t at = blocks->row_first;
    return (struct reliability_rows){blocks,           predicted + at, rows_y + at,
                                     rows_weight + at, rows_dose + at, NULL};
}

static void reliability_by_hand(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    struct reliability r;
    const float p[5] = {0.25f, 0.25f, 0.75f, 0.75f, 0.5f}, y[5] = {0, 1, 1, 1, 0};
    const float weight[5] = {1, 3, 2, 2, 9}, dose[5] = {0, 0.5f, 0, 0.5f, 0};
    const uint8_t skip[5] = {0, 0, 0, 0, 1};
    assert_all(blocks_cut(&world, 5, 1, &blocks) == OK);
    int64_t at = blocks.row_first;
    struct reliability_rows rows = {&blocks, p + at, y + at, weight + at, dose + at, skip + at};
    assert_all(reliability_make(&world, &rows, 10, &r) == OK);
    assert_all(r.table.bins == 2 && r.table.all.rows == 4 && r.levels == 2);
    assert_close(r.table.bin[0].observed, 0.75, 1e-15);
    assert_close(r.table.bin[0].std_error, sqrt(10.0 * 3 / 16) / 4, 1e-15);
    assert_close(r.table.bin[1].predicted, 0.75, 1e-15);
    assert_close(r.table.ece, (4 * 0.5 + 4 * 0.25) / 8, 1e-15);
    assert_close(r.log_loss, -(log(0.75) + 3 * log(0.25) + 4 * log(0.75)) / 8, 1e-15);
    assert_close(r.level[1].dose, 0.5, 0);
    assert_close(r.level[1].table.all.observed, 1.0, 1e-15);
    assert_close(r.level[1].table.all.predicted, (3 * 0.25 + 2 * 0.75) / 5, 1e-15);
    assert_all(reliability_make(&world, &rows, 1, &r) == ERR_ARG);
    blocks_clear(&blocks);
}

/* The ECE of right predictions is about its noise, that of wrong ones is not. */
static void right_chances_have_noise_only(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct blocks blocks = {0}, whole = {0};
    struct reliability r, alone;
    rows_make();
    for (int64_t i = 0; i < ROWS; i++) predicted[i] = (float)rows_chance(i);
    assert_all(blocks_cut(&world, ROWS, BLOCK, &blocks) == OK);
    assert_all(blocks_cut(&self, ROWS, BLOCK, &whole) == OK);
    struct reliability_rows rows = judged(&blocks), all = judged(&whole);
    assert_all(reliability_make(&world, &rows, RELIABILITY_BINS, &r) == OK);
    assert_all(reliability_make(&self, &all, RELIABILITY_BINS, &alone) == OK);
    assert_all(memcmp(&r, &alone, sizeof r) == 0);
    assert_all(r.table.bins == RELIABILITY_BINS && r.levels == 5);
    assert_all(r.table.ece < 2 * r.table.ece_noise);
    for (int64_t l = 0; l < 5; l++) {
        assert_close(r.level[l].dose, 0.05 * (double)l, 1e-7);
        assert_all(r.level[l].table.all.rows == ROWS / 5);
        assert_all(r.level[l].table.ece < 2.5 * r.level[l].table.ece_noise);
    }
    for (int64_t i = 0; i < ROWS; i++) predicted[i] *= predicted[i];
    assert_all(reliability_make(&world, &rows, RELIABILITY_BINS, &r) == OK);
    assert_all(r.table.ece > 5 * r.table.ece_noise);
    predicted[4001] = 1.5f;
    assert_all(reliability_make(&world, &rows, RELIABILITY_BINS, &r) == ERR_DATA);
    assert_all(strstr(status_message(), "row 4001") != NULL);
    blocks_clear(&blocks);
    blocks_clear(&whole);
}

/* ---- faults ---- */

static enum status all_at_once(const struct blocks *blocks)
{
    struct calibration c = {0};
    struct reliability r;
    const struct calibration_rows rows = view(blocks);
    const struct reliability_rows table = judged(blocks);
    enum status status = calibration_fit(&world, &rows, &mapped, &c, NULL);
    calibration_clear(&c);
    return status == OK ? reliability_make(&world, &table, 4, &r) : status;
}

static void faults(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    rows_make();
    memset(predicted, 0, sizeof predicted);
    assert_all(blocks_cut(&world, 60, 10, &blocks) == OK);
    comm_inject_fault(-1, 0);
    assert_all(all_at_once(&blocks) == OK);
    int64_t agreements = comm_agreements();
    assert_all(agreements > 10);
    for (int64_t k = 0; k < agreements; k += 4) {
        comm_inject_fault(k, (int)(k % world.ranks));
        enum status status = all_at_once(&blocks);
        comm_inject_fault(-1, 0);
        assert_all(status != OK);
    }
    blocks_clear(&blocks);
}

TEST_MAIN(cmocka_unit_test(logistic_as_others_find), cmocka_unit_test(curves_are_mended),
          cmocka_unit_test(right_curves_stay), cmocka_unit_test(maps_where_they_help),
          cmocka_unit_test(doses_are_bent), cmocka_unit_test(nothing_to_judge),
          cmocka_unit_test(reliability_by_hand), cmocka_unit_test(right_chances_have_noise_only),
          cmocka_unit_test(faults))
