/* Gains of all questions about a column, and the best of all columns.
 *
 * With n rows of sum S in the node and n_l of sum S_l on the left, the squared error falls by
 * (n S_l - n_l S)^2 / (n n_l n_r); so does the Gini impurity times rows, summed over the classes'
 * counts in place of S. Counts and sums are integers that a double holds, so a question that tells
 * nothing gains exactly 0. */
#include "algorithms/tree_split.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = BINS_MAX + 1 };

enum status tree_search_init(struct tree_search *search)
{
    enum status status = OK;
    TRY(memory_new(&search->count, ROOM, sizeof *search->count));
    TRY(memory_new(&search->sum, ROOM, sizeof *search->sum));
    TRY(memory_new(&search->square, ROOM, sizeof *search->square));
    TRY(memory_new(&search->score, ROOM, sizeof *search->score));
done:
    return status;
}

void tree_search_clear(struct tree_search *search)
{
    free(search->count);
    free(search->sum);
    free(search->square);
    free(search->score);
    *search = (struct tree_search){0};
}

/* ---- one column ---- */

/* A column of a view. */
struct span {
    const struct tree_view *view;
    const int64_t *histogram; /* of the column */
    int64_t bins;
    bool missing; /* the last bin is that of the missing values */
    int32_t column;
};

/* Rows and sums up to each bin of values; the first ones are those of the missing rows, if they go
 * left. Up to a bin packed ones add like others. */
static void sum_values(const struct span *span, int64_t rows, int64_t sum, double *restrict count,
                       double *restrict total)
{
    int64_t bins = span->bins - span->missing, packed = sum * (1 << TREE_PACKED_BITS) + rows;
    if (span->view->packed) {
        for (int64_t b = 0; b < bins; b++) {
            packed += span->histogram[b];
            count[b] = (double)(packed & TREE_PACKED_MASK);
            total[b] = (double)(packed >> TREE_PACKED_BITS);
        }
        return;
    }
    for (int64_t b = 0; b < bins; b++) {
        rows += span->histogram[2 * b];
        sum += span->histogram[2 * b + 1];
        count[b] = (double)rows;
        total[b] = (double)sum;
    }
}

/* out[b] = rows of class k up to bin b of values, beginning with `sum`; of all classes for k < 0 */
static void sum_class(const struct span *span, int64_t k, int64_t sum, double *out)
{
    const struct tree_shape *shape = span->view->shape;
    int64_t width = tree_width(shape, span->view->packed), from = k < 0 ? 0 : k;
    int64_t to = k < 0 ? shape->classes : k + 1;
    for (int64_t b = 0; b < span->bins - span->missing; b++) {
        for (int64_t c = from; c < to; c++)
            sum += tree_statistic(shape, span->histogram + b * width, span->view->packed, c);
        out[b] = (double)sum;
    }
}

static int64_t missing_statistic(const struct span *span, int64_t s)
{
    const struct tree_shape *shape = span->view->shape;
    int64_t width = tree_width(shape, span->view->packed);
    if (!span->missing) return 0;
    return tree_statistic(shape, span->histogram + (span->bins - 1) * width, span->view->packed, s);
}

static int64_t missing_rows(const struct span *span)
{
    int64_t classes = span->view->shape->classes, rows = 0;
    for (int64_t k = 0; k < (classes > 0 ? classes : 1); k++) rows += missing_statistic(span, k);
    return rows;
}

/* square += (n sum - S count)^2 */
static void add_squares(const double *restrict count, const double *restrict sum, int64_t bins,
                        double rows, double total, double *restrict square)
{
    for (int64_t b = 0; b < bins; b++) {
        double difference = sum[b] * rows - total * count[b];
        square[b] += difference * difference;
    }
}

/* score = square / (n_l n_r), 0 where a side has too few rows */
static void set_scores(const double *restrict count, const double *restrict square, int64_t bins,
                       double rows, double least, double *restrict score)
{
    for (int64_t b = 0; b < bins; b++) {
        double left = count[b], right = rows - left;
        double value = square[b] / (left * right);
        score[b] = left >= least && right >= least ? value : 0.0;
    }
}

/* Scores of all bins with the missing values on one side. */
static void scan(const struct span *span, bool missing_left, struct tree_search *search)
{
    const struct tree_view *view = span->view;
    int64_t classes = view->shape->classes, bins = span->bins - span->missing;
    int64_t missing = missing_left ? missing_rows(span) : 0;
    double rows = (double)view->rows;
    memset(search->square, 0, (size_t)bins * sizeof *search->square);
    if (classes == 0) {
        int64_t sum = missing_left ? missing_statistic(span, 1) : 0;
        sum_values(span, missing, sum, search->count, search->sum);
        add_squares(search->count, search->sum, bins, rows, (double)view->stats[1], search->square);
    } else {
        sum_class(span, -1, missing, search->count);
    }
    for (int64_t k = 0; k < classes; k++) {
        sum_class(span, k, missing_left ? missing_statistic(span, k) : 0, search->sum);
        add_squares(search->count, search->sum, bins, rows, (double)view->stats[k], search->square);
    }
    set_scores(search->count, search->square, bins, rows, (double)view->min_rows, search->score);
}

/* Take the first of the best bins if it is better than what there is; gain is a score here. */
static void take_best(const struct span *span, bool missing_left, const struct tree_search *search,
                      struct tree_split *split)
{
    for (int64_t b = 0; b < span->bins - span->missing; b++)
        if (search->score[b] > split->gain) {
            split->gain = search->score[b];
            split->column = span->column;
            split->bin = (int32_t)b;
            split->missing_left = missing_left;
        }
}

/* ---- all columns ---- */

static struct span span_of(const struct tree_view *view, int64_t held)
{
    int32_t column = view->held->column[held];
    int64_t width = tree_width(view->shape, view->packed);
    return (struct span){view, view->histogram + view->held->start[held] * width,
                         view->shape->bins[column], view->shape->missing[column], column};
}

static int64_t find_held(const struct tree_view *view, int32_t column, int64_t from)
{
    while (view->held->column[from] != column) from++;
    return from;
}

static int64_t rows_in(const struct span *span, int64_t bin)
{
    const struct tree_shape *shape = span->view->shape;
    int64_t width = tree_width(shape, span->view->packed);
    int64_t rows = 0;
    for (int64_t k = 0; k < (shape->classes > 0 ? shape->classes : 1); k++)
        rows += tree_statistic(shape, span->histogram + bin * width, span->view->packed, k);
    return rows;
}

bool tree_split_alike(const struct tree_view *view, int32_t column)
{
    struct span span = span_of(view, find_held(view, column, 0));
    int64_t bin = 0;
    while (rows_in(&span, bin) == 0) bin++;
    return rows_in(&span, bin) == view->rows;
}

/* Statistics of the left side, the side of missing values where there are none, and the threshold
 * amid the bins that hold no row. */
static void finish(const struct span *span, struct tree_split *split)
{
    const struct tree_shape *shape = span->view->shape;
    int64_t width = tree_width(shape, span->view->packed), last = split->bin + 1;
    for (int64_t s = 0; s < shape->stats; s++) {
        split->left[s] = split->missing_left ? missing_statistic(span, s) : 0;
        for (int64_t b = 0; b <= split->bin; b++)
            split->left[s] +=
                tree_statistic(shape, span->histogram + b * width, span->view->packed, s);
    }
    if (missing_rows(span) == 0)
        split->missing_left = 2 * tree_rows_of(split->left, shape->classes) >= span->view->rows;
    int64_t values = span->bins - span->missing;
    while (last < values && rows_in(span, last) == 0) last++;
    if (last < values)
        split->bin += (int32_t)((last - 1 - split->bin) / 2);
    else /* values against missing ones */
        split->bin = (int32_t)values - 1;
}

void tree_split_find(const struct tree_view *view, struct tree_search *search,
                     struct tree_split *split)
{
    int64_t held = 0, best = -1;
    split->gain = 0.0;
    split->column = -1;
    for (int64_t i = 0; i < view->asked->count; i++) {
        held = find_held(view, view->asked->column[i], held);
        struct span span = span_of(view, held);
        for (int missing_left = 0; missing_left <= (missing_rows(&span) > 0); missing_left++) {
            scan(&span, missing_left, search);
            take_best(&span, missing_left, search, split);
        }
        if (split->column == span.column) best = held;
    }
    if (best < 0) return;
    struct span span = span_of(view, best);
    finish(&span, split);
    split->gain /= (double)view->rows;
}
