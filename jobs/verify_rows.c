/* One pass over the rows: both files agree, levels are allowed, and what all of it comes to. */
#include "jobs/verify.h"

#include "io/csv.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 int128;

enum { PRICE_BITS = 30, COLUMNS_MOST = 64, LIMB_BITS = 40 };

/* Columns that the checks look at themselves. */
enum { LEVEL, DISCOUNT, PRICE, REVENUE, PROFIT, COST, PURCHASES, PROPENSITY, REFERENCE, NUMBERS };
static const char *const number_names[NUMBERS] = {
    "level",         "discount",           "price",      "expected_revenue", "expected_profit",
    "expected_cost", "expected_purchases", "propensity", "reference_price"};

/* The pass. */
struct pass {
    struct verify *verify;
    struct verify_totals *totals;
    struct verify_csv csv;
    bool compare; /* the CSV has as many rows as discounts.h5 */
    bool told;    /* this rank's first difference */
    bool below;   /* discounts must lead below the reference price */
    struct finding differ, cells;
    double share; /* of the rows that are drawn by chance, as the receipt says */
    int128 bound; /* 2^-30 units of value, of this rank's rows */
};

/* Rows of it, some at a time. */
struct piece {
    int64_t first, rows;
    char *reason; /* [rows][reason_width] */
    int64_t reason_width;
    double *number[NUMBERS]; /* [rows] each */
    void *column[COLUMNS_MOST];
    int64_t width[COLUMNS_MOST];
    struct problem problem;
};

static void clear(struct piece *piece)
{
    for (int n = 0; n < NUMBERS; n++) free(piece->number[n]);
    for (int c = 0; c < COLUMNS_MOST; c++) free(piece->column[c]);
    free(piece->reason);
    problem_clear(&piece->problem);
    *piece = (struct piece){0};
}

/* ---- both files ---- */

static enum status compare(const struct comm *comm, struct pass *pass, struct piece *piece)
{
    enum status status = OK;
    struct verify_csv *csv = &pass->csv;
    int64_t differ = 0, first = -1, before = piece->first - csv->first;
    for (int64_t c = 0; c < csv->csv->columns; c++)
        TRY(verify_column(comm, pass->verify->store, csv->csv->name[c], piece->first, piece->rows,
                          &csv->text[c], &piece->width[c], &piece->column[c]));
    for (int64_t r = 0; r < piece->rows; r++) {
        if (verify_hash(csv, piece->column, piece->width, r) == csv->hash[before + r]) continue;
        if (differ++ == 0) first = r;
    }
    int64_t ask = differ > 0 && !pass->told, any = ask;
    comm_max_int64(comm, &any, 1);
    if (any != 0)
        TRY(verify_csv_find(comm, csv, ask ? before + first : -1, piece->column, piece->width,
                            ask ? first : 0, &pass->differ));
    pass->told = pass->told || ask;
    pass->differ.count += differ - ask;
done:
    return status;
}

/* ---- cells ---- */

static int128 best_worth(const struct pass *pass, const struct problem *p, int64_t r)
{
    int128 best = 0;
    bool any = false;
    for (int k = 0; k < p->levels; k++) {
        int64_t cell = r * p->levels + k, first = 0;
        if ((p->allowed[r] >> k & 1) == 0) continue;
        int128 worth = (int128)p->value[cell] << PRICE_BITS;
        for (int d = 0; d < p->kinds; d++) {
            const struct problem_kind *kind = &p->kind[d];
            int64_t group = kind->group != NULL ? kind->group[r] : 0;
            if (group >= 0)
                worth -= (int128)pass->totals->price[first + group] *
                         p->measure[kind->measure].use[cell];
            first += kind->groups;
        }
        if (!any || worth > best) best = worth;
        any = true;
    }
    return best;
}

static void add_use(const struct problem *p, int64_t r, int level, int64_t *used)
{
    for (int d = 0; d < p->kinds; d++) {
        const struct problem_kind *kind = &p->kind[d];
        int64_t group = kind->group != NULL ? kind->group[r] : 0;
        if (group >= 0) used[group] += p->measure[kind->measure].use[r * p->levels + level];
        used += kind->groups;
    }
}

static bool groups_are_right(const struct problem *p, int64_t r)
{
    for (int d = 0; d < p->kinds; d++) {
        const struct problem_kind *kind = &p->kind[d];
        if (kind->group != NULL && (kind->group[r] < -1 || kind->group[r] >= kind->groups))
            return false;
    }
    return true;
}

/* Is the row's level one that it may have, and what the row says of it? */
static bool check_level(struct pass *pass, const struct piece *piece, int64_t r, int level)
{
    const struct problem *p = &piece->problem;
    int64_t row = piece->first + r;
    long long shown = (long long)row;
    if (level < 0 || level >= p->levels || !groups_are_right(p, r)) {
        finding_add(&pass->cells, row, "discounts.h5 row %lld: level %d, there are %d", shown,
                    level, p->levels);
        return false;
    }
    if ((p->allowed[r] >> level & 1) == 0)
        finding_add(&pass->cells, row, "discounts.h5 row %lld: level %d is not allowed", shown,
                    level);
    if (piece->number[DISCOUNT][r] != p->level[level])
        finding_add(&pass->cells, row, "discounts.h5 row %lld: discount %g, its level %d has %g",
                    shown, piece->number[DISCOUNT][r], level, p->level[level]);
    return true;
}

static void check_reason(struct pass *pass, const struct piece *piece, int64_t r, int level)
{
    long long row = piece->first + r;
    const char *text = piece->reason + r * piece->reason_width;
    int reason = verify_reason_find(text, piece->reason_width);
    double propensity = piece->number[PROPENSITY][r];
    if (reason < 0 || !verify_reason_fits(&piece->problem, r, level, reason))
        finding_add(&pass->cells, row,
                    "discounts.h5 row %lld: reason %.*s is not that of its cells", row,
                    (int)piece->reason_width, text);
    else if (!verify_propensity_fits(propensity, pass->share, piece->problem.levels, reason))
        finding_add(&pass->cells, row,
                    "discounts.h5 row %lld: propensity %.12g does not follow from the share", row,
                    propensity);
    if (reason >= 0) pass->totals->reason_rows[reason]++;
}

/* What the level uses of a measure that is a column of the table. */
static void check_use(struct pass *pass, const struct piece *piece, int64_t r, int level, int m)
{
    static const struct {
        const char *measure;
        int number;
    } same[] = {{"cost", COST}, {"purchases", PURCHASES}, {"revenue", REVENUE}, {"profit", PROFIT}};
    const struct problem *p = &piece->problem;
    double use = (double)p->measure[m].use[r * p->levels + level] * p->measure[m].unit;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        double told = piece->number[same[i].number][r];
        if (strcmp(same[i].measure, p->measure[m].name) != 0) continue;
        if (!(fabs(told - use) < 1e-9 * fmax(1.0, fabs(use))))
            finding_add(&pass->cells, piece->first + r,
                        "discounts.h5 row %lld: %s %.6f, its cell at level %d has %.6f",
                        (long long)(piece->first + r), number_names[same[i].number], told, level,
                        use);
    }
}

static void check_figures(struct pass *pass, const struct piece *piece, int64_t r, int level)
{
    const struct problem *p = &piece->problem;
    int64_t row = piece->first + r;
    double price = piece->number[PRICE][r];
    if (!(price >= 0.0 && isfinite(price)))
        finding_add(&pass->cells, row, "discounts.h5 row %lld: price %g", (long long)row, price);
    if (pass->below && piece->number[DISCOUNT][r] > 0.0 && price >= piece->number[REFERENCE][r])
        finding_add(&pass->cells, row,
                    "discounts.h5 row %lld: price %.2f is not below the reference price %.2f",
                    (long long)row, price, piece->number[REFERENCE][r]);
    for (int n = REVENUE; n <= PURCHASES; n++)
        if (!isfinite(piece->number[n][r]) || fabs(piece->number[n][r]) >= 1e12)
            finding_add(&pass->cells, row, "discounts.h5 row %lld: %s %g", (long long)row,
                        number_names[n], piece->number[n][r]);
    for (int m = 0; m < p->measures; m++) check_use(pass, piece, r, level, m);
}

static int64_t whole(double x, double units)
{
    return isfinite(x) && fabs(x) < 1e12 ? llround(x * units) : 0; /* check_figures told of it */
}

static void add_row(struct pass *pass, const struct piece *piece, int64_t r, int level)
{
    const struct problem *p = &piece->problem;
    struct verify_totals *t = pass->totals;
    int64_t cost = whole(piece->number[COST][r], 1e4);
    t->value += p->value[r * p->levels + level];
    t->base_value += p->value[r * p->levels];
    t->level_rows[level]++;
    t->level_cost[level] += cost;
    t->cost += cost;
    t->revenue += whole(piece->number[REVENUE][r], 1e4);
    t->profit += whole(piece->number[PROFIT][r], 1e4);
    t->purchases += whole(piece->number[PURCHASES][r], 1e6);
    add_use(p, r, level, t->used);
    if (p->caps == 0) pass->bound += best_worth(pass, p, r);
}

static void check_cells(struct pass *pass, const struct piece *piece)
{
    for (int64_t r = 0; r < piece->rows; r++) {
        int level = (int)piece->number[LEVEL][r];
        if (!check_level(pass, piece, r, level)) continue;
        check_figures(pass, piece, r, level);
        check_reason(pass, piece, r, level);
        add_row(pass, piece, r, level);
    }
}

/* ---- the pass ---- */

static enum status read_piece(const struct comm *comm, const struct verify *verify, int64_t first,
                              int64_t rows, struct piece *piece)
{
    enum status status = OK;
    bool text = false;
    int64_t width = 1, start[2] = {0, rows};
    const struct blocks blocks = {.rows_total = verify->rows,
                                  .rows_local = rows,
                                  .row_first = first,
                                  .blocks_total = 1,
                                  .blocks_local = 1,
                                  .start = start};
    piece->first = first;
    piece->rows = rows;
    for (int n = 0; n < NUMBERS; n++) {
        TRY(verify_column(comm, verify->store, number_names[n], first, rows, &text, &width,
                          (void **)&piece->number[n]));
        if (text || width != 1)
            TRY(comm_agree(comm, FAIL(ERR_DATA, "discounts.h5: %s has no number in each row",
                                      number_names[n])));
    }
    TRY(verify_column(comm, verify->store, "reason", first, rows, &text, &piece->reason_width,
                      (void **)&piece->reason));
    if (!text) TRY(comm_agree(comm, FAIL(ERR_DATA, "discounts.h5: reason holds no texts")));
    TRY(problem_read(comm, verify->store, &blocks, &piece->problem));
done:
    return status;
}

static enum status run_pieces(const struct comm *comm, struct pass *pass, int64_t first,
                              int64_t rows)
{
    enum status status = OK;
    struct piece piece = {0};
    int64_t rounds = (rows + VERIFY_ROWS - 1) / VERIFY_ROWS;
    comm_max_int64(comm, &rounds, 1);
    for (int64_t i = 0; i < rounds; i++) {
        int64_t now = rows < VERIFY_ROWS ? rows : VERIFY_ROWS;
        TRY(read_piece(comm, pass->verify, first, now, &piece));
        if (pass->compare) TRY(compare(comm, pass, &piece));
        check_cells(pass, &piece);
        clear(&piece);
        first += now;
        rows -= now;
    }
done:
    clear(&piece);
    return status;
}

/* ---- limits ---- */

static enum status read_limits(const struct comm *comm, const struct verify *verify,
                               struct verify_totals *t)
{
    enum status status = OK;
    t->limits = store_rows(comm, verify->store, "limits/limit", NULL);
    if (t->limits < 0 || store_rows(comm, verify->store, "limits/price", NULL) != t->limits)
        TRY(comm_agree(comm, FAIL(ERR_DATA, "discounts.h5 has no limits with prices")));
    TRY_ALL(comm, memory_new(&t->limit, t->limits, sizeof *t->limit));
    TRY_ALL(comm, memory_new(&t->price, t->limits, sizeof *t->price));
    TRY_ALL(comm, memory_new(&t->used, t->limits, sizeof *t->used));
    TRY(store_read(comm, verify->store, "limits/limit", STORE_I64, 0, t->limits, t->limit));
    TRY(store_read(comm, verify->store, "limits/price", STORE_I64, 0, t->limits, t->price));
done:
    return status;
}

/* Limbs of 40 bits add up over the ranks without loss. */
static int128 sum_wide(const struct comm *comm, int128 mine)
{
    const int128 mask = ((int128)1 << LIMB_BITS) - 1;
    int64_t limb[4];
    for (int i = 0; i < 3; i++) limb[i] = (int64_t)(mine >> (LIMB_BITS * i) & mask);
    limb[3] = (int64_t)(mine >> (3 * LIMB_BITS));
    comm_sum_int64(comm, limb, 4);
    int128 sum = limb[3];
    for (int i = 2; i >= 0; i--) sum = (sum << LIMB_BITS) + limb[i];
    return sum;
}

static void finish(const struct comm *comm, struct pass *pass)
{
    struct verify_totals *t = pass->totals;
    int128 bound = sum_wide(comm, pass->bound);
    int64_t sums[] = {t->value, t->base_value, t->cost, t->revenue, t->profit, t->purchases};
    comm_sum_int64(comm, sums, 6);
    t->value = sums[0], t->base_value = sums[1], t->cost = sums[2];
    t->revenue = sums[3], t->profit = sums[4], t->purchases = sums[5];
    comm_sum_int64(comm, t->level_rows, CELL_LEVELS);
    comm_sum_int64(comm, t->reason_rows, VERIFY_REASONS);
    comm_sum_int64(comm, t->level_cost, CELL_LEVELS);
    comm_sum_int64(comm, t->used, t->limits);
    for (int64_t i = 0; i < t->limits; i++) bound += (int128)t->price[i] * t->limit[i];
    bool part = (bound & (((int128)1 << PRICE_BITS) - 1)) != 0;
    t->upper_bound = (int64_t)(bound >> PRICE_BITS) + part;
}

/* Users with limits of their own are bounded as a whole. */
static enum status bound_users(const struct comm *comm, struct pass *pass)
{
    struct verify_user_bound users;
    enum status status = verify_users(comm, pass->verify, pass->totals->price, &users);
    if (status != OK) return status;
    pass->bound = users.most;
    pass->totals->open = (int64_t)(sum_wide(comm, users.open) >> PRICE_BITS) + 1;
    if (users.users_open == 0) pass->totals->open = 0;
    return OK;
}

/* ---- all ---- */

/* Does the receipt say that the table keeps the rule of reference prices? */
static bool keeps_reference(const json_t *receipt)
{
    size_t i = 0;
    json_t *entry = NULL;
    json_array_foreach(json_object_get(receipt, "constraints"), i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (name != NULL && strcmp(name, "reference_price") == 0) return true;
    }
    return false;
}

/* What is wrong with discounts.csv as a whole; it is compared row by row where nothing is. */
static enum status open_csv(const struct comm *comm, struct pass *pass)
{
    enum status status = verify_csv_read(comm, pass->verify, &pass->csv);
    int64_t rows = pass->csv.rows;
    if (status != OK && status != ERR_MEMORY) {
        if (comm->rank == 0) finding_add(&pass->differ, -1, "%s", status_message());
        return OK;
    }
    if (status != OK) return status;
    comm_sum_int64(comm, &rows, 1);
    pass->compare = rows == pass->verify->rows && pass->csv.csv->columns <= COLUMNS_MOST;
    if (!pass->compare && comm->rank == 0)
        finding_add(&pass->differ, -1, "discounts.csv has %lld rows, discounts.h5 %lld",
                    (long long)rows, (long long)pass->verify->rows);
    return OK;
}

enum status verify_rows(const struct comm *comm, struct verify *verify,
                        struct verify_totals *totals)
{
    enum status status = OK;
    const json_t *drawn = json_object_get(verify->receipt, "exploration");
    struct pass pass = {.verify = verify,
                        .totals = totals,
                        .below = keeps_reference(verify->receipt),
                        .share = json_number_value(json_object_get(drawn, "share"))};
    int64_t first = verify->rows * comm->rank / comm->ranks;
    int64_t rows = verify->rows * (comm->rank + 1) / comm->ranks - first;
    TRY(open_csv(comm, &pass));
    if (pass.compare) first = pass.csv.first, rows = pass.csv.rows;
    TRY(read_limits(comm, verify, totals));
    TRY(run_pieces(comm, &pass, first, rows));
    totals->user_limits = store_rows(comm, verify->store, "user_limits/name", NULL) >= 0;
    if (totals->user_limits) TRY(bound_users(comm, &pass));
    finish(comm, &pass);
    verify_tell(comm, verify, "csv", &pass.differ,
                "discounts.csv says what discounts.h5 says, row by row");
    verify_tell(comm, verify, "rows", &pass.cells,
                "levels allowed, figures and reasons those of their cells, propensities right");
done:
    verify_csv_clear(&pass.csv);
    return status;
}
