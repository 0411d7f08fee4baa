/**
 * How fast a linear model is fitted: rows made in memory from a counter, standard errors and
 * condition included; and beside it ScaLAPACK's PDGELS, called directly on the same rows, for the
 * coefficients alone.
 *
 * mpirun -np 2 bench_lsq [ROWS [COLUMNS [LEVELS]]] prints one line of JSON. Row i, column j is
 * uniform in [-1, 1): the top 24 bits of the SplitMix64 hash of i * COLUMNS + j; y is the row's sum
 * with weights 1, 1/2, 1/3, .. and a term that no column explains. With LEVELS each row also has
 * two one-hot effects of LEVELS / 2 levels each, and PDGELS is not tried. bench/peer_lsq.py makes
 * the same rows and the same fit without them. The digest is of all coefficients' bits: it is the
 * same at any number of ranks.
 */
#include "algorithms/least_squares.h"
#include "mpi/grid.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "mpi/scalapack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setting {
    int64_t rows, columns, levels;
};

struct data {
    struct blocks blocks;
    double *x, *y;
    int64_t *row_start;
    int32_t *column;
};

/* Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators */
static uint64_t mix(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double value(uint64_t counter)
{
    return (double)(mix(counter) >> 40) * 0x1p-23 - 1.0;
}

static struct setting read_setting(int argc, char **argv)
{
    int64_t number[3] = {1000000, 64, 0};
    for (int i = 1; i < argc && i <= 3; i++) number[i - 1] = strtoll(argv[i], NULL, 10);
    return (struct setting){number[0], number[1], number[2] / 2 * 2};
}

static void fill_row(const struct setting *set, struct data *data, int64_t i)
{
    int64_t row = data->blocks.row_first + i, half = set->levels / 2;
    double sum = 0.0, *x = data->x + i * set->columns;
    for (int64_t j = 0; j < set->columns; j++) {
        x[j] = value((uint64_t)(row * set->columns + j));
        sum += x[j] / (double)(j + 1);
    }
    data->y[i] = sum + value((uint64_t)row + ((uint64_t)1 << 62));
    data->row_start[i + 1] = half > 0 ? 2 * (i + 1) : 0;
    for (int64_t e = 0; e < 2 && half > 0; e++) {
        uint64_t draw = mix((uint64_t)(2 * row + e) + ((uint64_t)1 << 61));
        data->column[2 * i + e] = (int32_t)(e * half + (int64_t)(draw % (uint64_t)half));
    }
}

static enum status make_rows(const struct setting *set, struct data *data)
{
    enum status status = OK;
    int64_t rows = data->blocks.rows_local;
    TRY(memory_new(&data->x, rows * set->columns, sizeof *data->x));
    TRY(memory_new(&data->y, rows, sizeof *data->y));
    TRY(memory_new(&data->row_start, rows + 1, sizeof *data->row_start));
    TRY(memory_new(&data->column, set->levels > 0 ? 2 * rows : 0, sizeof *data->column));
    for (int64_t i = 0; i < rows; i++) fill_row(set, data, i);
done:
    return status;
}

/* ---- PDGELS ---- */

enum { BLOCK = 64 };

/* The same rows, a constant before them, as PDGELS wants them: column-major, block-cyclic. */
static void fill_share(const struct setting *set, const struct grid *grid, int share, double *a,
                       double *b)
{
    for (int i = 0; i < share; i++) {
        int64_t row = grid_global(i, BLOCK, grid->row, grid->rows);
        double sum = 0.0;
        a[i] = 1.0;
        for (int64_t j = 0; j < set->columns; j++) {
            double x = value((uint64_t)(row * set->columns + j));
            a[(j + 1) * share + i] = x;
            sum += x / (double)(j + 1);
        }
        b[i] = sum + value((uint64_t)row + ((uint64_t)1 << 62));
    }
}

/* seconds = the time of PDGELS alone, once it has its rows */
static enum status time_pdgels(const struct comm *comm, const struct setting *set, double *seconds)
{
    enum status status = OK;
    struct grid grid = {0};
    double *a = NULL, *work = NULL, wanted = 0.0;
    int rows = (int)set->rows, columns = (int)set->columns + 1, one = 1, zero = 0, block = BLOCK;
    int of_a[9], of_b[9], info = 0, size = -1;
    TRY(grid_open_tall(comm, &grid));
    int share = grid_share(rows, BLOCK, grid.row, grid.rows), leading = share > 0 ? share : 1;
    TRY_ALL(comm, memory_new(&a, (int64_t)leading * (columns + 1), sizeof *a));
    double *b = a + (int64_t)leading * columns;
    fill_share(set, &grid, share, a, b);
    scalapack()->descinit(of_a, &rows, &columns, &block, &block, &zero, &zero, &grid.context,
                          &leading, &info);
    scalapack()->descinit(of_b, &rows, &one, &block, &block, &zero, &zero, &grid.context, &leading,
                          &info);
    scalapack()->pdgels("N", &rows, &columns, &one, a, &one, &one, of_a, b, &one, &one, of_b,
                        &wanted, &size, &info);
    size = (int)wanted;
    TRY_ALL(comm, memory_new(&work, size, sizeof *work));
    comm_barrier(comm);
    double start = clock_seconds();
    scalapack()->pdgels("N", &rows, &columns, &one, a, &one, &one, of_a, b, &one, &one, of_b, work,
                        &size, &info);
    *seconds = clock_seconds() - start;
done:
    grid_close(&grid);
    free(a);
    free(work);
    return status;
}

/* ---- ours ---- */

static unsigned digest(const struct least_squares *fit)
{
    uint64_t all = 0, bits = 0;
    for (int64_t j = 0; j < fit->parameters; j++) {
        memcpy(&bits, &fit->coefficient[j], sizeof bits);
        all = mix(all ^ bits);
    }
    return (unsigned)(all >> 32);
}

static void print_result(const struct comm *comm, const struct setting *set,
                         const struct least_squares *fit, double seconds, double pdgels)
{
    double columns = (double)set->columns, levels = (double)set->levels;
    double flops = (double)set->rows * columns * columns + 2.0 / 3.0 * levels * levels * levels;
    if (comm->rank != 0) return;
    printf(
        "{\"bench\": \"lsq\", \"rows\": %lld, \"columns\": %lld, \"levels\": %lld, \"ranks\": %d, "
        "\"seconds\": %.4f, \"rows_per_second\": %.4g, \"gflops\": %.1f, \"slope\": %.12g, "
        "\"std_error\": %.6g, \"r_squared\": %.12g, \"condition\": %.4g, \"path\": \"%s\", "
        "\"digest\": \"%08x\"",
        (long long)set->rows, (long long)set->columns, (long long)set->levels, comm->ranks, seconds,
        (double)set->rows / seconds, flops / seconds / 1e9, fit->coefficient[1], fit->std_error[1],
        fit->r_squared, fit->condition, least_squares_path_text(fit->path), digest(fit));
    if (pdgels > 0.0)
        printf(", \"more\": [{\"peer\": \"ScaLAPACK PDGELS\", \"rows_per_second\": %.4g}]",
               (double)set->rows / pdgels);
    printf("}\n");
}

static enum status run(const struct comm *comm, const struct setting *set)
{
    enum status status = OK;
    struct data data = {0};
    struct least_squares *fit = NULL;
    const int64_t first_slope = 1;
    struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
    TRY_ALL(comm, blocks_cut(comm, set->rows, BLOCK_ROWS, &data.blocks));
    TRY_ALL(comm, make_rows(set, &data));
    struct design design = {.blocks = &data.blocks,
                            .intercept = true,
                            .dense = set->columns,
                            .x = data.x,
                            .sparse = set->levels,
                            .row_start = data.row_start,
                            .column = data.column,
                            .y = data.y};
    if (set->levels > 0 || set->columns > 1024) { /* one error: the others would take long */
        options.all_errors = false;
        options.wanted = &first_slope;
        options.wanted_count = 1;
    }
    comm_barrier(comm);
    double start = clock_seconds();
    TRY(least_squares_fit(comm, &design, &options, &fit));
    double seconds = clock_seconds() - start, pdgels = 0.0;
    if (set->levels == 0) TRY(time_pdgels(comm, set, &pdgels));
    print_result(comm, set, fit, seconds, pdgels);
done:
    least_squares_free(&fit);
    blocks_clear(&data.blocks);
    free(data.x);
    free(data.y);
    free(data.row_start);
    free(data.column);
    return status;
}

int main(int argc, char **argv)
{
    struct comm comm;
    struct setting set = read_setting(argc, argv);
    enum status status = comm_start(&comm);
    log_start(&comm, LOG_WARNING);
    if (status == OK) status = run(&comm, &set);
    if (status != OK) log_line(LOG_ERROR, "%s", status_message());
    comm_end(&comm, status);
}
