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
    TRY(memory_new(&search->bin, ROOM, sizeof *search->bin));
    TRY(memory_new(&search->packed, ROOM, sizeof *search->packed));
    TRY(memory_new(&search->count, ROOM, sizeof *search->count));
    TRY(memory_new(&search->sum, ROOM, sizeof *search->sum));
    TRY(memory_new(&search->square, ROOM, sizeof *search->square));
    TRY(memory_new(&search->score, ROOM, sizeof *search->score));
done:
    return status;
}

void tree_search_clear(struct tree_search *search)
{
    free(search->bin);
    free(search->packed);
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

/* A number below 2^52, by its bits in those of 2^52: a loop of these is one of vectors. */
static inline double exact_double(uint64_t number)
{
    number |= UINT64_C(0x4330000000000000);
    double value;
    memcpy(&value, &number, sizeof value);
    return value - 0x1p52;
}

/* The bins of values that have rows: between them nothing changes. Where a bin is one integer, also
 * their sums up to each: packed integers add like others. */
static void list_bins(const struct span *span, struct tree_search *search)
{
    int64_t width = tree_width(span->view->shape, span->view->packed), packed = 0, count = 0;
    for (int64_t b = 0; b < span->bins - span->missing && width == 1; b++) {
        packed += span->histogram[b];
        search->bin[count] = (int32_t)b;
        search->packed[count] = packed;
        count += span->histogram[b] != 0;
    }
    for (int64_t b = 0; b < span->bins - span->missing && width > 1; b++) {
        int64_t any = 0;
        for (int64_t w = 0; w < width; w++) any |= span->histogram[b * width + w];
        search->bin[count] = (int32_t)b;
        count += any != 0;
    }
    search->bins = count;
}

/* Rows and sums up to each bin listed; the first ones are those of the missing rows, if they go
 * left. */
static void sum_values(const struct span *span, int64_t rows, int64_t sum,
                       struct tree_search *search)
{
    const int64_t *restrict packed = search->packed, bias = INT64_C(1) << 62;
    double *restrict count = search->count, *restrict total = search->sum;
    int64_t first = sum * (1 << TREE_PACKED_BITS) + rows + bias;
    for (int64_t i = 0; i < search->bins && span->view->packed; i++) {
        uint64_t both = (uint64_t)(first + packed[i]); /* made positive by the bias */
        count[i] = exact_double(both & TREE_PACKED_MASK);
        total[i] = exact_double(both >> TREE_PACKED_BITS) - (double)(bias >> TREE_PACKED_BITS);
    }
    for (int64_t i = 0; i < search->bins && !span->view->packed; i++) {
        rows += span->histogram[2 * search->bin[i]];
        sum += span->histogram[2 * search->bin[i] + 1];
        count[i] = (double)rows;
        total[i] = (double)sum;
    }
}

/* sum[i] = rows of class k up to bin i of those listed, beginning with `first` */
static void sum_class(const struct span *span, int64_t k, int64_t first, struct tree_search *search)
{
    const struct tree_shape *shape = span->view->shape;
    int64_t width = tree_width(shape, span->view->packed);
    const int64_t *restrict packed = search->packed;
    double *restrict sum = search->sum;
    for (int64_t i = 0; i < search->bins && width == 1; i++) {
        uint64_t rows = (uint64_t)packed[i] >> (k * TREE_PACKED_BITS) & TREE_PACKED_MASK;
        sum[i] = exact_double(rows + (uint64_t)first);
    }
    for (int64_t i = 0; i < search->bins && width > 1; i++) {
        const int64_t *bin = span->histogram + search->bin[i] * width;
        first += tree_statistic(shape, bin, span->view->packed, k);
        sum[i] = (double)first;
    }
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

/* Rows and squares of classes up to each bin listed. */
static void sum_classes(const struct span *span, bool missing_left, struct tree_search *search)
{
    const struct tree_view *view = span->view;
    memset(search->count, 0, (size_t)search->bins * sizeof *search->count);
    for (int64_t k = 0; k < view->shape->classes; k++) {
        sum_class(span, k, missing_left ? missing_statistic(span, k) : 0, search);
        for (int64_t i = 0; i < search->bins; i++) search->count[i] += search->sum[i];
    }
    for (int64_t k = 0; k < view->shape->classes; k++) {
        sum_class(span, k, missing_left ? missing_statistic(span, k) : 0, search);
        add_squares(search->count, search->sum, search->bins, (double)view->rows,
                    (double)view->stats[k], search->square);
    }
}

/* Scores of the bins listed with the missing values on one side. */
static void scan(const struct span *span, bool missing_left, struct tree_search *search)
{
    const struct tree_view *view = span->view;
    double rows = (double)view->rows;
    memset(search->square, 0, (size_t)search->bins * sizeof *search->square);
    if (view->shape->classes > 0) {
        sum_classes(span, missing_left, search);
    } else {
        sum_values(span, missing_left ? missing_rows(span) : 0,
                   missing_left ? missing_statistic(span, 1) : 0, search);
        add_squares(search->count, search->sum, search->bins, rows, (double)view->stats[1],
                    search->square);
    }
    set_scores(search->count, search->square, search->bins, rows, (double)view->min_rows,
               search->score);
}

/* Take the first of the best bins if it is better than what there is; gain is a score here. */
static void take_best(const struct span *span, bool missing_left, const struct tree_search *search,
                      struct tree_split *split)
{
    for (int64_t i = 0; i < search->bins; i++)
        if (search->score[i] > split->gain) {
            split->gain = search->score[i];
            split->column = span->column;
            split->bin = search->bin[i];
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
        list_bins(&span, search);
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
