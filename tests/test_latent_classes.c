/* Latent classes: one class by hand, planted ones found again, none where there are none. */
#include "tests/harness.h"

#include "algorithms/latent_classes.h"
#include "algorithms/latent_pass.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum {
    GROUPS = 2,
    HALF = 4,
    ITEMS = GROUPS * HALF,
    PLANTED = 3,
    LOOKS = 12,
    ROWS = 800,
    BLOCK = 61
};

/* Of rows of one kind: how much more often they meet what they value, and how levels rise. */
#define TILT 1.0
#define LEVEL_BY 0.5

struct sample {
    struct blocks blocks;
    struct latent_evidence evidence;
    int64_t *start;
    int32_t *item;
    float *count, *value, *other, *lean;
};

/* Rows of class i % PLANTED look twice as often at an item of their own, and have a higher value
 * there; without classes all are alike. Values stand with items of the second group only, some are
 * missing, and about a level of the row's own. Every other one of the rest is in doubt: it may as
 * well be 2 lower, or higher. */
static void put_row(struct sample *s, int64_t at, int64_t i, bool classes)
{
    uint64_t entity = (uint64_t)i, draw = 0;
    double level = random_normal(1, RANDOM_TEST, entity, draw++);
    int32_t own = classes ? (int32_t)(i % PLANTED) : ITEMS;
    float count[ITEMS] = {0};
    for (int k = 0; k < LOOKS; k++) {
        int32_t first = k % 2 * HALF,
                j = (int32_t)random_below(1, RANDOM_TEST, entity, draw++, HALF + 2);
        count[first + (j >= HALF && classes ? own : j % HALF)] += 1.0f;
    }
    int64_t e = s->start[at];
    for (int32_t j = 0; j < ITEMS; j++) {
        if (count[j] == 0.0f) continue;
        double value = (j == HALF + own ? 1.5 : 0.0) + level +
                       0.5 * random_normal(1, RANDOM_TEST, entity, draw++);
        bool valued = j >= HALF && j % 3 != 0;
        s->item[e] = j;
        s->count[e] = count[j];
        double low = (i + j) % 2 == 0 && entity * 7 % 4 < 2 ? 2.0 : 0.0;
        double high = (i + j) % 2 == 0 ? 2.0 - low : 0.0;
        s->value[e] = valued ? (float)(value - low) : NAN;
        s->other[e] = valued ? (float)(value + high) : NAN;
        s->lean[e++] = 0.0f;
    }
    s->start[at + 1] = e;
}

/* Collective for the assertions' sake. */
static void sample_init(struct sample *s, const struct comm *comm, int64_t rows, bool classes)
{
    *s = (struct sample){0};
    assert_all(blocks_cut(comm, rows, BLOCK, &s->blocks) == OK);
    int64_t local = s->blocks.rows_local;
    assert_all(memory_new(&s->start, local + 1, sizeof *s->start) == OK);
    assert_all(memory_new(&s->item, local * ITEMS, sizeof *s->item) == OK);
    assert_all(memory_new(&s->count, local * ITEMS, sizeof *s->count) == OK);
    assert_all(memory_new(&s->value, local * ITEMS, sizeof *s->value) == OK);
    assert_all(memory_new(&s->other, local * ITEMS, sizeof *s->other) == OK);
    assert_all(memory_new(&s->lean, local * ITEMS, sizeof *s->lean) == OK);
    for (int64_t i = 0; i < local; i++) put_row(s, i, s->blocks.row_first + i, classes);
    s->evidence = (struct latent_evidence){&s->blocks, GROUPS,   HALF,     s->start, s->item,
                                           s->count,   s->value, s->other, s->lean};
}

static void sample_clear(struct sample *s)
{
    blocks_clear(&s->blocks);
    free(s->start);
    free(s->item);
    free(s->count);
    free(s->value);
    free(s->other);
    free(s->lean);
}

static bool same(const struct latent_classes *a, const struct latent_classes *b)
{
    size_t of_items = (size_t)(a->items * a->classes) * sizeof(double);
    return a->classes == b->classes && memcmp(a->share, b->share, of_items) == 0 &&
           memcmp(a->mean, b->mean, of_items / GROUPS) == 0 && a->within == b->within &&
           a->between == b->between && a->icl == b->icl &&
           memcmp(a->tilt, b->tilt, sizeof a->tilt) == 0 &&
           memcmp(a->level_by, b->level_by, sizeof a->level_by) == 0 &&
           memcmp(a->chance, b->chance, (size_t)a->classes * sizeof(double)) == 0;
}

/* ---- by hand ---- */

/* Two classes that meet two subjects in one way, and think alike of the second only. */
static struct latent_classes *two_classes(void)
{
    static const double share[4] = {0.75, 0.25, 0.25, 0.75}, mean[4] = {1.0, 0.0, 0.0, 0.0};
    struct latent_classes *model = NULL;
    assert_all(latent_classes_new(2, 1, 2, &model) == OK);
    for (int j = 0; j < 4; j++) {
        model->share[j] = share[j];
        model->log_share[j] = log(share[j]);
        model->mean[j] = mean[j];
    }
    model->chance[0] = model->chance[1] = 0.5;
    model->within = 1.0;
    model->between = 3.0;
    return model;
}

static const int32_t both[2] = {0, 1};
static const float twice_once[2] = {2.0f, 1.0f}, none[2] = {NAN, NAN}, even[2] = {0.0f, 0.0f};

static void chances_by_hand(void **state)
{
    (void)state;
    struct latent_classes *model = two_classes();
    struct latent_posterior p;
    const float value[2] = {1.0f, NAN};
    const struct latent_row row = {2, both, twice_once, value, value, even}, nothing = {0};
    latent_classes_of(model, &row, -1, &p, NULL);
    /* 0.75^2 0.25 to 0.25^2 0.75, and of a value 1 beyond its mean exp(-1 / 2 (1 - 3 / 4)) */
    double odds = 3.0 * exp(0.125);
    assert_close(p.chance[0], odds / (1.0 + odds), 1e-14);
    assert_close(p.value[0], 1.0, 1e-14);
    assert_close(p.value[1], p.chance[1] * 0.75, 1e-14); /* the level */
    latent_classes_of(model, &row, 0, &p, NULL);
    assert_close(p.chance[0], 0.75, 1e-14);
    assert_close(p.value[0], 0.75, 1e-14);
    latent_classes_of(model, &nothing, -1, &p, NULL);
    assert_close(p.chance[0], 0.5, 1e-14);
    assert_all(p.value[0] == 0.5 && p.value[1] == 0.0);
    latent_classes_free(&model);
}

/* Who thinks more of the first than his class does meets it more often. */
static void tilts_by_hand(void **state)
{
    (void)state;
    struct latent_classes *model = two_classes();
    struct latent_posterior p;
    const float value[2] = {1.0f, NAN};
    const struct latent_row row = {2, both, twice_once, value, value, even},
                            unknown = {2, both, twice_once, none, none, even};
    model->tilt[0] = 2.0;
    model->level_by[0] = 0.5; /* of log 4, for three meetings */
    model->between = 1e-12;
    latent_classes_of(model, &row, -1, &p, NULL);
    double off[2] = {-log(2.0), 1.0 - log(2.0)}, likely[2], guess[2];
    for (int c = 0; c < 2; c++) {
        double share = c == 0 ? 0.75 : 0.25, second = 1.0 - share;
        double tilted = share * exp(2.0 * off[c]), all = tilted + second;
        likely[c] = exp(-0.5 * off[c] * off[c]) * pow(tilted / all, 2) * second / all;
        /* the second, met once */
        guess[c] = 2.0 * (1.0 - 3.0 * second / all) / (1.0 + 4.0 * 3.0 * second / all);
    }
    assert_close(p.chance[0], likely[0] / (likely[0] + likely[1]), 1e-9);
    assert_close(p.value[1], log(2.0) + p.chance[0] * guess[0] + p.chance[1] * guess[1], 1e-9);
    latent_classes_of(model, &unknown, -1, &p, NULL);
    assert_close(p.chance[0], 0.75, 1e-9);
    /* met 2 times, by 3 x 3 / 4 expected in one class and 3 x 1 / 4 in the other */
    double first = 1.0 + 2.0 * -0.25 / (1.0 + 4.0 * 2.25), second = 2.0 * 1.25 / (1.0 + 4.0 * 0.75);
    assert_close(p.value[0], log(2.0) + 0.75 * first + 0.25 * second, 1e-9);
    latent_classes_free(&model);
}

/* However often a subject was met, its value is believed to be within three standard deviations. */
static void meetings_tell_so_much_only(void **state)
{
    (void)state;
    struct latent_classes *model = two_classes();
    struct latent_posterior p;
    const float often[2] = {1.0f, 4000.0f};
    const struct latent_row row = {2, both, often, none, none, even};
    model->tilt[0] = 0.5;
    model->within = 0.04;
    latent_classes_of(model, &row, -1, &p, NULL);
    assert_close(p.chance[1], 1.0, 1e-14);
    assert_close(p.value[1], 0.6, 1e-14);
    latent_classes_free(&model);
}

/* One of two values, by what else is known of the row. */
static void doubts_by_hand(void **state)
{
    (void)state;
    struct latent_classes *model = two_classes();
    struct latent_posterior p;
    double other[2];
    const float value[2] = {2.0f, 2.0f}, higher[2] = {2.0f, 5.0f}, lean[2] = {0.0f, 0.5f};
    const struct latent_row row = {2, both, twice_once, value, higher, lean};
    model->chance[0] = 1.0;
    model->chance[1] = 0.0;
    latent_classes_of(model, &row, -1, &p, other);
    /* the first value makes the level 3 / 4, of variance 3 / 4 */
    double odds = exp(0.5 - 0.5 * (4.25 * 4.25 - 1.25 * 1.25) / 1.75);
    assert_close(other[1], odds / (1.0 + odds), 1e-12);
    assert_all(other[0] == 0.0 && p.value[0] == 2.0);
    assert_close(p.value[1], 2.0 + 3.0 * other[1], 1e-12);
    latent_classes_free(&model);
}

/* ---- found again ---- */

/* How many rows have the class of most of their kind, of all ranks. */
static int64_t agreeing(const struct latent_classes *model, const struct sample *s)
{
    int64_t seen[PLANTED][LATENT_CLASSES_MAX] = {{0}}, sum = 0;
    for (int64_t i = 0; i < s->blocks.rows_local; i++) {
        struct latent_row row = latent_row_at(&s->evidence, i);
        struct latent_posterior p;
        int64_t best = 0;
        latent_classes_of(model, &row, -1, &p, NULL);
        for (int64_t c = 1; c < model->classes; c++)
            if (p.chance[c] > p.chance[best]) best = c;
        seen[(s->blocks.row_first + i) % PLANTED][best]++;
    }
    comm_sum_int64(&world, &seen[0][0], PLANTED * LATENT_CLASSES_MAX);
    for (int k = 0; k < PLANTED; k++) {
        int64_t most = 0;
        for (int c = 0; c < LATENT_CLASSES_MAX; c++) most = seen[k][c] > most ? seen[k][c] : most;
        sum += most;
    }
    return sum;
}

static void planted_are_found(void **state)
{
    (void)state;
    struct comm self = comm_self();
    struct sample spread, whole;
    struct latent_classes *model = NULL, *alone = NULL;
    struct latent_options opt = LATENT_OPTIONS_DEFAULTS;
    opt.classes = 6;
    sample_init(&spread, &world, ROWS, true);
    sample_init(&whole, &self, ROWS, true);
    assert_all(latent_classes_fit(&world, &spread.evidence, &opt, &model) == OK);
    assert_all(model->classes == PLANTED && model->rows == ROWS);
    assert_all(agreeing(model, &spread) > ROWS * 85 / 100);
    assert_close(sqrt(model->within), 0.5, 0.06);
    assert_close(sqrt(model->between), 1.0, 0.1);
    for (int64_t c = 0; c < PLANTED; c++) assert_close(model->chance[c], 1.0 / PLANTED, 0.06);
    assert_all(latent_classes_fit(&self, &whole.evidence, &opt, &alone) == OK);
    assert_all(same(model, alone));
    latent_classes_free(&model);
    latent_classes_free(&alone);
    sample_clear(&spread);
    sample_clear(&whole);
}

/* Which subject is met, when it is the more so the higher its value. */
static int32_t drawn_subject(const double *off, uint64_t entity, uint64_t draw)
{
    double sum = 0.0, u = random_uniform(2, RANDOM_TEST, entity, draw);
    for (int32_t j = 0; j < HALF; j++) sum += exp(TILT * off[j]);
    for (int32_t j = 0; j + 1 < HALF; j++)
        if ((u -= exp(TILT * off[j]) / sum) < 0.0) return j;
    return HALF - 1;
}

/* Rows of one kind. Who meets much has a higher level, by LEVEL_BY of the log. */
static void put_tilted(struct sample *s, int64_t at, int64_t i)
{
    uint64_t entity = (uint64_t)i, draw = 0;
    int64_t met = 3 + (int64_t)random_below(2, RANDOM_TEST, entity, draw++, 28);
    double off[HALF],
        level = LEVEL_BY * log1p((double)met) + 0.5 * random_normal(2, RANDOM_TEST, entity, draw++);
    int64_t first = s->start[at];
    for (int32_t j = 0; j < HALF; j++) off[j] = 0.5 * random_normal(2, RANDOM_TEST, entity, draw++);
    for (int32_t j = 0; j < ITEMS; j++) {
        s->item[first + j] = j;
        s->count[first + j] = j < HALF ? 0.0f : 1.0f;
        s->value[first + j] = j < HALF ? NAN : (float)(j + level + off[j - HALF]);
        s->other[first + j] = s->value[first + j];
        s->lean[first + j] = 0.0f;
    }
    for (int64_t k = 0; k < met; k++) s->count[first + drawn_subject(off, entity, draw++)] += 1.0f;
    s->start[at + 1] = first + ITEMS;
}

static void tilt_and_level_are_found(void **state)
{
    (void)state;
    struct sample s;
    struct latent_classes *model = NULL;
    struct latent_options opt = LATENT_OPTIONS_DEFAULTS;
    opt.classes = 1;
    sample_init(&s, &world, ROWS, false);
    for (int64_t i = 0; i < s.blocks.rows_local; i++) put_tilted(&s, i, s.blocks.row_first + i);
    assert_all(latent_classes_fit(&world, &s.evidence, &opt, &model) == OK);
    assert_close(model->tilt[0], TILT, 0.1);
    assert_close(model->tilt[1], 0.0, 0.1); /* all are offered each once */
    assert_close(model->level_by[0], LEVEL_BY, 0.1);
    assert_close(sqrt(model->within), 0.5, 0.05);
    assert_close(sqrt(model->between), 0.5, 0.05);
    for (int j = 0; j < HALF; j++) assert_close(model->share[j], 1.0 / HALF, 0.02);
    for (int j = 1; j < HALF; j++) assert_close(model->mean[j] - model->mean[0], j, 0.1);
    latent_classes_free(&model);
    sample_clear(&s);
}

static void none_where_there_are_none(void **state)
{
    (void)state;
    struct sample s;
    struct latent_classes *model = NULL;
    const struct latent_options opt = LATENT_OPTIONS_DEFAULTS;
    sample_init(&s, &world, ROWS, false);
    assert_all(latent_classes_fit(&world, &s.evidence, &opt, &model) == OK);
    assert_all(model->classes == 1 && model->chance[0] == 1.0);
    assert_close(model->mean[HALF + 1], 0.0, 0.1);
    latent_classes_free(&model);
    sample_clear(&s);
}

/* ---- what can go wrong ---- */

/* One row only: most ranks have none. A row without entries, and a number that is none. */
static void few_rows(void **state)
{
    (void)state;
    struct sample s;
    struct latent_classes *model = NULL;
    struct latent_options opt = LATENT_OPTIONS_DEFAULTS;
    sample_init(&s, &world, 1, true);
    assert_all(latent_classes_fit(&world, &s.evidence, &opt, &model) == OK && model->classes == 1);
    latent_classes_free(&model);
    if (s.blocks.rows_local > 0) s.count[0] = NAN;
    assert_all(latent_classes_fit(&world, &s.evidence, &opt, &model) == ERR_NUMERIC && !model);
    if (s.blocks.rows_local > 0) s.start[1] = 0;
    assert_all(latent_classes_fit(&world, &s.evidence, &opt, &model) == OK);
    assert_all(isfinite(model->icl) && isfinite(model->mean[0]));
    latent_classes_free(&model);
    opt.classes = LATENT_CLASSES_MAX + 1;
    assert_all(latent_classes_fit(&world, &s.evidence, &opt, &model) == ERR_ARG && !model);
    sample_clear(&s);
}

static void faults(void **state)
{
    (void)state;
    struct sample s;
    struct latent_classes *model = NULL;
    struct latent_options opt = LATENT_OPTIONS_DEFAULTS;
    opt.classes = 2;
    opt.max_iterations = 2;
    sample_init(&s, &world, 100, true);
    comm_inject_fault(-1, 0);
    assert_all(latent_classes_fit(&world, &s.evidence, &opt, &model) == OK);
    latent_classes_free(&model);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(latent_classes_fit(&world, &s.evidence, &opt, &model) != OK && model == NULL);
    }
    comm_inject_fault(-1, 0);
    sample_clear(&s);
}

TEST_MAIN(cmocka_unit_test(chances_by_hand), cmocka_unit_test(tilts_by_hand),
          cmocka_unit_test(meetings_tell_so_much_only), cmocka_unit_test(doubts_by_hand),
          cmocka_unit_test(planted_are_found), cmocka_unit_test(tilt_and_level_are_found),
          cmocka_unit_test(none_where_there_are_none), cmocka_unit_test(few_rows),
          cmocka_unit_test(faults))
