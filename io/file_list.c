/* Expanding the pattern of a table's files. */
#include "io/file_list.h"

#include "mpi/memory.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum status copy_paths(char *const *path, int64_t count, struct file_list *list)
{
    enum status status = OK;
    TRY(memory_new(&list->path, count, sizeof *list->path));
    for (; list->count < count; list->count++) {
        size_t bytes = strlen(path[list->count]) + 1;
        TRY(memory_new(&list->path[list->count], (int64_t)bytes, 1));
        memcpy(list->path[list->count], path[list->count], bytes);
    }
done:
    return status;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum status match(const char *pattern, struct file_list *list)
{
    glob_t found = {0};
    enum status status = OK;
    switch (glob(pattern, GLOB_NOSORT | GLOB_ERR, NULL, &found)) {
    case 0:
        status = copy_paths(found.gl_pathv, (int64_t)found.gl_pathc, list);
        break;
    case GLOB_NOMATCH:
        status = FAIL(ERR_NO_INPUT,
                      "no file matches %s; check the pattern, and that every node sees the folder",
                      pattern);
        break;
    case GLOB_NOSPACE:
        status = FAIL(ERR_MEMORY, "no memory for the files that match %s", pattern);
        break;
    default:
        status = FAIL(ERR_NO_INPUT, "%s: a folder cannot be read: %s; check its permissions",
                      pattern, strerror(errno));
    }
    globfree(&found);
    return status;
}

enum status file_list_make(const char *pattern, struct file_list *list)
{
    *list = (struct file_list){0};
    char *only = (char *)(uintptr_t)pattern;
    bool plain = strpbrk(pattern, "*?[") == NULL || access(pattern, F_OK) == 0;
    enum status status = plain ? copy_paths(&only, 1, list) : match(pattern, list);
    if (status == OK)
        qsort(list->path, (size_t)list->count, sizeof *list->path, by_bytes);
    else
        file_list_clear(list);
    return status;
}

void file_list_clear(struct file_list *list)
{
    for (int64_t f = 0; f < list->count; f++) free(list->path[f]);
    free(list->path);
    *list = (struct file_list){0};
}
