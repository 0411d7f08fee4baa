/* Prices from cells. */
#include "jobs/demand_prices.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* Of this rank's products: means over purchases of all segments. */
static void find_prices(const struct demand_cells *cells, int64_t weeks, double *x,
                        double *promoted)
{
    for (int64_t i = 0; i < cells->products.rows_local * weeks; i++) x[i] = NAN;
    for (int64_t i = 0; i < cells->cells;) {
        const struct demand_cell *first = &cells->cell[i];
        int64_t sales = 0, micros = 0, on_promotion = 0;
        for (; i < cells->cells && cells->cell[i].product == first->product &&
               cells->cell[i].week == first->week;
             i++) {
            sales += cells->cell[i].sales;
            micros += cells->cell[i].price_micros;
            on_promotion += cells->cell[i].promoted;
        }
        int64_t at = (first->product - cells->products.row_first) * weeks + first->week;
        if (micros > 0) x[at] = log(1e-6 * (double)micros / (double)sales);
        if (promoted != NULL) promoted[at] = (double)on_promotion / (double)sales;
    }
}

enum status demand_prices_make(const struct comm *comm, const struct demand_cells *cells,
                               int64_t weeks, struct demand_prices *prices)
{
    enum status status = OK;
    double *mine = NULL;
    void *all = NULL;
    int64_t products = cells->products.rows_local, bytes = 0;
    *prices = (struct demand_prices){.products = cells->products.rows_total, .weeks = weeks};
    TRY_ALL(comm, memory_new(&mine, products * weeks, sizeof *mine));
    if (cells->promotions)
        TRY_ALL(comm, memory_new(&prices->promoted, products * weeks, sizeof *prices->promoted));
    find_prices(cells, weeks, mine, prices->promoted);
    TRY(comm_gather_all(comm, mine, products * weeks * (int64_t)sizeof *mine, &all, &bytes));
    prices->x = all;
done:
    free(mine);
    return status;
}

void demand_prices_clear(struct demand_prices *prices)
{
    free(prices->x);
    free(prices->promoted);
    *prices = (struct demand_prices){0};
}
