/**
 * A distributed dictionary: texts to codes 0 .. count - 1 in sorted order, the same at any number
 * of ranks.
 *
 * For products, categories and factor levels: every rank holds all distinct texts (never for
 * users). Order is by bytes, so codes depend on the set of texts alone.
 */
#ifndef REMISE_PARTITION_DICTIONARY_H
#define REMISE_PARTITION_DICTIONARY_H

#include "mpi/comm.h"

struct dictionary {
    int64_t count;
    int64_t *start; /* [count + 1] offsets into text */
    char *text;     /* all texts in order, each ended by 0 */
};

/* Collects the distinct texts of one rank; codes are provisional, in order of first arrival. */
struct text_set;

/** NULL if out of memory. Free with text_set_free. Local. */
struct text_set *text_set_new(void);
void text_set_free(struct text_set **set);
/** Provisional code of a text, added if new; -1 if out of memory. Local, O(1) expected. */
int64_t text_set_code(struct text_set *set, const char *text, size_t bytes);
/** Distinct texts so far. Local. */
int64_t text_set_count(const struct text_set *set);
/** Text of a provisional code, ended by 0; borrowed until the next text_set_code. Local. */
const char *text_set_text(const struct text_set *set, int64_t code);

/**
 * Merge the sets of all ranks into one dictionary.
 * Collective.
 * codes  out  new [text_set_count]: final code of each provisional one; caller frees. NULL to skip.
 * Free with dictionary_clear.
 * Cost: O(distinct texts) memory and bytes on every rank.
 * Errors: ERR_MEMORY.
 */
enum status dictionary_make(const struct comm *comm, const struct text_set *set,
                            struct dictionary *dictionary, int64_t **codes);

/** Code of a text, -1 if absent. Local, O(log count). */
int64_t dictionary_find(const struct dictionary *dictionary, const char *text, size_t bytes);

/** Text of a code, ended by 0; borrowed. Local. */
const char *dictionary_text(const struct dictionary *dictionary, int64_t code);
/** Free; accepts a zeroed struct. */
void dictionary_clear(struct dictionary *dictionary);

#endif
