/**
 * What an HDF5 file of columns holds, without reading the columns.
 */
#ifndef REMISE_IO_STORE_LIST_H
#define REMISE_IO_STORE_LIST_H

#include "io/store.h"

enum { STORE_FACT_BYTES = 256 };

/* A data set. */
struct store_facts {
    char name[STORE_FACT_BYTES], unit[STORE_FACT_BYTES], help[STORE_FACT_BYTES];
    char type[32]; /* "float64", "text of 32 bytes" */
    int64_t rows, width;
    int64_t offset; /* byte of the file where its values begin, -1: in pieces, or nowhere */
    int64_t bytes;
};

/** Take one data set; anything but OK ends the list. */
typedef enum status store_on_facts(void *context, const struct store_facts *facts);

/** All data sets of an open file, by name. Local. Errors: the callback's; ERR_IO. */
enum status store_list(const struct store *store, store_on_facts *on_facts, void *context);

#endif
