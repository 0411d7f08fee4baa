/**
 * Memory that reports its failure, and how much of it the process has used.
 */
#ifndef REMISE_MPI_MEMORY_H
#define REMISE_MPI_MEMORY_H

#include "mpi/status.h"

#include <stddef.h>
#include <stdint.h>

/**
 * Let large blocks go back to the system as soon as they are freed; first of all in a program.
 * Otherwise the C library keeps up to 32 MiB pieces for later, and how much of them lies idle when
 * most is needed nobody can foretell. Local.
 */
void memory_start(void);

/**
 * Allocate count x size zeroed bytes, aligned to 64. Local.
 * pointer_out  out  address of a pointer: memory_new(&x, count, sizeof *x); the caller frees it
 *                   with free(). Never NULL when OK, also for count 0; NULL unless OK.
 * Errors: ERR_MEMORY, with the size in the message; ERR_BUG for a negative count.
 */
enum status memory_new(void *pointer_out, int64_t count, size_t size);

/** The same with what happens to lie there: room of which little may ever be touched. Local. */
enum status memory_room(void *pointer_out, int64_t count, size_t size);

/**
 * Change an allocation of memory_new to count x size bytes, keeping the first old_count; new ones
 * are zero. Local.
 */
enum status memory_grow(void *pointer_inout, int64_t old_count, int64_t count, size_t size);

/** Highest resident memory of this process so far, in bytes. Local. */
int64_t memory_peak_bytes(void);

#endif
