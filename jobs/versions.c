/* Versions on the disk: made whole, named, switched to, removed. */
#include "jobs/versions.h"

#include "io/file.h"
#include "mpi/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "versions"
#define FRESH FOLDER "/.new" /* the version that is being made */
#define GONE FOLDER "/.gone" /* one that is being removed */
#define CURRENT "current"

const char *const version_files[VERSION_FILES] = {"discounts.csv", "discounts.h5", "receipt.json",
                                                  "receipt.txt", "manifest.json"};

static bool holds(const char *folder, const char *file)
{
    char path[RUN_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return file_exists(path);
}

enum status version_find(const char *path, char *folder)
{
    char name[RUN_PATH_BYTES + 64], real[PATH_MAX];
    snprintf(name, sizeof name, "%s/" CURRENT, path);
    if (realpath(file_exists(name) ? name : path, real) == NULL)
        return FAIL(ERR_NO_INPUT, "%s: %m; name a run folder or the folder of a version", path);
    if (snprintf(folder, RUN_PATH_BYTES, "%s", real) >= RUN_PATH_BYTES)
        return FAIL(ERR_ARG, "the path of %s is too long", path);
    for (int f = 0; f < VERSION_FILES; f++)
        if (holds(folder, version_files[f])) return OK;
    return FAIL(ERR_NO_INPUT, "%s holds no published table; `remise publish` makes one", path);
}

/* The absolute path of a folder, also of one that is still to be made. */
static bool place_of(const char *folder, char place[RUN_PATH_BYTES])
{
    char copy[RUN_PATH_BYTES], real[PATH_MAX], parent[PATH_MAX];
    if (realpath(folder, real) != NULL)
        return snprintf(place, RUN_PATH_BYTES, "%s", real) < RUN_PATH_BYTES;
    if (snprintf(copy, sizeof copy, "%s", folder) >= RUN_PATH_BYTES) return false;
    if (realpath(dirname(copy), parent) == NULL) return false;
    snprintf(copy, sizeof copy, "%s", folder);
    return snprintf(place, RUN_PATH_BYTES, "%s/%s", parent, basename(copy)) < RUN_PATH_BYTES;
}

bool version_is_first(const char *run, const char *folder)
{
    char own[RUN_PATH_BYTES], named[RUN_PATH_BYTES], found[RUN_PATH_BYTES];
    return place_of(run, own) && place_of(folder, named) && strcmp(own, named) == 0 &&
           version_find(folder, found) != OK;
}

const char *version_path(const struct run *run, const char *file)
{
    char name[256];
    snprintf(name, sizeof name, FRESH "/%s", file);
    return run_path(run, name);
}

const char *version_file(const struct run *run, const char *id, const char *file)
{
    char name[256];
    snprintf(name, sizeof name, FOLDER "/%s/%s", id, file);
    return run_path(run, name);
}

static enum status failed(const char *what, const char *path)
{
    const char *remedy = errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST
                             ? "something else has that name; move it away"
                             : "check space and permissions of the run folder";
    return FAIL(ERR_WRITE, "cannot %s %s: %s; %s", what, path, strerror(errno), remedy);
}

/* ---- folders ---- */

static enum status make_folder(const char *path)
{
    struct stat facts;
    if (mkdir(path, 0755) == 0) return OK;
    if (errno == EEXIST && stat(path, &facts) == 0 && S_ISDIR(facts.st_mode)) return OK;
    return failed("make the folder", path);
}

/* A folder of files, and no folder in it. */
static enum status remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) return errno == ENOENT ? OK : failed("open", path);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    return rmdir(path) == 0 ? OK : failed("remove", path);
}

/* ---- links ---- */

static bool link_is(const char *path, const char *target)
{
    char held[RUN_PATH_BYTES];
    ssize_t bytes = readlink(path, held, sizeof held);
    return bytes == (ssize_t)strlen(target) && memcmp(held, target, (size_t)bytes) == 0;
}

/* Whatever stands under the name, but a folder, gives way in one step. */
static enum status put_link(const char *path, const char *target)
{
    enum status status = OK;
    char *temporary = NULL;
    TRY(file_temporary_name(path, &temporary));
    unlink(temporary);
    if (symlink(target, temporary) != 0) TRY(failed("make the link", temporary));
    if (rename(temporary, path) != 0) {
        status = failed("replace", path);
        unlink(temporary);
    }
done:
    free(temporary);
    return status;
}

static bool is_there(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0;
}

/* Links of the files: where nothing stands before the switch, as then there is nothing to see yet;
 * files of an older run give way behind it. */
static enum status put_file_links(const struct run *run, bool behind)
{
    enum status status = OK;
    char target[64];
    for (int f = 0; f < VERSION_FILES; f++) {
        const char *path = run_path(run, version_files[f]);
        snprintf(target, sizeof target, CURRENT "/%s", version_files[f]);
        if (is_there(path) == behind && !link_is(path, target)) TRY(put_link(path, target));
    }
    TRY(file_sync_folder(run_path(run, CURRENT)));
done:
    return status;
}

/* ---- begin ---- */

static enum status refuse_inputs(const struct run *run)
{
    enum status status = OK;
    struct stat facts;
    for (int f = 0; f < VERSION_FILES && status == OK; f++) {
        const char *path = run_path(run, version_files[f]);
        if (lstat(path, &facts) == 0 && S_ISREG(facts.st_mode)) status = file_refuse_input(path);
    }
    return status;
}

static enum status begin(const struct run *run)
{
    enum status status = OK;
    TRY(refuse_inputs(run));
    TRY(make_folder(run_path(run, FOLDER)));
    TRY(remove_folder(run_path(run, GONE)));
    TRY(remove_folder(run_path(run, FRESH)));
    TRY(make_folder(run_path(run, FRESH)));
done:
    return status;
}

enum status version_begin(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    TRY_ALL(comm, refuse_inputs(run)); /* each rank knows what it has read itself */
    TRY_ALL(comm, comm->rank == 0 ? begin(run) : OK);
done:
    return status;
}

/* ---- commit ---- */

static enum status rename_to(const char *from, const char *to)
{
    return rename(from, to) == 0 ? OK : failed("rename to", to);
}

/* The version of this name that stands is kept, with the newest manifest: both say the same of its
 * files. */
static enum status renew(const struct run *run, const char *id)
{
    enum status status = OK;
    const char *manifest = version_file(run, id, "manifest.json");
    TRY(rename_to(version_path(run, "manifest.json"), manifest));
    TRY(file_sync_folder(manifest));
    TRY(remove_folder(run_path(run, FRESH)));
done:
    return status;
}

/* One step where the file system can, else two. */
static enum status replace(const struct run *run, const char *id)
{
    enum status status = OK;
    const char *fresh = run_path(run, FRESH), *place = version_file(run, id, "");
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, place, RENAME_EXCHANGE) == 0)
        return remove_folder(fresh);
    TRY(rename_to(place, run_path(run, GONE)));
    TRY(rename_to(fresh, place));
    TRY(remove_folder(run_path(run, GONE)));
done:
    return status;
}

static enum status give_name(const struct run *run, const char *id, bool same)
{
    enum status status = OK;
    TRY(file_sync_folder(version_path(run, "")));
    if (same)
        TRY(renew(run, id));
    else if (is_there(version_file(run, id, "")))
        TRY(replace(run, id));
    else
        TRY(rename_to(run_path(run, FRESH), version_file(run, id, "")));
    utimensat(AT_FDCWD, version_file(run, id, ""), NULL, 0); /* when it became current */
    TRY(file_sync_folder(run_path(run, FOLDER "/")));
done:
    return status;
}

static enum status make_current(const struct run *run, const char *id)
{
    enum status status = OK;
    char target[64];
    snprintf(target, sizeof target, FOLDER "/%s", id);
    TRY(put_file_links(run, false));
    TRY(put_link(run_path(run, CURRENT), target));
    TRY(file_sync_folder(run_path(run, CURRENT)));
    TRY(put_file_links(run, true));
done:
    return status;
}

enum status version_commit(const struct comm *comm, const struct run *run, const char *id,
                           bool same)
{
    enum status status = OK;
    TRY_ALL(comm, comm->rank == 0 ? give_name(run, id, same) : OK);
    TRY_ALL(comm, comm->rank == 0 ? make_current(run, id) : OK);
done:
    return status;
}

void version_abandon(const struct comm *comm, const struct run *run)
{
    if (comm->rank == 0) remove_folder(run_path(run, FRESH));
}

/* ---- all versions ---- */

struct found {
    struct timespec changed;
    char id[VERSION_ID_BYTES];
};

struct finds {
    struct found *found; /* [count] */
    int64_t count;
};

static bool is_id(const char *name)
{
    return strlen(name) == VERSION_ID_BYTES - 1 &&
           strspn(name, "0123456789abcdef") == VERSION_ID_BYTES - 1;
}

/* Newest first, those of one moment by name. */
static int compare(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->changed.tv_sec != y->changed.tv_sec)
        return x->changed.tv_sec < y->changed.tv_sec ? 1 : -1;
    if (x->changed.tv_nsec != y->changed.tv_nsec)
        return x->changed.tv_nsec < y->changed.tv_nsec ? 1 : -1;
    return strcmp(x->id, y->id);
}

static enum status add_found(DIR *folder, const char *name, struct finds *finds)
{
    struct stat facts;
    if (!is_id(name) || fstatat(dirfd(folder), name, &facts, 0) != 0 || !S_ISDIR(facts.st_mode))
        return OK;
    enum status status =
        memory_grow(&finds->found, finds->count, finds->count + 1, sizeof *finds->found);
    if (status != OK) return status;
    struct found *found = &finds->found[finds->count++];
    found->changed = facts.st_mtim;
    memcpy(found->id, name, VERSION_ID_BYTES);
    return OK;
}

static enum status find(const struct run *run, struct finds *finds)
{
    enum status status = OK;
    DIR *folder = opendir(run_path(run, FOLDER));
    if (folder == NULL) return errno == ENOENT ? OK : failed("open", run_path(run, FOLDER));
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        TRY(add_found(folder, entry->d_name, finds));
    if (finds->count > 0) qsort(finds->found, (size_t)finds->count, sizeof *finds->found, compare);
done:
    closedir(folder);
    return status;
}

enum status version_list(const struct comm *comm, const struct run *run,
                         char (**list)[VERSION_ID_BYTES], int64_t *count)
{
    enum status status = OK;
    struct finds finds = {0};
    *list = NULL;
    TRY_ALL(comm, comm->rank == 0 ? find(run, &finds) : OK);
    comm_broadcast(comm, &finds.count, sizeof finds.count, 0);
    TRY_ALL(comm, memory_new(list, finds.count, sizeof **list));
    for (int64_t v = 0; comm->rank == 0 && v < finds.count; v++)
        memcpy((*list)[v], finds.found[v].id, VERSION_ID_BYTES);
    comm_broadcast(comm, *list, finds.count * (int64_t)sizeof **list, 0);
    *count = finds.count;
done:
    free(finds.found);
    return status;
}

/* It loses its name first, so that no half of it ever stands under it. */
enum status version_remove(const struct run *run, const char *id)
{
    enum status status = OK;
    TRY(rename_to(version_file(run, id, ""), run_path(run, GONE)));
    TRY(remove_folder(run_path(run, GONE)));
done:
    return status;
}
