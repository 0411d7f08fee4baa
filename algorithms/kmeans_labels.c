/* Labels, bounds and sums from one iteration of k-means to the next. */
#include "algorithms/kmeans_labels.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* SPAN: rows between two looks at the bounds, and the most that sums take before they are kept.
 * STEPS: units in the largest shift when the unit is chosen. */
enum {
    NO_NARROW = UINT8_MAX,
    NO_WIDE = UINT16_MAX,
    SPAN = 4096,
    STEPS = 64,
    DRIFT_MOST = 32768,
    WAIT_MOST = 16
};

#define GRID 6144.0 /* 1.5 2^12: sums of SPAN rows below 1, in multiples of 2^-40, are exact */
#define SAFELY 1.000001

void kmeans_labels_clear(struct kmeans_labels *labels)
{
    free(labels->narrow);
    free(labels->wide);
    free(labels->bound);
    free(labels->grid);
    free(labels->place);
    free(labels->shift);
    free(labels->drift);
    free(labels->need);
    free(labels->moves);
    free(labels->list);
    *labels = (struct kmeans_labels){0};
}

enum status kmeans_labels_init(struct kmeans_labels *labels, const struct rows *x,
                               struct kmeans_panels *panels, struct kmeans_sums *sums)
{
    enum status status = OK;
    int64_t k = panels->k, columns = x->columns, rows = x->blocks->rows_local;
    *labels = (struct kmeans_labels){
        .x = x, .panels = panels, .sums = sums, .fresh = true, .wait = 1, .pause = 0};
    if (k <= NO_NARROW) {
        TRY(memory_new(&labels->narrow, rows, sizeof *labels->narrow));
        memset(labels->narrow, NO_NARROW, (size_t)rows);
    } else if (k <= NO_WIDE) {
        TRY(memory_new(&labels->wide, rows, sizeof *labels->wide));
        for (int64_t i = 0; i < rows; i++) labels->wide[i] = NO_WIDE;
    }
    TRY(memory_new(&labels->bound, kmeans_labels_kept(labels) ? rows : 0, sizeof *labels->bound));
    TRY(memory_new(&labels->grid, kmeans_pitch(columns), sizeof *labels->grid));
    TRY(memory_new(&labels->place, k * columns, sizeof *labels->place));
    TRY(memory_new(&labels->shift, k, sizeof *labels->shift));
    TRY(memory_new(&labels->drift, k, sizeof *labels->drift));
    TRY(memory_new(&labels->need, k, sizeof *labels->need));
    TRY(memory_new(&labels->moves, KMEANS_STRIP, sizeof *labels->moves));
    TRY(memory_new(&labels->list, SPAN, sizeof *labels->list));
    for (int64_t j = 0; j < columns; j++) labels->grid[j] = GRID * sums->unit[j];
    kmeans_sums_reset(sums);
done:
    if (status != OK) kmeans_labels_clear(labels);
    return status;
}

/* ---- what a pass has to do ---- */

/* shift[c] = how far centroid c is from where it was; place = where it is. The largest shift. */
static double measure_shifts(struct kmeans_labels *labels, const double *centroids)
{
    int64_t k = labels->panels->k, columns = labels->x->columns;
    double largest = 0;
    for (int64_t c = 0; c < k; c++) {
        double square = 0, *place = labels->place + c * columns;
        for (int64_t j = 0; j < columns; j++) {
            double now = (double)(float)centroids[c * columns + j];
            square += (now - place[j]) * (now - place[j]);
            place[j] = now;
        }
        labels->shift[c] = sqrt(square) * SAFELY;
        largest = fmax(largest, labels->shift[c]);
    }
    return largest;
}

static enum kmeans_pass begin_bounds(struct kmeans_labels *labels, double largest)
{
    if (labels->pause-- > 0) return KMEANS_PASS_PLAIN;
    labels->unit = largest / STEPS;
    labels->reach = labels->panels->reach = 1.25f * labels->panels->reach;
    memset(labels->drift, 0, (size_t)labels->panels->k * sizeof *labels->drift);
    return KMEANS_PASS_JUDGE;
}

/* A row's gap shrinks by no more than its centroid's shift and the largest of the others. False if
 * the bounds no longer reach so far. */
static bool let_drift(struct kmeans_labels *labels)
{
    int64_t k = labels->panels->k, first = 0;
    double second = 0, most = 0;
    for (int64_t c = 1; c < k; c++)
        if (labels->shift[c] > labels->shift[first]) first = c;
    for (int64_t c = 0; c < k; c++)
        if (c != first) second = fmax(second, labels->shift[c]);
    for (int64_t c = 0; c < k; c++) {
        double other = c == first ? second : labels->shift[first];
        labels->drift[c] += (labels->shift[c] + other) / labels->unit * SAFELY;
        most = fmax(most, labels->drift[c]);
    }
    if (!(most < DRIFT_MOST) || labels->panels->reach > labels->reach) return false;
    for (int64_t c = 0; c < k; c++) labels->need[c] = (uint16_t)ceil(labels->drift[c]);
    labels->panels->reach = labels->reach;
    return true;
}

static enum kmeans_pass plan(struct kmeans_labels *labels, const double *centroids)
{
    double largest = measure_shifts(labels, centroids);
    if (labels->fresh || !kmeans_labels_kept(labels)) {
        kmeans_sums_reset(labels->sums);
        labels->fresh = false;
        return KMEANS_PASS_PLAIN;
    }
    if (largest == 0.0) return KMEANS_PASS_NONE;
    if (labels->unit > 0 && let_drift(labels)) return KMEANS_PASS_PRUNE;
    return begin_bounds(labels, largest);
}

/* Give bounds up for a while where they spare less than half of the rows. */
static void reconsider(struct kmeans_labels *labels, enum kmeans_pass pass)
{
    int64_t rows = labels->x->blocks->rows_local;
    int64_t lost = pass == KMEANS_PASS_JUDGE ? labels->weak : labels->visited;
    if (pass != KMEANS_PASS_JUDGE && pass != KMEANS_PASS_PRUNE) return;
    if (2 * lost <= rows) {
        labels->wait = 1;
        return;
    }
    labels->unit = 0;
    labels->pause = labels->wait;
    labels->wait = labels->wait < WAIT_MOST ? 2 * labels->wait : WAIT_MOST;
}

/* ---- the rows ---- */

/* list = the rows [0, rows) of the span whose bounds do not hold */
static int64_t select_rows(const struct kmeans_labels *labels, int64_t first, int64_t rows)
{
    const uint16_t *bound = labels->bound + first, *need = labels->need;
    const uint8_t *narrow = labels->narrow;
    const uint16_t *wide = labels->wide;
    int32_t *list = labels->list;
    int64_t count = 0;
    for (int64_t i = 0; i < rows; i++) {
        list[count] = (int32_t)i;
        count += bound[i] <= need[narrow != NULL ? narrow[first + i] : wide[first + i]];
    }
    for (int64_t i = 0; i < count; i++) {
        const float *row = labels->x->x + (first + labels->list[i]) * labels->x->stride;
        for (int64_t j = 0; j < labels->x->columns; j += 16) __builtin_prefetch(row + j, 0, 2);
    }
    return count;
}

/* The label of a row before, -1 for none; it becomes `label`. */
static inline int32_t swap_label(uint8_t *narrow, uint16_t *wide, int64_t row, int32_t label)
{
    int32_t old = narrow != NULL ? narrow[row] : wide[row];
    int32_t none = narrow != NULL ? NO_NARROW : NO_WIDE;
    if (narrow != NULL)
        narrow[row] = (uint8_t)label;
    else
        wide[row] = (uint16_t)label;
    return old == none ? -1 : old;
}

/* changed[] = the r whose label is no longer the one found, which is kept; old[] = what it was */
static int64_t find_changes(const struct kmeans_labels *labels, int64_t first, const int32_t *list,
                            int64_t rows, const int32_t *found, int32_t *changed, int32_t *old)
{
    uint8_t *narrow = labels->narrow; /* no store through these can change these */
    uint16_t *wide = labels->wide;
    int64_t count = 0;
    for (int64_t r = 0; r < rows; r++) {
        int64_t row = first + (list != NULL ? list[r] : r);
        changed[count] = (int32_t)r;
        old[count] = narrow == NULL && wide == NULL ? -1 : swap_label(narrow, wide, row, found[r]);
        count += old[count] != found[r];
    }
    return count;
}

/* Take the labels found for rows list[at], list[at + 1], ... of the span, or at, at + 1, ... */
static void take(struct kmeans_labels *labels, int64_t first, const int32_t *list, int64_t at,
                 int64_t rows, const int32_t *found)
{
    struct kmeans_sums *sums = labels->sums;
    const struct rows *x = labels->x;
    int32_t changed[KMEANS_STRIP], old[KMEANS_STRIP];
    int64_t count = find_changes(labels, first + (list == NULL ? at : 0),
                                 list == NULL ? NULL : list + at, rows, found, changed, old);
    for (int64_t m = 0; m < count; m++) {
        int64_t r = changed[m];
        int32_t row = list != NULL ? list[at + r] : (int32_t)(at + r);
        labels->moves[m] = (struct kmeans_move){row, old[m], found[r]};
        sums->block_count[found[r]]++;
        if (old[m] >= 0) sums->block_count[old[m]]--;
    }
    labels->panels->kernel->move(x->x + first * x->stride, x->stride, x->columns, labels->grid,
                                 labels->moves, count, sums->block);
    sums->block_rows += count;
    if (sums->block_rows > SPAN - KMEANS_STRIP) kmeans_sums_take_block(sums);
}

static void take_bounds(struct kmeans_labels *labels, int64_t first, const int32_t *list,
                        int64_t at, int64_t rows, const int32_t *found, const float *gap)
{
    float scale = (float)(1 / labels->unit);
    int64_t weak = 0;
    for (int64_t r = 0; r < rows; r++) {
        int64_t row = first + (list != NULL ? list[at + r] : at + r);
        float bound = gap[r] * scale;
        weak += !(bound > 2 * STEPS);
        bound += (float)labels->drift[found[r]];
        bound = bound > 0 ? bound : 0; /* NAN: 0 */
        labels->bound[row] = (uint16_t)(int32_t)(bound < UINT16_MAX ? bound : UINT16_MAX);
    }
    labels->weak += weak;
}

/* Label `count` rows of the span that begins at `first`: those of the list, or all. */
static void visit(struct kmeans_labels *labels, int64_t first, const int32_t *list, int64_t count,
                  bool bounds)
{
    const struct kmeans_panels *panels = labels->panels;
    const struct rows *x = labels->x;
    int32_t found[KMEANS_STRIP];
    float gap[KMEANS_STRIP];
    for (int64_t at = 0; at < count; at += KMEANS_STRIP) {
        int64_t rows = count - at < KMEANS_STRIP ? count - at : KMEANS_STRIP;
        const float *strip = x->x + (first + (list == NULL ? at : 0)) * x->stride;
        if (bounds) {
            panels->kernel->judge(panels, strip, list == NULL ? NULL : list + at, rows, x->stride,
                                  found, gap);
            take_bounds(labels, first, list, at, rows, found, gap);
        } else
            panels->kernel->assign(panels, strip, rows, x->stride, found);
        take(labels, first, list, at, rows, found);
    }
    labels->visited += count;
}

enum kmeans_pass kmeans_labels_pass(struct kmeans_labels *labels, const double *centroids)
{
    int64_t total = labels->x->blocks->rows_local;
    kmeans_panels_set(labels->panels, centroids);
    enum kmeans_pass pass = plan(labels, centroids);
    labels->visited = labels->weak = 0;
    for (int64_t first = 0; first < total && pass != KMEANS_PASS_NONE; first += SPAN) {
        int64_t rows = total - first < SPAN ? total - first : SPAN, few = rows;
        if (pass == KMEANS_PASS_PRUNE) few = select_rows(labels, first, rows);
        if (4 * few > 3 * rows)
            visit(labels, first, NULL, rows, pass != KMEANS_PASS_PLAIN);
        else
            visit(labels, first, labels->list, few, true);
    }
    kmeans_sums_take_block(labels->sums);
    reconsider(labels, pass);
    return pass;
}

void kmeans_labels_get(const struct kmeans_labels *labels, int64_t first, int64_t rows,
                       int32_t *out)
{
    const struct rows *x = labels->x;
    if (!kmeans_labels_kept(labels))
        labels->panels->kernel->assign(labels->panels, x->x + first * x->stride, rows, x->stride,
                                       out);
    for (int64_t i = 0; i < rows && labels->narrow != NULL; i++) out[i] = labels->narrow[first + i];
    for (int64_t i = 0; i < rows && labels->wide != NULL; i++) out[i] = labels->wide[first + i];
}
