/* Users at moments of the past, and what they bought next. */
#include "jobs/past_windows.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { DAY = 86400, PURPOSE = 0x7061, PURPOSE_UNKNOWN = 0x756e, UNKNOWN_IN = 4 };

/* One moment: the shop as it was, and the time in which purchases count as next. */
struct moment {
    const struct scorer_data *data, *earlier;
    const struct portrait *portrait;
    double half_life;
    int64_t from, until;
    int folds;     /* one user in so many is taken */
    float *liking; /* [longest] of the user at hand */
    int32_t *seen; /* [products] number of the last row that bought it, from 1 */
};

/* ---- windows ---- */

static int64_t span_of(const struct scorer_data *data)
{
    return data->dataset->time_last - data->dataset->time_first + 1;
}

int64_t past_windows_seconds(const struct scorer_data *data)
{
    int64_t part = span_of(data) / 5, most = PAST_WINDOW_DAYS * DAY;
    return part < DAY ? 0 : part < most ? part : most;
}

/* Half of the time at least is history. */
static enum status cut_windows(const struct scorer_data *data, struct past_windows *past)
{
    past->seconds = past_windows_seconds(data);
    if (past->seconds == 0)
        return FAIL(ERR_DATA, "the events span less than five days, too little to learn what is "
                              "bought next");
    past->windows = span_of(data) / 2 / past->seconds;
    if (past->windows > PAST_WINDOWS_MAX) past->windows = PAST_WINDOWS_MAX;
    return OK;
}

static bool buys_next(const struct moment *m, int64_t user)
{
    const struct events *events = &m->data->dataset->events;
    for (int64_t e = events->start[user]; e < events->start[user + 1]; e++)
        if (events->kind[e] == EVENT_PURCHASE && events->time[e] >= m->from &&
            events->time[e] < m->until)
            return true;
    return false;
}

/* Those who are known, and those who come next; the others would tell nothing of products. */
static bool is_taken(const struct moment *m, int64_t user)
{
    bool known = m->earlier->start[user + 1] > m->earlier->start[user];
    return user_fold(m->data->dataset->users.key[user], PURPOSE, m->folds) == 0 &&
           (known || buys_next(m, user));
}

static bool is_hidden_too(const struct moment *m, int64_t user)
{
    return user_fold(m->data->dataset->users.key[user], PURPOSE_UNKNOWN, UNKNOWN_IN) == 0;
}

/* ---- rows ---- */

int64_t past_windows_columns(const struct scorer_data *data, const struct portrait *portrait)
{
    return data->columns + 2 * portrait->columns + 1;
}

void past_windows_row(const struct scorer_data *data, const struct portrait *portrait, int64_t user,
                      bool known, float *x)
{
    float *unknown = x + data->columns + portrait->columns;
    memset(x, 0, (size_t)past_windows_columns(data, portrait) * sizeof *x);
    if (known && data->start[user + 1] > data->start[user]) {
        memcpy(x, data->portrait + user * data->stride, (size_t)data->columns * sizeof *x);
        portrait_attributes(portrait, &data->dataset->users, user, x + data->columns);
    } else {
        unknown[0] = 1.0f;
        portrait_attributes(portrait, &data->dataset->users, user, unknown + 1);
    }
}

/* What this user bought in the window; to may be NULL. Returns how many products. */
static int64_t take_next(const struct moment *m, int64_t user, int32_t row, int32_t *to)
{
    const struct events *events = &m->data->dataset->events;
    int64_t count = 0;
    for (int64_t e = events->start[user]; e < events->start[user + 1]; e++) {
        int32_t p = events->product[e];
        if (events->kind[e] != EVENT_PURCHASE || events->time[e] < m->from ||
            events->time[e] >= m->until || m->seen[p] == row)
            continue;
        m->seen[p] = row;
        if (to != NULL) to[count] = p;
        count++;
    }
    return count;
}

/* Room for `rows` more rows, as many likings as pairs are known, and these purchases. */
static enum status make_room(struct past_windows *past, int64_t rows, int64_t pairs, int64_t next)
{
    enum status status = OK;
    int64_t held = past->blocks.rows_local, more = held + rows;
    int64_t liked = past->start[held], bought = past->next_start[held];
    TRY(memory_grow(&past->x, held * past->columns, more * past->columns, sizeof *past->x));
    TRY(memory_grow(&past->entity, held, more, sizeof *past->entity));
    TRY(memory_grow(&past->start, held + 1, more + 1, sizeof *past->start));
    TRY(memory_grow(&past->next_start, held + 1, more + 1, sizeof *past->next_start));
    TRY(memory_grow(&past->product, liked, liked + pairs, sizeof *past->product));
    TRY(memory_grow(&past->liking, liked, liked + pairs, sizeof *past->liking));
    TRY(memory_grow(&past->next, bought, bought + next, sizeof *past->next));
done:
    return status;
}

static enum status count_rows(const struct moment *m, struct past_windows *past)
{
    int64_t rows = 0, pairs = 0, next = 0;
    for (int64_t u = 0; u < m->data->dataset->users.blocks.rows_local; u++) {
        if (!is_taken(m, u)) continue;
        int copies = is_hidden_too(m, u) ? 2 : 1;
        rows += copies;
        pairs += m->earlier->start[u + 1] - m->earlier->start[u];
        next += copies * take_next(m, u, -(int32_t)rows, NULL);
    }
    return make_room(past, rows, pairs, next);
}

static void add_row(const struct moment *m, int64_t user, bool known, struct past_windows *past)
{
    int64_t row = past->blocks.rows_local++, at = past->start[row];
    const int32_t *product = m->earlier->product + m->earlier->start[user];
    int64_t pairs = m->earlier->start[user + 1] - m->earlier->start[user];
    past_windows_row(m->earlier, m->portrait, user, known, past->x + row * past->columns);
    past->entity[row] = m->data->dataset->users.key[user].low + 2 * (uint64_t)m->from + known;
    portrait_liking(m->earlier, user, m->half_life, m->liking);
    for (int64_t i = 0; i < pairs && known; i++) {
        if (!(m->liking[i] > 0.0f)) continue;
        past->product[at] = product[i];
        past->liking[at++] = m->liking[i];
    }
    past->start[row + 1] = at;
    past->next_start[row + 1] =
        past->next_start[row] +
        take_next(m, user, (int32_t)(row + 1), past->next + past->next_start[row]);
}

static enum status add_rows(struct moment *m, struct past_windows *past)
{
    enum status status = OK;
    const struct blocks *users = &m->data->dataset->users.blocks;
    TRY(memory_new(&m->liking, portrait_longest(m->earlier), sizeof *m->liking));
    TRY(memory_new(&m->seen, m->data->dataset->products.count, sizeof *m->seen));
    TRY(count_rows(m, past));
    for (int64_t b = 0; b < users->blocks_local; b++) {
        for (int64_t u = users->start[b]; u < users->start[b + 1]; u++) {
            if (!is_taken(m, u)) continue;
            add_row(m, u, true, past);
            if (is_hidden_too(m, u)) add_row(m, u, false, past);
        }
        past->blocks.start[++past->blocks.blocks_local] = past->blocks.rows_local;
    }
done:
    free(m->liking);
    free(m->seen);
    return status;
}

static enum status add_window(const struct comm *comm, const struct scorer_data *data,
                              const struct portrait *portrait, double half_life, int64_t from,
                              struct past_windows *past)
{
    enum status status = OK;
    struct scorer_data earlier = {0};
    int64_t rows = data->dataset->users.blocks.rows_total * past->windows;
    TRY(scorer_data_earlier(comm, data, from, &earlier));
    struct moment m = {.data = data,
                       .earlier = &earlier,
                       .portrait = portrait,
                       .half_life = half_life,
                       .from = from,
                       .until = from + past->seconds,
                       .folds = (int)(rows / PAST_ROWS_MAX) + 1};
    TRY_ALL(comm, add_rows(&m, past));
done:
    scorer_data_clear(&earlier);
    return status;
}

/* ---- together ---- */

static enum status new_rows(const struct scorer_data *data, const struct portrait *portrait,
                            struct past_windows *past)
{
    enum status status = OK;
    TRY(cut_windows(data, past));
    past->columns = past_windows_columns(data, portrait);
    int64_t blocks = data->dataset->users.blocks.blocks_local * past->windows;
    TRY(memory_new(&past->blocks.start, blocks + 1, sizeof *past->blocks.start));
    TRY(memory_new(&past->start, 1, sizeof *past->start));
    TRY(memory_new(&past->next_start, 1, sizeof *past->next_start));
    TRY(memory_new(&past->x, 0, sizeof *past->x));
    TRY(memory_new(&past->entity, 0, sizeof *past->entity));
    TRY(memory_new(&past->product, 0, sizeof *past->product));
    TRY(memory_new(&past->liking, 0, sizeof *past->liking));
    TRY(memory_new(&past->next, 0, sizeof *past->next));
done:
    return status;
}

static enum status settle(const struct comm *comm, const struct scorer_data *data,
                          struct past_windows *past)
{
    struct blocks *blocks = &past->blocks;
    int64_t total[2] = {blocks->rows_local, past->next_start[blocks->rows_local]};
    blocks->row_first = comm_prefix_int64(comm, blocks->rows_local);
    blocks->block_first = data->dataset->users.blocks.block_first * past->windows;
    blocks->blocks_total = data->dataset->users.blocks.blocks_total * past->windows;
    comm_sum_int64(comm, total, 2);
    blocks->rows_total = total[0];
    past->next_total = total[1];
    return total[1] > 0 ? OK : FAIL(ERR_DATA, "users known before bought nothing in later weeks");
}

enum status past_windows_make(const struct comm *comm, const struct scorer_data *data,
                              const struct portrait *portrait, double half_life,
                              struct past_windows *past)
{
    enum status status = OK;
    *past = (struct past_windows){0};
    TRY_ALL(comm, new_rows(data, portrait, past));
    for (int64_t w = 1; w <= past->windows; w++)
        TRY(add_window(comm, data, portrait, half_life,
                       data->dataset->time_last + 1 - w * past->seconds, past));
    TRY(settle(comm, data, past));
done:
    if (status != OK) past_windows_clear(past);
    return status;
}

void past_windows_clear(struct past_windows *past)
{
    blocks_clear(&past->blocks);
    free(past->x);
    free(past->entity);
    free(past->start);
    free(past->product);
    free(past->liking);
    free(past->next_start);
    free(past->next);
    *past = (struct past_windows){0};
}
