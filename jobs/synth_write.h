/**
 * The rows of a synthetic shop's files as text: a buffer, fast numbers, one function per table.
 *
 * Rows of users, events and offers are written by the million, so numbers are put digit by digit,
 * without printf. Every put_* function needs room made by synth_text_reserve before.
 */
#ifndef REMISE_JOBS_SYNTH_WRITE_H
#define REMISE_JOBS_SYNTH_WRITE_H

#include "jobs/synth_history.h"

struct synth_text {
    char *text; /* [capacity], not ended by 0 */
    int64_t bytes, capacity;
};

/* How ids and days are written in one shop. */
struct synth_format {
    int user_digits, product_digits;
    char (*day)[12]; /* [days] "2023-01-02" from two years before the history to its end */
};

/** Free with synth_format_clear. Local. Errors: ERR_MEMORY. */
enum status synth_format_init(struct synth_format *format, const struct synth_options *opt);
/** Free; accepts a zeroed struct. Local. */
void synth_format_clear(struct synth_format *format);

/** Make room for `bytes` more. Local. Free with synth_text_clear. Errors: ERR_MEMORY. */
enum status synth_text_reserve(struct synth_text *text, int64_t bytes);
/** Free; accepts a zeroed struct. Local. */
void synth_text_clear(struct synth_text *text);

/** Append formatted text, making room; for what is written once. Local. Errors: ERR_MEMORY. */
enum status synth_text_print(struct synth_text *text, const char *layout, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Append one user's rows: to users.csv, events.csv, offers.csv and truth/users.csv. Local.
 * Errors: ERR_MEMORY.
 */
enum status synth_put_user(const struct synth_format *format, const struct synth_user *user,
                           struct synth_text *text);
enum status synth_put_events(const struct synth_shop *shop, const struct synth_format *format,
                             const struct synth_user *user, const struct synth_history *history,
                             struct synth_text *text);
enum status synth_put_offers(const struct synth_shop *shop, const struct synth_format *format,
                             const struct synth_user *user, const struct synth_history *history,
                             struct synth_text *text);
enum status synth_put_truth(const struct synth_shop *shop, const struct synth_format *format,
                            const struct synth_user *user, struct synth_text *text);

/**
 * Append whole files: products.csv, truth/products.csv, truth/categories.csv. Local.
 * Errors: ERR_MEMORY.
 */
enum status synth_put_products(const struct synth_shop *shop, const struct synth_format *format,
                               struct synth_text *text);
enum status synth_put_product_truth(const struct synth_shop *shop,
                                    const struct synth_format *format, struct synth_text *text);
enum status synth_put_category_truth(const struct synth_shop *shop, struct synth_text *text);

/** Append the header rows of the tables of users. Local. Errors: ERR_MEMORY. */
enum status synth_put_truth_header(const struct synth_shop *shop, struct synth_text *text);

/** Append truth/truth.json and remise.yaml. Local. Errors: ERR_MEMORY. */
enum status synth_put_truth_json(const struct synth_shop *shop, struct synth_text *text);
enum status synth_put_configuration(const struct synth_shop *shop, const struct synth_pilot *pilot,
                                    struct synth_text *text);

#endif
