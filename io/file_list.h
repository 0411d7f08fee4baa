/**
 * The files a path stands for: one file, or all that match a pattern such as events/2024-*.csv.
 */
#ifndef REMISE_IO_FILE_LIST_H
#define REMISE_IO_FILE_LIST_H

#include "mpi/status.h"

#include <stdint.h>

struct file_list {
    int64_t count;
    char **path; /* [count] in byte order, whatever the locale */
};

/**
 * Expand the wildcards *, ? and [...] of a pattern. A path without any, or one that exists as it
 * stands, is the only entry, whether it exists or not. Hidden files match only a pattern with their
 * dot. Local.
 * list  out  at least one path; free it with file_list_clear; empty unless OK
 * Errors: ERR_NO_INPUT nothing matches, or a folder cannot be read; ERR_MEMORY.
 */
enum status file_list_make(const char *pattern, struct file_list *list);

/** Free; accepts a zeroed struct. Local. */
void file_list_clear(struct file_list *list);

#endif
