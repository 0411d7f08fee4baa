/**
 * Scorers: how much each user may want each product, by one idea of it each.
 *
 * A scorer is fitted to what is known up to some moment (struct scorer_data), and then says for a
 * panel of some users and all products, or for chosen products of each user, how much these may be
 * wanted. Only the order of a user's scores counts; what they are differs between scorers. A new
 * scorer is a file with one `const struct scorer` and a line in the table of jobs/scorer.c. The
 * stage (jobs/recommend.c) judges all of them by what users bought later, and lets the best choose.
 *
 * Panels are dense, so that a scorer is a few plain loops or one matrix product; they are made for
 * a chunk of users at a time, which bounds memory. What costs too much for every pair has `pairs`
 * alone and scores a pool: the best of the panels' scorers together.
 */
#ifndef REMISE_JOBS_SCORER_H
#define REMISE_JOBS_SCORER_H

#include "jobs/scorer_data.h"

enum { SCORER_KNOBS = 6, SCORER_TRIES = 5 };

/* A number that a scorer is tuned by, and a setting. */
struct scorer_knob {
    const char *key;            /* of the setting, a number or integer */
    double tries[SCORER_TRIES]; /* values worth trying, beside the setting's own */
    int64_t count;
};

/* Chosen products of some users. Borrowed. */
struct scorer_pairs {
    const int64_t *user; /* [users] local rows, any of them */
    int64_t users, slots;
    const int32_t *product; /* [users][slots] -1: none, its score is not looked at */
    /* What the panels' scorers say of each pair, for each of them: its score in units of its own
     * spread over the user's pool (mean 0, standard deviation 1; 0 where all are the same), and
     * -log2 of its place in the pool, 0 for the first. */
    int64_t features, feature_stride;
    const float *feature; /* [users][slots][feature_stride], the first `features` of each */
};

struct scorer {
    const char *name; /* a choice of recommend.scorer */
    const char *does; /* for the log and the report, a few words */
    int64_t knobs;
    struct scorer_knob knob[SCORER_KNOBS];
    /**
     * Learn from data. Collective.
     * knob   in   [knobs] values
     * model  out  new, freed by `free`; NULL unless OK. May keep `data` and what it borrows.
     * Same model for any number of ranks. ERR_DATA: this shop has not what it takes; it is then
     * left out with the message in the log, and is no failure of the stage.
     */
    enum status (*fit)(const struct comm *comm, const struct scorer_data *data, const double *knob,
                       void **model);
    /**
     * Scores of some users for all products; NULL: pairs only. Local.
     * user   in   [users] local rows, any of them
     * score  out  [users][stride], stride = scorer_stride(data); the padding is not looked at.
     *             Finite. A row depends on its user alone, not on the users beside it.
     */
    enum status (*panel)(const void *model, const struct scorer_data *data, const int64_t *user,
                         int64_t users, float *score);
    /** Scores of chosen pairs, [users][slots]; NULL where there is a panel. Local. */
    enum status (*pairs)(const void *model, const struct scorer_data *data,
                         const struct scorer_pairs *pairs, float *score);
    /** Bytes that fit and model hold on this rank. Local. */
    int64_t (*bytes)(const struct scorer_data *data, const double *knob);
    /** Free and null; accepts NULL inside. Local. */
    void (*free)(void **model);
};

/* All scorers, the simplest first, ended by NULL. A tie in the judgement goes to the first. */
extern const struct scorer *const scorers[];

extern const struct scorer scorer_popularity, scorer_repeat, scorer_als, scorer_content,
    scorer_linear, scorer_neural;

/** Floats of a row of a panel: the products, padded for vectors. Local. */
int64_t scorer_stride(const struct scorer_data *data);

/** Users of a panel, so that it takes about 4 MiB. Local. */
int64_t scorer_chunk(const struct scorer_data *data);

/** The settings of a scorer's knobs. Local. */
void scorer_knobs(const struct scorer *scorer, const struct config *config,
                  double knob[SCORER_KNOBS]);

/** The scorer of this name; NULL: there is none. Local. */
const struct scorer *scorer_find(const char *name);

#endif
