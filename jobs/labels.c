/* Labels learned, foretold for everybody, and as the worth of cells. */
#include "jobs/labels.h"

#include "algorithms/metrics.h"
#include "io/store.h"
#include "jobs/fit_print.h"
#include "jobs/labels_rows.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEPS = 3000, EPOCHS_LEAST = 5, EPOCHS_MOST = 100 };

/* No discount is foretold beyond that. */
#define MOST 0.999

static const char file_name[] = "labels.h5";

void labels_clear(struct labels *labels)
{
    free(labels->discount);
    *labels = (struct labels){0};
}

/* ---- learning ---- */

static struct network_options options_of(const struct run *run, int64_t labelled)
{
    struct network_options options = NETWORK_DEFAULTS;
    int64_t batch = labelled / 64;
    options.batch = batch < 32 ? 32 : batch > 1024 ? 1024 : batch;
    options.epochs = STEPS * options.batch / labelled;
    if (options.epochs < EPOCHS_LEAST) options.epochs = EPOCHS_LEAST;
    if (options.epochs > EPOCHS_MOST) options.epochs = EPOCHS_MOST;
    options.optimiser.rate = 0.004;
    options.optimiser.schedule = RATE_COSINE;
    options.optimiser.weight_decay = 0.05;
    options.seed = run->seed;
    return options;
}

static enum status train(const struct comm *comm, const struct run *run,
                         const struct dataset *dataset, const struct labels_rows *rows,
                         struct network **network)
{
    enum status status = OK;
    const int64_t *hidden = NULL;
    int64_t layers = config_integers(run->config, "respond.label_layers", &hidden);
    struct network_options options = options_of(run, rows->labelled);
    const struct network_data data = {
        .rows = {&dataset->users.blocks, rows->columns, rows->stride, rows->x},
        .y = rows->y,
        .part = rows->part};
    TRY_ALL(comm,
            network_new_mlp(rows->columns, hidden, layers, ACTIVATION_RELU, LOSS_MSE, network));
    network_start(*network, run->seed);
    TRY(network_fit(comm, &data, &options, *network, NULL));
done:
    return status;
}

/* ---- foretelling ---- */

static enum status rmse_of(const struct comm *comm, const struct dataset *dataset,
                           const struct labels_rows *rows, const float *z, enum network_part part,
                           double *rmse)
{
    double mse = 0.0;
    int64_t count = 0;
    const struct metrics_rows judged = {&dataset->users.blocks, rows->y, z, rows->part,
                                        (uint8_t)part};
    enum status status = metrics_mse(comm, &judged, &mse, &count);
    *rmse = count > 0 ? rows->sd * sqrt(mse) : (double)NAN;
    return status;
}

static enum status foretell(const struct comm *comm, const struct dataset *dataset,
                            const struct labels_rows *rows, const struct network *network,
                            struct labels *labels)
{
    enum status status = OK;
    int64_t users = dataset->users.blocks.rows_local;
    labels->facts = (struct labels_facts){.users = rows->labelled, .sd = rows->sd};
    TRY_ALL(comm, memory_new(&labels->discount, users, sizeof *labels->discount));
    TRY_ALL(comm, network_apply(network, rows->x, users, rows->stride, labels->discount));
    TRY(rmse_of(comm, dataset, rows, labels->discount, PART_TEST, &labels->facts.rmse));
    TRY(rmse_of(comm, dataset, rows, labels->discount, PART_TRAIN, &labels->facts.rmse_fit));
    for (int64_t u = 0; u < users; u++) {
        double discount = rows->mean + rows->sd * (double)labels->discount[u];
        labels->discount[u] = (float)fmin(fmax(discount, 0.0), MOST);
    }
done:
    return status;
}

static const struct store_column column_discount = {"discount", STORE_F32, 1, "fraction",
                                                    "foretold for each user"};
static const struct store_column column_facts = {
    "facts", STORE_F64, 4, "",
    "users labelled; deviation of labels, error kept back, error learned"};

static enum status write_labels(const struct comm *comm, const struct run *run, int64_t users,
                                const struct labels *labels)
{
    enum status status = OK;
    struct store *store = NULL;
    const struct labels_facts *f = &labels->facts;
    const double facts[4] = {(double)f->users, f->sd, f->rmse, f->rmse_fit};
    TRY(store_create(comm, run_path(run, file_name), &store));
    TRY(store_write(comm, store, &column_discount, labels->discount, users));
    TRY(store_write(comm, store, &column_facts, facts, comm->rank == 0));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

static void say(const struct labels_facts *facts, int64_t min_users)
{
    if (facts->users < min_users)
        log_warning("fewer than %lld users are labelled (privacy.min_users); label more of them, "
                    "or what is foretold is hardly more than their mean",
                    (long long)min_users);
    else if (isnan(facts->rmse))
        log_info("  %lld users labelled, too few to keep any back; labels learned to %.4f, their "
                 "deviation is %.4f",
                 (long long)facts->users, facts->rmse_fit, facts->sd);
    else
        log_info("  %lld users labelled; labels of users kept back are foretold to %.4f, their "
                 "deviation is %.4f",
                 (long long)facts->users, facts->rmse, facts->sd);
    if (facts->users >= min_users && facts->rmse > 0.9 * facts->sd)
        log_warning("labels hardly depend on what is known of users: the table gives nearly the "
                    "same discount to all; add users.attributes that the labels were chosen by");
}

enum status labels_learn(const struct comm *comm, const struct run *run,
                         const struct dataset *dataset)
{
    enum status status = OK;
    struct labels_rows rows = {0};
    struct network *network = NULL;
    struct labels labels = {0};
    if (dataset->users.label == NULL) {
        if (comm->rank == 0) unlink(run_path(run, file_name));
        return OK;
    }
    TRY(labels_rows_make(comm, dataset, &rows));
    TRY(train(comm, run, dataset, &rows, &network));
    TRY(foretell(comm, dataset, &rows, network, &labels));
    say(&labels.facts, config_integer(run->config, "privacy.min_users"));
    TRY(write_labels(comm, run, dataset->users.blocks.rows_local, &labels));
done:
    labels_clear(&labels);
    network_free(&network);
    labels_rows_clear(&rows);
    return status;
}

/* ---- the table ---- */

enum status labels_open(const struct comm *comm, const struct run *run, const struct blocks *blocks,
                        struct labels *labels, struct cell_maker *maker)
{
    enum status status = OK;
    struct store *store = NULL;
    double facts[4] = {0};
    if (!config_table(run->config, "labels")) return OK;
    TRY(store_open(comm, run_path(run, file_name), &store));
    TRY_ALL(comm, memory_new(&labels->discount, blocks->rows_local, sizeof *labels->discount));
    TRY(store_read(comm, store, column_discount.name, STORE_F32, blocks->row_first,
                   blocks->rows_local, labels->discount));
    TRY(store_read(comm, store, column_facts.name, STORE_F64, 0, 1, facts));
    labels->facts = (struct labels_facts){(int64_t)facts[0], facts[1], facts[2], facts[3]};
    maker->labels = labels;
done:
    store_close(comm, &store);
    return status;
}

json_t *labels_json(const struct labels *labels, int64_t min_users)
{
    const struct labels_facts *f = &labels->facts;
    bool hidden = f->users < min_users;
    return json_pack("{s:o, s:o, s:o, s:s}", "users_labelled",
                     hidden ? json_null() : json_integer(f->users), "deviation_of_labels",
                     hidden ? json_null() : fit_number(f->sd), "error_of_users_kept_back",
                     hidden ? json_null() : fit_number(f->rmse), "objective_is",
                     "minus the squared distance from the discount foretold, in percentage points");
}
