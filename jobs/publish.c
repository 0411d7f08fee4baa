/* The publish stage: the discount table as CSV and HDF5, the receipt, and last of all the manifest
 * that names them. */
#include "io/file.h"
#include "io/parse.h"
#include "io/text_file.h"
#include "jobs/publish_rows.h"
#include "jobs/run.h"
#include "mpi/log.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY 86400

static void date_of(int64_t time, char *text)
{
    char full[TIME_TEXT_BYTES + 1] = {0};
    format_time(time - time % DAY, full);
    memcpy(text, full, DATE_BYTES);
    text[DATE_BYTES] = 0;
}

static void set_dates(const struct run *run, const struct dataset *dataset,
                      struct publisher *publisher)
{
    int64_t from = dataset->time_last - dataset->time_last % DAY + DAY;
    if (config_has(run->config, "run.valid_from"))
        from = config_time(run->config, "run.valid_from");
    date_of(from, publisher->valid_from);
    date_of(from + (config_integer(run->config, "run.valid_days") - 1) * DAY, publisher->valid_to);
}

static enum status write_csv(const struct comm *comm, const struct run *run,
                             const struct publisher *publisher)
{
    enum status status = OK;
    struct text_file *file = NULL;
    char *text = NULL;
    int64_t bytes = 0;
    const char *header = publish_header();
    TRY(text_file_open(comm, run_path(run, "discounts.csv"), 0644, &file));
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
    TRY(store_create(comm, run_path(run, "discounts.h5"), &store));
    TRY(publish_columns(comm, store, publisher));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

/* ---- receipt and manifest ---- */

static enum status dump_json(json_t *value, const char *path)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(value);
    if (text == NULL) return FAIL(ERR_MEMORY, "no memory for %s", path);
    size_t bytes = strlen(text);
    text[bytes] = '\n'; /* in place of the end mark: the length is known */
    enum status status = file_replace(path, text, (int64_t)bytes + 1, 0644);
    free(text);
    return status;
}

static void count_reasons(const struct comm *comm, const struct publisher *publisher,
                          int64_t *counts)
{
    int64_t slots = publisher->dataset->users.blocks.rows_local * publisher->choices->slots;
    for (int r = 0; r < REASONS; r++) counts[r] = 0;
    for (int64_t s = 0; s < slots; s++) {
        struct publish_row row;
        if (publish_row_of(publisher, s, &row)) counts[row.reason]++;
    }
    comm_sum_int64(comm, counts, REASONS);
}

static enum status write_receipt(const struct run *run, const struct publisher *publisher,
                                 const int64_t *reasons)
{
    json_t *receipt = json_loads(publisher->choices->receipt, 0, NULL), *list = json_array();
    if (receipt == NULL)
        return FAIL(ERR_IO, "choices.h5 holds no receipt; run `remise allocate` again");
    for (int r = 0; r < REASONS; r++)
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:s}", "reason", reason_name((enum reason)r), "rows",
                            (json_int_t)reasons[r], "meaning", reason_text((enum reason)r)));
    json_object_set_new(receipt, "reasons", list);
    json_object_set_new(receipt, "valid_from", json_string(publisher->valid_from));
    json_object_set_new(receipt, "valid_to", json_string(publisher->valid_to));
    return dump_json(receipt, run_path(run, "receipt.json"));
}

static enum status add_digest(json_t *to, const char *name, const char *path)
{
    char digest[SHA256_TEXT_BYTES];
    enum status status = file_sha256(path, digest);
    if (status == OK) json_object_set_new(to, name, json_string(digest));
    return status;
}

/* What was read, with what settings, and what came of it; times and ranks stand here and in no
 * result. */
static enum status write_manifest(const struct run *run, int ranks)
{
    static const char *const tables[] = {"users", "products", "events", "offers"};
    static const char *const results[] = {"discounts.csv", "discounts.h5", "receipt.json",
                                          "settings.yaml"};
    enum status status = OK;
    json_t *inputs = json_object(), *outputs = json_object();
    for (size_t t = 0; t < 4; t++) {
        char key[32];
        snprintf(key, sizeof key, "%s.file", tables[t]);
        if (config_table(run->config, tables[t]))
            TRY(add_digest(inputs, config_path(run->config, key), config_path(run->config, key)));
    }
    for (size_t r = 0; r < 4; r++) TRY(add_digest(outputs, results[r], run_path(run, results[r])));
    char now[TIME_TEXT_BYTES + 1] = {0};
    format_time((int64_t)time(NULL), now);
    json_t *manifest =
        json_pack("{s:s, s:i, s:I, s:O, s:O}", "published", now, "ranks", ranks, "seed",
                  (json_int_t)run->seed, "inputs_sha256", inputs, "outputs_sha256", outputs);
    TRY(dump_json(manifest, run_path(run, "manifest.json")));
done:
    json_decref(inputs);
    json_decref(outputs);
    return status;
}

/* ---- the stage ---- */

static enum status write_all(const struct comm *comm, const struct run *run,
                             const struct publisher *publisher)
{
    enum status status = OK;
    int64_t reasons[REASONS];
    count_reasons(comm, publisher, reasons);
    TRY(write_csv(comm, run, publisher));
    TRY(write_hdf5(comm, run, publisher));
    TRY_ALL(comm, comm->rank == 0 ? write_receipt(run, publisher, reasons) : OK);
    TRY_ALL(comm, comm->rank == 0 ? write_manifest(run, comm->ranks) : OK);
done:
    return status;
}

static enum status publish_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct dataset *dataset = NULL;
    struct candidates candidates = {0};
    struct curves curves = {0};
    struct choices choices = {0};
    struct cell_maker maker;
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), DATASET_USERS, &dataset));
    const struct blocks *blocks = &dataset->users.blocks;
    TRY(candidates_read(comm, run_path(run, "candidates.h5"), blocks, &candidates));
    TRY(curves_read(comm, run_path(run, "curves.h5"), blocks, &curves));
    TRY(choices_read(comm, run_path(run, "choices.h5"), blocks, &choices));
    TRY_ALL(comm, cell_maker_open(run->config, &dataset->products, &candidates, &curves, &maker));
    struct publisher publisher = {
        dataset, &maker, &choices, config_is(run->config, "publish.user_ids", "pseudonym"), "", ""};
    set_dates(run, dataset, &publisher);
    TRY(write_all(comm, run, &publisher));
done:
    choices_clear(&choices);
    curves_clear(&curves);
    candidates_clear(&candidates);
    dataset_free(&dataset);
    return status;
}

static const char *const keys[] = {"publish", "run", NULL};
static const char *const needs[] = {"allocate", NULL};
static const char *const outputs[] = {"discounts.csv", "discounts.h5", "receipt.json",
                                      "manifest.json", NULL};

const struct stage stage_publish = {
    .name = "publish",
    .does = "the discount table, its receipt and the manifest",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = publish_run,
};
