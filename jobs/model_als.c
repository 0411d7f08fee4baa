/* Alternating least squares: pairs of tables in, what is foretold of them out, saved and read. */
#include "jobs/model_als.h"

#include "algorithms/vector.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_ROWS = 1 << 14 };

/* A saved model, users cut among the ranks in the order of their keys. */
struct saved_als {
    struct als_model als;
    struct dictionary item_name;
    struct user_key *user;  /* [users_local] */
    struct user_key *first; /* [ranks] key of the first user of each rank; the largest if none */
};

/* ---- the file ---- */

static const struct store_column user_column = {"user", STORE_U64, 2, "",
                                                "what stands for the name of each user, in order"};

/* Rows of factors and biases without what pads them. */
static enum status write_factors(const struct comm *comm, struct store *store, const char *name,
                                 const char *help, const struct als_model *m, const float *row,
                                 int64_t rows)
{
    enum status status = OK;
    float *bare = NULL;
    int64_t width = m->factors + 1;
    const struct store_column column = {name, STORE_F32, width, "", help};
    TRY_ALL(comm, memory_new(&bare, rows * width, sizeof *bare));
    for (int64_t i = 0; i < rows; i++)
        memcpy(bare + i * width, row + i * m->stride, (size_t)width * sizeof *bare);
    TRY(store_write(comm, store, &column, bare, rows));
done:
    free(bare);
    return status;
}

static enum status write_numbers(const struct comm *comm, struct store *store,
                                 const struct als_model *m)
{
    enum status status = OK;
    TRY(model_write_number(comm, store, "implicit", "", "1: values say how often; 0: ratings",
                           m->implicit));
    TRY(model_write_number(comm, store, "mean", "rating", "mean of the ratings", m->mean));
    TRY(model_write_number(comm, store, "low", "rating", "smallest rating", m->low));
    TRY(model_write_number(comm, store, "high", "rating", "largest rating", m->high));
    TRY(model_write_number(comm, store, "lambda", "", "penalty of factors", m->lambda));
    TRY(model_write_number(comm, store, "bias_lambda", "", "penalty of biases", m->bias_lambda));
    TRY(model_write_number(comm, store, "alpha", "", "what being seen once weighs", m->alpha));
done:
    return status;
}

enum status model_als_write(const struct comm *comm, const char *path,
                            const struct ratings_names *names, const struct ratings *ratings,
                            const struct als_model *m)
{
    enum status status = OK;
    struct store *store = NULL;
    const char *const columns[2] = {names->user, names->item};
    TRY(model_create(comm, path, "als", columns, 2, &store));
    TRY(write_numbers(comm, store, m));
    TRY(store_write_dictionary(comm, store, "item_name", "names of items", &ratings->item_name));
    TRY(write_factors(comm, store, "item_factors", "of each item, then its bias", m, m->item,
                      comm->rank == 0 ? m->items : 0));
    TRY(store_write(comm, store, &user_column, ratings->user, m->users_local));
    TRY(write_factors(comm, store, "user_factors", "of each user, then its bias", m, m->user,
                      m->users_local));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

static void free_model(void *model)
{
    struct saved_als *saved = model;
    if (saved == NULL) return;
    free(saved->als.user);
    free(saved->als.item);
    dictionary_clear(&saved->item_name);
    free(saved->user);
    free(saved->first);
    free(saved);
}

static enum status read_factors(const struct comm *comm, const struct store *store,
                                const char *name, int64_t first, int64_t rows, int64_t width,
                                float **row)
{
    enum status status = OK;
    float *bare = NULL;
    int64_t stride = vector_padded(width);
    TRY_ALL(comm, memory_new(&bare, rows * width, sizeof *bare));
    TRY_ALL(comm, memory_new(row, rows * stride, sizeof **row));
    TRY(store_read(comm, store, name, STORE_F32, first, rows, bare));
    for (int64_t i = 0; i < rows; i++)
        memcpy(*row + i * stride, bare + i * width, (size_t)width * sizeof *bare);
done:
    free(bare);
    return status;
}

static enum status read_numbers(const struct comm *comm, const struct store *store,
                                struct als_model *m)
{
    enum status status = OK;
    double implicit = 0.0;
    TRY(model_read_number(comm, store, "implicit", &implicit));
    TRY(model_read_number(comm, store, "mean", &m->mean));
    TRY(model_read_number(comm, store, "low", &m->low));
    TRY(model_read_number(comm, store, "high", &m->high));
    m->implicit = implicit != 0.0;
done:
    return status;
}

/* This rank's share of the users, and where the others' begin. */
static enum status read_users(const struct comm *comm, const struct store *store, int64_t width,
                              struct saved_als *saved)
{
    enum status status = OK;
    struct user_key mine = {UINT64_MAX, UINT64_MAX};
    void *all = NULL;
    int64_t bytes, users = store_rows(comm, store, "user", NULL);
    int64_t first = users * comm->rank / comm->ranks;
    int64_t rows = users * (comm->rank + 1) / comm->ranks - first;
    saved->als.users_local = rows;
    TRY_ALL(comm, memory_new(&saved->user, rows, sizeof *saved->user));
    TRY(store_read(comm, store, "user", STORE_U64, first, rows, saved->user));
    TRY(read_factors(comm, store, "user_factors", first, rows, width, &saved->als.user));
    if (rows > 0) mine = saved->user[0];
    TRY(comm_gather_all(comm, &mine, sizeof mine, &all, &bytes));
    saved->first = all;
    for (int r = comm->ranks - 2; r >= 0; r--) /* of a rank without users: that of the next */
        if (users * r / comm->ranks == users * (r + 1) / comm->ranks)
            saved->first[r] = saved->first[r + 1];
done:
    return status;
}

static enum status read_model(const struct comm *comm, const struct store *store, void **model)
{
    enum status status = OK;
    struct saved_als *saved = NULL;
    int64_t width = 0, items = store_rows(comm, store, "item_factors", &width);
    TRY_ALL(comm, items > 0 ? OK : FAIL(ERR_DATA, "the model has no items; fit it again"));
    TRY_ALL(comm, memory_new(&saved, 1, sizeof *saved));
    saved->als.factors = width - 1;
    saved->als.stride = vector_padded(width);
    saved->als.items = items;
    TRY(read_numbers(comm, store, &saved->als));
    TRY(store_read_dictionary(comm, store, "item_name", &saved->item_name));
    TRY_ALL(comm, saved->item_name.count == items
                      ? OK
                      : FAIL(ERR_DATA, "the model names other items than it has; fit it again"));
    TRY(read_factors(comm, store, "item_factors", 0, items, width, &saved->als.item));
    TRY(read_users(comm, store, width, saved));
    *model = saved;
    saved = NULL;
done:
    free_model(saved);
    return status;
}

/* ---- users asked for ---- */

/* A row's user, on its way to the rank that has it; factors come back in the same order. */
struct question {
    struct user_key user;
    int32_t rank; /* who asks */
    int32_t row;  /* of the piece */
};

static int owner_of(const struct saved_als *saved, int ranks, struct user_key key)
{
    int low = 0, high = ranks; /* the last rank whose first key is not above */
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (user_key_compare(saved->first[middle], key) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t find_user(const struct saved_als *saved, struct user_key key)
{
    int64_t low = 0, high = saved->als.users_local;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (user_key_compare(saved->user[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < saved->als.users_local && user_key_compare(saved->user[low], key) == 0;
    return found ? low : -1;
}

/* A piece of the rows of this rank. */
struct piece {
    const struct model_rows *rows;
    int64_t first, count;
    struct question *question; /* [asked] by owner */
    int64_t asked;
    int64_t *each; /* [ranks] */
    float *answer; /* [asked][stride + 1], the last 1 if the user is known */
};

static enum status ask(const struct comm *comm, const struct saved_als *saved, struct piece *p)
{
    enum status status = OK;
    const struct table_column *column = model_rows_column(p->rows, 0);
    char buffer[RATINGS_NAME_BYTES];
    struct question *unsorted = NULL;
    int64_t *next = NULL;
    TRY(memory_new(&unsorted, p->count, sizeof *unsorted));
    TRY(memory_new(&p->question, p->count, sizeof *p->question));
    TRY(memory_new(&p->each, comm->ranks, sizeof *p->each));
    TRY(memory_new(&next, comm->ranks + 1, sizeof *next));
    for (int64_t i = 0; i < p->count; i++) {
        const char *name = ratings_name(column, p->first + i, buffer);
        if (!p->rows->usable[p->first + i] || name == NULL) continue;
        unsorted[p->asked] = (struct question){ratings_user(name), comm->rank, (int32_t)i};
        p->each[owner_of(saved, comm->ranks, unsorted[p->asked++].user)]++;
    }
    for (int r = 0; r < comm->ranks; r++) next[r + 1] = next[r] + p->each[r];
    for (int64_t q = 0; q < p->asked; q++)
        p->question[next[owner_of(saved, comm->ranks, unsorted[q].user)]++] = unsorted[q];
done:
    free(unsorted);
    free(next);
    return status;
}

static enum status answer_all(const struct comm *comm, const struct saved_als *saved,
                              const struct question *asked, int64_t count, int64_t **each,
                              float **answer)
{
    enum status status = OK;
    int64_t stride = saved->als.stride, width = stride + 1;
    TRY(memory_new(each, comm->ranks, sizeof **each));
    TRY(memory_new(answer, count * width, sizeof **answer));
    for (int64_t q = 0; q < count; q++) {
        int64_t at = find_user(saved, asked[q].user);
        (*each)[asked[q].rank]++;
        if (at < 0) continue;
        memcpy(*answer + q * width, saved->als.user + at * stride, (size_t)stride * sizeof(float));
        (*answer)[q * width + stride] = 1.0f;
    }
done:
    return status;
}

static enum status exchange(const struct comm *comm, const struct saved_als *saved, struct piece *p)
{
    enum status status = OK;
    void *asked = NULL, *mine = NULL;
    int64_t count, back, *each = NULL;
    float *answer = NULL;
    TRY_ALL(comm, ask(comm, saved, p));
    TRY(comm_exchange(comm, p->question, p->each, sizeof *p->question, &asked, &count));
    TRY_ALL(comm, answer_all(comm, saved, asked, count, &each, &answer));
    TRY(comm_exchange(comm, answer, each, (size_t)(saved->als.stride + 1) * sizeof *answer, &mine,
                      &back));
    p->answer = mine;
done:
    free(asked);
    free(each);
    free(answer);
    return status;
}

/* ---- what is foretold ---- */

/* Item of each level of a column of texts. */
static enum status match_levels(const struct saved_als *saved, const struct table_column *column,
                                int64_t **item)
{
    enum status status = OK;
    if (column->type != COLUMN_TEXT) return OK;
    TRY(memory_new(item, column->levels.count, sizeof **item));
    for (int64_t k = 0; k < column->levels.count; k++) {
        const char *name = dictionary_text(&column->levels, k);
        (*item)[k] = dictionary_find(&saved->item_name, name, strlen(name));
    }
done:
    return status;
}

static int64_t item_of(const struct saved_als *saved, const struct table_column *column,
                       const int64_t *level_item, int64_t row)
{
    char buffer[RATINGS_NAME_BYTES];
    if (level_item != NULL) return level_item[column->code[row]];
    const char *name = ratings_name(column, row, buffer);
    return dictionary_find(&saved->item_name, name, strlen(name));
}

/* Of an unknown user or item explicit ratings are foretold without its share, implicit ones not at
 * all. */
static double foretell(struct saved_als *saved, float *user, bool known, int64_t item)
{
    struct als_model m = saved->als;
    if (m.implicit && (!known || item < 0)) return NAN;
    m.user = user;
    if (item >= 0) return als_predict(&m, 0, item);
    return fmin(fmax(m.mean + (double)user[m.factors], m.low), m.high);
}

static enum status say_piece(const struct comm *comm, struct saved_als *saved,
                             const int64_t *level_item, struct piece *p, double *predicted)
{
    enum status status = OK;
    const struct table_column *items = model_rows_column(p->rows, 1);
    const int64_t stride = saved->als.stride;
    TRY(exchange(comm, saved, p));
    for (int64_t q = 0; q < p->asked; q++) {
        float *user = p->answer + q * (stride + 1);
        int64_t row = p->first + p->question[q].row;
        predicted[row] =
            foretell(saved, user, user[stride] > 0.0f, item_of(saved, items, level_item, row));
    }
done:
    free(p->question);
    free(p->each);
    free(p->answer);
    return status;
}

static enum status apply(const struct comm *comm, const void *model, const struct model_rows *rows,
                         struct applied *applied)
{
    enum status status = OK;
    struct saved_als saved = *(const struct saved_als *)model;
    int64_t *level_item = NULL, most = rows->blocks->rows_local;
    double *predicted = NULL;
    TRY_ALL(comm, applied_add(applied, "predicted", &predicted));
    TRY_ALL(comm, match_levels(&saved, model_rows_column(rows, 1), &level_item));
    comm_max_int64(comm, &most, 1);
    for (int64_t at = 0; at < most; at += PIECE_ROWS) {
        int64_t left = rows->blocks->rows_local - at;
        struct piece p = {.rows = rows, .first = at};
        p.count = left < 0 ? 0 : left < PIECE_ROWS ? left : PIECE_ROWS;
        TRY(say_piece(comm, &saved, level_item, &p, predicted));
    }
done:
    free(level_item);
    return status;
}

const struct model_kind model_kind_als = {.name = "als",
                                          .texts = true,
                                          .ids = true,
                                          .read = read_model,
                                          .apply = apply,
                                          .free = free_model};
