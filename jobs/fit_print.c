/* The result of a fit on stdout. */
#include "jobs/fit_print.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum status fit_print(json_t *result)
{
    if (result == NULL) return FAIL(ERR_MEMORY, "no memory for the result");
    size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(17);
    bool written =
        json_dumpf(result, stdout, flags) == 0 && fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    json_decref(result);
    return written ? OK : FAIL(ERR_WRITE, "cannot write the result to stdout: %m");
}

json_t *fit_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}
