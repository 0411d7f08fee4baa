/* Opening the library of scalapack_table.c. */
#include "mpi/scalapack.h"

#include <assert.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static const struct scalapack *table; /* as the loader: one for the process, and never closed */

/* All that kernels for SkylakeX use. */
static bool has_avx512(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

/* OpenBLAS falls back to its kernels of 2004 on a processor newer than itself. */
static void set_environment(void)
{
    setenv("OPENBLAS_NUM_THREADS", "1", 0);
    setenv("OMP_NUM_THREADS", "1", 0);
    if (has_avx512()) setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
}

enum status scalapack_open(void)
{
    set_environment();
    void *library = dlopen(REMISE_SCALAPACK, RTLD_LAZY | RTLD_LOCAL);
    table = library != NULL ? dlsym(library, "scalapack_table") : NULL;
    if (table != NULL) return OK;
    return FAIL(ERR_LAUNCH, "%s; %s is built with the program and must lie beside it", dlerror(),
                REMISE_SCALAPACK);
}

const struct scalapack *scalapack(void)
{
    assert(table != NULL);
    return table;
}
