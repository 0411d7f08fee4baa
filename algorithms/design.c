/* Checks of a design, and the measurement of its columns. */
#include "algorithms/design.h"

#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* What the two passes gather; width = dense + 1, the last column is y. */
struct measure {
    int64_t width;
    double *low, *high;  /* [width] range of each column; high is negated until reduced */
    double *trouble;     /* [width] 0, or NaN where a value is not finite */
    double *sparse_high; /* [sparse] largest |value| */
    double weight_high;
    double *center, *unit; /* [width] u = (x - center) * unit lies in [-2, 2] */
    double *sparse_unit;   /* [sparse] */
    double weight_unit;
    double *first, *second; /* [width] sums over a block of w u and w u u */
    struct exact_sums
        sums; /* first [width], second [width], weight, then per sparse column w v v and w */
    int64_t counts[2]; /* rows, groups */
};

static double clamp_exponent(double exponent)
{
    return fmin(fmax(exponent, -1000.0), 1000.0);
}

/* The power of two that brings x near 1; 1 for 0. */
static double unit_of(double x)
{
    if (!(x > 0.0)) return 1.0;
    return ldexp(1.0, (int)-clamp_exponent(rint(log2(x))));
}

int64_t design_group_end(const struct design *design, int64_t row, int64_t end)
{
    int64_t next = row + 1;
    if (design->group != NULL)
        while (next < end && design->group[next] == design->group[row]) next++;
    return next;
}

/* Which rows are looked at: all, or a few at the head of up to SAMPLE_BLOCKS blocks. */
enum { SAMPLE_BLOCKS = 256, SAMPLE_ROWS = 32 };

static int64_t rows_end(const struct design *design, bool sample, int64_t block)
{
    const struct blocks *blocks = design->blocks;
    int64_t start = blocks->start[block], end = blocks->start[block + 1];
    int64_t step = (blocks->blocks_total + SAMPLE_BLOCKS - 1) / SAMPLE_BLOCKS;
    if (!sample) return end;
    if ((blocks->block_first + block) % step != 0) return start;
    return end < start + SAMPLE_ROWS ? end : start + SAMPLE_ROWS;
}

static double weight_of(const struct design *design, int64_t row)
{
    return design->weight != NULL ? design->weight[row] : 1.0;
}

static double entry_of(const struct design *design, int64_t entry)
{
    return design->value != NULL ? design->value[entry] : 1.0;
}

/* ---- checks ---- */

static enum status check_shape(const struct design *design)
{
    int64_t parameters = design_parameters(design);
    if (parameters < 1) return FAIL(ERR_ARG, "a linear model needs at least one column");
    if (parameters > DESIGN_PARAMETERS_MAX)
        return FAIL(ERR_ARG,
                    "%lld columns are more than %d: use fewer factor levels, or let the largest "
                    "effect be eliminated as a group",
                    (long long)parameters, DESIGN_PARAMETERS_MAX);
    return OK;
}

static enum status check_weights(const struct design *design)
{
    for (int64_t i = 0; design->weight != NULL && i < design->blocks->rows_local; i++)
        if (!(design->weight[i] >= 0.0 && design->weight[i] <= 0x1p1000))
            return FAIL(ERR_NUMERIC,
                        "the weight of row %lld is %g; weights are finite and not negative",
                        (long long)(design->blocks->row_first + i), design->weight[i]);
    return OK;
}

static enum status check_entries(const struct design *design)
{
    int64_t entries = design->sparse > 0 ? design->row_start[design->blocks->rows_local] : 0;
    for (int64_t e = 0; e < entries; e++) {
        if (design->column[e] < 0 || design->column[e] >= design->sparse)
            return FAIL(ERR_ARG, "sparse column %d is outside 0 .. %lld", design->column[e],
                        (long long)design->sparse - 1);
        if (!isfinite(entry_of(design, e)))
            return FAIL(ERR_NUMERIC,
                        "a value of sparse column %d is not finite; leave such rows out",
                        design->column[e]);
    }
    return OK;
}

static enum status check_finite(const struct design *design, const struct measure *measure)
{
    for (int64_t j = 0; j < measure->width; j++) {
        if (measure->trouble[j] == 0.0) continue;
        if (j == design->dense)
            return FAIL(ERR_NUMERIC, "a value of the outcome is not finite; leave such rows out");
        return FAIL(ERR_NUMERIC, "a value of dense column %lld is not finite; leave such rows out",
                    (long long)j);
    }
    return OK;
}

static enum status check_design(const struct design *design)
{
    enum status status = OK;
    TRY(check_shape(design));
    TRY(check_weights(design));
    TRY(check_entries(design));
done:
    return status;
}

/* ---- first pass: ranges ---- */

static enum status measure_init(const struct design *design, struct measure *m)
{
    enum status status = OK;
    int64_t width = design->dense + 1, sparse = design->sparse;
    *m = (struct measure){.width = width};
    TRY(memory_new(&m->low, 7 * width, sizeof *m->low));
    m->high = m->low + width;
    m->trouble = m->high + width;
    m->center = m->trouble + width;
    m->unit = m->center + width;
    m->first = m->unit + width;
    m->second = m->first + width;
    TRY(memory_new(&m->sparse_high, 2 * sparse, sizeof *m->sparse_high));
    m->sparse_unit = m->sparse_high + sparse;
    TRY(exact_init(&m->sums, 2 * width + 1 + 2 * sparse));
    for (int64_t j = 0; j < width; j++) m->low[j] = m->high[j] = INFINITY;
done:
    return status;
}

static void measure_clear(struct measure *m)
{
    free(m->low);
    free(m->sparse_high);
    exact_clear(&m->sums);
}

VECTORISED static void widen(const double *x, int64_t count, double *low, double *high,
                             double *trouble)
{
    for (int64_t j = 0; j < count; j++) {
        double value = x[j];
        low[j] = value < low[j] ? value : low[j];
        high[j] = -value < high[j] ? -value : high[j];
        trouble[j] += value - value; /* NaN once a value is not finite */
    }
}

static void widen_by_one(double y, struct measure *m)
{
    int64_t last = m->width - 1;
    m->low[last] = fmin(m->low[last], y);
    m->high[last] = fmin(m->high[last], -y);
    m->trouble[last] += y - y;
}

static void range_of_row(const struct design *design, int64_t row, struct measure *m)
{
    int64_t dense = design->dense;
    double weight = weight_of(design, row);
    m->weight_high = fmax(m->weight_high, weight);
    m->counts[0] += weight > 0.0;
    if (weight > 0.0 && dense > 0)
        widen(design->x + row * dense, dense, m->low, m->high, m->trouble);
    if (weight > 0.0) widen_by_one(design->y[row], m);
}

static void range_of_rows(const struct design *design, bool sample, struct measure *m)
{
    const struct blocks *blocks = design->blocks;
    int64_t rows = blocks->rows_local;
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        for (int64_t i = blocks->start[b]; i < rows_end(design, sample, b); i++)
            range_of_row(design, i, m);
    int64_t entries = design->sparse > 0 ? design->row_start[rows] : 0;
    for (int64_t e = 0; e < entries; e++) {
        double *high = &m->sparse_high[design->column[e]];
        *high = fmax(*high, fabs(entry_of(design, e)));
    }
}

static void count_groups(const struct design *design, struct measure *m)
{
    const struct blocks *blocks = design->blocks;
    for (int64_t b = 0; design->group != NULL && b < blocks->blocks_local; b++) {
        int64_t end = blocks->start[b + 1];
        for (int64_t row = blocks->start[b], next; row < end; row = next) {
            next = design_group_end(design, row, end);
            bool seen = false;
            for (int64_t i = row; i < next; i++) seen |= weight_of(design, i) > 0.0;
            m->counts[1] += seen;
        }
    }
}

/* Ranges over all ranks, and from them centers and units. */
static void settle_range(const struct comm *comm, const struct design *design, struct measure *m)
{
    comm_min_double(comm, m->low, 2 * m->width);
    comm_max_double(comm, m->sparse_high, design->sparse);
    comm_max_double(comm, &m->weight_high, 1);
    comm_sum_int64(comm, m->counts, 2);
    for (int64_t j = 0; j < m->width; j++) {
        double low = m->low[j], high = -m->high[j];
        m->center[j] = design_has_constant(design) ? 0.5 * low + 0.5 * high : 0.0;
        m->unit[j] = unit_of(fmax(high - m->center[j], m->center[j] - low));
    }
    for (int64_t j = 0; j < design->sparse; j++) m->sparse_unit[j] = unit_of(m->sparse_high[j]);
    m->weight_unit = unit_of(m->weight_high);
}

/* ---- second pass: sums and sums of squares ---- */

/* first += weight u, second += weight u^2 with u = (x - center) * unit */
VECTORISED static void add_moments(const double *x, const double *center, const double *unit,
                                   int64_t count, double weight, double *first, double *second)
{
    for (int64_t j = 0; j < count; j++) {
        double u = (x[j] - center[j]) * unit[j], wu = weight * u;
        first[j] += wu;
        second[j] += wu * u;
    }
}

static void moments_of_block(const struct design *design, int64_t from, int64_t to,
                             struct measure *m)
{
    int64_t dense = design->dense;
    double total = 0.0;
    for (int64_t j = 0; j < m->width; j++) m->first[j] = m->second[j] = 0.0;
    for (int64_t i = from; i < to; i++) {
        double weight = weight_of(design, i) * m->weight_unit;
        if (!(weight > 0.0)) continue;
        total += weight;
        if (dense > 0)
            add_moments(design->x + i * dense, m->center, m->unit, dense, weight, m->first,
                        m->second);
        double u = (design->y[i] - m->center[dense]) * m->unit[dense], wu = weight * u;
        m->first[dense] += wu;
        m->second[dense] += wu * u;
    }
    exact_add(&m->sums, 0, m->first, m->width);
    exact_add(&m->sums, m->width, m->second, m->width);
    exact_add_one(&m->sums, 2 * m->width, total);
}

static void moments_of_entries(const struct design *design, struct measure *m)
{
    int64_t rows = design->sparse > 0 ? design->blocks->rows_local : 0;
    int64_t squares = 2 * m->width + 1, weights = squares + design->sparse;
    for (int64_t i = 0; i < rows; i++) {
        double weight = weight_of(design, i) * m->weight_unit;
        for (int64_t e = design->row_start[i]; e < design->row_start[i + 1]; e++) {
            int32_t j = design->column[e];
            double v = entry_of(design, e) * m->sparse_unit[j];
            exact_add_one(&m->sums, squares + j, weight * v * v);
            exact_add_one(&m->sums, weights + j, v != 0.0 ? weight : 0.0);
        }
    }
}

static void moments_of_rows(const struct design *design, bool sample, struct measure *m)
{
    const struct blocks *blocks = design->blocks;
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        moments_of_block(design, blocks->start[b], rows_end(design, sample, b), m);
    moments_of_entries(design, m);
}

/* ---- what comes of it ---- */

/* Squares about the shift, in u^2 times weight units. */
static double settle_column(const struct design *design, const struct measure *m, double weights,
                            int64_t j, struct scaling *s)
{
    double first = exact_get(&m->sums, j), second = exact_get(&m->sums, m->width + j);
    double mean = design_has_constant(design) ? first / weights : 0.0;
    double squares = fmax(second - first * mean, 0.0);
    s->shift[j] = m->center[j] + mean / m->unit[j];
    s->scale[j] = m->unit[j] * unit_of(sqrt(squares / weights));
    return squares;
}

static void settle_sparse(const struct design *design, const struct measure *m, struct scaling *s)
{
    int64_t squares = 2 * m->width + 1, weights = squares + design->sparse;
    double *square_sum = s->square_sum + design_parameters(design) - design->sparse;
    for (int64_t j = 0; j < design->sparse; j++) {
        double square = exact_get(&m->sums, squares + j), weight = exact_get(&m->sums, weights + j);
        double unit = weight > 0.0 ? unit_of(sqrt(square / weight)) : 1.0;
        s->sparse_scale[j] = m->sparse_unit[j] * unit;
        square_sum[j] = square * unit * unit * (s->weight_scale / m->weight_unit);
    }
}

static void settle(const struct design *design, const struct measure *m, struct scaling *s)
{
    double weights = exact_get(&m->sums, 2 * m->width);
    double mean_unit = unit_of(weights / (double)m->counts[0]);
    int64_t at = design->intercept ? 1 : 0;
    s->rows = m->counts[0];
    s->groups = m->counts[1];
    s->weight_scale = m->weight_unit * mean_unit;
    if (design->intercept) s->square_sum[0] = weights * mean_unit;
    for (int64_t j = 0; j < m->width; j++) {
        double squares = settle_column(design, m, weights, j, s);
        double ratio = s->scale[j] / m->unit[j];
        double scaled = squares * ratio * ratio * mean_unit;
        if (j < design->dense)
            s->square_sum[at + j] = scaled;
        else
            s->total_square = scaled;
    }
    settle_sparse(design, m, s);
}

static enum status scaling_new(const struct design *design, struct scaling *s)
{
    enum status status = OK;
    *s = (struct scaling){0};
    TRY(memory_new(&s->shift, design->dense + 1, sizeof *s->shift));
    TRY(memory_new(&s->scale, design->dense + 1, sizeof *s->scale));
    TRY(memory_new(&s->sparse_scale, design->sparse, sizeof *s->sparse_scale));
    TRY(memory_new(&s->square_sum, design_parameters(design), sizeof *s->square_sum));
done:
    return status;
}

void scaling_clear(struct scaling *s)
{
    free(s->shift);
    free(s->scale);
    free(s->sparse_scale);
    free(s->square_sum);
    *s = (struct scaling){0};
}

static enum status measure_rows(const struct comm *comm, const struct design *design, bool sample,
                                struct scaling *s)
{
    enum status status = OK;
    struct measure m = {0};
    *s = (struct scaling){0};
    TRY_ALL(comm, check_design(design));
    TRY_ALL(comm, measure_init(design, &m));
    TRY_ALL(comm, scaling_new(design, s));
    range_of_rows(design, sample, &m);
    TRY_ALL(comm, check_finite(design, &m));
    count_groups(design, &m);
    settle_range(comm, design, &m);
    TRY(m.counts[0] > 0 ? OK : FAIL(ERR_ARG, "no row is left to fit a linear model to"));
    moments_of_rows(design, sample, &m);
    TRY(exact_reduce(comm, &m.sums));
    settle(design, &m, s);
done:
    measure_clear(&m);
    if (status != OK) scaling_clear(s);
    return status;
}

enum status scaling_measure(const struct comm *comm, const struct design *design, struct scaling *s)
{
    return measure_rows(comm, design, false, s);
}

enum status scaling_guess(const struct comm *comm, const struct design *design, struct scaling *s)
{
    return measure_rows(comm, design, true, s);
}
