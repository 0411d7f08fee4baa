/* The exact reason of every row of a table, a line each. */
#include "jobs/why_report.h"

enum { PIECE_ROWS = 1 << 15 };

static void print_wide(wide_int worth, FILE *file)
{
    char text[REDUCED_COST_TEXT_BYTES];
    reduced_cost_text(worth, text);
    fprintf(file, "\"%s\"", text);
}

static void print_row(const struct published_rows *rows, int64_t row, int64_t number, FILE *file)
{
    struct knapsack_cells cells;
    struct reduced_cost cost;
    struct verdict verdict;
    const int64_t *price = rows->limits.price;
    problem_cells(&rows->problem, &cells);
    verdict_find(&rows->problem, price, row, rows->level[row], NULL, &verdict);
    int best = reduced_cost_best(&cells, price, row, -1);
    fprintf(file, "{\"row\": %lld, \"level\": %d, \"runner_up\": ", (long long)number,
            rows->level[row]);
    if (verdict.rival >= 0)
        fprintf(file, "%d, \"by\": ", verdict.rival);
    else
        fprintf(file, "null, \"by\": ");
    print_wide(verdict.cost.total, file);
    fprintf(file, ", \"reduced_cost\": [");
    for (int k = 0; k < rows->problem.levels; k++) {
        reduced_cost_between(&cells, price, row, best, k, &cost);
        fprintf(file, "%s", k > 0 ? ", " : "");
        print_wide(cost.total, file);
    }
    fprintf(file, "]}\n");
}

enum status why_print_all(const struct comm *comm, const char *folder, FILE *file)
{
    enum status status = OK;
    struct published published = {0};
    struct published_rows rows = {0};
    TRY(published_open(comm, folder, &published));
    for (int64_t first = 0; first < published.rows; first += PIECE_ROWS) {
        int64_t left = published.rows - first, piece = left < PIECE_ROWS ? left : PIECE_ROWS;
        TRY(published_read(comm, &published, first, piece, &rows));
        for (int64_t r = 0; r < piece; r++) print_row(&rows, r, first + r, file);
        published_rows_clear(&rows);
    }
    if (fflush(file) != 0 || ferror(file)) status = FAIL(ERR_WRITE, "cannot write to stdout: %m");
done:
    published_rows_clear(&rows);
    published_close(comm, &published);
    return status;
}
