/* Texts to typed values, their ranges, and their one way of being written. */
#include "jobs/config_value.h"

#include "mpi/memory.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LIST_MAX = 256 };

/* ---- one text ---- */

static bool read_number(const char *text, double *number)
{
    char *end = NULL;
    if (text[0] == 0 || text[strspn(text, "0123456789+-.eE")] != 0) return false;
    *number = strtod(text, &end);
    return *end == 0 && isfinite(*number);
}

static bool read_integer(const char *text, double *number, int64_t *integer)
{
    char *end = NULL;
    if (text[0] == 0 || text[strspn(text, "0123456789+-")] != 0) return false;
    errno = 0;
    *integer = strtoll(text, &end, 10);
    *number = (double)*integer;
    return *end == 0 && errno == 0;
}

static bool read_money(const char *text, double *number, int64_t *cents)
{
    if (!read_number(text, number) || fabs(*number) > 9e15) return false;
    *cents = (int64_t)llround(*number * 100.0);
    return fabs(*number * 100.0 - (double)*cents) < 1e-6 * fmax(1.0, fabs(*number));
}

static bool read_boolean(const char *text, int64_t *integer)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (int64_t w = 0; w < (int64_t)(sizeof words / sizeof *words); w++)
        if (strcasecmp(text, words[w]) == 0) {
            *integer = w % 2;
            return true;
        }
    return false;
}

/* A day that exists, with or without a time of day, in UTC. */
static bool read_time(const char *text, int64_t *seconds)
{
    static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
                                          "%Y-%m-%dT%H:%M:%SZ"};
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        struct tm tm = {0};
        const char *end = strptime(text, formats[f], &tm);
        if (end == NULL || *end != 0) continue;
        int day = tm.tm_mday;
        *seconds = timegm(&tm);
        return tm.tm_mday == day; /* else February 30 became March */
    }
    return false;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *c = choices; *c != 0; c += strcspn(c, "|"), c += *c == '|')
        if (strcspn(c, "|") == length && strncmp(c, text, length) == 0) return true;
    return false;
}

/* Element `at` of the value; false if the text is not of the type. */
static bool read_element(const struct config_key *key, const char *text, struct config_value *value,
                         int64_t at)
{
    switch (key->type) {
    case KEY_NUMBER:
    case KEY_FRACTION:
    case KEY_NUMBERS:
        return read_number(text, &value->numbers[at]);
    case KEY_INTEGER:
    case KEY_INTEGERS:
        return read_integer(text, &value->numbers[at], &value->integers[at]);
    case KEY_MONEY:
        return read_money(text, &value->numbers[at], &value->integers[at]);
    case KEY_BOOLEAN:
        return read_boolean(text, &value->integers[at]);
    case KEY_TIME:
        return read_time(text, &value->integers[at]);
    case KEY_CHOICE:
        if (!is_choice(key->choices, text)) return false;
        break;
    default:
        if (text[0] == 0) return false;
    }
    value->texts[at] = strdup(text);
    return true;
}

static bool in_range(const struct config_key *key, double number)
{
    return key->max <= key->min || (number >= key->min && number <= key->max);
}

static bool has_numbers(enum key_type type)
{
    return type == KEY_NUMBER || type == KEY_FRACTION || type == KEY_NUMBERS ||
           type == KEY_INTEGER || type == KEY_INTEGERS || type == KEY_MONEY;
}

static bool has_integers(enum key_type type)
{
    return type == KEY_INTEGER || type == KEY_INTEGERS || type == KEY_MONEY ||
           type == KEY_BOOLEAN || type == KEY_TIME;
}

static bool is_list(enum key_type type)
{
    return type == KEY_NUMBERS || type == KEY_INTEGERS || type == KEY_TEXTS;
}

/* ---- problems ---- */

static const char *article(const char *noun)
{
    return strchr("aeio", noun[0]) != NULL ? "an" : "a";
}

static const char *element_noun(const struct config_key *key)
{
    if (key->type == KEY_CHOICE) return "one of its choices";
    if (key->type == KEY_NUMBERS || key->type == KEY_FRACTION) return "number";
    if (key->type == KEY_INTEGERS) return "integer";
    if (key->type == KEY_TEXTS) return "name";
    return key_type_text(key->type);
}

static void print_not_a(FILE *file, const struct config_key *key, const char *text)
{
    const char *noun = element_noun(key);
    fprintf(file, "\"%.80s\" is not ", text);
    if (key->type == KEY_MONEY) noun = "amount of money with at most two decimals";
    if (key->type != KEY_CHOICE && key->type != KEY_BOOLEAN) fprintf(file, "%s ", article(noun));
    fprintf(file, "%s", noun);
}

static void print_expectation(FILE *file, const struct config_key *key)
{
    bool range = key->choices != NULL || key->max > key->min || key->type == KEY_TIME;
    if (range) {
        fprintf(file, "; expected ");
        key_print_expected(file, key);
    }
    if (key->standard != NULL) fprintf(file, " (default %s)", key->standard);
}

static enum status check_element(const struct config_key *key, const char *text,
                                 struct config_value *value, int64_t at, FILE *problem)
{
    const double *x = value->numbers;
    if (!read_element(key, text, value, at))
        print_not_a(problem, key, text);
    else if (value->texts != NULL && value->texts[at] == NULL)
        return FAIL(ERR_MEMORY, "no memory for the value of %s", key->name);
    else if (x != NULL && !in_range(key, x[at]))
        fprintf(problem, "%.40s is out of range", text);
    else if (key->type == KEY_NUMBERS && at > 0 && x[at] <= x[at - 1])
        fprintf(problem, "%.40s does not ascend from %.15g", text, x[at - 1]);
    else
        return OK;
    print_expectation(problem, key);
    return ERR_CONFIG;
}

/* ---- writing ---- */

static void write_number(FILE *file, double number)
{
    char text[40];
    snprintf(text, sizeof text, "%.15g", number);
    if (strtod(text, NULL) != number) snprintf(text, sizeof text, "%.17g", number);
    fputs(text, file);
}

/* Texts stand as they are where YAML takes them so, else in double quotes. */
static void write_text(FILE *file, const char *text)
{
    bool plain = isalnum((unsigned char)text[0]) || strchr("_./", text[0]) != NULL;
    for (const char *c = text; *c != 0; c++)
        plain = plain && (isalnum((unsigned char)*c) || strchr("_.-/*+() ", *c) != NULL);
    if (plain && text[strlen(text) - 1] != ' ' && strcmp(text, "null") != 0) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (const char *c = text; *c != 0; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(file, "\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            fprintf(file, "\\x%02x", (unsigned char)*c);
        else
            fputc(*c, file);
    }
    fputc('"', file);
}

static void write_time(FILE *file, int64_t seconds)
{
    char text[32];
    struct tm tm;
    time_t time = (time_t)seconds;
    gmtime_r(&time, &tm);
    strftime(text, sizeof text, seconds % 86400 == 0 ? "%Y-%m-%d" : "%Y-%m-%d %H:%M:%S", &tm);
    fputs(text, file);
}

static void write_element(FILE *file, const struct config_key *key,
                          const struct config_value *value, int64_t at)
{
    switch (key->type) {
    case KEY_MONEY:
        fprintf(file, "%lld.%02lld", (long long)(value->integers[at] / 100),
                (long long)llabs(value->integers[at] % 100));
        break;
    case KEY_BOOLEAN:
        fputs(value->integers[at] != 0 ? "true" : "false", file);
        break;
    case KEY_TIME:
        write_time(file, value->integers[at]);
        break;
    case KEY_INTEGER:
    case KEY_INTEGERS:
        fprintf(file, "%lld", (long long)value->integers[at]);
        break;
    default:
        if (value->numbers != NULL)
            write_number(file, value->numbers[at]);
        else
            write_text(file, value->texts[at]);
    }
}

static enum status write_value(const struct config_key *key, struct config_value *value)
{
    size_t bytes = 0;
    FILE *file = open_memstream(&value->written, &bytes);
    if (file == NULL) return FAIL(ERR_MEMORY, "no memory for the value of %s", key->name);
    if (is_list(key->type)) fputc('[', file);
    for (int64_t i = 0; i < value->count; i++) {
        if (i > 0) fputs(", ", file);
        write_element(file, key, value, i);
    }
    if (is_list(key->type)) fputc(']', file);
    return fclose(file) == 0 ? OK : FAIL(ERR_MEMORY, "no memory for the value of %s", key->name);
}

/* ---- public ---- */

static enum status read_all(const struct config_key *key, const struct config_item *item,
                            struct config_value *value, FILE *problem)
{
    if (item->list && !is_list(key->type)) {
        fprintf(problem, "a list where one value is expected");
        print_expectation(problem, key);
        return ERR_CONFIG;
    }
    if (item->count > LIST_MAX || item->count < 1) {
        fprintf(problem, "a list has 1 to %d elements", LIST_MAX);
        return ERR_CONFIG;
    }
    for (int64_t i = 0; i < item->count; i++) {
        enum status status = check_element(key, item->texts[i], value, i, problem);
        if (status != OK) return status;
    }
    return OK;
}

enum status value_read(const struct config_key *key, const struct config_item *item,
                       struct config_value *value, char *problem, size_t bytes)
{
    enum status status = OK;
    FILE *file = fmemopen(problem, bytes, "w");
    *value = (struct config_value){.has = true, .line = item->line, .count = item->count};
    if (file == NULL) return FAIL(ERR_MEMORY, "no memory to read %s", key->name);
    if (has_numbers(key->type))
        TRY(memory_new(&value->numbers, item->count, sizeof *value->numbers));
    if (has_integers(key->type))
        TRY(memory_new(&value->integers, item->count, sizeof *value->integers));
    if (!has_numbers(key->type) && !has_integers(key->type))
        TRY(memory_new(&value->texts, item->count, sizeof *value->texts));
    TRY(read_all(key, item, value, file));
    TRY(write_value(key, value));
done:
    fclose(file);
    problem[bytes - 1] = 0;
    if (status != OK) value_clear(value);
    return status;
}

void value_clear(struct config_value *value)
{
    for (int64_t i = 0; value->texts != NULL && i < value->count; i++) free(value->texts[i]);
    free(value->texts);
    free(value->numbers);
    free(value->integers);
    free(value->written);
    free(value->path);
    *value = (struct config_value){0};
}

static enum status append_text(struct config_item *item, const char *start, size_t length)
{
    while (length > 0 && isspace((unsigned char)*start)) start++, length--;
    while (length > 0 && isspace((unsigned char)start[length - 1])) length--;
    enum status status =
        memory_grow(&item->texts, item->count, item->count + 1, sizeof *item->texts);
    if (status != OK) return status;
    item->texts[item->count++] = strndup(start, length);
    return item->texts[item->count - 1] != NULL ? OK : FAIL(ERR_MEMORY, "no memory for settings");
}

enum status item_from_text(const struct config_key *key, const char *text, struct config_item *item)
{
    enum status status = OK;
    *item = (struct config_item){.nothing = text[0] == 0};
    size_t length = strlen(text);
    TRY(memory_new(&item->texts, 0, sizeof *item->texts));
    if (!is_list(key->type)) {
        TRY(append_text(item, text, length));
        return OK;
    }
    item->list = true;
    if (length > 1 && text[0] == '[' && text[length - 1] == ']') text++, length -= 2;
    for (size_t at = 0, next; at <= length; at = next + 1) {
        const char *comma = memchr(text + at, ',', length - at);
        next = comma != NULL ? (size_t)(comma - text) : length;
        TRY(append_text(item, text + at, next - at));
    }
done:
    if (status != OK) item_clear(item);
    return status;
}

void item_clear(struct config_item *item)
{
    for (int64_t i = 0; i < item->count; i++) free(item->texts[i]);
    free(item->texts);
    free(item->key);
    *item = (struct config_item){0};
}

void items_clear(struct config_items *items)
{
    for (int64_t i = 0; i < items->count; i++) item_clear(&items->item[i]);
    free(items->item);
    *items = (struct config_items){0};
}
