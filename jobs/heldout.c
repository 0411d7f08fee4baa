/* heldout.h5, written and read. */
#include "jobs/heldout.h"

#include "io/store.h"
#include "mpi/memory.h"

#include <stdlib.h>

enum { ROWS_MOST = 1 << 20, NUMBERS = 5 };

struct number {
    const char *name, *unit, *about;
};

static const struct store_column product_column = {"product", STORE_I32, 1, "",
                                                   "number of the product"};
static const struct number number_list[NUMBERS] = {
    {"a", "logit", "log odds of buying without discount, by a network that did not see the user"},
    {"b", "logit", "gain in these by a dose of 1"},
    {"dose", "discount", "how much the discount that was offered counts"},
    {"bought", "", "1: it was"},
    {"weight", "", "of the row"}};

static float **number_of(struct heldout *heldout, int k)
{
    float **numbers[NUMBERS] = {&heldout->a, &heldout->b, &heldout->dose, &heldout->bought,
                                &heldout->weight};
    return numbers[k];
}

static enum status reserve(int64_t rows, struct heldout *heldout)
{
    enum status status = OK;
    TRY(memory_new(&heldout->product, rows, sizeof *heldout->product));
    for (int k = 0; k < NUMBERS; k++) TRY(memory_new(number_of(heldout, k), rows, sizeof(float)));
done:
    return status;
}

void heldout_clear(struct heldout *heldout)
{
    blocks_clear(&heldout->blocks);
    free(heldout->product);
    for (int k = 0; k < NUMBERS; k++) free(*number_of(heldout, k));
    *heldout = (struct heldout){0};
}

static bool is_kept(const struct response_rows *rows, int64_t row, int64_t every)
{
    return rows->part[row] == PART_VALIDATION && (rows->blocks.row_first + row) % every == 0;
}

static enum status pick(const struct response_rows *rows, const struct calibration *calibration,
                        const float *a, const float *b, struct heldout *heldout)
{
    int64_t every = (rows->blocks.rows_total + ROWS_MOST - 1) / ROWS_MOST, kept = 0, at = 0;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) kept += is_kept(rows, i, every);
    enum status status = reserve(kept, heldout);
    if (status != OK) return status;
    heldout->blocks.rows_local = kept;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        if (!is_kept(rows, i, every)) continue;
        heldout->product[at] = rows->product[i];
        heldout->a[at] = a[i];
        heldout->b[at] = b[i];
        heldout->dose[at] = rows->dose[i];
        heldout->bought[at] = rows->y[i];
        heldout->weight[at++] = rows->weight[i];
    }
    calibration_curves(calibration, kept, heldout->a, heldout->b);
    return OK;
}

enum status heldout_write(const struct comm *comm, const struct run *run,
                          const struct response_rows *rows, const struct calibration *calibration,
                          const float *a, const float *b)
{
    enum status status = OK;
    struct store *store = NULL;
    struct heldout heldout = {0};
    TRY_ALL(comm, pick(rows, calibration, a, b, &heldout));
    TRY(store_create(comm, run_path(run, "heldout.h5"), &store));
    TRY(store_write(comm, store, &product_column, heldout.product, heldout.blocks.rows_local));
    for (int k = 0; k < NUMBERS; k++) {
        const struct store_column column = {number_list[k].name, STORE_F32, 1, number_list[k].unit,
                                            number_list[k].about};
        TRY(store_write(comm, store, &column, *number_of(&heldout, k), heldout.blocks.rows_local));
    }
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    heldout_clear(&heldout);
    return status;
}

enum status heldout_read(const struct comm *comm, const char *path, struct heldout *heldout)
{
    enum status status = OK;
    struct store *store = NULL;
    *heldout = (struct heldout){0};
    TRY(store_open(comm, path, &store));
    int64_t rows = store_rows(comm, store, "product", NULL);
    TRY_ALL(comm, blocks_cut(comm, rows > 0 ? rows : 0, BLOCK_ROWS, &heldout->blocks));
    int64_t first = heldout->blocks.row_first, mine = heldout->blocks.rows_local;
    TRY_ALL(comm, reserve(mine, heldout));
    TRY(store_read(comm, store, "product", STORE_I32, first, mine, heldout->product));
    for (int k = 0; k < NUMBERS; k++)
        TRY(store_read(comm, store, number_list[k].name, STORE_F32, first, mine,
                       *number_of(heldout, k)));
done:
    store_close(comm, &store);
    if (status != OK) heldout_clear(heldout);
    return status;
}
