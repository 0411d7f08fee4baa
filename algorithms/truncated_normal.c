/* Gibbs sampling of a normal vector with bounds. */
#include "algorithms/truncated_normal.h"

#include "algorithms/dot.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>

enum { BURN_IN = 200, SWEEPS = 2000 };

/* Up to here a draw from the whole normal is kept often enough. */
#define TAIL_FROM 0.3

/* Random numbers of one entry. */
struct stream {
    uint64_t entity, draw;
};

static double uniform(struct stream *s)
{
    return random_uniform(1, RANDOM_TRUNCATED, s->entity, s->draw++);
}

/* Of a standard normal, not below least. */
static double draw_from(struct stream *s, double least)
{
    double z = 0.0, rate = 0.5 * (least + sqrt(least * least + 4.0)), kept = 0.0;
    if (least <= TAIL_FROM) {
        do z = random_normal(1, RANDOM_TRUNCATED, s->entity, s->draw++);
        while (z < least);
        return z;
    }
    do {
        z = least - log1p(-uniform(s)) / rate;
        kept = exp(-0.5 * (z - rate) * (z - rate));
    } while (uniform(s) > kept);
    return z;
}

/* off [n]: how far each entry is from its mean. */
static void sweep(int64_t n, int64_t unbounded, const double *mean, const double *precision,
                  struct stream *streams, double *off)
{
    for (int64_t j = 0; j < n; j++) {
        const double *row = precision + j * n;
        double centre = off[j] - dot_double(row, off, n) / row[j], sd = 1.0 / sqrt(row[j]);
        double least = j < unbounded ? -INFINITY : -(mean[j] + centre) / sd;
        off[j] = centre + sd * draw_from(&streams[j], least);
    }
}

enum status truncated_normal_mean(int64_t n, int64_t unbounded, const double *mean,
                                  const double *precision, double *expected)
{
    enum status status = OK;
    double *off = NULL;
    struct stream *streams = NULL;
    TRY(memory_new(&off, n, sizeof *off));
    TRY(memory_new(&streams, n, sizeof *streams));
    for (int64_t j = 0; j < n; j++) {
        streams[j].entity = (uint64_t)j;
        off[j] = j < unbounded ? 0.0 : fmax(0.0, -mean[j]);
        expected[j] = 0.0;
    }
    for (int round = 0; round < BURN_IN + SWEEPS; round++) {
        sweep(n, unbounded, mean, precision, streams, off);
        for (int64_t j = 0; j < n && round >= BURN_IN; j++)
            expected[j] += (mean[j] + off[j]) / SWEEPS;
    }
done:
    free(off);
    free(streams);
    return status;
}
