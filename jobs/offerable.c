/* Prices after discount, and the floors below which they must not fall. */
#include "jobs/offerable.h"

#include "jobs/rounding.h"

#include <math.h>

int64_t offerable_list_cents(const struct products *products, int64_t product)
{
    return rounded(100.0 * products->list_price[product]);
}

int64_t offerable_price_cents(const struct products *products, int64_t product, double discount)
{
    return rounded((double)offerable_list_cents(products, product) * (1.0 - discount));
}

double offerable_margin_floor(const struct products *products, int64_t product, double floor)
{
    double own = products->margin_floor != NULL ? products->margin_floor[product] : (double)NAN;
    return isnan(own) ? floor : own;
}

bool offerable_keeps_margin(const struct products *products, int64_t product, int64_t price_cents,
                            double floor)
{
    double price = 0.01 * (double)price_cents;
    double part = 1.0 - offerable_margin_floor(products, product, floor);
    double left = price * part - products->unit_cost[product];
    return price > 0.0 && left >= -1e-9; /* exactly at the floor is allowed */
}

bool offerable_keeps_price(const struct products *products, int64_t product, int64_t price_cents)
{
    if (products->price_floor == NULL) return true;
    return (double)price_cents >= 100.0 * products->price_floor[product] - 1e-7;
}

bool offerable_at(const struct products *products, int64_t product, double discount, double floor)
{
    int64_t price = offerable_price_cents(products, product, discount);
    return offerable_keeps_margin(products, product, price, floor) &&
           offerable_keeps_price(products, product, price);
}

bool offerable_product(const struct config *config, const struct products *products,
                       int64_t product)
{
    if (products->stock != NULL && products->stock[product] == 0.0) return false;
    return offerable_at(products, product, 0.0, config_number(config, "allocate.margin_floor"));
}
