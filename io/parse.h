/**
 * Numbers and times as texts: read from CSV fields, written to tables; the same in every locale.
 * All local.
 */
#ifndef REMISE_IO_PARSE_H
#define REMISE_IO_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_TEXT_BYTES = 32, TIME_TEXT_BYTES = 32 };

/** True for what stands for no value: nothing, blanks, or NA (blanks around it allowed). */
bool parse_is_missing(const char *text, size_t bytes);

/**
 * Read a decimal number: digits with at most one point, an exponent if wanted, a sign, blanks
 * around it.
 * value  out  the double nearest to the number as written (ties to even), as strtod would give;
 *             unset if false
 * Returns false for anything else: empty, trailing text, thousands separators, hexadecimal, inf,
 * nan, or beyond the range of double. No locale, no 0 needed behind the text.
 * Cost: about 7 ns up to 8 characters, 10 ns up to 16, 25 ns up to 19 digits; more digits or
 *       exponents beyond 27 take strtod's time.
 */
bool parse_number(const char *text, size_t bytes, double *value);

/**
 * Read what programs write for a number that is none: nan, inf or infinity in any case, with a sign
 * if wanted, blanks around it allowed. Returns false for anything else.
 */
bool parse_not_finite(const char *text, size_t bytes, double *value);

/**
 * Read a point in time as seconds since 1970-01-01T00:00:00Z.
 *
 * YYYY-MM-DD; or that, a blank or T, HH:MM or HH:MM:SS, a fraction of a second if wanted (rounded
 * down), and Z, +hh:mm, +hhmm or +hh (or with -); without a zone it is UTC. Or seconds since 1970
 * as a decimal number: so 20170301 is a number of seconds, not a date. Blanks around it allowed.
 * Returns false for anything else, also for days and times that do not exist (February 30, 24:00, a
 * leap second).
 */
bool parse_time(const char *text, size_t bytes, int64_t *seconds);

/**
 * Write a number with the fewest of 15, 16 or 17 digits that read back to the same double.
 * text  out  [NUMBER_TEXT_BYTES], ended by 0; empty for NaN (missing), inf or -inf for infinities
 * Returns its length.
 */
size_t format_number(double value, char *text);

/**
 * Write seconds since 1970 as YYYY-MM-DDTHH:MM:SSZ.
 * text  out  [TIME_TEXT_BYTES], ended by 0; years beyond 0000 to 9999 are written as plain seconds
 * Returns its length.
 */
size_t format_time(int64_t seconds, char *text);

#endif
