/* Pages of text with aligned columns. */
#include "jobs/page.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_WIDTH = 28, GAP = 2, LEAST_WIDTH = 24, HOLD_BYTES = 64 };

struct page {
    FILE *file;
    char *text;
    size_t bytes;
    const char *const *heads; /* of the open table */
    int columns;
    int64_t cells;
    char **cell;   /* [cells] owned */
    bool at_place; /* a table may begin here without an empty line */
    bool failed;
};

/* ---- text ---- */

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

static int width_of(const char *text)
{
    int width = 0;
    for (; *text != 0; text++) width += begins_character(*text);
    return width;
}

static void make_harmless(char *text)
{
    for (; *text != 0; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F) *text = '?';
}

/* New text of a format, without control characters; NULL: no memory, which the page remembers. */
static char *compose(struct page *page, const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) {
        page->failed = true;
        return NULL;
    }
    make_harmless(text);
    return text;
}

#define COMPOSE(page, format, text)         \
    do {                                    \
        va_list args;                       \
        va_start(args, format);             \
        text = compose(page, format, args); \
        va_end(args);                       \
    } while (0)

static void put_blanks(struct page *page, int blanks)
{
    for (int i = 0; i < blanks; i++) fputc(' ', page->file);
}

/* Words from column `at` on, further lines indented. */
static void put_words(struct page *page, const char *text, int indent, int at)
{
    int first = at;
    while (*text != 0) {
        char word[HOLD_BYTES] = "";
        size_t bytes = strcspn(text, " "), rest = strspn(text + bytes, " ");
        size_t held = bytes < sizeof word - 1 ? bytes : sizeof word - 1;
        memcpy(word, text, held);
        int width = bytes == held ? width_of(word) : (int)bytes;
        if (at > first && at + 1 + width > PAGE_WIDTH) {
            fputc('\n', page->file);
            put_blanks(page, indent);
            at = first = indent;
        }
        if (at > first) fputc(' ', page->file);
        fwrite(text, 1, bytes, page->file);
        at += width + (at > first);
        text += bytes + rest;
    }
    fputc('\n', page->file);
    page->at_place = false;
}

void page_title(struct page *page, const char *format, ...)
{
    char *text = NULL;
    COMPOSE(page, format, text);
    if (text == NULL) return;
    fprintf(page->file, "%s\n", text);
    for (int i = 0; i < PAGE_WIDTH; i++) fputc('=', page->file);
    fputc('\n', page->file);
    free(text);
}

void page_heading(struct page *page, const char *format, ...)
{
    char *text = NULL;
    COMPOSE(page, format, text);
    if (text == NULL) return;
    fprintf(page->file, "\n%s\n", text);
    page->at_place = true;
    free(text);
}

void page_say(struct page *page, int indent, const char *format, ...)
{
    char *text = NULL;
    COMPOSE(page, format, text);
    if (text == NULL) return;
    put_blanks(page, indent);
    put_words(page, text, indent, indent);
    free(text);
}

void page_fact(struct page *page, const char *label, const char *format, ...)
{
    char *text = NULL;
    COMPOSE(page, format, text);
    if (text == NULL) return;
    int width = GAP + width_of(label), more = LABEL_WIDTH - width;
    put_blanks(page, GAP);
    fputs(label, page->file);
    put_blanks(page, more > 0 ? more : 1);
    put_words(page, text, LABEL_WIDTH, more > 0 ? LABEL_WIDTH : width + 1);
    free(text);
}

/* ---- tables ---- */

void page_begin_table(struct page *page, const char *const *heads)
{
    page->heads = heads;
    page->columns = 0;
    while (heads[page->columns] != NULL && page->columns < PAGE_COLUMNS) page->columns++;
}

void page_cell(struct page *page, const char *format, ...)
{
    char *text = NULL;
    COMPOSE(page, format, text);
    if (text == NULL) return;
    if (page->cells % HOLD_BYTES == 0 &&
        memory_grow(&page->cell, page->cells, page->cells + HOLD_BYTES, sizeof *page->cell) != OK) {
        page->failed = true;
        free(text);
        return;
    }
    page->cell[page->cells++] = text;
}

static bool is_left(const struct page *page, int column)
{
    return page->heads[column][0] == '<';
}

static const char *head_of(const struct page *page, int column)
{
    return page->heads[column] + is_left(page, column);
}

/* As wide as the widest cell; then texts give way until all fit. */
static void find_widths(const struct page *page, int *width)
{
    int sum = 0;
    for (int c = 0; c < page->columns; c++) {
        width[c] = width_of(head_of(page, c));
        for (int64_t i = c; i < page->cells; i += page->columns) {
            int here = width_of(page->cell[i]);
            width[c] = here > width[c] ? here : width[c];
        }
        sum += GAP + width[c];
    }
    for (bool cut = true; sum > PAGE_WIDTH && cut;) {
        int widest = -1;
        for (int c = 0; c < page->columns; c++)
            if (is_left(page, c) && (widest < 0 || width[c] > width[widest])) widest = c;
        cut = widest >= 0 && width[widest] > LEAST_WIDTH;
        width[widest >= 0 ? widest : 0] -= cut;
        sum -= cut;
    }
}

/* The first `width` characters, the last three of them dots where there are more. */
static void put_cut(struct page *page, const char *text, int width)
{
    int all = width_of(text), keep = all > width ? width - 3 : all;
    const char *end = text;
    for (int seen = 0; *end != 0; end++)
        if (begins_character(*end) && seen++ == keep) break;
    fwrite(text, 1, (size_t)(end - text), page->file);
    if (all > width) fputs("...", page->file);
}

static void put_row(struct page *page, const char *const *texts, const int *width)
{
    int owed = 0; /* blanks, of which no line has any at its end */
    for (int c = 0; c < page->columns; c++) {
        int here = width_of(texts[c]), pad = width[c] > here ? width[c] - here : 0;
        bool left = is_left(page, c);
        owed += GAP + (left ? 0 : pad);
        if (here > 0) {
            put_blanks(page, owed);
            put_cut(page, texts[c], left ? width[c] : here);
            owed = 0;
        }
        owed += left ? pad : 0;
    }
    fputc('\n', page->file);
}

static void clear_table(struct page *page)
{
    for (int64_t i = 0; i < page->cells; i++) free(page->cell[i]);
    free(page->cell);
    page->cell = NULL;
    page->cells = 0;
    page->columns = 0;
}

void page_end_table(struct page *page)
{
    int width[PAGE_COLUMNS];
    const char *texts[PAGE_COLUMNS];
    if (!page->at_place) fputc('\n', page->file);
    page->at_place = false;
    if (page->columns > 0) find_widths(page, width);
    for (int c = 0; c < page->columns; c++) texts[c] = head_of(page, c);
    if (page->columns > 0) put_row(page, texts, width);
    for (int64_t row = 0; row < page->cells && page->columns > 0; row += page->columns) {
        for (int c = 0; c < page->columns; c++)
            texts[c] = row + c < page->cells ? page->cell[row + c] : "";
        put_row(page, texts, width);
    }
    clear_table(page);
}

/* ---- from beginning to end ---- */

enum status page_new(struct page **page)
{
    enum status status = memory_new(page, 1, sizeof **page);
    if (status != OK) return status;
    (*page)->file = open_memstream(&(*page)->text, &(*page)->bytes);
    if ((*page)->file != NULL) return OK;
    free(*page);
    *page = NULL;
    return FAIL(ERR_MEMORY, "no memory for a page of text");
}

enum status page_take(struct page **page, char **text, int64_t *bytes)
{
    struct page *p = *page;
    *text = NULL;
    bool good = !p->failed && ferror(p->file) == 0;
    good = fclose(p->file) == 0 && good;
    p->file = NULL;
    if (good) {
        *text = p->text;
        *bytes = (int64_t)p->bytes;
        p->text = NULL;
    }
    page_free(page);
    return good ? OK : FAIL(ERR_MEMORY, "no memory for a page of text");
}

void page_free(struct page **page)
{
    struct page *p = *page;
    *page = NULL;
    if (p == NULL) return;
    if (p->file != NULL) fclose(p->file);
    free(p->text);
    clear_table(p);
    free(p);
}

/* ---- numbers ---- */

/* Commas between each three digits before the point. */
static struct page_number group_digits(const char *plain)
{
    struct page_number number = {""};
    size_t sign = *plain == '-' || *plain == '+', digits = strspn(plain + sign, "0123456789");
    char *to = number.text;
    for (size_t i = 0; i < sign + digits; i++) {
        if (i > sign && (sign + digits - i) % 3 == 0) *to++ = ',';
        *to++ = plain[i];
    }
    snprintf(to, (size_t)(number.text + sizeof number.text - to), "%s", plain + sign + digits);
    return number;
}

static bool is_nothing(const char *text)
{
    return strpbrk(text, "123456789") == NULL;
}

struct page_number page_amount(double value, int decimals)
{
    char plain[PAGE_NUMBER_BYTES];
    if (!isfinite(value)) return (struct page_number){"-"};
    if (fabs(value) >= 1e18) {
        snprintf(plain, sizeof plain, "%.6e", value);
        return group_digits(plain);
    }
    snprintf(plain, sizeof plain, "%.*f", decimals, value);
    return group_digits(*plain == '-' && is_nothing(plain) ? plain + 1 : plain);
}

/* Zeros at the end, down to two decimals. */
static void cut_zeros(char *text)
{
    char *end = text + strlen(text), *point = strchr(text, '.');
    while (point != NULL && end > point + 3 && end[-1] == '0') *--end = 0;
}

struct page_number page_figure(double value)
{
    double size = fabs(value), cents = 100.0 * size;
    if (!(size > 1e-12) || size >= 1.0 || fabs(cents - round(cents)) < 1e-6 * cents)
        return page_amount(value, 2);
    struct page_number number = page_amount(value, 3 - (int)floor(log10(size)));
    cut_zeros(number.text);
    return number;
}

static struct page_number with_sign(struct page_number number)
{
    if (*number.text == '-' || is_nothing(number.text)) return number;
    memmove(number.text + 1, number.text, sizeof number.text - 1);
    number.text[0] = '+';
    number.text[sizeof number.text - 1] = 0;
    return number;
}

struct page_number page_change(double value, int decimals)
{
    return with_sign(page_amount(value, decimals));
}

struct page_number page_figure_change(double value)
{
    return with_sign(page_figure(value));
}

struct page_number page_count(int64_t value)
{
    char plain[PAGE_NUMBER_BYTES];
    snprintf(plain, sizeof plain, "%lld", (long long)value);
    return group_digits(plain);
}

struct page_number page_percent(double fraction)
{
    struct page_number number;
    if (!isfinite(fraction)) return (struct page_number){"-"};
    snprintf(number.text, sizeof number.text, "%.*f", 4, 100.0 * fraction);
    if (fraction != 0.0 && is_nothing(number.text)) return (struct page_number){"under 0.0001 %"};
    char *end = number.text + strlen(number.text);
    while (end[-1] == '0') *--end = 0;
    if (end[-1] == '.') end--;
    snprintf(end, 3, " %%");
    return number;
}

struct page_number page_exact(int64_t value, int decimals)
{
    char digits[PAGE_NUMBER_BYTES], plain[PAGE_NUMBER_BYTES];
    uint64_t size = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    int count = snprintf(digits, sizeof digits, "%0*llu", decimals + 1, (unsigned long long)size);
    snprintf(plain, sizeof plain, "%s%.*s%s%s", value < 0 ? "-" : "", count - decimals, digits,
             decimals > 0 ? "." : "", digits + count - decimals);
    return group_digits(plain);
}
