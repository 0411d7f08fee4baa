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
    free(profiles->mean);
    free(profiles->sd);
    *profiles = (struct profiles){0};
}

enum status profiles_write(const struct comm *comm, const char *path, const struct blocks *blocks,
                           const struct features *features, const struct profiles *profiles)
{
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
