/* The publish stage: a version of the discount table as CSV and HDF5, with its receipt and the
 * manifest that names them, and then the link that makes it the current one. */
#include "io/parse.h"
#include "io/text_file.h"
#include "jobs/cell_source.h"
#include "jobs/manifest.h"
#include "jobs/moment.h"
#include "jobs/publish_receipt.h"
#include "jobs/publish_retain.h"
#include "jobs/secret.h"
#include "mpi/log.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_TEXT_BYTES = 180 }; /* of a usual row as CSV, with its candidate and curve */

static void date_of(int64_t time, char *text)
{
    char full[TIME_TEXT_BYTES + 1] = {0};
    format_time(moment_day(time), full);
    memcpy(text, full, DATE_BYTES);
    text[DATE_BYTES] = 0;
}

static void set_dates(const struct run *run, const struct dataset *dataset,
                      struct publisher *publisher)
{
    int64_t from = moment_of_table(run->config, dataset->time_last);
    date_of(from, publisher->valid_from);
    date_of(from + (config_integer(run->config, "run.valid_days") - 1) * DAY_SECONDS,
            publisher->valid_to);
}

static enum status write_csv(const struct comm *comm, const struct run *run,
                             const struct publisher *publisher)
{
    enum status status = OK;
    struct text_file *file = NULL;
    char *text = NULL;
    int64_t bytes = 0;
    const char *header = publish_header();
    unsigned mode = publisher->ids != NULL ? 0600 : 0644; /* the shop's ids are its own */
    TRY(text_file_open(comm, version_path(run, "discounts.csv"), mode, &file));
    TRY(text_file_append(comm, file, header, comm->rank == 0 ? (int64_t)strlen(header) : 0));
    TRY_ALL(comm, publish_format(publisher, &text, &bytes));
    TRY(text_file_append(comm, file, text, bytes));
    TRY(text_file_commit(comm, &file));
done:
    text_file_abandon(comm, &file);
    free(text);
    return status;
}

static enum status write_hdf5(const struct comm *comm, const struct run *run,
                              const struct publisher *publisher)
{
    enum status status = OK;
    struct store *store = NULL;
    TRY(store_create(comm, version_path(run, "discounts.h5"), &store));
    TRY(publish_columns(comm, store, publisher));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

/* ---- the stage ---- */

static enum status write_all(const struct comm *comm, const struct run *run,
                             const struct publisher *publisher)
{
    enum status status = OK;
    char id[VERSION_ID_BYTES];
    bool same = false;
    TRY(version_begin(comm, run));
    TRY(write_hdf5(comm, run, publisher)); /* and after it the problem's memory is free again */
    TRY(write_csv(comm, run, publisher));
    TRY(publish_receipt(comm, run, publisher));
    TRY(manifest_write(comm, run, id, &same));
    TRY(version_commit(comm, run, id, same));
    log_info("  version %.8s is current", id);
    TRY(publish_retain(comm, run, publisher->dataset, id));
done:
    if (status != OK) version_abandon(comm, run);
    return status;
}

/* What choices.h5 has of this rank's slots. */
static enum status read_choices(const struct comm *comm, const struct run *run,
                                const struct blocks *users, struct choices *choices,
                                struct problem *problem)
{
    enum status status = OK;
    const char *path = run_path(run, "choices.h5");
    TRY(choices_read(comm, path, users, choices));
    TRY(choices_read_problem(comm, path, users, choices->slots, problem));
    int64_t slots = users->rows_local * choices->slots;
    log_need(comm, slots * problem->levels * (int64_t)sizeof(int64_t) * (2 + problem->measures));
done:
    return status;
}

/* The shop's own ids of this rank's users. */
static enum status read_ids(const struct comm *comm, const struct run *run,
                            const struct blocks *users, struct vault_ids *ids)
{
    enum status status = OK;
    unsigned char secret[USER_SECRET_BYTES] = {0}, key[USER_SECRET_BYTES];
    TRY(secret_read(comm, run, secret));
    secret_derive(secret, SECRET_FOR_VAULT, key);
    TRY(vault_read(comm, run_path(run, "ids.vault"), key, users->rows_total, users->row_first,
                   users->rows_local, ids));
done:
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(key, sizeof key);
    return status;
}

static enum status publish_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct cell_source source = {0};
    struct choices choices = {0};
    struct problem problem = {0};
    struct vault_ids ids = {0};
    struct disclosure disclosure = {0};
    struct publisher publisher = {.maker = &source.maker,
                                  .choices = &choices,
                                  .problem = &problem,
                                  .disclosure = &disclosure};
    TRY(cell_source_open(comm, run, disclosure_parts(run->config), &source));
    TRY_ALL(comm, disclosure_open(run->config, source.dataset, &disclosure));
    const struct blocks *blocks = &source.dataset->users.blocks;
    TRY(read_choices(comm, run, blocks, &choices, &problem));
    publisher.dataset = source.dataset;
    if (config_is(run->config, "publish.user_ids", "original")) {
        TRY(read_ids(comm, run, blocks, &ids));
        publisher.ids = &ids;
    }
    set_dates(run, source.dataset, &publisher);
    int64_t rows = blocks->rows_local * choices.slots;
    log_need(comm, dataset_bytes(source.dataset) +
                       rows * ((int64_t)sizeof *publisher.row + ROW_TEXT_BYTES));
    TRY_ALL(comm, publish_rows_make(&publisher));
    TRY(write_all(comm, run, &publisher));
done:
    publish_rows_clear(&publisher);
    disclosure_clear(&disclosure);
    vault_ids_clear(&ids);
    problem_clear(&problem);
    choices_clear(&choices);
    cell_source_close(&source);
    return status;
}

static const char *const keys[] = {"publish", "run", "privacy.min_users", NULL};
static const char *const needs[] = {"allocate", NULL};
static const char *const outputs[] = {"discounts.csv", "discounts.h5",  "receipt.json",
                                      "receipt.txt",   "manifest.json", NULL};

const struct stage stage_publish = {
    .name = "publish",
    .does = "the discount table, its receipt and the manifest",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = publish_run,
};
