/* Findings of all ranks, and a line for each check. */
#include "jobs/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void finding_add(struct finding *finding, int64_t row, const char *format, ...)
{
    va_list args;
    if (finding->count++ > 0 && finding->row <= row) return;
    finding->row = row;
    va_start(args, format);
    vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
}

/* The first finding of all ranks, and how many there are. */
static void settle(const struct comm *comm, const struct finding *mine, struct finding *all)
{
    int64_t row = mine->count > 0 ? mine->row : INT64_MAX, who = comm->ranks;
    *all = *mine;
    comm_sum_int64(comm, &all->count, 1);
    if (all->count == 0) return;
    comm_min_int64(comm, &row, 1);
    if (mine->count > 0 && mine->row == row) who = comm->rank;
    comm_min_int64(comm, &who, 1);
    comm_broadcast(comm, all->text, sizeof all->text, (int)who);
    all->row = row;
}

/* Names from files cannot move the terminal's cursor. */
static void print_plain(const char *text)
{
    for (; *text != 0; text++) putchar((unsigned char)*text < 32 || *text == 127 ? '?' : *text);
}

void verify_tell(const struct comm *comm, struct verify *verify, const char *check,
                 const struct finding *finding, const char *good, ...)
{
    struct finding all;
    char text[VERIFY_TEXT_BYTES];
    va_list args;
    settle(comm, finding, &all);
    va_start(args, good);
    vsnprintf(text, sizeof text, good, args);
    va_end(args);
    verify->checks++;
    if (all.count > 0 && verify->wrong++ == 0)
        memcpy(verify->first, all.text, sizeof verify->first);
    if (comm->rank != 0) return;
    printf("%-6s %-11s ", all.count == 0 ? "ok" : "WRONG", check);
    print_plain(all.count == 0 ? text : all.text);
    if (all.count > 1) printf(" (and %lld more)", (long long)all.count - 1);
    putchar('\n');
    fflush(stdout);
}

const char *verify_path(const struct verify *verify, const char *file)
{
    static char paths[4][VERIFY_PATH_BYTES];
    static int next = 0;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", verify->folder, file);
    return path;
}
