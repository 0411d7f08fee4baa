/* Walking over rows and their users together. */
#include "jobs/ingest_join.h"

#include <string.h>

struct user_walk user_walk_begin(const struct ingest *ingest, const struct sorter_batch *users)
{
    size_t values = (size_t)ingest->attributes * sizeof(struct user_value);
    return (struct user_walk){users->records, users->count, sizeof(struct user_record) + values};
}

struct user_answer user_walk_to(struct user_walk *walk, struct user_key user)
{
    struct user_answer answer = {0};
    while (walk->left > 0) {
        const struct user_record *row = (const void *)walk->at;
        if (user_key_compare(row->user, user) >= 0) break;
        walk->at += walk->bytes;
        walk->left--;
    }
    const char *at = walk->at;
    for (int64_t i = 0; i < walk->left; i++, at += walk->bytes) {
        const struct user_record *row = (const void *)at;
        if (user_key_compare(row->user, user) != 0) break;
        answer.known = true;
        answer.refuses = answer.refuses || row->consents == 0;
    }
    return answer;
}

enum status ingest_next(const struct comm *comm, const struct ingest *ingest, struct sorter *sorter,
                        struct sorter_batch *batch, struct sorter_batch *users)
{
    enum status status = OK;
    *users = (struct sorter_batch){0};
    TRY(sorter_next(comm, sorter, batch));
    if (ingest->users != NULL)
        TRY(sorter_follow(comm, sorter, ingest->users, USER_GROUP_WORDS, users));
done:
    return status;
}

/* ---- faulty rows ---- */

static enum status reject_batch(struct ingest *ingest, const struct sorter_batch *batch,
                                const struct sorter_batch *users)
{
    enum status status = OK;
    const struct faulty_record *row = batch->records;
    struct user_walk walk = user_walk_begin(ingest, users);
    for (int64_t i = 0; i < batch->count; i++) {
        bool again = i > 0 && row[i].row == row[i - 1].row && row[i].table == row[i - 1].table &&
                     user_key_compare(row[i].user, row[i - 1].user) == 0;
        uint64_t faults = row[i].faults | (again ? REJECT_BIT(REJECT_repeat) : 0);
        enum table table = (enum table)row[i].table;
        if (user_walk_to(&walk, row[i].user).refuses)
            ingest->rejects.account[table].left_out++;
        else
            TRY(rejects_add(&ingest->rejects, table, faults, row[i].place, row[i].column,
                            row[i].value, (int64_t)strlen(row[i].value)));
    }
done:
    return status;
}

enum status ingest_reject_faulty(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true}, users;
    TRY(sorter_open(comm, ingest->faulty));
    while (batch.more) {
        TRY(ingest_next(comm, ingest, ingest->faulty, &batch, &users));
        TRY_ALL(comm, reject_batch(ingest, &batch, &users));
    }
    sorter_free(&ingest->faulty);
done:
    return status;
}
