/* Turns a synthetic shop into the text of its files. */
#include "jobs/synth_write.h"

#include "mpi/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAYS_BEFORE = 730, FIRST_DAY = 19359 /* 2023-01-02 since 1970 */, DAY_SECONDS = 86400 };
enum {
    USER_BYTES = 128,
    EVENT_BYTES = 128,
    OFFER_BYTES = 128,
    TRUTH_BYTES = 128 + 12 * SYNTH_CATEGORIES
};

/* ---- a buffer and what goes into it ---- */

enum status synth_text_reserve(struct synth_text *text, int64_t bytes)
{
    int64_t wanted = text->bytes + bytes;
    if (wanted <= text->capacity) return OK;
    enum status status = memory_grow(&text->text, text->bytes, 2 * wanted, 1);
    if (status == OK) text->capacity = 2 * wanted;
    return status;
}

void synth_text_clear(struct synth_text *text)
{
    free(text->text);
    *text = (struct synth_text){0};
}

enum status synth_text_print(struct synth_text *text, const char *layout, ...)
{
    va_list args, again;
    va_start(args, layout);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, layout, args);
    enum status status = synth_text_reserve(text, (int64_t)length + 1);
    if (status == OK) vsnprintf(text->text + text->bytes, (size_t)length + 1, layout, again);
    if (status == OK) text->bytes += length;
    va_end(again);
    va_end(args);
    return status;
}

static inline void put_char(struct synth_text *text, char c)
{
    text->text[text->bytes++] = c;
}

static inline void put_bytes(struct synth_text *text, const char *from, size_t bytes)
{
    memcpy(text->text + text->bytes, from, bytes);
    text->bytes += (int64_t)bytes;
}

static inline void put_text(struct synth_text *text, const char *from)
{
    put_bytes(text, from, strlen(from));
}

/* value >= 0 in exactly `digits` digits */
static inline void put_digits(struct synth_text *text, int64_t value, int digits)
{
    char *at = text->text + text->bytes;
    for (int i = digits - 1; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
    text->bytes += digits;
}

static inline int count_digits(int64_t value)
{
    int digits = 1;
    while (value >= 10) {
        value /= 10;
        digits++;
    }
    return digits;
}

static inline void put_number(struct synth_text *text, int64_t value)
{
    put_digits(text, value, count_digits(value));
}

static inline void put_cents(struct synth_text *text, int64_t cents)
{
    put_number(text, cents / 100);
    put_char(text, '.');
    put_digits(text, cents % 100, 2);
}

/* 0, 0.05, 0.3 */
static inline void put_percent(struct synth_text *text, int percent)
{
    put_char(text, '0');
    if (percent == 0) return;
    put_char(text, '.');
    put_digits(text, percent / 10, 1);
    if (percent % 10 != 0) put_digits(text, percent % 10, 1);
}

static inline void put_parameter(struct synth_text *text, int32_t value)
{
    if (value < 0) put_char(text, '-');
    int64_t size = value < 0 ? -(int64_t)value : value;
    put_number(text, size / 10000);
    put_char(text, '.');
    put_digits(text, size % 10000, 4);
}

static inline void put_flag(struct synth_text *text, bool flag)
{
    put_char(text, ',');
    put_char(text, flag ? '1' : '0');
}

/* ---- ids and times ---- */

/* The calendar date of a day since 1970, by counting eras of 400 years from 0000-03-01. */
static void write_day(int64_t day, char out[12])
{
    int64_t shifted = day + 719468, era = shifted / 146097, of_era = shifted % 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * of_year + 2) / 153;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    struct synth_text text = {.text = out};
    put_digits(&text, era * 400 + year_of_era + (month <= 2 ? 1 : 0), 4);
    put_char(&text, '-');
    put_digits(&text, month, 2);
    put_char(&text, '-');
    put_digits(&text, of_year - (153 * month_from_march + 2) / 5 + 1, 2);
}

static int at_least(int digits, int64_t count)
{
    int needed = count_digits(count - 1);
    return needed > digits ? needed : digits;
}

enum status synth_format_init(struct synth_format *format, const struct synth_options *opt)
{
    *format = (struct synth_format){at_least(7, opt->users), at_least(4, opt->products), NULL};
    int64_t days = DAYS_BEFORE + 7 * opt->weeks;
    enum status status = memory_new(&format->day, days, sizeof *format->day);
    for (int64_t d = 0; d < days && status == OK; d++)
        write_day(FIRST_DAY - DAYS_BEFORE + d, format->day[d]);
    return status;
}

void synth_format_clear(struct synth_format *format)
{
    free(format->day);
    *format = (struct synth_format){0};
}

static inline void put_user_id(const struct synth_format *format, int64_t user,
                               struct synth_text *text)
{
    put_char(text, 'u');
    put_digits(text, user, format->user_digits);
}

static inline void put_product_id(const struct synth_format *format, int64_t product,
                                  struct synth_text *text)
{
    put_char(text, 'p');
    put_digits(text, product, format->product_digits);
}

static inline void put_day(const struct synth_format *format, int64_t day, struct synth_text *text)
{
    put_bytes(text, format->day[DAYS_BEFORE + day], 10);
}

static inline void put_time(const struct synth_format *format, int32_t second,
                            struct synth_text *text)
{
    int32_t of_day = second % DAY_SECONDS;
    put_day(format, second / DAY_SECONDS, text);
    put_char(text, 'T');
    put_digits(text, of_day / 3600, 2);
    put_char(text, ':');
    put_digits(text, of_day / 60 % 60, 2);
    put_char(text, ':');
    put_digits(text, of_day % 60, 2);
}

/* ---- rows of users ---- */

static int64_t paid_cents(const struct synth_product *product, int percent)
{
    return ((int64_t)product->price_cents * (100 - percent) + 50) / 100;
}

enum status synth_put_user(const struct synth_format *format, const struct synth_user *user,
                           struct synth_text *text)
{
    static const char *const markets[] = {"north", "east", "south", "west"};
    enum status status = synth_text_reserve(text, USER_BYTES);
    if (status != OK) return status;
    put_user_id(format, user->number, text);
    put_char(text, ',');
    put_number(text, user->age);
    put_char(text, ',');
    put_number(text, user->income);
    put_char(text, ',');
    put_number(text, user->household);
    put_char(text, ',');
    put_text(text, markets[user->market]);
    put_char(text, ',');
    put_day(format, user->joined_day, text);
    put_text(text, user->group == 0 ? ",a\n" : ",b\n");
    return OK;
}

enum status synth_put_events(const struct synth_shop *shop, const struct synth_format *format,
                             const struct synth_user *user, const struct synth_history *history,
                             struct synth_text *text)
{
    static const char *const kinds[] = {",view,", ",cart,", ",purchase,", ",return,"};
    enum status status = synth_text_reserve(text, history->events * EVENT_BYTES);
    if (status != OK) return status;
    for (int64_t j = 0; j < history->events; j++) {
        const struct synth_event *event = &history->event[j];
        put_user_id(format, user->number, text);
        put_char(text, ',');
        put_product_id(format, event->product, text);
        put_char(text, ',');
        put_time(format, event->second, text);
        put_text(text, kinds[event->kind]);
        put_number(text, event->quantity);
        put_char(text, ',');
        put_cents(text, paid_cents(&shop->product[event->product], event->percent));
        put_char(text, ',');
        put_percent(text, event->percent);
        put_char(text, '\n');
    }
    return OK;
}

enum status synth_put_offers(const struct synth_shop *shop, const struct synth_format *format,
                             const struct synth_user *user, const struct synth_history *history,
                             struct synth_text *text)
{
    enum status status = synth_text_reserve(text, history->offers * OFFER_BYTES);
    if (status != OK) return status;
    for (int64_t j = 0; j < history->offers; j++) {
        const struct synth_offer *offer = &history->offer[j];
        int64_t paid = paid_cents(&shop->product[offer->product], offer->percent);
        put_user_id(format, user->number, text);
        put_char(text, ',');
        put_product_id(format, offer->product, text);
        put_char(text, ',');
        put_time(format, offer->second, text);
        put_char(text, ',');
        put_percent(text, offer->percent);
        put_text(text, offer->propensity < 1000000 ? ",0." : ",1.");
        put_digits(text, offer->propensity % 1000000, 6);
        put_flag(text, offer->shown);
        put_flag(text, offer->clicked);
        put_flag(text, offer->redeemed);
        put_flag(text, offer->redeemed); /* quantity: an offer is for one unit */
        put_char(text, ',');
        put_cents(text, offer->redeemed ? paid : 0);
        put_char(text, '\n');
    }
    return OK;
}

enum status synth_put_truth(const struct synth_shop *shop, const struct synth_format *format,
                            const struct synth_user *user, struct synth_text *text)
{
    enum status status = synth_text_reserve(text, TRUTH_BYTES);
    if (status != OK) return status;
    put_user_id(format, user->number, text);
    put_char(text, ',');
    put_number(text, user->type);
    const int32_t own[] = {user->activity, user->sensitivity, user->residual};
    for (size_t j = 0; j < sizeof own / sizeof *own; j++) {
        put_char(text, ',');
        put_parameter(text, own[j]);
    }
    for (int c = 0; c < shop->categories; c++) {
        put_char(text, ',');
        put_parameter(text, user->taste[c]);
    }
    put_char(text, '\n');
    return OK;
}
