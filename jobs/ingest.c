/* The ingest stage: the shop's tables in, dataset.h5 and rejects.csv out. */
#include "jobs/ingest_read.h"
#include "jobs/ingest_shard.h"
#include "jobs/run.h"
#include "jobs/secret.h"
#include "mpi/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum status ingest_read_table(const struct comm *comm, struct ingest *ingest, const char *table,
                              struct csv *csv, csv_on_row *on_row, csv_on_bad *on_bad, void *reader)
{
    (void)ingest;
    log_info("  reading %s: %s", table, csv->path);
    return csv_read(comm, csv, on_row, on_bad, reader);
}

enum status ingest_check_rejects(const struct config *config, const struct rejects *rejects,
                                 const char *table)
{
    int64_t rejected = rejects->read - rejects->kept;
    double allowed = config_number(config, "ingest.max_bad_rows");
    if (config_is(config, "ingest.on_bad_row", "stop")) allowed = 0.0;
    if ((double)rejected <= allowed * (double)rejects->read) return OK;
    return FAIL(
        ERR_DATA,
        "%s: %lld of %lld rows cannot be used, more than ingest.on_bad_row and ingest.max_bad_rows "
        "allow; see the reasons above and rejects.csv in the run folder",
        table, (long long)rejected, (long long)rejects->read);
}

static enum status open_ingest(struct ingest *ingest)
{
    ingest->products = text_set_new();
    ingest->categories = text_set_new();
    ingest->brands = text_set_new();
    ingest->records.users.ids = text_set_new();
    bool made = ingest->products != NULL && ingest->categories != NULL && ingest->brands != NULL &&
                ingest->records.users.ids != NULL;
    return made ? OK : FAIL(ERR_MEMORY, "no memory to begin with");
}

static void close_ingest(struct ingest *ingest)
{
    text_set_free(&ingest->products);
    text_set_free(&ingest->categories);
    text_set_free(&ingest->brands);
    free(ingest->product_row);
    free(ingest->event_category);
    ingest_records_clear(&ingest->records);
}

/* Better said than found out: these may be mapped, but no stage reads them yet. */
static void warn_of_unused(const struct config *config)
{
    static const char *const roles[][2] = {{"events", "rating"},
                                           {"offers", "quantity"},
                                           {"offers", "satisfaction"},
                                           {"products", "stock"}};
    const char *const *names = NULL;
    for (size_t r = 0; r < sizeof roles / sizeof *roles; r++)
        if (config_table(config, roles[r][0]) && config_column(config, roles[r][0], roles[r][1]))
            log_warning("%s.columns.%s is mapped, but nothing uses it yet", roles[r][0],
                        roles[r][1]);
    if (config_texts(config, "products.attributes", &names) > 0)
        log_warning("products.attributes are named, but nothing uses them yet");
}

static enum status read_tables(const struct comm *comm, struct ingest *ingest)
{
    static const char header[] = "file,line,column,reason,value\n";
    enum status status = OK;
    TRY(text_file_append(comm, ingest->rejects_file, header,
                         comm->rank == 0 ? (int64_t)sizeof header - 1 : 0));
    TRY(ingest_read_products(comm, ingest));
    TRY(ingest_read_users(comm, ingest));
    TRY(ingest_read_events(comm, ingest));
    TRY(ingest_read_offers(comm, ingest));
done:
    return status;
}

/* Records, their exchange and the sorted data set come to about two bytes per byte of CSV. */
static int64_t bytes_needed(const struct config *config, int ranks)
{
    static const char *const tables[] = {"users", "products", "events", "offers"};
    int64_t bytes = 0;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        struct stat facts;
        char key[32];
        snprintf(key, sizeof key, "%s.file", tables[t]);
        if (config_table(config, tables[t]) && stat(config_path(config, key), &facts) == 0)
            bytes += 2 * (int64_t)facts.st_size;
    }
    return bytes / ranks;
}

static enum status ingest_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct ingest ingest = {.config = run->config};
    struct dataset *dataset = NULL;
    bool assumed = false;
    warn_of_unused(run->config);
    log_need(comm, bytes_needed(run->config, comm->ranks));
    TRY_ALL(comm, open_ingest(&ingest));
    TRY(secret_read(comm, run, ingest.records.users.secret));
    TRY(text_file_open(comm, run_path(run, "rejects.csv"), 0600, &ingest.rejects_file));
    TRY(read_tables(comm, &ingest));
    TRY(ingest_products_finish(comm, &ingest, &assumed));
    TRY(ingest_shard(comm, &ingest.records, &dataset));
    dataset->assumed_cost = assumed;
    TRY(dataset_write(comm, run_path(run, "dataset.h5"), dataset));
    TRY(text_file_commit(comm, &ingest.rejects_file));
done:
    if (status == ERR_DATA && ingest.rejects_file != NULL) /* the reasons stay behind */
        text_file_commit(comm, &ingest.rejects_file);
    text_file_abandon(comm, &ingest.rejects_file);
    dataset_free(&dataset);
    close_ingest(&ingest);
    return status;
}

static const char *const keys[] = {"data",   "users",  "products", "events",
                                   "offers", "ingest", "privacy",  NULL};
static const char *const needs[] = {NULL};
static const char *const outputs[] = {"dataset.h5", "rejects.csv", NULL};

const struct stage stage_ingest = {
    .name = "ingest",
    .does = "read the tables, reject what cannot be used, bring users to their ranks",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = ingest_run,
};
