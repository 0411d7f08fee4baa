/* Ids to forget, as keys in a table of their top bits. */
#include "jobs/forget.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BITS_MAX = 30 };

static enum status add(struct forget_list *list, int64_t *capacity, const unsigned char *secret,
                       const char *id, size_t bytes)
{
    if (list->count == *capacity) {
        int64_t larger = 2 * *capacity + 64;
        enum status status = memory_grow(&list->key, *capacity, larger, sizeof *list->key);
        if (status != OK) return status;
        *capacity = larger;
    }
    list->key[list->count++] = user_key_of(secret, id, bytes);
    return OK;
}

static enum status add_line(struct forget_list *list, int64_t *capacity,
                            const unsigned char *secret, const char *path, char *line,
                            int64_t number, size_t bytes)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, which some editors put first */
    if (number == 1 && bytes >= 3 && memcmp(line, mark, 3) == 0) {
        line += 3;
        bytes -= 3;
    }
    while (bytes > 0 && (line[bytes - 1] == '\n' || line[bytes - 1] == '\r')) bytes--;
    if (bytes == 0 || line[0] == '#' || strspn(line, " \t") >= bytes) return OK;
    if (memchr(line, 0, bytes) != NULL)
        return FAIL(ERR_DATA, "%s:%lld: a NUL byte; the file must be plain text, one id a line",
                    path, (long long)number);
    return add(list, capacity, secret, line, bytes);
}

static enum status add_file(struct forget_list *list, int64_t *capacity,
                            const unsigned char *secret, const char *path)
{
    enum status status = OK;
    char *line = NULL;
    size_t room = 0;
    ssize_t bytes = 0;
    struct stat facts;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return FAIL(ERR_NO_INPUT, "privacy.forget_file: cannot read %s: %s; check the path", path,
                    strerror(errno));
    if (fstat(fileno(file), &facts) == 0 && (facts.st_mode & 077) != 0)
        log_warning("others may read %s, the ids of users to forget; chmod 600 it", path);
    for (int64_t number = 1; status == OK && (bytes = getline(&line, &room, file)) >= 0; number++)
        status = add_line(list, capacity, secret, path, line, number, (size_t)bytes);
    if (status == OK && ferror(file) != 0)
        status = FAIL(ERR_IO, "privacy.forget_file: cannot read %s: %s", path, strerror(errno));
    if (line != NULL) sodium_memzero(line, room);
    free(line);
    fclose(file);
    return status;
}

static int compare(const void *a, const void *b)
{
    return user_key_compare(*(const struct user_key *)a, *(const struct user_key *)b);
}

/* Keys in order, each once. */
static void settle(struct forget_list *list)
{
    int64_t kept = 0;
    if (list->count > 0) qsort(list->key, (size_t)list->count, sizeof *list->key, compare);
    for (int64_t i = 0; i < list->count; i++)
        if (i == 0 || compare(&list->key[kept - 1], &list->key[i]) != 0)
            list->key[kept++] = list->key[i];
    list->count = kept;
}

static enum status read_all(const struct config *config, const unsigned char *secret,
                            struct forget_list *list)
{
    enum status status = OK;
    const char *const *ids = NULL, *path = config_path(config, "privacy.forget_file");
    int64_t count = config_texts(config, "privacy.forget", &ids), capacity = 0;
    for (int64_t i = 0; i < count; i++) TRY(add(list, &capacity, secret, ids[i], strlen(ids[i])));
    if (path != NULL) TRY(add_file(list, &capacity, secret, path));
    settle(list);
done:
    return status;
}

static enum status index_keys(struct forget_list *list)
{
    while (list->bits < BITS_MAX && (int64_t)1 << list->bits < list->count) list->bits++;
    list->bits += list->bits == 0; /* a shift by all 64 bits is not defined */
    int64_t buckets = (int64_t)1 << list->bits;
    enum status status = memory_new(&list->start, buckets + 1, sizeof *list->start);
    if (status != OK) return status;
    for (int64_t i = 0; i < list->count; i++)
        list->start[user_block(list->key[i], list->bits) + 1]++;
    for (int64_t b = 0; b < buckets; b++) list->start[b + 1] += list->start[b];
    return OK;
}

enum status forget_read(const struct comm *comm, const struct config *config,
                        const unsigned char *secret, struct forget_list *list)
{
    enum status status = OK;
    *list = (struct forget_list){0};
    TRY_ALL(comm, comm->rank == 0 ? read_all(config, secret, list) : OK);
    comm_broadcast(comm, &list->count, sizeof list->count, 0);
    if (list->count == 0) goto done;
    TRY_ALL(comm, comm->rank == 0 ? OK : memory_new(&list->key, list->count, sizeof *list->key));
    comm_broadcast(comm, list->key, list->count * (int64_t)sizeof *list->key, 0);
    TRY_ALL(comm, index_keys(list));
    TRY_ALL(comm, memory_new(&list->met, list->count, sizeof *list->met));
    log_info("  to be forgotten: %lld user%s", (long long)list->count, list->count == 1 ? "" : "s");
done:
    if (status != OK || list->count == 0) forget_clear(list);
    return status;
}

bool forget_has(struct forget_list *list, struct user_key key)
{
    if (list->count == 0) return false;
    int64_t bucket = user_block(key, list->bits);
    for (int64_t i = list->start[bucket]; i < list->start[bucket + 1]; i++) {
        if (list->key[i].high != key.high || list->key[i].low != key.low) continue;
        list->met[i] = 1;
        return true;
    }
    return false;
}

enum status forget_report(const struct comm *comm, const struct forget_list *list)
{
    enum { AT_ONCE = 4096 };
    enum status status = OK;
    int64_t *wide = NULL, absent = 0;
    if (list->count == 0) return OK;
    TRY_ALL(comm, memory_new(&wide, AT_ONCE, sizeof *wide));
    for (int64_t done = 0; done < list->count; done += AT_ONCE) {
        int64_t now = list->count - done < AT_ONCE ? list->count - done : AT_ONCE;
        for (int64_t i = 0; i < now; i++) wide[i] = list->met[done + i];
        comm_max_int64(comm, wide, now);
        for (int64_t i = 0; i < now; i++) absent += wide[i] == 0;
    }
    if (absent > 0)
        log_warning("%lld of the %lld users to be forgotten stand in no table; are their ids "
                    "written as there?",
                    (long long)absent, (long long)list->count);
done:
    free(wide);
    return status;
}

void forget_clear(struct forget_list *list)
{
    free(list->key);
    free(list->start);
    free(list->met);
    *list = (struct forget_list){0};
}
