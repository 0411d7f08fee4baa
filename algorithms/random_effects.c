/* Random effects of units with yes-or-no observations. */
#include "algorithms/random_effects.h"

#include "mpi/exact.h"

#include <math.h>

enum { TERMS = 3, GRAM = TERMS * TERMS, SUMS = GRAM + TERMS, NEWTON_STEPS = 12 };

#define SMALLEST_VARIANCE 1e-6
#define NEWTON_ENOUGH 1e-7
#define NEWTON_LONGEST 2.0

static double chance_of(double logit)
{
    return 1.0 / (1.0 + exp(-logit));
}

/* ---- how far effects spread ---- */

/* Residuals and weights of the rows of one unit. */
struct residuals {
    int64_t count, members;
    const float *apart; /* [count][members] */
    double e[EFFECTS_PAIRED_MAX], w[EFFECTS_PAIRED_MAX], x[EFFECTS_PAIRED_MAX];
    int32_t group[EFFECTS_PAIRED_MAX];
};

static void open_residuals(const struct effects_data *data, const struct effects_before *before,
                           int64_t unit, struct residuals *r)
{
    int64_t first = data->start[unit], next = data->start[unit + 1];
    if (next - first > EFFECTS_PAIRED_MAX) first = next - EFFECTS_PAIRED_MAX;
    r->count = next - first;
    r->members = before->members;
    r->apart = before->members > 0 ? before->apart + first * before->members : NULL;
    for (int64_t i = 0; i < r->count; i++) {
        double p = chance_of((double)data->logit[first + i]);
        r->e[i] = (double)data->y[first + i] - p;
        r->w[i] = p * (1.0 - p);
        r->x[i] = (double)data->x[first + i];
        r->group[i] = data->group[first + i];
    }
}

/* Covariance of what any one member is wrong about in two rows. */
static double shared_error(const struct residuals *r, int64_t i, int64_t j)
{
    double sum = 0.0;
    for (int64_t k = 0; k < r->members; k++)
        sum += (double)r->apart[i * r->members + k] * (double)r->apart[j * r->members + k];
    return sum;
}

/* sums: [TERMS][TERMS] of the normal equations, [TERMS] of their right-hand side */
static void add_pairs(const struct residuals *r, double sums[SUMS])
{
    for (int64_t i = 0; i < r->count; i++)
        for (int64_t j = 0; j < i; j++) {
            double same = r->group[i] == r->group[j] ? 1.0 : 0.0, xx = r->x[i] * r->x[j];
            double weight = r->w[i] * r->w[j];
            double product = r->e[i] * r->e[j] - weight * shared_error(r, i, j);
            double term[TERMS] = {1.0, same, xx};
            for (int a = 0; a < TERMS; a++) {
                for (int b = 0; b < TERMS; b++) sums[a * TERMS + b] += weight * term[a] * term[b];
                sums[GRAM + a] += product * term[a];
            }
        }
}

/* Invert a symmetric positive definite [TERMS][TERMS] in place by pivots on the diagonal; terms
 * that tell nothing get zeros. */
static void invert(double a[GRAM])
{
    double scale[TERMS];
    for (int k = 0; k < TERMS; k++) scale[k] = a[k * TERMS + k];
    for (int k = 0; k < TERMS; k++) {
        double pivot = a[k * TERMS + k];
        bool known = pivot > 1e-9 * scale[k] && scale[k] > 0.0;
        for (int j = 0; j < TERMS; j++) a[k * TERMS + j] /= known ? pivot : 1.0;
        a[k * TERMS + k] = known ? 1.0 / pivot : 0.0;
        for (int i = 0; i < TERMS; i++) {
            double factor = a[i * TERMS + k];
            if (i == k) continue;
            for (int j = 0; j < TERMS; j++)
                if (j != k && known) a[i * TERMS + j] -= factor * a[k * TERMS + j];
            a[i * TERMS + k] = known ? -factor / pivot : 0.0;
        }
        if (!known)
            for (int j = 0; j < TERMS; j++) a[k * TERMS + j] = 0.0;
    }
}

/* Density of the standard normal at z over its share below z (inverse Mills ratio). */
static double mills(double z)
{
    if (z < -20.0) return -z - 1.0 / z;
    return exp(-0.5 * z * z) / sqrt(2.0 * M_PI) / (0.5 * erfc(-z / sqrt(2.0)));
}

double effects_spread_mean(double estimate, double se, double none)
{
    if (!(se > 0.0)) return (1.0 - none) * EFFECTS_USUAL;
    double z = estimate / se - se / EFFECTS_USUAL, below = mills(z);
    /* how likely the estimate is without, and with: as below / se to 1 / EFFECTS_USUAL */
    double none_here = none * below * EFFECTS_USUAL / se;
    double some = (1.0 - none) / (1.0 - none + none_here);
    return fmax(some * se * (z + below), SMALLEST_VARIANCE);
}

static void solve_spread(const double sums[SUMS], double none, struct effects_spread *spread)
{
    const double none_of[TERMS] = {none, none, 0.0};
    double inverse[GRAM], found[TERMS];
    for (int i = 0; i < GRAM; i++) inverse[i] = sums[i];
    invert(inverse);
    for (int a = 0; a < TERMS; a++) {
        double estimate = 0.0, variance = inverse[a * TERMS + a];
        for (int b = 0; b < TERMS; b++) estimate += inverse[a * TERMS + b] * sums[GRAM + b];
        found[a] = effects_spread_mean(estimate, sqrt(fmax(variance, 0.0)), none_of[a]);
    }
    *spread = (struct effects_spread){found[0], found[1], found[2]};
}

enum status effects_spread_fit(const struct comm *comm, const struct effects_data *data,
                               const struct effects_before *before, struct effects_spread *spread)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double all[SUMS];
    TRY_ALL(comm, exact_init(&sums, SUMS));
    for (int64_t u = 0; u < data->units; u++) {
        struct residuals residuals;
        double own[SUMS] = {0};
        open_residuals(data, before, u, &residuals);
        add_pairs(&residuals, own);
        exact_add(&sums, 0, own, SUMS);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, all, SUMS);
    solve_spread(all, before->none, spread);
done:
    exact_clear(&sums);
    return status;
}

/* ---- one unit ---- */

/* Sums of a Newton step, by row and by group. */
struct step {
    double gradient[2], curve[3]; /* of offset and slope */
    double group_gradient[EFFECTS_ROWS_MAX];
    double group_curve[EFFECTS_ROWS_MAX];
    double group_cross[EFFECTS_ROWS_MAX][2]; /* with offset and slope */
};

static int find_groups(const struct effects_data *data, int64_t first, int64_t count, int *at,
                       struct effects_unit *unit)
{
    unit->groups = 0;
    for (int64_t i = 0; i < count; i++) {
        int g = 0;
        while (g < unit->groups && unit->group[g] != data->group[first + i]) g++;
        if (g == unit->groups) {
            unit->group[unit->groups] = data->group[first + i];
            unit->grouped[unit->groups++] = 0.0;
        }
        at[i] = g;
    }
    return unit->groups;
}

static void start_step(const struct effects_unit *unit, const double precision[3],
                       struct step *step)
{
    step->gradient[0] = -precision[0] * unit->offset;
    step->gradient[1] = -precision[2] * unit->slope;
    step->curve[0] = precision[0];
    step->curve[1] = 0.0;
    step->curve[2] = precision[2];
    for (int g = 0; g < unit->groups; g++) {
        step->group_gradient[g] = -precision[1] * unit->grouped[g];
        step->group_curve[g] = precision[1];
        step->group_cross[g][0] = step->group_cross[g][1] = 0.0;
    }
}

static void add_row(const struct effects_data *data, int64_t row, int g,
                    const struct effects_unit *unit, struct step *step)
{
    double x = (double)data->x[row];
    double logit = (double)data->logit[row] + unit->offset + unit->grouped[g] + unit->slope * x;
    double p = chance_of(logit), e = (double)data->y[row] - p, w = p * (1.0 - p);
    step->gradient[0] += e;
    step->gradient[1] += e * x;
    step->curve[0] += w;
    step->curve[1] += w * x;
    step->curve[2] += w * x * x;
    step->group_gradient[g] += e;
    step->group_curve[g] += w;
    step->group_cross[g][0] += w;
    step->group_cross[g][1] += w * x;
}

/* Eliminate the groups; the covariance of offset and slope, and what they move by. */
static void eliminate(const struct step *step, struct effects_unit *unit, double move[2])
{
    double a = step->curve[0], b = step->curve[1], c = step->curve[2];
    double ga = step->gradient[0], gc = step->gradient[1];
    for (int g = 0; g < unit->groups; g++) {
        double given = 1.0 / step->group_curve[g];
        double pull[2] = {step->group_cross[g][0] * given, step->group_cross[g][1] * given};
        unit->given[g] = given;
        unit->pull[g][0] = pull[0];
        unit->pull[g][1] = pull[1];
        a -= step->group_cross[g][0] * pull[0];
        b -= step->group_cross[g][0] * pull[1];
        c -= step->group_cross[g][1] * pull[1];
        ga -= step->group_gradient[g] * pull[0];
        gc -= step->group_gradient[g] * pull[1];
    }
    double determinant = a * c - b * b;
    unit->cov[0] = c / determinant;
    unit->cov[1] = -b / determinant;
    unit->cov[2] = a / determinant;
    move[0] = unit->cov[0] * ga + unit->cov[1] * gc;
    move[1] = unit->cov[1] * ga + unit->cov[2] * gc;
}

static double shorten(double move)
{
    return fmin(fmax(move, -NEWTON_LONGEST), NEWTON_LONGEST);
}

/* Take the step; the largest of its moves. */
static double take_step(const struct step *step, struct effects_unit *unit)
{
    double move[2];
    eliminate(step, unit, move);
    double largest = fmax(fabs(move[0]), fabs(move[1]));
    for (int g = 0; g < unit->groups; g++) {
        double own = unit->given[g] * step->group_gradient[g] - unit->pull[g][0] * move[0] -
                     unit->pull[g][1] * move[1];
        unit->grouped[g] += shorten(own);
        largest = fmax(largest, fabs(own));
    }
    unit->offset += shorten(move[0]);
    unit->slope += shorten(move[1]);
    return largest;
}

void effects_fit(const struct effects_data *data, int64_t first, int64_t next,
                 const struct effects_spread *spread, struct effects_unit *unit)
{
    int at[EFFECTS_ROWS_MAX];
    struct step step;
    double precision[3] = {1.0 / fmax(spread->offset, SMALLEST_VARIANCE),
                           1.0 / fmax(spread->grouped, SMALLEST_VARIANCE),
                           1.0 / fmax(spread->slope, SMALLEST_VARIANCE)};
    if (next - first > EFFECTS_ROWS_MAX) first = next - EFFECTS_ROWS_MAX;
    int64_t count = next - first;
    unit->offset = unit->slope = 0.0;
    unit->unknown = spread->grouped;
    find_groups(data, first, count, at, unit);
    for (int k = 0; k < NEWTON_STEPS; k++) {
        start_step(unit, precision, &step);
        for (int64_t i = 0; i < count; i++) add_row(data, first + i, at[i], unit, &step);
        if (take_step(&step, unit) < NEWTON_ENOUGH) break;
    }
}

struct effects effects_at(const struct effects_unit *unit, int32_t group)
{
    double aa = unit->cov[0], ab = unit->cov[1], bb = unit->cov[2];
    struct effects at = {unit->offset, unit->slope, aa + unit->unknown, ab, bb};
    for (int g = 0; g < unit->groups; g++) {
        if (unit->group[g] != group) continue;
        double p = unit->pull[g][0], q = unit->pull[g][1];
        double with_offset = -(p * aa + q * ab), with_slope = -(p * ab + q * bb);
        double own = unit->given[g] - p * with_offset - q * with_slope;
        at.offset += unit->grouped[g];
        at.offset_var = aa + 2.0 * with_offset + own;
        at.both_cov = ab + with_slope;
    }
    return at;
}
