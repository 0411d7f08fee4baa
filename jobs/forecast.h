/**
 * What ingest will need, from a look at the tables: memory at its peak, step by step through what
 * it holds, and time.
 *
 * `remise check` says it beforehand, ingest itself when it begins. Where a part of ingest comes to
 * hold more or less, forecast.c has to follow: tests/test_check.sh compares it with real runs.
 */
#ifndef REMISE_JOBS_FORECAST_H
#define REMISE_JOBS_FORECAST_H

#include "jobs/shop_sample.h"

/* A process of the program with MPI and HDF5 before it holds anything. Other installations of MPI,
 * and ranks on many nodes, take more. */
enum { FORECAST_PROCESS_BYTES = 27 << 20 };

struct forecast_memory {
    double bytes;   /* of a rank at the peak */
    const char *at; /* the step with the peak; a constant */
};

/**
 * Memory of ingest on each rank. Local.
 * process_bytes  in  of a rank before it begins
 */
struct forecast_memory forecast_memory(const struct config *config,
                                       const struct shop_sample *sample, int64_t ranks,
                                       double process_bytes);

struct forecast_time {
    double seconds;             /* on so many ranks, of wall time */
    double read, settle, write; /* of one processor: all of it together */
    double move;                /* as well, only where there are several ranks */
};

/** Seconds to copy a byte to new memory on this machine; takes some hundredths of one. Local. */
double forecast_copy_seconds(void);

/**
 * Time of ingest on machines like this one. Local.
 * sample  in  with settle_seconds
 * copy    in  from forecast_copy_seconds
 * cores   in  that the ranks share; more ranks than cores are no faster
 */
struct forecast_time forecast_time(const struct shop_sample *sample, int64_t ranks, int64_t cores,
                                   double copy);

#endif
