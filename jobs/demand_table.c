/* The table of elasticities, as text. */
#include "jobs/demand_table.h"

#include "io/csv.h"
#include "io/parse.h"
#include "io/text_file.h"
#include "jobs/suppress.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 2048 };

static const char *const level_words[DEMAND_LEVELS] = {"all", "category", "segment"};

/* What a line needs beside its figures. */
struct lines {
    const char *method;
    const char *level;
    const struct dictionary *names; /* NULL: numbers */
    bool alone;                     /* no unit can be had from the others by subtraction */
    int64_t min_rows, min_users;
};

static void print_name(const struct lines *lines, int64_t unit, FILE *file)
{
    char quoted[2 * NAME_BYTES + 3];
    if (lines->names == NULL) {
        fprintf(file, "%s,%lld,", lines->level, (long long)unit);
        return;
    }
    const char *name = dictionary_text(lines->names, unit);
    size_t bytes = csv_guard(name, strnlen(name, NAME_BYTES), ',', quoted);
    fprintf(file, "%s,%.*s,", lines->level, (int)bytes, quoted);
}

static void print_figures(const struct lines *lines, const struct elasticities *e, int64_t unit,
                          FILE *file)
{
    const double values[4] = {e->estimate[unit], e->std_error[unit], e->shrunk[unit],
                              e->shrunk_sd[unit]};
    bool weak = e->rows[unit] < lines->min_rows || !(fabs(values[0]) > 1.96 * values[1]);
    for (int v = 0; v < 4; v++) {
        char number[NUMBER_TEXT_BYTES + 1];
        size_t bytes = isfinite(values[v]) ? format_number(values[v], number) : 0;
        fprintf(file, "%.*s,", (int)bytes, number);
    }
    fprintf(file, "%lld,%d,%lld,0,%s,%s\n", (long long)e->rows[unit], weak,
            (long long)e->users[unit], level_words[e->level[unit]], lines->method);
}

/* Users buy in several categories and products; each is in one segment. */
static void hide_small(const struct lines *lines, const struct elasticities *e, bool *hidden)
{
    if (!lines->alone)
        suppress_cells(e->users, e->units, lines->min_users, hidden);
    else
        for (int64_t u = 0; u < e->units; u++)
            suppress_cells(&e->users[u], 1, lines->min_users, &hidden[u]);
}

static enum status print_level(const struct lines *lines, const struct elasticities *e, FILE *file)
{
    bool *hidden = NULL;
    enum status status = memory_new(&hidden, e->units, sizeof *hidden);
    if (status != OK) return status;
    hide_small(lines, e, hidden);
    for (int64_t u = 0; u < e->units; u++) {
        print_name(lines, u, file);
        if (hidden[u])
            fprintf(file, ",,,,,,,1,,%s\n", lines->method);
        else
            print_figures(lines, e, u, file);
    }
    free(hidden);
    return OK;
}

static enum status format_table(const struct run *run, const struct demand *demand,
                                const struct products *products, char **text, size_t *bytes)
{
    enum status status = OK;
    int64_t min_rows = config_integer(run->config, "demand.min_rows"),
            min_users = config_integer(run->config, "privacy.min_users");
    const char *method = demand->method;
    const struct lines of_category = {method, "category", &products->category,
                                      true,   min_rows,   min_users},
                       of_segment = {method, "segment", NULL, false, min_rows, min_users},
                       of_product = {method, "product", &products->id, true, min_rows, min_users},
                       of_brand = {method, "brand", &products->brand, true, min_rows, min_users},
                       of_promotion = {method, "promotion", NULL, true, min_rows, min_users},
                       of_cross = {method, "cross", &products->category, true, min_rows, min_users};
    FILE *file = open_memstream(text, bytes);
    if (file == NULL) return FAIL(ERR_MEMORY, "no memory for elasticities.csv");
    fprintf(file, "level,name,estimate,std_error,elasticity,elasticity_sd,cells,weak,users,"
                  "suppressed,shrunk_to,method\n");
    TRY(print_level(&of_category, &demand->category, file));
    TRY(print_level(&of_segment, &demand->segment, file));
    TRY(print_level(&of_product, &demand->product, file));
    TRY(print_level(&of_brand, &demand->brand, file));
    TRY(print_level(&of_promotion, &demand->promotion, file));
    TRY(print_level(&of_cross, &demand->cross, file));
done:
    if (fclose(file) != 0 && status == OK)
        status = FAIL(ERR_MEMORY, "no memory for elasticities.csv");
    return status;
}

enum status demand_table_write(const struct comm *comm, const struct run *run,
                               const struct demand *demand, const struct products *products)
{
    enum status status = OK;
    struct text_file *file = NULL;
    char *text = NULL;
    size_t bytes = 0;
    TRY(text_file_open(comm, run_path(run, "elasticities.csv"), 0644, &file));
    TRY_ALL(comm, comm->rank == 0 ? format_table(run, demand, products, &text, &bytes) : OK);
    TRY(text_file_append(comm, file, text, (int64_t)bytes));
    TRY(text_file_commit(comm, &file));
done:
    text_file_abandon(comm, &file);
    free(text);
    return status;
}
