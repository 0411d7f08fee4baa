/**
 * JSON on a page of text, for parts that are shown as they are: an object as facts, a list of
 * objects as a table, names with blanks for underscores. All local.
 */
#ifndef REMISE_JOBS_PAGE_JSON_H
#define REMISE_JOBS_PAGE_JSON_H

#include "jobs/page.h"

#include <jansson.h>

/** A number or NAN. */
double page_json_number(const json_t *object, const char *key);

struct page_text {
    char text[512];
};
/** One value as a short text: "1,234", "yes", "a, b, c", "-" for null. Local. */
struct page_text page_json_scalar(const json_t *value);

/** A value of any shape, below a heading of its name where it has parts. */
void page_json(struct page *page, const char *name, const json_t *value);

/** A list of objects as a table, its columns the fields of all that are no lists or objects. */
void page_json_table(struct page *page, const json_t *list);

#endif
