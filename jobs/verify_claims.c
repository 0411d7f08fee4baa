/* What discounts.h5 and the receipt claim of the whole table, against what its rows come to. */
#include "jobs/verify.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

#define MONEY 1e4

/* ---- limits ---- */

/* Every limit holds, its use is what the rows use, and the receipt says so. */
static void check_limits(const struct verify *verify, const struct verify_totals *t,
                         const struct problem *problem, const int64_t *told,
                         struct finding *finding)
{
    int64_t at = 0;
    for (int d = 0; d < problem->kinds; d++) {
        const struct problem_kind *kind = &problem->kind[d];
        for (int64_t g = 0; g < kind->groups; g++, at++) {
            int64_t used = t->used[at];
            if (used > t->limit[at])
                finding_add(finding, at, "limit %lld, %s: the rows use %lld, above %lld",
                            (long long)at, kind->name, (long long)used, (long long)t->limit[at]);
            if (used != told[at])
                finding_add(
                    finding, at,
                    "discounts.h5: limits/used of limit %lld, %s, is %lld, the rows use %lld",
                    (long long)at, kind->name, (long long)told[at], (long long)used);
            verify_entry(verify, t, problem, d, g, at, finding);
        }
    }
}

/* The table's dates, which all rows share as discounts.csv does. */
static enum status read_date(const struct comm *comm, const struct verify *verify, const char *name,
                             char date[VERIFY_DATE_BYTES])
{
    enum status status = OK;
    char *column = NULL;
    int64_t width = 0;
    bool text = false;
    TRY(verify_column(comm, verify->store, name, 0, verify->rows > 0, &text, &width,
                      (void **)&column));
    if (text && width < VERIFY_DATE_BYTES && verify->rows > 0) memcpy(date, column, (size_t)width);
done:
    free(column);
    return status;
}

static enum status read_problem(const struct comm *comm, const struct verify *verify,
                                const struct verify_totals *t, struct problem *problem,
                                int64_t **told)
{
    enum status status = OK;
    int64_t start[2] = {0, 0}, limits = 0;
    const struct blocks none = {.blocks_total = 1, .blocks_local = 1, .start = start};
    TRY(problem_read(comm, verify->store, &none, problem));
    for (int d = 0; d < problem->kinds; d++) limits += problem->kind[d].groups;
    if (limits != t->limits)
        TRY(comm_agree(comm, FAIL(ERR_DATA, "discounts.h5: limits are not those of its kinds")));
    TRY_ALL(comm, memory_new(told, limits, sizeof **told));
    TRY(store_read(comm, verify->store, "limits/used", STORE_I64, 0, limits, *told));
done:
    return status;
}

/* ---- the bound ---- */

/* With few levels allowed the bound is the best of many sets of levels, each with prices of its
 * own: then prices of one set prove less, but never less than the objective. Under limits of users
 * one above the exact bound still is a bound. */
static void check_bound(const struct verify *verify, const struct verify_totals *t, int64_t bound,
                        struct finding *finding)
{
    bool sets = json_object_get(verify->receipt, "levels_most") != NULL;
    for (int64_t i = 0; i < t->limits; i++)
        if (t->price[i] < 0)
            finding_add(finding, i, "discounts.h5: the price of limit %lld is below 0",
                        (long long)i);
    if (bound < t->value || t->upper_bound < t->value)
        finding_add(finding, -1, "the upper bound %.4f is below the objective %.4f",
                    (double)(bound < t->value ? bound : t->upper_bound) / MONEY,
                    (double)t->value / MONEY);
    bool proven = bound == t->upper_bound || (sets && bound < t->upper_bound) ||
                  (t->user_limits && bound >= t->upper_bound - t->open);
    if (!proven)
        finding_add(finding, 0, "discounts.h5: upper_bound %.4f, its prices give %.4f",
                    (double)bound / MONEY, (double)t->upper_bound / MONEY);
}

static void tell_limits(const struct comm *comm, struct verify *verify,
                        const struct verify_totals *t, const struct finding *finding)
{
    verify_tell(comm, verify, "limits", finding,
                "all %lld hold, in integers; expected_cost is %.4f in all", (long long)t->limits,
                (double)t->cost / MONEY);
}

enum status verify_claims(const struct comm *comm, struct verify *verify, struct verify_totals *t)
{
    enum status status = OK;
    struct finding limits = {0}, bound = {0}, receipt = {0};
    struct problem problem = {0};
    int64_t *told = NULL, objective = 0, upper = 0;
    TRY(read_problem(comm, verify, t, &problem, &told));
    TRY(read_date(comm, verify, "valid_from", t->valid_from));
    TRY(read_date(comm, verify, "valid_to", t->valid_to));
    TRY(store_read(comm, verify->store, "objective", STORE_I64, 0, 1, &objective));
    TRY(store_read(comm, verify->store, "upper_bound", STORE_I64, 0, 1, &upper));
    if (comm->rank == 0) {
        check_limits(verify, t, &problem, told, &limits);
        check_bound(verify, t, upper, &bound);
        verify_receipt(verify, t, &problem, upper, &receipt);
        if (objective != t->value)
            finding_add(&bound, 1, "discounts.h5: objective %.4f, the rows come to %.4f",
                        (double)objective / MONEY, (double)t->value / MONEY);
    }
    tell_limits(comm, verify, t, &limits);
    verify_tell(comm, verify, "bound", &bound, "objective %.4f, at most %.4f by the prices",
                (double)t->value / MONEY, (double)upper / MONEY);
    verify_tell(comm, verify, "receipt", &receipt, "its figures are what the rows come to");
done:
    problem_clear(&problem);
    free(told);
    return status;
}
