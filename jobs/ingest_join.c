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

/* Over all ranks. The larger table leads, so that no batch of the other is out of measure: few rows
 * tell little of where many users are to be cut. */
static bool users_lead(const struct comm *comm, const struct ingest *ingest)
{
    int64_t bytes[2] = {0, sorter_count(ingest->faulty) * (int64_t)sizeof(struct faulty_record)};
    size_t user =
        sizeof(struct user_record) + (size_t)ingest->attributes * sizeof(struct user_value);
    if (ingest->users == NULL) return false; /* on every rank */
    bytes[0] = sorter_count(ingest->users) * (int64_t)user;
    comm_sum_int64(comm, bytes, 2);
    return bytes[0] > bytes[1];
}

enum status ingest_reject_faulty(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct sorter_batch rows, users;
    bool users_first = users_lead(comm, ingest);
    TRY(sorter_open(comm, users_first ? ingest->users : ingest->faulty));
    do {
        if (users_first) {
            TRY(sorter_next(comm, ingest->users, &users));
            TRY(sorter_follow(comm, ingest->users, ingest->faulty, USER_GROUP_WORDS, &rows));
        } else {
            TRY(ingest_next(comm, ingest, ingest->faulty, &rows, &users));
        }
        TRY_ALL(comm, reject_batch(ingest, &rows, &users));
    } while (rows.more);
    sorter_free(&ingest->faulty);
done:
    return status;
}
