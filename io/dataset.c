/* The data set in memory. */
#include "io/dataset.h"

#include "io/parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void attribute_clear(struct attribute *attribute)
{
    free(attribute->name);
    dictionary_clear(&attribute->levels);
    free(attribute->value);
    *attribute = (struct attribute){0};
}

static void attributes_clear(struct attribute *attribute, int64_t count)
{
    for (int64_t a = 0; attribute != NULL && a < count; a++) attribute_clear(&attribute[a]);
    free(attribute);
}

void products_clear(struct products *products)
{
    dictionary_clear(&products->id);
    dictionary_clear(&products->category);
    dictionary_clear(&products->brand);
    free(products->category_code);
    free(products->brand_code);
    free(products->list_price);
    free(products->unit_cost);
    free(products->price_floor);
    free(products->margin_floor);
    free(products->stock);
    attributes_clear(products->attribute, products->attributes);
    *products = (struct products){0};
}

void users_clear(struct users *users)
{
    blocks_clear(&users->blocks);
    free(users->key);
    attributes_clear(users->attribute, users->attributes);
    attribute_clear(&users->group);
    free(users->label);
    *users = (struct users){0};
}

void events_clear(struct events *events)
{
    free(events->start);
    free(events->product);
    free(events->time);
    free(events->kind);
    free(events->quantity_milli);
    free(events->paid_cents);
    free(events->list_cents);
    free(events->promotion);
    *events = (struct events){0};
}

void offers_clear(struct offers *offers)
{
    free(offers->start);
    free(offers->product);
    free(offers->time);
    free(offers->discount);
    free(offers->propensity);
    free(offers->flags);
    free(offers->revenue_cents);
    *offers = (struct offers){0};
}

void series_clear(struct series *series)
{
    free(series->start);
    free(series->week);
    free(series->quantity_milli);
    free(series->paid_cents);
    free(series->list_cents);
    *series = (struct series){0};
}

void dataset_free(struct dataset **dataset)
{
    if (*dataset == NULL) return;
    products_clear(&(*dataset)->products);
    promotions_clear(&(*dataset)->promotions);
    users_clear(&(*dataset)->users);
    events_clear(&(*dataset)->events);
    offers_clear(&(*dataset)->offers);
    series_clear(&(*dataset)->series);
    free(*dataset);
    *dataset = NULL;
}

const struct attribute *users_attribute(const struct users *users, const char *name)
{
    for (int64_t a = 0; a < users->attributes; a++)
        if (strcmp(users->attribute[a].name, name) == 0) return &users->attribute[a];
    return NULL;
}

const struct attribute *users_market(const struct users *users)
{
    return users_attribute(users, "market");
}

const char *attribute_text(const struct attribute *attribute, int64_t row, char *room)
{
    float value = attribute->value[row];
    if (isnan(value)) return NULL;
    if (attribute->levels.count > 0) return dictionary_text(&attribute->levels, (int64_t)value);
    format_number((double)value, room);
    return room;
}

int64_t dataset_bytes(const struct dataset *dataset)
{
    enum { EVENT_BYTES = 25, OFFER_BYTES = 25, SERIES_BYTES = 28 };
    const struct users *users = &dataset->users;
    int64_t count = users->blocks.rows_local, bytes = count * (int64_t)sizeof *users->key;
    if (users->attribute != NULL) bytes += 4 * count * users->attributes;
    if (users->group.value != NULL) bytes += 4 * count;
    if (users->label != NULL) bytes += 4 * count;
    if (dataset->events.start != NULL)
        bytes += 8 * count + EVENT_BYTES * dataset->events.start[count];
    if (dataset->events.promotion != NULL) bytes += dataset->events.start[count];
    if (dataset->offers.start != NULL)
        bytes += 8 * count + OFFER_BYTES * dataset->offers.start[count];
    if (dataset->series.start != NULL)
        bytes += SERIES_BYTES * dataset->series.start[dataset->series.products];
    return bytes;
}
