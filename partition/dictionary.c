/* Distinct texts of one rank in a hash set; of all ranks in sorted order. */
#include "partition/dictionary.h"

#include "mpi/memory.h"

#define XXH_INLINE_ALL /* most texts are short: no call for each */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* What is looked at for every text, small enough for the caches. */
struct slot {
    uint64_t word; /* the text itself up to eight bytes, else its hash */
    uint32_t bytes;
    uint32_t code_one; /* code + 1, 0 free */
};

struct text_set {
    int64_t count, slots; /* slots is a power of two */
    struct slot *slot;    /* [slots] */
    uint64_t *hash;       /* [capacity] */
    int64_t *start;       /* [capacity + 1] */
    int64_t capacity, bytes, bytes_capacity;
    char *text;
};

struct text_set *text_set_new(void)
{
    struct text_set *set = NULL;
    if (memory_new(&set, 1, sizeof *set) != OK) return NULL;
    set->slots = 64;
    set->capacity = 32;
    set->bytes_capacity = 1024;
    bool made = memory_new(&set->slot, set->slots, sizeof *set->slot) == OK &&
                memory_new(&set->hash, set->capacity, sizeof *set->hash) == OK &&
                memory_new(&set->start, set->capacity + 1, sizeof *set->start) == OK &&
                memory_new(&set->text, set->bytes_capacity, 1) == OK;
    if (!made) text_set_free(&set);
    return set;
}

void text_set_free(struct text_set **set)
{
    if (*set == NULL) return;
    free((*set)->slot);
    free((*set)->hash);
    free((*set)->start);
    free((*set)->text);
    free(*set);
    *set = NULL;
}

static inline uint64_t load(const char *text, size_t bytes)
{
    uint64_t x = 0;
    memcpy(&x, text, bytes);
    return x;
}

/* Texts of one length up to eight have the same word only if they are the same. */
static inline uint64_t word_of(const char *text, size_t bytes, uint64_t hash)
{
    if (bytes > 8) return hash;
    if (bytes >= 4) return load(text, 4) | load(text + bytes - 4, 4) << 32;
    if (bytes == 0) return 0;
    return load(text, 1) | load(text + bytes / 2, 1) << 8 | load(text + bytes - 1, 1) << 16;
}

/* Into the first free slot from where the hash points. */
static void put_slot(struct slot *slot, int64_t slots, uint64_t hash, struct slot fresh)
{
    uint64_t at = hash & (uint64_t)(slots - 1);
    while (slot[at].code_one != 0) at = (at + 1) & (uint64_t)(slots - 1);
    slot[at] = fresh;
}

static enum status grow_slots(struct text_set *set)
{
    int64_t slots = 2 * set->slots;
    struct slot *fresh = NULL;
    enum status status = memory_new(&fresh, slots, sizeof *fresh);
    if (status != OK) return status;
    for (int64_t i = 0; i < set->slots; i++)
        if (set->slot[i].code_one != 0)
            put_slot(fresh, slots, set->hash[set->slot[i].code_one - 1], set->slot[i]);
    free(set->slot);
    set->slot = fresh;
    set->slots = slots;
    return OK;
}

static enum status make_room(struct text_set *set, int64_t bytes)
{
    enum status status = OK;
    if (4 * (set->count + 1) > 3 * set->slots) TRY(grow_slots(set));
    if (set->count == set->capacity) {
        int64_t capacity = 2 * set->capacity;
        TRY(memory_grow(&set->hash, set->capacity, capacity, sizeof *set->hash));
        TRY(memory_grow(&set->start, set->capacity + 1, capacity + 1, sizeof *set->start));
        set->capacity = capacity;
    }
    if (set->bytes + bytes > set->bytes_capacity) {
        int64_t capacity = 2 * (set->bytes_capacity + bytes);
        TRY(memory_grow(&set->text, set->bytes_capacity, capacity, 1));
        set->bytes_capacity = capacity;
    }
done:
    return status;
}

static int64_t add_text(struct text_set *set, const char *text, uint64_t hash, struct slot slot)
{
    if (set->count == UINT32_MAX - 1 || make_room(set, (int64_t)slot.bytes + 1) != OK) return -1;
    int64_t code = set->count++;
    memcpy(set->text + set->bytes, text, slot.bytes);
    set->bytes += (int64_t)slot.bytes;
    set->text[set->bytes++] = 0;
    set->hash[code] = hash;
    set->start[code + 1] = set->bytes;
    slot.code_one = (uint32_t)(code + 1);
    put_slot(set->slot, set->slots, hash, slot);
    return code;
}

int64_t text_set_code(struct text_set *set, const char *text, size_t bytes)
{
    uint64_t hash = XXH3_64bits(text, bytes), word = word_of(text, bytes, hash);
    uint64_t last = (uint64_t)(set->slots - 1);
    for (uint64_t at = hash & last; set->slot[at].code_one != 0; at = (at + 1) & last) {
        const struct slot *slot = &set->slot[at];
        if (slot->word != word || slot->bytes != bytes) continue;
        int64_t code = (int64_t)slot->code_one - 1;
        if (bytes <= 8 || memcmp(set->text + set->start[code], text, bytes) == 0) return code;
    }
    return add_text(set, text, hash, (struct slot){word, (uint32_t)bytes, 0});
}

int64_t text_set_count(const struct text_set *set)
{
    return set->count;
}

const char *text_set_text(const struct text_set *set, int64_t code)
{
    return set->text + set->start[code];
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* texts[count] into dictionary: sorted, each once. */
static enum status fill(const char **texts, int64_t count, struct dictionary *dictionary)
{
    enum status status = OK;
    int64_t bytes = 0, distinct = 0;
    qsort(texts, (size_t)count, sizeof *texts, compare_text);
    for (int64_t i = 0; i < count; i++)
        if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0) {
            texts[distinct++] = texts[i];
            bytes += (int64_t)strlen(texts[i]) + 1;
        }
    TRY(memory_new(&dictionary->start, distinct + 1, sizeof *dictionary->start));
    TRY(memory_new(&dictionary->text, bytes, 1));
    for (int64_t i = 0; i < distinct; i++) {
        size_t length = strlen(texts[i]) + 1;
        memcpy(dictionary->text + dictionary->start[i], texts[i], length);
        dictionary->start[i + 1] = dictionary->start[i] + (int64_t)length;
    }
    dictionary->count = distinct;
done:
    return status;
}

static enum status merge(const char *all, int64_t bytes, struct dictionary *dictionary)
{
    enum status status = OK;
    const char **texts = NULL;
    int64_t count = 0;
    for (int64_t i = 0; i < bytes; i++) count += all[i] == 0;
    TRY(memory_new(&texts, count, sizeof *texts));
    for (int64_t i = 0, n = 0; n < count; n++) {
        texts[n] = all + i;
        i += (int64_t)strlen(all + i) + 1;
    }
    TRY(fill(texts, count, dictionary));
done:
    free(texts);
    return status;
}

static enum status final_codes(const struct text_set *set, const struct dictionary *dictionary,
                               int64_t **codes)
{
    enum status status = memory_new(codes, set->count, sizeof **codes);
    if (status != OK) return status;
    for (int64_t c = 0; c < set->count; c++)
        (*codes)[c] = dictionary_find(dictionary, set->text + set->start[c],
                                      (size_t)(set->start[c + 1] - set->start[c] - 1));
    return OK;
}

/* Each text goes once to the rank its hash names, which drops repeats before everybody gets the
 * rest. */
static enum status distinct_share(const struct comm *comm, const struct text_set *set, char **share,
                                  int64_t *share_bytes)
{
    enum status status = OK;
    int64_t *counts = NULL, *at = NULL;
    char *send = NULL;
    void *raw = NULL;
    struct text_set *mine = NULL;
    TRY_ALL(comm, memory_new(&counts, comm->ranks, sizeof *counts));
    TRY_ALL(comm, memory_new(&at, (int64_t)comm->ranks + 1, sizeof *at));
    TRY_ALL(comm, memory_new(&send, set->bytes, 1));
    uint64_t ranks = (uint64_t)comm->ranks;
    for (int64_t c = 0; c < set->count; c++)
        counts[(set->hash[c] >> 32) % ranks] += set->start[c + 1] - set->start[c];
    for (int r = 0; r < comm->ranks; r++) at[r + 1] = at[r] + counts[r];
    for (int64_t c = 0; c < set->count; c++) {
        int64_t length = set->start[c + 1] - set->start[c];
        int64_t *to = &at[(set->hash[c] >> 32) % ranks];
        memcpy(send + *to, set->text + set->start[c], (size_t)length);
        *to += length;
    }
    int64_t bytes = 0;
    TRY(comm_exchange(comm, send, counts, 1, &raw, &bytes));
    mine = text_set_new();
    TRY_ALL(comm, mine == NULL ? ERR_MEMORY : OK);
    enum status added = OK;
    for (int64_t i = 0; i < bytes;) {
        size_t length = strlen((char *)raw + i);
        if (text_set_code(mine, (char *)raw + i, length) < 0) added = ERR_MEMORY;
        i += (int64_t)length + 1;
    }
    TRY_ALL(comm, added);
    *share = mine->text;
    *share_bytes = mine->bytes;
    mine->text = NULL;
done:
    free(counts);
    free(at);
    free(send);
    free(raw);
    text_set_free(&mine);
    return status;
}

enum status dictionary_make(const struct comm *comm, const struct text_set *set,
                            struct dictionary *dictionary, int64_t **codes)
{
    enum status status = OK;
    char *share = NULL;
    void *all = NULL;
    int64_t share_bytes = 0, bytes = 0;
    *dictionary = (struct dictionary){0};
    if (codes != NULL) *codes = NULL;
    TRY(distinct_share(comm, set, &share, &share_bytes));
    TRY(comm_gather_all(comm, share, share_bytes, &all, &bytes));
    TRY_ALL(comm, merge(all, bytes, dictionary));
    if (codes != NULL) TRY_ALL(comm, final_codes(set, dictionary, codes));
done:
    free(share);
    free(all);
    if (status != OK) {
        dictionary_clear(dictionary);
        if (codes != NULL) free(*codes), *codes = NULL;
    }
    return status;
}

int64_t dictionary_find(const struct dictionary *dictionary, const char *text, size_t bytes)
{
    int64_t low = 0, high = dictionary->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        const char *here = dictionary_text(dictionary, middle);
        int order = strncmp(here, text, bytes);
        if (order == 0 && here[bytes] != 0) order = 1;
        if (order == 0) return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

const char *dictionary_text(const struct dictionary *dictionary, int64_t code)
{
    return dictionary->text + dictionary->start[code];
}

void dictionary_clear(struct dictionary *dictionary)
{
    free(dictionary->start);
    free(dictionary->text);
    *dictionary = (struct dictionary){0};
}
