/* Columns of the products table to attributes of products. */
#include "jobs/product_attributes.h"

#include "io/parse.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- columns ---- */

static enum status add_attribute(struct product_attributes *attributes, const char *name,
                                 int64_t column)
{
    struct product_attribute *attribute = &attributes->attribute[attributes->count];
    for (int64_t a = 0; a < attributes->count; a++)
        if (strcmp(name, attributes->attribute[a].name) == 0)
            return FAIL(ERR_CONFIG, "products.attributes: %s is an attribute already; name it once",
                        name);
    attribute->name = strdup(name);
    attribute->column = column;
    attributes->count++;
    if (attribute->name == NULL) return FAIL(ERR_MEMORY, "no memory for attribute %s", name);
    return names_init(&attribute->texts);
}

enum status product_attributes_open(const struct config *config, const struct csv *csv, int64_t id,
                                    struct product_attributes *attributes)
{
    enum status status = OK;
    const char *const *names = NULL;
    int64_t count = config_texts(config, "products.attributes", &names);
    TRY(memory_new(&attributes->attribute, count, sizeof *attributes->attribute));
    for (int64_t a = 0; a < count; a++) {
        int64_t column = csv_column(csv, names[a]);
        if (column < 0)
            TRY(FAIL(
                ERR_CONFIG,
                "products.attributes: %s has no column \"%s\"; see its first line for the names",
                csv->path, names[a]));
        if (column == id)
            TRY(FAIL(ERR_CONFIG,
                     "products.attributes: %s is the product's id (products.columns.product_id), "
                     "which tells nothing of what it is; leave it out",
                     names[a]));
        TRY(add_attribute(attributes, names[a], column));
    }
done:
    return status;
}

void product_attributes_clear(struct product_attributes *attributes)
{
    for (int64_t a = 0; a < attributes->count; a++) {
        free(attributes->attribute[a].name);
        names_clear(&attributes->attribute[a].texts);
    }
    free(attributes->attribute);
    free(attributes->product);
    free(attributes->value);
    *attributes = (struct product_attributes){0};
}

/* ---- rows ---- */

/* Bytes of a text that are kept: no character of UTF-8 is cut in two. */
static size_t clip(const char *text, size_t bytes)
{
    if (bytes <= PRODUCT_TEXT_BYTES) return bytes;
    bytes = PRODUCT_TEXT_BYTES;
    while (bytes > 0 && ((unsigned char)text[bytes] & 0xC0) == 0x80) bytes--;
    return bytes;
}

static enum status take_value(struct product_attribute *attribute, const struct csv_field *field,
                              struct product_value *value)
{
    *value = (struct product_value){.number = NAN};
    if (parse_is_missing(field->text, field->bytes)) return OK;
    if (!parse_number(field->text, field->bytes, &value->number)) value->number = NAN;
    value->text = names_add(&attribute->texts, field->text, clip(field->text, field->bytes));
    return value->text != 0 ? OK : FAIL(ERR_MEMORY, "no memory for attributes of products");
}

enum status product_attributes_add(struct product_attributes *attributes, uint64_t product,
                                   const struct csv_row *row)
{
    enum status status = OK;
    int64_t count = attributes->count;
    if (count == 0) return OK;
    if (attributes->rows == attributes->capacity) {
        int64_t capacity = attributes->capacity > 0 ? 2 * attributes->capacity : 1024;
        TRY(memory_grow(&attributes->value, attributes->rows * count, capacity * count,
                        sizeof *attributes->value));
        TRY(memory_grow(&attributes->product, attributes->rows, capacity,
                        sizeof *attributes->product));
        attributes->capacity = capacity;
    }
    struct product_value *value = attributes->value + attributes->rows * count;
    for (int64_t a = 0; a < count; a++)
        TRY(take_value(&attributes->attribute[a], &row->field[attributes->attribute[a].column],
                       &value[a]));
    attributes->product[attributes->rows++] = product;
done:
    return status;
}

/* ---- all ranks' ---- */

/* What one attribute is settled from and to. */
struct settling {
    struct product_attributes *attributes;
    int64_t a;
    const struct names *products;
    const int32_t *code;
    int64_t met; /* products under their first codes */
    struct attribute *to;
};

static const struct product_value *value_of(const struct settling *s, int64_t row)
{
    return s->attributes->value + row * s->attributes->count + s->a;
}

static bool has_text(const struct comm *comm, const struct settling *s)
{
    int64_t text = 0;
    for (int64_t r = 0; r < s->attributes->rows; r++)
        text |= value_of(s, r)->text != 0 && isnan(value_of(s, r)->number);
    comm_max_int64(comm, &text, 1);
    return text != 0;
}

static enum status settle_numbers(const struct comm *comm, const struct settling *s)
{
    enum status status = OK;
    double *most = NULL;
    TRY_ALL(comm, memory_new(&most, s->met, sizeof *most));
    for (int64_t p = 0; p < s->met; p++) most[p] = -INFINITY;
    for (int64_t r = 0; r < s->attributes->rows; r++) {
        int32_t p = names_code(s->products, s->attributes->product[r]);
        double number = value_of(s, r)->number;
        if (number > most[p]) most[p] = number;
    }
    comm_max_double(comm, most, s->met);
    for (int64_t p = 0; p < s->met; p++) {
        if (s->code[p] < 0 || isinf(most[p])) continue;
        s->to->value[s->code[p]] = (float)most[p];
        if (isinf(s->to->value[s->code[p]]))
            TRY(FAIL(ERR_DATA,
                     "products.attributes: %s has a number beyond single precision (3.4e38); mend "
                     "it, or leave it out",
                     s->to->name));
    }
done:
    free(most);
    return status;
}

/* held[product] = highest code of its texts, -1 none */
static void find_texts(const struct comm *comm, const struct settling *s, const struct names *texts,
                       int32_t *held)
{
    for (int64_t p = 0; p < s->met; p++) held[p] = -1;
    for (int64_t r = 0; r < s->attributes->rows; r++) {
        int32_t p = names_code(s->products, s->attributes->product[r]);
        int32_t text = names_code(texts, value_of(s, r)->text);
        if (text > held[p]) held[p] = text;
    }
    names_join(comm, held, s->met);
}

static enum status settle_texts(const struct comm *comm, const struct settling *s)
{
    enum status status = OK;
    struct names *texts = &s->attributes->attribute[s->a].texts;
    int32_t *held = NULL, *level = NULL;
    uint8_t *used = NULL;
    TRY(names_settle(comm, texts));
    TRY_ALL(comm, memory_new(&held, s->met, sizeof *held));
    TRY_ALL(comm, memory_new(&used, texts->dictionary.count, 1));
    find_texts(comm, s, texts, held);
    for (int64_t p = 0; p < s->met; p++)
        if (s->code[p] >= 0 && held[p] >= 0) used[held[p]] = 1;
    TRY(names_keep(comm, texts, used, &level));
    for (int64_t p = 0; p < s->met; p++)
        if (s->code[p] >= 0 && held[p] >= 0) s->to->value[s->code[p]] = (float)level[held[p]];
    s->to->levels = texts->dictionary;
    texts->dictionary = (struct dictionary){0};
done:
    free(held);
    free(used);
    free(level);
    return status;
}

static enum status settle_attribute(const struct comm *comm, const struct settling *s,
                                    int64_t products)
{
    enum status status = OK;
    struct product_attribute *from = &s->attributes->attribute[s->a];
    TRY_ALL(comm, memory_new(&s->to->value, products, sizeof *s->to->value));
    for (int64_t p = 0; p < products; p++) s->to->value[p] = NAN;
    s->to->name = from->name;
    from->name = NULL;
    TRY(has_text(comm, s) ? settle_texts(comm, s) : settle_numbers(comm, s));
    names_clear(&from->texts);
done:
    return status;
}

enum status product_attributes_finish(const struct comm *comm,
                                      struct product_attributes *attributes,
                                      const struct names *products, int64_t met,
                                      const int32_t *code, struct products *to)
{
    enum status status = OK;
    TRY_ALL(comm, memory_new(&to->attribute, attributes->count, sizeof *to->attribute));
    to->attributes = attributes->count;
    for (int64_t a = 0; a < attributes->count; a++) {
        const struct settling settling = {attributes, a, products, code, met, &to->attribute[a]};
        TRY(settle_attribute(comm, &settling, to->count));
    }
done:
    return status;
}
