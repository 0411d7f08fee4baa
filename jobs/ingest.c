/* The ingest stage: the shop's tables in, dataset.h5 and rejects.csv out. */
#include "jobs/forecast.h"
#include "jobs/ingest_promotions.h"
#include "jobs/ingest_settle.h"
#include "jobs/protected.h"
#include "jobs/run.h"
#include "jobs/secret.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Better said than found out: these may be mapped, but no stage reads them yet. */
static void warn_of_unused(const struct config *config)
{
    static const char *const roles[][2] = {
        {"events", "rating"}, {"offers", "quantity"}, {"offers", "satisfaction"}};
    for (size_t r = 0; r < sizeof roles / sizeof *roles; r++)
        if (config_table(config, roles[r][0]) && config_column(config, roles[r][0], roles[r][1]))
            log_warning("%s.columns.%s is mapped, but nothing uses it yet", roles[r][0],
                        roles[r][1]);
}

/* ---- before reading ---- */

/* What a look at the tables says is to be held. Where one cannot be read, reading it says why. */
static enum status say_need(const struct comm *comm, const struct config *config)
{
    enum { SAMPLE_BYTES = 1 << 21 };
    enum status status = OK;
    struct shop_sample sample = {0};
    double process = (double)memory_peak_bytes();
    int64_t bytes = 0;
    if (process < FORECAST_PROCESS_BYTES) process = FORECAST_PROCESS_BYTES;
    TRY_ALL(comm, comm->rank == 0 ? shop_sample_take(config, SAMPLE_BYTES, false, &sample) : OK);
    if (comm->rank == 0 && shop_sample_problems(&sample) == 0)
        bytes = (int64_t)forecast_memory(config, &sample, comm->ranks, process).bytes;
    comm_broadcast(comm, &bytes, sizeof bytes, 0);
    if (bytes > 0) log_need(comm, bytes);
done:
    return status;
}

static enum status prepare(const struct comm *comm, const struct run *run, struct ingest *ingest)
{
    enum status status = OK;
    bool original = config_is(run->config, "publish.user_ids", "original");
    TRY_ALL(comm, ingest_open(ingest));
    secret_guard();
    TRY(secret_read(comm, run, ingest->secret));
    TRY_ALL(comm, pseudonyms_new(ingest->secret, ingest->memory_bytes / 16, &ingest->pseudonyms));
    TRY(forget_read(comm, run->config, ingest->secret, &ingest->forget));
    TRY(rates_read(comm, run->config, &ingest->rates));
    if (original)
        TRY_ALL(comm,
                ids_new(ingest->secret, ingest->folder, ingest->memory_bytes / 16, &ingest->ids));
done:
    return status;
}

static enum status read_tables(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    TRY(ingest_read_products(comm, ingest));
    TRY(ingest_read_users(comm, ingest));
    TRY(ingest_read_events(comm, ingest));
    TRY(ingest_read_offers(comm, ingest));
    TRY(ingest_read_labels(comm, ingest));
    TRY(ingest_read_promotions(comm, ingest));
    TRY(forget_report(comm, &ingest->forget));
done:
    return status;
}

/* ---- the account ---- */

static enum status check_bad_rows(const struct config *config, const struct account *account,
                                  enum table table)
{
    int64_t rejected = 0;
    for (int r = 0; r < REJECTS; r++) rejected += account->rejected[r];
    double allowed = config_number(config, "ingest.max_bad_rows");
    if (config_is(config, "ingest.on_bad_row", "stop")) allowed = 0.0;
    int64_t counted = account->read - account->left_out; /* as if those had never been there */
    if ((double)rejected <= allowed * (double)counted) return OK;
    return FAIL(
        ERR_DATA,
        "%s: %lld of %lld rows cannot be used, more than ingest.on_bad_row and ingest.max_bad_rows "
        "allow; see the reasons above and rejects.csv in the run folder",
        table_name(table), (long long)rejected, (long long)counted);
}

/* Print and check all accounts; only then may the run end over bad rows. */
static enum status close_accounts(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    for (enum table t = 0; t < TABLES; t++)
        if (ingest->csv[t] != NULL) TRY(rejects_sum(comm, &ingest->rejects, t));
    for (enum table t = 0; t < TABLES; t++)
        TRY(check_bad_rows(ingest->config, &ingest->rejects.account[t], t));
done:
    return status;
}

static enum status check_rest(const struct ingest *ingest, const struct people *people,
                              int64_t events_total)
{
    const struct account *account = &ingest->rejects.account[TABLE_EVENTS];
    if (events_total > 0) return OK;
    if (people->users.blocks.rows_total == 0 && people->refusing > 0)
        return FAIL(ERR_DATA, "all %lld users refuse by users.columns.consent: nobody is left",
                    (long long)people->refusing);
    if (account->left_out > 0)
        return FAIL(ERR_DATA, "no event is left: all are of users who refuse by "
                              "users.columns.consent or are to be forgotten");
    return FAIL(ERR_DATA,
                "%s: none of its %lld rows can be used; see rejects.csv in the run folder and "
                "check events.columns",
                ingest->csv[TABLE_EVENTS]->path, (long long)account->read);
}

/* ---- writing ---- */

struct writer {
    const struct final_rows *final;
    const struct products *products;
    const int32_t *code; /* final code of each first one */
};

/* Events that did not tell a price before discounts take the product's, if it is above what was
 * paid. */
static void complete(const struct writer *writer, struct event_row *row)
{
    row->product = writer->code[row->product];
    if (row->list_cents >= 0) return;
    double list = 0.1 * writer->products->list_price[row->product] * row->quantity_milli;
    row->list_cents = row->paid_cents;
    if (list > row->paid_cents && list < 2.1e9) row->list_cents = (int32_t)(list + 0.5);
}

static enum status write_events(void *context, int64_t first, int64_t count, struct event_row *rows)
{
    const struct writer *writer = context;
    enum status status = spool_read(writer->final->events, first, count, rows);
    for (int64_t i = 0; status == OK && i < count; i++) complete(writer, &rows[i]);
    return status;
}

static enum status write_offers(void *context, int64_t first, int64_t count, struct offer_row *rows)
{
    const struct writer *writer = context;
    enum status status = spool_read(writer->final->offers, first, count, rows);
    for (int64_t i = 0; status == OK && i < count; i++)
        rows[i].product = writer->code[rows[i].product];
    return status;
}

static enum status write_series(void *context, int64_t first, int64_t count,
                                struct series_row *rows)
{
    const struct writer *writer = context;
    enum status status = series_read(writer->final->series, first, count, rows);
    for (int64_t i = 0; status == OK && i < count; i++)
        rows[i].product = writer->code[rows[i].product];
    return status;
}

static enum status write_dataset(const struct comm *comm, const struct run *run,
                                 struct product_facts *facts, struct ingest *ingest,
                                 const struct final_rows *final, const struct people *people)
{
    enum status status = OK;
    struct products products = {0};
    struct promotions promotions = {0};
    int32_t *code = NULL;
    bool assumed = false;
    TRY(products_finish(comm, ingest, facts, &products, &code, &assumed));
    TRY(promotions_finish(comm, ingest, facts, code, &products, &promotions));
    struct writer writer = {final, &products, code};
    const struct dataset_parts parts = {
        .products = &products,
        .shop_promotions = &promotions,
        .users = &people->users,
        .user_events = people->events,
        .user_offers = people->offers,
        .events_local = spool_count(final->events),
        .offers_local = spool_count(final->offers),
        .series_local = series_rows(final->series),
        .events = write_events,
        .offers = write_offers,
        .series = write_series,
        .context = &writer,
        .time_first = final->time_first,
        .time_last = final->time_last,
        .assumed_cost = assumed,
        .promotions = config_column(run->config, "events", "promotion") != NULL};
    TRY(dataset_write_parts(comm, run_path(run, "dataset.h5"), &parts));
    log_info("  %lld users in %lld blocks, %lld events, %lld offers, %lld products",
             (long long)people->users.blocks.rows_total,
             (long long)people->users.blocks.blocks_total, (long long) final->events_total,
             (long long) final->offers_total, (long long)products.count);
done:
    products_clear(&products);
    promotions_clear(&promotions);
    free(code);
    return status;
}

static enum status write_ids(const struct comm *comm, const struct run *run, struct ingest *ingest,
                             const struct people *people)
{
    const struct users *users = &people->users;
    if (ingest->ids == NULL) { /* nobody asks for them any more */
        if (comm->rank == 0) unlink(run_path(run, "ids.vault"));
        return OK;
    }
    return ids_write(comm, ingest->ids, run_path(run, "ids.vault"), users->key,
                     users->blocks.rows_local);
}

/* ---- the stage ---- */

static enum status ingest_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct ingest ingest = {.config = run->config,
                            .folder = run->folder,
                            .memory_bytes =
                                config_integer(run->config, "ingest.memory") * ((int64_t)1 << 20)};
    struct product_facts facts = {0};
    struct final_rows final = {0};
    struct people people = {0};
    warn_of_unused(run->config);
    TRY(say_need(comm, run->config));
    TRY(prepare(comm, run, &ingest));
    TRY_ALL(comm, final_rows_new(&ingest, &final));
    TRY(read_tables(comm, &ingest));
    TRY(ingest_settle(comm, &ingest, &facts, &final, &people));
    TRY(promotions_reject(comm, &ingest, &facts));
    TRY(protected_check(comm, run->config, &people.users));
    TRY(rejects_write(comm, &ingest.rejects, ingest.csv, run_path(run, "rejects.csv")));
    TRY(close_accounts(comm, &ingest));
    TRY(check_rest(&ingest, &people, final.events_total));
    TRY(write_dataset(comm, run, &facts, &ingest, &final, &people));
    TRY(write_ids(comm, run, &ingest, &people));
done:
    people_clear(&people);
    final_rows_clear(&final);
    product_facts_clear(&facts);
    ingest_close(&ingest);
    return status;
}

/* What privacy.secret_file holds is in the fingerprint already, wherever it stands. */
static const char *const keys[] = {"data",
                                   "users",
                                   "products",
                                   "events",
                                   "offers",
                                   "labels",
                                   "promotions",
                                   "ingest",
                                   "privacy.forget",
                                   "privacy.forget_file",
                                   "privacy.protected_allowed",
                                   "publish.user_ids",
                                   NULL};
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
