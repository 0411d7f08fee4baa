/* Levels, numbers and words to sparse vectors. */
#include "algorithms/content.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { COUNT_BITS = 20 }; /* words are counted by so many bits of their hash */

/* ---- entries ---- */

static enum status put(struct content *content, int64_t *entries, int64_t dimension, double value)
{
    enum status status = OK;
    if (*entries == content->capacity) {
        int64_t capacity = 2 * content->capacity;
        TRY(memory_grow(&content->dimension, content->capacity, capacity,
                        sizeof *content->dimension));
        TRY(memory_grow(&content->value, content->capacity, capacity, sizeof *content->value));
        content->capacity = capacity;
    }
    content->dimension[*entries] = (int32_t)dimension;
    content->value[(*entries)++] = (float)value;
done:
    return status;
}

/* The dimension of a hash, and its sign. */
static int64_t hashed(const struct content_field *field, uint64_t hash, double *sign)
{
    *sign = (hash >> 63) != 0 ? -1.0 : 1.0;
    return field->first + (int64_t)(hash % (uint64_t)field->dimensions);
}

/* ---- levels ---- */

static enum status put_level(struct content *content, const struct content_field *field,
                             const struct content_source *source, int64_t item, int64_t *entries)
{
    int32_t level = source->level[item];
    double sign = 1.0;
    if (level < 0) return OK;
    int64_t at = field->first + level;
    if (source->levels > field->dimensions)
        at = hashed(field, XXH3_64bits_withSeed(&level, sizeof level, 1), &sign);
    return put(content, entries, at, sign);
}

/* ---- numbers ---- */

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Knots at even ranks of the numbers that are there. */
static enum status set_knots(const struct content_source *source, int64_t items,
                             struct content_field *field)
{
    int64_t count = 0;
    double *sorted = NULL;
    enum status status = memory_new(&sorted, items, sizeof *sorted);
    if (status != OK) return status;
    for (int64_t i = 0; i < items; i++)
        if (isfinite(source->number[i])) sorted[count++] = source->number[i];
    qsort(sorted, (size_t)count, sizeof *sorted, by_size);
    for (int64_t k = 0; k < CONTENT_KNOTS && count > 0; k++)
        field->knot[k] = sorted[k * (count - 1) / (CONTENT_KNOTS - 1)];
    free(sorted);
    return OK;
}

/* Between two knots a number is partly at each; knots that coincide count as the first of them. */
static enum status put_number(struct content *content, const struct content_field *field,
                              double number, int64_t *entries)
{
    enum status status = OK;
    const double *knot = field->knot;
    int64_t k = 0, next;
    if (!isfinite(number)) return OK;
    while (k + 1 < CONTENT_KNOTS && knot[k + 1] <= number) k++;
    while (k > 0 && knot[k - 1] == knot[k]) k--;
    for (next = k + 1; next < CONTENT_KNOTS && knot[next] == knot[k];) next++;
    double part = 0.0;
    if (next < CONTENT_KNOTS && number > knot[k])
        part = (number - knot[k]) / (knot[next] - knot[k]);
    double length = sqrt(part * part + (1.0 - part) * (1.0 - part));
    TRY(put(content, entries, field->first + k, (1.0 - part) / length));
    if (part > 0.0) TRY(put(content, entries, field->first + next, part / length));
done:
    return status;
}

/* ---- words ---- */

struct words {
    int64_t count;
    uint64_t hash[CONTENT_WORDS_MAX];
    double times[CONTENT_WORDS_MAX];
};

static bool is_letter(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 128;
}

static void add_word(const char *text, size_t bytes, struct words *words)
{
    char small[64];
    int64_t w = 0;
    if (bytes > sizeof small) bytes = sizeof small;
    for (size_t i = 0; i < bytes; i++)
        small[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    uint64_t hash = XXH3_64bits(small, bytes);
    while (w < words->count && words->hash[w] != hash) w++;
    if (w == CONTENT_WORDS_MAX) return;
    if (w == words->count) {
        words->hash[words->count++] = hash;
        words->times[w] = 0.0;
    }
    words->times[w] += 1.0;
}

static void find_words(const char *text, struct words *words)
{
    words->count = 0;
    for (const char *at = text; text != NULL && *at != '\0';) {
        size_t bytes = 0;
        while (is_letter((unsigned char)at[bytes])) bytes++;
        if (bytes > 0) add_word(at, bytes, words);
        at += bytes + (bytes == 0);
    }
}

/* How many items have each word. */
static enum status count_words(const struct content_source *source, int64_t items, int32_t **count)
{
    struct words words;
    enum status status = memory_new(count, (int64_t)1 << COUNT_BITS, sizeof **count);
    for (int64_t i = 0; i < items && status == OK; i++) {
        find_words(source->text[i], &words);
        for (int64_t w = 0; w < words.count; w++)
            (*count)[words.hash[w] >> 32 & ((1 << COUNT_BITS) - 1)]++;
    }
    return status;
}

struct weighed {
    int64_t dimension;
    double value;
};

static int by_dimension(const void *a, const void *b)
{
    const struct weighed *left = a, *right = b;
    return (left->dimension > right->dimension) - (left->dimension < right->dimension);
}

/* Words to dimensions; those that meet in one add up. Returns how many are left. */
static int64_t weigh(const struct content_field *field, int64_t items, const struct words *words,
                     const int32_t *count, struct weighed *to)
{
    int64_t kept = 0;
    for (int64_t w = 0; w < words->count; w++) {
        double sign = 1.0;
        int32_t having = count[words->hash[w] >> 32 & ((1 << COUNT_BITS) - 1)];
        to[w].dimension = hashed(field, words->hash[w], &sign);
        to[w].value = sign * (1.0 + log(words->times[w])) *
                      (1.0 + log((1.0 + (double)items) / (1.0 + having)));
    }
    qsort(to, (size_t)words->count, sizeof *to, by_dimension);
    for (int64_t w = 0; w < words->count; w++) {
        if (kept > 0 && to[kept - 1].dimension == to[w].dimension)
            to[kept - 1].value += to[w].value;
        else
            to[kept++] = to[w];
    }
    return kept;
}

static enum status put_text(struct content *content, const struct content_field *field,
                            const char *text, const int32_t *count, int64_t *entries)
{
    enum status status = OK;
    struct words words;
    struct weighed weighed[CONTENT_WORDS_MAX];
    double square = 0.0;
    find_words(text, &words);
    int64_t kept = weigh(field, content->items, &words, count, weighed);
    for (int64_t w = 0; w < kept; w++) square += weighed[w].value * weighed[w].value;
    for (int64_t w = 0; w < kept && square > 0.0; w++)
        TRY(put(content, entries, weighed[w].dimension, weighed[w].value / sqrt(square)));
done:
    return status;
}

/* ---- fields ---- */

static enum status check(int64_t fields, const struct content_source *source, int bits)
{
    if (fields < 0 || fields > CONTENT_FIELDS_MAX)
        return FAIL(ERR_ARG, "%lld attributes of products; at most %d can be compared",
                    (long long)fields, CONTENT_FIELDS_MAX);
    if (bits < 1 || bits > CONTENT_BITS_MAX)
        return FAIL(ERR_ARG, "hashes of %d bits; they have 1 to %d", bits, CONTENT_BITS_MAX);
    for (int64_t f = 0; f < fields; f++)
        if ((source[f].level != NULL) + (source[f].number != NULL) + (source[f].text != NULL) != 1)
            return FAIL(ERR_BUG, "attribute %lld is not of one kind", (long long)f);
    return OK;
}

static enum status lay_out(const struct content_source *source, int bits, struct content *content)
{
    enum status status = OK;
    int64_t hashes = (int64_t)1 << bits;
    TRY(memory_new(&content->field, content->fields, sizeof *content->field));
    for (int64_t f = 0; f < content->fields; f++) {
        struct content_field *field = &content->field[f];
        field->first = content->dimensions;
        field->dimensions = hashes;
        if (source[f].number != NULL) field->dimensions = CONTENT_KNOTS;
        if (source[f].level != NULL && source[f].levels < hashes)
            field->dimensions = source[f].levels;
        content->dimensions += field->dimensions;
        if (source[f].number != NULL) TRY(set_knots(&source[f], content->items, field));
    }
done:
    return status;
}

static enum status put_field(struct content *content, const struct content_source *source,
                             int64_t f, int64_t item, const int32_t *count, int64_t *entries)
{
    const struct content_field *field = &content->field[f];
    if (source->level != NULL) return put_level(content, field, source, item, entries);
    if (source->number != NULL) return put_number(content, field, source->number[item], entries);
    return put_text(content, field, source->text[item], count, entries);
}

static enum status fill(const struct content_source *source, int32_t **count,
                        struct content *content)
{
    enum status status = OK;
    int64_t entries = 0, at = 0;
    content->capacity = 2 * content->items * content->fields + 64;
    TRY(memory_new(&content->start, content->items * content->fields + 1, sizeof *content->start));
    TRY(memory_new(&content->dimension, content->capacity, sizeof *content->dimension));
    TRY(memory_new(&content->value, content->capacity, sizeof *content->value));
    for (int64_t f = 0; f < content->fields; f++)
        if (source[f].text != NULL) TRY(count_words(&source[f], content->items, &count[f]));
    for (int64_t i = 0; i < content->items; i++)
        for (int64_t f = 0; f < content->fields; f++) {
            TRY(put_field(content, &source[f], f, i, count[f], &entries));
            content->start[++at] = entries;
        }
done:
    return status;
}

enum status content_make(int64_t items, int64_t fields, const struct content_source *source,
                         int bits, struct content *content)
{
    enum status status = OK;
    int32_t *count[CONTENT_FIELDS_MAX] = {NULL};
    *content = (struct content){.items = items, .fields = fields};
    TRY(check(fields, source, bits));
    TRY(lay_out(source, bits, content));
    TRY(fill(source, count, content));
done:
    for (int64_t f = 0; f < CONTENT_FIELDS_MAX; f++) free(count[f]);
    if (status != OK) content_clear(content);
    return status;
}

void content_clear(struct content *content)
{
    free(content->field);
    free(content->start);
    free(content->dimension);
    free(content->value);
    *content = (struct content){0};
}

/* ---- portraits ---- */

void content_add(const struct content *content, int64_t item, double weight, float *portrait)
{
    const int64_t *start = content->start + item * content->fields;
    for (int64_t e = start[0]; e < start[content->fields]; e++)
        portrait[content->dimension[e]] += (float)(weight * (double)content->value[e]);
}

void content_likeness(const struct content *content, int64_t item, const float *portrait,
                      float *likeness)
{
    const int64_t *start = content->start + item * content->fields;
    for (int64_t f = 0; f < content->fields; f++) {
        double sum = 0;
        for (int64_t e = start[f]; e < start[f + 1]; e++)
            sum += (double)(portrait[content->dimension[e]] * content->value[e]);
        likeness[f] = (float)sum;
    }
}

void content_score(const struct content *content, const float *portrait, float *score)
{
    const int64_t *start = content->start;
    for (int64_t i = 0; i < content->items; i++, start += content->fields) {
        float sum = 0;
        for (int64_t e = start[0]; e < start[content->fields]; e++)
            sum += portrait[content->dimension[e]] * content->value[e];
        score[i] = sum;
    }
}
