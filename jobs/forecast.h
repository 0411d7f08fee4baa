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

#endif
