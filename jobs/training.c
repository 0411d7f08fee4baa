/* Training with checkpoints: when one is written, and what becomes of the one that is found. */
#include "jobs/training.h"

#include "io/file.h"
#include "jobs/training_file.h"
#include "mpi/log.h"
#include "mpi/stop.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { POLL_STEPS = 8, MESSAGE_BYTES = 1024, PLACE_BYTES = 4096 };

struct keeping {
    const struct training *training;
    struct training_fingerprint fingerprint;
    int64_t visits, tried_at; /* steps of this process; at which it wrote last, well or not */
    double tried_seconds;     /* of the clock then */
    bool kept;                /* there is a checkpoint */
    int64_t epoch, step;      /* that stand in it */
};

/* ---- what is found ---- */

static void note_try(struct keeping *keeping)
{
    keeping->tried_at = keeping->visits;
    keeping->tried_seconds = clock_seconds();
}

static void note_kept(struct keeping *keeping, const struct network_progress *progress)
{
    keeping->kept = true;
    keeping->epoch = progress->epoch;
    keeping->step = progress->step;
}

static bool is_there(const struct comm *comm, const char *path)
{
    int64_t there = comm->rank == 0 && file_exists(path);
    comm_broadcast(comm, &there, sizeof there, 0);
    return there != 0;
}

static enum status restore(const struct comm *comm, void *context,
                           struct network_progress *progress)
{
    struct keeping *keeping = context;
    const struct training *training = keeping->training;
    if (!is_there(comm, training->path)) return OK;
    enum status status = training_file_read(comm, training->path, &keeping->fingerprint, progress);
    if (status == OK) {
        note_kept(keeping, progress);
        log_info("%s: goes on from %s, epoch %lld, step %lld", training->name, training->path,
                 (long long)progress->epoch + 1, (long long)progress->step + 1);
        return OK;
    }
    if (status == ERR_MEMORY) return status;
    if (!training->replaces) {
        char why[MESSAGE_BYTES];
        snprintf(why, sizeof why, "%s", status_message());
        return FAIL(ERR_DATA,
                    "no checkpoint to go on from: %.900s. Name another file, or remove it", why);
    }
    log_warning("%s: begins anew: %s", training->name, status_message());
    return OK;
}

/* Whether a file can be made there, before hours of training show that it cannot. */
static enum status check_place(const char *path)
{
    char folder[PLACE_BYTES];
    const char *slash = strrchr(path, '/');
    struct stat facts;
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash + 1 - path) : 1,
             slash != NULL ? path : ".");
    if (access(folder, W_OK | X_OK) != 0)
        return FAIL(ERR_WRITE, "cannot keep a checkpoint in %s: %s; name a file elsewhere", folder,
                    strerror(errno));
    if (stat(path, &facts) != 0 || !S_ISDIR(facts.st_mode)) return OK;
    return FAIL(ERR_WRITE, "%s is a folder; name a file for the checkpoint", path);
}

/* ---- what is kept ---- */

static bool usable(const struct network *model)
{
    bool all = true;
    for (int64_t k = 0; k < model->weights_count; k++) all = all && isfinite(model->weights[k]);
    return all;
}

/* A full disk does not end a training, and weights that are not finite do not replace good ones. */
static void save(const struct comm *comm, struct keeping *keeping,
                 const struct network_progress *progress)
{
    const struct training *training = keeping->training;
    if (!usable(progress->model)) return;
    enum status status = training_file_write(comm, training->path, &keeping->fingerprint, progress);
    note_try(keeping);
    if (status == OK)
        note_kept(keeping, progress);
    else
        log_warning("%s: goes on without a new checkpoint: %s", training->name, status_message());
}

/* Whether the time between two checkpoints is over; by the clock of one rank. */
static bool time_is_up(const struct comm *comm, const struct keeping *keeping)
{
    double minutes = keeping->training->minutes;
    int64_t due = minutes > 0.0 && clock_seconds() - keeping->tried_seconds >= 60.0 * minutes;
    comm_broadcast(comm, &due, sizeof due, 0);
    return due != 0;
}

static enum status keep(const struct comm *comm, void *context,
                        const struct network_progress *progress)
{
    struct keeping *keeping = context;
    int64_t every = keeping->training->steps;
    keeping->visits++;
    bool due = progress->over || (every > 0 && keeping->visits - keeping->tried_at >= every);
    enum status status = OK;
    if (keeping->visits % POLL_STEPS == 0 && !progress->over) {
        status = stop_agree(comm);
        due = due || status != OK || time_is_up(comm, keeping);
    }
    if (!due) return OK;
    save(comm, keeping, progress);
    if (status == OK) return OK;
    const char *name = keeping->training->name;
    if (!keeping->kept)
        return FAIL(status, "%s was asked to stop, and nothing of it is kept", name);
    return FAIL(status, "%s was asked to stop; %s keeps it, run it again to go on", name,
                keeping->training->path);
}

/* ---- training ---- */

/* Say what failed, and what is left of it. */
static enum status name_failure(const struct keeping *keeping, enum status status)
{
    char why[MESSAGE_BYTES];
    const char *name = keeping->training->name;
    if (status != ERR_NUMERIC) return status;
    snprintf(why, sizeof why, "%s", status_message());
    if (!keeping->kept) return FAIL(status, "%s: %.700s", name, why);
    return FAIL(status, "%s: %.700s. The checkpoint before epoch %lld, step %lld stays in %.200s",
                name, why, (long long)keeping->epoch + 1, (long long)keeping->step + 1,
                keeping->training->path);
}

enum status training_fit(const struct comm *comm, const struct training *training,
                         const struct network_data *data, const struct network_options *options,
                         struct network *model, struct network_history *history)
{
    enum status status = OK;
    struct keeping keeping = {.training = training, .tried_seconds = clock_seconds()};
    struct network_keeper keeper = {&keeping, restore, keep};
    struct network_options kept = *options;
    kept.keeper = NULL;
    if (training->path != NULL) {
        TRY_ALL(comm, comm->rank == 0 ? check_place(training->path) : OK);
        TRY(training_fingerprint_make(comm, data, options, model, &keeping.fingerprint));
        kept.keeper = &keeper;
    }
    status = name_failure(&keeping, network_fit(comm, data, &kept, model, history));
done:
    return status;
}

/* ---- in a run ---- */

static const char *path_in_run(const struct run *run, const char *name)
{
    char file[128];
    snprintf(file, sizeof file, "checkpoint/%s.h5", name);
    return run_path(run, file);
}

enum status training_fit_in_run(const struct comm *comm, const struct run *run, const char *name,
                                const struct network_data *data,
                                const struct network_options *options, struct network *model,
                                struct network_history *history)
{
    struct training training = {.name = name,
                                .path = path_in_run(run, name),
                                .minutes = config_number(run->config, "checkpoint_minutes"),
                                .replaces = true};
    return training_fit(comm, &training, data, options, model, history);
}

static enum status remove_file(const char *path)
{
    if (unlink(path) == 0 || errno == ENOENT) return OK;
    return FAIL(ERR_WRITE, "cannot remove %s: %s", path, strerror(errno));
}

enum status training_forget(const struct comm *comm, const char *path)
{
    return comm_agree(comm, comm->rank == 0 ? remove_file(path) : OK);
}

enum status training_forget_in_run(const struct comm *comm, const struct run *run, const char *name)
{
    return training_forget(comm, path_in_run(run, name));
}
