/* The best items of each user: found where the user is, written where the user's name is. */
#include "jobs/fit_als_top.h"

#include "algorithms/als_top.h"
#include "io/csv.h"
#include "io/text_file.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUND_ROWS = 1 << 16, LINE_BYTES = 48 }; /* of place, score and what parts fields */

/* A user by the first row that names it. */
struct first {
    int64_t row, user; /* user is local */
};

struct work {
    const struct fit_als_top *top;
    const struct fit_table *train;
    const struct ratings *ratings;
    const struct als_model *model;
    int64_t *known_start; /* [users_local + 1]; NULL: none are left out */
    int32_t *known_item;
    uint8_t *never;                  /* [items] 1: of the table to foretell alone */
    const struct table_column *user; /* names */
    struct first *first;             /* [firsts] by row */
    int64_t firsts, next;            /* next: not yet listed */
    size_t item_bytes;               /* of the longest name as a field */
};

/* ---- users by row ---- */

static int by_row(const void *a, const void *b)
{
    const struct first *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

static enum status order_users(struct work *w)
{
    enum status status = OK;
    const struct ratings *r = w->ratings;
    int64_t users = r->blocks.rows_local;
    TRY(memory_new(&w->first, users, sizeof *w->first));
    for (int64_t u = 0; u < users; u++)
        if (r->first_row[u] >= 0) w->first[w->firsts++] = (struct first){r->first_row[u], u};
    qsort(w->first, (size_t)w->firsts, sizeof *w->first, by_row);
done:
    return status;
}

/* Items of nobody in the table to learn from. */
static enum status find_never(const struct comm *comm, struct work *w)
{
    enum status status = OK;
    const struct ratings *r = w->ratings;
    const int64_t items = r->item_name.count;
    int64_t *learnt = NULL;
    TRY_ALL(comm, memory_new(&learnt, items, sizeof *learnt));
    TRY_ALL(comm, memory_new(&w->never, items, sizeof *w->never));
    for (int64_t i = 0; i < r->start[r->blocks.rows_local]; i++)
        if (r->part[i] == RATINGS_TRAIN) learnt[r->item[i]] = 1;
    comm_max_int64(comm, learnt, items);
    for (int64_t k = 0; k < items; k++) w->never[k] = learnt[k] == 0;
done:
    free(learnt);
    return status;
}

/* Items that users have in the table to learn from. */
static enum status list_known(struct work *w)
{
    enum status status = OK;
    const struct ratings *r = w->ratings;
    int64_t users = r->blocks.rows_local, count = 0;
    if (w->top->known) return OK;
    TRY(memory_new(&w->known_start, users + 1, sizeof *w->known_start));
    TRY(memory_new(&w->known_item, r->start[users], sizeof *w->known_item));
    for (int64_t u = 0; u < users; u++) {
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++)
            if (r->part[i] == RATINGS_TRAIN) w->known_item[count++] = r->item[i];
        w->known_start[u + 1] = count;
    }
done:
    return status;
}

static enum status prepare(struct work *w)
{
    enum status status = OK;
    const struct dictionary *names = &w->ratings->item_name;
    TRY(order_users(w));
    TRY(list_known(w));
    for (int64_t k = 0; k < names->count; k++) {
        size_t bytes = 2 * strlen(dictionary_text(names, k)) + 2;
        if (bytes > w->item_bytes) w->item_bytes = bytes;
    }
done:
    return status;
}

static void work_clear(struct work *w)
{
    free(w->known_start);
    free(w->known_item);
    free(w->never);
    free(w->first);
}

/* ---- lists ---- */

struct found {
    int32_t item; /* -1: no more */
    float score;
};

/* Lists of users, each after the row that first names its user. */
struct lists {
    int64_t count;
    int64_t *row;        /* [count] */
    struct found *found; /* [count][top] */
};

static void lists_clear(struct lists *l)
{
    free(l->row);
    free(l->found);
    *l = (struct lists){0};
}

/* Of the next users, those first named before row `end`, which go to so many of each rank. */
static enum status find_lists(const struct comm *comm, struct work *w, int64_t end, struct lists *l,
                              int64_t *each)
{
    enum status status = OK;
    const struct als_known known = {w->known_start, w->known_item, w->never};
    const int64_t top = w->top->count, rows = w->train->table->blocks.rows_total;
    const struct first *first = w->first + w->next;
    int64_t *user = NULL;
    int32_t *item = NULL;
    float *score = NULL;
    while (w->next + l->count < w->firsts && first[l->count].row < end) l->count++;
    w->next += l->count;
    TRY(memory_new(&l->row, l->count, sizeof *l->row));
    TRY(memory_new(&l->found, l->count * top, sizeof *l->found));
    TRY(memory_new(&user, l->count, sizeof *user));
    TRY(memory_new(&item, l->count * top, sizeof *item));
    TRY(memory_new(&score, l->count * top, sizeof *score));
    for (int64_t i = 0; i < l->count; i++) {
        user[i] = first[i].user;
        l->row[i] = first[i].row;
        each[blocks_owner(comm, rows, BLOCK_ROWS, first[i].row)]++;
    }
    TRY(als_top_of(w->model, user, l->count, top, &known, item, score));
    for (int64_t k = 0; k < l->count * top; k++) l->found[k] = (struct found){item[k], score[k]};
done:
    free(user);
    free(item);
    free(score);
    return status;
}

static enum status bring_lists(const struct comm *comm, const struct work *w, const struct lists *l,
                               const int64_t *each, struct lists *mine)
{
    enum status status = OK;
    void *row = NULL, *found = NULL;
    int64_t count;
    TRY(comm_exchange(comm, l->row, each, sizeof *l->row, &row, &mine->count));
    mine->row = row;
    TRY(comm_exchange(comm, l->found, each, (size_t)w->top->count * sizeof *l->found, &found,
                      &count));
    mine->found = found;
done:
    return status;
}

/* ---- text ---- */

static int64_t print_list(const struct work *w, int64_t row, const struct found *found, char *text)
{
    char buffer[RATINGS_NAME_BYTES], *to = text;
    const char *user = ratings_name(w->user, row, buffer);
    for (int64_t n = 0; n < w->top->count && found[n].item >= 0; n++) {
        const char *item = dictionary_text(&w->ratings->item_name, found[n].item);
        to += csv_quote(user, strlen(user), ',', to);
        to += sprintf(to, ",%lld,", (long long)n + 1);
        to += csv_quote(item, strlen(item), ',', to);
        to += sprintf(to, ",%.6g\n", (double)found[n].score);
    }
    return to - text;
}

static int64_t list_bytes(const struct work *w, int64_t row)
{
    char buffer[RATINGS_NAME_BYTES];
    size_t user = 2 * strlen(ratings_name(w->user, row, buffer)) + 2;
    return w->top->count * (int64_t)(user + w->item_bytes + LINE_BYTES);
}

/* Lists by rows, as lines. */
static enum status print_lists(const struct work *w, const struct lists *l, char **text,
                               int64_t *bytes)
{
    enum status status = OK;
    const int64_t row_first = w->train->table->blocks.row_first;
    struct first *order = NULL;
    int64_t most = 0;
    *bytes = 0;
    TRY(memory_new(&order, l->count, sizeof *order));
    for (int64_t i = 0; i < l->count; i++) {
        order[i] = (struct first){l->row[i] - row_first, i};
        most += list_bytes(w, order[i].row);
    }
    qsort(order, (size_t)l->count, sizeof *order, by_row);
    TRY(memory_new(text, most, 1));
    for (int64_t i = 0; i < l->count; i++)
        *bytes +=
            print_list(w, order[i].row, l->found + order[i].user * w->top->count, *text + *bytes);
done:
    free(order);
    return status;
}

static enum status write_round(const struct comm *comm, struct work *w, int64_t end,
                               struct text_file *file)
{
    enum status status = OK;
    struct lists found = {0}, mine = {0};
    int64_t *each = NULL, bytes = 0;
    char *text = NULL;
    TRY_ALL(comm, memory_new(&each, comm->ranks, sizeof *each));
    TRY_ALL(comm, find_lists(comm, w, end, &found, each));
    TRY(bring_lists(comm, w, &found, each, &mine));
    TRY_ALL(comm, print_lists(w, &mine, &text, &bytes));
    TRY(text_file_append(comm, file, text, bytes));
done:
    lists_clear(&found);
    lists_clear(&mine);
    free(each);
    free(text);
    return status;
}

enum status fit_als_top_write(const struct comm *comm, const struct fit_als_top *top,
                              const struct fit_table *train, const struct ratings *ratings,
                              const struct als_model *model)
{
    static const char header[] = "user,place,item,score\n";
    enum status status = OK;
    struct work w = {.top = top, .train = train, .ratings = ratings, .model = model};
    struct text_file *file = NULL;
    const int64_t rows = train->table->blocks.rows_total;
    w.user = &train->table->column[table_find(train->table, top->user_column)];
    TRY(find_never(comm, &w));
    TRY_ALL(comm, prepare(&w));
    TRY(text_file_open(comm, top->path, 0600, &file));
    TRY(text_file_append(comm, file, header, comm->rank == 0 ? (int64_t)sizeof header - 1 : 0));
    for (int64_t row = 0; row < rows; row += ROUND_ROWS)
        TRY(write_round(comm, &w, row + ROUND_ROWS, file));
    TRY(text_file_commit(comm, &file));
done:
    text_file_abandon(comm, &file);
    work_clear(&w);
    return status;
}
