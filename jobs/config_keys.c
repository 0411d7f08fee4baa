/* All settings, as data. */
#include "jobs/config_keys.h"

#include "jobs/suggest.h"

#include <string.h>

#define FILE_OF(table, needed, none_, help_)                                        \
    {                                                                               \
        .name = table ".file", .type = KEY_PATH, .required = needed, .none = none_, \
        .example = table ".csv", .help = help_                                      \
    }
#define ROLE(table, role, needed, none_, help_)                                              \
    {                                                                                        \
        .name = table ".columns." role, .type = KEY_TEXT, .required = needed, .none = none_, \
        .example = role, .help = help_                                                       \
    }

const struct config_section config_sections[] = {
    {"run", "When the discounts hold."},
    {"data", "Where the shop's tables are: CSV files (comma, semicolon or tab; plain or .gz)."},
    {"privacy", "Users are known inside by pseudonyms, keyed hashes of their ids."},
    {"users",
     "Customers. The file and `columns` map the shop's own column names, or expressions over "
     "them such as\n`sales_value / quantity`, to roles; a name with spaces or signs inside an "
     "expression stands in backticks."},
    {"products", "What is sold."},
    {"events", "What users did: the one table that must be there, with prices."},
    {"offers", "Past discounts and what came of them."},
    {"ingest", "Cleaning of the tables."},
    {"profile", "Segments of users by behaviour."},
    {"demand", "Price elasticities."},
    {"recommend", "Which products each user may want."},
    {"respond", "The network that learns P(buy | user, product, discount)."},
    {"allocate", "One discount level for each user and product, within budget and margin."},
    {"publish", "The discount table."},
};
const int64_t config_sections_count = (int64_t)(sizeof config_sections / sizeof *config_sections);

const struct config_key config_keys[] = {
    {.name = "seed",
     .type = KEY_INTEGER,
     .standard = "1",
     .min = 0,
     .max = 9007199254740992.0,
     .help = "start of all random numbers; the same seed gives the same table"},

    {.name = "run.valid_from",
     .type = KEY_TIME,
     .none = "the day after the last event",
     .example = "2025-03-01",
     .help = "first day of the discounts, such as 2025-03-01"},
    {.name = "run.valid_days",
     .type = KEY_INTEGER,
     .standard = "7",
     .min = 1,
     .max = 366,
     .unit = "days",
     .help = "how long they hold; a chance is per offer, or per week where there is no offers "
             "table"},

    {.name = "data.dir",
     .type = KEY_PATH,
     .standard = ".",
     .help = "folder of the tables, seen from this file's folder; with --set, from the working "
             "directory"},

    {.name = "privacy.secret_file",
     .type = KEY_PATH,
     .none = "made from the seed: stable, but not secret",
     .example = "secret.key",
     .help = "the secret of the keyed hashes: 32 random bytes, readable by you alone; keep it, or "
             "users get new pseudonyms"},

    FILE_OF("users", false, "users are taken from the events", "one row per user"),
    ROLE("users", "user_id", true, NULL, "the user's id"),
    ROLE("users", "market", false, "one market", "country or market of the user"),
    ROLE("users", "consent", false, "all consent",
         "1 or 0 (yes or no): with 0 the user is left out, with all events and offers; empty "
         "counts as 1"),
    ROLE("users", "group", false, "no fairness report",
         "protected group: for the report and fairness rules only, never an input of a model"),
    {.name = "users.attributes",
     .type = KEY_TEXTS,
     .none = "behaviour alone",
     .example = "[age, income]",
     .help = "further columns that describe a user, such as [age, income]"},

    FILE_OF("products", false, "products are taken from the events", "one row per product"),
    ROLE("products", "product_id", true, NULL, "the product's id"),
    ROLE("products", "category", false, "one category", "category of the product"),
    ROLE("products", "brand", false, "no brands", "brand of the product"),
    ROLE("products", "list_price", false, "the usual price in the events",
         "price without discount, per unit"),
    ROLE("products", "unit_cost", false, "by products.assumed_margin",
         "what a unit costs the shop"),
    ROLE("products", "stock", false, "no limit", "units that can be sold"),
    {.name = "products.attributes",
     .type = KEY_TEXTS,
     .none = "category and brand alone",
     .example = "[size, colour]",
     .help = "further columns that describe a product"},
    {.name = "products.assumed_margin",
     .type = KEY_FRACTION,
     .standard = "0.3",
     .min = 0,
     .max = 1,
     .help = "margin as a fraction of the list price, where a unit's cost is not known"},

    FILE_OF("events", true, NULL, "one row per event"),
    ROLE("events", "user_id", true, NULL, "who"),
    ROLE("events", "product_id", true, NULL, "what"),
    ROLE("events", "time", true, NULL, "when: 2025-03-01, with or without a time of day"),
    ROLE("events", "kind", false, "all are purchases",
         "view, click, cart, purchase, return or rating"),
    ROLE("events", "quantity", false, "1",
         "units; negative for a return; not needed for views, clicks, carts and ratings"),
    ROLE("events", "unit_price", true, NULL, "price paid per unit, after discounts"),
    ROLE("events", "discount", false, "from list_price, or none",
         "discount given, as a fraction of the list price"),
    ROLE("events", "list_price", false, "from discount, or the product's",
         "price per unit before discounts"),
    ROLE("events", "rating", false, "no ratings", "the user's rating of the product"),
    ROLE("events", "return_flag", false, "by kind and quantity", "1 where the row is a return"),
    ROLE("events", "category", false, "from the products table",
         "the product's category, where there is no products table"),

    FILE_OF("offers", false, "discounts are taken from the events", "one row per offer made"),
    ROLE("offers", "user_id", true, NULL, "to whom"),
    ROLE("offers", "product_id", true, NULL, "on what"),
    ROLE("offers", "time", true, NULL, "when"),
    ROLE("offers", "discount", true, NULL, "as a fraction of the list price; 0 for a control"),
    ROLE("offers", "propensity", false, "estimated",
         "probability with which this level was chosen, above 0"),
    ROLE("offers", "shown", false, "all were seen", "1 where the user saw it"),
    ROLE("offers", "clicked", false, "unknown", "1 where the user clicked"),
    ROLE("offers", "redeemed", false, "where revenue is above 0",
         "1 where the user bought with it; this or revenue is needed"),
    ROLE("offers", "quantity", false, "1 where redeemed", "units bought with it"),
    ROLE("offers", "revenue", false, "not known", "what the user paid for them"),
    ROLE("offers", "satisfaction", false, "unknown", "the user's answer, if asked"),

    {.name = "ingest.on_bad_row",
     .type = KEY_CHOICE,
     .standard = "reject",
     .choices = "reject|stop",
     .help = "a row that cannot be used goes to rejects.csv, or ends the run"},
    {.name = "ingest.max_bad_rows",
     .type = KEY_FRACTION,
     .standard = "1",
     .min = 0,
     .max = 1,
     .help = "stop if more than this part of a table is rejected"},
    {.name = "ingest.repeats",
     .type = KEY_CHOICE,
     .standard = "drop",
     .choices = "drop|keep",
     .help = "rows that repeat an earlier row in every column"},
    {.name = "ingest.returns",
     .type = KEY_CHOICE,
     .standard = "drop",
     .choices = "drop|keep",
     .help = "returns: left out, or kept as events of kind return"},
    {.name = "ingest.max_quantity",
     .type = KEY_NUMBER,
     .min = 0,
     .max = 1e9,
     .none = "no limit",
     .example = "1000",
     .help = "reject events with more units than this"},
    {.name = "ingest.min_price",
     .type = KEY_NUMBER,
     .standard = "0",
     .min = 0,
     .max = 1e9,
     .unit = "currency",
     .help = "reject events with a unit price at or below this"},

    {.name = "profile.segments",
     .type = KEY_INTEGER,
     .standard = "8",
     .min = 1,
     .max = 4096,
     .help = "number of segments (clusters of k-means)"},
    {.name = "profile.restarts",
     .type = KEY_INTEGER,
     .standard = "4",
     .min = 1,
     .max = 1000,
     .help = "starts of k-means, of which the best is kept"},
    {.name = "profile.max_iterations",
     .type = KEY_INTEGER,
     .standard = "100",
     .min = 1,
     .max = 100000,
     .help = "iterations of k-means at most"},

    {.name = "demand.season",
     .type = KEY_CHOICE,
     .standard = "month",
     .choices = "month|week",
     .help = "length of the seasons whose effects are taken out before prices are compared"},
    {.name = "demand.min_rows",
     .type = KEY_INTEGER,
     .standard = "30",
     .min = 3,
     .max = 1e9,
     .unit = "rows",
     .help = "a category with fewer has the elasticity of the whole"},

    {.name = "recommend.slots",
     .type = KEY_INTEGER,
     .standard = "10",
     .min = 1,
     .max = 1000,
     .unit = "products",
     .help = "candidates for each user, the rows of the discount table"},
    {.name = "recommend.pool",
     .type = KEY_INTEGER,
     .standard = "200",
     .min = 1,
     .max = 100000,
     .unit = "products",
     .help = "popular products of a segment that are scored for its users"},

    {.name = "respond.layers",
     .type = KEY_INTEGERS,
     .standard = "[64, 32]",
     .min = 1,
     .max = 8192,
     .unit = "units",
     .help = "width of the hidden layers"},
    {.name = "respond.epochs",
     .type = KEY_INTEGER,
     .standard = "4",
     .min = 1,
     .max = 1000,
     .help = "passes over the training rows"},
    {.name = "respond.batch",
     .type = KEY_INTEGER,
     .none = "a 400th of the training rows, 256 to 4,096",
     .example = "4096",
     .min = 1,
     .max = 16777216,
     .unit = "rows",
     .help = "rows of a step, over all ranks"},
    {.name = "respond.rate",
     .type = KEY_NUMBER,
     .standard = "0.003",
     .min = 1e-9,
     .max = 10,
     .help = "learning rate of Adam at the start; it falls to 0 by a cosine"},
    {.name = "respond.holdout",
     .type = KEY_FRACTION,
     .standard = "0.1",
     .min = 0,
     .max = 0.9,
     .help = "part of the users kept back to measure the loss"},
    {.name = "respond.prior",
     .type = KEY_FRACTION,
     .standard = "0",
     .min = 0,
     .max = 1,
     .help = "weight of the elasticities of `demand` beside what the offers show"},
    {.name = "respond.negatives",
     .type = KEY_INTEGER,
     .standard = "3",
     .min = 1,
     .max = 100,
     .help = "products not bought that are drawn for each purchase"},

    {.name = "allocate.levels",
     .type = KEY_NUMBERS,
     .standard = "[0, 0.05, 0.10, 0.15, 0.20, 0.30]",
     .min = 0,
     .max = 0.95,
     .help = "discounts to choose from, as fractions, ascending; the first is 0"},
    {.name = "allocate.budget",
     .type = KEY_MONEY,
     .min = 0,
     .max = 1e13,
     .unit = "currency",
     .none = "allocate.budget_share",
     .example = "10000.00",
     .help = "what the discounts may cost in expectation"},
    {.name = "allocate.budget_share",
     .type = KEY_FRACTION,
     .standard = "0.02",
     .min = 0,
     .max = 1,
     .help = "the budget as a part of the expected revenue without discounts"},
    {.name = "allocate.margin_floor",
     .type = KEY_FRACTION,
     .standard = "0.05",
     .min = 0,
     .max = 1,
     .help = "part of the discounted price that must remain above the unit's cost"},
    {.name = "allocate.objective.profit",
     .type = KEY_NUMBER,
     .standard = "1",
     .min = 0,
     .max = 1e6,
     .help = "weight of the shop's expected profit"},
    {.name = "allocate.objective.revenue",
     .type = KEY_NUMBER,
     .standard = "0",
     .min = 0,
     .max = 1e6,
     .help = "weight of the expected revenue"},
    {.name = "allocate.objective.surplus",
     .type = KEY_NUMBER,
     .standard = "0",
     .min = 0,
     .max = 1e6,
     .help = "weight of the customers' expected surplus"},

    {.name = "publish.user_ids",
     .type = KEY_CHOICE,
     .standard = "original",
     .choices = "original|pseudonym",
     .help = "users in discounts.csv under the shop's ids or their pseudonyms"},
};
const int64_t config_keys_count = (int64_t)(sizeof config_keys / sizeof *config_keys);

/* ---- looking keys up ---- */

int64_t key_find(const char *name)
{
    for (int64_t k = 0; k < config_keys_count; k++)
        if (strcmp(config_keys[k].name, name) == 0) return k;
    return -1;
}

bool key_is_under(const char *name, const char *section)
{
    size_t length = strlen(section);
    if (length > 0 && section[length - 1] == '.') length--;
    return strncmp(name, section, length) == 0 && (name[length] == '.' || name[length] == 0);
}

bool key_is_section(const char *name)
{
    for (int64_t k = 0; k < config_keys_count; k++)
        if (key_is_under(config_keys[k].name, name) && strcmp(config_keys[k].name, name) != 0)
            return true;
    return false;
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

/* Keys whose last part is near the wrong one's: right name, wrong place. */
static const char *suggest_place(const char *wrong, bool same_section)
{
    struct suggestion suggestion = SUGGESTION(last_part(wrong));
    const char *found = NULL;
    size_t section = strcspn(wrong, ".");
    for (int64_t k = 0; k < config_keys_count; k++) {
        const char *name = config_keys[k].name, *best = suggestion.best;
        if (same_section && (strncmp(name, wrong, section) != 0 || name[section] != '.')) continue;
        suggestion_offer(&suggestion, last_part(name));
        if (suggestion.best != best) found = name;
    }
    return found;
}

/* A name without a section, or with one that does not exist, as a whole. */
static const char *suggest_whole(const char *wrong)
{
    struct suggestion suggestion = SUGGESTION(wrong);
    for (int64_t s = 0; s < config_sections_count; s++)
        suggestion_offer(&suggestion, config_sections[s].name);
    for (int64_t k = 0; k < config_keys_count; k++)
        suggestion_offer(&suggestion, config_keys[k].name);
    return suggestion.best;
}

const char *key_suggest(const char *wrong)
{
    bool section_exists = false;
    for (int64_t s = 0; s < config_sections_count; s++)
        section_exists = section_exists || key_is_under(wrong, config_sections[s].name);
    const char *near = section_exists ? suggest_place(wrong, true) : suggest_whole(wrong);
    return near != NULL ? near : suggest_place(wrong, false);
}

/* ---- describing them ---- */

const char *key_type_text(enum key_type type)
{
    static const char *const texts[] = {
        [KEY_NUMBER] = "number",
        [KEY_INTEGER] = "integer",
        [KEY_FRACTION] = "fraction",
        [KEY_MONEY] = "amount of money",
        [KEY_TEXT] = "text",
        [KEY_PATH] = "path",
        [KEY_NUMBERS] = "list of numbers",
        [KEY_INTEGERS] = "list of integers",
        [KEY_TEXTS] = "list of names",
        [KEY_CHOICE] = "choice",
        [KEY_BOOLEAN] = "true or false",
        [KEY_TIME] = "date",
    };
    return texts[type];
}

static void print_choices(FILE *file, const char *choices)
{
    for (const char *c = choices; *c != 0; c++) {
        if (*c != '|')
            fputc(*c, file);
        else
            fputs(strchr(c + 1, '|') != NULL ? ", " : " or ", file);
    }
}

void key_print_expected(FILE *file, const struct config_key *key)
{
    if (key->type == KEY_CHOICE)
        print_choices(file, key->choices);
    else if (key->type == KEY_TIME)
        fprintf(file, "a date such as 2025-03-01");
    else if (key->type == KEY_NUMBERS)
        fprintf(file, "a list of ascending numbers %.16g .. %.16g", key->min, key->max);
    else if (key->type == KEY_INTEGERS)
        fprintf(file, "a list of integers %.16g .. %.16g", key->min, key->max);
    else if (key->max > key->min)
        fprintf(file, "%.16g .. %.16g", key->min, key->max);
    else
        fprintf(file, "%s", key_type_text(key->type));
}

void key_print_known(FILE *file, const char *section)
{
    const char *comma = "";
    for (int64_t k = 0; k < config_keys_count; k++) {
        const char *name = config_keys[k].name;
        if (!key_is_under(name, section)) continue;
        fprintf(file, "%s%s", comma, name + strlen(section) + 1);
        comma = ", ";
    }
}

int key_print_headings(FILE *file, const char *before, const char *name)
{
    size_t shared = 0; /* end of the parts that both names have, dot included */
    for (size_t i = 0; before[i] != 0 && before[i] == name[i]; i++)
        if (name[i] == '.') shared = i + 1;
    int depth = 0;
    const char *start = name;
    for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(start, '.')) {
        if (start >= name + shared)
            fprintf(file, "%*s%.*s:\n", 2 * depth, "", (int)(dot - start), start);
        start = dot + 1;
        depth++;
    }
    return 2 * depth;
}
