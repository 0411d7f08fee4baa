/**
 * The columns of dataset.h5 that rows of events, offers and series are split into: declared once,
 * written from the structs of rows, read into the structs of arrays.
 */
#ifndef REMISE_IO_DATASET_COLUMNS_H
#define REMISE_IO_DATASET_COLUMNS_H

#include "io/dataset.h"

enum { DATASET_COLUMNS = 7 };

/* Written into the file; a file with another text is of another version. */
#define DATASET_FORMAT "remise data set 3"

/* The rows a table of the file is made of. */
enum dataset_rows { ROWS_EVENTS, ROWS_OFFERS, ROWS_SERIES, ROWS_KINDS };

struct dataset_column {
    struct store_column column;
    size_t row;   /* offset of the field in struct event_row, ... */
    size_t array; /* offset of the array in struct events, ...; NO_ARRAY where there is none */
};

#define NO_ARRAY SIZE_MAX

/* The last column of events is in files of shops that tell of promotions only. */
#define PROMOTION_COLUMN "events/promotion"

/* In files of shops that label users only. */
#define LABEL_COLUMN "users/label"
#define PRICE_FLOOR_COLUMN "products/price_floor"
#define MARGIN_FLOOR_COLUMN "products/margin_floor"
#define STOCK_COLUMN "products/stock"

struct dataset_columns {
    size_t row_bytes;
    int count;
    struct dataset_column column[DATASET_COLUMNS];
};

extern const struct dataset_columns dataset_columns[ROWS_KINDS];

#endif
