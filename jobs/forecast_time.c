/* Time of ingest: what the rows of a sample cost, for all rows. */
#include "jobs/forecast.h"

#include "io/dataset.h"
#include "jobs/ingest_clean.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* In copies to memory that is new to the process. Writing a column: out of the spool and into a
 * piece, out of it a field, into new pages of the file, from there back and compared; half of these
 * touch memory that is not new. Ranks that share a file skim it first, to find where rows start. A
 * record is copied out of its spool and to its rank. */
#define WRITE_COPIES 4.0
#define SKIM_COPIES 1.0
#define MOVE_COPIES 2.0

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double forecast_copy_seconds(void)
{
    enum { BYTES = 1 << 25, TIMES = 3 };
    double best = INFINITY;
    char *from = NULL;
    if (memory_new(&from, BYTES, 1) != OK) return 1e-9;
    for (int i = 0; i < TIMES; i++) {
        double begin = processor_seconds();
        char *to = malloc(BYTES); /* not by memory_new, which would touch it */
        if (to != NULL) memcpy(to, from, BYTES);
        if (to != NULL) from[i] = to[BYTES - 1 - i]; /* or nothing need be copied */
        free(to);
        best = fmin(best, (processor_seconds() - begin) / BYTES);
    }
    free(from);
    return best;
}

static double read_seconds(const struct shop_sample *sample)
{
    double seconds = 0.0;
    for (enum table t = 0; t < TABLES; t++)
        seconds += sample->table[t].seconds / sample->table[t].taken.share;
    return seconds;
}

/* The same share of every table was taken, or more: of all rows together. */
static double settle_seconds(const struct shop_sample *sample)
{
    double rows = 0.0, taken = 0.0;
    for (enum table t = TABLE_USERS; t < TABLES; t++) {
        rows += sample->usable[t];
        taken += sample->usable[t] * sample->table[t].taken.share;
    }
    return taken > 0.0 ? sample->settle_seconds * rows / taken : 0.0;
}

static double bytes_written(const struct shop_sample *sample)
{
    const double *usable = sample->usable;
    return 25.0 * (usable[TABLE_EVENTS] + usable[TABLE_OFFERS]) +
           sample->users * (32.0 + 4.0 * (double)sample->attributes);
}

static double bytes_moved(const struct shop_sample *sample)
{
    const double *usable = sample->usable;
    double events = sizeof(struct event_record) + sizeof(struct clean_event);
    double offers = sizeof(struct offer_record) + sizeof(struct clean_offer);
    return events * usable[TABLE_EVENTS] + offers * usable[TABLE_OFFERS] +
           4.0 * (double)sample->user_record_bytes * usable[TABLE_USERS];
}

struct forecast_time forecast_time(const struct shop_sample *sample, int64_t ranks, int64_t cores,
                                   double copy)
{
    double text = 0.0, workers = (double)(ranks < cores ? ranks : cores);
    for (enum table t = 0; t < TABLES; t++) text += (double)sample->table[t].stored_bytes;
    struct forecast_time time = {.read = read_seconds(sample),
                                 .settle = settle_seconds(sample),
                                 .write = WRITE_COPIES * copy * bytes_written(sample)};
    if (ranks > 1) time.move = copy * (SKIM_COPIES * text + MOVE_COPIES * bytes_moved(sample));
    time.seconds = (time.read + time.settle + time.write + time.move) / workers;
    return time;
}
