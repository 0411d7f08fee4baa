/* Likings and attributes to portraits. */
#include "jobs/content_portrait.h"

#include "algorithms/multi_output.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { PURPOSE = 0x6370 };

/* Weighs the squares of coefficients of attributes, as so many users. */
#define RIDGE 20.0

/* ---- the users it is learned from ---- */

/* Shares of a user's liking, sparse. */
struct shares {
    struct blocks blocks;
    int64_t columns;
    int64_t *user;  /* [rows] */
    int64_t *start; /* [rows + 1] */
    int32_t *dimension;
    float *value;
    int64_t capacity;
    const struct content_portrait *made;
    const struct scorer_data *data;
};

static void shares_clear(struct shares *s)
{
    blocks_clear(&s->blocks);
    free(s->user);
    free(s->start);
    free(s->dimension);
    free(s->value);
}

static void attributes_of(const void *context, int64_t row, float *x)
{
    const struct shares *s = context;
    portrait_attributes(s->made->portrait, &s->data->dataset->users, s->user[row], x);
}

/* Work space of a user. */
struct easel {
    float *liking;   /* [longest] */
    float *portrait; /* [dimensions] 0 between users */
};

static double total_of(const float *liking, int64_t count)
{
    double total = 0.0;
    for (int64_t i = 0; i < count; i++) total += (double)liking[i];
    return total;
}

static enum status add_entry(struct shares *s, int64_t at, int32_t dimension, float value)
{
    enum status status = OK;
    if (at == s->capacity) {
        int64_t capacity = 2 * s->capacity + 1024;
        TRY(memory_grow(&s->dimension, at, capacity, sizeof *s->dimension));
        TRY(memory_grow(&s->value, at, capacity, sizeof *s->value));
        s->capacity = capacity;
    }
    s->dimension[at] = dimension;
    s->value[at] = value;
done:
    return status;
}

/* The user's own portrait as a row, emptying the easel: each dimension where it is met first. */
static enum status add_user(struct shares *s, int64_t user, struct easel *easel)
{
    enum status status = OK;
    const struct content *content = s->made->content;
    const int32_t *product = s->data->product + s->data->start[user];
    int64_t count = s->data->start[user + 1] - s->data->start[user], row = s->blocks.rows_local;
    int64_t at = s->start[row];
    portrait_liking(s->data, user, s->made->half_life, easel->liking);
    double total = total_of(easel->liking, count);
    if (!(total > 0.0)) return OK;
    for (int64_t i = 0; i < count; i++)
        content_add(content, product[i], (double)easel->liking[i] / total, easel->portrait);
    for (int64_t i = 0; i < count; i++) {
        const int64_t *start = content->start + product[i] * content->fields;
        for (int64_t e = start[0]; e < start[content->fields]; e++) {
            float *value = &easel->portrait[content->dimension[e]];
            if (*value != 0.0f) TRY(add_entry(s, at++, content->dimension[e], *value));
            *value = 0.0f;
        }
    }
    s->user[row] = user;
    s->start[row + 1] = at;
    s->blocks.rows_local++;
done:
    return status;
}

static enum status add_users(struct shares *s, struct easel *easel)
{
    enum status status = OK;
    const struct users *users = &s->data->dataset->users;
    int folds = (int)(users->blocks.rows_total / CONTENT_PORTRAIT_USERS) + 1;
    TRY(memory_new(&s->user, users->blocks.rows_local, sizeof *s->user));
    TRY(memory_new(&s->start, users->blocks.rows_local + 1, sizeof *s->start));
    TRY(memory_new(&s->blocks.start, users->blocks.blocks_local + 1, sizeof *s->blocks.start));
    TRY(memory_new(&easel->liking, portrait_longest(s->data), sizeof *easel->liking));
    TRY(memory_new(&easel->portrait, s->made->content->dimensions, sizeof *easel->portrait));
    for (int64_t b = 0; b < users->blocks.blocks_local; b++) {
        for (int64_t u = users->blocks.start[b]; u < users->blocks.start[b + 1]; u++)
            if (user_fold(users->key[u], PURPOSE, folds) == 0) TRY(add_user(s, u, easel));
        s->blocks.start[++s->blocks.blocks_local] = s->blocks.rows_local;
    }
done:
    return status;
}

/* ---- what is usual ---- */

static enum status fit_usual(const struct comm *comm, const struct shares *shares,
                             struct content_portrait *made)
{
    enum status status = OK;
    struct multi_output *lines = NULL;
    const struct multi_output_data rows = {.blocks = &shares->blocks,
                                           .columns = made->columns,
                                           .row = attributes_of,
                                           .context = shares,
                                           .outputs = made->content->dimensions,
                                           .start = shares->start,
                                           .output = shares->dimension,
                                           .value = shares->value};
    TRY(multi_output_fit(comm, &rows, RIDGE, &lines));
    TRY_ALL(comm, multi_output_turn(lines, lines->outputs, &made->usual));
done:
    multi_output_free(&lines);
    return status;
}

enum status content_portrait_make(const struct comm *comm, const struct scorer_data *data,
                                  struct content_portrait *made)
{
    enum status status = OK;
    struct shares shares = {.made = made, .data = data};
    struct easel easel = {0};
    made->columns = made->portrait->columns > 0 ? made->portrait->columns : 1;
    made->usual = NULL;
    TRY_ALL(comm, add_users(&shares, &easel));
    shares.blocks.row_first = comm_prefix_int64(comm, shares.blocks.rows_local);
    shares.blocks.rows_total = shares.blocks.rows_local;
    comm_sum_int64(comm, &shares.blocks.rows_total, 1);
    TRY(shares.blocks.rows_total > 0 ? OK : FAIL(ERR_DATA, "nobody liked any product"));
    TRY(fit_usual(comm, &shares, made));
done:
    shares_clear(&shares);
    free(easel.liking);
    free(easel.portrait);
    return status;
}

void content_portrait_clear(struct content_portrait *made)
{
    free(made->usual);
    made->usual = NULL;
}

/* ---- one user ---- */

void content_portrait_paint(const struct content_portrait *made, const struct sitter *sitter,
                            float *to)
{
    int64_t dimensions = made->content->dimensions;
    double whole = total_of(sitter->liking, sitter->count) + made->smoothing;
    float usual = (float)(made->smoothing / whole);
    memset(to, 0, (size_t)dimensions * sizeof *to);
    for (int64_t i = 0; i < sitter->count; i++)
        if (sitter->liking[i] > 0.0f)
            content_add(made->content, sitter->product[i], (double)sitter->liking[i] / whole, to);
    for (int64_t j = 0; j < made->columns; j++)
        if (sitter->attribute[j] != 0.0f)
            multi_output_add(made->usual + j * dimensions, usual * sitter->attribute[j], dimensions,
                             to);
    multi_output_add(made->usual + made->columns * dimensions, usual, dimensions, to);
}
