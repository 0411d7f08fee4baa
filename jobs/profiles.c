/* profiles.h5, written and read. */
#include "jobs/profiles.h"

#include "io/store.h"
#include "mpi/memory.h"

#include <stdlib.h>

void profiles_clear(struct profiles *profiles)
{
    free(profiles->segment);
    free(profiles->centroid);
    free(profiles->size);
    free(profiles->choice);
    free(profiles->mean);
    free(profiles->sd);
    profile_mixture_clear(&profiles->mixture);
    profile_rules_clear(&profiles->rules);
    profile_lifetime_clear(&profiles->lifetime);
    *profiles = (struct profiles){0};
}

enum { SEQUENCE_COLUMNS = 3, PIECE_EVENTS = 1 << 20 };

/* A piece of users at a time, as many pieces on every rank. */
static enum status put_sequences(const struct comm *comm, const struct dataset *dataset,
                                 int64_t length, struct store_writer *writer[SEQUENCE_COLUMNS])
{
    enum status status = OK;
    struct sequences sequences = {0};
    int64_t piece = PIECE_EVENTS / length + 1, users = dataset->users.blocks.rows_local;
    int64_t most = users;
    comm_max_int64(comm, &most, 1);
    for (int64_t first = 0; first < most; first += piece) {
        int64_t left = users - first, now = left < 0 ? 0 : left < piece ? left : piece;
        TRY_ALL(comm, sequences_make(dataset, length, now > 0 ? first : 0, now, &sequences));
        TRY(store_put(comm, writer[0], sequences.category, now));
        TRY(store_put(comm, writer[1], sequences.kind, now));
        TRY(store_put(comm, writer[2], sequences.gap, now));
        sequences_clear(&sequences);
    }
done:
    sequences_clear(&sequences);
    return status;
}

static enum status write_sequences(const struct comm *comm, struct store *store,
                                   const struct dataset *dataset, int64_t length)
{
    const struct store_column columns[SEQUENCE_COLUMNS] = {
        {"sequences/category", STORE_I32, length, "",
         "of the last events: row of products/category in dataset.h5, -1 before the first"},
        {"sequences/kind", STORE_U8, length, "",
         "0 view 1 click 2 cart 3 purchase 4 return 5 rating, 6 before the first"},
        {"sequences/gap", STORE_F32, length, "log(1 + days)", "since the event before"}};
    enum status status = OK;
    struct store_writer *writer[SEQUENCE_COLUMNS] = {0};
    for (int c = 0; c < SEQUENCE_COLUMNS; c++)
        TRY(store_begin_column(comm, store, &columns[c], dataset->users.blocks.rows_local,
                               &writer[c]));
    TRY(put_sequences(comm, dataset, length, writer));
    for (int c = 0; c < SEQUENCE_COLUMNS; c++) TRY(store_end_column(comm, &writer[c]));
done:
    return status;
}

enum status profiles_write(const struct comm *comm, const char *path, const struct dataset *dataset,
                           const struct features *features, const struct profiles *profiles,
                           int64_t sequence)
{
    const struct blocks *blocks = &dataset->users.blocks;
    enum status status = OK;
    struct store *store = NULL;
    int64_t columns = features->columns, once = comm->rank == 0;
    const struct store_column x = {"features", STORE_F64, columns, "",
                                   "features of each user, by name"};
    const struct store_column segment = {"segment", STORE_I32, 1, "", "segment of each user"};
    const struct store_column centroid = {"segments/centroid", STORE_F64, columns, "sd",
                                          "mean of each segment, in standardised features"};
    const struct store_column size = {"segments/users", STORE_I64, 1, "users",
                                      "size of each segment"};
    const struct store_column mean = {"mean", STORE_F64, 1, "", "of each feature"};
    const struct store_column sd = {"sd", STORE_F64, 1, "", "of each feature"};
    TRY(store_create(comm, path, &store));
    TRY(store_write_dictionary(comm, store, "names", "names of the features", &features->names));
    TRY(store_write(comm, store, &x, features->x, blocks->rows_local));
    TRY(store_write(comm, store, &segment, profiles->segment, blocks->rows_local));
    TRY(store_write(comm, store, &centroid, profiles->centroid, once * profiles->segments));
    TRY(store_write(comm, store, &size, profiles->size, once * profiles->segments));
    TRY(store_write(comm, store, &mean, profiles->mean, once * columns));
    TRY(store_write(comm, store, &sd, profiles->sd, once * columns));
    TRY(profile_mixture_write(comm, store, blocks, &profiles->mixture));
    TRY(profile_rules_write(comm, store, &profiles->rules));
    TRY(profile_lifetime_write(comm, store, blocks->rows_local, &profiles->lifetime));
    if (sequence > 0) TRY(write_sequences(comm, store, dataset, sequence));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

enum status profiles_read_segments(const struct comm *comm, const char *path,
                                   const struct blocks *blocks, struct profiles *profiles)
{
    enum status status = OK;
    struct store *store = NULL;
    *profiles = (struct profiles){0};
    TRY(store_open(comm, path, &store));
    profiles->segments = store_rows(comm, store, "segments/users", NULL);
    TRY_ALL(comm, memory_new(&profiles->segment, blocks->rows_local, sizeof *profiles->segment));
    TRY(store_read(comm, store, "segment", STORE_I32, blocks->row_first, blocks->rows_local,
                   profiles->segment));
done:
    store_close(comm, &store);
    if (status != OK) profiles_clear(profiles);
    return status;
}
