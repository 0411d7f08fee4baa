/**
 * The products of a shop as vectors of what they are (algorithms/content.h): categories, brands,
 * prices, margins and the attributes that `products.attributes` names.
 */
#ifndef REMISE_JOBS_PRODUCT_CONTENT_H
#define REMISE_JOBS_PRODUCT_CONTENT_H

#include "algorithms/content.h"
#include "io/dataset.h"

/**
 * Make the vectors of all products. Local; free with content_clear.
 * A name that several products share is a level; one of several words, or of one product alone, is
 * a text. A field that is the same for all products is left out; so are fields beyond
 * CONTENT_FIELDS_MAX, those of the last attributes.
 * bits     in   2^bits dimensions for a hashed field
 * content  out  there may be no field in it
 * Errors: ERR_MEMORY; those of content_make.
 */
enum status product_content_make(const struct dataset *dataset, int bits, struct content *content);

#endif
