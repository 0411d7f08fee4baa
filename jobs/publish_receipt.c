/* The receipt: allocate's, with reasons and dates, less what would tell about few users. */
#include "jobs/publish_receipt.h"

#include "jobs/manifest.h"
#include "jobs/receipt_text.h"
#include "jobs/suppress.h"

#include <jansson.h>

/* Rows and distinct users by reason and by level, over all ranks. */
struct tally {
    int64_t reason_rows[REASONS], reason_users[REASONS], level_users[CELL_LEVELS];
    int64_t marked[2]; /* rows and users disclosed as personalised */
};

struct hidden {
    bool reason[REASONS], level[CELL_LEVELS];
};

_Static_assert(REASON_gain == 0, "the other reasons stand behind it");

/* A user's rows stand together, so that one is counted where the last one counted is another. */
static void count_rows(const struct comm *comm, const struct publisher *publisher,
                       struct tally *tally)
{
    int64_t last_of_reason[REASONS], last_of_level[CELL_LEVELS];
    *tally = (struct tally){0};
    for (int r = 0; r < REASONS; r++) last_of_reason[r] = -1;
    for (int k = 0; k < CELL_LEVELS; k++) last_of_level[k] = -1;
    int64_t last_marked = -1;
    for (int64_t i = 0; i < publisher->rows; i++) {
        const struct publish_row *row = &publisher->row[i];
        tally->reason_rows[row->reason]++;
        tally->reason_users[row->reason] += last_of_reason[row->reason] != row->user;
        tally->level_users[row->level] += last_of_level[row->level] != row->user;
        if (publish_is_marked(publisher, row)) {
            tally->marked[0]++;
            tally->marked[1] += last_marked != row->user;
            last_marked = row->user;
        }
        last_of_reason[row->reason] = last_of_level[row->level] = row->user;
    }
    comm_sum_int64(comm, tally->reason_rows, REASONS);
    comm_sum_int64(comm, tally->reason_users, REASONS);
    comm_sum_int64(comm, tally->level_users, CELL_LEVELS);
    comm_sum_int64(comm, tally->marked, 2);
}

/* Rows at level 0 are those of all reasons but gain and needed, and what level 0 costs is known to
 * be nothing: so cells are hidden in pairs within the levels above 0, within the other reasons, and
 * among all, and level 0 with gain. */
static struct hidden hide(const struct tally *tally, int levels, int64_t min_users)
{
    struct hidden hidden = {{false}, {false}};
    for (int pass = 0; pass < 3;
         pass++) { /* each one hides at least one more, or changes nothing */
        suppress_cells(tally->level_users + 1, levels - 1, min_users, hidden.level + 1);
        suppress_cells(tally->reason_users + 1, REASONS - 1, min_users, hidden.reason + 1);
        suppress_cells(tally->level_users, levels, min_users, hidden.level);
        suppress_cells(tally->reason_users, REASONS, min_users, hidden.reason);
        hidden.level[0] |= hidden.reason[REASON_gain] || hidden.reason[REASON_needed];
        hidden.reason[REASON_gain] |= hidden.level[0];
    }
    return hidden;
}

static json_t *reasons_json(const struct tally *tally, const struct hidden *hidden)
{
    json_t *list = json_array();
    for (int r = 0; r < REASONS; r++) {
        json_t *rows = hidden->reason[r] ? json_null() : json_integer(tally->reason_rows[r]);
        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:b, s:s}", "reason",
                                        reason_name((enum reason)r), "rows", rows, "suppressed",
                                        hidden->reason[r], "meaning", reason_text((enum reason)r)));
    }
    return list;
}

static void suppress_levels(const struct hidden *hidden, int levels, json_t *receipt)
{
    json_t *list = json_array(), *rows = json_object_get(receipt, "level_rows"),
           *spend = json_object_get(receipt, "level_spend");
    for (int k = 0; k < levels; k++) {
        json_array_append_new(list, json_boolean(hidden->level[k]));
        if (!hidden->level[k]) continue;
        json_array_set_new(rows, (size_t)k, json_null());
        json_array_set_new(spend, (size_t)k, json_null());
    }
    json_object_set_new(receipt, "level_suppressed", list);
}

/* What would tell how many rows have the reason `explored`. */
static void suppress_explored(json_t *exploration)
{
    static const char *const fields[] = {"rows_drawn", "rows_changed", "cost", "objective"};
    for (size_t f = 0; exploration != NULL && f < sizeof fields / sizeof *fields; f++)
        json_object_set_new(exploration, fields[f], json_null());
}

/* Rows without the mark may be those of level 0, which may be hidden; -1: not to be told. */
static int64_t marked_shown(const struct tally *tally, const struct hidden *hidden,
                            int64_t min_users)
{
    bool few = tally->marked[1] > 0 && tally->marked[1] < min_users;
    return few || hidden->level[0] ? -1 : tally->marked[0];
}

static enum status write_receipt(const struct run *run, const struct publisher *publisher,
                                 const struct tally *tally)
{
    json_t *receipt = json_loads(publisher->choices->receipt, 0, NULL);
    int64_t min_users = config_integer(run->config, "privacy.min_users");
    if (receipt == NULL)
        return FAIL(ERR_IO, "choices.h5 holds no receipt; run `remise allocate` again");
    const struct hidden hidden = hide(tally, publisher->maker->levels, min_users);
    suppress_levels(&hidden, publisher->maker->levels, receipt);
    if (hidden.reason[REASON_explored]) suppress_explored(json_object_get(receipt, "exploration"));
    json_object_set_new(receipt, "min_users", json_integer(min_users));
    json_object_set_new(receipt, "reasons", reasons_json(tally, &hidden));
    json_object_set_new(
        receipt, "disclosure",
        disclosure_json(publisher->disclosure, marked_shown(tally, &hidden, min_users)));
    json_object_set_new(receipt, "valid_from", json_string(publisher->valid_from));
    json_object_set_new(receipt, "valid_to", json_string(publisher->valid_to));
    enum status status = receipt_text_write(receipt, version_path(run, "receipt.txt"));
    if (status != OK) json_decref(receipt);
    return status == OK ? manifest_dump(receipt, version_path(run, "receipt.json")) : status;
}

enum status publish_receipt(const struct comm *comm, const struct run *run,
                            const struct publisher *publisher)
{
    struct tally tally;
    count_rows(comm, publisher, &tally);
    return comm_agree(comm, comm->rank == 0 ? write_receipt(run, publisher, &tally) : OK);
}
