/**
 * ScaLAPACK with its BLACS, and LAPACK: the few routines of them in use, opened when MPI starts.
 *
 * They lie in libraries of thousands of symbols, which take longer to load than a command without
 * MPI takes to do its work. So they are behind one small library of our own beside the program,
 * which the loader need not look at; comm_start opens it. Matrices are column-major; none of these
 * libraries has a C header of its own.
 */
#ifndef REMISE_MPI_SCALAPACK_H
#define REMISE_MPI_SCALAPACK_H

#include "mpi/status.h"

#include <mpi.h>

/* By their own names in lower case, without the underscore of Fortran. */
struct scalapack {
    void (*dsyrk)(const char *triangle, const char *transpose, const int *n, const int *k,
                  const double *alpha, const double *a, const int *leading_a, const double *beta,
                  double *c, const int *leading_c);
    void (*dgeqrf)(const int *rows, const int *columns, double *a, const int *leading, double *tau,
                   double *work, const int *work_size, int *info);
    void (*dpotrf)(const char *triangle, const int *n, double *a, const int *leading, int *info);
    void (*dpotri)(const char *triangle, const int *n, double *a, const int *leading, int *info);
    void (*dpocon)(const char *triangle, const int *n, const double *a, const int *leading,
                   const double *norm, double *reciprocal, double *work, int *integers, int *info);

    void (*descinit)(int *descriptor, const int *rows, const int *columns, const int *row_block,
                     const int *column_block, const int *row_source, const int *column_source,
                     const int *context, const int *leading, int *info);
    void (*pdpotrf)(const char *triangle, const int *n, double *a, const int *ia, const int *ja,
                    const int *descriptor, int *info);
    void (*pdpotrs)(const char *triangle, const int *n, const int *sides, const double *a,
                    const int *ia, const int *ja, const int *descriptor_a, double *b, const int *ib,
                    const int *jb, const int *descriptor_b, int *info);
    void (*pdgels)(const char *transpose, const int *rows, const int *columns, const int *sides,
                   double *a, const int *ia, const int *ja, const int *descriptor_a, double *b,
                   const int *ib, const int *jb, const int *descriptor_b, double *work,
                   const int *work_size, int *info);

    int (*blacs_handle)(MPI_Comm comm); /* Csys2blacs_handle */
    void (*blacs_free_handle)(int handle);
    void (*blacs_gridinit)(int *context, const char *order, int rows, int columns);
    void (*blacs_gridinfo)(int context, int *rows, int *columns, int *row, int *column);
    void (*blacs_gridexit)(int context);
};

/**
 * Open the libraries, with the settings that OpenBLAS reads only while it is loaded: one thread,
 * and kernels for AVX-512 where the processor has it. What the user has set stays. Local;
 * comm_start calls it.
 * Errors: ERR_LAUNCH the library beside the program, or one that it needs, cannot be opened.
 */
enum status scalapack_open(void);

/** The routines; only after comm_start. Local. */
const struct scalapack *scalapack(void);

#endif
