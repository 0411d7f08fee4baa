/**
 * The account of every row that was read: kept, rejected for a reason, netted, or left out with its
 * user; and rejects.csv, where each rejected row stands.
 *
 * A row may have several faults; it is rejected for the first one in the order below, and counted
 * under each. So "rejected" adds up with the rest to "read", and "with the fault" can be compared
 * with counts made of the file alone. Rows may be rejected where they are read or at the owners of
 * their users: rejects.csv has them in the order of the files.
 */
#ifndef REMISE_JOBS_REJECTS_H
#define REMISE_JOBS_REJECTS_H

#include "io/csv.h"
#include "io/text_file.h"
#include "partition/sorter.h"

/* reason, text; in the order of precedence. The first CSV_REASONS - 1 are those of io/csv.h. */
#define REJECT_LIST(X)                                                                   \
    X(wrong_fields, "not as many fields as the header has")                              \
    X(open_quote, "a quote opens and is never closed")                                   \
    X(text_after_quote, "text follows a closing quote")                                  \
    X(nul_byte, "holds a NUL byte")                                                      \
    X(not_utf8, "not valid UTF-8")                                                       \
    X(long_field, "a field longer than 1 MiB")                                           \
    X(long_row, "longer than 16 MiB")                                                    \
    X(missing_user, "no user id")                                                        \
    X(missing_product, "no product id")                                                  \
    X(missing_goods, "neither a product id nor a category")                              \
    X(long_name, "an id, category or brand of more than 1,024 bytes")                    \
    X(missing_time, "no time")                                                           \
    X(bad_time, "not a time from year 0 to 9999 (ISO 8601 or seconds since 1970)")       \
    X(bad_number, "not a number where one is needed")                                    \
    X(bad_kind, "not a kind of event (view, click, cart, purchase, return, rating)")     \
    X(bad_promotion, "not a kind of promotion (limited-time, coupon, membership)")       \
    X(ends_early, "an end before its start")                                             \
    X(zero_quantity, "quantity is zero or missing")                                      \
    X(quantity_above_limit, "quantity above ingest.max_quantity or 2,000,000")           \
    X(missing_price, "no unit price for a purchase")                                     \
    X(price_not_positive, "unit price not above ingest.min_price")                       \
    X(price_above_limit, "unit price above ingest.max_price")                            \
    X(no_rate, "a currency, or a day of one, that ingest.rates does not have")           \
    X(amount_above_limit, "price or line amount above 21 million")                       \
    X(bad_discount, "discount not in [0, 1)")                                            \
    X(outside_window, "time outside ingest.time_from to ingest.time_to")                 \
    X(return_row, "a return (negative quantity or kind return)")                         \
    X(early_feedback, "feedback before the offer was made")                              \
    X(late_feedback, "feedback later than ingest.feedback_days after the offer")         \
    X(unknown_user, "user not in the users table")                                       \
    X(unknown_product, "product not in the products table")                              \
    X(unknown_category, "category that no product has")                                  \
    X(repeat, "repeats an earlier row exactly")                                          \
    X(repeated_feedback, "the same user, product, time and discount as an earlier row, " \
                         "whose outcome takes it in")                                    \
    X(repeated_user, "a user who has an earlier row")                                    \
    X(unmatched_return, "a return without an earlier purchase")                          \
    X(outlier_price, "unit price far from the product's others (ingest.outliers.z)")     \
    X(outlier_quantity, "quantity far from the product's others (ingest.outliers.z)")

#define REJECT_ENUM(name, text) REJECT_##name,
/** Why a row is rejected: the names of REJECT_LIST. */
enum reject { REJECT_LIST(REJECT_ENUM) REJECTS };
#undef REJECT_ENUM

#define REJECT_BIT(reason) ((uint64_t)1 << (reason))

enum table {
    TABLE_PRODUCTS,
    TABLE_USERS,
    TABLE_EVENTS,
    TABLE_OFFERS,
    TABLE_LABELS,
    TABLE_PROMOTIONS,
    TABLES
};

enum { REJECT_VALUE_BYTES = 32 };

/* One table's account; of this rank until rejects_sum. */
struct account {
    int64_t read, kept;
    int64_t netted;            /* returns and the purchases they take back */
    int64_t left_out;          /* rows of users who refuse or are to be forgotten */
    int64_t faults[REJECTS];   /* rows with the fault */
    int64_t rejected[REJECTS]; /* rows rejected for it, the first one they had */
};

struct rejects {
    struct account account[TABLES];
    struct sorter *rows; /* of rejects.csv */
};

/** Begin. Local. memory_bytes and folder as for sorter_new. Errors: ERR_MEMORY. */
enum status rejects_init(struct rejects *rejects, int64_t memory_bytes, const char *folder);

/**
 * Note a rejected row. Local.
 * faults  in  bit i: enum reject i, not 0; the row is rejected for the lowest
 * place   in  jobs/shop_record.h
 * column  in  0-based, -1 for the row
 * value   in  what was at fault; never a user's id
 * Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status rejects_add(struct rejects *rejects, enum table table, uint64_t faults, uint64_t place,
                        int64_t column, const char *value, int64_t bytes);

/**
 * Note a row that is not well-formed, as read and rejected. Local.
 * Nothing of it is kept but how many fields it has, or the first wrong byte: the user's id may
 * stand anywhere in such a row. Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status rejects_add_malformed(struct rejects *rejects, enum table table,
                                  const struct csv_bad *bad);

/**
 * Sum the account of a table over the ranks and print it.
 * Collective; once.
 * Errors: ERR_BUG read != kept + rejected + netted + left out.
 */
enum status rejects_sum(const struct comm *comm, struct rejects *rejects, enum table table);

/**
 * Write rejects.csv under its name.
 * Collective. csv in [TABLES] for the names of files and columns; NULL where there is no such
 * table. Errors: ERR_WRITE, ERR_MEMORY.
 */
enum status rejects_write(const struct comm *comm, struct rejects *rejects,
                          struct csv *const csv[TABLES], const char *path);

/** Free; accepts a zeroed struct. Local. */
void rejects_clear(struct rejects *rejects);
/** As in rejects.csv; constant. Local. */
const char *reject_name(enum reject reason);
/** In words; constant. Local. */
const char *reject_text(enum reject reason);
/** As in the configuration; constant. Local. */
const char *table_name(enum table table);

/**
 * A value as far as it can be shown: numbers, times and short words as they are, of other texts
 * their length, since an id may stand in any column of a row that is wrong. Local.
 */
void reject_shape(char *to, const char *value, int64_t bytes);

/** As much of a value as fits into REJECT_VALUE_BYTES, whole characters, ended by 0. Local. */
void reject_value(char *to, const char *value, int64_t bytes);

#endif
