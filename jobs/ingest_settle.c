/* Cleaning what was read, step by step. */
#include "jobs/ingest_settle.h"

#include "jobs/ingest_join.h"
#include "mpi/log.h"

/* ---- statistics that the settings ask for ---- */

static enum status statistics_new(const struct ingest *ingest, struct statistics *s)
{
    enum status status = OK;
    const struct config *config = ingest->config;
    int64_t memory = ingest->memory_bytes / 16;
    TRY(filling_init(config, IMPUTE_UNIT_PRICE, memory, ingest->folder, &s->price));
    TRY(filling_init(config, IMPUTE_QUANTITY, memory, ingest->folder, &s->quantity));
    const struct outliers_options options = {.z = config_number(config, "ingest.outliers.z"),
                                             .min_rows =
                                                 config_integer(config, "ingest.outliers.min_rows"),
                                             .memory_bytes = ingest->memory_bytes / 8,
                                             .folder = ingest->folder};
    if (config_has(config, "ingest.outliers.z")) TRY(outliers_new(&options, &s->outliers));
done:
    return status;
}

static void statistics_clear(struct statistics *s)
{
    filling_clear(&s->price);
    filling_clear(&s->quantity);
    outliers_free(&s->outliers);
}

/* ---- cleaning ---- */

/* How evenly the events lie on the ranks while they are worked on. */
static void report_balance(const struct comm *comm, int64_t events_local)
{
    int64_t most = events_local, all = events_local;
    comm_max_int64(comm, &most, 1);
    comm_sum_int64(comm, &all, 1);
    double mean = (double)all / comm->ranks;
    if (all > 0)
        log_info("  work: %lld events on a rank in the mean, %lld at most (max / mean %.3f)",
                 (long long)(mean + 0.5), (long long)most, (double)most / mean);
}

static enum status clean(const struct comm *comm, struct ingest *ingest,
                         struct product_facts *facts, struct final_rows *final)
{
    enum status status = OK;
    struct statistics statistics = {0};
    struct sorter *events = NULL, *offers = NULL;
    int64_t events_local = 0;
    TRY_ALL(comm, statistics_new(ingest, &statistics));
    TRY_ALL(comm, clean_sorter(ingest, &events));
    TRY(ingest_clean_events(comm, ingest, facts, &statistics, events, &events_local));
    report_balance(comm, events_local);
    TRY(ingest_final_events(comm, ingest, &events, &statistics, facts, final));
    TRY_ALL(comm, clean_sorter(ingest, &offers));
    TRY(ingest_clean_offers(comm, ingest, facts, offers));
    TRY(ingest_final_offers(comm, ingest, &offers, final));
done:
    statistics_clear(&statistics);
    sorter_free(&events);
    sorter_free(&offers);
    return status;
}

/* ---- together ---- */

enum status ingest_settle(const struct comm *comm, struct ingest *ingest,
                          struct product_facts *facts, struct final_rows *final,
                          struct people *people)
{
    enum status status = OK;
    TRY(product_facts_make(comm, ingest, facts));
    TRY(ingest_reject_faulty(comm, ingest));
    TRY(clean(comm, ingest, facts, final));
    product_facts_join(comm, facts);
    TRY(ingest_people(comm, ingest, people));
    if (people->refusing > 0)
        log_info("  %lld users refuse and are left out", (long long)people->refusing);
done:
    return status;
}
