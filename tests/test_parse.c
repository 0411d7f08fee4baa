/* Numbers and times: goldens of Python (tests/goldens/parse.py), refusals, round trips. */
#include "tests/harness.h"

#include "io/parse.h"
#include "partition/random.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool number_is(const char *text, double expected)
{
    double value = -1.0;
    return parse_number(text, strlen(text), &value) && memcmp(&value, &expected, sizeof value) == 0;
}

static bool no_number(const char *text)
{
    double value = 0.0;
    return !parse_number(text, strlen(text), &value);
}

static bool time_is(const char *text, int64_t expected)
{
    int64_t seconds = -1;
    bool is = parse_time(text, strlen(text), &seconds) && seconds == expected;
    if (!is) fprintf(stderr, "%s: %lld\n", text, (long long)seconds);
    return is;
}

static bool no_time(const char *text)
{
    int64_t seconds = 0;
    return !parse_time(text, strlen(text), &seconds);
}

static void known_numbers(void **state)
{
    (void)state;
    assert_all(number_is("1", 1.0) && number_is(" -2.5\t", -2.5) && number_is("+.5", 0.5));
    assert_all(number_is("7.", 7.0) && number_is("-0", -0.0) && number_is("1E3", 1000.0));
    assert_all(number_is("000000000000000000000000001", 1.0) && number_is("0e999999999999", 0.0));
    assert_all(number_is("1e-400", 0.0) && number_is("-1e-99999999999999999999", -0.0));
    double value = 0.0;
    assert_all(parse_number("12345", 2, &value) && value == 12.0);
}

static void no_numbers(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        ".",
                                        "-",
                                        "+.",
                                        "1.2.3",
                                        "1e",
                                        "1e+",
                                        "e5",
                                        "0x10",
                                        "1 2",
                                        "12a",
                                        "1,5",
                                        "inf",
                                        "nan",
                                        "NA",
                                        "--1",
                                        "1e400",
                                        "-1e309",
                                        "$1",
                                        "1_000",
                                        "\xc2\xa0"
                                        "1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_all(no_number(texts[i]));
    double value = 0.0;
    assert_all(!parse_number("1\0002", 3, &value));
}

/* By Python's float. */
static const struct {
    const char *text;
    uint64_t bits;
} golden_number[] = {
    {"0.1", 0x3fb999999999999a},
    {"1e23", 0x44b52d02c7e14af6},
    {"8.5e22", 0x44b1ffdbf6b2b2eb},
    {"9007199254740993", 0x4340000000000000},
    {"9007199254740992.5", 0x4340000000000000},
    {"1.8342344712102672", 0x3ffd59063eb0b406},
    {"5e-324", 0x0000000000000001},
    {"6.02214076e23", 0x44dfe185ca57c517},
    {"2.4703282292062327e-324", 0x0000000000000000},
    {"2.4703282292062328e-324", 0x0000000000000001},
    {"1.7976931348623157e308", 0x7fefffffffffffff},
    {"2.2250738585072011e-308", 0x000fffffffffffff},
    {"123456789012345678", 0x437b69b4ba630f35},
    {"0.000000000000000000000000000123456789012345678", 0x3a239000987328e8},
    {"7450580596923828125e-27", 0x3e40000000000000},
    {"9223372036854775808", 0x43e0000000000000},
    {"18446744073709551615", 0x43f0000000000000},
    {"4503599627370496.5", 0x4330000000000000},
    {"4503599627370497.5", 0x4330000000000002},
    {"1152921504606846977", 0x43b0000000000000},
    {"1152921504606847104", 0x43b0000000000000},
    {"1152921504606847232", 0x43b0000000000001},
    {"45807302.157368193036", 0x4185d7b631424a41},
    {"1.29972", 0x3ff4cba732df505d},
    {"322.4538e-17", 0x3ced0b474590e99d},
    {"6405.622", 0x40b9059f3b645a1d},
    {"99095.14547", 0x40f8317253d859c9},
    {"204056.0865690702", 0x4108e8c0b14b1feb},
    {"58584719540.6135", 0x422b47d7c1693a1d},
    {"8145421.24e-20", 0x3d36ed650286bbed},
    {"19.", 0x4033000000000000},
    {"9547620.0", 0x416235ec80000000},
    {"926.12", 0x408cf0f5c28f5c29},
    {".64e18", 0x43a1c37937e08000},
    {"87.7574", 0x4055f0793dd97f63},
    {"16.827", 0x4030d3b645a1cac1},
    {"4888515904.584744e-18", 0x3e34fefae680222e},
    {"7.e1", 0x4051800000000000},
    {"74.8554565", 0x4052b6bfcc9ea9a4},
    {"828235741.62e34", 0x48d7c4ea4bf30df8},
    {"64984.03297923207320215", 0x40efbb010e2a7666},
    {"06756919335.0564618e-36", 0x3a80bab4d84b56ef},
    {"414885945266985722.96", 0x439707e246b7c36c},
    {".91506e1", 0x40224d1b71758e22},
    {"8259666374766.2994474", 0x429e0c69ebc1b933},
    {".7427019734", 0x3fe7c436edcdaf68},
    {"7.", 0x401c000000000000},
    {"3.7e-21", 0x3bb17906894d82dd},
    {"4797.891024e28", 0x4682eca1c2e54602},
    {"9480.7559200", 0x40c28460c1fc8f32},
    {"183066997.6763471406947", 0x41a5d2c2eb5a4a2c},
    {"8758269801341.105", 0x429fdcc63dcdf46c},
    {"70113912472292621930816.", 0x44adb1c3ffd43df0},
    {".99e11", 0x42370cdc1e000000},
    {"061.59", 0x404ecb851eb851ec},
    {"50242984889.3418344823e18", 0x45e44b00bc8eb073},
    {"220519.0118973", 0x410aeb38185d9c93},
    {"1808602631.1", 0x41daf34581c66666},
    {"96.534e38", 0x483c5e6936675e45},
    {"66254658099.3", 0x422eda2bb466999a},
    {"1.00", 0x3ff0000000000000},
    {"77.", 0x4053400000000000},
};

static void golden_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden_number / sizeof *golden_number; i++) {
        double expected = 0.0;
        memcpy(&expected, &golden_number[i].bits, sizeof expected);
        assert_all(number_is(golden_number[i].text, expected));
    }
}

/* Every path of rounding gives what strtod gives. */
static void as_strtod(void **state)
{
    (void)state;
    bool same = true;
    for (uint64_t i = 0; i < 20000 && same; i++) {
        char text[64];
        uint32_t bits[4];
        random_bits(1, RANDOM_TEST, i, 0, bits);
        uint64_t digits = ((uint64_t)bits[0] << 32 | bits[1]) >> (bits[2] & 63);
        int exponent = (int)(bits[3] & 63) - 31;
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits, exponent);
        same = number_is(text, strtod(text, NULL));
        if (!same) fprintf(stderr, "%s\n", text);
    }
    assert_all(same);
}

/* Whether a text is [blanks][sign]digits with at most one point[exponent][blanks]. */
static bool is_number(const char *text)
{
    const char *at = text + strspn(text, " \t");
    at += *at == '+' || *at == '-';
    size_t whole = strspn(at, "0123456789"), point = at[whole] == '.';
    size_t behind = point ? strspn(at + whole + 1, "0123456789") : 0;
    if (whole + behind == 0) return false;
    at += whole + point + behind;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        size_t digits = strspn(at, "0123456789");
        if (digits == 0) return false;
        at += digits;
    }
    return at[strspn(at, " \t")] == 0;
}

/* Short texts take a faster way than long ones: many of all kinds, each ended by what is not its
 * own. */
static void short_texts(void **state)
{
    (void)state;
    static const char letters[] = "0123456789012345678901234567890123456789.....--+ eE:/\x8f\xb0";
    uint64_t kinds = sizeof letters - 1;
    bool same = true;
    for (uint64_t i = (uint64_t)world.rank; i < 400000 && same; i += (uint64_t)world.ranks) {
        char text[32];
        size_t bytes = random_below(1, RANDOM_TEST, i, 0, 19);
        for (size_t j = 0; j < bytes; j++)
            text[j] = letters[random_below(1, RANDOM_TEST, i, j + 1, i % 2 ? 42 : kinds)];
        text[bytes] = 0;
        double value = 0.0, expected = strtod(text, NULL);
        bool good = is_number(text) && isfinite(expected), read = parse_number(text, bytes, &value);
        same = read == good && (!good || memcmp(&value, &expected, sizeof value) == 0);
        text[bytes] = '7'; /* is not looked at */
        same = same && parse_number(text, bytes, &value) == good;
        if (!same) fprintf(stderr, "%.*s: %d %.17g\n", (int)bytes, text, read, value);
    }
    assert_all(same);
}

static void missing(void **state)
{
    (void)state;
    assert_all(parse_is_missing("", 0) && parse_is_missing("  ", 2) && parse_is_missing(" NA ", 4));
    assert_all(!parse_is_missing("N", 1) && !parse_is_missing("NAN", 3) &&
               !parse_is_missing("0", 1));
}

static void not_finite(void **state)
{
    (void)state;
    double value = 0;
    assert_all(parse_not_finite("NaN", 3, &value) && isnan(value));
    assert_all(parse_not_finite(" -inf ", 6, &value) && value == -INFINITY);
    assert_all(parse_not_finite("+Infinity", 9, &value) && value == INFINITY);
    assert_all(!parse_not_finite("nano", 4, &value) && !parse_not_finite("in", 2, &value) &&
               !parse_not_finite("", 0, &value) && !parse_not_finite("+", 1, &value) &&
               !parse_not_finite("1", 1, &value));
}

static void golden_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } golden[] = {
        {"1970-01-01", 0},
        {"2000-02-29", 951782400},
        {"1900-03-01", -2203891200},
        {"0001-01-01", -62135596800},
        {"9999-12-31T23:59:59", 253402300799},
        {"2010-12-01 08:26:00", 1291191960},
        {"2017-01-28 14:06:53", 1485612413},
        {"1969-12-31T23:59:59Z", -1},
        {"2024-02-29T12:00:00+05:30", 1709188200},
        {"2024-02-29T12:00:00-08:00", 1709236800},
    };
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
        assert_all(time_is(golden[i].text, golden[i].seconds));
}

static void known_times(void **state)
{
    (void)state;
    assert_all(time_is("1485612413", 1485612413) && time_is("-1.5", -2));
    assert_all(time_is("20170301", 20170301));
    assert_all(time_is(" 1970-01-02T00:00 ", 86400) && time_is("1970-01-01 00:00:09.999Z", 9));
    assert_all(time_is("1970-01-01T05:30:00+0530", 0) && time_is("1969-12-31T22:00:00-02", 0));
}

static void no_times(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "NA",
                                        "2023-02-29",
                                        "1900-02-29",
                                        "2017-13-01",
                                        "2017-00-10",
                                        "2017-04-31",
                                        "2017-01-00",
                                        "2017-1-1",
                                        "2017-01-01T",
                                        "2017-01-01T24:00:00",
                                        "2017-01-01 10",
                                        "2017-01-01 10:60",
                                        "2017-01-01 10:00:60",
                                        "2017-01-01 10:00:00.",
                                        "2017-01-01 10:00:00+1",
                                        "2017-01-01 10:00:00 UTC",
                                        "2017-01-01x",
                                        "01/02/2017",
                                        "1e17",
                                        "2017-01-01T10:00:00+24:00",
                                        "2017-01-01+01:00"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_all(no_time(texts[i]));
}

/* ---- writing ---- */

static bool written(double value, const char *expected)
{
    char text[NUMBER_TEXT_BYTES];
    size_t length = format_number(value, text);
    if (strcmp(text, expected) != 0) fprintf(stderr, "%s instead of %s\n", text, expected);
    return strcmp(text, expected) == 0 && length == strlen(expected);
}

/* Dates and clocks in and out of their bounds, some with another character in them. */
static void random_times(void **state)
{
    (void)state;
    static const int bound[] = {10000, 14, 33, 26, 62, 62};
    bool same = true;
    for (uint64_t i = (uint64_t)world.rank; i < 200000 && same; i += (uint64_t)world.ranks) {
        int part[6];
        char text[64];
        for (uint64_t p = 0; p < 6; p++)
            part[p] = (int)random_below(2, RANDOM_TEST, i, p, (uint64_t)bound[p]);
        struct tm clock = {.tm_year = part[0] - 1900,
                           .tm_mon = part[1] - 1,
                           .tm_mday = part[2],
                           .tm_hour = part[3],
                           .tm_min = part[4],
                           .tm_sec = part[5]};
        snprintf(text, sizeof text, "%04d-%02d-%02d%c%02d:%02d:%02d%s", part[0], part[1], part[2],
                 i % 2 ? ' ' : 'T', part[3], part[4], part[5], i % 3 ? "" : "Z");
        int64_t expected = (int64_t)timegm(&clock), seconds = 0; /* normalises what is not there */
        bool good = clock.tm_mon + 1 == part[1] && clock.tm_mday == part[2] &&
                    clock.tm_hour == part[3] && clock.tm_min == part[4] && clock.tm_sec == part[5];
        if (i % 5 == 0) {
            char other = "/.;@\x8d x"[random_below(2, RANDOM_TEST, i, 7, 7)];
            good = false;
            text[random_below(2, RANDOM_TEST, i, 6, 10)] = other;
        }
        bool read = parse_time(text, strlen(text), &seconds);
        same = read == good && (!good || seconds == expected);
        if (!same) fprintf(stderr, "%s: %d %lld\n", text, read, (long long)seconds);
    }
    assert_all(same);
}

static void written_numbers(void **state)
{
    (void)state;
    assert_all(written(0.0, "0") && written(-0.0, "-0") && written(0.1, "0.1"));
    assert_all(written(1e15, "1e+15") && written(123456789012345.0, "123456789012345"));
    assert_all(written(0.1 + 0.2, "0.30000000000000004") && written(1.0 / 3, "0.3333333333333333"));
    assert_all(written(1e-5, "1e-05") && written(0.0001, "0.0001") && written(19.99, "19.99"));
    assert_all(written(1e300, "1e+300") && written(5e-324, "4.94065645841247e-324"));
    assert_all(written(NAN, "") && written(INFINITY, "inf") && written(-INFINITY, "-inf"));
}

/* Money, numbers of all sizes, any bits. */
static double some_number(uint64_t i)
{
    double u = random_uniform(2, RANDOM_TEST, i, 0), value = 0.0;
    uint32_t bits[4];
    random_bits(3, RANDOM_TEST, i, 0, bits);
    if (i % 3 == 0) return rint(u * 1e6) / 100.0;
    if (i % 3 == 1) return (u - 0.5) * ldexp(1.0, (int)(bits[0] % 120) - 60);
    memcpy(&value, bits, sizeof value);
    return isfinite(value) ? value : 0.0;
}

/* What is written reads back, and is what the fewest of 15, 16, 17 digits give. */
static void round_trips(void **state)
{
    (void)state;
    bool same = true;
    for (uint64_t i = 0; i < 20000 && same; i++) {
        char text[NUMBER_TEXT_BYTES], expected[NUMBER_TEXT_BYTES];
        double value = some_number(i);
        format_number(value, text);
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(expected, sizeof expected, "%.*g", digits, value);
            if (strtod(expected, NULL) == value) break;
        }
        same = number_is(text, value) && strcmp(text, expected) == 0;
        if (!same) fprintf(stderr, "%s instead of %s\n", text, expected);
    }
    assert_all(same);
}

static void written_times(void **state)
{
    (void)state;
    char text[TIME_TEXT_BYTES];
    bool same = true;
    assert_all(format_time(0, text) == 20 && strcmp(text, "1970-01-01T00:00:00Z") == 0);
    assert_all(format_time(-1, text) == 20 && strcmp(text, "1969-12-31T23:59:59Z") == 0);
    assert_all(format_time(951782400, text) == 20 && strcmp(text, "2000-02-29T00:00:00Z") == 0);
    assert_all(format_time(253402300800, text) == 12 && strcmp(text, "253402300800") == 0);
    for (int64_t seconds = -62167219200; seconds < 253402300800 && same; seconds += 7654321)
        same = format_time(seconds, text) == 20 && time_is(text, seconds);
    assert_all(same);
}

/* A locale with a decimal comma changes nothing, where one is installed. */
static void any_locale(void **state)
{
    (void)state;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL) setlocale(LC_ALL, "fr_FR.UTF-8");
    assert_all(number_is("1.8342344712102672", 1.8342344712102672));
    assert_all(number_is("1.5e-300", 1.5e-300));
    assert_all(written(1.0 / 3, "0.3333333333333333") && written(1.5e-300, "1.5e-300"));
    setlocale(LC_ALL, "C");
}

TEST_MAIN(cmocka_unit_test(known_numbers), cmocka_unit_test(no_numbers),
          cmocka_unit_test(short_texts), cmocka_unit_test(random_times),
          cmocka_unit_test(golden_numbers), cmocka_unit_test(as_strtod), cmocka_unit_test(missing),
          cmocka_unit_test(not_finite), cmocka_unit_test(golden_times),
          cmocka_unit_test(known_times), cmocka_unit_test(no_times),
          cmocka_unit_test(written_numbers), cmocka_unit_test(round_trips),
          cmocka_unit_test(written_times), cmocka_unit_test(any_locale))
