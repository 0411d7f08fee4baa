/* X'WX and X'Wy, block by block. */
#include "algorithms/gram.h"

#include "algorithms/syrk.h"
#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 256 };

/* Sums in order: the triangle of the panel's columns (intercept, dense, y), the cross products
 * [sparse][width], the triangle of the sparse columns. The panel holds rows times the root of their
 * weight. */
struct work {
    const struct design *design;   /* not owned */
    const struct scaling *scaling; /* not owned */
    bool pairs;                    /* of sparse columns are summed, too */
    int64_t width;                 /* columns of the panel */
    int64_t strips;                /* of the panel; the columns beyond width are 0 */
    double *row;                   /* [width] of the panel being filled */
    double *panel;                 /* [strips][CHUNK_ROWS][SYRK_STRIP] */
    double *square;                /* [strips * SYRK_STRIP]^2 of the block; its upper triangle */
    double *mean;                  /* [width] of the current group */
    double *cross;                 /* [sparse][width] of the block */
    double *group_sum;             /* [sparse] of the current group */
    int32_t *touched, *met;        /* [sparse] columns seen in the block, in the group */
    bool *is_touched, *is_met;     /* [sparse] */
    int64_t touched_count, met_count;
    int64_t group_end;
    double group_weight;
    struct exact_sums sums;
};

/* Where row `row` of the packed upper triangle of an n x n matrix starts, at its diagonal. */
static int64_t triangle_row(int64_t n, int64_t row)
{
    return row * n - row * (row - 1) / 2;
}

static int64_t cross_at(const struct work *w)
{
    return triangle_row(w->width, w->width);
}

static int64_t sparse_at(const struct work *w)
{
    return cross_at(w) + w->design->sparse * w->width;
}

static enum status work_init(const struct design *design, const struct scaling *scaling, bool pairs,
                             struct work *w)
{
    enum status status = OK;
    int64_t sparse = design->sparse, width = design->dense + 1 + (design->intercept ? 1 : 0);
    *w = (struct work){.design = design, .scaling = scaling, .pairs = pairs, .width = width};
    w->strips = (width + SYRK_STRIP - 1) / SYRK_STRIP;
    int64_t padded = w->strips * SYRK_STRIP;
    TRY(memory_new(&w->row, padded, sizeof *w->row));
    TRY(memory_new(&w->panel, CHUNK_ROWS * padded, sizeof *w->panel));
    TRY(memory_new(&w->square, padded * padded, sizeof *w->square));
    TRY(memory_new(&w->mean, width, sizeof *w->mean));
    TRY(memory_new(&w->cross, sparse * width, sizeof *w->cross));
    TRY(memory_new(&w->group_sum, sparse, sizeof *w->group_sum));
    TRY(memory_new(&w->touched, 2 * sparse, sizeof *w->touched));
    TRY(memory_new(&w->is_touched, 2 * sparse, sizeof *w->is_touched));
    w->met = w->touched + sparse;
    w->is_met = w->is_touched + sparse;
    TRY(exact_init(&w->sums, sparse_at(w) + (pairs ? triangle_row(sparse, sparse) : 0)));
done:
    return status;
}

static void work_clear(struct work *w)
{
    free(w->row);
    free(w->panel);
    free(w->square);
    free(w->mean);
    free(w->cross);
    free(w->group_sum);
    free(w->touched);
    free(w->is_touched);
    exact_clear(&w->sums);
}

static double weight_of(const struct work *w, int64_t row)
{
    const double *weight = w->design->weight;
    return weight != NULL ? weight[row] * w->scaling->weight_scale : 1.0;
}

static double entry_of(const struct work *w, int64_t entry)
{
    double value = w->design->value != NULL ? w->design->value[entry] : 1.0;
    return value * w->scaling->sparse_scale[w->design->column[entry]];
}

VECTORISED static void shift_and_scale(const double *x, const double *shift, const double *scale,
                                       int64_t count, double *to)
{
    for (int64_t j = 0; j < count; j++) to[j] = (x[j] - shift[j]) * scale[j];
}

/* to[:] = the row's columns of the panel, not yet weighted: 1 if there is an intercept, dense, y.
 */
static void panel_row(const struct work *w, int64_t row, double *to)
{
    int64_t dense = w->design->dense;
    const double *shift = w->scaling->shift, *scale = w->scaling->scale;
    if (w->design->intercept) *to++ = 1.0;
    const double *x = dense > 0 ? w->design->x + row * dense : NULL;
    shift_and_scale(x, shift, scale, dense, to);
    to[dense] = (w->design->y[row] - shift[dense]) * scale[dense];
}

/* ---- groups ---- */

static void meet(struct work *w, int32_t column, double value)
{
    if (!w->is_met[column]) {
        w->is_met[column] = true;
        w->met[w->met_count++] = column;
    }
    w->group_sum[column] += value;
}

/* The group's sums of sparse columns, and the means of the panel's. */
static void sum_group(struct work *w, int64_t row)
{
    for (int64_t i = row; i < w->group_end; i++) {
        double weight = weight_of(w, i);
        if (!(weight > 0.0)) continue;
        w->group_weight += weight;
        panel_row(w, i, w->row);
        for (int64_t j = 0; j < w->width; j++) w->mean[j] += weight * w->row[j];
        for (int64_t e = w->design->sparse > 0 ? w->design->row_start[i] : 0;
             w->design->sparse > 0 && e < w->design->row_start[i + 1]; e++)
            meet(w, w->design->column[e], weight * entry_of(w, e));
    }
    for (int64_t j = 0; j < w->width && w->group_weight > 0.0; j++) w->mean[j] /= w->group_weight;
}

/* Sparse part less (1 / w_g) s_g s_g'. */
static void subtract_group(struct work *w)
{
    int64_t sparse = w->design->sparse, base = sparse_at(w);
    for (int64_t i = 0; i < w->met_count; i++)
        for (int64_t j = 0; j < w->met_count; j++) {
            int32_t a = w->met[i], b = w->met[j];
            if (a > b) continue;
            double product = w->group_sum[a] * w->group_sum[b] / w->group_weight;
            exact_add_one(&w->sums, base + triangle_row(sparse, a) + b - a, -product);
        }
}

static void enter_group(struct work *w, int64_t row, int64_t end)
{
    w->group_end = design_group_end(w->design, row, end);
    w->group_weight = 0.0;
    w->met_count = 0;
    memset(w->mean, 0, (size_t)w->width * sizeof *w->mean);
    sum_group(w, row);
    subtract_group(w);
    for (int64_t i = 0; i < w->met_count; i++) {
        w->group_sum[w->met[i]] = 0.0;
        w->is_met[w->met[i]] = false;
    }
}

/* ---- rows ---- */

/* w->row = one row of the panel, centred in its group and weighted. */
static void fill_row(struct work *w, int64_t row, int64_t end)
{
    double weight = weight_of(w, row);
    if (w->design->group != NULL && row >= w->group_end) enter_group(w, row, end);
    if (!(weight > 0.0)) {
        memset(w->row, 0, (size_t)w->width * sizeof *w->row);
        return;
    }
    panel_row(w, row, w->row);
    if (w->design->group != NULL)
        for (int64_t j = 0; j < w->width; j++) w->row[j] -= w->mean[j];
    if (w->design->weight != NULL) {
        double root = sqrt(weight);
        for (int64_t j = 0; j < w->width; j++) w->row[j] *= root;
    }
}

static void store_row(struct work *w, int64_t at)
{
    for (int64_t s = 0; s < w->strips; s++)
        memcpy(w->panel + (s * CHUNK_ROWS + at) * SYRK_STRIP, w->row + s * SYRK_STRIP,
               SYRK_STRIP * sizeof *w->row);
}

/* Products of a row's sparse entries with each other; the term of a pair is rounded once, so no
 * order matters. */
static void add_pairs(struct work *w, int64_t first, int64_t last, double weight)
{
    int64_t sparse = w->design->sparse, base = sparse_at(w);
    const int32_t *column = w->design->column;
    for (int64_t e = first; e < last; e++) {
        double value = weight * entry_of(w, e);
        for (int64_t f = e; f < last; f++) {
            int32_t a = column[e] < column[f] ? column[e] : column[f];
            int32_t b = column[e] < column[f] ? column[f] : column[e];
            double product = value * entry_of(w, f);
            exact_add_one(&w->sums, base + triangle_row(sparse, a) + b - a, product);
        }
    }
}

static void add_sparse_row(struct work *w, int64_t row)
{
    double weight = weight_of(w, row), root = sqrt(weight);
    int64_t first = w->design->row_start[row], last = w->design->row_start[row + 1];
    if (!(weight > 0.0)) return;
    for (int64_t e = first; e < last; e++) {
        int32_t column = w->design->column[e];
        double value = root * entry_of(w, e), *cross = w->cross + column * w->width;
        if (!w->is_touched[column]) {
            w->is_touched[column] = true;
            w->touched[w->touched_count++] = column;
        }
        for (int64_t j = 0; j < w->width; j++) cross[j] += value * w->row[j];
    }
    if (w->pairs) add_pairs(w, first, last, weight);
}

/* The block's sums go into the exact ones; the work space is empty again. */
static void flush_block(struct work *w)
{
    int64_t stride = w->strips * SYRK_STRIP;
    for (int64_t j = 0; j < w->width; j++)
        exact_add(&w->sums, triangle_row(w->width, j), w->square + j * stride + j, w->width - j);
    memset(w->square, 0, (size_t)(stride * stride) * sizeof *w->square);
    for (int64_t i = 0; i < w->touched_count; i++) {
        int32_t column = w->touched[i];
        double *cross = w->cross + column * w->width;
        exact_add(&w->sums, cross_at(w) + column * w->width, cross, w->width);
        memset(cross, 0, (size_t)w->width * sizeof *cross);
        w->is_touched[column] = false;
    }
    w->touched_count = 0;
}

static void add_block(struct work *w, int64_t from, int64_t to)
{
    w->group_end = from;
    for (int64_t chunk = from; chunk < to; chunk += CHUNK_ROWS) {
        int64_t rows = to - chunk < CHUNK_ROWS ? to - chunk : CHUNK_ROWS;
        for (int64_t i = 0; i < rows; i++) {
            fill_row(w, chunk + i, to);
            store_row(w, i);
            if (w->design->sparse > 0) add_sparse_row(w, chunk + i);
        }
        syrk_add(w->panel, w->strips, rows, CHUNK_ROWS, w->square);
    }
    flush_block(w);
}

/* ---- what comes of it ---- */

static void set_pair(struct gram *gram, int64_t i, int64_t j, double value)
{
    gram->a[i * gram->parameters + j] = value;
    gram->a[j * gram->parameters + i] = value;
}

/* The last column of the panel is y, the others are the first parameters. */
static void unpack(const struct work *w, struct gram *gram)
{
    int64_t first = w->width - 1, sparse = w->design->sparse;
    for (int64_t i = 0; i < first; i++) {
        int64_t row = triangle_row(w->width, i);
        for (int64_t j = i; j < first; j++) set_pair(gram, i, j, exact_get(&w->sums, row + j - i));
        gram->b[i] = exact_get(&w->sums, row + first - i);
    }
    gram->y_square = exact_get(&w->sums, triangle_row(w->width, first));
    for (int64_t i = 0; i < sparse; i++) {
        int64_t cross = cross_at(w) + i * w->width, row = sparse_at(w) + triangle_row(sparse, i);
        for (int64_t j = 0; j < first; j++)
            set_pair(gram, first + i, j, exact_get(&w->sums, cross + j));
        gram->b[first + i] = exact_get(&w->sums, cross + first);
        for (int64_t j = i; j < sparse; j++)
            set_pair(gram, first + i, first + j, exact_get(&w->sums, row + j - i));
    }
}

static enum status gram_new(int64_t parameters, struct gram *gram)
{
    enum status status = OK;
    *gram = (struct gram){.parameters = parameters};
    TRY(memory_new(&gram->a, parameters * parameters, sizeof *gram->a));
    TRY(memory_new(&gram->b, parameters, sizeof *gram->b));
done:
    return status;
}

void gram_clear(struct gram *gram)
{
    free(gram->a);
    free(gram->b);
    *gram = (struct gram){0};
}

static enum status sum_blocks(const struct comm *comm, const struct design *design,
                              const struct scaling *scaling, bool pairs, struct work *w)
{
    enum status status = OK;
    const struct blocks *blocks = design->blocks;
    TRY_ALL(comm, work_init(design, scaling, pairs, w));
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        add_block(w, blocks->start[b], blocks->start[b + 1]);
    TRY(exact_reduce(comm, &w->sums));
done:
    return status;
}

enum status gram_make(const struct comm *comm, const struct design *design,
                      const struct scaling *scaling, struct gram *gram)
{
    enum status status = OK;
    struct work w = {0};
    *gram = (struct gram){0};
    TRY(sum_blocks(comm, design, scaling, true, &w));
    TRY_ALL(comm, gram_new(design_parameters(design), gram));
    unpack(&w, gram);
done:
    work_clear(&w);
    if (status != OK) gram_clear(gram);
    return status;
}

enum status gram_make_edge(const struct comm *comm, const struct design *design,
                           const struct scaling *scaling, struct gram_edge *edge)
{
    enum status status = OK;
    struct work w = {0};
    *edge = (struct gram_edge){0};
    TRY(sum_blocks(comm, design, scaling, false, &w));
    edge->width = w.width;
    TRY_ALL(comm, memory_new(&edge->square, sparse_at(&w), sizeof *edge->square));
    edge->cross = edge->square + cross_at(&w);
    exact_get_all(&w.sums, 0, edge->square, sparse_at(&w));
done:
    work_clear(&w);
    return status;
}

void gram_edge_clear(struct gram_edge *edge)
{
    free(edge->square);
    *edge = (struct gram_edge){0};
}
