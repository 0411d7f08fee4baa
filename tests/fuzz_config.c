/* Fuzz target of the configuration: any bytes as the YAML file, and behind each NUL byte one --set.
 *
 * Either every problem is told on a line of its own, or the settings hold and survive being written
 * and read again. See tests/test_fuzz.sh. */
#include "jobs/config.h"
#include "jobs/config_keys.h"
#include "jobs/config_parse.h"

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
    for (int64_t k = 0; k < config_keys_count && count < KEYS_MAX; k++)
        if (!config_keys[k].personal) keys[count++] = config_keys[k].name;
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
    config_free(&config);
    free(problems);
    free(text);
    return 0;
}
