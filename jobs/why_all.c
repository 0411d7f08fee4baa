/* The exact reason of every row of a table, a line each. */
#include "jobs/why_report.h"

enum { PIECE_ROWS = 1 << 15 };

static void print_wide(wide_int worth, FILE *file)
{
    char text[REDUCED_COST_TEXT_BYTES];
    reduced_cost_text(worth, text);
    fprintf(file, "\"%s\"", text);
}

/* What a limit of the user's own keeps from the runner-up. */
static enum status print_user(const struct published_rows *rows, int64_t row,
                              struct verdict *verdict, FILE *file)
{
    enum status status = verdict_weigh(&rows->problem, rows->limits.price, row, verdict);
    if (status != OK || verdict->end != VERDICT_USER) return status;
    fprintf(file, ", \"user_limit\": \"%s\", \"loss\": ", rows->problem.cap[verdict->cap].name);
    if (verdict->weighed)
        print_wide(verdict->loss, file);
    else
        fprintf(file, "null");
    return OK;
}

static enum status print_row(const struct published_rows *rows, int64_t row, int64_t number,
                             FILE *file)
{
    struct knapsack_cells cells;
    struct reduced_cost cost;
    struct verdict verdict;
    const int64_t *price = rows->limits.price;
    problem_cells(&rows->problem, &cells);
    verdict_find(&rows->problem, price, row, rows->level[row], rows->level, &verdict);
    int best = reduced_cost_best(&cells, price, row, -1);
    fprintf(file, "{\"row\": %lld, \"level\": %d, \"runner_up\": ", (long long)number,
            rows->level[row]);
    if (verdict.rival >= 0)
        fprintf(file, "%d, \"by\": ", verdict.rival);
    else
        fprintf(file, "null, \"by\": ");
    print_wide(verdict.cost.total, file);
    enum status status = print_user(rows, row, &verdict, file);
    fprintf(file, ", \"reduced_cost\": [");
    for (int k = 0; k < rows->problem.levels; k++) {
        reduced_cost_between(&cells, price, row, best, k, &cost);
        fprintf(file, "%s", k > 0 ? ", " : "");
        print_wide(cost.total, file);
    }
    fprintf(file, "]}\n");
    return status;
}

/* The next users, so many that their rows are about a piece; whole ones, as limits of their own
 * are theirs. span in: the rows before; out: their rows */
static enum status next_users(const struct comm *comm, const struct published *published,
                              int64_t *user, int64_t span[2])
{
    enum status status = OK;
    int64_t each = published->rows / (published->users > 0 ? published->users : 1) + 1;
    *user += PIECE_ROWS / each > 0 ? PIECE_ROWS / each : 1;
    span[0] = span[1];
    span[1] = published->rows;
    if (*user < published->users)
        TRY(store_read(comm, published->store, "users/row", STORE_I64, *user, 1, &span[1]));
done:
    return status;
}

enum status why_print_all(const struct comm *comm, const char *folder, FILE *file)
{
    enum status status = OK;
    struct published published = {0};
    struct published_rows rows = {0};
    TRY(published_open(comm, folder, &published));
    for (int64_t user = 0, span[2] = {0, 0}; span[1] < published.rows;) {
        TRY(next_users(comm, &published, &user, span));
        TRY(published_read(comm, &published, span[0], span[1] - span[0], &rows));
        for (int64_t r = 0; r < rows.rows; r++) TRY(print_row(&rows, r, span[0] + r, file));
        published_rows_clear(&rows);
    }
    if (fflush(file) != 0 || ferror(file)) status = FAIL(ERR_WRITE, "cannot write to stdout: %m");
done:
    published_rows_clear(&rows);
    published_close(comm, &published);
    return status;
}
