/* Factor, solve and refine symmetric positive definite systems. */
#include "algorithms/cholesky.h"

#include "algorithms/double_double.h"
#include "algorithms/vector.h"
#include "mpi/memory.h"
#include "mpi/scalapack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64, LANES = 16, ROUNDS_MAX = 40 };

#define AIM 0x1p-88     /* a correction below this part of the solution ends the refinement */
#define ENOUGH 0x1p-80  /* above this the last bits of a double would be in doubt */
#define QUANTUM_BITS 60 /* components are rounded to 2^-60 of the largest */

/* ---- dependent columns ---- */

/* Rows from .. to of the upper factor U, a = U'U, in place; a dependent column leaves a row of
 * zeros. */
static void factor_panel(double *a, int64_t n, int64_t from, int64_t to, const int64_t *order,
                         const double *reference, double tolerance, bool *dependent, double *part)
{
    for (int64_t j = from; j < to; j++) {
        double *row = a + j * n, pivot = row[j];
        int64_t column = order != NULL ? order[j] : j;
        dependent[column] = !(pivot > tolerance * reference[column]);
        if (part != NULL) part[column] = reference[column] > 0.0 ? pivot / reference[column] : 0.0;
        double divisor = dependent[column] ? 0.0 : 1.0 / sqrt(pivot);
        for (int64_t k = j; k < n; k++) row[k] *= divisor;
        for (int64_t i = j + 1; i < to; i++) {
            double times = row[i], *below = a + i * n;
            if (times != 0.0)
                for (int64_t k = i; k < n; k++) below[k] -= times * row[k];
        }
    }
}

/* a[to ..][to ..] -= U[from .. to][to ..]' of itself, above the diagonal: below it by columns */
static void take_off(double *a, int64_t n, int64_t from, int64_t to)
{
    int order = (int)(n - to), depth = (int)(to - from), leading = (int)n;
    double minus = -1.0, one = 1.0;
    scalapack()->dsyrk("L", "N", &order, &depth, &minus, a + from * n + to, &leading, &one,
                       a + to * n + to, &leading);
}

/* to = a with rows and columns in order. */
static void take_in_order(const double *a, int64_t n, const int64_t *order, double *to)
{
    if (order == NULL) memcpy(to, a, (size_t)(n * n) * sizeof *to);
    for (int64_t i = 0; order != NULL && i < n; i++)
        for (int64_t j = 0; j < n; j++) to[i * n + j] = a[order[i] * n + order[j]];
}

static enum status find_dependent(const double *a, int64_t n, const int64_t *order,
                                  const double *reference, double tolerance, bool *dependent,
                                  double *part)
{
    enum status status = OK;
    double *u = NULL;
    TRY(memory_new(&u, n * n, sizeof *u));
    take_in_order(a, n, order, u);
    for (int64_t from = 0; from < n; from += BLOCK) {
        int64_t to = from + BLOCK < n ? from + BLOCK : n;
        factor_panel(u, n, from, to, order, reference, tolerance, dependent, part);
        if (to < n) take_off(u, n, from, to);
    }
done:
    free(u);
    return status;
}

enum status cholesky_dependent(const struct comm *comm, const double *a, int64_t columns,
                               const int64_t *order, const double *reference, double tolerance,
                               bool *dependent, double *part)
{
    enum status status = OK;
    TRY_ALL(comm, comm->rank == 0
                      ? find_dependent(a, columns, order, reference, tolerance, dependent, part)
                      : OK);
    comm_broadcast(comm, dependent, columns * (int64_t)sizeof *dependent, 0);
    if (part != NULL) comm_broadcast(comm, part, columns * (int64_t)sizeof *part, 0);
done:
    return status;
}

/* ---- the grid ---- */

static int at_least_one(int x)
{
    return x > 0 ? x : 1;
}

/* Descriptor of an n x columns matrix whose rows lie as those of the factor. */
static void describe(const struct cholesky *c, int64_t columns, int descriptor[9])
{
    int n = (int)c->columns, wide = (int)columns, block = BLOCK, zero = 0, info = 0;
    int leading = at_least_one(c->rows_share);
    if (c->grid.inside)
        scalapack()->descinit(descriptor, &n, &wide, &block, &block, &zero, &zero, &c->grid.context,
                              &leading, &info);
}

/* local = the elements of full[:][columns] that live here. */
static void take_share(const struct cholesky *c, const double *full, int64_t columns, int share,
                       double *local)
{
    for (int j = 0; j < share; j++) {
        int column = grid_global(j, BLOCK, c->grid.column, c->grid.columns);
        for (int i = 0; i < c->rows_share; i++) {
            int row = grid_global(i, BLOCK, c->grid.row, c->grid.rows);
            local[(int64_t)j * c->rows_share + i] = full[(int64_t)row * columns + column];
        }
    }
}

/* The whole matrix from its shares: each element has one owner, so its bits can be summed as
 * integers. */
static void join_shares(const struct comm *comm, const struct cholesky *c, const double *local,
                        int64_t columns, int share, int64_t *bits, double *full)
{
    int64_t count = c->columns * columns;
    memset(bits, 0, (size_t)count * sizeof *bits);
    for (int j = 0; j < share; j++) {
        int column = grid_global(j, BLOCK, c->grid.column, c->grid.columns);
        for (int i = 0; i < c->rows_share; i++) {
            int row = grid_global(i, BLOCK, c->grid.row, c->grid.rows);
            memcpy(&bits[(int64_t)row * columns + column], &local[(int64_t)j * c->rows_share + i],
                   sizeof *bits);
        }
    }
    comm_sum_int64(comm, bits, count);
    memcpy(full, bits, (size_t)count * sizeof *full);
}

static enum status factor_share(struct cholesky *c)
{
    int n = (int)c->columns, one = 1, info = 0;
    if (!c->grid.inside || n == 0) return OK;
    scalapack()->pdpotrf("L", &n, c->factor, &one, &one, c->descriptor, &info);
    if (info == 0) return OK;
    return FAIL(ERR_NUMERIC,
                "the normal equations are not positive definite at column %d; "
                "leave out a column that others explain",
                info - 1);
}

enum status cholesky_factor(const struct comm *comm, const double *a, int64_t columns,
                            struct cholesky *c)
{
    enum status status = OK;
    *c = (struct cholesky){.columns = columns, .a = a};
    TRY(grid_open(comm, &c->grid));
    if (c->grid.inside) {
        c->rows_share = grid_share((int)columns, BLOCK, c->grid.row, c->grid.rows);
        c->columns_share = grid_share((int)columns, BLOCK, c->grid.column, c->grid.columns);
    }
    TRY_ALL(comm,
            memory_new(&c->factor, (int64_t)c->rows_share * c->columns_share, sizeof *c->factor));
    describe(c, columns, c->descriptor);
    take_share(c, a, columns, c->columns_share, c->factor);
    TRY_ALL(comm, factor_share(c));
done:
    if (status != OK) cholesky_clear(c);
    return status;
}

void cholesky_clear(struct cholesky *c)
{
    free(c->factor);
    grid_close(&c->grid);
    *c = (struct cholesky){0};
}

/* ---- refinement ---- */

struct refinement {
    int64_t sides;
    int share;            /* columns of the right-hand sides that live here */
    int64_t row, row_end; /* rows whose residuals are computed here */
    double *residual;     /* [columns][sides] */
    double *mine;         /* [row_end - row][sides] */
    double *step;         /* [columns][sides] correction */
    double *high, *low;   /* [sides][columns] the solution */
    double *local;        /* block-cyclic share of the residual */
    int64_t *bits;        /* [columns][sides] */
};

static enum status refinement_init(const struct comm *comm, const struct cholesky *c, int64_t sides,
                                   struct refinement *r)
{
    enum status status = OK;
    int64_t n = c->columns, count = n * sides;
    *r = (struct refinement){.sides = sides};
    r->row = n * comm->rank / comm->ranks;
    r->row_end = n * (comm->rank + 1) / comm->ranks;
    if (c->grid.inside) r->share = grid_share((int)sides, BLOCK, c->grid.column, c->grid.columns);
    TRY(memory_new(&r->residual, 4 * count, sizeof *r->residual));
    r->step = r->residual + count;
    r->high = r->step + count;
    r->low = r->high + count;
    TRY(memory_new(&r->mine, (r->row_end - r->row) * sides, sizeof *r->mine));
    TRY(memory_new(&r->local, (int64_t)c->rows_share * r->share, sizeof *r->local));
    TRY(memory_new(&r->bits, count, sizeof *r->bits));
done:
    return status;
}

static void refinement_clear(struct refinement *r)
{
    free(r->residual);
    free(r->mine);
    free(r->local);
    free(r->bits);
}

/* Sums of about 150 bits, one in each lane: what is added is taken apart without error down to
 * `low`. */
struct lanes {
    double high[LANES], middle[LANES], low[LANES];
};

/* sum -= a[k][from + lane] * (x[k] + rest[k]) for all lanes and all k. Residuals need more bits
 * than the solution: their errors come back multiplied by the condition. a is symmetric, so that
 * the lanes lie side by side in row k. */
VECTORISED static void subtract_products(const double *a, int64_t n, int64_t count, const double *x,
                                         const double *rest, struct lanes *sum)
{
    double g[LANES] = {0};
    for (int64_t k = 0; k < n; k++) {
        double minus_x = -x[k], minus_rest = -rest[k];
        if (count == LANES)
            memcpy(g, a + k * n, sizeof g);
        else
            memcpy(g, a + k * n, (size_t)count * sizeof *g);
        for (int l = 0; l < LANES; l++) {
            struct double_double first = double_double_product(g[l], minus_x);
            struct double_double second = double_double_product(g[l], minus_rest);
            struct double_double high = double_double_sum(sum->high[l], first.high);
            struct double_double error = double_double_sum(high.low, first.low);
            struct double_double small = double_double_sum(error.high, second.high);
            struct double_double middle = double_double_sum(sum->middle[l], small.high);
            sum->high[l] = high.high;
            sum->middle[l] = middle.high;
            sum->low[l] += (middle.low + small.low) + (error.low + second.low);
        }
    }
}

/* mine = b - a x in the rows of this rank, rounded to double at the end. */
static void residual_rows(const struct cholesky *c, const double *b, struct refinement *r)
{
    int64_t n = c->columns, sides = r->sides;
    for (int64_t i = r->row; i < r->row_end; i += LANES)
        for (int64_t s = 0; s < sides; s++) {
            int64_t count = r->row_end - i < LANES ? r->row_end - i : LANES;
            struct lanes sum = {0};
            for (int64_t l = 0; l < count; l++) sum.high[l] = b[(i + l) * sides + s];
            subtract_products(c->a + i, n, count, r->high + s * n, r->low + s * n, &sum);
            for (int64_t l = 0; l < count; l++) {
                struct double_double total = double_double_sum(sum.high[l], sum.middle[l]);
                r->mine[(i - r->row + l) * sides + s] = total.high + (total.low + sum.low[l]);
            }
        }
}

static enum status gather_residual(const struct comm *comm, const struct cholesky *c,
                                   const double *b, struct refinement *r)
{
    void *all = NULL;
    int64_t bytes = 0, mine = (r->row_end - r->row) * r->sides * (int64_t)sizeof *r->mine;
    residual_rows(c, b, r);
    enum status status = comm_gather_all(comm, r->mine, mine, &all, &bytes);
    if (status == OK) memcpy(r->residual, all, (size_t)bytes);
    free(all);
    return status;
}

/* step = a^-1 residual, to the few digits that a double factor gives. */
static void correct(const struct comm *comm, const struct cholesky *c, struct refinement *r)
{
    int n = (int)c->columns, sides = (int)r->sides, one = 1, info = 0, descriptor[9] = {0};
    describe(c, r->sides, descriptor);
    take_share(c, r->residual, r->sides, r->share, r->local);
    if (c->grid.inside)
        scalapack()->pdpotrs("L", &n, &sides, c->factor, &one, &one, c->descriptor, r->local, &one,
                             &one, descriptor, &info);
    join_shares(comm, c, r->local, r->sides, r->share, r->bits, r->step);
}

/* Largest correction of a side over the largest component of its solution; NaN if anything is not
 * finite. */
static double apply_step(const struct cholesky *c, struct refinement *r, int64_t side)
{
    double largest = 0.0, change = 0.0, trouble = 0.0;
    for (int64_t i = 0; i < c->columns; i++) {
        int64_t at = side * c->columns + i;
        struct double_double x = {r->high[at], r->low[at]};
        struct double_double step = {r->step[i * r->sides + side], 0.0};
        x = double_double_add(x, step);
        r->high[at] = x.high;
        r->low[at] = x.low;
        largest = fmax(largest, fabs(x.high));
        change = fmax(change, fabs(step.high));
        trouble += x.high - x.high;
    }
    return trouble + (change > 0.0 ? change / largest : 0.0);
}

/* To double, and to a multiple of 2^-60 of the largest: what lies below is noise of the grid. */
static double rounded(double high, double low, double quantum)
{
    double units = high / quantum, whole = rint(units);
    if (fabs(units) >= 0x1p53) return high;
    double rest = (units - whole) + low / quantum;
    if (rest > 0.5) whole += 1.0;
    if (rest < -0.5) whole -= 1.0;
    return whole * quantum;
}

static void round_side(const struct cholesky *c, const struct refinement *r, int64_t side,
                       double *x)
{
    const double *high = r->high + side * c->columns, *low = r->low + side * c->columns;
    double largest = 0.0;
    for (int64_t i = 0; i < c->columns; i++) largest = fmax(largest, fabs(high[i]));
    double quantum = largest > 0.0 ? ldexp(1.0, ilogb(largest) - QUANTUM_BITS) : 1.0;
    for (int64_t i = 0; i < c->columns; i++)
        x[i * r->sides + side] = rounded(high[i], low[i], quantum);
}

static enum status refine(const struct comm *comm, const struct cholesky *c, const double *b,
                          struct refinement *r)
{
    enum status status = OK;
    double worst = INFINITY, before = INFINITY;
    memcpy(r->residual, b, (size_t)(c->columns * r->sides) * sizeof *b); /* x is 0 */
    for (int round = 0; round < ROUNDS_MAX; round++) {
        if (round > 0) TRY(gather_residual(comm, c, b, r));
        correct(comm, c, r);
        before = worst;
        worst = 0.0;
        for (int64_t s = 0; s < r->sides; s++) {
            double change = apply_step(c, r, s);
            worst = change <= worst ? worst : change; /* keeps NaN */
        }
        if (worst <= AIM || !(worst <= 0.25 * before)) break;
    }
    if (!(worst <= ENOUGH))
        status =
            FAIL(ERR_NUMERIC, "columns are so nearly dependent that the solution is not unique "
                              "to double precision; leave one of them out");
done:
    return status;
}

enum status cholesky_solve(const struct comm *comm, const struct cholesky *c, const double *b,
                           int64_t sides, double *x)
{
    enum status status = OK;
    struct refinement r = {0};
    if (c->columns == 0 || sides == 0) return OK;
    TRY_ALL(comm, refinement_init(comm, c, sides, &r));
    TRY(refine(comm, c, b, &r));
    for (int64_t s = 0; s < sides; s++) round_side(c, &r, s, x);
done:
    refinement_clear(&r);
    return status;
}

/* ---- condition ---- */

static int64_t largest_at(const double *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (fabs(x[i]) > fabs(x[best])) best = i;
    return best;
}

static double absolute_sum(const double *x, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) sum += fabs(x[i]);
    return sum;
}

/* Climb to a unit vector that the inverse stretches most. side and out are work space. */
static enum status climb(const struct comm *comm, int64_t n, solve_function *solve,
                         const void *system, double *side, double *out, double *norm)
{
    enum status status = OK;
    int64_t at = -1;
    for (int64_t i = 0; i < n; i++) side[i] = 1.0 / (double)n;
    for (int round = 0; round < 5; round++) {
        TRY(solve(comm, system, side, out));
        double stretch = absolute_sum(out, n);
        if (stretch <= *norm) break;
        *norm = stretch;
        for (int64_t i = 0; i < n; i++) side[i] = out[i] < 0.0 ? -1.0 : 1.0;
        TRY(solve(comm, system, side, out));
        int64_t next = largest_at(out, n);
        if (next == at) break;
        at = next;
        memset(side, 0, (size_t)n * sizeof *side);
        side[at] = 1.0;
    }
done:
    return status;
}

enum status symmetric_inverse_norm(const struct comm *comm, int64_t columns, solve_function *solve,
                                   const void *system, double *norm)
{
    enum status status = OK;
    double *side = NULL;
    *norm = 0.0;
    TRY_ALL(comm, memory_new(&side, 2 * columns, sizeof *side));
    TRY(climb(comm, columns, solve, system, side, side + columns, norm));
done:
    free(side);
    return status;
}

static enum status solve_one(const struct comm *comm, const void *system, const double *b,
                             double *x)
{
    return cholesky_solve(comm, system, b, 1, x);
}

enum status cholesky_inverse_norm(const struct comm *comm, const struct cholesky *c, double *norm)
{
    return symmetric_inverse_norm(comm, c->columns, solve_one, c, norm);
}
