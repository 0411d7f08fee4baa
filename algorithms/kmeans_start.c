/* k-means||: rows drawn by their distance from what was drawn before. */
#include "algorithms/kmeans_start.h"

#include "algorithms/kmeans_sums.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 5, OVERSAMPLING = 2, WHOLE_TABLE = 16, WEIGHED_ROWS = 1 << 17 };

/* The rows drawn so far, and how far each local row is from them. */
struct draw {
    float *candidates; /* [count][columns] in the order of rounds and rows */
    int64_t count;
    uint16_t *square; /* [rows_local] squared distance to the nearest candidate, to two digits */
    double *partial;  /* [blocks_local] sums of square */
    double total;     /* of square over all ranks */
    float *mine;      /* rows that this rank drew in the round */
    int64_t mine_count;
    double *fresh; /* [new candidates][columns], work space of a round */
};

static void draw_clear(struct draw *draw)
{
    free(draw->candidates);
    free(draw->square);
    free(draw->partial);
    free(draw->mine);
    free(draw->fresh);
}

/* The first 16 bits of a float that is not negative: they are ordered as numbers are. */
static uint16_t first_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static double square_of(const struct draw *draw, int64_t i)
{
    uint32_t bits = (uint32_t)draw->square[i] << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return (double)x;
}

static enum status draw_init(struct draw *draw, const struct blocks *blocks)
{
    enum status status = OK;
    TRY(memory_new(&draw->square, blocks->rows_local, sizeof *draw->square));
    TRY(memory_new(&draw->partial, blocks->blocks_local, sizeof *draw->partial));
    for (int64_t i = 0; i < blocks->rows_local; i++) draw->square[i] = first_bits(INFINITY);
done:
    return status;
}

/* Put local row i among those this rank drew. `room` is how many fit. */
static enum status keep_row(struct draw *draw, const struct rows *x, int64_t i, int64_t *room)
{
    int64_t columns = x->columns;
    if (draw->mine_count == *room) {
        int64_t more = 2 * *room + 64;
        enum status status =
            memory_grow(&draw->mine, *room * columns, more * columns, sizeof *draw->mine);
        if (status != OK) return status;
        *room = more;
    }
    memcpy(draw->mine + draw->mine_count++ * columns, x->x + i * x->stride,
           (size_t)columns * sizeof *draw->mine);
    return OK;
}

/* The first candidate: any row with equal chance, the whole table if it is small. */
static enum status draw_first(const struct rows *x, const struct kmeans_start_options *opt,
                              struct draw *draw)
{
    int64_t total = x->blocks->rows_total, room = 0;
    bool whole = total <= WHOLE_TABLE * opt->k;
    int64_t chosen = (int64_t)random_below(opt->seed, RANDOM_KMEANS_START, (uint64_t)total,
                                           opt->restart << 32, (uint64_t)total);
    enum status status = memory_new(&draw->mine, 0, sizeof *draw->mine);
    for (int64_t i = 0; status == OK && i < x->blocks->rows_local; i++)
        if (whole || x->blocks->row_first + i == chosen) status = keep_row(draw, x, i, &room);
    return status;
}

static enum status draw_round(const struct rows *x, const struct kmeans_start_options *opt,
                              uint64_t round, struct draw *draw)
{
    enum status status = memory_new(&draw->mine, 0, sizeof *draw->mine);
    int64_t room = 0;
    double rate = (double)(OVERSAMPLING * opt->k) / draw->total;
    uint64_t number = opt->restart * ROUNDS + round;
    for (int64_t i = 0; status == OK && i < x->blocks->rows_local; i++) {
        if (draw->square[i] == 0) continue;
        uint64_t row = (uint64_t)(x->blocks->row_first + i);
        double chance = rate * square_of(draw, i);
        if (random_uniform(opt->seed, RANDOM_KMEANS_START, row, number) < chance)
            status = keep_row(draw, x, i, &room);
    }
    return status;
}

static enum status append(struct draw *draw, const float *rows, int64_t count, int64_t columns)
{
    enum status status = OK;
    free(draw->fresh);
    draw->fresh = NULL;
    TRY(memory_grow(&draw->candidates, draw->count * columns, (draw->count + count) * columns,
                    sizeof *draw->candidates));
    TRY(memory_new(&draw->fresh, count * columns, sizeof *draw->fresh));
    if (count == 0) return OK;
    memcpy(draw->candidates + draw->count * columns, rows,
           (size_t)(count * columns) * sizeof *rows);
    for (int64_t i = 0; i < count * columns; i++) draw->fresh[i] = (double)rows[i];
    draw->count += count;
done:
    return status;
}

/* Every rank gets what all have drawn, in row order. added out: how many */
static enum status gather(const struct comm *comm, struct draw *draw, int64_t columns,
                          int64_t *added)
{
    enum status status = OK;
    void *all = NULL;
    int64_t row_bytes = columns * (int64_t)sizeof *draw->mine, bytes = 0;
    TRY(comm_gather_all(comm, draw->mine, draw->mine_count * row_bytes, &all, &bytes));
    *added = bytes / row_bytes;
    TRY_ALL(comm, append(draw, all, *added, columns));
done:
    free(all);
    free(draw->mine);
    draw->mine = NULL;
    draw->mine_count = 0;
    return status;
}

/* Take the last `added` candidates into the distances of a strip of rows. */
static double measure_strip(const struct rows *x, int64_t first, int64_t rows,
                            const struct kmeans_panels *panels, struct draw *draw)
{
    int32_t labels[KMEANS_STRIP];
    double squares[KMEANS_STRIP], sum = 0;
    const float *strip = x->x + first * x->stride;
    panels->kernel->assign(panels, strip, rows, x->stride, labels);
    panels->kernel->squares(strip, rows, x->stride, x->columns, labels, draw->fresh, squares);
    for (int64_t i = 0; i < rows; i++) {
        uint16_t square = first_bits((float)squares[i]);
        if (square < draw->square[first + i]) draw->square[first + i] = square;
        sum += square_of(draw, first + i);
    }
    return sum;
}

static enum status measure_local(const struct rows *x, const struct kmeans_kernel *kernel,
                                 int64_t added, struct draw *draw)
{
    struct kmeans_panels panels = {0};
    enum status status = kmeans_panels_init(&panels, kernel, added, x->columns);
    if (status != OK) return status;
    kmeans_panels_set(&panels, draw->fresh);
    for (int64_t b = 0; b < x->blocks->blocks_local; b++) {
        int64_t end = x->blocks->start[b + 1];
        draw->partial[b] = 0;
        for (int64_t i = x->blocks->start[b]; i < end; i += KMEANS_STRIP) {
            int64_t rows = end - i < KMEANS_STRIP ? end - i : KMEANS_STRIP;
            draw->partial[b] += measure_strip(x, i, rows, &panels, draw);
        }
    }
    kmeans_panels_clear(&panels);
    return OK;
}

/* All candidates: draw, gather, measure, round after round. */
static enum status draw_candidates(const struct comm *comm, const struct rows *x,
                                   const struct kmeans_start_options *opt, struct draw *draw)
{
    enum status status = OK;
    int64_t added = 0;
    TRY_ALL(comm, draw_init(draw, x->blocks));
    TRY_ALL(comm, memory_new(&draw->candidates, 0, sizeof *draw->candidates));
    TRY_ALL(comm, draw_first(x, opt, draw));
    for (uint64_t round = 0;; round++) {
        TRY(gather(comm, draw, x->columns, &added));
        if (added > 0) {
            TRY_ALL(comm, measure_local(x, opt->kernel, added, draw));
            TRY(kmeans_total(comm, draw->partial, x->blocks->blocks_local, &draw->total));
        }
        bool enough = round >= ROUNDS && (draw->count >= opt->k || round >= 4 * ROUNDS);
        if (enough || draw->total <= 0) break;
        TRY_ALL(comm, draw_round(x, opt, round, draw));
    }
done:
    return status;
}

/* index = which of the rows [first, first + rows) weigh: all, or of many a sample. */
static int64_t choose_weighed(const struct blocks *blocks, const struct kmeans_start_options *opt,
                              int64_t first, int64_t rows, int32_t *index)
{
    double chance = (double)WEIGHED_ROWS / (double)blocks->rows_total;
    int64_t count = 0;
    for (int64_t i = 0; i < rows; i++) {
        uint64_t row = (uint64_t)(blocks->row_first + first + i), draw = UINT64_MAX - opt->restart;
        index[count] = (int32_t)i;
        count += chance >= 1 || random_uniform(opt->seed, RANDOM_KMEANS_START, row, draw) < chance;
    }
    return count;
}

/* weight out: new, [candidates] rows of this rank that are nearest to each */
static enum status weigh_local(const struct rows *x, const struct kmeans_start_options *opt,
                               const struct draw *draw, int64_t **weight)
{
    enum status status = OK;
    struct kmeans_panels panels = {0};
    int32_t index[KMEANS_STRIP], labels[KMEANS_STRIP];
    float gap[KMEANS_STRIP];
    double *candidates = NULL;
    int64_t cells = draw->count * x->columns, local = x->blocks->rows_local;
    TRY(memory_new(weight, draw->count, sizeof **weight));
    TRY(memory_new(&candidates, cells, sizeof *candidates));
    TRY(kmeans_panels_init(&panels, opt->kernel, draw->count, x->columns));
    for (int64_t i = 0; i < cells; i++) candidates[i] = (double)draw->candidates[i];
    kmeans_panels_set(&panels, candidates);
    for (int64_t i = 0; i < local; i += KMEANS_STRIP) {
        int64_t rows = local - i < KMEANS_STRIP ? local - i : KMEANS_STRIP;
        int64_t count = choose_weighed(x->blocks, opt, i, rows, index);
        opt->kernel->judge(&panels, x->x + i * x->stride, index, count, x->stride, labels, gap);
        for (int64_t r = 0; r < count; r++) (*weight)[labels[r]]++;
    }
done:
    kmeans_panels_clear(&panels);
    free(candidates);
    return status;
}

static enum status weigh(const struct comm *comm, const struct rows *x,
                         const struct kmeans_start_options *opt, const struct draw *draw,
                         int64_t **weight)
{
    enum status status = OK;
    TRY_ALL(comm, weigh_local(x, opt, draw, weight));
    comm_sum_int64(comm, *weight, draw->count);
done:
    return status;
}

enum status kmeans_start(const struct comm *comm, const struct rows *x,
                         const struct kmeans_start_options *opt, double *centroids)
{
    enum status status = OK;
    struct draw draw = {0};
    int64_t *weight = NULL;
    TRY(draw_candidates(comm, x, opt, &draw));
    free(draw.square);
    draw.square = NULL;
    TRY(weigh(comm, x, opt, &draw, &weight));
    /* one rank's choice is everyone's, whatever processors the others have */
    TRY_ALL(comm, comm->rank == 0 ? kmeans_recluster(draw.candidates, weight, draw.count,
                                                     x->columns, opt, centroids)
                                  : OK);
    comm_broadcast(comm, centroids, opt->k * x->columns * (int64_t)sizeof *centroids, 0);
done:
    draw_clear(&draw);
    free(weight);
    return status;
}
