/* Dual prices of a receipt as prices of limits. */
#include "jobs/table_warm.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define PRICE_MOST 0x1p60

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_kind(const struct constraint *a, const struct constraint *b)
{
    return a->at_least == b->at_least && same_text(a->column, b->column) &&
           same_text(a->per, b->per);
}

/* Group of constraint c that an entry of the receipt is about, -1: none; looked for from `hint` on,
 * as receipts list groups in their order. */
static int64_t group_of(const struct cell_table *t, int64_t c, const json_t *entry, int64_t hint)
{
    int64_t groups = t->group[c].levels.count;
    if (groups == 0) return 0;
    const char *wanted = json_string_value(json_object_get(entry, "group"));
    for (int64_t i = 0; wanted != NULL && i < groups; i++) {
        char name[CELL_GROUP_NAME];
        int64_t g = (hint + i) % groups;
        formula_levels_name(&t->group[c].levels, g, name, sizeof name);
        if (strcmp(name, wanted) == 0) return g;
    }
    return -1;
}

/* The price of one entry to its limits; whether there are any. */
static bool take_entry(const struct cell_table *t, const struct constraint *constraint,
                       const json_t *entry, int64_t *hint, int64_t *price)
{
    struct constraint held = {0};
    const char *name = json_string_value(json_object_get(entry, "name"));
    double dual = json_number_value(json_object_get(entry, "dual_price"));
    bool taken = false;
    if (name == NULL || constraint_parse(name, &held) != OK) {
        constraint_clear(&held);
        return false;
    }
    for (int64_t c = 0; c < t->constraints; c++) {
        if (t->is_cap[c]) continue;
        int64_t first = cell_table_first(t, c);
        int64_t group = same_kind(&held, &constraint[c]) ? group_of(t, c, entry, *hint) : -1;
        if (group < 0) continue;
        *hint = group + 1;
        double units = dual * fabs(t->use_unit[c]) / t->value_unit * 0x1p30;
        price[first + group] = llrint(fmin(fmax(units, 0.0), PRICE_MOST));
        taken = true;
    }
    constraint_clear(&held);
    return taken;
}

static enum status read_receipt(const char *path, const struct cell_table *t,
                                const struct constraint *constraint, int64_t *price)
{
    json_error_t error;
    json_t *receipt = json_load_file(path, 0, &error), *entry;
    json_t *list = json_object_get(receipt, "constraints");
    enum status status = OK;
    bool taken = false;
    int64_t hint = 0;
    size_t i;
    json_array_foreach(list, i, entry) taken |= take_entry(t, constraint, entry, &hint, price);
    if (receipt == NULL && error.line < 0)
        status = FAIL(ERR_NO_INPUT,
                      "%s: cannot be read; --warm takes what `remise allocate FILE` "
                      "printed",
                      path);
    else if (!json_is_array(list))
        status = FAIL(ERR_DATA,
                      "%s: is no receipt; --warm takes what `remise allocate FILE` "
                      "printed",
                      path);
    else if (!taken)
        status = FAIL(ERR_DATA, "%s: has a price of none of these constraints", path);
    json_decref(receipt);
    return status;
}

enum status table_warm(const struct comm *comm, const char *path, const struct cell_table *cells,
                       const struct constraint *constraint, int64_t *price)
{
    enum status status = OK;
    TRY_ALL(comm, comm->rank == 0 ? read_receipt(path, cells, constraint, price) : OK);
    comm_broadcast(comm, price, knapsack_limits(&cells->cells) * (int64_t)sizeof *price, 0);
done:
    return status;
}
