/* Users with their attributes and counts. */
#include "jobs/ingest_people.h"

#include "jobs/filling.h"
#include "jobs/ingest_join.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void people_clear(struct people *people)
{
    users_clear(&people->users);
    free(people->events);
    free(people->offers);
    free(people->value);
    *people = (struct people){0};
}

/* ---- who ---- */

static enum status make_room(const struct ingest *ingest, struct people *people)
{
    enum status status = OK;
    int64_t rows = people->users.blocks.rows_local, capacity = rows > 0 ? rows * 3 / 2 + 1 : 1024;
    if (rows < people->capacity) return OK;
    TRY(memory_grow(&people->users.key, rows, capacity, sizeof *people->users.key));
    TRY(memory_grow(&people->events, rows, capacity, sizeof *people->events));
    TRY(memory_grow(&people->offers, rows, capacity, sizeof *people->offers));
    if (ingest->csv[TABLE_LABELS] != NULL)
        TRY(memory_grow(&people->users.label, rows, capacity, sizeof *people->users.label));
    TRY(memory_grow(&people->value, rows * ingest->attributes, capacity * ingest->attributes,
                    sizeof *people->value));
    people->capacity = capacity;
done:
    return status;
}

/* The rows of one user in the users table: the first gives the attributes, more are rejected. */
static enum status take_rows(struct ingest *ingest, struct user_walk walk, struct user_key user,
                             struct user_value *value)
{
    enum status status = OK;
    struct account *account = &ingest->rejects.account[TABLE_USERS];
    bool first = true;
    for (; walk.left > 0; walk.left--, walk.at += walk.bytes) {
        const struct user_record *row = (const void *)walk.at;
        if (user_key_compare(row->user, user) != 0) break;
        account->kept += first;
        if (first)
            memcpy(value, row->value, (size_t)ingest->attributes * sizeof *value);
        else
            TRY(rejects_add(&ingest->rejects, TABLE_USERS, REJECT_BIT(REJECT_repeated_user),
                            row->place, -1, "", 0));
        first = false;
    }
done:
    return status;
}

static int64_t rows_of(struct user_walk walk, struct user_key user)
{
    int64_t rows = 0;
    for (; walk.left > 0; walk.left--, walk.at += walk.bytes) {
        if (user_key_compare(((const struct user_record *)(const void *)walk.at)->user, user) != 0)
            break;
        rows++;
    }
    return rows;
}

static int64_t count_labels(const struct user_count *count, int64_t counts)
{
    int64_t labels = 0;
    for (int64_t i = 0; i < counts; i++) labels += count[i].what == COUNTED_LABEL;
    return labels;
}

/* The mean of a user's labels; NaN without. */
static float label_of(const struct user_count *count, int64_t counts, int64_t labels)
{
    int64_t millionths = 0;
    for (int64_t i = 0; i < counts; i++)
        if (count[i].what == COUNTED_LABEL) millionths += count[i].count;
    return labels > 0 ? (float)(1e-6 * (double)millionths / (double)labels) : NAN;
}

static enum status take_user(struct ingest *ingest, struct people *people,
                             const struct user_count *count, int64_t counts, struct user_walk *walk)
{
    enum status status = OK;
    struct user_answer answer = user_walk_to(walk, count->user);
    int64_t labels = count_labels(count, counts);
    struct account *labelled = &ingest->rejects.account[TABLE_LABELS];
    if (answer.refuses || labels == counts) { /* of whom nothing is known but labels is nobody */
        ingest->rejects.account[TABLE_USERS].left_out += rows_of(*walk, count->user);
        labelled->left_out += labels;
        people->refusing += answer.refuses;
        return OK;
    }
    labelled->kept += labels;
    TRY(make_room(ingest, people));
    int64_t u = people->users.blocks.rows_local++;
    people->users.key[u] = count->user;
    people->events[u] = people->offers[u] = 0;
    for (int64_t i = 0; i < counts; i++) {
        if (count[i].what == COUNTED_EVENTS) people->events[u] += count[i].count;
        if (count[i].what == COUNTED_OFFERS) people->offers[u] += count[i].count;
    }
    if (people->users.label != NULL) people->users.label[u] = label_of(count, counts, labels);
    struct user_value *value = people->value + u * ingest->attributes;
    for (int64_t a = 0; a < ingest->attributes; a++) value[a] = (struct user_value){.number = NAN};
    TRY(take_rows(ingest, *walk, count->user, value));
done:
    return status;
}

static enum status take_users(struct ingest *ingest, struct people *people,
                              const struct sorter_batch *batch, const struct sorter_batch *rows)
{
    enum status status = OK;
    const struct user_count *count = batch->records;
    struct user_walk walk = user_walk_begin(ingest, rows);
    for (int64_t first = 0, next = 0; first < batch->count; first = next) {
        while (next < batch->count && user_key_compare(count[next].user, count[first].user) == 0)
            next++;
        TRY(take_user(ingest, people, count + first, next - first, &walk));
    }
done:
    return status;
}

static void count_users(const struct comm *comm, struct people *people)
{
    struct blocks *blocks = &people->users.blocks;
    int64_t totals[2] = {blocks->rows_local, people->refusing};
    blocks->row_first = comm_prefix_int64(comm, blocks->rows_local);
    comm_sum_int64(comm, totals, 2);
    blocks->rows_total = totals[0];
    people->refusing = totals[1];
    blocks->blocks_total = (int64_t)1 << user_block_bits(totals[0]);
}

/* ---- attributes ---- */

/* Among those who stay: is any value of the attribute a text? */
static bool has_text(const struct comm *comm, const struct ingest *ingest,
                     const struct people *people, int64_t attribute)
{
    int64_t text = 0;
    const struct user_value *value = people->value + attribute;
    for (int64_t u = 0; u < people->users.blocks.rows_local; u++, value += ingest->attributes)
        text |= value->text != 0 && isnan(value->number);
    comm_max_int64(comm, &text, 1);
    return text != 0;
}

/* What stands in for a missing number of an attribute. */
static enum status fill_numbers(const struct comm *comm, const struct ingest *ingest,
                                const char *name, int64_t rows, float *value)
{
    enum status status = OK, learned = OK;
    struct filling filling = {0};
    int64_t filled = 0;
    TRY_ALL(comm, filling_init(ingest->config, IMPUTE_ATTRIBUTES, ingest->memory_bytes / 16,
                               ingest->folder, &filling));
    if (filling.policy.rule == IMPUTE_KEEP) goto done;
    for (int64_t u = 0; u < rows && learned == OK; u++)
        if (isfinite(value[u])) learned = filling_learn(&filling, 0, 0, value[u]);
    TRY_ALL(comm, learned);
    TRY(filling_finish(comm, &filling, 1));
    for (int64_t u = 0; u < rows; u++) {
        if (!isnan(value[u])) continue;
        value[u] = (float)filling_value(&filling, 0, 0);
        filled++;
    }
    comm_sum_int64(comm, &filled, 1);
    log_info("  missing values: %s of %lld users filled", name, (long long)filled);
done:
    filling_clear(&filling);
    return status;
}

/* Levels in use, in sorted order, and each user's. */
static enum status settle_levels(const struct comm *comm, struct ingest *ingest,
                                 const struct people *people, int64_t a, struct attribute *to)
{
    enum status status = OK;
    struct attribute_names *from = &ingest->attribute[a];
    const struct user_value *value = people->value + a;
    uint8_t *used = NULL;
    int32_t *code = NULL;
    int64_t rows = people->users.blocks.rows_local;
    TRY(names_settle(comm, &from->levels));
    int64_t met = from->levels.dictionary.count;
    TRY_ALL(comm, memory_new(&used, from->levels.dictionary.count, 1));
    for (int64_t u = 0; u < rows; u++) {
        int32_t level = names_code(&from->levels, value[u * ingest->attributes].text);
        if (level >= 0) used[level] = 1;
    }
    TRY(names_keep(comm, &from->levels, used, &code));
    if (met > ATTRIBUTE_TEXTS_MAX || from->levels.dictionary.count > ATTRIBUTE_LEVELS_MAX)
        TRY(FAIL(ERR_DATA,
                 "attribute %s has more than %d different texts; leave it out of users.attributes",
                 from->name, ATTRIBUTE_LEVELS_MAX));
    for (int64_t u = 0; u < rows; u++) {
        int32_t level = names_code(&from->levels, value[u * ingest->attributes].text);
        to->value[u] = level >= 0 ? (float)code[level] : NAN;
    }
    to->levels = from->levels.dictionary;
    from->levels.dictionary = (struct dictionary){0};
done:
    free(used);
    free(code);
    return status;
}

static enum status take_numbers(const struct ingest *ingest, const struct people *people, int64_t a,
                                float *value)
{
    for (int64_t u = 0; u < people->users.blocks.rows_local; u++) {
        value[u] = (float)people->value[u * ingest->attributes + a].number;
        if (isinf(value[u]))
            return FAIL(ERR_DATA,
                        "attribute %s has a number beyond single precision (3.4e38); "
                        "mend it, or leave it out of users.attributes",
                        ingest->attribute[a].name);
    }
    return OK;
}

static enum status settle_attribute(const struct comm *comm, struct ingest *ingest,
                                    const struct people *people, int64_t a, struct attribute *to)
{
    enum status status = OK;
    int64_t rows = people->users.blocks.rows_local;
    TRY_ALL(comm, memory_new(&to->value, rows, sizeof *to->value));
    if (has_text(comm, ingest, people, a)) {
        TRY(settle_levels(comm, ingest, people, a, to));
    } else {
        TRY_ALL(comm, take_numbers(ingest, people, a, to->value));
        TRY(fill_numbers(comm, ingest, ingest->attribute[a].name, rows, to->value));
    }
    to->name = ingest->attribute[a].name;
    ingest->attribute[a].name = NULL;
done:
    return status;
}

static enum status settle_attributes(const struct comm *comm, struct ingest *ingest,
                                     struct people *people)
{
    enum status status = OK;
    struct users *users = &people->users;
    int64_t open = ingest->attributes - (ingest->grouped ? 1 : 0);
    TRY_ALL(comm, memory_new(&users->attribute, open, sizeof *users->attribute));
    users->attributes = open;
    for (int64_t a = 0; a < ingest->attributes; a++)
        TRY(settle_attribute(comm, ingest, people, a,
                             a < open ? &users->attribute[a] : &users->group));
    free(people->value);
    people->value = NULL;
done:
    return status;
}

/* ---- together ---- */

enum status ingest_people(const struct comm *comm, struct ingest *ingest, struct people *people)
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true}, rows;
    TRY_ALL(comm, make_room(ingest, people));
    TRY(sorter_open(comm, ingest->counts));
    while (batch.more) {
        TRY(ingest_next(comm, ingest, ingest->counts, &batch, &rows));
        TRY_ALL(comm, take_users(ingest, people, &batch, &rows));
    }
    sorter_free(&ingest->counts);
    sorter_free(&ingest->users);
    count_users(comm, people);
    TRY(settle_attributes(comm, ingest, people));
done:
    return status;
}
