/* Pseudonyms through the memory of those met last are those of the keyed hash itself. */
#include "tests/harness.h"

#include "jobs/pseudonyms.h"

#include <stdlib.h>
#include <string.h>

static void the_same_as_without_memory(void **state)
{
    (void)state;
    unsigned char secret[USER_SECRET_BYTES] = {7};
    char id[64];
    struct pseudonyms *pseudonyms = NULL;
    int64_t wrong = 0;
    assert_all(pseudonyms_new(secret, 4096, &pseudonyms) == OK); /* 64 of them */
    for (int turn = 0; turn < 3; turn++)
        for (int i = 0; i < 500; i++) {
            size_t bytes = (size_t)snprintf(id, sizeof id, "%0*d", 1 + i % 60, i % 100);
            struct user_key key = pseudonym_of(pseudonyms, id, bytes);
            wrong += user_key_compare(key, user_key_of(secret, id, bytes)) != 0;
        }
    struct user_key empty = pseudonym_of(pseudonyms, "", 0);
    assert_all(user_key_compare(empty, user_key_of(secret, "", 0)) == 0);
    assert_all(wrong == 0);
    pseudonyms_free(&pseudonyms);
    assert_all(pseudonyms == NULL);
}

TEST_MAIN(cmocka_unit_test(the_same_as_without_memory))
