/* JSON values as facts and tables. */
#include "jobs/page_json.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MOST = 4 };

double page_json_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* "level_rows" as "level rows" */
static struct page_text plain_name(const char *name)
{
    struct page_text plain;
    snprintf(plain.text, sizeof plain.text, "%s", name);
    for (char *c = plain.text; *c != 0; c++)
        if (*c == '_') *c = ' ';
    return plain;
}

static struct page_number plain_real(double value)
{
    if (fabs(value) < 1.0 && value != 0.0) {
        struct page_number small;
        if (fabs(value) >= 1e-6) return page_figure(value);
        snprintf(small.text, sizeof small.text, "%.4g", value);
        return small;
    }
    struct page_number number = page_amount(value, 4);
    char *point = strchr(number.text, '.'), *end = number.text + strlen(number.text);
    while (point != NULL && end > point && (end[-1] == '0' || end[-1] == '.')) {
        *--end = 0;
        if (end == point) break;
    }
    return number;
}

static void join(const json_t *list, struct page_text *text)
{
    size_t used = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct page_text one = page_json_scalar(json_array_get(list, i));
        int more = snprintf(text->text + used, sizeof text->text - used, "%s%s", i > 0 ? ", " : "",
                            one.text);
        used += (size_t)more;
        if (used < sizeof text->text) continue;
        snprintf(text->text + sizeof text->text - 4, 4, "...");
        return;
    }
}

struct page_text page_json_scalar(const json_t *value)
{
    struct page_text text = {""};
    if (json_is_string(value))
        snprintf(text.text, sizeof text.text, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(text.text, sizeof text.text, "%s", page_count(json_integer_value(value)).text);
    else if (json_is_real(value))
        snprintf(text.text, sizeof text.text, "%s", plain_real(json_real_value(value)).text);
    else if (json_is_boolean(value))
        snprintf(text.text, sizeof text.text, "%s", json_is_true(value) ? "yes" : "no");
    else if (json_is_array(value))
        join(value, &text);
    else if (json_is_null(value))
        snprintf(text.text, sizeof text.text, "not shown");
    return text;
}

static bool is_table(const json_t *value)
{
    return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

static bool is_plain(const json_t *value)
{
    return !json_is_object(value) && !is_table(value);
}

/* ---- tables ---- */

struct columns {
    const char *key[PAGE_COLUMNS];
    char head[PAGE_COLUMNS][64];
    const char *heads[PAGE_COLUMNS + 1];
    int count;
};

static void add_column(struct columns *columns, const char *key, const json_t *value)
{
    for (int c = 0; c < columns->count; c++)
        if (strcmp(columns->key[c], key) == 0) return;
    if (columns->count == PAGE_COLUMNS || !is_plain(value)) return;
    int c = columns->count++;
    bool left = json_is_string(value) || json_is_array(value) || c == 0;
    columns->key[c] = key;
    snprintf(columns->head[c], sizeof columns->head[c], "%s%.60s", left ? "<" : "",
             plain_name(key).text);
    columns->heads[c] = columns->head[c];
}

void page_json_table(struct page *page, const json_t *list)
{
    struct columns columns = {.count = 0};
    const char *key = NULL;
    json_t *value = NULL;
    for (size_t i = 0; i < json_array_size(list); i++)
        json_object_foreach(json_array_get(list, i), key, value) add_column(&columns, key, value);
    page_begin_table(page, columns.heads);
    for (size_t i = 0; i < json_array_size(list); i++)
        for (int c = 0; c < columns.count; c++) {
            const json_t *cell = json_object_get(json_array_get(list, i), columns.key[c]);
            page_cell(page, "%s", is_plain(cell) ? page_json_scalar(cell).text : "");
        }
    page_end_table(page);
}

/* ---- values of any shape ---- */

static void put_value(struct page *page, const char *name, const json_t *value, int depth)
{
    const char *key = NULL;
    json_t *part = NULL;
    if (is_plain(value) || depth == DEPTH_MOST) {
        page_fact(page, plain_name(name).text, "%s", page_json_scalar(value).text);
        return;
    }
    page_heading(page, "%s", plain_name(name).text);
    if (is_table(value)) {
        page_json_table(page, value);
        return;
    }
    json_object_foreach((json_t *)value, key, part) if (is_plain(part))
        put_value(page, key, part, depth + 1);
    json_object_foreach((json_t *)value, key, part) if (!is_plain(part))
        put_value(page, key, part, depth + 1);
}

void page_json(struct page *page, const char *name, const json_t *value)
{
    put_value(page, name, value, 0);
}
