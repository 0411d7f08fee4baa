/* Counts as rows, panel by panel. */
#include "jobs/demand_rows.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define ALIKE 1e-9 /* log prices that differ by less are one price */

/* A table while it is made. */
struct making {
    const struct demand_panel *panel;
    enum demand_kind kind;
    struct demand_rows *rows;
    int64_t at, panels;
};

static int64_t fold_of(const struct demand_row *row)
{
    return row->week % DEMAND_FOLDS;
}

static int compare_rows(const void *a, const void *b)
{
    const struct demand_row *left = a, *right = b;
    if (left->segment != right->segment) return left->segment < right->segment ? -1 : 1;
    if (fold_of(left) != fold_of(right)) return fold_of(left) < fold_of(right) ? -1 : 1;
    return (left->week > right->week) - (left->week < right->week);
}

static int32_t unit_of(const struct making *m, int32_t category, int32_t segment)
{
    bool by_category = m->kind == DEMAND_OF_CATEGORIES;
    int32_t unit = by_category ? category : segment;
    int64_t cells = by_category ? m->panel->category_rows[unit] : m->panel->segment_rows[unit];
    return cells >= m->panel->min_rows ? unit : (int32_t)m->rows->units;
}

/* The product's counts, those of a panel together; returns how many. */
static int64_t list_product(struct making *m, int64_t p, struct demand_row *to)
{
    const struct demand_panel *panel = m->panel;
    bool by_category = m->kind == DEMAND_OF_CATEGORIES;
    const int64_t *start = by_category ? panel->start : panel->start_by_segment;
    const struct panel_count *count = by_category ? panel->count : panel->count_by_segment;
    int64_t listed = 0;
    for (int64_t i = start[p]; i < start[p + 1]; i++) {
        int64_t at = p * panel->weeks + count[i].week;
        double x = panel->x[at];
        if (isnan(x)) continue;
        to[listed++] =
            (struct demand_row){.product = (int32_t)(panel->products->row_first + p),
                                .week = count[i].week,
                                .season = panel->season[count[i].week],
                                .category = panel->category[p],
                                .segment = count[i].segment,
                                .unit = unit_of(m, panel->category[p], count[i].segment),
                                .y = log(count[i].units),
                                .x = x,
                                .promoted = panel->promoted != NULL ? panel->promoted[at] : 0.0,
                                .weight = count[i].units};
    }
    if (!by_category && listed > 0) qsort(to, (size_t)listed, sizeof *to, compare_rows);
    return listed;
}

static bool same_panel(const struct making *m, const struct demand_row *a,
                       const struct demand_row *b)
{
    return m->kind == DEMAND_OF_CATEGORIES ||
           (a->segment == b->segment && fold_of(a) == fold_of(b));
}

/* Rows [0, count) of a panel, put to their place with their means. */
static void close_panel(struct making *m, const struct demand_row *from, int64_t count)
{
    double sum_y = 0, sum_x = 0, promoted = 0, units = 0, panel_rows = (double)count;
    double low = INFINITY, high = -INFINITY;
    if (count < 2) return;
    for (int64_t i = 0; i < count; i++) {
        sum_y += from[i].y;
        sum_x += from[i].x;
        promoted += from[i].promoted;
        units += from[i].weight;
        low = fmin(low, from[i].x);
        high = fmax(high, from[i].x);
    }
    for (int64_t i = 0; i < count; i++, m->at++) {
        struct demand_row *row = &m->rows->row[m->at];
        *row = from[i];
        row->mean_y = sum_y / panel_rows;
        row->mean_x = sum_x / panel_rows;
        row->mean_promoted = promoted / panel_rows;
        if (high - low < ALIKE) row->x = row->mean_x; /* nothing of the rounding is left */
        row->weight = units / panel_rows;
        m->rows->panel[m->at] = m->panels;
        m->rows->cluster[m->at] = row->product * m->panel->weeks + row->week;
    }
    m->panels++;
}

/* `room` has as many rows as the counts of any product. */
static void add_product(struct making *m, int64_t p, struct demand_row *room)
{
    int64_t listed = list_product(m, p, room), first = 0;
    for (int64_t i = 1; i <= listed; i++)
        if (i == listed || !same_panel(m, &room[first], &room[i])) {
            close_panel(m, room + first, i - first);
            first = i;
        }
}

static enum status new_rows(const struct demand_panel *panel, int64_t counts,
                            struct demand_rows *rows)
{
    enum status status = OK;
    const struct blocks *products = panel->products;
    rows->blocks = (struct blocks){.blocks_total = products->blocks_total,
                                   .block_first = products->block_first,
                                   .blocks_local = products->blocks_local};
    TRY(memory_new(&rows->blocks.start, products->blocks_local + 1, sizeof *rows->blocks.start));
    TRY(memory_new(&rows->row, counts, sizeof *rows->row));
    TRY(memory_new(&rows->panel, counts, sizeof *rows->panel));
    TRY(memory_new(&rows->cluster, counts, sizeof *rows->cluster));
done:
    return status;
}

static enum status fill_rows(const struct demand_panel *panel, enum demand_kind kind,
                             struct demand_rows *rows)
{
    enum status status = OK;
    const struct blocks *products = panel->products;
    const int64_t *start = kind == DEMAND_OF_CATEGORIES ? panel->start : panel->start_by_segment;
    struct making m = {.panel = panel, .kind = kind, .rows = rows};
    struct demand_row *room = NULL;
    int64_t most = 0;
    for (int64_t p = 0; p < products->rows_local; p++)
        if (start[p + 1] - start[p] > most) most = start[p + 1] - start[p];
    TRY(new_rows(panel, start[products->rows_local], rows));
    TRY(memory_new(&room, most, sizeof *room));
    for (int64_t b = 0; b < products->blocks_local; b++) {
        for (int64_t p = products->start[b]; p < products->start[b + 1]; p++)
            add_product(&m, p, room);
        rows->blocks.start[b + 1] = m.at;
    }
    rows->blocks.rows_local = m.at;
done:
    free(room);
    return status;
}

/* A log of 1 is 0 at any price. */
static void warn_of_ones(const struct comm *comm, const struct demand_rows *rows)
{
    int64_t ones = 0, all = rows->blocks.rows_total;
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) ones += rows->row[i].y == 0.0;
    comm_sum_int64(comm, &ones, 1);
    if (2 * ones > all)
        log_warning("%s: %.0f %% of the cells with sales have a single purchase, of which the log "
                    "is 0 at any price; elasticities come out too near zero, and `demand.method: "
                    "counts` does better",
                    rows->by_segment ? "segments" : "categories",
                    100.0 * (double)ones / (double)all);
}

enum status demand_rows_make(const struct comm *comm, const struct demand_panel *panel,
                             enum demand_kind kind, struct demand_rows *rows)
{
    enum status status = OK;
    bool by_segment = kind == DEMAND_OF_SEGMENTS;
    *rows = (struct demand_rows){.by_segment = by_segment,
                                 .promotions = panel->promoted != NULL,
                                 .units = by_segment ? panel->segments : panel->categories};
    TRY_ALL(comm, fill_rows(panel, kind, rows));
    rows->blocks.rows_total = rows->blocks.rows_local;
    rows->blocks.row_first = comm_prefix_int64(comm, rows->blocks.rows_local);
    comm_sum_int64(comm, &rows->blocks.rows_total, 1);
    warn_of_ones(comm, rows);
done:
    return status;
}

void demand_rows_clear(struct demand_rows *rows)
{
    blocks_clear(&rows->blocks);
    free(rows->row);
    free(rows->panel);
    free(rows->cluster);
    *rows = (struct demand_rows){0};
}
