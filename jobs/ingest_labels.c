/* Reading the labels: discounts that the shop has chosen for users by hand, to be learned from. */
#include "jobs/ingest_read.h"

#include <math.h>

enum role { ROLE_USER, ROLE_TEXTS, ROLE_DISCOUNT = ROLE_TEXTS, ROLES };

static const char *const role_names[ROLES] = {"user_id", "discount"};

/* What is counted for a user are millionths of the discount, a record for each row. */
static enum status keep_label(struct row_state *state, const struct csv_row *row, double discount)
{
    struct user_count count = {state->user, COUNTED_LABEL, llround(1e6 * discount)};
    enum status status = row_keep_user(state, row, ROLE_USER);
    return status == OK ? sorter_add(state->ingest->counts, &count) : status;
}

static enum status on_row(void *context, const struct csv_row *row)
{
    enum status status = OK;
    struct row_state *state = context;
    double discount = NAN;
    bool forgotten = false;
    TRY(row_begin(state, row, ROLE_USER, &forgotten));
    if (forgotten) return OK;
    enum mapping_result given = mapping_number(&state->map, ROLE_DISCOUNT, row, &discount);
    if (given != MAPPING_VALUE || !(discount >= 0.0 && discount < 1.0))
        row_fault(state, REJECT_bad_discount);
    TRY(state->faults == 0 ? keep_label(state, row, discount) : row_reject(state, row, ROLE_USER));
done:
    return status;
}

static enum status on_bad(void *context, const struct csv_bad *bad)
{
    return row_malformed(context, bad);
}

enum status ingest_read_labels(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct row_state state = {0};
    if (!config_table(ingest->config, "labels")) return OK;
    TRY(ingest_open_table(comm, ingest, TABLE_LABELS, role_names, ROLES, ROLE_TEXTS, &state));
    TRY(ingest_read_rows(comm, &state, on_row, on_bad, &state));
done:
    row_state_clear(&state);
    return status;
}
