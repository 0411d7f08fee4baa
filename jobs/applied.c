/* Columns said of the rows of a table, as CSV. */
#include "jobs/applied.h"

#include "io/csv.h"
#include "io/parse.h"
#include "io/text_file.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_ROWS = 1 << 14 };

enum status applied_add(struct applied *applied, const char *name, double **x)
{
    enum status status = OK;
    int64_t rows = applied->blocks->rows_local;
    struct applied_column *column = &applied->column[applied->columns];
    if (applied->columns == APPLIED_COLUMNS)
        TRY(FAIL(ERR_ARG, "more than %d columns of results", APPLIED_COLUMNS));
    TRY(memory_new(&column->x, rows, sizeof *column->x));
    snprintf(column->name, sizeof column->name, "%s", name);
    for (int64_t i = 0; i < rows; i++) column->x[i] = NAN;
    *x = column->x;
    applied->columns++;
done:
    return status;
}

void applied_clear(struct applied *applied)
{
    for (int64_t j = 0; j < applied->columns; j++) free(applied->column[j].x);
    *applied = (struct applied){0};
}

/* ---- text ---- */

static const char *level_of(const struct applied_column *column, int64_t row)
{
    return dictionary_text(column->levels, (int64_t)column->x[row]);
}

static size_t field_bytes_max(const struct applied_column *column)
{
    size_t most = NUMBER_TEXT_BYTES;
    for (int64_t k = 0; column->levels != NULL && k < column->levels->count; k++) {
        size_t bytes = 2 * strlen(dictionary_text(column->levels, k)) + 2;
        most = bytes > most ? bytes : most;
    }
    return most + 1;
}

static int64_t line_bytes_max(const struct applied *applied)
{
    size_t bytes = 1;
    for (int64_t j = 0; j < applied->columns; j++) bytes += field_bytes_max(&applied->column[j]);
    return (int64_t)bytes;
}

static size_t print_field(const struct applied_column *column, int64_t row, char *to)
{
    if (column->levels == NULL) return format_number(column->x[row], to);
    if (isnan(column->x[row])) return 0;
    const char *text = level_of(column, row);
    return csv_quote(text, strlen(text), ',', to);
}

static int64_t print_rows(const struct applied *applied, int64_t first, int64_t rows, char *text)
{
    char *to = text;
    for (int64_t i = first; i < first + rows; i++) {
        for (int64_t j = 0; j < applied->columns; j++) {
            if (j > 0) *to++ = ',';
            to += print_field(&applied->column[j], i, to);
        }
        *to++ = '\n';
    }
    return to - text;
}

static int64_t print_header(const struct applied *applied, char *text)
{
    char *to = text;
    for (int64_t j = 0; j < applied->columns; j++) {
        const char *name = applied->column[j].name;
        if (j > 0) *to++ = ',';
        to += csv_quote(name, strlen(name), ',', to);
    }
    *to++ = '\n';
    return to - text;
}

/* ---- writing ---- */

static enum status append_rows(const struct comm *comm, const struct applied *applied, char *text,
                               struct text_file *file)
{
    enum status status = OK;
    int64_t rows = applied->blocks->rows_local, most = rows;
    TRY(text_file_append(comm, file, text, comm->rank == 0 ? print_header(applied, text) : 0));
    comm_max_int64(comm, &most, 1);
    /* each rank's rows are one run of the file, so one rank after the other appends all of its */
    for (int r = 0; r < comm->ranks; r++) {
        int64_t mine = comm->rank == r ? rows : 0, pieces = (mine + PIECE_ROWS - 1) / PIECE_ROWS;
        comm_max_int64(comm, &pieces, 1);
        for (int64_t k = 0; k < pieces; k++) {
            int64_t first = k * PIECE_ROWS, left = mine - first;
            int64_t now = left < 0 ? 0 : left < PIECE_ROWS ? left : PIECE_ROWS;
            TRY(text_file_append(comm, file, text, print_rows(applied, first, now, text)));
        }
    }
done:
    return status;
}

/* Rank 0 gets the pieces of every rank, one rank after the other. */
static enum status print_all(const struct comm *comm, const struct applied *applied, char *text)
{
    enum status status = OK;
    bool good = comm->rank != 0 || fwrite(text, 1, (size_t)print_header(applied, text), stdout) > 0;
    for (int r = 0; r < comm->ranks; r++) {
        int64_t rows = applied->blocks->rows_local;
        comm_broadcast(comm, &rows, sizeof rows, r);
        for (int64_t first = 0; first < rows; first += PIECE_ROWS) {
            int64_t now = rows - first < PIECE_ROWS ? rows - first : PIECE_ROWS;
            int64_t bytes = comm->rank == r ? print_rows(applied, first, now, text) : 0;
            comm_broadcast(comm, &bytes, sizeof bytes, r);
            comm_broadcast(comm, text, bytes, r);
            if (comm->rank == 0) good &= fwrite(text, 1, (size_t)bytes, stdout) == (size_t)bytes;
        }
    }
    if (comm->rank == 0) good &= fflush(stdout) == 0;
    TRY_ALL(comm, good ? OK : FAIL(ERR_WRITE, "cannot write the result to stdout: %m"));
done:
    return status;
}

enum status applied_write(const struct comm *comm, const struct applied *applied, const char *path)
{
    enum status status = OK;
    struct text_file *file = NULL;
    char *text = NULL;
    int64_t bytes = line_bytes_max(applied);
    int64_t header = applied->columns * (2 * APPLIED_NAME_BYTES + 3) + 1;
    TRY_ALL(comm, memory_new(&text, bytes * PIECE_ROWS + header, 1));
    if (path == NULL) {
        TRY(print_all(comm, applied, text));
    } else {
        TRY(text_file_open(comm, path, 0600, &file));
        TRY(append_rows(comm, applied, text, file));
        TRY(text_file_commit(comm, &file));
    }
done:
    text_file_abandon(comm, &file);
    free(text);
    return status;
}
