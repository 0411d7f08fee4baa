/**
 * The account of every row that was read: kept, or rejected for a reason, and which faults it had.
 *
 * A row may have several faults; it is rejected for the first one in the order below, and counted
 * under each. So "rejected" adds up with "kept" to "read", and "with the fault" can be compared
 * with counts made of the file alone.
 */
#ifndef REMISE_JOBS_REJECTS_H
#define REMISE_JOBS_REJECTS_H

#include "io/csv.h"
#include "io/text_file.h"

/* reason, text; in the order of precedence */
#define REJECT_LIST(X)                                                               \
    X(malformed, "not well-formed CSV")                                              \
    X(missing_user, "no user id")                                                    \
    X(missing_product, "no product id")                                              \
    X(long_name, "an id, category or brand of more than 1,024 bytes")                \
    X(missing_time, "no time")                                                       \
    X(bad_time, "not a time from year 0 to 9999 (ISO 8601 or seconds since 1970)")   \
    X(bad_number, "not a number where one is needed")                                \
    X(bad_kind, "not a kind of event (view, click, cart, purchase, return, rating)") \
    X(return_row, "a return (negative quantity or kind return)")                     \
    X(zero_quantity, "quantity is zero or missing")                                  \
    X(quantity_above_limit, "quantity above ingest.max_quantity or 2,000,000")       \
    X(missing_price, "no unit price for a purchase")                                 \
    X(price_not_positive, "unit price not above ingest.min_price")                   \
    X(amount_above_limit, "price or line amount above 21 million")                   \
    X(bad_discount, "discount not in [0, 1)")                                        \
    X(repeat, "repeats an earlier row exactly")

#define REJECT_ENUM(name, text) REJECT_##name,
enum reject { REJECT_LIST(REJECT_ENUM) REJECTS };
#undef REJECT_ENUM

struct reject_entry {
    int64_t line;
    int32_t column; /* 0-based, -1 for the row */
    uint8_t reason; /* enum reject */
    char value[27];
};

/* One table's account on one rank; totals over all ranks after rejects_close. */
struct rejects {
    int64_t read, kept;
    int64_t faults[REJECTS];   /* rows with the fault */
    int64_t rejected[REJECTS]; /* rows rejected for it, the first one they had */
    int64_t entries, capacity;
    struct reject_entry *entry;
};

/**
 * Note a row with faults (bit i: enum reject i, not 0): it is rejected for the lowest. Local.
 * Errors: ERR_MEMORY.
 */
enum status rejects_add(struct rejects *rejects, uint32_t faults, int64_t line, int64_t column,
                        const char *value, int64_t bytes);

/** Note a row that is not well-formed, as read and rejected. Local. Errors: ERR_MEMORY. */
enum status rejects_add_malformed(struct rejects *rejects, const struct csv_bad *bad);

/**
 * Sum the account over the ranks, append the rows to rejects.csv in the order of the file, print
 * the account.
 * Collective. Empties the entries.
 * Errors: ERR_BUG read != kept + rejected; ERR_WRITE.
 */
enum status rejects_close(const struct comm *comm, struct rejects *rejects, const struct csv *csv,
                          const char *table, struct text_file *file);

void rejects_clear(struct rejects *rejects); /**< Free; accepts a zeroed struct. Local. */
const char *reject_name(enum reject reason); /**< As in rejects.csv; constant. Local. */
const char *reject_text(enum reject reason); /**< In words; constant. Local. */

#endif
