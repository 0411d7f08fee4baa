/* Items by their attributes: vectors by hand, and what they make of portraits. */
#include "tests/harness.h"

#include "algorithms/content.h"

#include <stdlib.h>
#include <string.h>

enum { ITEMS = 5, BITS = 12 };

static const int32_t level[ITEMS] = {0, 1, 1, -1, 2};
static const double number[ITEMS] = {10.0, 20.0, 30.0, NAN, 40.0};
static const char *const text[ITEMS] = {"RED coffee mug", "blue coffee mug, blue!", "green tea",
                                        NULL, "--"};

static const struct content_source sources[3] = {
    {.level = level, .levels = 3}, {.number = number}, {.text = text}};

static double entry(const struct content *c, int64_t item, int64_t field, int64_t at)
{
    return (double)c->value[c->start[item * c->fields + field] + at];
}

static int64_t entries(const struct content *c, int64_t item, int64_t field)
{
    const int64_t *start = c->start + item * c->fields + field;
    return start[1] - start[0];
}

/* Quantiles of four numbers at k / 9 of the way, by the rank below: 10 10 10 20 20 20 30 30 30 40;
 * 25 is half way from knot 3 to knot 6. */
static void numbers_by_hand(void **state)
{
    (void)state;
    struct content c;
    const double more[ITEMS] = {10.0, 20.0, 30.0, 40.0, 12.5};
    assert_all(content_make(ITEMS, 1, &(struct content_source){.number = number}, BITS, &c) == OK);
    assert_all(c.dimensions == CONTENT_KNOTS && entries(&c, 1, 0) == 1 && entries(&c, 3, 0) == 0);
    assert_all(c.dimension[c.start[0]] == 0 && c.dimension[c.start[1]] == 3);
    assert_all(c.dimension[c.start[2]] == 6 && c.dimension[c.start[4]] == 9);
    content_clear(&c);
    assert_all(content_make(ITEMS, 1, &(struct content_source){.number = more}, BITS, &c) == OK);
    double square = 0, knot = 0;
    for (int64_t e = c.start[4]; e < c.start[5]; e++) {
        square += (double)(c.value[e] * c.value[e]);
        knot += c.field[0].knot[c.dimension[e]] * (double)c.value[e];
    }
    assert_close(square, 1.0, 1e-6);
    assert_close(knot / (entry(&c, 4, 0, 0) + (entries(&c, 4, 0) > 1 ? entry(&c, 4, 0, 1) : 0.0)),
                 12.5, 1e-5);
    content_clear(&c);
}

/* Of 5 items coffee and mug are in 2, red, green and tea in 1. */
static void words_by_hand(void **state)
{
    (void)state;
    struct content c;
    assert_all(content_make(ITEMS, 1, &(struct content_source){.text = text}, BITS, &c) == OK);
    assert_all(entries(&c, 0, 0) == 3 && entries(&c, 1, 0) == 3 && entries(&c, 2, 0) == 2);
    assert_all(entries(&c, 3, 0) == 0 && entries(&c, 4, 0) == 0);
    double common = 1.0 + log(6.0 / 3.0), rare = 1.0 + log(6.0 / 2.0);
    double twice = rare * (1.0 + log(2.0)), both = 2.0 * common * common;
    float portrait[1 << BITS] = {0}, likeness = 0;
    content_add(&c, 0, 1.0, portrait);
    content_likeness(&c, 1, portrait, &likeness);
    assert_close((double)likeness, both / sqrt((both + rare * rare) * (both + twice * twice)),
                 1e-6);
    content_likeness(&c, 0, portrait, &likeness);
    assert_close((double)likeness, 1.0, 1e-6);
    content_likeness(&c, 2, portrait, &likeness);
    assert_close((double)likeness, 0.0, 0.0);
    content_clear(&c);
}

static void fields_are_apart(void **state)
{
    (void)state;
    struct content c;
    float portrait[3 + CONTENT_KNOTS + (1 << BITS)] = {0}, likeness[3], score[ITEMS];
    assert_all(content_make(ITEMS, 3, sources, BITS, &c) == OK);
    assert_all(c.dimensions == 3 + CONTENT_KNOTS + (1 << BITS));
    content_add(&c, 1, 2.0, portrait);
    content_likeness(&c, 2, portrait, likeness);
    assert_close((double)likeness[0], 2.0, 0.0); /* the same level */
    assert_close((double)likeness[1], 0.0, 0.0); /* another knot */
    assert_close((double)likeness[2], 0.0, 0.0); /* no word in common */
    content_score(&c, portrait, score);
    for (int64_t i = 0; i < ITEMS; i++) {
        content_likeness(&c, i, portrait, likeness);
        assert_close((double)score[i], (double)(likeness[0] + likeness[1] + likeness[2]), 1e-6);
    }
    assert_close((double)score[3], 0.0, 0.0); /* nothing is known of it */
    content_clear(&c);
}

/* More levels than hashes: still one dimension each, of length 1, the same level the same. */
static void hashed_levels(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct content c;
    int32_t *many = NULL, signs = 0;
    many = calloc(MANY, sizeof *many);
    assert_all(many != NULL);
    for (int32_t i = 0; i < MANY; i++) many[i] = i / 2;
    const struct content_source source = {.level = many, .levels = MANY / 2};
    assert_all(content_make(MANY, 1, &source, 6, &c) == OK);
    assert_all(c.dimensions == 64);
    for (int64_t i = 0; i < MANY; i++) {
        assert_all(entries(&c, i, 0) == 1 && fabs(entry(&c, i, 0, 0)) == 1.0);
        signs += c.value[c.start[i]] > 0.0f;
    }
    assert_all(signs > 400 && signs < 600);
    assert_all(c.dimension[0] == c.dimension[1] && c.value[0] == c.value[1]);
    content_clear(&c);
    free(many);
}

static void bad_input(void **state)
{
    (void)state;
    struct content c;
    assert_all(content_make(ITEMS, CONTENT_FIELDS_MAX + 1, sources, BITS, &c) == ERR_ARG);
    assert_all(content_make(ITEMS, 1, sources, CONTENT_BITS_MAX + 1, &c) == ERR_ARG);
    assert_all(content_make(ITEMS, 1, &(struct content_source){0}, BITS, &c) == ERR_BUG);
    assert_all(content_make(0, 3, sources, BITS, &c) == OK && c.start[0] == 0);
    content_clear(&c);
}

TEST_MAIN(cmocka_unit_test(numbers_by_hand), cmocka_unit_test(words_by_hand),
          cmocka_unit_test(fields_are_apart), cmocka_unit_test(hashed_levels),
          cmocka_unit_test(bad_input))
