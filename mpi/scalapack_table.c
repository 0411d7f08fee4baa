/* The routines of mpi/scalapack.h, in a library of its own. */
#include "mpi/scalapack.h"

/* Declared as the members of the struct are. */
#define DECLARE(routine, member) extern __typeof__(*((struct scalapack *)0)->member) routine;
#define ADDRESS(routine, member) .member = routine,
#define ROUTINES(X)                                 \
    X(dsyrk_, dsyrk)                                \
    X(dgeqrf_, dgeqrf)                              \
    X(dpotrf_, dpotrf)                              \
    X(dpotri_, dpotri)                              \
    X(dpocon_, dpocon)                              \
    X(descinit_, descinit)                          \
    X(pdpotrf_, pdpotrf)                            \
    X(pdpotrs_, pdpotrs)                            \
    X(pdgels_, pdgels)                              \
    X(Csys2blacs_handle, blacs_handle)              \
    X(Cfree_blacs_system_handle, blacs_free_handle) \
    X(Cblacs_gridinit, blacs_gridinit)              \
    X(Cblacs_gridinfo, blacs_gridinfo)              \
    X(Cblacs_gridexit, blacs_gridexit)

ROUTINES(DECLARE)
const struct scalapack scalapack_table = {ROUTINES(ADDRESS)};
