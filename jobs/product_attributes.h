/**
 * The attributes of products while tables are read: columns of the products table that
 * `products.attributes` names, numbers where every value is one and texts elsewhere.
 *
 * Products are few beside users, so that values stay in memory on the rank that read them until
 * codes are final, and every rank then has those of all products.
 */
#ifndef REMISE_JOBS_PRODUCT_ATTRIBUTES_H
#define REMISE_JOBS_PRODUCT_ATTRIBUTES_H

#include "io/dataset.h"
#include "jobs/ingest_names.h"
#include "jobs/mapping.h"

enum { PRODUCT_TEXT_BYTES = 256 }; /* of a longer text no more is kept */

struct product_attribute {
    char *name;
    int64_t column;     /* of the products table */
    struct names texts; /* met here */
};

struct product_value {
    double number; /* NaN where the text is none */
    uint64_t text; /* hash; 0 where missing */
};

struct product_attributes {
    int64_t count;
    struct product_attribute *attribute; /* [count] */
    int64_t rows, capacity;
    uint64_t *product;           /* [rows] hash of the product's name, of rows that were kept */
    struct product_value *value; /* [rows][count] */
};

/**
 * Find the columns in the header of the table. Local; the same result on every rank.
 * id  in  column of the product's id
 * Errors: ERR_CONFIG a column that is not there, is named twice, or is the id; ERR_MEMORY.
 */
enum status product_attributes_open(const struct config *config, const struct csv *csv, int64_t id,
                                    struct product_attributes *attributes);
/** Free; accepts a zeroed struct. Local. */
void product_attributes_clear(struct product_attributes *attributes);

/** Take the values of one row, of the product of this hash. Local. Errors: ERR_MEMORY. */
enum status product_attributes_add(struct product_attributes *attributes, uint64_t product,
                                   const struct csv_row *row);

/**
 * Settle texts and numbers; where rows of a product disagree, the highest counts.
 * Collective.
 * products    in     names of the products, settled
 * code        in     [met] final code of each product under its first one, -1: left out
 * to          inout  `count` of the products stands; attributes out
 * Memory: 16 bytes for each name met, one attribute at a time, and what `to` holds.
 * Errors: ERR_DATA a number beyond single precision; those of names_settle.
 */
enum status product_attributes_finish(const struct comm *comm,
                                      struct product_attributes *attributes,
                                      const struct names *products, int64_t met,
                                      const int32_t *code, struct products *to);

#endif
