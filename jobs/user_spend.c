/* Purchases of the last year, user by user, a piece of the events at a time. */
#include "jobs/user_spend.h"

#include "mpi/memory.h"

#include <stdlib.h>

enum { PIECE = 1 << 18, DAY_SECONDS = 86400 };

/* A piece of this rank's events. */
struct piece {
    int64_t *time;
    uint8_t *kind;
    int32_t *paid;
};

static enum status reserve(int64_t users, int64_t **events, struct piece *piece, int64_t **cents)
{
    enum status status = OK;
    TRY(memory_new(events, users, sizeof **events));
    TRY(memory_new(cents, users, sizeof **cents));
    TRY(memory_new(&piece->time, PIECE, sizeof *piece->time));
    TRY(memory_new(&piece->kind, PIECE, sizeof *piece->kind));
    TRY(memory_new(&piece->paid, PIECE, sizeof *piece->paid));
done:
    return status;
}

static enum status read_piece(const struct comm *comm, const struct store *store, int64_t first,
                              int64_t rows, struct piece *piece)
{
    enum status status = OK;
    TRY(store_read(comm, store, "events/time", STORE_I64, first, rows, piece->time));
    TRY(store_read(comm, store, "events/kind", STORE_U8, first, rows, piece->kind));
    TRY(store_read(comm, store, "events/paid", STORE_I32, first, rows, piece->paid));
done:
    return status;
}

static int64_t spent_by(const struct piece *piece, int64_t row, int64_t after)
{
    if (piece->time[row] <= after) return 0;
    if (piece->kind[row] == EVENT_PURCHASE) return piece->paid[row];
    return piece->kind[row] == EVENT_RETURN ? -piece->paid[row] : 0;
}

/* events [users] rows of each, which become 0 */
static enum status add_up(const struct comm *comm, const struct store *store, int64_t users,
                          int64_t *events, int64_t after, struct piece *piece, int64_t *cents)
{
    enum status status = OK;
    int64_t left = 0, user = 0;
    for (int64_t u = 0; u < users; u++) left += events[u];
    int64_t first = comm_prefix_int64(comm, left), rounds = (left + PIECE - 1) / PIECE;
    comm_max_int64(comm, &rounds, 1);
    for (int64_t i = 0; i < rounds; i++) {
        int64_t rows = left < PIECE ? left : PIECE;
        TRY(read_piece(comm, store, first, rows, piece));
        for (int64_t r = 0; r < rows; r++) {
            while (events[user] == 0) user++;
            cents[user] += spent_by(piece, r, after);
            events[user]--;
        }
        first += rows;
        left -= rows;
    }
    for (int64_t u = 0; u < users; u++)
        if (cents[u] < 0) cents[u] = 0;
done:
    return status;
}

enum status user_spend_read(const struct comm *comm, const char *path,
                            const struct dataset *dataset, struct user_spend *spend)
{
    enum status status = OK;
    struct store *store = NULL;
    struct piece piece = {0};
    int64_t *events = NULL;
    const struct blocks *blocks = &dataset->users.blocks;
    int64_t span = dataset->time_last - dataset->time_first;
    *spend = (struct user_spend){.days = span / DAY_SECONDS + 1};
    if (spend->days > USER_SPEND_DAYS) spend->days = USER_SPEND_DAYS;
    TRY(store_open(comm, path, &store));
    TRY_ALL(comm, reserve(blocks->rows_local, &events, &piece, &spend->cents));
    TRY(store_read(comm, store, "users/events", STORE_I64, blocks->row_first, blocks->rows_local,
                   events));
    TRY(add_up(comm, store, blocks->rows_local, events,
               dataset->time_last - spend->days * DAY_SECONDS, &piece, spend->cents));
done:
    store_close(comm, &store);
    free(events);
    free(piece.time);
    free(piece.kind);
    free(piece.paid);
    return status;
}
