/**
 * The money of one product at one discount level, in whole cents as it will be printed.
 */
#ifndef REMISE_JOBS_OFFERABLE_H
#define REMISE_JOBS_OFFERABLE_H

#include "io/dataset.h"
#include "jobs/config.h"

/** List price in cents. Local. */
int64_t offerable_list_cents(const struct products *products, int64_t product);
/** The price after a discount (fraction), rounded to the cent. Local. */
int64_t offerable_price_cents(const struct products *products, int64_t product, double discount);

/** The product's own margin floor, `floor` where it has none. Local. */
double offerable_margin_floor(const struct products *products, int64_t product, double floor);

/**
 * Does price - cost >= margin floor x price hold at this printed price, with the cost as given and
 * `floor` for products without a margin floor of their own? Local.
 */
bool offerable_keeps_margin(const struct products *products, int64_t product, int64_t price_cents,
                            double floor);

/** Is the printed price at or above the product's price floor? Local. */
bool offerable_keeps_price(const struct products *products, int64_t product, int64_t price_cents);

/** Are both floors kept at this discount? Local. */
bool offerable_at(const struct products *products, int64_t product, double discount, double floor);

/**
 * Can the product be offered at all: a known price that keeps both floors without a discount, and a
 * stock that is not 0? Local.
 */
bool offerable_product(const struct config *config, const struct products *products,
                       int64_t product);

#endif
