/**
 * Where a test finds and puts files: goldens beside the tests, real tables, and a scratch folder
 * shared by all ranks.
 */
#ifndef REMISE_TESTS_FOLDERS_H
#define REMISE_TESTS_FOLDERS_H

#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch_folder[256];

/* A path below this folder, e.g. "goldens/nasty.csv", or above it; the caller frees it. */
static inline char *tests_path(const char *name)
{
    char *path = NULL;
    const char *slash = strrchr(__FILE__, '/');
    if (asprintf(&path, "%.*s/%s", (int)(slash - __FILE__), __FILE__, name) < 0) abort();
    return path;
}

/* A real table below REMISE_DATA (default ../shared/data seen from the project), the same answer on
 * every rank; NULL where it is absent, which is said aloud. The caller frees it. */
static inline char *real_data(const char *name)
{
    char *path = NULL;
    const char *folder = getenv("REMISE_DATA");
    char *beside = tests_path("../../shared/data");
    if (asprintf(&path, "%s/%s", folder != NULL ? folder : beside, name) < 0) abort();
    free(beside);
    int64_t absent = access(path, R_OK) != 0;
    comm_sum_int64(&world, &absent, 1);
    if (absent == 0) return path;
    if (world.rank == 0)
        printf("SKIPPED: %s is not there; set REMISE_DATA to the folder of real tables\n", path);
    free(path);
    return NULL;
}

/* Make the scratch folder. Collective. */
static inline void scratch_open(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(scratch_folder, sizeof scratch_folder, "%s/remise-test-XXXXXX",
             parent != NULL ? parent : "/tmp");
    if (world.rank == 0 && mkdtemp(scratch_folder) == NULL) abort();
    comm_broadcast(&world, scratch_folder, (int64_t)sizeof scratch_folder, 0);
}

/* Remove it with all that is in it. Collective. */
static inline void scratch_close(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch_folder);
    comm_barrier(&world);
    if (world.rank == 0 && system(command) != 0) abort();
}

/* A path in it; the caller frees it. */
static inline char *scratch_path(const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", scratch_folder, name) < 0) abort();
    return path;
}

/* Write a file in it from this rank alone; the caller frees the path. */
static inline char *scratch_write(const char *name, const void *data, size_t bytes)
{
    char *path = scratch_path(name);
    unlink(path); /* writing over a file may wait for the disk, a new one does not */
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, bytes, file) != bytes || fclose(file) != 0) abort();
    return path;
}

/* Write it from rank 0 for all. Collective; the caller frees the path. */
static inline char *scratch_share(const char *name, const void *data, size_t bytes)
{
    char *path = world.rank == 0 ? scratch_write(name, data, bytes) : scratch_path(name);
    comm_barrier(&world);
    return path;
}

#endif
