/**
 * A synthetic shop with its truth: tables like a real shop's, and the parameters they were made
 * from.
 *
 * The truth is one formula for P(buy | user, product, discount) (jobs/synth_truth.h): a logit, or a
 * response that saturates in a way that no column names. The history is drawn from it user by user
 * (jobs/synth_history.h), so that a published table can be scored against what would really happen.
 * Everything is drawn by entity: the files have the same bytes at any number of ranks.
 */
#ifndef REMISE_JOBS_SYNTH_H
#define REMISE_JOBS_SYNTH_H

#include "jobs/command.h"

/* What the chance of buying is as a function of the discount. */
enum synth_form { SYNTH_LOGIT, SYNTH_SATURATING, SYNTH_FORMS };

extern const char *const synth_form_names[SYNTH_FORMS];

struct synth_options {
    const char *directory;   /* not owned; made if it is not there */
    int64_t users;           /* 1 .. 1e9 */
    int64_t products;        /* 1 .. 1e6 */
    uint64_t seed;           /* 0 .. 2^53 */
    int64_t events_per_user; /* mean over users, within a few per cent; 1 .. 1e5 */
    int64_t offers_per_user; /* mean over users, within a few per cent; 0 .. 1e4 */
    int64_t weeks;           /* 1 .. 520, from Monday 2023-01-02 */
    double randomised;       /* share of past offers whose level was drawn uniformly; 0 .. 1 */
    enum synth_form form;
};

/* clang-format off */
#define SYNTH_DEFAULTS {NULL, 20000, 400, 1, 20, 10, 52, 0.2, SYNTH_LOGIT}
/* clang-format on */

/**
 * Write users.csv, products.csv, events.csv, offers.csv, truth/ and remise.yaml into
 * opt->directory.
 *
 * Collective. A shop that is there already is replaced; remise.yaml goes first and comes last, so a
 * folder with it is whole.
 * opt  in  same values on every rank
 * Cost: O(events) time; memory for a block of 2,048 users at a time and for the products times
 *       weeks.
 * Same bytes for any number of ranks.
 * Errors: ERR_ARG an option is out of range; ERR_WRITE the folder holds something else, or cannot
 *         be written; ERR_MEMORY.
 */
enum status synth_write_shop(const struct comm *comm, const struct synth_options *opt);

/* remise synth DIR ... */
extern const struct command command_synth;

#endif
