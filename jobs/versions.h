/**
 * Published versions: a folder of files each, made whole under a hidden name, and the one link
 * `current` that says which of them counts.
 *
 *     RUN/versions/<id>/    discounts.csv discounts.h5 receipt.json receipt.txt manifest.json
 *     RUN/current           a link to versions/<id>, replaced by rename: the last act of publishing
 *     RUN/discounts.csv ... links into current/, so that the files keep their old paths
 *
 * A version never changes once it has its name, which follows from the digests of its content, so
 * equal tables are one version. Who reads several files, or one file twice, resolves `current` once
 * and reads in that folder: there all files belong together, and stay while the next versions come
 * (publish.keep).
 */
#ifndef REMISE_JOBS_VERSIONS_H
#define REMISE_JOBS_VERSIONS_H

#include "jobs/run.h"

enum { VERSION_ID_BYTES = 33, VERSION_CONTENT = 4, VERSION_FILES = VERSION_CONTENT + 1 };

/* The files of a version, which have links in the run folder; the last one is the manifest. */
extern const char *const version_files[VERSION_FILES];

/**
 * The folder of the published files of a run folder, or of a version itself: `current` is resolved
 * once, so that all that is read there is of one version. Local.
 * folder  out  [RUN_PATH_BYTES]
 * Errors: ERR_NO_INPUT there is no published table.
 */
enum status version_find(const char *path, char *folder);

/**
 * Is `folder` that of the run, which has no version yet? Then there is nothing earlier than its
 * first table. Local. Neither needs to be there.
 */
bool version_is_first(const char *run, const char *folder);

/** Path of a file in the version that is being made; borrowed as run_path's. Local. */
const char *version_path(const struct run *run, const char *file);

/** Path of a file in a version that stands; borrowed as run_path's. Local. */
const char *version_file(const struct run *run, const char *id, const char *file);

/**
 * Begin a version: an empty hidden folder; what runs that were killed left behind is swept away.
 * Collective.
 * Errors: ERR_WRITE; ERR_USAGE the run folder holds a table that was read where a link must stand.
 */
enum status version_begin(const struct comm *comm, const struct run *run);

/**
 * Give the version its name and make it the current one.
 * Collective. Every file of it must be whole and on the disk.
 * id    in  the same on every rank
 * same  in  a version of this name stands already and its files have the digests of these: it is
 *           kept, and only its manifest replaced
 * Where one of this name stands and is damaged, it is replaced.
 * Errors: ERR_WRITE; the current version stays then.
 */
enum status version_commit(const struct comm *comm, const struct run *run, const char *id,
                           bool same);

/** Remove what was begun and not committed. Local: rank 0 removes. */
void version_abandon(const struct comm *comm, const struct run *run);

/**
 * The names of all versions, the one last made current first.
 * Collective; the same on every rank.
 * list  out  new [*count][VERSION_ID_BYTES], the caller frees it
 * Errors: ERR_MEMORY, ERR_IO.
 */
enum status version_list(const struct comm *comm, const struct run *run,
                         char (**list)[VERSION_ID_BYTES], int64_t *count);

/** Remove a version. Local, on rank 0. Errors: ERR_WRITE. */
enum status version_remove(const struct run *run, const char *id);

#endif
