/* Columns of the products to fields of their content. */
#include "jobs/product_content.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fields as they are collected, with the arrays made for them. */
struct collection {
    int64_t products, fields;
    struct content_source source[CONTENT_FIELDS_MAX];
    void *made[CONTENT_FIELDS_MAX]; /* NULL where the source is borrowed */
};

static void add_source(struct collection *c, struct content_source source, void *made)
{
    if (c->fields == CONTENT_FIELDS_MAX) {
        free(made);
        return;
    }
    c->made[c->fields] = made;
    c->source[c->fields++] = source;
}

/* ---- numbers ---- */

static bool varies(const double *number, int64_t count)
{
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(number[i])) continue;
        low = fmin(low, number[i]);
        high = fmax(high, number[i]);
    }
    return low < high;
}

/* Takes the array over. */
static void add_number(struct collection *c, double *number)
{
    if (varies(number, c->products))
        add_source(c, (struct content_source){.number = number}, number);
    else
        free(number);
}

static enum status add_price(const struct products *products, struct collection *c)
{
    double *price = NULL;
    enum status status = memory_new(&price, products->count, sizeof *price);
    if (status != OK) return status;
    for (int64_t p = 0; p < products->count; p++)
        price[p] = products->list_price[p] > 0.0 ? log(products->list_price[p]) : NAN;
    add_number(c, price);
    return OK;
}

static enum status add_margin(const struct products *products, struct collection *c)
{
    double *margin = NULL;
    enum status status = memory_new(&margin, products->count, sizeof *margin);
    if (status != OK) return status;
    for (int64_t p = 0; p < products->count; p++)
        margin[p] = products->list_price[p] > 0.0
                        ? 1.0 - products->unit_cost[p] / products->list_price[p]
                        : NAN;
    add_number(c, margin);
    return OK;
}

static enum status add_attribute_number(const struct attribute *attribute, struct collection *c)
{
    double *number = NULL;
    enum status status = memory_new(&number, c->products, sizeof *number);
    if (status != OK) return status;
    for (int64_t p = 0; p < c->products; p++) number[p] = (double)attribute->value[p];
    add_number(c, number);
    return OK;
}

/* ---- names ---- */

static bool has_words(const struct dictionary *names)
{
    for (int64_t n = 0; n < names->count; n++)
        if (strpbrk(dictionary_text(names, n), " -/,;_") != NULL) return true;
    return false;
}

static enum status add_texts(const struct dictionary *names, const int32_t *code,
                             struct collection *c)
{
    const char **text = NULL;
    enum status status = memory_new(&text, c->products, sizeof *text);
    if (status != OK) return status;
    for (int64_t p = 0; p < c->products; p++)
        text[p] = code[p] >= 0 ? dictionary_text(names, code[p]) : NULL;
    add_source(c, (struct content_source){.text = text}, text);
    return OK;
}

/* Names by their codes, -1 where missing; takes the array over. */
static enum status add_names(const struct dictionary *names, int32_t *code, struct collection *c)
{
    enum status status = OK;
    int64_t named = 0;
    for (int64_t p = 0; p < c->products; p++) named += code[p] >= 0;
    bool shared = 2 * names->count <= named;
    if (names->count > 1 && (!shared || has_words(names))) TRY(add_texts(names, code, c));
    if (names->count > 1 && shared) {
        add_source(c, (struct content_source){.level = code, .levels = names->count}, code);
        code = NULL;
    }
done:
    free(code);
    return status;
}

/* An empty name is none. */
static enum status add_codes(const struct dictionary *names, const int32_t *codes,
                             struct collection *c)
{
    int32_t *code = NULL;
    enum status status = memory_new(&code, c->products, sizeof *code);
    if (status != OK) return status;
    for (int64_t p = 0; p < c->products; p++)
        code[p] = *dictionary_text(names, codes[p]) != '\0' ? codes[p] : -1;
    return add_names(names, code, c);
}

static enum status add_attribute(const struct attribute *attribute, struct collection *c)
{
    int32_t *code = NULL;
    if (attribute->levels.count == 0) return add_attribute_number(attribute, c);
    enum status status = memory_new(&code, c->products, sizeof *code);
    if (status != OK) return status;
    for (int64_t p = 0; p < c->products; p++)
        code[p] = isfinite(attribute->value[p]) ? (int32_t)attribute->value[p] : -1;
    return add_names(&attribute->levels, code, c);
}

/* ---- together ---- */

enum status product_content_make(const struct dataset *dataset, int bits, struct content *content)
{
    enum status status = OK;
    const struct products *products = &dataset->products;
    struct collection c = {.products = products->count};
    *content = (struct content){0};
    TRY(add_codes(&products->category, products->category_code, &c));
    TRY(add_codes(&products->brand, products->brand_code, &c));
    TRY(add_price(products, &c));
    if (!dataset->assumed_cost) TRY(add_margin(products, &c));
    for (int64_t a = 0; a < products->attributes; a++)
        TRY(add_attribute(&products->attribute[a], &c));
    TRY(content_make(c.products, c.fields, c.source, bits, content));
done:
    for (int64_t f = 0; f < c.fields; f++) free(c.made[f]);
    return status;
}
