/* The mixture of the profile stage: fitted, told, written. */
#include "jobs/profile_mixture.h"

#include "jobs/suppress.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>

#define FLOOR 1e-2     /* least variance of a component in that of all users */
#define TOLERANCE 1e-5 /* log-likelihood of a user; kinds of behaviour have no sharper edges */

void profile_mixture_clear(struct profile_mixture *mixture)
{
    mixture_free(&mixture->model);
    free(mixture->component);
    free(mixture->share);
    *mixture = (struct profile_mixture){0};
}

/* Components and responsibilities of the local users. */
static enum status share_out(const struct mixture_rows *rows, struct profile_mixture *mixture)
{
    enum status status = OK;
    int64_t cells = rows->blocks->rows_local * mixture->keep;
    double *share = NULL;
    TRY(memory_new(&share, cells, sizeof *share));
    TRY(memory_new(&mixture->component, cells, sizeof *mixture->component));
    TRY(memory_new(&mixture->share, cells, sizeof *mixture->share));
    TRY(mixture_apply(mixture->model, rows, mixture->keep, mixture->component, share, NULL));
    for (int64_t i = 0; i < cells; i++) mixture->share[i] = (float)share[i];
done:
    free(share);
    return status;
}

static void say(const struct mixture_model *model, const int64_t *users, const bool *hidden,
                int64_t least)
{
    int64_t empty = 0;
    if (model->rows >= least)
        log_info("  a mixture of %lld components after %lld iterations, log-likelihood %.4f a user",
                 (long long)model->k, (long long)model->iterations,
                 model->log_likelihood / (double)model->rows);
    for (int64_t c = 0; c < model->k; c++)
        if (users[c] == 0)
            empty++;
        else if (hidden[c])
            log_info("    component %lld: suppressed, as a component has fewer than %lld users",
                     (long long)c, (long long)least);
        else
            log_info("    component %lld: the likeliest of %lld users", (long long)c,
                     (long long)users[c]);
    if (empty > 0)
        log_info("    %lld of %lld components are nobody's likeliest", (long long)empty,
                 (long long)model->k);
}

/* Sizes of the components, less those of few users. */
static enum status tell(const struct comm *comm, const struct run *run, int64_t users_local,
                        const struct profile_mixture *mixture)
{
    enum status status = OK;
    int64_t least = config_integer(run->config, "privacy.min_users"), k = mixture->model->k;
    int64_t *users = NULL;
    bool *hidden = NULL;
    TRY_ALL(comm, memory_new(&users, k, sizeof *users));
    TRY_ALL(comm, memory_new(&hidden, k, sizeof *hidden));
    for (int64_t i = 0; i < users_local; i++) users[mixture->component[i * mixture->keep]]++;
    comm_sum_int64(comm, users, k);
    suppress_cells(users, k, least, hidden);
    say(mixture->model, users, hidden, least);
done:
    free(users);
    free(hidden);
    return status;
}

enum status profile_mixture_fit(const struct comm *comm, const struct run *run,
                                const struct blocks *blocks, const struct features *features,
                                struct profile_mixture *mixture)
{
    enum status status = OK;
    struct mixture_options options = MIXTURE_OPTIONS_DEFAULTS;
    struct mixture_rows rows = {
        .blocks = blocks, .columns = features->columns, .full = features->x};
    *mixture = (struct profile_mixture){0};
    options.k = config_integer(run->config, "profile.mixture");
    if (options.k > blocks->rows_total) options.k = blocks->rows_total;
    if (options.k == 0) return OK;
    options.covariance = MIXTURE_DIAGONAL;
    options.max_iterations = config_integer(run->config, "profile.max_iterations");
    options.seed = run->seed;
    options.floor = FLOOR;
    options.tolerance = TOLERANCE;
    TRY(mixture_fit(comm, &rows, &options, &mixture->model));
    mixture->keep = options.k < PROFILE_MIXTURE_KEEP ? options.k : PROFILE_MIXTURE_KEEP;
    TRY_ALL(comm, share_out(&rows, mixture));
    TRY(tell(comm, run, blocks->rows_local, mixture));
done:
    return status;
}

enum status profile_mixture_write(const struct comm *comm, struct store *store,
                                  const struct blocks *blocks,
                                  const struct profile_mixture *mixture)
{
    enum status status = OK;
    const struct mixture_model *model = mixture->model;
    int64_t users = blocks->rows_local, keep = mixture->keep;
    if (model == NULL) return OK;
    int64_t once = comm->rank == 0 ? model->k : 0;
    const struct store_column component = {"mixture/component", STORE_I32, keep, "",
                                           "likeliest components of each user, the first first"};
    const struct store_column share = {"mixture/responsibility", STORE_F32, keep, "",
                                       "of these components for the user; all add up to 1"};
    const struct store_column weight = {"mixture/weight", STORE_F64, 1, "",
                                        "of each component; all add up to 1"};
    const struct store_column mean = {"mixture/mean", STORE_F64, model->columns, "sd",
                                      "of each component, in standardised features"};
    const struct store_column variance = {"mixture/variance", STORE_F64, model->columns, "sd^2",
                                          "of each component, in standardised features"};
    TRY(store_write(comm, store, &component, mixture->component, users));
    TRY(store_write(comm, store, &share, mixture->share, users));
    TRY(store_write(comm, store, &weight, model->weights, once));
    TRY(store_write(comm, store, &mean, model->means, once));
    TRY(store_write(comm, store, &variance, model->covariances, once));
done:
    return status;
}
