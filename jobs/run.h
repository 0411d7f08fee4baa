/**
 * A run: a configuration, a folder for everything it makes, and the stages that lead from tables to
 * discounts.
 *
 * A stage reads files of the run folder (or the shop's tables) and writes one file there. Beside
 * its output stands `checkpoint/<stage>.json` with the fingerprint of what the stage depends on;
 * while that is unchanged and the output is there, the stage is skipped. So a run sent again
 * continues, and a change re-runs what depends on it and nothing else. A stage does not run before
 * the stages it needs stand.
 */
#ifndef REMISE_JOBS_RUN_H
#define REMISE_JOBS_RUN_H

#include "jobs/config.h"
#include "mpi/comm.h"

enum { RUN_PATH_BYTES = 4096 };

struct secret;

struct run {
    const struct config *config; /* not owned */
    char folder[RUN_PATH_BYTES];
    uint64_t seed;
    const struct secret *secret; /* of the pseudonyms: jobs/secret.h; not owned */
};

struct stage {
    const char *name;           /* "profile" */
    const char *does;           /* for --help and the log: "features, segments, ..." */
    const char *const *keys;    /* prefixes of the settings it depends on, ended by NULL */
    const char *const *needs;   /* stages whose outputs it reads, ended by NULL */
    const char *const *outputs; /* files it leaves in the run folder, ended by NULL */
    enum status (*run)(const struct comm *comm, const struct run *run);
    /* what else it depends on, as one number; NULL: nothing; local, and rank 0's counts */
    uint64_t (*beside)(const struct run *run);
};

/* The stages in the order of the data's way, ended by NULL. */
extern const struct stage *const stages[];

extern const struct stage stage_ingest, stage_profile, stage_demand, stage_recommend, stage_respond,
    stage_allocate, stage_publish;

/** Path of a file in the run folder; borrowed until the fourth next call. Local. */
const char *run_path(const struct run *run, const char *file);

/**
 * Make the folder where needed and run the stages from `first` to `last` (NULL: all), skipping what
 * stands.
 * Collective. force: run them even if unchanged.
 * Errors: those of the stages; ERR_NO_INPUT a stage that they need has not run, or with other
 *         settings; ERR_WRITE the folder; ERR_USAGE last is before first.
 */
enum status run_stages(const struct comm *comm, const struct config *config, const char *folder,
                       const char *first, const char *last, bool force);

#endif
