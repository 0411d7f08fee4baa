/**
 * Random numbers by name: a draw depends on (seed, stage, entity, number) and on nothing else.
 *
 * No generator has state, so a draw is the same on any rank, in any order and after a resume.
 * `stage` keeps uses apart (one constant each, below), `entity` names the row, user, product or
 * node it is for, `draw` counts within it. Philox4x32-10 (Salmon et al. 2011, Parallel random
 * numbers: as easy as 1, 2, 3).
 */
#ifndef REMISE_PARTITION_RANDOM_H
#define REMISE_PARTITION_RANDOM_H

#include <stdint.h>

enum random_stage {
    RANDOM_SPLIT = 1,
    RANDOM_KMEANS_START,
    RANDOM_WEIGHTS,
    RANDOM_BATCH_ORDER,
    RANDOM_NEGATIVES,
    RANDOM_SYNTH_USER,
    RANDOM_SYNTH_PRODUCT,
    RANDOM_SYNTH_EVENT,
    RANDOM_SYNTH_OFFER,
    RANDOM_TEST,
    RANDOM_TREE_ROWS,
    RANDOM_TREE_COLUMNS,
    RANDOM_TREE_REDRAW,
    RANDOM_MIXTURE_START,
    RANDOM_SILHOUETTE,
    RANDOM_NEIGHBOURS,
    RANDOM_ELIMINATION,
    RANDOM_JACKKNIFE,
    RANDOM_DROPOUT,
    RANDOM_EXPLORE,
    RANDOM_EXPLORE_LEVEL,
    RANDOM_EXPLORE_ROW,
    RANDOM_LATENT_CLASSES,
    RANDOM_HELDOUT,
    RANDOM_RESPONSE_USERS,
    RANDOM_TRUNCATED
};

/** 128 random bits. Local. */
void random_bits(uint64_t seed, enum random_stage stage, uint64_t entity, uint64_t draw,
                 uint32_t bits[4]);

/** Uniform in [0, 1), multiples of 2^-53. Local. */
double random_uniform(uint64_t seed, enum random_stage stage, uint64_t entity, uint64_t draw);

/** Standard normal by Box-Muller; uses libm's log and cos. Local. */
double random_normal(uint64_t seed, enum random_stage stage, uint64_t entity, uint64_t draw);

/** Uniform integer in [0, limit), limit > 0; bias below limit / 2^64. Local. */
uint64_t random_below(uint64_t seed, enum random_stage stage, uint64_t entity, uint64_t draw,
                      uint64_t limit);

#endif
