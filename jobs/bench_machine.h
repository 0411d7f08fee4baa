/**
 * What a machine can do: the limits that the speed of an algorithm is a share of.
 */
#ifndef REMISE_JOBS_BENCH_MACHINE_H
#define REMISE_JOBS_BENCH_MACHINE_H

#include "mpi/comm.h"

/* Of all ranks together, each at its fastest of a few turns. */
struct bench_machine {
    double float_flops, double_flops; /* multiply-adds on registers in a second, counted as two */
    double read_bytes;   /* in a second, from memory beyond the caches of a processor */
    double copied_bytes; /* read and written in a second, by copying such memory */
    double counts;       /* bins of histograms added to in a second, in the first cache */
};

/**
 * Measure the machine, all ranks at once.
 *
 * Collective. Whatever else runs on the machine makes it slower.
 * Cost: about two seconds, and 512 MiB a rank.
 * Errors: ERR_MEMORY.
 */
enum status bench_machine_measure(const struct comm *comm, struct bench_machine *machine);

#endif
