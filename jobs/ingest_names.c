/* Hashes of names to codes. */
#include "jobs/ingest_names.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static uint64_t hash_of(const char *text, size_t bytes)
{
    uint64_t hash = XXH3_64bits(text, bytes);
    return hash != 0 ? hash : 1;
}

enum status names_init(struct names *names)
{
    *names = (struct names){.met = text_set_new()};
    return names->met != NULL ? OK : FAIL(ERR_MEMORY, "no memory for names");
}

uint64_t names_add(struct names *names, const char *text, size_t bytes)
{
    int64_t before = text_set_count(names->met), code = text_set_code(names->met, text, bytes);
    if (code < 0) return 0;
    if (code < before) return names->hash[code];
    if (code >= names->capacity) {
        int64_t capacity = names->capacity > 0 ? 2 * names->capacity : 1024;
        if (memory_grow(&names->hash, names->capacity, capacity, sizeof *names->hash) != OK)
            return 0;
        names->capacity = capacity;
    }
    return names->hash[code] = hash_of(text, bytes);
}

/* ---- the dictionary ---- */

static int64_t slot_of(const struct names *names, uint64_t hash)
{
    uint64_t mask = (uint64_t)names->slots - 1, slot = hash & mask;
    while (names->slot_hash[slot] != 0 && names->slot_hash[slot] != hash) slot = (slot + 1) & mask;
    return (int64_t)slot;
}

static enum status fill_slots(struct names *names)
{
    enum status status = OK;
    const struct dictionary *dictionary = &names->dictionary;
    for (names->slots = 16; names->slots < 2 * dictionary->count;) names->slots *= 2;
    TRY(memory_new(&names->slot_hash, names->slots, sizeof *names->slot_hash));
    TRY(memory_new(&names->slot_code, names->slots, sizeof *names->slot_code));
    for (int64_t c = 0; c < dictionary->count; c++) {
        const char *text = dictionary_text(dictionary, c);
        uint64_t hash = hash_of(text, strlen(text));
        int64_t slot = slot_of(names, hash);
        if (names->slot_hash[slot] == hash)
            TRY(FAIL(ERR_DATA,
                     "the names \"%s\" and \"%s\" cannot be told apart by their hashes; "
                     "rename one of them",
                     text, dictionary_text(dictionary, names->slot_code[slot])));
        names->slot_hash[slot] = hash;
        names->slot_code[slot] = (int32_t)c;
    }
done:
    return status;
}

enum status names_settle(const struct comm *comm, struct names *names)
{
    enum status status = OK;
    TRY(dictionary_make(comm, names->met, &names->dictionary, NULL));
    text_set_free(&names->met);
    free(names->hash);
    names->hash = NULL;
    TRY_ALL(comm, fill_slots(names));
done:
    return status;
}

int32_t names_code(const struct names *names, uint64_t hash)
{
    if (hash == 0) return -1;
    int64_t slot = slot_of(names, hash);
    return names->slot_hash[slot] == hash ? names->slot_code[slot] : -1;
}

void names_join(const struct comm *comm, int32_t *codes, int64_t count)
{
    for (int64_t done = 0; done < count; done += 1024) {
        int64_t wide[1024], now = count - done < 1024 ? count - done : 1024;
        for (int64_t i = 0; i < now; i++) wide[i] = codes[done + i];
        comm_max_int64(comm, wide, now);
        for (int64_t i = 0; i < now; i++) codes[done + i] = (int32_t)wide[i];
    }
}

/* ---- leaving some out ---- */

enum status names_share(const struct comm *comm, uint8_t *used, int64_t count)
{
    enum { AT_ONCE = 8192 };
    enum status status = OK;
    int64_t *wide = NULL;
    TRY_ALL(comm, memory_new(&wide, AT_ONCE, sizeof *wide));
    for (int64_t done = 0; done < count; done += AT_ONCE) {
        int64_t now = count - done < AT_ONCE ? count - done : AT_ONCE;
        for (int64_t i = 0; i < now; i++) wide[i] = used[done + i];
        comm_max_int64(comm, wide, now);
        for (int64_t i = 0; i < now; i++) used[done + i] = wide[i] != 0;
    }
done:
    free(wide);
    return status;
}

/* Move the texts that stay to the front; both arrays only shrink. */
static void shrink_dictionary(struct dictionary *dictionary, const int32_t *code)
{
    int64_t kept = 0, at = 0;
    for (int64_t c = 0; c < dictionary->count; c++) {
        int64_t first = dictionary->start[c], bytes = dictionary->start[c + 1] - first;
        if (code[c] < 0) continue;
        memmove(dictionary->text + at, dictionary->text + first, (size_t)bytes);
        dictionary->start[kept++] = at;
        at += bytes;
    }
    dictionary->start[kept] = at;
    dictionary->count = kept;
}

enum status names_keep(const struct comm *comm, struct names *names, uint8_t *used, int32_t **code)
{
    enum status status = OK;
    int64_t count = names->dictionary.count;
    int32_t kept = 0;
    TRY_ALL(comm, memory_new(code, count, sizeof **code));
    TRY(names_share(comm, used, count));
    for (int64_t c = 0; c < count; c++) (*code)[c] = used[c] ? kept++ : -1;
    shrink_dictionary(&names->dictionary, *code);
done:
    return status;
}

void names_clear(struct names *names)
{
    text_set_free(&names->met);
    free(names->hash);
    dictionary_clear(&names->dictionary);
    free(names->slot_hash);
    free(names->slot_code);
    *names = (struct names){0};
}
