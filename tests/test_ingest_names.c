/* Names met by any rank: one dictionary in sorted order, codes by hash, and what stays of it. */
#include "tests/harness.h"

#include "jobs/ingest_names.h"

#include <stdlib.h>
#include <string.h>

static void codes_by_hash(void **state)
{
    (void)state;
    struct names names = {0};
    char name[16];
    assert_all(names_init(&names) == OK);
    uint64_t pear = names_add(&names, "pear", 4), apple = names_add(&names, "apple", 5);
    snprintf(name, sizeof name, "r%02d", world.rank);
    uint64_t own = names_add(&names, name, 3);
    assert_all(pear != 0 && names_add(&names, "pear", 4) == pear);
    assert_all(names_settle(&world, &names) == OK);
    assert_all(names.dictionary.count == 2 + world.ranks);
    assert_all(names_code(&names, apple) == 0 && names_code(&names, pear) == 1);
    assert_all(names_code(&names, own) == 2 + world.rank);
    assert_all(names_code(&names, 0) == -1 && names_code(&names, 12345) == -1);
    names_clear(&names);
}

/* Each rank uses its own name; nobody uses "pear". */
static void what_is_used_stays(void **state)
{
    (void)state;
    struct names names = {0};
    char name[16];
    uint8_t used[64] = {0};
    int32_t *code = NULL;
    assert_all(names_init(&names) == OK);
    names_add(&names, "pear", 4);
    snprintf(name, sizeof name, "r%02d", world.rank);
    uint64_t own = names_add(&names, name, 3);
    assert_all(names_settle(&world, &names) == OK);
    used[names_code(&names, own)] = 1;
    assert_all(names_keep(&world, &names, used, &code) == OK);
    assert_all(names.dictionary.count == world.ranks);
    assert_all(code[0] == -1 && code[names_code(&names, own)] == world.rank);
    assert_all(strcmp(dictionary_text(&names.dictionary, world.rank), name) == 0);
    free(code);
    names_clear(&names);
}

static void no_names(void **state)
{
    (void)state;
    struct names names = {0};
    uint8_t used = 0;
    int32_t *code = NULL;
    assert_all(names_init(&names) == OK);
    assert_all(names_settle(&world, &names) == OK && names.dictionary.count == 0);
    assert_all(names_code(&names, 5) == -1);
    assert_all(names_keep(&world, &names, &used, &code) == OK);
    free(code);
    names_clear(&names);
}

TEST_MAIN(cmocka_unit_test(codes_by_hash), cmocka_unit_test(what_is_used_stays),
          cmocka_unit_test(no_names))
