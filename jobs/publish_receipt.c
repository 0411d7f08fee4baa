/* The receipt: allocate's, with reasons and dates, less what would tell about few users. */
#include "jobs/publish_receipt.h"

#include "jobs/manifest.h"
#include "jobs/suppress.h"

#include <jansson.h>

/* Rows and distinct users by reason and by level, over all ranks. */
struct tally {
    int64_t reason_rows[REASONS], reason_users[REASONS], level_users[CELL_LEVELS];
};

/* A user's rows stand together, so that one is counted where the last one counted is another. */
static void count_rows(const struct comm *comm, const struct publisher *publisher,
                       struct tally *tally)
{
    int64_t last_of_reason[REASONS], last_of_level[CELL_LEVELS];
    *tally = (struct tally){0};
    for (int r = 0; r < REASONS; r++) last_of_reason[r] = -1;
    for (int k = 0; k < CELL_LEVELS; k++) last_of_level[k] = -1;
    for (int64_t i = 0; i < publisher->rows; i++) {
        const struct publish_row *row = &publisher->row[i];
        tally->reason_rows[row->reason]++;
        tally->reason_users[row->reason] += last_of_reason[row->reason] != row->user;
        tally->level_users[row->level] += last_of_level[row->level] != row->user;
        last_of_reason[row->reason] = last_of_level[row->level] = row->user;
    }
    comm_sum_int64(comm, tally->reason_rows, REASONS);
    comm_sum_int64(comm, tally->reason_users, REASONS);
    comm_sum_int64(comm, tally->level_users, CELL_LEVELS);
}

static json_t *reasons_json(const struct tally *tally, int64_t min_users)
{
    json_t *list = json_array();
    bool hidden[REASONS] = {false};
    suppress_cells(tally->reason_users, REASONS, min_users, hidden);
    for (int r = 0; r < REASONS; r++)
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:b, s:s}", "reason", reason_name((enum reason)r), "rows",
                            hidden[r] ? json_null() : json_integer(tally->reason_rows[r]),
                            "suppressed", hidden[r], "meaning", reason_text((enum reason)r)));
    return list;
}

/* What no discount costs is known to be nothing, so the levels above it must hide two by
 * themselves. */
static void suppress_levels(const struct tally *tally, int levels, int64_t min_users,
                            json_t *receipt)
{
    bool hidden[CELL_LEVELS] = {false};
    json_t *list = json_array(), *rows = json_object_get(receipt, "level_rows"),
           *spend = json_object_get(receipt, "level_spend");
    suppress_cells(tally->level_users + 1, levels - 1, min_users, hidden + 1);
    suppress_cells(tally->level_users, levels, min_users, hidden);
    for (int k = 0; k < levels; k++) {
        json_array_append_new(list, json_boolean(hidden[k]));
        if (!hidden[k]) continue;
        json_array_set_new(rows, (size_t)k, json_null());
        json_array_set_new(spend, (size_t)k, json_null());
    }
    json_object_set_new(receipt, "level_suppressed", list);
}

static enum status write_receipt(const struct run *run, const struct publisher *publisher,
                                 const struct tally *tally)
{
    json_t *receipt = json_loads(publisher->choices->receipt, 0, NULL);
    int64_t min_users = config_integer(run->config, "privacy.min_users");
    if (receipt == NULL)
        return FAIL(ERR_IO, "choices.h5 holds no receipt; run `remise allocate` again");
    suppress_levels(tally, publisher->maker->levels, min_users, receipt);
    json_object_set_new(receipt, "min_users", json_integer(min_users));
    json_object_set_new(receipt, "reasons", reasons_json(tally, min_users));
    json_object_set_new(receipt, "valid_from", json_string(publisher->valid_from));
    json_object_set_new(receipt, "valid_to", json_string(publisher->valid_to));
    return manifest_dump(receipt, run_path(run, "receipt.json"));
}

enum status publish_receipt(const struct comm *comm, const struct run *run,
                            const struct publisher *publisher)
{
    struct tally tally;
    count_rows(comm, publisher, &tally);
    return comm_agree(comm, comm->rank == 0 ? write_receipt(run, publisher, &tally) : OK);
}
