/* Prices after discount and the margin floor. */
#include "jobs/offerable.h"

#include <math.h>

int64_t offerable_list_cents(const struct products *products, int64_t product)
{
    return llround(100.0 * products->list_price[product]);
}

int64_t offerable_price_cents(const struct products *products, int64_t product, double discount)
{
    return llround((double)offerable_list_cents(products, product) * (1.0 - discount));
}

bool offerable_at(const struct products *products, int64_t product, double discount, double floor)
{
    double price = 0.01 * (double)offerable_price_cents(products, product, discount);
    double left = price * (1.0 - floor) - products->unit_cost[product];
    return price > 0.0 && left >= -1e-9; /* exactly at the floor is allowed */
}

bool offerable_product(const struct config *config, const struct products *products,
                       int64_t product)
{
    return offerable_at(products, product, 0.0, config_number(config, "allocate.margin_floor"));
}
