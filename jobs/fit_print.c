/* The result of a fit on stdout. */
#include "jobs/fit_print.h"

#include "io/parse.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status fit_print(json_t *result)
{
    if (result == NULL) return FAIL(ERR_MEMORY, "no memory for the result");
    size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(17);
    bool written =
        json_dumpf(result, stdout, flags) == 0 && fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    json_decref(result);
    return written ? OK : FAIL(ERR_WRITE, "cannot write the result to stdout: %m");
}

/* The number that begins at *at, in the fewest digits that read back to it. */
static void print_number(const char **at, FILE *file)
{
    char text[NUMBER_TEXT_BYTES], *end;
    double x = strtod(*at, &end);
    bool whole = strspn(*at, "-0123456789") == (size_t)(end - *at);
    if (whole) {
        fprintf(file, "%.*s", (int)(end - *at), *at);
    } else {
        format_number(x, text);
        fprintf(file, "%s%s", text, strpbrk(text, ".e") == NULL ? ".0" : "");
    }
    *at = end;
}

/* JSON text with its real numbers made short. */
static void print_short(const char *at, FILE *file)
{
    bool inside = false; /* a text */
    while (*at != 0) {
        if (!inside && (*at == '-' || (*at >= '0' && *at <= '9'))) {
            print_number(&at, file);
            continue;
        }
        if (*at == '\\' && inside)
            putc(*at++, file);
        else if (*at == '"')
            inside = !inside;
        putc(*at++, file);
    }
    putc('\n', file);
}

enum status fit_print_shortest(json_t *result)
{
    char *text = json_dumps(result, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(result);
    if (text == NULL) return FAIL(ERR_MEMORY, "no memory for the result");
    print_short(text, stdout);
    free(text);
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    return written ? OK : FAIL(ERR_WRITE, "cannot write the result to stdout: %m");
}

json_t *fit_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}
