/* Reading and writing numbers and times, without the locale. */
#include "io/parse.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct text {
    const char *at, *end;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct text trimmed(const char *text, size_t bytes)
{
    struct text t = {text, text + bytes};
    while (t.at < t.end && blank(*t.at)) t.at++;
    while (t.at < t.end && blank(t.end[-1])) t.end--;
    return t;
}

bool parse_is_missing(const char *text, size_t bytes)
{
    struct text t = trimmed(text, bytes);
    return t.at == t.end || (t.end - t.at == 2 && t.at[0] == 'N' && t.at[1] == 'A');
}

bool parse_not_finite(const char *text, size_t bytes, double *value)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    struct text t = trimmed(text, bytes);
    bool minus = t.at < t.end && *t.at == '-';
    if (t.at < t.end && (minus || *t.at == '+')) t.at++;
    size_t length = (size_t)(t.end - t.at);
    for (int w = 0; w < 3; w++) {
        if (length != strlen(words[w]) || strncasecmp(t.at, words[w], length) != 0) continue;
        *value = w == 0 ? NAN : minus ? -INFINITY : INFINITY;
        return true;
    }
    return false;
}

/* ---- eight characters at once, the first in the lowest byte ---- */

#define EACH(byte) (0x0101010101010101u * (uint64_t)(unsigned char)(byte))

static inline uint64_t load(const char *text, size_t bytes)
{
    uint64_t x = 0;
    memcpy(&x, text, bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

/* One to eight digits as bytes 0 to 9 at the right of eight, zeros before them; no byte beyond the
 * text is read. Other characters become other bytes. */
static inline uint64_t right_aligned(const char *text, size_t bytes)
{
    if (bytes == 8) return load(text, 8) ^ EACH('0');
    size_t missing = 64 - 8 * bytes;
    uint64_t x = 0;
    if (bytes >= 4)
        x = load(text, 4) << missing | load(text + bytes - 4, 4) << 32;
    else
        x = (load(text, 1) | load(text + bytes / 2, 1) << 8 * (bytes / 2)) << missing |
            load(text + bytes - 1, 1) << 56;
    return x ^ EACH('0') << missing;
}

/* The top bit of the bytes of x that equal c. */
static inline uint64_t equal_bytes(uint64_t x, int c)
{
    x ^= EACH(c);
    return ~(((x & EACH(0x7f)) + EACH(0x7f)) | x | EACH(0x7f));
}

/* Whether all bytes are 0 to 9. */
static inline bool all_digits(uint64_t x)
{
    return ((x | (x + EACH(0x76))) & EACH(0x80)) == 0;
}

/* Bytes 0 to 9 as a number, the lowest byte first. */
static inline uint64_t eight_digits(uint64_t x)
{
    x = (x * 10 + (x >> 8)) & 0x00ff00ff00ff00ffu;
    x = (x * 100 + (x >> 16)) & 0x0000ffff0000ffffu;
    return (x * 10000 + (x >> 32)) & 0xffffffffu;
}

/* ---- numbers ---- */

/* +- digits x 10^exponent */
struct decimal {
    uint64_t digits;
    int64_t exponent;
    int64_t count; /* digits without leading zeros; digits is only whole up to 19 */
    bool negative;
};

/* Digits up to the next other character; returns how many. */
static int64_t read_digits(struct text *t, struct decimal *d)
{
    const char *start = t->at;
    for (; t->at < t->end && digit(*t->at); t->at++) {
        d->digits = d->digits * 10 + (uint64_t)(*t->at - '0');
        d->count += d->count > 0 || *t->at != '0';
    }
    return t->at - start;
}

static bool read_exponent(struct text *t, struct decimal *d)
{
    int64_t value = 0;
    t->at++;
    bool negative = t->at < t->end && *t->at == '-';
    if (t->at < t->end && (*t->at == '-' || *t->at == '+')) t->at++;
    const char *start = t->at;
    for (; t->at < t->end && digit(*t->at); t->at++)
        if (value < 100000) value = value * 10 + (*t->at - '0');
    d->exponent += negative ? -value : value;
    return t->at > start;
}

/* The whole of a text as a decimal; false if it is none. */
static bool read_decimal(struct text t, struct decimal *d)
{
    *d = (struct decimal){0, 0, 0, false};
    if (t.at < t.end && (*t.at == '-' || *t.at == '+')) d->negative = *t.at++ == '-';
    int64_t whole = read_digits(&t, d), behind = 0;
    if (t.at < t.end && *t.at == '.') {
        t.at++;
        behind = read_digits(&t, d);
        d->exponent = -behind;
    }
    if (whole + behind == 0) return false;
    if (t.at < t.end && (*t.at == 'e' || *t.at == 'E') && !read_exponent(&t, d)) return false;
    return t.at == t.end;
}

static const double exact_power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* digits and 10^|exponent| are exact doubles, so one operation rounds once (Clinger 1990). */
static bool round_small(const struct decimal *d, double *value)
{
    if (d->count > 19 || d->digits > (uint64_t)1 << 53 || d->exponent < -22 || d->exponent > 22)
        return false;
    double x = (double)d->digits;
    *value = d->exponent < 0 ? x / exact_power[-d->exponent] : x * exact_power[d->exponent];
    return true;
}

/* The same in 64-bit mantissas: the one rounding there is harmless to the second one, to double,
 * unless it may have landed on the middle between two doubles. */
static bool round_long(const struct decimal *d, double *value)
{
#if LDBL_MANT_DIG == 64
    static const long double power[] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,
                                        1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
                                        1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L,
                                        1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
    if (d->count > 19 || d->exponent < -27 || d->exponent > 27) return false;
    long double x = (long double)d->digits;
    x = d->exponent < 0 ? x / power[-d->exponent] : x * power[d->exponent];
    uint64_t mantissa = 0;
    memcpy(&mantissa, &x, sizeof mantissa);
    if ((mantissa & 0x7ff) == 0x400) return false;
    *value = (double)x;
    return true;
#else
    (void)d, (void)value;
    return false;
#endif
}

/* Any number of digits, by strtod on a copy that ends with 0. */
static bool round_any(struct text t, double *value)
{
    char small[128], *copy = small;
    size_t bytes = (size_t)(t.end - t.at);
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (bytes >= sizeof small) copy = malloc(bytes + 1);
    bool able = copy != NULL && plain != (locale_t)0;
    if (able) {
        memcpy(copy, t.at, bytes);
        copy[bytes] = 0;
        *value = strtod_l(copy, NULL, plain);
    }
    if (copy != small) free(copy);
    if (plain != (locale_t)0) freelocale(plain);
    return able;
}

/* What most fields are, in one loop: up to 16 of digits, point and sign, and nothing else. */
static inline bool read_common(const char *text, size_t bytes, double *value)
{
    bool negative = bytes > 0 && text[0] == '-';
    size_t at = negative, decimals = 0, digits = 0;
    uint64_t units = 0;
    if (bytes > 16) return false;
    for (; at < bytes; at++) {
        unsigned next = (unsigned)(text[at] - '0');
        if (next > 9) break;
        units = units * 10 + next;
    }
    digits = at - negative;
    if (at < bytes && text[at] == '.') {
        size_t first = ++at;
        for (; at < bytes; at++) {
            unsigned next = (unsigned)(text[at] - '0');
            if (next > 9) break;
            units = units * 10 + next;
        }
        decimals = at - first;
        digits += decimals;
    }
    if (at < bytes || digits == 0 || units > (uint64_t)1 << 53) return false;
    double x = decimals > 0 ? (double)units / exact_power[decimals] : (double)units;
    *value = negative ? -x : x;
    return true;
}

/* What nearly all are: up to eight of digits and a point; the digits before it move over it. */
static inline bool read_short(const char *text, size_t bytes, double *value)
{
    if (bytes - 1 > 7) return false;
    uint64_t digits = right_aligned(text, bytes), point = equal_bytes(digits, '.' ^ '0');
    int decimals = 0;
    if (point != 0) {
        uint64_t unit = (point & -point) >> 7; /* the lowest bit of the point's byte */
        decimals = 7 - __builtin_ctzll(unit) / 8;
        digits = (digits & (unit - 1)) << 8 | (digits & -(unit << 8));
        if (bytes == 1) return false;
    }
    if (!all_digits(digits)) return false;
    double x = (double)(int64_t)eight_digits(digits);
    *value = decimals > 0 ? x / exact_power[decimals] : x;
    return true;
}

/* Whatever is a number, or is none. */
static __attribute__((noinline)) bool read_any(const char *text, size_t bytes, double *value)
{
    if (read_common(text, bytes, value)) return true;
    struct text t = trimmed(text, bytes);
    struct decimal d;
    double x = 0.0;
    if (!read_decimal(t, &d)) return false;
    if (round_small(&d, &x) || round_long(&d, &x)) {
        *value = d.negative ? -x : x;
        return true;
    }
    if (!round_any(t, &x) || isinf(x)) return false;
    *value = x;
    return true;
}

bool parse_number(const char *text, size_t bytes, double *value)
{
    return read_short(text, bytes, value) || read_any(text, bytes, value);
}

/* ---- times ---- */

static bool read_fixed(struct text *t, int digits, int64_t *value)
{
    *value = 0;
    if (t->end - t->at < digits) return false;
    for (int i = 0; i < digits; i++) {
        if (!digit(t->at[i])) return false;
        *value = *value * 10 + (t->at[i] - '0');
    }
    t->at += digits;
    return true;
}

static bool read_char(struct text *t, char c)
{
    bool there = t->at < t->end && *t->at == c;
    t->at += there;
    return there;
}

static int64_t divide_down(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days from 1970-01-01 to a date: years from March, so that leap days come last, and 400 more, so
 * that none is negative. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year += 400 - (month <= 2);
    int64_t leap_days = year / 4 - year / 100 + year / 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return year * 365 + leap_days + day_of_year - (719468 + 146097);
}

static bool date_exists(int64_t year, int64_t month, int64_t day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12 || day < 1) return false;
    return day <= days[month - 1] + (month == 2 && leap);
}

static bool read_date(struct text *t, int64_t *seconds)
{
    int64_t year = 0, month = 0, day = 0;
    if (!read_fixed(t, 4, &year) || !read_char(t, '-') || !read_fixed(t, 2, &month) ||
        !read_char(t, '-') || !read_fixed(t, 2, &day) || !date_exists(year, month, day))
        return false;
    *seconds = days_of(year, month, day) * 86400;
    return true;
}

static bool read_clock(struct text *t, int64_t *seconds)
{
    int64_t hour = 0, minute = 0, second = 0;
    if (!read_fixed(t, 2, &hour) || !read_char(t, ':') || !read_fixed(t, 2, &minute)) return false;
    if (read_char(t, ':')) {
        if (!read_fixed(t, 2, &second)) return false;
        if (read_char(t, '.')) {
            const char *start = t->at;
            while (t->at < t->end && digit(*t->at)) t->at++;
            if (t->at == start) return false;
        }
    }
    if (hour > 23 || minute > 59 || second > 59) return false;
    *seconds += hour * 3600 + minute * 60 + second;
    return true;
}

static bool read_zone(struct text *t, int64_t *seconds)
{
    int64_t hour = 0, minute = 0;
    if (t->at == t->end || read_char(t, 'Z')) return true;
    bool west = *t->at == '-';
    if (!read_char(t, west ? '-' : '+') || !read_fixed(t, 2, &hour)) return false;
    if (t->at < t->end) {
        read_char(t, ':');
        if (!read_fixed(t, 2, &minute)) return false;
    }
    if (hour > 23 || minute > 59) return false;
    int64_t ahead = hour * 3600 + minute * 60;
    *seconds += west ? ahead : -ahead;
    return true;
}

/* Seconds since 1970, rounded down. */
static bool read_epoch(struct text t, int64_t *seconds)
{
    double value = 0.0;
    if (!parse_number(t.at, (size_t)(t.end - t.at), &value)) return false;
    value = floor(value);
    if (fabs(value) > 0x1p53) return false;
    *seconds = (int64_t)value;
    return true;
}

/* What nearly all are: YYYY-MM-DD HH:MM:SS, without a zone or with Z. */
static inline bool read_common_time(const char *text, size_t bytes, int64_t *seconds)
{
    bool zoned = bytes == 20 && text[19] == 'Z';
    if ((bytes != 19 && !zoned) || (text[10] != ' ' && text[10] != 'T')) return false;
    uint64_t date = load(text, 8) ^ 0x2d30302d30303030u;       /* "0000-00-", to digits and zeros */
    uint64_t day = load(text + 8, 2) ^ 0x3030u;                /* "00" */
    uint64_t clock = load(text + 11, 8) ^ 0x30303a30303a3030u; /* "00:00:00" */
    uint64_t marks = (date & 0xff0000ff00000000u) | (clock & 0x0000ff0000ff0000u);
    if (marks != 0 || !all_digits(date) || !all_digits(clock) || !all_digits(day)) return false;
    date = date * 10 + (date >> 8); /* two digits in the byte of the first */
    clock = clock * 10 + (clock >> 8);
    day = day * 10 + (day >> 8);
    int64_t year = (int64_t)(date & 0xff) * 100 + (int64_t)(date >> 16 & 0xff);
    int64_t month = (int64_t)(date >> 40 & 0xff), second = (int64_t)(clock >> 48 & 0xff);
    int64_t hour = (int64_t)(clock & 0xff), minute = (int64_t)(clock >> 24 & 0xff);
    if (!date_exists(year, month, (int64_t)(day & 0xff)) || hour > 23 || minute > 59 || second > 59)
        return false;
    *seconds =
        days_of(year, month, (int64_t)(day & 0xff)) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

static __attribute__((noinline)) bool read_any_time(const char *text, size_t bytes,
                                                    int64_t *seconds)
{
    struct text t = trimmed(text, bytes);
    int64_t result = 0;
    bool dated = t.end - t.at >= 10 && t.at[4] == '-';
    if (!dated) return read_epoch(t, seconds);
    if (!read_date(&t, &result)) return false;
    if (t.at < t.end) {
        if (!read_char(&t, 'T') && !read_char(&t, ' ')) return false;
        if (!read_clock(&t, &result) || !read_zone(&t, &result)) return false;
    }
    if (t.at != t.end) return false;
    *seconds = result;
    return true;
}

bool parse_time(const char *text, size_t bytes, int64_t *seconds)
{
    return read_common_time(text, bytes, seconds) || read_any_time(text, bytes, seconds);
}

/* ---- writing ---- */

static size_t write_unsigned(uint64_t value, int least_digits, char *text)
{
    char reversed[24];
    int count = 0;
    for (; value != 0 || count < least_digits; value /= 10)
        reversed[count++] = (char)('0' + value % 10);
    for (int i = 0; i < count; i++) text[i] = reversed[count - 1 - i];
    return (size_t)count;
}

/* At most six decimals and 15 digits: what %.15g would write, without printf. */
static size_t format_short(double value, char *text)
{
    static const double power[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    static const uint64_t whole_power[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    double size = fabs(value);
    if (!(size < 1e15) || (size < 1e-4 && size != 0.0)) return 0;
    for (int decimals = 0; decimals <= 6; decimals++) {
        double scaled = rint(size * power[decimals]);
        if (scaled >= 1e15) return 0;
        if (scaled / power[decimals] != size) continue;
        uint64_t units = (uint64_t)scaled;
        size_t at = 0;
        if (signbit(value)) text[at++] = '-';
        at += write_unsigned(units / whole_power[decimals], 1, text + at);
        if (decimals > 0) text[at++] = '.';
        if (decimals > 0) at += write_unsigned(units % whole_power[decimals], decimals, text + at);
        text[at] = 0;
        return at;
    }
    return 0;
}

size_t format_number(double value, char *text)
{
    text[0] = 0;
    if (isnan(value)) return 0;
    size_t length = format_short(value, text);
    for (int digits = 15; length == 0; digits++) {
        double back = 0.0;
        size_t written = (size_t)snprintf(text, NUMBER_TEXT_BYTES, "%.*g", digits, value);
        char *point = isfinite(value) ? strpbrk(text, ",") : NULL; /* a locale's decimal comma */
        if (point != NULL) *point = '.';
        if (digits == 17 || isinf(value) || (parse_number(text, written, &back) && back == value))
            length = written;
    }
    return length;
}

size_t format_time(int64_t seconds, char *text)
{
    int64_t days = divide_down(seconds, 86400), clock = seconds - days * 86400;
    if (days < days_of(0, 1, 1) || days > days_of(9999, 12, 31))
        return (size_t)snprintf(text, TIME_TEXT_BYTES, "%lld", (long long)seconds);
    int64_t shifted = days + 719468, era = divide_down(shifted, 146097),
            of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t day_of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* from March */
    int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
    month += month < 10 ? 3 : -9;
    year += era * 400 + (month <= 2);
    return (size_t)snprintf(text, TIME_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year,
                            (int)month, (int)day, (int)(clock / 3600), (int)(clock / 60 % 60),
                            (int)(clock % 60));
}
