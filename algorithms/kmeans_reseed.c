/* New places for centroids without rows. */
#include "algorithms/kmeans_reseed.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { RESEED_MOST = 16 };

/* A row far from its centroid. */
struct far_row {
    double square;
    int64_t row; /* global */
    int32_t label;
    int32_t unused; /* no padding: these travel as bytes */
};

/* The farthest rows so far, farthest first. */
struct far_rows {
    int64_t most, count;
    struct far_row row[RESEED_MOST];
};

static int64_t count_empty(const int64_t *count, int64_t k)
{
    int64_t empty = 0;
    for (int64_t c = 0; c < k; c++) empty += count[c] == 0;
    return empty;
}

/* Rows come in ascending order, so one that is no farther goes behind. */
static void consider(struct far_rows *far, struct far_row row)
{
    int64_t at = far->count;
    if (at == far->most && row.square <= far->row[at - 1].square) return;
    if (at < far->most)
        far->count++;
    else
        at--;
    for (; at > 0 && far->row[at - 1].square < row.square; at--) far->row[at] = far->row[at - 1];
    far->row[at] = row;
}

static void search(const struct rows *x, const struct kmeans_panels *panels,
                   const double *centroids, const int64_t *count, struct far_rows *far)
{
    int32_t labels[KMEANS_STRIP];
    double squares[KMEANS_STRIP];
    int64_t rows_local = x->blocks->rows_local;
    for (int64_t i = 0; i < rows_local; i += KMEANS_STRIP) {
        int64_t rows = rows_local - i < KMEANS_STRIP ? rows_local - i : KMEANS_STRIP;
        const float *strip = x->x + i * x->stride;
        panels->kernel->assign(panels, strip, rows, x->stride, labels);
        panels->kernel->squares(strip, rows, x->stride, x->columns, labels, centroids, squares);
        for (int64_t r = 0; r < rows; r++)
            if (squares[r] > 0.0 && count[labels[r]] > 1)
                consider(far,
                         (struct far_row){squares[r], x->blocks->row_first + i + r, labels[r], 0});
    }
}

/* records [far->count]: each far row and its columns */
static enum status pack(const struct rows *x, const struct far_rows *far, int64_t record_bytes,
                        char **records)
{
    enum status status = memory_new(records, far->count * record_bytes, 1);
    for (int64_t i = 0; status == OK && i < far->count; i++) {
        char *record = *records + i * record_bytes;
        const float *row = x->x + (far->row[i].row - x->blocks->row_first) * x->stride;
        memcpy(record, &far->row[i], sizeof far->row[i]);
        memcpy(record + sizeof far->row[i], row, (size_t)x->columns * sizeof *row);
    }
    return status;
}

static int compare_far(const void *a, const void *b)
{
    struct far_row left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    if (left.square != right.square) return left.square > right.square ? -1 : 1;
    return (left.row > right.row) - (left.row < right.row);
}

/* Move one row from its cluster to the empty cluster `to`; false if it is the last one there. */
static bool move_row(const char *record, int64_t to, int64_t columns, int64_t *count, double *sums)
{
    struct far_row row;
    memcpy(&row, record, sizeof row);
    if (count[row.label] <= 1) return false;
    for (int64_t j = 0; j < columns; j++) {
        float value;
        memcpy(&value, record + sizeof row + (size_t)j * sizeof value, sizeof value);
        sums[row.label * columns + j] -= (double)value;
        sums[to * columns + j] = (double)value;
    }
    count[row.label]--;
    count[to] = 1;
    return true;
}

static void place(const char *records, int64_t found, int64_t record_bytes, int64_t k,
                  int64_t columns, int64_t *count, double *sums)
{
    int64_t used = 0;
    for (int64_t c = 0; c < k; c++) {
        if (count[c] != 0) continue;
        while (used < found && used < RESEED_MOST)
            if (move_row(records + used++ * record_bytes, c, columns, count, sums)) break;
    }
}

enum status kmeans_reseed(const struct comm *comm, const struct rows *x,
                          const struct kmeans_panels *panels, const double *centroids,
                          int64_t *count, double *sums)
{
    enum status status = OK;
    struct far_rows far = {.most = count_empty(count, panels->k)};
    char *mine = NULL;
    void *all = NULL;
    int64_t bytes = 0;
    int64_t record_bytes = (int64_t)sizeof(struct far_row) + x->columns * (int64_t)sizeof(float);
    if (far.most == 0) return OK; /* counts are reduced: all ranks leave */
    if (far.most > RESEED_MOST) far.most = RESEED_MOST;
    search(x, panels, centroids, count, &far);
    TRY_ALL(comm, pack(x, &far, record_bytes, &mine));
    TRY(comm_gather_all(comm, mine, far.count * record_bytes, &all, &bytes));
    int64_t found = bytes / record_bytes;
    if (found > 0) qsort(all, (size_t)found, (size_t)record_bytes, compare_far);
    place(all, found, record_bytes, panels->k, x->columns, count, sums);
done:
    free(mine);
    free(all);
    return status;
}
