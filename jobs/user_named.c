/* Users named by pseudonym or id. */
#include "jobs/user_named.h"

#include "jobs/secret.h"

#include <ctype.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 32, HALF = 16 };

bool user_named_pseudonym(const char *text, struct user_key *key)
{
    char half[HALF + 1] = "";
    if (strlen(text) != DIGITS) return false;
    for (int i = 0; i < DIGITS; i++)
        if (!isxdigit((unsigned char)text[i])) return false;
    memcpy(half, text, HALF);
    key->high = strtoull(half, NULL, 16);
    key->low = strtoull(text + HALF, NULL, 16);
    return true;
}

void user_named_text(struct user_key key, char *text)
{
    snprintf(text, DIGITS + 1, "%016" PRIx64 "%016" PRIx64, key.high, key.low);
}

enum status user_named_id(const struct config *config, const char *id, struct user_key *key)
{
    unsigned char secret[USER_SECRET_BYTES] = {0};
    const char *path = config != NULL ? config_path(config, "privacy.secret_file") : NULL;
    enum status status = secret_look(path, secret);
    if (status == OK) *key = user_key_of(secret, id, strlen(id));
    sodium_memzero(secret, sizeof secret);
    return status;
}
