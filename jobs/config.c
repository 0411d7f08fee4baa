/* Reading the file on one rank, and the settings as stages ask for them. */
#include "jobs/config.h"

#include "jobs/config_parse.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

enum { FILE_MAX = 1 << 22, KEY_BYTES = 256, ORIGIN_COLUMN = 46, MESSAGE_BYTES = 512 };

/* ---- reading ---- */

static enum status read_file(const char *path, char **text, int64_t *bytes)
{
    enum status status = OK;
    struct stat about;
    FILE *file = fopen(path, "re");
    *text = NULL;
    if (file == NULL || fstat(fileno(file), &about) != 0) {
        status = FAIL(ERR_NO_INPUT, "cannot read the configuration %s: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(about.st_mode) || about.st_size > FILE_MAX) {
        status = FAIL(ERR_NO_INPUT, "%s is no configuration: not a file of at most %d MiB", path,
                      FILE_MAX >> 20);
        goto done;
    }
    TRY(memory_new(text, about.st_size, 1));
    *bytes = (int64_t)fread(*text, 1, (size_t)about.st_size, file);
    if (ferror(file) != 0) status = FAIL(ERR_IO, "cannot read the configuration %s", path);
done:
    if (file != NULL) fclose(file);
    if (status != OK) free(*text), *text = NULL;
    return status;
}

/* One problem is the message itself; several are log lines before it. They are about the user's
 * file, so no place in our code stands behind them. */
static enum status tell_problems(const char *name, char *problems)
{
    char *rest = problems, *end = NULL, message[MESSAGE_BYTES];
    int64_t lines = 0;
    for (const char *c = problems; *c != 0; c++) lines += *c == '\n';
    if (lines == 0) return OK;
    for (; (end = strchr(rest, '\n')) != NULL; rest = end + 1) {
        *end = 0;
        if (lines > 1) log_line(LOG_ERROR, "%s", rest);
    }
    snprintf(message, sizeof message, "%s: %lld problems, listed above; correct them and try again",
             name, (long long)lines);
    status_set_message(lines > 1 ? message : problems);
    return ERR_CONFIG;
}

static enum status parse(const char *path, const char *text, int64_t bytes, const char *const *sets,
                         struct config **config)
{
    char *problems = NULL;
    size_t problem_bytes = 0;
    FILE *file = open_memstream(&problems, &problem_bytes);
    *config = NULL;
    if (file == NULL) return FAIL(ERR_MEMORY, "no memory for the configuration %s", path);
    enum status status = config_parse(path, text, bytes, sets, file, config);
    bool written = fclose(file) == 0;
    if (status == OK && !written)
        status = FAIL(ERR_MEMORY, "no memory for the configuration %s", path);
    if (status == OK) status = tell_problems(path, problems);
    if (status != OK) config_free(config);
    free(problems);
    return status;
}

enum status config_read_alone(const char *path, const char *const *sets, struct config **config)
{
    char *text = NULL;
    int64_t bytes = 0;
    *config = NULL;
    enum status status = read_file(path, &text, &bytes);
    if (status == OK) status = parse(path, text, bytes, sets, config);
    free(text);
    return status;
}

enum status config_read(const struct comm *comm, const char *path, const char *const *sets,
                        struct config **config)
{
    enum status status = OK;
    char *text = NULL;
    int64_t bytes = 0;
    *config = NULL;
    TRY_ALL(comm, comm->rank == 0 ? read_file(path, &text, &bytes) : OK);
    comm_broadcast(comm, &bytes, sizeof bytes, 0);
    TRY_ALL(comm, comm->rank == 0 ? OK : memory_new(&text, bytes, 1));
    comm_broadcast(comm, text, bytes, 0);
    TRY_ALL(comm, parse(path, text, bytes, sets, config));
done:
    free(text);
    if (status != OK) config_free(config);
    return status;
}

void config_free(struct config **config)
{
    if (*config == NULL) return;
    for (int64_t k = 0; k < config_keys_count(); k++) {
        if ((*config)->value != NULL) value_clear(&(*config)->value[k]);
        if ((*config)->origin != NULL) free((*config)->origin[k]);
    }
    free((*config)->value);
    free((*config)->origin);
    free((*config)->folder);
    free((*config)->name);
    free(*config);
    *config = NULL;
}

/* ---- one setting ---- */

#define TYPE(type) (1u << (type))

static _Noreturn void wrong_request(const char *key, const char *what)
{
    fprintf(stderr, "bug: the setting \"%s\" %s\n", key, what);
    abort();
}

static const struct config_value *get(const struct config *config, const char *key, unsigned types)
{
    int64_t k = key_find(key);
    if (k < 0) wrong_request(key, "does not exist");
    if ((TYPE(config_key_at(k)->type) & types) == 0) wrong_request(key, "has another type");
    return &config->value[k];
}

static int64_t get_integer(const struct config *config, const char *key, unsigned types)
{
    const struct config_value *value = get(config, key, types);
    if (!value->has) wrong_request(key, "has no value; ask config_has first");
    return value->integers[0];
}

bool config_has(const struct config *config, const char *key)
{
    return get(config, key, ~0u)->has;
}

double config_number(const struct config *config, const char *key)
{
    const struct config_value *value = get(config, key, TYPE(KEY_NUMBER) | TYPE(KEY_FRACTION));
    return value->has ? value->numbers[0] : NAN;
}

int64_t config_integer(const struct config *config, const char *key)
{
    return get_integer(config, key, TYPE(KEY_INTEGER));
}

int64_t config_cents(const struct config *config, const char *key)
{
    return get_integer(config, key, TYPE(KEY_MONEY));
}

bool config_boolean(const struct config *config, const char *key)
{
    return get_integer(config, key, TYPE(KEY_BOOLEAN)) != 0;
}

int64_t config_time(const struct config *config, const char *key)
{
    return get_integer(config, key, TYPE(KEY_TIME));
}

const char *config_text(const struct config *config, const char *key)
{
    const struct config_value *value = get(config, key, TYPE(KEY_TEXT) | TYPE(KEY_CHOICE));
    return value->has ? value->texts[0] : NULL;
}

bool config_is(const struct config *config, const char *key, const char *choice)
{
    const struct config_value *value = get(config, key, TYPE(KEY_CHOICE));
    if (strstr(config_key_at(key_find(key))->choices, choice) == NULL)
        wrong_request(key, "does not have this choice");
    return value->has && strcmp(value->texts[0], choice) == 0;
}

const char *config_path(const struct config *config, const char *key)
{
    return get(config, key, TYPE(KEY_PATH))->path;
}

int64_t config_numbers(const struct config *config, const char *key, const double **numbers)
{
    const struct config_value *value = get(config, key, TYPE(KEY_NUMBERS));
    *numbers = value->numbers;
    return value->count;
}

int64_t config_integers(const struct config *config, const char *key, const int64_t **integers)
{
    const struct config_value *value = get(config, key, TYPE(KEY_INTEGERS));
    *integers = value->integers;
    return value->count;
}

int64_t config_texts(const struct config *config, const char *key, const char *const **texts)
{
    const struct config_value *value = get(config, key, TYPE(KEY_TEXTS));
    *texts = (const char *const *)value->texts;
    return value->count;
}

const char *config_origin(const struct config *config, const char *key)
{
    get(config, key, ~0u);
    return config->origin[key_find(key)];
}

/* ---- tables ---- */

bool config_table(const struct config *config, const char *table)
{
    char key[KEY_BYTES];
    snprintf(key, sizeof key, "%s.file", table);
    return config_has(config, key);
}

const char *config_column(const struct config *config, const char *table, const char *role)
{
    char key[KEY_BYTES];
    snprintf(key, sizeof key, "%s.columns.%s", table, role);
    return config_text(config, key);
}

/* ---- all settings ---- */

static bool under_any(const char *key, const char *const *prefixes)
{
    for (; *prefixes != NULL; prefixes++)
        if (key_is_under(key, *prefixes)) return true;
    return false;
}

/* Each setting enters with the hash of its name and of its value, so that neither can run into the
 * other. */
struct config_fingerprint config_fingerprint(const struct config *config,
                                             const char *const *prefixes)
{
    XXH128_hash_t chain[3] = {XXH3_128bits("", 0)};
    for (int64_t k = 0; k < config_keys_count(); k++) {
        const char *name = config_key_at(k)->name, *written = config->value[k].written;
        if (!config->value[k].has || !under_any(name, prefixes)) continue;
        chain[1] = XXH3_128bits(name, strlen(name));
        chain[2] = XXH3_128bits(written, strlen(written));
        chain[0] = XXH3_128bits(chain, sizeof chain);
    }
    return (struct config_fingerprint){chain[0].high64, chain[0].low64};
}

/* Tables and roles that are not there stay out of what is written; other settings say what their
 * absence means. */
static bool is_of_table(const struct config_key *key)
{
    return strstr(key->name, ".columns.") != NULL || strstr(key->name, ".file") != NULL ||
           key->type == KEY_TEXTS;
}

/* A setting behind its name: its value, or why there is none; of people only how many. */
static void write_setting(const struct config *config, int64_t k, int indent, FILE *file)
{
    const struct config_key *key = config_key_at(k);
    const struct config_value *value = &config->value[k];
    const char *dot = strrchr(key->name, '.'), *name = dot != NULL ? dot + 1 : key->name;
    bool shown = value->has && !key->personal;
    int width = fprintf(file, "%*s%s%s:%s%s", indent, "", shown ? "" : "# ", name, shown ? " " : "",
                        shown ? value->written : "");
    fprintf(file, "%*s# ", width < ORIGIN_COLUMN ? ORIGIN_COLUMN - width : 1, "");
    if (value->has && !shown) fprintf(file, "%lld, not shown; ", (long long)value->count);
    fprintf(file, "%s\n", value->has ? config->origin[k] : key->none);
}

enum status config_write(const struct config *config, FILE *file)
{
    const char *before = "";
    for (int64_t k = 0; k < config_keys_count(); k++) {
        const struct config_key *key = config_key_at(k);
        if (!config->value[k].has && is_of_table(key)) continue;
        write_setting(config, k, key_print_headings(file, before, key->name), file);
        before = key->name;
    }
    return ferror(file) == 0 ? OK : FAIL(ERR_WRITE, "cannot write the settings");
}
