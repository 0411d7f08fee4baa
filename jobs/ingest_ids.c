/* Ids in pieces beside their users' keys, sorted, and joined with the users. */
#include "jobs/ingest_ids.h"

#include "io/seal.h"
#include "io/vault.h"
#include "jobs/secret.h"
#include "mpi/memory.h"
#include "partition/sorter.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 40, WORDS = 3, GROUP_WORDS = 2, LATELY = 1 << 16 };

enum { BATCH_BYTES = 1 << 20 }; /* small, as one rank may get the batches of all */

/* A piece of an id: bytes of the whole id << 32 | number of the piece; encrypted under a nonce
 * that is the three words, so that the same piece always has the same record. */
struct piece {
    struct user_key user;
    uint64_t part;
    unsigned char text[PIECE_BYTES];
};

struct ids {
    unsigned char vault_key[USER_SECRET_BYTES], piece_key[USER_SECRET_BYTES];
    struct sorter *sorter;
    struct user_key *lately; /* [LATELY] the last one added of each value of the lowest bits */
};

/* The users of this rank, as far as their ids have come. */
struct join {
    const struct user_key *users;
    int64_t users_local, next;
    const struct ids *ids;
    struct vault *vault;
    struct seal_buffer id; /* pieces so far of the id of `next` */
};

static bool same_user(struct user_key a, struct user_key b)
{
    return a.high == b.high && a.low == b.low;
}

/* Encrypts what is plain and decrypts what is not. */
static void turn(const struct ids *ids, struct piece *piece)
{
    _Static_assert(offsetof(struct piece, text) == crypto_stream_xchacha20_NONCEBYTES,
                   "the words are the nonce");
    crypto_stream_xchacha20_xor(piece->text, piece->text, PIECE_BYTES, (const unsigned char *)piece,
                                ids->piece_key);
}

/* ---- adding ---- */

static enum status fill(const unsigned char *secret, const char *folder, int64_t memory_bytes,
                        struct ids *ids)
{
    if (sodium_init() < 0) return FAIL(ERR_BUG, "libsodium cannot start");
    secret_derive(secret, SECRET_FOR_VAULT, ids->vault_key);
    secret_derive(secret, SECRET_FOR_PIECES, ids->piece_key);
    struct sorter_options options = {.record_bytes = sizeof(struct piece),
                                     .words = WORDS,
                                     .group_words = GROUP_WORDS,
                                     .memory_bytes = memory_bytes,
                                     .batch_bytes = BATCH_BYTES,
                                     .folder = folder,
                                     .in_turn = true};
    enum status status = sorter_new(&options, &ids->sorter);
    return status == OK ? memory_new(&ids->lately, LATELY, sizeof *ids->lately) : status;
}

enum status ids_new(const unsigned char *secret, const char *folder, int64_t memory_bytes,
                    struct ids **ids)
{
    enum status status = OK;
    *ids = NULL;
    TRY(memory_new(ids, 1, sizeof **ids));
    TRY(fill(secret, folder, memory_bytes, *ids));
done:
    if (status != OK) ids_free(ids);
    return status;
}

enum status ids_add(struct ids *ids, struct user_key key, const char *text, size_t bytes)
{
    enum status status = OK;
    struct user_key *lately = &ids->lately[key.low % LATELY];
    if (same_user(*lately, key)) return OK;
    *lately = key;
    for (size_t number = 0; number == 0 || number * PIECE_BYTES < bytes; number++) {
        struct piece piece = {.user = key, .part = (uint64_t)bytes << 32 | number};
        size_t from = number * PIECE_BYTES, left = bytes - from;
        memcpy(piece.text, text + from, left < PIECE_BYTES ? left : PIECE_BYTES);
        turn(ids, &piece);
        TRY(sorter_add(ids->sorter, &piece));
    }
done:
    return status;
}

void ids_free(struct ids **ids)
{
    if (*ids == NULL) return;
    sorter_free(&(*ids)->sorter);
    free((*ids)->lately);
    sodium_memzero(*ids, sizeof **ids);
    free(*ids);
    *ids = NULL;
}

/* ---- writing ---- */

/* The first user of each rank; of one without users that of the next: nothing falls to it. */
static enum status first_users(const struct comm *comm, const struct join *join,
                               struct user_key **first)
{
    struct user_key mine = {UINT64_MAX, UINT64_MAX};
    int64_t bytes = 0;
    if (join->users_local > 0) mine = join->users[0];
    enum status status = comm_gather_all(comm, &mine, sizeof mine, (void **)first, &bytes);
    for (int r = comm->ranks - 2; r >= 0 && status == OK; r--)
        if (user_key_compare((*first)[r + 1], (*first)[r]) < 0) (*first)[r] = (*first)[r + 1];
    return status;
}

/* Each piece once, and how many go to which rank: the last one whose first user is not behind. */
static void address(const struct comm *comm, const struct user_key *first, struct piece *piece,
                    int64_t count, int64_t *to)
{
    int64_t kept = 0;
    int owner = 0;
    for (int64_t i = 0; i < count; i++) {
        if (kept > 0 && memcmp(&piece[kept - 1], &piece[i], sizeof *piece) == 0) continue;
        while (owner + 1 < comm->ranks && user_key_compare(first[owner + 1], piece[i].user) <= 0)
            owner++;
        to[owner]++;
        piece[kept++] = piece[i];
    }
}

static enum status no_id(const struct join *join)
{
    return FAIL(ERR_BUG, "user %lld of this rank has no id", (long long)join->next);
}

/* A piece of an id; with the last one the id is whole. Ids of users who were dropped go by. */
static enum status take_piece(struct join *join, struct piece piece)
{
    enum status status = OK;
    while (join->next < join->users_local &&
           user_key_compare(join->users[join->next], piece.user) < 0)
        TRY(no_id(join));
    if (join->next == join->users_local || !same_user(join->users[join->next], piece.user))
        goto done;
    int64_t bytes = (int64_t)(piece.part >> 32), number = (int64_t)(piece.part & UINT32_MAX),
            left = bytes - number * PIECE_BYTES, length = left < PIECE_BYTES ? left : PIECE_BYTES;
    if (join->id.bytes != number * PIECE_BYTES) TRY(no_id(join));
    turn(join->ids, &piece);
    TRY(seal_room(&join->id, length));
    memcpy(join->id.data + join->id.bytes, piece.text, (size_t)length);
    join->id.bytes += length;
    if (join->id.bytes < bytes) goto done;
    TRY(vault_append(join->vault, (const char *)join->id.data, (size_t)bytes));
    join->id.bytes = 0;
    join->next++;
done:
    sodium_memzero(&piece, sizeof piece);
    return status;
}

static enum status take_pieces(struct join *join, const struct piece *piece, int64_t count)
{
    enum status status = OK;
    for (int64_t i = 0; i < count && status == OK; i++) status = take_piece(join, piece[i]);
    return status;
}

/* One batch of every rank to the owners of its users. Batches come in turn, so a rank's pieces
 * come in the order of its users. */
static enum status bring(const struct comm *comm, struct sorter *sorter,
                         const struct user_key *first, struct join *join, bool *more)
{
    enum status status = OK;
    struct sorter_batch batch;
    void *received = NULL;
    int64_t *to = NULL, count = 0;
    TRY(sorter_next(comm, sorter, &batch));
    *more = batch.more;
    TRY_ALL(comm, memory_new(&to, comm->ranks, sizeof *to));
    address(comm, first, batch.records, batch.count, to);
    TRY(comm_exchange(comm, batch.records, to, sizeof(struct piece), &received, &count));
    TRY_ALL(comm, take_pieces(join, received, count));
    TRY(vault_flush(comm, join->vault));
done:
    free(received);
    free(to);
    return status;
}

enum status ids_write(const struct comm *comm, struct ids *ids, const char *path,
                      const struct user_key *users, int64_t users_local)
{
    enum status status = OK;
    struct join join = {.users = users, .users_local = users_local, .ids = ids};
    struct user_key *first = NULL;
    bool more = true;
    TRY(first_users(comm, &join, &first));
    TRY(vault_create(comm, path, ids->vault_key, users_local, &join.vault));
    TRY(sorter_open(comm, ids->sorter));
    while (more) TRY(bring(comm, ids->sorter, first, &join, &more));
    TRY_ALL(comm, join.next == users_local ? OK : no_id(&join));
    TRY(vault_commit(comm, &join.vault));
done:
    vault_abandon(comm, &join.vault);
    seal_clear(&join.id);
    free(first);
    return status;
}
