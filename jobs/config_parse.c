/* Settings from defaults, file and overrides, and the checks that look at several of them. */
#include "jobs/config_parse.h"

#include "io/csv.h"
#include "jobs/config.h"
#include "jobs/config_yaml.h"
#include "jobs/impute.h"
#include "jobs/limits.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { PROBLEM_BYTES = 1024, KEY_BYTES = 512 };

struct reader {
    struct config *config;
    FILE *problems;
    bool *seen; /* [config_keys_count()] given somewhere, be it wrong */
};

static enum status no_memory(const char *name)
{
    return FAIL(ERR_MEMORY, "no memory for the configuration %s", name);
}

/* ---- one setting ---- */

static void report_unknown(const struct reader *reader, const char *key)
{
    const char *near = key_suggest(key), *dot = strrchr(key, '.');
    char section[KEY_BYTES];
    fprintf(reader->problems, "there is no such setting");
    snprintf(section, sizeof section, "%.*s", (int)(dot != NULL ? dot - key : 0), key);
    if (near != NULL) {
        fprintf(reader->problems, "; did you mean %s?", near);
    } else if (key_is_section(section)) {
        fprintf(reader->problems, "; %s has ", section);
        key_print_known(reader->problems, section);
    } else {
        fprintf(reader->problems, "; `remise init` prints all there are");
    }
    fputc('\n', reader->problems);
}

/* The start of a problem's line: where it stands and which key it is about. */
static void report_place(const struct reader *reader, const struct config_item *item,
                         enum config_origin origin)
{
    const char *text = item->count > 0 && !item->list ? item->texts[0] : "...";
    if (origin == ORIGIN_SET)
        fprintf(reader->problems, "--set %s=%.80s: ", item->key, text);
    else
        fprintf(reader->problems, "%s:%d: %s: ", reader->config->name, item->line, item->key);
}

static enum status assign(struct reader *reader, int64_t k, const struct config_item *item,
                          enum config_origin origin)
{
    struct config_value *value = &reader->config->value[k], new;
    char problem[PROBLEM_BYTES];
    enum status status = value_read(config_key_at(k), item, &new, problem, sizeof problem);
    reader->seen[k] = true;
    if (status == ERR_CONFIG) {
        report_place(reader, item, origin);
        fprintf(reader->problems, "%s\n", problem);
        return OK;
    }
    if (status != OK) return status;
    value_clear(value);
    *value = new;
    value->origin = origin;
    return OK;
}

static enum status take_item(struct reader *reader, const struct config_item *item)
{
    int64_t k = key_find(item->key);
    if (k < 0) {
        if (item->nothing && key_is_section(item->key))
            return OK; /* a section with nothing in it */
        report_place(reader, item, ORIGIN_FILE);
        if (key_is_section(item->key))
            fprintf(reader->problems, "a section, whose settings stand below it, indented\n");
        else
            report_unknown(reader, item->key);
        return OK;
    }
    if (reader->config->value[k].origin == ORIGIN_FILE) {
        report_place(reader, item, ORIGIN_FILE);
        fprintf(reader->problems, "given before, on line %d\n", reader->config->value[k].line);
        return OK;
    }
    if (item->nothing) return OK;
    return assign(reader, k, item, ORIGIN_FILE);
}

static enum status take_default(struct reader *reader, int64_t k)
{
    char problem[PROBLEM_BYTES];
    struct config_item item;
    const struct config_key *key = config_key_at(k);
    if (key->standard == NULL) return OK;
    enum status status = item_from_text(key, key->standard, &item);
    if (status != OK) return status;
    status = value_read(key, &item, &reader->config->value[k], problem, sizeof problem);
    item_clear(&item);
    if (status == ERR_CONFIG) return FAIL(ERR_BUG, "default of %s: %s", key->name, problem);
    return status;
}

/* An empty override takes a setting back to its default. */
static enum status set_value(struct reader *reader, int64_t k, struct config_item *item)
{
    struct config_value *value = &reader->config->value[k];
    if (!item->nothing) return assign(reader, k, item, ORIGIN_SET);
    value_clear(value);
    reader->seen[k] = false;
    enum status status = take_default(reader, k);
    value->origin = ORIGIN_SET;
    return status;
}

/* A value in brackets is YAML like any other: quotes and commas mean the same as in the file. */
static enum status item_from_brackets(struct reader *reader, const char *key, const char *text,
                                      struct config_item *item)
{
    enum status status = OK;
    char *yaml = NULL;
    struct config_items items = {0};
    int bytes = asprintf(&yaml, "%s: %s\n", key, text);
    if (bytes < 0) return no_memory(key);
    *item = (struct config_item){0};
    status = yaml_flatten("--set", yaml, bytes, reader->problems, &items);
    if (status == OK && items.count == 1 && strcmp(items.item[0].key, key) == 0) {
        *item = items.item[0];
        items.item[0] = (struct config_item){0};
    } else if (status == OK) {
        fprintf(reader->problems, "--set %s: expected a list such as [a, b]\n", key);
    }
    free(yaml);
    items_clear(&items);
    return status;
}

/* Nothing to assign if the item has no key: what is wrong was said. */
static enum status item_of_set(struct reader *reader, const struct config_key *key,
                               const char *text, struct config_item *item)
{
    if (text[0] == '[' || text[0] == '{') return item_from_brackets(reader, key->name, text, item);
    enum status status = item_from_text(key, text, item);
    if (status != OK) return status;
    item->key = strdup(key->name);
    return item->key != NULL ? OK : no_memory(key->name);
}

/* What YAML can hold: UTF-8 without the code points it leaves out. Control characters below 0x20
 * are written as escapes. */
static bool is_text(const char *text)
{
    static const char *const left_out[] = {"\x7f", "\xef\xbb\xbf", "\xef\xbf\xbe", "\xef\xbf\xbf"};
    int64_t length = 0, left = (int64_t)strlen(text);
    for (; left > 0; text += length, left -= length) {
        length = csv_character(text, left);
        if (length == 0) return false;
        if ((unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0) return false;
        for (size_t c = 0; c < sizeof left_out / sizeof *left_out; c++)
            if (strncmp(text, left_out[c], strlen(left_out[c])) == 0) return false;
    }
    return true;
}

static enum status take_set(struct reader *reader, const char *set)
{
    char key[KEY_BYTES];
    const char *equals = strchr(set, '=');
    size_t length = equals != NULL ? (size_t)(equals - set) : 0;
    if (length == 0 || length >= sizeof key) {
        fprintf(reader->problems, "--set %.80s: expected KEY=VALUE, such as respond.epochs=5\n",
                set);
        return OK;
    }
    memcpy(key, set, length);
    key[length] = 0;
    int64_t k = key_find(key);
    if (k < 0) {
        fprintf(reader->problems, "--set %.80s: ", set);
        report_unknown(reader, key);
        return OK;
    }
    if (!is_text(equals + 1)) {
        fprintf(reader->problems, "--set %s: the value is not UTF-8 text\n", key);
        return OK;
    }
    struct config_item item = {0};
    enum status status = item_of_set(reader, config_key_at(k), equals + 1, &item);
    if (status == OK && item.key != NULL) status = set_value(reader, k, &item);
    item_clear(&item);
    return status;
}

/* ---- settings together ---- */

static void report_setting(const struct reader *reader, const char *key, const char *what)
{
    const struct config_value *value = &reader->config->value[key_find(key)];
    if (value->origin == ORIGIN_SET)
        fprintf(reader->problems, "--set %s=%s: %s\n", key, value->written, what);
    else if (value->origin == ORIGIN_FILE)
        fprintf(reader->problems, "%s:%d: %s: %s\n", reader->config->name, value->line, key, what);
    else
        fprintf(reader->problems, "%s: %s: %s\n", reader->config->name, key, what);
}

static bool table_is_mentioned(const struct reader *reader, const char *table)
{
    char columns[KEY_BYTES], attributes[KEY_BYTES];
    snprintf(columns, sizeof columns, "%s.columns", table);
    snprintf(attributes, sizeof attributes, "%s.attributes", table);
    for (int64_t k = 0; k < config_keys_count(); k++)
        if (reader->seen[k] && (key_is_under(config_key_at(k)->name, columns) ||
                                key_is_under(config_key_at(k)->name, attributes)))
            return true;
    return false;
}

static void check_role(const struct reader *reader, const char *table, int64_t file, int64_t role)
{
    const struct config_key *key = config_key_at(role);
    const char *name = strrchr(key->name, '.') + 1;
    if (!key->required || reader->seen[role]) return;
    fprintf(reader->problems, "%s", reader->config->name);
    if (reader->config->value[file].origin == ORIGIN_FILE)
        fprintf(reader->problems, ":%d", reader->config->value[file].line);
    fprintf(reader->problems, ": %s: missing; say which column of %s it is, such as `%s: %s`\n",
            key->name, table, name, name);
}

/* A table has a file and its required roles; events must be there. */
static void check_table(const struct reader *reader, const char *table)
{
    char name[KEY_BYTES];
    snprintf(name, sizeof name, "%s.file", table);
    int64_t file = key_find(name);
    if (!reader->seen[file]) {
        if (config_key_at(file)->required || table_is_mentioned(reader, table))
            fprintf(reader->problems,
                    "%s: %s: missing; name the CSV file, such as `%s: {file: %s.csv, "
                    "columns: {user_id: customer, ...}}`\n",
                    reader->config->name, name, table, table);
        return;
    }
    snprintf(name, sizeof name, "%s.columns", table);
    for (int64_t k = 0; k < config_keys_count(); k++)
        if (key_is_under(config_key_at(k)->name, name)) check_role(reader, table, file, k);
}

static void check_missing(const struct reader *reader)
{
    char problem[PROBLEM_BYTES];
    struct impute_policy policy;
    for (int w = 0; w < IMPUTE_WHATS; w++) {
        const char *key = impute_key((enum impute_what)w), *text = config_text(reader->config, key);
        if (!impute_parse((enum impute_what)w, text, &policy, problem, sizeof problem))
            report_setting(reader, key, problem);
    }
}

/* Limits can be read, and columns tell what they ask. */
static void check_limits(const struct reader *reader)
{
    const char *const *text = NULL;
    int64_t count = config_texts(reader->config, "allocate.limits", &text);
    if (config_has(reader->config, "allocate.churn_most") &&
        !config_has(reader->config, "allocate.previous"))
        report_setting(reader, "allocate.churn_most",
                       "there is no earlier table; name its run folder in allocate.previous");
    for (int64_t i = 0; i < count; i++) {
        char problem[PROBLEM_BYTES];
        struct limit_rule rule;
        if (limit_parse(text[i], &rule) != OK)
            report_setting(reader, "allocate.limits", status_message());
        else if (!limit_is_possible(reader->config, &rule, problem, sizeof problem))
            report_setting(reader, "allocate.limits", problem);
        limit_rule_clear(&rule);
    }
}

/* Amounts in several currencies need one to be brought to. */
static void check_currency(const struct reader *reader)
{
    static const char *const keys[] = {"ingest.rates", "products.columns.currency",
                                       "events.columns.currency", "offers.columns.currency"};
    if (config_has(reader->config, "ingest.currency")) return;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (config_has(reader->config, keys[k]))
            report_setting(reader, keys[k],
                           "to which currency? Name it as ingest.currency, such as EUR");
}

/* Bounds that leave nothing between them, and windows without a middle. */
static void check_cleaning(const struct reader *reader)
{
    const struct config *config = reader->config;
    int64_t weeks = config_integer(config, "ingest.denoise_weeks");
    if (weeks != 0 && (weeks == 1 || weeks % 2 == 0))
        report_setting(reader, "ingest.denoise_weeks",
                       "the middle of a window needs an odd number of weeks from 3; or 0: none");
    if (config_has(config, "ingest.min_price") && config_has(config, "ingest.max_price") &&
        config_number(config, "ingest.max_price") <= config_number(config, "ingest.min_price"))
        report_setting(reader, "ingest.max_price", "no price is above ingest.min_price and below");
    if (config_has(config, "ingest.time_from") && config_has(config, "ingest.time_to") &&
        config_time(config, "ingest.time_to") <= config_time(config, "ingest.time_from"))
        report_setting(reader, "ingest.time_to", "not after ingest.time_from");
    check_missing(reader);
    check_currency(reader);
    check_limits(reader);
}

static bool any_weight(const struct config *config)
{
    static const char *const weights[] = {"profit", "revenue", "surplus", "purchases", "lifetime"};
    bool any = false;
    for (size_t w = 0; w < sizeof weights / sizeof *weights; w++) {
        char key[64];
        snprintf(key, sizeof key, "allocate.objective.%s", weights[w]);
        any = any || config_number(config, key) > 0.0;
    }
    return any;
}

static void check_together(const struct reader *reader)
{
    static const char *const tables[] = {"users",  "products", "events",
                                         "offers", "labels",   "promotions"};
    const struct config *config = reader->config;
    const double *levels = NULL;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) check_table(reader, tables[t]);
    if (config_numbers(config, "allocate.levels", &levels) < 2 || levels[0] != 0.0)
        report_setting(reader, "allocate.levels",
                       "expected 0 (no discount) and at least one discount after it");
    if (!any_weight(config))
        report_setting(reader, "allocate.objective.profit",
                       "all weights of the objective are 0; give at least one");
    if (config_number(config, "allocate.explore.share") > 0.0 &&
        (config_has(config, "allocate.fairness.delta") ||
         config_has(config, "allocate.levels_most")))
        report_setting(reader, "allocate.explore.share",
                       "levels drawn by chance could break allocate.fairness.delta and "
                       "allocate.levels_most; leave these out, or set it to 0");
    if (config_integer(config, "recommend.pool") < config_integer(config, "recommend.slots"))
        report_setting(reader, "recommend.pool", "smaller than recommend.slots");
    check_cleaning(reader);
}

/* ---- paths and origins ---- */

static char *join(const char *folder, const char *path)
{
    char *joined = NULL;
    if (path[0] == '/' || folder[0] == 0 || strcmp(folder, ".") == 0) return strdup(path);
    if (strcmp(path, ".") == 0) return strdup(folder);
    bool slash = folder[strlen(folder) - 1] == '/';
    return asprintf(&joined, "%s%s%s", folder, slash ? "" : "/", path) < 0 ? NULL : joined;
}

static bool is_table_file(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot != NULL && strcmp(dot, ".file") == 0;
}

/* What a relative path is seen from. */
static const char *base_of(const struct config *config, int64_t k)
{
    if (is_table_file(config_key_at(k)->name)) return config->value[key_find("data.dir")].path;
    return config->value[k].origin == ORIGIN_SET ? "" : config->folder;
}

static enum status resolve_paths(struct config *config)
{
    for (int pass = 0; pass < 2; pass++) /* the data folder first, then what lies in it */
        for (int64_t k = 0; k < config_keys_count(); k++) {
            struct config_value *value = &config->value[k];
            bool due = is_table_file(config_key_at(k)->name) == (pass == 1);
            if (config_key_at(k)->type != KEY_PATH || !value->has || !due) continue;
            value->path = join(base_of(config, k), value->texts[0]);
            if (value->path == NULL) return no_memory(config->name);
        }
    return OK;
}

static enum status name_origins(struct config *config)
{
    for (int64_t k = 0; k < config_keys_count(); k++) {
        const struct config_value *value = &config->value[k];
        char **origin = &config->origin[k];
        if (value->origin == ORIGIN_FILE) {
            if (asprintf(origin, "%s:%d", config->name, value->line) < 0) *origin = NULL;
        } else {
            *origin = strdup(value->origin == ORIGIN_SET ? "--set" : "default");
        }
        if (*origin == NULL) return no_memory(config->name);
    }
    return OK;
}

/* ---- public ---- */

static enum status new_config(const char *name, struct config **config)
{
    enum status status = memory_new(config, 1, sizeof **config);
    if (status != OK) return status;
    const char *slash = strrchr(name, '/');
    size_t folder = slash == NULL ? 0 : slash == name ? 1 : (size_t)(slash - name);
    (*config)->name = strdup(name);
    (*config)->folder = folder > 0 ? strndup(name, folder) : strdup(".");
    if ((*config)->name == NULL || (*config)->folder == NULL) return no_memory(name);
    status = memory_new(&(*config)->value, config_keys_count(), sizeof *(*config)->value);
    if (status != OK) return status;
    return memory_new(&(*config)->origin, config_keys_count(), sizeof *(*config)->origin);
}

enum status config_parse(const char *name, const char *text, int64_t bytes, const char *const *sets,
                         FILE *problems, struct config **config)
{
    enum status status = OK;
    struct reader reader = {.problems = problems};
    struct config_items items = {0};
    *config = NULL;
    TRY(new_config(name, &reader.config));
    TRY(memory_new(&reader.seen, config_keys_count(), sizeof *reader.seen));
    for (int64_t k = 0; k < config_keys_count(); k++) TRY(take_default(&reader, k));
    TRY(yaml_flatten(name, text, bytes, problems, &items));
    for (int64_t i = 0; i < items.count; i++) TRY(take_item(&reader, &items.item[i]));
    for (; sets != NULL && *sets != NULL; sets++) TRY(take_set(&reader, *sets));
    check_together(&reader);
    TRY(resolve_paths(reader.config));
    TRY(name_origins(reader.config));
    *config = reader.config;
    reader.config = NULL;
done:
    config_free(&reader.config);
    free(reader.seen);
    items_clear(&items);
    return status;
}
