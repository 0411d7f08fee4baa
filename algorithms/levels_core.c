/* Conjugate gradients on levels, preconditioned by elimination. */
#include "algorithms/levels_core.h"

#include "algorithms/elimination.h"
#include "algorithms/vector.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TELL_SECONDS 10.0

enum {
    WIDTH = LEVELS_COLUMNS,
    LANES = ELIMINATION_LANES,
    SOLVERS = WIDTH / LANES, /* ranks that solve */
    DELAY = 4,               /* steps whose energy tells how far the one before them was off */
    ROUNDS = 6,              /* times the rest is taken anew */
    STEPS_MAX = 1500         /* of a column, in all rounds */
};

/* Two levels of different effects met together. */
struct triple {
    int32_t level, other; /* level < other */
    double value;
};

/* Two effects by themselves. */
struct couple {
    int64_t a, b; /* effects */
    struct elimination factor;
};

struct levels_core {
    int solvers;     /* the first so many ranks; the others hold nothing more */
    int64_t total;   /* levels */
    int64_t *start;  /* [total + 1] the matrix above its diagonal */
    int32_t *column; /* [entries] */
    double *value;   /* [entries] */
    int64_t couples;
    struct couple *couple;
};

/* ---- the matrix on the ranks that solve ---- */

static enum status list_triples(const struct levels *l, int copies, struct triple **list,
                                int64_t *count)
{
    enum status status = OK;
    struct triple *all = NULL;
    int64_t upper = 0, end = 0;
    for (int64_t i = 0; i < l->own.rows_local; i++)
        for (int64_t e = l->start[i]; e < l->start[i + 1]; e++)
            upper += l->column[e] > l->own.row_first + i;
    TRY(memory_new(&all, copies * upper, sizeof *all));
    for (int64_t i = 0; i < l->own.rows_local; i++)
        for (int64_t e = l->start[i]; e < l->start[i + 1]; e++)
            if (l->column[e] > l->own.row_first + i)
                all[end++] =
                    (struct triple){(int32_t)(l->own.row_first + i), l->column[e], l->value[e]};
    for (int k = 1; k < copies; k++) memcpy(all + k * upper, all, (size_t)upper * sizeof *all);
    *list = all;
    *count = upper;
done:
    return status;
}

/* Triples come ordered by level. */
static enum status store_triples(const struct triple *list, int64_t count, struct levels_core *core)
{
    enum status status = OK;
    TRY(memory_new(&core->start, core->total + 1, sizeof *core->start));
    TRY(memory_new(&core->column, count, sizeof *core->column));
    TRY(memory_new(&core->value, count, sizeof *core->value));
    for (int64_t e = 0; e < count; e++) {
        core->start[list[e].level + 1]++;
        core->column[e] = list[e].other;
        core->value[e] = list[e].value;
    }
    for (int64_t i = 0; i < core->total; i++) core->start[i + 1] += core->start[i];
done:
    return status;
}

static enum status gather_matrix(const struct comm *comm, const struct levels *l,
                                 struct levels_core *core)
{
    enum status status = OK;
    struct triple *mine = NULL;
    int64_t *counts = NULL, count = 0, all = 0;
    void *received = NULL;
    TRY_ALL(comm, list_triples(l, core->solvers, &mine, &count));
    TRY_ALL(comm, memory_new(&counts, comm->ranks, sizeof *counts));
    for (int r = 0; r < core->solvers; r++) counts[r] = count;
    TRY(comm_exchange(comm, mine, counts, sizeof *mine, &received, &all));
    free(mine);
    mine = NULL;
    TRY_ALL(comm, comm->rank < core->solvers ? store_triples(received, all, core) : OK);
done:
    free(mine);
    free(counts);
    free(received);
    return status;
}

/* ---- factors ---- */

/* Edges between levels of a couple; levels of the second effect are numbered after the first's. */
static enum status list_edges(const struct levels *l, const struct levels_core *core,
                              const struct couple *couple, struct elimination_edge **list,
                              int64_t *count)
{
    int64_t first = l->first[couple->a], until = l->first[couple->a + 1], edges = 0;
    int64_t low = l->first[couple->b], high = l->first[couple->b + 1];
    int32_t shift = (int32_t)(low - (until - first));
    enum status status = memory_new(list, core->start[until] - core->start[first], sizeof **list);
    for (int64_t i = first; status == OK && i < until; i++)
        for (int64_t e = core->start[i]; e < core->start[i + 1]; e++)
            if (core->column[e] >= low && core->column[e] < high)
                (*list)[edges++] = (struct elimination_edge){
                    (int32_t)(i - first), core->column[e] - shift, core->value[e]};
    *count = edges;
    return status;
}

static enum status factor_couple(const struct levels *l, const struct levels_core *core,
                                 struct couple *couple)
{
    enum status status = OK;
    struct elimination_edge *edge = NULL;
    int64_t edges = 0, nodes = l->first[couple->a + 1] - l->first[couple->a] +
                               l->first[couple->b + 1] - l->first[couple->b];
    TRY(list_edges(l, core, couple, &edge, &edges));
    TRY(elimination_make(nodes, edge, edges, &couple->factor));
done:
    free(edge);
    return status;
}

static enum status factor_couples(const struct levels *l, struct levels_core *core)
{
    enum status status = OK;
    TRY(memory_new(&core->couple, l->effects * (l->effects - 1) / 2, sizeof *core->couple));
    for (int64_t a = 0; a < l->effects; a++)
        for (int64_t b = a + 1; b < l->effects; b++) {
            struct couple *couple = &core->couple[core->couples++];
            *couple = (struct couple){.a = a, .b = b};
            TRY(factor_couple(l, core, couple));
        }
done:
    return status;
}

static enum status levels_core_new(const struct comm *comm, const struct levels *l,
                                   struct levels_core **core)
{
    enum status status = memory_new(core, 1, sizeof **core);
    if (status != OK) return status;
    (*core)->solvers = comm->ranks < SOLVERS ? comm->ranks : SOLVERS;
    (*core)->total = l->total;
    return OK;
}

enum status levels_core_make(const struct comm *comm, const struct levels *l,
                             struct levels_core **core)
{
    enum status status = OK;
    *core = NULL;
    TRY_ALL(comm, levels_core_new(comm, l, core));
    TRY(gather_matrix(comm, l, *core));
    TRY_ALL(comm, comm->rank < (*core)->solvers ? factor_couples(l, *core) : OK);
done:
    if (status != OK) levels_core_free(core);
    return status;
}

void levels_core_free(struct levels_core **core)
{
    if (*core == NULL) return;
    for (int64_t k = 0; k < (*core)->couples; k++) elimination_clear(&(*core)->couple[k].factor);
    free((*core)->couple);
    free((*core)->start);
    free((*core)->column);
    free((*core)->value);
    free(*core);
    *core = NULL;
}

/* ---- solving ---- */

/* LANES columns; vectors are [total][LANES]. No lane sees another. */
struct lanes {
    const struct levels *l;         /* not owned */
    const struct levels_core *core; /* not owned */
    double tolerance;
    int64_t column[LANES]; /* of the side; -1: none */
    double *x, *rest, *near, *way, *image, *side;
    double *work;               /* [levels of two effects][LANES] */
    double square[LANES];       /* what a rest is compared with */
    double rest_square[LANES];  /* rest' near */
    double start_square[LANES]; /* of the round before */
    double energy[DELAY][LANES];
    bool settled[LANES]; /* nothing more to be done */
    bool done[LANES];    /* in this round */
    int64_t steps[LANES], steps_all;
    double told;
};

static enum status lanes_init(const struct levels *l, const struct levels_core *core,
                              double tolerance, struct lanes *v)
{
    enum status status = OK;
    int64_t size = l->total * LANES;
    *v = (struct lanes){.l = l, .core = core, .tolerance = tolerance};
    TRY(memory_new(&v->x, 7 * size, sizeof *v->x));
    v->rest = v->x + size;
    v->near = v->rest + size;
    v->way = v->near + size;
    v->image = v->way + size;
    v->side = v->image + size;
    v->work = v->side + size;
    v->told = clock_seconds();
done:
    return status;
}

/* image = matrix times way */
VECTORISED static void multiply(const struct levels *l, const struct levels_core *core,
                                const double *way, double *image)
{
    for (int64_t i = 0; i < core->total; i++)
        for (int c = 0; c < LANES; c++) image[i * LANES + c] = l->weight[i] * way[i * LANES + c];
    for (int64_t i = 0; i < core->total; i++) {
        const double *here = way + i * LANES;
        double sum[LANES];
        for (int c = 0; c < LANES; c++) sum[c] = image[i * LANES + c];
        for (int64_t e = core->start[i]; e < core->start[i + 1]; e++) {
            const double *there = way + (int64_t)core->column[e] * LANES;
            double *to = image + (int64_t)core->column[e] * LANES, value = core->value[e];
            for (int c = 0; c < LANES; c++) sum[c] += value * there[c];
            for (int c = 0; c < LANES; c++) to[c] += value * here[c];
        }
        for (int c = 0; c < LANES; c++) image[i * LANES + c] = sum[c];
    }
}

/* work[place] = sign from[level] for the levels of an effect, or to[level] += sign work[place]. */
static void exchange_levels(const struct levels *l, int64_t effect, const int32_t *place,
                            double sign, double *work, const double *from, double *to)
{
    for (int64_t i = l->first[effect]; i < l->first[effect + 1]; i++) {
        double *at = work + (int64_t)place[i - l->first[effect]] * LANES;
        for (int c = 0; c < LANES; c++)
            if (to != NULL)
                to[i * LANES + c] += sign * at[c];
            else
                at[c] = sign * from[i * LANES + c];
    }
}

/* near = preconditioner times rest. A couple's matrix is a Laplacian once the second effect's signs
 * are turned. */
static void precondition(struct lanes *v)
{
    const struct levels *l = v->l;
    memset(v->near, 0, (size_t)(l->total * LANES) * sizeof *v->near);
    for (int64_t k = 0; k < v->core->couples; k++) {
        const struct couple *couple = &v->core->couple[k];
        const int32_t *place = couple->factor.place;
        const int32_t *second = place + l->first[couple->a + 1] - l->first[couple->a];
        exchange_levels(l, couple->a, place, 1.0, v->work, v->rest, NULL);
        exchange_levels(l, couple->b, second, -1.0, v->work, v->rest, NULL);
        elimination_apply(&couple->factor, v->work);
        double share = 1.0 / (double)(l->effects - 1);
        exchange_levels(l, couple->a, place, share, v->work, NULL, v->near);
        exchange_levels(l, couple->b, second, -share, v->work, NULL, v->near);
    }
}

VECTORISED static void dot(int64_t levels, const double *a, const double *b, double *sum)
{
    for (int c = 0; c < LANES; c++) sum[c] = 0.0;
    for (int64_t i = 0; i < levels; i++)
        for (int c = 0; c < LANES; c++) sum[c] += a[i * LANES + c] * b[i * LANES + c];
}

VECTORISED static void advance(int64_t levels, const double *step, struct lanes *v)
{
    for (int64_t i = 0; i < levels; i++)
        for (int c = 0; c < LANES; c++) {
            v->x[i * LANES + c] += step[c] * v->way[i * LANES + c];
            v->rest[i * LANES + c] -= step[c] * v->image[i * LANES + c];
        }
}

VECTORISED static void turn_way(int64_t levels, const double *turn, const double *near, double *way)
{
    for (int64_t i = 0; i < levels; i++)
        for (int c = 0; c < LANES; c++)
            way[i * LANES + c] = near[i * LANES + c] + turn[c] * way[i * LANES + c];
}

/* Whether a lane's rest is small enough: by the preconditioner, and by what the last steps gained.
 */
static bool is_small(const struct lanes *v, int c)
{
    double limit = 0.25 * v->tolerance * v->tolerance * v->square[c], energy = 0.0;
    for (int k = 0; k < DELAY; k++) energy += v->energy[k][c];
    return !(v->rest_square[c] > limit) && !(energy > limit);
}

/* One step of all lanes that are not done; whether all are then. */
static bool take_step(struct lanes *v)
{
    int64_t levels = v->core->total;
    double sum[LANES], step[LANES], turn[LANES];
    bool all = true;
    multiply(v->l, v->core, v->way, v->image);
    dot(levels, v->way, v->image, sum);
    for (int c = 0; c < LANES; c++) {
        v->done[c] |= !(sum[c] > 0.0) || v->steps[c] == STEPS_MAX;
        step[c] = v->done[c] ? 0.0 : v->rest_square[c] / sum[c];
        if (v->done[c]) continue;
        v->energy[v->steps[c]++ % DELAY][c] = step[c] * v->rest_square[c];
    }
    advance(levels, step, v);
    precondition(v);
    dot(levels, v->rest, v->near, sum);
    for (int c = 0; c < LANES; c++) {
        turn[c] = v->done[c] ? 0.0 : sum[c] / v->rest_square[c];
        if (!v->done[c]) v->rest_square[c] = sum[c];
        v->done[c] |= is_small(v, c);
        all &= v->done[c];
    }
    turn_way(levels, turn, v->near, v->way);
    return all;
}

/* Take the rests anew from x; whether any lane is worth another round. */
static bool begin_round(struct lanes *v, bool first)
{
    int64_t levels = v->core->total;
    double sum[LANES];
    bool any = false;
    multiply(v->l, v->core, v->x, v->image);
    for (int64_t i = 0; i < levels * LANES; i++) v->rest[i] = v->side[i] - v->image[i];
    precondition(v);
    dot(levels, v->rest, v->near, sum);
    for (int c = 0; c < LANES; c++) {
        if (v->settled[c]) continue;
        v->settled[c] = !(sum[c] > v->tolerance * v->tolerance * v->square[c]) ||
                        (!first && sum[c] > 0.25 * v->start_square[c]);
        v->start_square[c] = v->rest_square[c] = sum[c];
        for (int k = 0; k < DELAY; k++) v->energy[k][c] = v->square[c];
        any |= !v->settled[c];
    }
    memcpy(v->done, v->settled, sizeof v->done);
    memcpy(v->way, v->near, (size_t)(levels * LANES) * sizeof *v->way);
    return any;
}

/* What the worst lane still holds of what levels explain, as part of its standard deviation. */
static double worst_part(const struct lanes *v, const double *rest_square)
{
    double worst = 0.0;
    for (int c = 0; c < LANES; c++)
        if (v->square[c] > 0.0) worst = fmax(worst, rest_square[c] / v->square[c]);
    return sqrt(worst);
}

static void tell(struct lanes *v)
{
    if (clock_seconds() - v->told < TELL_SECONDS) return;
    v->told = clock_seconds();
    log_info("  absorbing effects: after %lld steps they explain %.1e of a standard deviation "
             "still, of %.0e",
             (long long)v->steps_all, worst_part(v, v->rest_square), v->tolerance);
}

static void solve_lanes(struct lanes *v)
{
    for (int round = 0; begin_round(v, round == 0) && round < ROUNDS; round++)
        for (bool all = false; !all; v->steps_all++) {
            all = take_step(v);
            tell(v);
        }
}

/* x and sides of the columns of these lanes; whether there are any. */
static bool load_lanes(struct lanes *v, int64_t from, const double *side, const double *square,
                       const double *x)
{
    bool any = false;
    v->steps_all = 0;
    for (int c = 0; c < LANES; c++) {
        int64_t column = from + c * v->core->solvers;
        v->column[c] = column < WIDTH ? column : -1;
        v->square[c] = column < WIDTH ? square[column] : 0.0;
        v->settled[c] = !(v->square[c] > 0.0);
        v->start_square[c] = v->rest_square[c] = 0.0;
        v->steps[c] = 0;
        any |= !v->settled[c];
        for (int64_t i = 0; i < v->core->total; i++) {
            bool used = !v->settled[c];
            v->x[i * LANES + c] = used ? x[i * WIDTH + column] : 0.0;
            v->side[i * LANES + c] = used ? side[i * WIDTH + column] : 0.0;
        }
    }
    return any;
}

static void store_lanes(const struct lanes *v, double *x, struct levels_solution *mine)
{
    for (int c = 0; c < LANES; c++) {
        for (int64_t i = 0; v->column[c] >= 0 && i < v->core->total; i++)
            x[i * WIDTH + v->column[c]] = v->x[i * LANES + c];
        if (v->steps[c] > mine->iterations) mine->iterations = v->steps[c];
    }
    mine->reached = fmax(mine->reached, worst_part(v, v->start_square));
}

/* The columns of this rank, into a zeroed x. */
static enum status solve_mine(const struct comm *comm, const struct levels *l,
                              const struct levels_core *core, const double *side,
                              const double *square, double tolerance, const double *guess,
                              double *x, struct levels_solution *mine)
{
    enum status status = OK;
    struct lanes v = {0};
    if (comm->rank >= core->solvers) return OK;
    TRY(lanes_init(l, core, tolerance, &v));
    for (int64_t from = comm->rank; from < WIDTH; from += LANES * core->solvers) {
        if (!load_lanes(&v, from, side, square, guess)) continue;
        solve_lanes(&v);
        store_lanes(&v, x, mine);
    }
done:
    free(v.x);
    return status;
}

enum status levels_core_solve(const struct comm *comm, const struct levels *l,
                              const struct levels_core *core, const double *side,
                              const double *square, double tolerance, double *x,
                              struct levels_solution *solution)
{
    enum status status = OK;
    double *mine = NULL;
    struct levels_solution here = {0};
    TRY_ALL(comm, memory_new(&mine, l->total * WIDTH, sizeof *mine));
    TRY_ALL(comm, solve_mine(comm, l, core, side, square, tolerance, x, mine, &here));
    /* each column has one owner, so bits can be summed */
    comm_sum_int64(comm, (int64_t *)(void *)mine, l->total * WIDTH);
    comm_max_int64(comm, &here.iterations, 1);
    comm_max_double(comm, &here.reached, 1);
    memcpy(x, mine, (size_t)(l->total * WIDTH) * sizeof *x);
    solution->iterations += here.iterations;
    solution->reached = here.reached;
    solution->converged = !(here.reached > tolerance);
done:
    free(mine);
    return status;
}
