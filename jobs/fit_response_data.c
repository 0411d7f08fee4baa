/* Rows of past offers: checked, with levels of the discount and weights. */
#include "jobs/fit_response_data.h"

#include "algorithms/bins.h"
#include "jobs/fit_response_features.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- columns ---- */

enum { USER, DISCOUNT, OUTCOME, PROPENSITY, SUBJECTS };

struct subjects {
    int64_t at[SUBJECTS]; /* places in the table, -1 where there is none */
};

static void names_of(const struct fit_response_source *source, const char *name[SUBJECTS])
{
    name[USER] = source->user;
    name[DISCOUNT] = source->discount;
    name[OUTCOME] = source->outcome;
    name[PROPENSITY] = source->propensity;
}

static enum status read_table(const struct comm *comm, const struct fit_response_source *source,
                              struct fit_response_data *data)
{
    enum status status = OK;
    const char **names = NULL, *subject[SUBJECTS];
    int64_t count = 0;
    names_of(source, subject);
    TRY_ALL(comm, memory_new(&names, source->features_count + SUBJECTS, sizeof *names));
    for (int s = 0; s < SUBJECTS; s++)
        if (subject[s] != NULL) names[count++] = subject[s];
    int64_t subjects = count;
    for (int64_t j = 0; j < source->features_count; j++) {
        bool twice = false;
        for (int64_t s = 0; s < subjects; s++)
            twice = twice || strcmp(names[s], source->features[j]) == 0;
        if (!twice) names[count++] = source->features[j];
    }
    TRY(fit_table_read_ids(comm, source->path, names, source->features_count > 0 ? count : 0,
                           &source->user, source->user != NULL, &data->in));
done:
    free(names);
    return status;
}

static enum status find_subjects(const struct fit_response_source *source,
                                 const struct fit_response_data *data, struct subjects *subjects)
{
    enum status status = OK;
    const char *name[SUBJECTS];
    names_of(source, name);
    for (int s = 0; s < SUBJECTS; s++) {
        subjects->at[s] = -1;
        if (name[s] == NULL) continue;
        TRY(fit_table_find(&data->in, name[s], &subjects->at[s]));
        if (s != USER && data->in.table->column[subjects->at[s]].type == COLUMN_TEXT)
            TRY(fit_table_refuse_text(&data->in, subjects->at[s],
                                      s == OUTCOME ? "code what came of an offer as 1 and 0"
                                                   : "it must be a number"));
    }
done:
    return status;
}

/* ---- rows ---- */

static bool lacks(const struct table_column *column, int64_t row)
{
    return column->type == COLUMN_TEXT ? column->code[row] < 0 : isnan(column->number[row]);
}

static bool is_complete(const struct fit_response_data *data, const struct subjects *subjects,
                        int64_t row)
{
    for (int s = 0; s < SUBJECTS; s++)
        if (subjects->at[s] >= 0 && lacks(&data->in.table->column[subjects->at[s]], row))
            return false;
    return true;
}

static enum status choose_rows(struct fit_response_data *data, const struct subjects *subjects)
{
    enum status status = OK;
    const struct blocks *all = &data->in.table->blocks;
    struct blocks *kept = &data->blocks;
    int64_t count = 0;
    *kept = *all;
    kept->start = NULL;
    TRY(memory_new(&kept->start, all->blocks_local + 1, sizeof *kept->start));
    TRY(memory_new(&data->row, all->rows_local, sizeof *data->row));
    for (int64_t b = 0; b < all->blocks_local; b++) {
        for (int64_t i = all->start[b]; i < all->start[b + 1]; i++)
            if (is_complete(data, subjects, i)) data->row[count++] = i;
        kept->start[b + 1] = count;
    }
    kept->rows_local = count;
done:
    return status;
}

static enum status tell_left_out(const struct comm *comm, struct fit_response_data *data,
                                 const struct subjects *subjects)
{
    int64_t used[SUBJECTS], count = 0;
    struct blocks *kept = &data->blocks;
    kept->row_first = comm_prefix_int64(comm, kept->rows_local);
    kept->rows_total = kept->rows_local;
    comm_sum_int64(comm, &kept->rows_total, 1);
    data->left_out = data->in.table->blocks.rows_total - kept->rows_total;
    for (int s = 0; s < SUBJECTS; s++)
        if (subjects->at[s] >= 0) used[count++] = subjects->at[s];
    return fit_table_tell_left_out(&data->in, (struct fit_columns){used, count}, data->left_out);
}

/* ---- values ---- */

static enum status check_row(const struct fit_response_source *source,
                             const struct fit_response_data *data, int64_t row, double discount,
                             double outcome, double propensity)
{
    long long line = (long long)(data->in.table->blocks.row_first + row + 1);
    if (outcome != 0.0 && outcome != 1.0)
        return FAIL(ERR_DATA,
                    "%s: outcome \"%s\" is %g in data row %lld; it must be 1 where the offer was "
                    "taken and 0 where it was not",
                    source->path, source->outcome, outcome, line);
    if (!(discount >= 0.0))
        return FAIL(ERR_DATA,
                    "%s: discount \"%s\" is %g in data row %lld; it must not be below 0: a "
                    "discount of 15 %% is 0.15",
                    source->path, source->discount, discount, line);
    if (discount > 1.0)
        return FAIL(ERR_DATA,
                    "%s: discount \"%s\" is %g in data row %lld; it must be a fraction of the "
                    "price, 0.15 for 15 %%: %s",
                    source->path, source->discount, discount, line,
                    source->percent ? "with --percent at most 100"
                                    : "add --percent if the column is in per cent");
    if (!(propensity > 0.0 && propensity <= 1.0))
        return FAIL(ERR_DATA,
                    "%s: propensity \"%s\" is %g in data row %lld; it is the chance with which "
                    "this user got this discount, above 0 and at most 1: mend it, or leave the row "
                    "out",
                    source->path, source->propensity, propensity, line);
    return OK;
}

static uint64_t user_of(const struct table_column *column, int64_t row)
{
    uint64_t bits;
    if (column->type == COLUMN_TEXT) return (uint64_t)column->code[row];
    double one_zero = column->number[row] + 0.0;
    memcpy(&bits, &one_zero, sizeof bits);
    return bits;
}

static enum status make_room(struct fit_response_data *data, bool weighted)
{
    enum status status = OK;
    int64_t rows = data->blocks.rows_local;
    TRY(memory_new(&data->y, rows, sizeof *data->y));
    TRY(memory_new(&data->dose, rows, sizeof *data->dose));
    TRY(memory_new(&data->weight, rows, sizeof *data->weight));
    TRY(memory_new(&data->user, rows, sizeof *data->user));
    TRY(memory_new(&data->at, rows, sizeof *data->at));
    if (weighted) TRY(memory_new(&data->inverse, rows, sizeof *data->inverse));
done:
    return status;
}

static enum status take_rows(const struct fit_response_source *source,
                             const struct subjects *subjects, struct fit_response_data *data)
{
    enum status status = OK;
    const struct table_column *column = data->in.table->column;
    const int64_t *at = subjects->at;
    TRY(make_room(data, at[PROPENSITY] >= 0));
    for (int64_t i = 0; i < data->blocks.rows_local; i++) {
        int64_t row = data->row[i];
        double discount = column[at[DISCOUNT]].number[row] / (source->percent ? 100.0 : 1.0);
        double outcome = column[at[OUTCOME]].number[row];
        double propensity = at[PROPENSITY] >= 0 ? column[at[PROPENSITY]].number[row] : 1.0;
        TRY(check_row(source, data, row, discount, outcome, propensity));
        data->y[i] = (float)outcome;
        data->dose[i] = (float)discount;
        data->weight[i] = 1.0f;
        if (data->inverse != NULL) data->inverse[i] = (float)(1.0 / propensity);
        data->user[i] = at[USER] >= 0 ? user_of(&column[at[USER]], row)
                                      : (uint64_t)(data->blocks.row_first + i);
    }
done:
    return status;
}

static enum status check_outcomes(const struct comm *comm, const struct fit_response_source *source,
                                  const struct fit_response_data *data)
{
    int64_t taken = 0;
    for (int64_t i = 0; i < data->blocks.rows_local; i++) taken += data->y[i] > 0.5f;
    comm_sum_int64(comm, &taken, 1);
    if (taken > 0 && taken < data->blocks.rows_total) return OK;
    return FAIL(ERR_DATA,
                "%s: outcome \"%s\" is %d in all rows; where nothing differs, nothing can be "
                "learned",
                source->path, source->outcome, taken > 0);
}

/* ---- levels ---- */

/* Lowest and highest discount of each level. */
static void span_levels(const struct comm *comm, const struct fit_response_data *data,
                        double low[RESPONSE_LEVELS_MAX], double high[RESPONSE_LEVELS_MAX])
{
    for (int l = 0; l < RESPONSE_LEVELS_MAX; l++) {
        low[l] = INFINITY;
        high[l] = -INFINITY;
    }
    for (int64_t i = 0; i < data->blocks.rows_local; i++) {
        low[data->at[i]] = fmin(low[data->at[i]], (double)data->dose[i]);
        high[data->at[i]] = fmax(high[data->at[i]], (double)data->dose[i]);
    }
    comm_min_double(comm, low, RESPONSE_LEVELS_MAX);
    comm_max_double(comm, high, RESPONSE_LEVELS_MAX);
}

/* Sums of a value and counts by level, in exact sums. */
static enum status means_by_level(const struct comm *comm, const struct fit_response_data *data,
                                  const float *value, double mean[RESPONSE_LEVELS_MAX])
{
    enum status status = OK;
    struct exact_sums sums = {0};
    int64_t count[RESPONSE_LEVELS_MAX] = {0};
    TRY_ALL(comm, exact_init(&sums, RESPONSE_LEVELS_MAX));
    for (int64_t i = 0; i < data->blocks.rows_local; i++) {
        exact_add_one(&sums, data->at[i], (double)value[i]);
        count[data->at[i]]++;
    }
    comm_sum_int64(comm, count, RESPONSE_LEVELS_MAX);
    TRY(exact_reduce(comm, &sums));
    for (int l = 0; l < RESPONSE_LEVELS_MAX; l++)
        mean[l] = count[l] > 0 ? exact_get(&sums, l) / (double)count[l] : 0.0;
done:
    exact_clear(&sums);
    return status;
}

/* Six digits, so that a level reads as it was written. */
static double tidy(double level)
{
    return rint(level * 1e6) / 1e6;
}

static enum status find_levels(const struct comm *comm, const struct fit_response_source *source,
                               struct fit_response_data *data)
{
    enum status status = OK;
    struct bins *bins = NULL;
    struct rows view = {&data->blocks, 1, 1, data->dose};
    double low[RESPONSE_LEVELS_MAX], high[RESPONSE_LEVELS_MAX];
    TRY(bins_make(comm, &view, NULL, RESPONSE_LEVELS_MAX, &bins));
    TRY_ALL(comm, bins_code(bins, &view, data->at));
    span_levels(comm, data, low, high);
    TRY(means_by_level(comm, data, data->dose, data->level));
    data->levels = bins_count(bins, 0);
    data->few = true;
    for (int64_t l = 0; l < data->levels; l++) {
        data->few = data->few && low[l] == high[l];
        data->level[l] = tidy(data->level[l]);
    }
    if (data->levels < 2)
        TRY(FAIL(ERR_DATA,
                 "%s: discount \"%s\" is %g in all rows; a response to it shows only where it "
                 "differs",
                 source->path, source->discount, data->level[0]));
done:
    bins_free(&bins);
    return status;
}

struct dose_shape fit_response_knots(const struct fit_response_data *data)
{
    struct dose_shape shape = {.knots = data->levels - 1};
    for (int64_t k = 0; k < shape.knots; k++) shape.dose[k] = data->level[k + 1];
    return shape;
}

/* ---- weights ---- */

static enum status weigh(const struct comm *comm, struct fit_response_data *data)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double mean[RESPONSE_LEVELS_MAX];
    data->effective = (double)data->blocks.rows_total;
    data->largest = 1.0;
    if (data->inverse == NULL) return OK;
    TRY(means_by_level(comm, data, data->inverse, mean));
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t i = 0; i < data->blocks.rows_local; i++) {
        data->inverse[i] = (float)((double)data->inverse[i] / mean[data->at[i]]);
        data->weight[i] = fminf(data->inverse[i], RESPONSE_WEIGHT_MOST);
        data->cut_off += data->weight[i] < data->inverse[i];
        data->largest = fmax(data->largest, (double)data->inverse[i]);
        exact_add_one(&sums, 0, (double)data->weight[i]);
        exact_add_one(&sums, 1, (double)data->weight[i] * (double)data->weight[i]);
    }
    comm_sum_int64(comm, &data->cut_off, 1);
    comm_max_double(comm, &data->largest, 1);
    TRY(exact_reduce(comm, &sums));
    data->effective = exact_get(&sums, 0) * exact_get(&sums, 0) / exact_get(&sums, 1);
done:
    exact_clear(&sums);
    return status;
}

/* ---- all ---- */

enum status fit_response_data_read(const struct comm *comm,
                                   const struct fit_response_source *source,
                                   struct fit_response_data *data)
{
    enum status status = OK;
    struct subjects subjects;
    *data = (struct fit_response_data){0};
    TRY(read_table(comm, source, data));
    TRY_ALL(comm, find_subjects(source, data, &subjects));
    TRY_ALL(comm, choose_rows(data, &subjects));
    TRY(tell_left_out(comm, data, &subjects));
    TRY_ALL(comm, take_rows(source, &subjects, data));
    TRY(check_outcomes(comm, source, data));
    TRY(find_levels(comm, source, data));
    TRY(weigh(comm, data));
    TRY(fit_response_features(comm, source, data));
done:
    return status;
}

void fit_response_data_clear(struct fit_response_data *data)
{
    fit_table_clear(&data->in);
    blocks_clear(&data->blocks);
    free(data->row);
    free(data->feature);
    free(data->x);
    free(data->y);
    free(data->dose);
    free(data->weight);
    free(data->inverse);
    free(data->user);
    free(data->at);
    *data = (struct fit_response_data){0};
}
