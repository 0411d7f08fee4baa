/* The distributed dictionary: the same sorted codes whatever rank saw a text first. */
#include "tests/harness.h"

#include "partition/dictionary.h"

#include <stdlib.h>
#include <string.h>

static int64_t add(struct text_set *set, const char *text)
{
    return text_set_code(set, text, strlen(text));
}

static int64_t find(const struct dictionary *dictionary, const char *text)
{
    return dictionary_find(dictionary, text, strlen(text));
}

static void provisional_codes_count_up(void **state)
{
    (void)state;
    struct text_set *set = text_set_new();
    assert_all(set != NULL && text_set_count(set) == 0);
    assert_all(add(set, "pear") == 0 && add(set, "apple") == 1 && add(set, "pear") == 0);
    assert_all(add(set, "") == 2 && add(set, "appl") == 3 && add(set, "") == 2);
    assert_all(text_set_code(set, "applesauce", 5) == 1); /* the length counts, not a final 0 */
    assert_all(text_set_count(set) == 4);
    text_set_free(&set);
    assert_all(set == NULL);
    text_set_free(&set);
}

/* Each rank knows two of the fruits; together they are apple, fig, pear, plum or fewer. */
static void codes_are_sorted(void **state)
{
    (void)state;
    static const char *const fruit[] = {"pear", "apple", "plum", "fig"};
    struct text_set *set = text_set_new();
    struct dictionary dictionary;
    int64_t *codes = NULL;
    for (int i = 0; i < 2; i++) add(set, fruit[(world.rank + i) % 4]);
    assert_all(dictionary_make(&world, set, &dictionary, &codes) == OK);
    int64_t expected = world.ranks < 3 ? world.ranks + 1 : 4;
    assert_all(dictionary.count == expected);
    assert_all(find(&dictionary, "apple") == 0 && find(&dictionary, "grape") == -1);
    assert_all(find(&dictionary, "appl") == -1 && find(&dictionary, "apples") == -1);
    assert_all(find(&dictionary, "") == -1 && find(&dictionary, "zucchini") == -1);
    for (int i = 0; i < 2; i++)
        assert_all(strcmp(dictionary_text(&dictionary, codes[i]), fruit[(world.rank + i) % 4]) ==
                   0);
    for (int64_t c = 1; c < dictionary.count; c++)
        assert_all(strcmp(dictionary_text(&dictionary, c - 1), dictionary_text(&dictionary, c)) <
                   0);
    free(codes);
    dictionary_clear(&dictionary);
    assert_all(dictionary.text == NULL && dictionary.count == 0);
    text_set_free(&set);
}

/* Texts `from`, from + step, ... below 5000, a third of them on every rank as well. */
static struct text_set *many(int from, int step)
{
    struct text_set *set = text_set_new();
    char text[32];
    for (int i = 0; set != NULL && i < 5000; i++) {
        snprintf(text, sizeof text, "product %d \303\251", i * 7919 % 5000);
        if (i % step == from || i % 3 == 0) add(set, text);
    }
    return set;
}

static void same_bytes_at_any_number_of_ranks(void **state)
{
    (void)state;
    struct comm alone = comm_self();
    struct text_set *part = many(world.rank, world.ranks), *all = many(0, 1);
    struct dictionary shared, single;
    assert_all(part != NULL && all != NULL && text_set_count(all) == 5000);
    assert_all(dictionary_make(&world, part, &shared, NULL) == OK);
    assert_all(dictionary_make(&alone, all, &single, NULL) == OK);
    assert_all(shared.count == 5000 && single.count == 5000);
    size_t bytes = (size_t)single.start[5000];
    assert_all(memcmp(shared.start, single.start, 5001 * sizeof *single.start) == 0);
    assert_all(memcmp(shared.text, single.text, bytes) == 0);
    dictionary_clear(&shared);
    dictionary_clear(&single);
    text_set_free(&part);
    text_set_free(&all);
}

static void nobody_brings_anything(void **state)
{
    (void)state;
    struct text_set *set = text_set_new();
    struct dictionary dictionary;
    int64_t *codes = NULL;
    assert_all(dictionary_make(&world, set, &dictionary, &codes) == OK);
    assert_all(dictionary.count == 0 && find(&dictionary, "x") == -1);
    free(codes);
    dictionary_clear(&dictionary);
    if (world.rank == world.ranks - 1) add(set, "only here");
    assert_all(dictionary_make(&world, set, &dictionary, NULL) == OK);
    assert_all(dictionary.count == 1 && find(&dictionary, "only here") == 0);
    dictionary_clear(&dictionary);
    text_set_free(&set);
}

static void survives_faults(void **state)
{
    (void)state;
    struct text_set *set = text_set_new();
    struct dictionary dictionary;
    int64_t *codes = NULL;
    add(set, world.rank == 0 ? "a" : "b");
    comm_inject_fault(-1, 0);
    assert_all(dictionary_make(&world, set, &dictionary, &codes) == OK);
    int64_t agreements = comm_agreements();
    free(codes);
    dictionary_clear(&dictionary);
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(dictionary_make(&world, set, &dictionary, &codes) == ERR_BUG);
            assert_all(codes == NULL && dictionary.text == NULL && dictionary.start == NULL);
        }
    comm_inject_fault(-1, 0);
    text_set_free(&set);
}

TEST_MAIN(cmocka_unit_test(provisional_codes_count_up), cmocka_unit_test(codes_are_sorted),
          cmocka_unit_test(same_bytes_at_any_number_of_ranks),
          cmocka_unit_test(nobody_brings_anything), cmocka_unit_test(survives_faults))
