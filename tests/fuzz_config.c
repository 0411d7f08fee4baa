/* Fuzz target of the configuration: any bytes as the YAML file, and behind each NUL byte one --set;
 * and the same bytes as the expression of a column.
 *
 * Either every problem is told on a line of its own, or the settings hold and survive being written
 * and read again. See tests/test_fuzz.sh. */
#include "jobs/config.h"
#include "jobs/config_keys.h"
#include "jobs/config_parse.h"
#include "jobs/expression.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 8, KEYS_MAX = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static _Noreturn void differ(const char *what, const char *text)
{
    fprintf(stderr, "%s: %s\n%s\n", what, status_message(), text);
    abort();
}

/* What is wrong with a text, "" if nothing is; the caller frees it and the configuration. */
static char *problems_of(const char *text, size_t bytes, const char *const *sets,
                         struct config **config)
{
    char *problems = NULL;
    size_t problem_bytes = 0;
    FILE *file = open_memstream(&problems, &problem_bytes);
    if (file == NULL) abort();
    enum status status = config_parse("shop.yaml", text, (int64_t)bytes, sets, file, config);
    if (fclose(file) != 0) abort();
    if (status != OK) differ("an unexpected status", problems);
    if (problem_bytes > 0 && problems[problem_bytes - 1] != '\n')
        differ("a problem without a line end", problems);
    return problems;
}

/* Hash of all settings that are written; those that name people are not. */
static struct config_fingerprint fingerprint(const struct config *config)
{
    const char *keys[KEYS_MAX + 1] = {NULL};
    int64_t count = 0;
    for (int64_t k = 0; k < config_keys_count() && count < KEYS_MAX; k++)
        if (!config_key_at(k)->personal) keys[count++] = config_key_at(k)->name;
    return config_fingerprint(config, keys);
}

static void check_written(const struct config *config)
{
    static const char *const none[] = {NULL};
    struct config *again = NULL;
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    if (file == NULL) abort();
    if (config_write(config, file) != OK) differ("settings cannot be written", "");
    if (fclose(file) != 0) abort();
    char *problems = problems_of(text, bytes, none, &again);
    if (problems[0] != 0) differ("written settings do not read", problems);
    struct config_fingerprint first = fingerprint(config), second = fingerprint(again);
    if (first.high != second.high || first.low != second.low)
        differ("written settings read as others", text);
    config_free(&again);
    free(problems);
    free(text);
}

/* ---- expressions ---- */

static int64_t resolve(const void *context, const char *name)
{
    static const char *const names[] = {"price", "qty", "Customer ID", "a-b"};
    (void)context;
    for (int64_t j = 0; j < (int64_t)(sizeof names / sizeof *names); j++)
        if (strcmp(names[j], name) == 0) return j;
    return -1;
}

static void check_expression(const char *text)
{
    static const double rows[][4] = {{2, 3, 5, 7}, {0, -1, INFINITY, NAN}};
    struct expression *expression = NULL;
    enum status status = expression_compile(text, resolve, NULL, &expression);
    if (status != OK && (status != ERR_CONFIG || expression != NULL)) differ("status", text);
    if (status != OK) return;
    int64_t count = expression_columns(expression, NULL), *columns = calloc((size_t)count + 1, 8);
    if (columns == NULL || expression_columns(expression, columns) != count) abort();
    for (int64_t i = 0; i < count; i++)
        if (columns[i] < 0 || columns[i] > 3) differ("columns", text);
    for (size_t r = 0; r < 2; r++) (void)expression_evaluate(expression, rows[r]);
    free(columns);
    expression_free(&expression);
}

/* ---- one input ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const char *sets[SETS + 1] = {NULL};
    struct config *config = NULL;
    char *text = malloc(bytes + 1);
    if (text == NULL) abort();
    if (bytes > 0) memcpy(text, data, bytes);
    text[bytes] = 0;
    size_t yaml = strlen(text), at = yaml;
    for (int i = 0; i < SETS && at < bytes; i++) {
        sets[i] = text + at + 1;
        at += 1 + strlen(sets[i]);
    }
    char *problems = problems_of(text, yaml, sets, &config);
    if (problems[0] == 0) check_written(config);
    check_expression(text);
    config_free(&config);
    free(problems);
    free(text);
    return 0;
}
