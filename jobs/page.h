/**
 * Text for people: headings, facts, sentences and tables of aligned columns, at most PAGE_WIDTH
 * wide; tables of many columns are wider.
 *
 * A page is filled from top to bottom and taken as one text at its end. What is written may hold
 * names from a shop's files: control characters, which could move a terminal's cursor, become
 * question marks, and widths count characters, not bytes. Where memory runs out the page says so
 * when it is taken, not before. All local.
 */
#ifndef REMISE_JOBS_PAGE_H
#define REMISE_JOBS_PAGE_H

#include "mpi/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { PAGE_WIDTH = 100, PAGE_COLUMNS = 72, PAGE_NUMBER_BYTES = 48 };

struct page;

/* A number as text, to be used where it is made: page_amount(x, 2).text. */
struct page_number {
    char text[PAGE_NUMBER_BYTES];
};

/** Begin. page out new, page_take or page_free ends it. Errors: ERR_MEMORY. */
enum status page_new(struct page **page);

/** A title in a line of its own, with a rule below it. */
void page_title(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** A heading, after an empty line. */
void page_heading(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Sentences, broken at blanks and indented by so many blanks. */
void page_say(struct page *page, int indent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** "label   text", the texts of all facts below each other; broken like sentences. */
void page_fact(struct page *page, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Begin a table; an empty line stands before it, unless a heading does.
 * heads  in  of the columns, ended by NULL, at most PAGE_COLUMNS; borrowed until page_end_table.
 *            One that begins with "<" is of texts, set to the left; the others to the right
 */
void page_begin_table(struct page *page, const char *const *heads);
/** The next cell, row by row. */
void page_cell(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/**
 * Print the table: each column as wide as it needs. Where all would be too wide, long texts are
 * cut, which shows as "..."; a row that is not full is filled with empty cells.
 */
void page_end_table(struct page *page);

/** The text so far; the page is freed. text out new, the caller frees it. Errors: ERR_MEMORY. */
enum status page_take(struct page **page, char **text, int64_t *bytes);
/** Free and null; accepts NULL inside. */
void page_free(struct page **page);

/** 1234567.891 with 2 decimals: "1,234,567.89"; "-" where it is not finite. */
struct page_number page_amount(double value, int decimals);
/** The same with its sign, "+1,234.50"; 0 as "0.00". */
struct page_number page_change(double value, int decimals);
/**
 * As page_amount with 2 decimals; what these would hide is shown to four digits: 0.002 as "0.002".
 */
struct page_number page_figure(double value);
/** The same with its sign. */
struct page_number page_figure_change(double value);
/** 1234567: "1,234,567". */
struct page_number page_count(int64_t value);
/** A fraction as per cent with at most four decimals: 0.125 as "12.5 %". */
struct page_number page_percent(double fraction);
/** An integer over 10^decimals, exact, without a double on the way: 12345, 4 as "1.2345". */
struct page_number page_exact(int64_t value, int decimals);

#endif
