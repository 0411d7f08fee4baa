/* Rows of a table to the ranks of their users, merged by pair. */
#include "jobs/ratings.h"

#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
    struct user_key user;
    int64_t row;
    int32_t item;
    float value;
    uint8_t part;
    uint8_t padding[7];
};

/* The columns of one table. */
struct source {
    const struct fit_table *table; /* NULL: none */
    const struct table_column *user, *item, *rating;
    int64_t *item_code; /* [rows_local] -1 where missing */
};

/* ---- names ---- */

const char *ratings_name(const struct table_column *column, int64_t row,
                         char buffer[RATINGS_NAME_BYTES])
{
    if (column->type == COLUMN_TEXT)
        return column->code[row] < 0 ? NULL : dictionary_text(&column->levels, column->code[row]);
    if (isnan(column->number[row])) return NULL;
    snprintf(buffer, RATINGS_NAME_BYTES, "%.17g", column->number[row]);
    return buffer;
}

struct user_key ratings_user(const char *name)
{
    static const unsigned char secret[USER_SECRET_BYTES] = "names of users, spread evenly";
    return user_key_of(secret, name, strlen(name));
}

static enum status open_source(const struct fit_table *table, const struct ratings_names *names,
                               struct source *s)
{
    enum status status = OK;
    int64_t at;
    s->table = table;
    TRY(fit_table_find(table, names->user, &at));
    s->user = &table->table->column[at];
    TRY(fit_table_find(table, names->item, &at));
    s->item = &table->table->column[at];
    if (names->rating == NULL) goto done;
    TRY(fit_table_find(table, names->rating, &at));
    s->rating = &table->table->column[at];
    if (s->rating->type == COLUMN_TEXT)
        TRY(fit_table_refuse_text(table, at, "ratings are numbers; name their column by --rating"));
done:
    return status;
}

/* add: ratings are numbers of times */
static enum status check_values(const struct source *s, bool add)
{
    const struct blocks *blocks = &s->table->table->blocks;
    for (int64_t i = 0; s->rating != NULL && i < blocks->rows_local; i++) {
        double value = s->rating->number[i];
        if (isnan(value) || (fabs(value) <= (double)FLT_MAX && (!add || value >= 0.0))) continue;
        return FAIL(ERR_DATA, "%s: column \"%s\" is %g in data row %lld; %s", s->table->path,
                    s->rating->name, value, (long long)(blocks->row_first + i + 1),
                    add ? "with --implicit it says how often, finite and not below 0: mend it, or "
                          "fit without --implicit"
                        : "ratings are finite: mend it, or leave the row out");
    }
    return OK;
}

/* Provisional codes of this rank's items. */
static enum status collect_items(struct text_set *set, struct source *s)
{
    enum status status = OK;
    char buffer[RATINGS_NAME_BYTES];
    int64_t rows = s->table->table->blocks.rows_local;
    TRY(memory_new(&s->item_code, rows, sizeof *s->item_code));
    for (int64_t i = 0; i < rows; i++) {
        const char *name = ratings_name(s->item, i, buffer);
        s->item_code[i] = name == NULL ? -1 : text_set_code(set, name, strlen(name));
        if (name != NULL && s->item_code[i] < 0)
            TRY(FAIL(ERR_MEMORY, "no memory for the names of items"));
    }
done:
    return status;
}

static enum status number_items(const struct comm *comm, struct source *source, int sources,
                                struct dictionary *dictionary)
{
    enum status status = OK;
    struct text_set *set = text_set_new();
    int64_t *final = NULL;
    TRY_ALL(comm, set != NULL ? OK : FAIL(ERR_MEMORY, "no memory for the names of items"));
    for (int k = 0; k < sources; k++) TRY_ALL(comm, collect_items(set, &source[k]));
    TRY(dictionary_make(comm, set, dictionary, &final));
    for (int k = 0; k < sources; k++)
        for (int64_t i = 0; i < source[k].table->table->blocks.rows_local; i++)
            if (source[k].item_code[i] >= 0) source[k].item_code[i] = final[source[k].item_code[i]];
    TRY_ALL(comm, dictionary->count > INT32_MAX ? FAIL(ERR_DATA, "too many items") : OK);
done:
    text_set_free(&set);
    free(final);
    return status;
}

/* ---- records ---- */

static double value_of(const struct source *s, int64_t row)
{
    return s->rating == NULL ? 1.0 : s->rating->number[row];
}

static void take_records(const struct source *s, uint8_t part, struct record *record,
                         int64_t *records, int64_t *left_out)
{
    char buffer[RATINGS_NAME_BYTES];
    const struct blocks *blocks = &s->table->table->blocks;
    for (int64_t i = 0; i < blocks->rows_local; i++) {
        const char *user = ratings_name(s->user, i, buffer);
        double value = value_of(s, i);
        if (user == NULL || s->item_code[i] < 0 || isnan(value)) {
            ++*left_out;
            continue;
        }
        record[(*records)++] = (struct record){.user = ratings_user(user),
                                               .row = blocks->row_first + i,
                                               .item = (int32_t)s->item_code[i],
                                               .value = (float)value,
                                               .part = part};
    }
}

static int compare(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    int by_user = user_key_compare(x->user, y->user);
    if (by_user != 0) return by_user;
    if (x->item != y->item) return x->item < y->item ? -1 : 1;
    if (x->part != y->part) return x->part < y->part ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static bool same_user(const struct record *a, const struct record *b)
{
    return user_key_compare(a->user, b->user) == 0;
}

/* Rows of one pair and part become one. */
static int64_t merge(bool add, struct record *record, int64_t records, int64_t *repeated)
{
    int64_t kept = 0;
    for (int64_t i = 0, next; i < records; i = next) {
        double sum = 0.0;
        for (next = i; next < records && same_user(&record[i], &record[next]) &&
                       record[next].item == record[i].item && record[next].part == record[i].part;
             next++)
            sum += (double)record[next].value;
        *repeated += next - i > 1;
        record[kept] = record[i];
        record[kept++].value = (float)(add ? sum : sum / (double)(next - i));
    }
    return kept;
}

/* Bring the records to the ranks of their users, in order. */
static enum status bring(const struct comm *comm, struct record *record, int64_t records, int bits,
                         struct user_cut *cut, struct record **mine, int64_t *mine_count)
{
    enum status status = OK;
    int64_t *weight = NULL, *count = NULL;
    void *received = NULL;
    TRY_ALL(comm, memory_new(&weight, (int64_t)1 << bits, sizeof *weight));
    TRY_ALL(comm, memory_new(&count, comm->ranks, sizeof *count));
    for (int64_t i = 0; i < records; i++) weight[user_block(record[i].user, bits)]++;
    TRY(user_cut_make(comm, bits, weight, cut));
    qsort(record, (size_t)records, sizeof *record, compare);
    for (int64_t i = 0; i < records; i++)
        count[user_cut_owner(cut, user_block(record[i].user, bits))]++;
    TRY(comm_exchange(comm, record, count, sizeof *record, &received, mine_count));
    *mine = received;
    qsort(*mine, (size_t)*mine_count, sizeof **mine, compare);
done:
    free(weight);
    free(count);
    return status;
}

/* ---- users ---- */

static enum status fill(const struct record *record, int64_t records, struct ratings *r)
{
    enum status status = OK;
    int64_t users = 0;
    for (int64_t i = 0; i < records; i++) users += i == 0 || !same_user(&record[i - 1], &record[i]);
    TRY(memory_new(&r->start, users + 1, sizeof *r->start));
    TRY(memory_new(&r->item, records, sizeof *r->item));
    TRY(memory_new(&r->value, records, sizeof *r->value));
    TRY(memory_new(&r->part, records, sizeof *r->part));
    TRY(memory_new(&r->row, records, sizeof *r->row));
    TRY(memory_new(&r->user, users, sizeof *r->user));
    TRY(memory_new(&r->first_row, users, sizeof *r->first_row));
    r->blocks.rows_local = users;
    for (int64_t u = 0; u < users; u++) r->first_row[u] = -1;
    users = 0;
    for (int64_t i = 0; i < records; i++) {
        if (i > 0 && !same_user(&record[i - 1], &record[i])) users++;
        r->item[i] = record[i].item;
        r->value[i] = record[i].value;
        r->part[i] = record[i].part;
        r->row[i] = record[i].row;
        r->start[users + 1] = i + 1;
        r->user[users] = record[i].user;
        if (record[i].part == RATINGS_TRAIN &&
            (r->first_row[users] < 0 || record[i].row < r->first_row[users]))
            r->first_row[users] = record[i].row;
    }
done:
    return status;
}

static enum status set_blocks(const struct comm *comm, const struct record *record, int64_t records,
                              int bits, const struct user_cut *cut, struct blocks *blocks)
{
    enum status status = OK;
    int64_t user = 0;
    blocks->blocks_total = (int64_t)1 << bits;
    blocks->block_first = cut->rank_first[comm->rank];
    blocks->blocks_local = cut->rank_first[comm->rank + 1] - blocks->block_first;
    blocks->rows_total = blocks->rows_local;
    blocks->row_first = comm_prefix_int64(comm, blocks->rows_local);
    comm_sum_int64(comm, &blocks->rows_total, 1);
    TRY_ALL(comm, memory_new(&blocks->start, blocks->blocks_local + 1, sizeof *blocks->start));
    for (int64_t i = 0; i < records; i++) {
        if (i > 0 && same_user(&record[i - 1], &record[i])) continue;
        blocks->start[user_block(record[i].user, bits) - blocks->block_first + 1] = ++user;
    }
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        if (blocks->start[b + 1] < blocks->start[b]) blocks->start[b + 1] = blocks->start[b];
done:
    return status;
}

static enum status tell(const struct comm *comm, const char *path,
                        const struct ratings_names *names, int64_t left_out, int64_t kept)
{
    enum status status = OK;
    int64_t both[2] = {left_out, kept};
    comm_sum_int64(comm, both, 2);
    if (both[0] > 0)
        log_warning("%s: %lld rows are left out, since they have no value in column %s, %s%s%s",
                    path, (long long)both[0], names->user, names->item,
                    names->rating != NULL ? " or " : "",
                    names->rating != NULL ? names->rating : "");
    TRY_ALL(comm,
            both[1] > 0 ? OK : FAIL(ERR_DATA, "%s: no row has a user, an item and a rating", path));
done:
    return status;
}

enum status ratings_make(const struct comm *comm, const struct fit_table *train,
                         const struct fit_table *test, const struct ratings_names *names, bool add,
                         struct ratings *r)
{
    enum status status = OK;
    struct source source[2] = {{0}};
    struct user_cut cut = {0};
    struct record *record = NULL, *mine = NULL;
    int64_t records = 0, mine_count = 0, rows = 0;
    int sources = test == NULL ? 1 : 2, bits;
    *r = (struct ratings){0};
    TRY_ALL(comm, open_source(train, names, &source[0]));
    if (test != NULL) TRY_ALL(comm, open_source(test, names, &source[1]));
    for (int k = 0; k < sources; k++) TRY_ALL(comm, check_values(&source[k], add));
    TRY(number_items(comm, source, sources, &r->item_name));
    for (int k = 0; k < sources; k++) rows += source[k].table->table->blocks.rows_local;
    TRY_ALL(comm, memory_new(&record, rows, sizeof *record));
    for (int k = 0; k < sources; k++) {
        int64_t left_out = 0, before = records;
        take_records(&source[k], (uint8_t)k, record, &records, &left_out);
        TRY(tell(comm, source[k].table->path, names, left_out, records - before));
    }
    bits = user_block_bits(train->table->blocks.rows_total);
    TRY(bring(comm, record, records, bits, &cut, &mine, &mine_count));
    mine_count = merge(add, mine, mine_count, &r->repeated);
    comm_sum_int64(comm, &r->repeated, 1);
    TRY_ALL(comm, fill(mine, mine_count, r));
    TRY(set_blocks(comm, mine, mine_count, bits, &cut, &r->blocks));
done:
    free(source[0].item_code);
    free(source[1].item_code);
    free(record);
    free(mine);
    user_cut_clear(&cut);
    return status;
}

/* What a term of exact sums may be. */
static const double SQUARES_MOST = 1e14;

/* Sums of a block: ratings to learn from, and their squares. */
static void add_block(const struct ratings *r, int64_t first, int64_t last, double sum[2])
{
    for (int64_t i = first; i < last; i++) {
        double value = r->part[i] == RATINGS_TRAIN ? (double)r->value[i] : 0.0;
        sum[0] += value;
        sum[1] += value * value;
    }
}

/* Sums of all blocks. */
static enum status add_blocks(const struct ratings *r, struct exact_sums *sums)
{
    const struct blocks *blocks = &r->blocks;
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double sum[2] = {0.0, 0.0};
        add_block(r, r->start[blocks->start[b]], r->start[blocks->start[b + 1]], sum);
        if (sum[1] > SQUARES_MOST)
            return FAIL(ERR_DATA,
                        "ratings are too large for their squares to be added up; give them in "
                        "larger units, such as thousands");
        exact_add(sums, 0, sum, 2);
    }
    return OK;
}

enum status ratings_spread(const struct comm *comm, const struct ratings *r, double *sd)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    const struct blocks *blocks = &r->blocks;
    int64_t count = 0;
    TRY_ALL(comm, exact_init(&sums, 2));
    TRY_ALL(comm, add_blocks(r, &sums));
    for (int64_t i = 0; i < r->start[blocks->rows_local]; i++) count += r->part[i] == RATINGS_TRAIN;
    comm_sum_int64(comm, &count, 1);
    TRY(exact_reduce(comm, &sums));
    double mean = exact_get(&sums, 0) / (double)count;
    *sd = sqrt(fmax(0.0, exact_get(&sums, 1) / (double)count - mean * mean));
done:
    exact_clear(&sums);
    return status;
}

void ratings_clear(struct ratings *r)
{
    blocks_clear(&r->blocks);
    dictionary_clear(&r->item_name);
    free(r->user);
    free(r->first_row);
    free(r->start);
    free(r->item);
    free(r->value);
    free(r->part);
    free(r->row);
    *r = (struct ratings){0};
}
