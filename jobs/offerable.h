/**
 * The money of one product at one discount level, in whole cents as it will be printed.
 */
#ifndef REMISE_JOBS_OFFERABLE_H
#define REMISE_JOBS_OFFERABLE_H

#include "io/dataset.h"
#include "jobs/config.h"

/** List price in cents, and the price after a discount (fraction), rounded to the cent. Local. */
int64_t offerable_list_cents(const struct products *products, int64_t product);
int64_t offerable_price_cents(const struct products *products, int64_t product, double discount);

/**
 * Does price - cost >= floor x price hold at this discount? Local. On the printed price, with the
 * cost as given.
 */
bool offerable_at(const struct products *products, int64_t product, double discount, double floor);

/**
 * Can the product be offered at all: a known price that keeps allocate.margin_floor without a
 * discount? Local.
 */
bool offerable_product(const struct config *config, const struct products *products,
                       int64_t product);

#endif
