/* Training of the response networks. */
#include "jobs/response_training.h"

#include "jobs/response_network.h"
#include "jobs/training.h"
#include "mpi/exact.h"
#include "mpi/log.h"

#include <math.h>
#include <stdio.h>

/* Where the slope b begins, before softplus: a discount of 10 % raises the odds by about a
 * third. */
#define USUAL_SLOPE 3.0f

static struct network_data data_of(const struct response_rows *rows)
{
    return (struct network_data){.rows = {&rows->blocks, rows->columns, rows->stride, rows->x},
                                 .y = rows->y,
                                 .weight = rows->weight,
                                 .dose = rows->dose,
                                 .prior = rows->prior,
                                 .part = rows->part};
}

/* About 400 steps an epoch, whatever the size of the shop, within what keeps gradients fresh and
 * ranks busy. */
static int64_t usual_batch(int64_t rows)
{
    int64_t batch = rows / 400;
    return batch < 256 ? 256 : batch > 4096 ? 4096 : batch;
}

static struct network_options options_of(const struct run *run, int64_t rows)
{
    struct network_options options = NETWORK_DEFAULTS;
    options.optimiser.rate = config_number(run->config, "respond.rate");
    options.optimiser.schedule = RATE_COSINE;
    options.batch = config_has(run->config, "respond.batch")
                        ? config_integer(run->config, "respond.batch")
                        : usual_batch(rows);
    options.epochs = config_integer(run->config, "respond.epochs");
    options.prior_weight = config_number(run->config, "respond.prior");
    options.seed = run->seed;
    options.bf16 = config_is(run->config, "respond.precision", "bf16");
    return options;
}

/* Begin at the mean chance of buying and a usual slope: epochs are not spent on finding them. */
static enum status start_network(const struct comm *comm, const struct response_rows *rows,
                                 uint64_t seed, struct network *network)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    float *bias = network->weights + network->weights_count - 2;
    network_start(network, seed);
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        exact_add_one(&sums, 0, (double)(rows->weight[i] * rows->y[i]));
        exact_add_one(&sums, 1, (double)rows->weight[i]);
    }
    TRY(exact_reduce(comm, &sums));
    double bought = exact_get(&sums, 0) + 0.5, all = exact_get(&sums, 1) + 1.0;
    bias[0] = (float)log(bought / (all - bought));
    bias[1] = USUAL_SLOPE; /* softplus(3) = 3.05 */
done:
    exact_clear(&sums);
    return status;
}

static void tell_epoch(const struct network_history *history, int64_t e)
{
    if (history->validation == NULL)
        log_info("    epoch %lld: training loss %.6f", (long long)e + 1, history->train[e]);
    else
        log_info("    epoch %lld: training loss %.6f, held-out loss %.6f", (long long)e + 1,
                 history->train[e], history->validation[e]);
}

/* Of its checkpoint. */
static void name_member(int member, bool bent, char *name, size_t size)
{
    snprintf(name, size,
             bent         ? "respond-bent-%d"
             : member > 0 ? "respond-%d"
                          : "respond",
             member + 1);
}

static enum status train(const struct comm *comm, const struct run *run, int member,
                         const struct response_rows *rows, struct response_ensemble *ensemble)
{
    enum status status = OK;
    char name[32];
    struct network_history history = {0};
    struct network_options options = options_of(run, rows->blocks.rows_total);
    struct network_data data = data_of(rows);
    options.seed += (uint64_t)member;
    name_member(member, ensemble->shapes.kinds > 0, name, sizeof name);
    network_free(&ensemble->network[member]);
    TRY_ALL(comm, response_network_new(run->config, rows->columns, &ensemble->network[member]));
    data.rows.columns = network_inputs(ensemble->network[member]);
    TRY(start_network(comm, rows, options.seed, ensemble->network[member]));
    TRY(training_fit_in_run(comm, run, name, &data, &options, ensemble->network[member], &history));
    log_info("  network %d of %d: %lld training rows, %lld held out, %lld inputs, %lld weights",
             member + 1, ensemble->members, (long long)history.rows_train,
             (long long)history.rows_validation, (long long)rows->columns,
             (long long)ensemble->network[member]->weights_count);
    for (int64_t e = 0; e < history.epochs; e++) tell_epoch(&history, e);
done:
    network_history_clear(&history);
    return status;
}

enum status response_training_fit(const struct comm *comm, const struct run *run,
                                  struct response_rows *rows, struct response_ensemble *ensemble)
{
    enum status status = OK;
    for (int k = 0; k < ensemble->members; k++) {
        if (ensemble->members > 1) response_rows_hold(comm, k, rows);
        TRY(train(comm, run, k, rows, ensemble));
    }
done:
    return status;
}

enum status response_training_forget(const struct comm *comm, const struct run *run, int members)
{
    enum status status = OK;
    for (int k = 0; k < 2 * members; k++) {
        char name[32];
        name_member(k % members, k >= members, name, sizeof name);
        TRY(training_forget_in_run(comm, run, name));
    }
done:
    return status;
}
