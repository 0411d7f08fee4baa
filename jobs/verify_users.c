/* Limits of each user, user by user: kept by the rows, and what they leave of the bound. */
#include "jobs/verify_best.h"

#include "jobs/verify.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRICE_BITS = 30 };

/* This rank's users. */
struct pass {
    const struct verify *verify;
    const int64_t *price; /* [limits] not owned */
    int64_t users, *row;  /* [users + 1] first row of each */
    struct finding *finding;
    struct verify_user_bound *bound;
    int64_t used_most[KNAPSACK_CAPS];
    char name[KNAPSACK_CAPS][VERIFY_TEXT_BYTES / 4];
    double unit[KNAPSACK_CAPS];
    int caps;
};

/* ---- a user ---- */

/* What levels are worth at the prices of the limits of all. */
static void put_worths(const struct problem *p, const int64_t *price, int64_t first, int64_t count,
                       verify_wide *worth)
{
    for (int64_t cell = 0; cell < count * p->levels; cell++) {
        int64_t row = first + cell / p->levels, at = first * p->levels + cell, limit = 0;
        worth[cell] = (verify_wide)p->value[at] << PRICE_BITS;
        for (int d = 0; d < p->kinds; limit += p->kind[d++].groups) {
            int64_t group = p->kind[d].group != NULL ? p->kind[d].group[row] : 0;
            if (group >= 0 && group < p->kind[d].groups)
                worth[cell] -=
                    (verify_wide)price[limit + group] * p->measure[p->kind[d].measure].use[at];
        }
    }
}

static void check_use(struct pass *pass, const struct problem *p, int64_t user,
                      const uint8_t *level, int64_t row)
{
    for (int c = 0; c < p->caps; c++) {
        const int64_t *use = p->measure[p->cap[c].measure].use;
        int64_t used = 0;
        for (int64_t r = p->user_start[user]; r < p->user_start[user + 1]; r++)
            if (level[r] < p->levels) used += use[r * p->levels + level[r]];
        if (used > pass->used_most[c]) pass->used_most[c] = used;
        if (used > p->cap[c].limit[user])
            finding_add(pass->finding, row,
                        "discounts.h5: the user whose rows begin at %lld uses %lld of %s, above "
                        "%lld",
                        (long long)row, (long long)used, p->cap[c].name,
                        (long long)p->cap[c].limit[user]);
    }
}

/* ---- pieces ---- */

static enum status check_users(struct pass *pass, const struct problem *p, int64_t first,
                               int64_t users, const uint8_t *level)
{
    enum status status = OK;
    struct verify_best best = {0};
    int64_t longest = 0, start = pass->row[first];
    for (int64_t u = 0; u < users; u++) {
        int64_t rows = pass->row[first + u + 1] - pass->row[first + u];
        longest = rows > longest ? rows : longest;
        if (p->users_local != users || p->user_start[u] != pass->row[first + u] - start)
            return FAIL(ERR_DATA, "discounts.h5: cells/user_row and users/row do not agree");
    }
    TRY(verify_best_new(p, longest, &best));
    for (int64_t u = 0; u < users; u++) {
        int64_t row = p->user_start[u];
        verify_wide most, known;
        check_use(pass, p, u, level, start + row);
        put_worths(p, pass->price, row, p->user_start[u + 1] - row, best.worth);
        verify_best_find(&best, p, u, level + row, &most, &known);
        pass->bound->most += most;
        pass->bound->open += most - known;
        pass->bound->users_open += most != known;
    }
done:
    verify_best_clear(&best);
    return status;
}

static void note_names(struct pass *pass, const struct problem *p)
{
    pass->caps = p->caps;
    for (int c = 0; c < p->caps; c++) {
        snprintf(pass->name[c], sizeof pass->name[c], "%s", p->cap[c].name);
        pass->unit[c] = p->measure[p->cap[c].measure].unit;
    }
}

static enum status check_piece(const struct comm *comm, struct pass *pass, int64_t first,
                               int64_t users)
{
    enum status status = OK;
    struct problem problem = {0};
    uint8_t *level = NULL;
    int64_t rows = pass->row[first + users] - pass->row[first], start[2] = {0, rows};
    const struct blocks blocks = {.rows_total = pass->verify->rows,
                                  .rows_local = rows,
                                  .row_first = pass->row[first],
                                  .blocks_total = 1,
                                  .blocks_local = 1,
                                  .start = start};
    TRY(problem_read(comm, pass->verify->store, &blocks, &problem));
    TRY_ALL(comm, memory_new(&level, rows, sizeof *level));
    TRY(store_read(comm, pass->verify->store, "level", STORE_U8, pass->row[first], rows, level));
    note_names(pass, &problem);
    TRY_ALL(comm, check_users(pass, &problem, first, users, level));
done:
    problem_clear(&problem);
    free(level);
    return status;
}

/* Users from `first` on whose rows are a piece, at least one. */
static int64_t piece_of(const struct pass *pass, int64_t first)
{
    int64_t users = first < pass->users;
    while (first + users < pass->users &&
           pass->row[first + users + 1] - pass->row[first] <= VERIFY_ROWS)
        users++;
    return users;
}

static enum status run_pieces(const struct comm *comm, struct pass *pass)
{
    enum status status = OK;
    int64_t first = 0, more = 1;
    while (more != 0) {
        int64_t users = piece_of(pass, first);
        TRY(check_piece(comm, pass, first, users));
        first += users;
        more = first < pass->users;
        comm_max_int64(comm, &more, 1);
    }
done:
    return status;
}

/* Users in equal numbers; their rows, which the check of the order has seen. */
static enum status read_index(const struct comm *comm, struct pass *pass)
{
    enum status status = OK;
    const struct verify *verify = pass->verify;
    int64_t total = store_rows(comm, verify->store, "users/row", NULL);
    TRY_ALL(comm, total >= 0 ? OK : FAIL(ERR_DATA, "discounts.h5 has no users/row"));
    int64_t first = total * comm->rank / comm->ranks, next = total * (comm->rank + 1) / comm->ranks;
    bool last = next == total;
    pass->users = next - first;
    TRY_ALL(comm, memory_new(&pass->row, pass->users + 1, sizeof *pass->row));
    TRY(store_read(comm, verify->store, "users/row", STORE_I64, first, pass->users + !last,
                   pass->row));
    if (last) pass->row[pass->users] = verify->rows;
    bool right = pass->row[0] >= 0 && pass->row[pass->users] <= verify->rows;
    for (int64_t u = 0; u < pass->users; u++) right = right && pass->row[u] < pass->row[u + 1];
    TRY_ALL(comm, right ? OK : FAIL(ERR_DATA, "discounts.h5: users/row does not rise"));
done:
    return status;
}

/* ---- the receipt ---- */

static void check_receipt(struct pass *pass)
{
    const json_t *list = json_object_get(pass->verify->receipt, "user_limits");
    if ((int)json_array_size(list) != pass->caps) {
        finding_add(pass->finding, -1, "receipt.json: user_limits are not those of discounts.h5");
        return;
    }
    for (int c = 0; c < pass->caps; c++) {
        const json_t *entry = json_array_get(list, (size_t)c);
        double told = json_number_value(json_object_get(entry, "used_most"));
        double used = (double)pass->used_most[c] * pass->unit[c];
        if (fabs(told - used) > pass->unit[c] / 2 + 1e-12 * fabs(used))
            finding_add(pass->finding, -1,
                        "receipt.json: used_most of %s %.15g, the rows use %.15g", pass->name[c],
                        told, used);
    }
}

enum status verify_users(const struct comm *comm, struct verify *verify, const int64_t *price,
                         struct verify_user_bound *bound)
{
    enum status status = OK;
    struct finding finding = {0};
    struct pass pass = {.verify = verify, .price = price, .finding = &finding, .bound = bound};
    *bound = (struct verify_user_bound){0};
    TRY(read_index(comm, &pass));
    TRY(run_pieces(comm, &pass));
    comm_max_int64(comm, pass.used_most, KNAPSACK_CAPS);
    comm_sum_int64(comm, &bound->users_open, 1);
    if (comm->rank == 0) check_receipt(&pass);
    verify_tell(comm, verify, "users", &finding,
                "the limits of each user hold, in integers; bounds of %lld users are not exact",
                (long long)bound->users_open);
done:
    free(pass.row);
    return status;
}
