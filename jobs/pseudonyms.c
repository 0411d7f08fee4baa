/* A direct-mapped memory of pseudonyms. */
#include "jobs/pseudonyms.h"

#include "mpi/memory.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { SHORT_BYTES = 47 };

/* One cache line. */
struct remembered {
    struct user_key key;
    uint8_t bytes; /* of the id, plus 1; 0: nothing */
    char id[SHORT_BYTES];
};

struct pseudonyms {
    unsigned char secret[USER_SECRET_BYTES];
    int bits;
    struct remembered *entry; /* [2^bits] by the id's unkeyed hash */
};

enum status pseudonyms_new(const unsigned char *secret, int64_t memory_bytes,
                           struct pseudonyms **out)
{
    enum status status = OK;
    struct pseudonyms *pseudonyms = NULL;
    *out = NULL;
    TRY(memory_new(&pseudonyms, 1, sizeof *pseudonyms));
    memcpy(pseudonyms->secret, secret, sizeof pseudonyms->secret);
    pseudonyms->bits = 6;
    while ((int64_t)sizeof(struct remembered) << (pseudonyms->bits + 1) <= memory_bytes)
        pseudonyms->bits++;
    TRY(memory_new(&pseudonyms->entry, (int64_t)1 << pseudonyms->bits, sizeof *pseudonyms->entry));
    *out = pseudonyms;
    pseudonyms = NULL;
done:
    pseudonyms_free(&pseudonyms);
    return status;
}

struct user_key pseudonym_of(struct pseudonyms *pseudonyms, const char *id, size_t bytes)
{
    if (bytes > SHORT_BYTES) return user_key_of(pseudonyms->secret, id, bytes);
    struct remembered *entry =
        &pseudonyms->entry[XXH3_64bits(id, bytes) >> (64 - pseudonyms->bits)];
    if (entry->bytes == bytes + 1 && memcmp(entry->id, id, bytes) == 0) return entry->key;
    entry->key = user_key_of(pseudonyms->secret, id, bytes);
    entry->bytes = (uint8_t)(bytes + 1);
    memcpy(entry->id, id, bytes);
    return entry->key;
}

void pseudonyms_free(struct pseudonyms **pseudonyms)
{
    struct pseudonyms *p = *pseudonyms;
    if (p == NULL) return;
    if (p->entry != NULL) sodium_memzero(p->entry, sizeof *p->entry << p->bits);
    free(p->entry);
    sodium_memzero(p, sizeof *p);
    free(p);
    *pseudonyms = NULL;
}
