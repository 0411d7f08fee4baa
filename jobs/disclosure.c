/* Rows marked as personalised. */
#include "jobs/disclosure.h"

#include "jobs/suggest.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const choices[] = {
    [DISCLOSE_DISCOUNTS] = "discounts", [DISCLOSE_ALL] = "all", [DISCLOSE_NONE] = "none"};

int disclosure_parts(const struct config *config)
{
    return config_has(config, "publish.disclosure_markets") ? DATASET_USERS : 0;
}

/* A market's text; those that are numbers have no list of levels. */
static bool is_named(const struct attribute *market, int64_t level, const char *name)
{
    return strcmp(dictionary_text(&market->levels, level), name) == 0;
}

static enum status unknown_market(const struct attribute *market, const char *name)
{
    struct suggestion suggestion = SUGGESTION(name);
    for (int64_t l = 0; l < market->levels.count; l++)
        suggestion_offer(&suggestion, dictionary_text(&market->levels, l));
    return FAIL(ERR_CONFIG,
                "publish.disclosure_markets: no user is of market \"%s\"%s%s%s; write markets as "
                "they stand in the users table, or leave the setting out to disclose everywhere",
                name, suggestion.best != NULL ? ", did you mean \"" : "",
                suggestion.best != NULL ? suggestion.best : "",
                suggestion.best != NULL ? "\"?" : "");
}

static enum status take_markets(const struct dataset *dataset, struct disclosure *d)
{
    enum status status = OK;
    d->market = users_market(&dataset->users);
    if (d->market == NULL || d->market->levels.count == 0)
        return FAIL(ERR_CONFIG, "publish.disclosure_markets: users have no market by name; map "
                                "users.columns.market, or leave the setting out to disclose "
                                "everywhere");
    TRY(memory_new(&d->here, d->market->levels.count, sizeof *d->here));
    for (int64_t n = 0; n < d->wanted; n++) {
        bool found = false;
        for (int64_t l = 0; l < d->market->levels.count; l++) {
            if (!is_named(d->market, l, d->name[n])) continue;
            d->here[l] = found = true;
        }
        if (!found) TRY(unknown_market(d->market, d->name[n]));
    }
done:
    return status;
}

enum status disclosure_open(const struct config *config, const struct dataset *dataset,
                            struct disclosure *disclosure)
{
    *disclosure = (struct disclosure){0};
    while (!config_is(config, "publish.disclosure", choices[disclosure->rows])) disclosure->rows++;
    if (!config_has(config, "publish.disclosure_markets")) return OK;
    disclosure->wanted = config_texts(config, "publish.disclosure_markets", &disclosure->name);
    return take_markets(dataset, disclosure);
}

void disclosure_clear(struct disclosure *disclosure)
{
    free(disclosure->here);
    *disclosure = (struct disclosure){0};
}

bool disclosure_marks(const struct disclosure *disclosure, int64_t user, bool discounted)
{
    if (disclosure->rows == DISCLOSE_NONE) return false;
    if (disclosure->rows == DISCLOSE_DISCOUNTS && !discounted) return false;
    if (disclosure->market == NULL) return true;
    float code = disclosure->market->value[user];
    return isnan(code) || disclosure->here[(int64_t)code]; /* market not known: say it */
}

const char *disclosure_text(bool marked)
{
    return marked ? "personalised" : "";
}

json_t *disclosure_json(const struct disclosure *disclosure, int64_t rows)
{
    json_t *markets = disclosure->market != NULL ? json_array() : json_null();
    for (int64_t n = 0; n < disclosure->wanted; n++)
        json_array_append_new(markets, json_string(disclosure->name[n]));
    return json_pack("{s:s, s:o, s:o}", "rows_marked", choices[disclosure->rows], "markets",
                     markets, "rows", rows < 0 ? json_null() : json_integer(rows));
}
