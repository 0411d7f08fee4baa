/**
 * What stands in each column of a table, before anything is cleaned: how many values are missing,
 * how many are numbers not above 0, and how many different ones there are. For people who map
 * columns, and against published counts.
 */
#ifndef REMISE_JOBS_COLUMN_FACTS_H
#define REMISE_JOBS_COLUMN_FACTS_H

#include "io/csv.h"

enum { COLUMN_DISTINCT_MAX = 65536 };

struct column_facts {
    int64_t columns;
    int64_t distinct_max; /* COLUMN_DISTINCT_MAX; may be lowered before the first row */
    struct column_fact {
        int64_t missing;  /* empty, blanks or NA */
        int64_t low;      /* numbers not above 0 */
        int64_t distinct; /* values that are not missing, up to distinct_max + 1 */
        int64_t slots;    /* a power of 2 */
        uint64_t *slot;   /* [slots] hashes of the values, 0: free */
    } * column;           /* [columns] */
};

/** Begin. Local. Errors: ERR_MEMORY. */
enum status column_facts_init(struct column_facts *facts, int64_t columns);

/** Take a row in. Local. Errors: ERR_MEMORY. Cost: about 10 ns a field. */
enum status column_facts_add(struct column_facts *facts, const struct csv_row *row);

/**
 * Join the facts of all ranks, and print them.
 * Collective.
 * Memory: up to 512 KiB for each rank while a column is joined.
 * Errors: ERR_MEMORY.
 */
enum status column_facts_report(const struct comm *comm, struct column_facts *facts,
                                const struct csv *csv);

/** Free; accepts a zeroed struct. Local. */
void column_facts_clear(struct column_facts *facts);

#endif
