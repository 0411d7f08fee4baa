/* One pass over two tables. */
#include "jobs/diff_merge.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE_ROWS = 1 << 16, ROW_BYTES = 64 };

/* A run of users of one table with their rows. */
struct piece {
    int64_t users;
    struct user_key *key; /* [users] */
    int64_t *start;       /* [users + 1] first row of each, counted from the piece's first */
    struct published_rows rows;
};

/* What is being counted. */
struct walk {
    struct diff *diff;
    struct piece piece[2];
    int64_t user; /* number of the user at hand, from 1 */
    /* the user counted last, in every cell of the totals */
    int64_t kind[DIFF_KINDS], cause[DIFF_CAUSE_COUNT][2], level[CELL_LEVELS][CELL_LEVELS];
    struct text_set *products;
    struct diff_product *product; /* [room] by provisional code */
    int64_t room;
};

/* ---- pieces ---- */

/* The first user whose key is not below high 64 bits; each rank its own. */
static enum status find_bound(const struct comm *comm, const struct published *table,
                              uint64_t high_bits, int64_t *bound)
{
    enum status status = OK;
    int64_t low = 0, high = table->users;
    for (int64_t left = table->users; left > 0; left /= 2) { /* as many reads on every rank */
        struct user_key there = {0, 0};
        int64_t middle = low + (high - low) / 2;
        TRY(store_read(comm, table->store, "users/key", STORE_U64, middle, low < high, &there));
        if (low == high) continue;
        if (there.high < high_bits)
            low = middle + 1;
        else
            high = middle;
    }
    *bound = low;
done:
    return status;
}

static void piece_clear(struct piece *piece)
{
    free(piece->key);
    free(piece->start);
    published_rows_clear(&piece->rows);
    *piece = (struct piece){0};
}

static enum status read_piece(const struct comm *comm, const struct published *table,
                              const int64_t user[2], struct piece *piece)
{
    enum status status = OK;
    int64_t users = piece->users = user[1] - user[0], more = user[1] < table->users;
    TRY_ALL(comm, memory_new(&piece->key, users, sizeof *piece->key));
    TRY_ALL(comm, memory_new(&piece->start, users + 1, sizeof *piece->start));
    TRY(store_read(comm, table->store, "users/key", STORE_U64, user[0], users, piece->key));
    piece->start[users] = table->rows;
    TRY(store_read(comm, table->store, "users/row", STORE_I64, user[0],
                   users > 0 ? users + more : 0, piece->start));
    int64_t first = users > 0 ? piece->start[0] : 0, rows = users > 0 ? piece->start[users] : 0;
    for (int64_t u = 0; u <= users; u++) piece->start[u] -= first;
    TRY(published_read(comm, table, first, rows - first, &piece->rows));
done:
    return status;
}

/* Part p of so many equal parts of all keys. */
static uint64_t bound_of(int64_t part, int64_t parts)
{
    return (uint64_t)(((unsigned __int128)part << 64) / (unsigned __int128)parts);
}

static enum status read_part(const struct comm *comm, struct walk *walk, int64_t part,
                             int64_t parts)
{
    enum status status = OK;
    for (int t = 0; t < 2; t++) {
        const struct published *table = &walk->diff->table[t];
        int64_t user[2] = {0, table->users}, last = table->users;
        piece_clear(&walk->piece[t]);
        TRY(find_bound(comm, table, bound_of(part, parts), &user[0]));
        TRY(find_bound(comm, table, part + 1 < parts ? bound_of(part + 1, parts) : UINT64_MAX,
                       &user[1]));
        if (part + 1 == parts) user[1] = last;
        TRY(read_piece(comm, table, user, &walk->piece[t]));
    }
done:
    return status;
}

/* ---- counting ---- */

static void count(struct diff_count *count, int64_t *last, int64_t user)
{
    count->rows++;
    count->users += *last != user;
    *last = user;
}

static enum status count_product(struct walk *walk, const char *product, size_t bytes, bool higher)
{
    int64_t code = text_set_code(walk->products, product, bytes);
    if (code < 0) return FAIL(ERR_MEMORY, "no memory for the names of products");
    if (code >= walk->room) {
        int64_t room = 2 * walk->room + 1024;
        enum status status = memory_grow(&walk->product, walk->room, room, sizeof *walk->product);
        if (status != OK) return status;
        walk->room = room;
    }
    *(higher ? &walk->product[code].higher : &walk->product[code].lower) += 1;
    return OK;
}

static int64_t cost_of(const struct diff_row *row)
{
    const struct problem *problem = &row->rows->problem;
    for (int m = 0; m < problem->measures; m++)
        if (strcmp(problem->measure[m].name, "cost") == 0)
            return problem->measure[m].use[row->row * problem->levels + row->rows->level[row->row]];
    return 0;
}

static const char *product_of(const struct published_rows *rows, int64_t row)
{
    return rows->product + row * rows->product_bytes;
}

/* The same user and product, at rows of the pieces. */
static enum status count_pair(struct walk *walk, int64_t row_before, int64_t row_now)
{
    struct diff *diff = walk->diff;
    struct diff_totals *totals = &diff->totals;
    const struct diff_row before = {&walk->piece[0].rows, &diff->prices[0], row_before},
                          now = {&walk->piece[1].rows, &diff->prices[1], row_now};
    double was = diff_discount(&before), is = diff_discount(&now);
    int from = before.rows->level[row_before], to = now.rows->level[row_now];
    enum diff_kind kind = is == was ? DIFF_SAME : is > was ? DIFF_HIGHER : DIFF_LOWER;
    count(&totals->kind[kind], &walk->kind[kind], walk->user);
    count(&totals->level[from][to], &walk->level[from][to], walk->user);
    if (kind == DIFF_SAME) return OK;
    enum diff_cause cause = DIFF_BOTH;
    enum status status = diff_cause_find(&before, &now, &cause);
    if (status != OK) return status;
    bool lower = kind == DIFF_LOWER;
    count(&totals->cause[cause][lower], &walk->cause[cause][lower], walk->user);
    totals->cost[cause] += cost_of(&now) - cost_of(&before);
    const char *product = product_of(now.rows, row_now);
    return count_product(walk, product, strnlen(product, (size_t)now.rows->product_bytes), !lower);
}

static void count_alone(struct walk *walk, enum diff_kind kind, int64_t rows)
{
    for (int64_t r = 0; r < rows; r++)
        count(&walk->diff->totals.kind[kind], &walk->kind[kind], walk->user);
}

/* By the bytes of the ids, which are padded with 0 to lengths of their tables. */
static int compare_products(const struct published_rows *a, int64_t row_a,
                            const struct published_rows *b, int64_t row_b)
{
    const char *one = product_of(a, row_a), *other = product_of(b, row_b);
    size_t bytes_one = strnlen(one, (size_t)a->product_bytes),
           bytes_other = strnlen(other, (size_t)b->product_bytes);
    int order = memcmp(one, other, bytes_one < bytes_other ? bytes_one : bytes_other);
    return order != 0 ? order : (bytes_one > bytes_other) - (bytes_one < bytes_other);
}

/* A user whom both tables have. */
static enum status merge_user(struct walk *walk, int64_t user_before, int64_t user_now)
{
    const struct piece *a = &walk->piece[0], *b = &walk->piece[1];
    int64_t i = a->start[user_before], j = b->start[user_now], end_a = a->start[user_before + 1],
            end_b = b->start[user_now + 1];
    walk->diff->totals.users_both++;
    while (i < end_a && j < end_b) {
        int order = compare_products(&a->rows, i, &b->rows, j);
        if (order < 0) {
            count_alone(walk, DIFF_GONE, 1);
            i++;
        } else if (order > 0) {
            count_alone(walk, DIFF_NEW, 1);
            j++;
        } else {
            enum status status = count_pair(walk, i++, j++);
            if (status != OK) return status;
        }
    }
    count_alone(walk, DIFF_GONE, end_a - i);
    count_alone(walk, DIFF_NEW, end_b - j);
    return OK;
}

static enum status merge_piece(struct walk *walk)
{
    enum status status = OK;
    const struct piece *a = &walk->piece[0], *b = &walk->piece[1];
    int64_t i = 0, j = 0;
    while ((i < a->users || j < b->users) && status == OK) {
        int order = i == a->users ? 1 : j == b->users ? -1 : user_key_compare(a->key[i], b->key[j]);
        walk->user++;
        if (order == 0) {
            status = merge_user(walk, i++, j++);
        } else if (order < 0) {
            count_alone(walk, DIFF_GONE, a->start[i + 1] - a->start[i]);
            i++;
        } else {
            count_alone(walk, DIFF_NEW, b->start[j + 1] - b->start[j]);
            j++;
        }
    }
    return status;
}

/* ---- the whole ---- */

static enum status gather_products(const struct comm *comm, struct walk *walk)
{
    enum status status = OK;
    struct diff *diff = walk->diff;
    int64_t *code = NULL;
    TRY(dictionary_make(comm, walk->products, &diff->products, &code));
    TRY_ALL(comm, memory_new(&diff->product, diff->products.count, sizeof *diff->product));
    for (int64_t p = 0; p < text_set_count(walk->products); p++)
        diff->product[code[p]] = walk->product[p];
    comm_sum_int64(comm, (int64_t *)diff->product, 2 * diff->products.count);
done:
    free(code);
    return status;
}

static enum status walk_tables(const struct comm *comm, struct walk *walk)
{
    enum status status = OK;
    const struct published *table = walk->diff->table;
    int64_t rows = table[0].rows > table[1].rows ? table[0].rows : table[1].rows;
    int64_t steps = rows / ((int64_t)comm->ranks * PIECE_ROWS) + 1, parts = steps * comm->ranks;
    int levels = walk->diff->header[1].problem.levels,
        measures = walk->diff->header[1].problem.measures;
    log_need(comm, 2 * (rows / parts + 1) * (8 * levels * (1 + measures) + ROW_BYTES));
    for (int64_t s = 0; s < steps; s++) {
        TRY(read_part(comm, walk, comm->rank * steps + s, parts));
        TRY_ALL(comm, merge_piece(walk));
    }
    comm_sum_int64(comm, (int64_t *)&walk->diff->totals,
                   sizeof walk->diff->totals / sizeof(int64_t));
    TRY(gather_products(comm, walk));
done:
    return status;
}

static enum status open_tables(const struct comm *comm, const char *const *folder,
                               struct diff *diff)
{
    enum status status = OK;
    for (int t = 0; t < 2; t++) {
        TRY(published_open(comm, folder[t], &diff->table[t]));
        TRY(published_read(comm, &diff->table[t], 0, 0, &diff->header[t]));
    }
    for (int t = 0; t < 2; t++)
        TRY_ALL(comm, diff_prices_match(&diff->header[t], &diff->header[1 - t], &diff->prices[t]));
done:
    return status;
}

enum status diff_make(const struct comm *comm, const char *before, const char *now,
                      struct diff *diff)
{
    enum status status = OK;
    const char *const folder[2] = {before, now};
    struct walk *walk = NULL;
    *diff = (struct diff){.product = NULL};
    TRY(open_tables(comm, folder, diff));
    TRY_ALL(comm, memory_new(&walk, 1, sizeof *walk));
    walk->diff = diff;
    walk->products = text_set_new();
    TRY_ALL(comm, walk->products != NULL ? OK : FAIL(ERR_MEMORY, "no memory for names"));
    TRY(walk_tables(comm, walk));
done:
    if (walk != NULL) {
        for (int t = 0; t < 2; t++) piece_clear(&walk->piece[t]);
        text_set_free(&walk->products);
        free(walk->product);
    }
    free(walk);
    return status;
}

void diff_clear(const struct comm *comm, struct diff *diff)
{
    for (int t = 0; t < 2; t++) {
        published_rows_clear(&diff->header[t]);
        published_close(comm, &diff->table[t]);
        diff_prices_clear(&diff->prices[t]);
    }
    dictionary_clear(&diff->products);
    free(diff->product);
    *diff = (struct diff){.product = NULL};
}
