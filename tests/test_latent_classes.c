/* Latent classes: one class by hand, planted ones found again, none where there are none. */
#include "tests/harness.h"

#include "algorithms/latent_classes.h"
#include "algorithms/latent_pass.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum { ITEMS = 8, HALF = ITEMS / 2, PLANTED = 3, LOOKS = 12, ROWS = 800, BLOCK = 61 };

static const int32_t group[ITEMS] = {0, 0, 0, 0, 1, 1, 1, 1};

struct sample {
    struct blocks blocks;
    struct latent_evidence evidence;
    int64_t *start;
    int32_t *item;
    float *count, *value, *weight;
};

/* Rows of class i % PLANTED look twice as often at an item of their own, and have a higher value
 * there; without classes all are alike. Values stand with items of the second group only, some are
 * missing, and about a level of the row's own. */
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
        double high = j == HALF + own ? 1.5 : 0.0;
        s->item[e] = j;
        s->count[e] = count[j];
        s->weight[e] = j >= HALF && j % 3 != 0 ? 1.0f : 0.0f;
        s->value[e++] = (float)(high + level + 0.5 * random_normal(1, RANDOM_TEST, entity, draw++));
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
    assert_all(memory_new(&s->weight, local * ITEMS, sizeof *s->weight) == OK);
    for (int64_t i = 0; i < local; i++) put_row(s, i, s->blocks.row_first + i, classes);
    s->evidence = (struct latent_evidence){&s->blocks, ITEMS,    group,    s->start,
                                           s->item,    s->count, s->value, s->weight};
}

static void sample_clear(struct sample *s)
{
    blocks_clear(&s->blocks);
    free(s->start);
    free(s->item);
    free(s->count);
    free(s->value);
    free(s->weight);
}

static bool same(const struct latent_classes *a, const struct latent_classes *b)
{
    size_t numbers = (size_t)(a->items * a->classes) * sizeof(double);
    return a->classes == b->classes && memcmp(a->share, b->share, numbers) == 0 &&
           memcmp(a->mean, b->mean, numbers) == 0 && a->within == b->within &&
           a->between == b->between && a->icl == b->icl &&
           memcmp(a->chance, b->chance, (size_t)a->classes * sizeof(double)) == 0;
}

/* ---- by hand ---- */

/* Two classes, two items, a value with one of them. */
static void chances_by_hand(void **state)
{
    (void)state;
    struct latent_classes *model = NULL;
    struct latent_posterior p;
    const int32_t both[2] = {0, 0}, item[2] = {0, 1};
    const float count[2] = {2.0f, 1.0f}, value[2] = {1.0f, 0.0f}, weight[2] = {1.0f, 0.0f};
    const struct latent_row row = {2, item, count, value, weight}, none = {0};
    assert_all(latent_classes_new(2, 2, both, &model) == OK);
    const double share[4] = {0.75, 0.25, 0.25, 0.75}, mean[4] = {1.0, 0.0, 0.0, 0.0};
    for (int j = 0; j < 4; j++) {
        model->share[j] = share[j];
        model->log_share[j] = log(share[j]);
        model->mean[j] = mean[j];
    }
    model->chance[0] = model->chance[1] = 0.5;
    model->within = 1.0;
    model->between = 3.0;
    latent_classes_of(model, &row, -1, &p);
    /* 0.75^2 0.25 to 0.25^2 0.75, and of a value 1 beyond its mean exp(-1 / 2 (1 - 3 / 4)) */
    double odds = 3.0 * exp(0.125);
    assert_close(p.chance[0], odds / (1.0 + odds), 1e-14);
    assert_close(p.level, p.chance[1] * 0.75, 1e-14);
    latent_classes_of(model, &row, 0, &p); /* the other item was the only choice left */
    assert_close(p.chance[0], 0.5, 1e-14);
    latent_classes_of(model, &none, -1, &p);
    assert_close(p.chance[0], 0.5, 1e-14);
    assert_all(p.level == 0.0);
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
        latent_classes_of(model, &row, -1, &p);
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

TEST_MAIN(cmocka_unit_test(chances_by_hand), cmocka_unit_test(planted_are_found),
          cmocka_unit_test(none_where_there_are_none), cmocka_unit_test(few_rows),
          cmocka_unit_test(faults))
