/* Columns of events, offers and series. */
#include "io/dataset_columns.h"

#include <stddef.h>

#define EVENT(field) offsetof(struct event_row, field), offsetof(struct events, field)
#define OFFER(field) offsetof(struct offer_row, field), offsetof(struct offers, field)
#define SERIES(field) offsetof(struct series_row, field), offsetof(struct series, field)

const struct dataset_columns dataset_columns[ROWS_KINDS] = {
    {sizeof(struct event_row),
     7,
     {{{"events/product", STORE_I32, 1, "", "row of products/"}, EVENT(product)},
      {{"events/time", STORE_I64, 1, "s since 1970", "when"}, EVENT(time)},
      {{"events/kind", STORE_U8, 1, "", "0 view 1 click 2 cart 3 purchase 4 return 5 rating"},
       EVENT(kind)},
      {{"events/quantity", STORE_I32, 1, "1/1000", "how much"}, EVENT(quantity_milli)},
      {{"events/paid", STORE_I32, 1, "cents", "line amount after discounts"}, EVENT(paid_cents)},
      {{"events/list", STORE_I32, 1, "cents", "line amount before discounts"}, EVENT(list_cents)},
      {{PROMOTION_COLUMN, STORE_U8, 1, "", "1 where the line was sold on a promotion"},
       EVENT(promotion)}}},
    {sizeof(struct offer_row),
     6,
     {{{"offers/product", STORE_I32, 1, "", "row of products/"}, OFFER(product)},
      {{"offers/time", STORE_I64, 1, "s since 1970", "when"}, OFFER(time)},
      {{"offers/discount", STORE_F32, 1, "fraction", "discount offered"}, OFFER(discount)},
      {{"offers/propensity", STORE_F32, 1, "", "probability of that discount, NaN unknown"},
       OFFER(propensity)},
      {{"offers/flags", STORE_U8, 1, "", "1 shown + 2 clicked + 4 redeemed"}, OFFER(flags)},
      {{"offers/revenue", STORE_I32, 1, "cents", "paid because of it"}, OFFER(revenue_cents)}}},
    {sizeof(struct series_row),
     5,
     {{{"series/product", STORE_I32, 1, "", "row of products/, ascending"},
       offsetof(struct series_row, product),
       NO_ARRAY},
      {{"series/week", STORE_I32, 1, "weeks", "since Monday 1969-12-29, ascending in a product"},
       SERIES(week)},
      {{"series/quantity", STORE_I64, 1, "1/1000", "bought in the week"}, SERIES(quantity_milli)},
      {{"series/paid", STORE_I64, 1, "cents", "amount after discounts"}, SERIES(paid_cents)},
      {{"series/list", STORE_I64, 1, "cents", "amount before discounts"}, SERIES(list_cents)}}}};
