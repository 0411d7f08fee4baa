/* The log of rank 0: text on stderr, JSON lines in a file, one progress line. */
#include "mpi/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 2048, BAR = 30, MIB = 1 << 20 };

static struct {
    bool writes;
    bool terminal;
    bool bar_shown;
    enum log_level level;
    double start, last_progress;
    FILE *json;
} out = {.level = LOG_INFO};

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void log_start(const struct comm *comm, enum log_level level)
{
    out.writes = comm->rank == 0;
    out.terminal = isatty(STDERR_FILENO) != 0;
    out.level = level;
    out.start = clock_seconds();
}

enum status log_open(const char *path)
{
    if (out.json != NULL) fclose(out.json);
    out.json = NULL;
    if (path == NULL || !out.writes) return OK;
    out.json = fopen(path, "ae");
    return out.json != NULL ? OK
                            : FAIL(ERR_WRITE, "cannot append to %s; check the run folder", path);
}

static void put_json_text(FILE *file, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(file, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(file, "\\u%04x", *c);
        else
            fputc(*c, file);
    }
}

static void write_json(enum log_level level, const char *text)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    if (out.json == NULL) return;
    fprintf(out.json, "{\"seconds\": %.3f, \"level\": \"%s\", \"message\": \"",
            clock_seconds() - out.start, names[level]);
    put_json_text(out.json, text);
    fprintf(out.json, "\"}\n");
    fflush(out.json);
}

static void clear_bar(void)
{
    if (out.bar_shown) fprintf(stderr, "\r\033[K");
    out.bar_shown = false;
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const marks[] = {"error: ", "warning: ", "", ""};
    char text[LINE_BYTES];
    if (!out.writes || level > out.level) return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    clear_bar();
    fprintf(stderr, "%s%s\n", marks[level], text);
    write_json(level, text);
}

void log_need(const struct comm *comm, int64_t bytes)
{
    int64_t largest = bytes, sum = bytes;
    comm_max_int64(comm, &largest, 1);
    comm_sum_int64(comm, &sum, 1);
    log_info("  needs about %lld MiB on the largest rank, %lld MiB in all",
             (long long)((largest + MIB - 1) / MIB), (long long)((sum + MIB - 1) / MIB));
}

static void show_bar(const char *what, int64_t done, int64_t total)
{
    int full = total > 0 ? (int)(BAR * done / total) : BAR;
    fprintf(stderr, "\r\033[K  %-22s [%.*s%*s] %lld/%lld", what, full,
            "##############################", BAR - full, "", (long long)done, (long long)total);
    fflush(stderr);
    out.bar_shown = true;
    if (done >= total) clear_bar();
}

void log_progress(const char *what, int64_t done, int64_t total)
{
    double now = clock_seconds(), wait = out.terminal ? 0.1 : 10.0;
    if (!out.writes || out.level < LOG_INFO) return;
    if (out.terminal && done >= total) {
        clear_bar();
        return;
    }
    if (out.last_progress == 0.0) out.last_progress = now;
    if (now - out.last_progress < wait) return;
    out.last_progress = now;
    if (out.terminal)
        show_bar(what, done, total);
    else
        fprintf(stderr, "  %s: %lld of %lld\n", what, (long long)done, (long long)total);
}
