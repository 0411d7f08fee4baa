/* The groups of the users: values of the column, or quarters of its numbers. */
#include "jobs/profile_groups_code.h"

#include "algorithms/bins.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUARTERS = 4, NUMBER_BYTES = 32, NAME_BYTES = 2 * NUMBER_BYTES + 16 };

/* All values there are, before the small ones are left out. */
struct values {
    int64_t count;
    int64_t *users;           /* [count] over all ranks */
    int32_t *code;            /* [users_local] of each user, -1 without */
    int32_t *group;           /* [count] of each value */
    char (*name)[NAME_BYTES]; /* [count] of numbers; NULL for texts */
};

static void values_clear(struct values *values)
{
    free(values->users);
    free(values->code);
    free(values->group);
    free(values->name);
    *values = (struct values){0};
}

static void count_users(const struct comm *comm, int64_t users, struct values *values)
{
    for (int64_t u = 0; u < users; u++)
        if (values->code[u] >= 0) values->users[values->code[u]]++;
    comm_sum_int64(comm, values->users, values->count);
}

static enum status make_room(struct values *values)
{
    enum status status = OK;
    TRY(memory_new(&values->users, values->count, sizeof *values->users));
    TRY(memory_new(&values->group, values->count, sizeof *values->group));
done:
    return status;
}

/* ---- texts ---- */

static enum status take_texts(const struct comm *comm, const struct users *users,
                              struct values *values)
{
    enum status status = OK;
    int64_t rows = users->blocks.rows_local;
    values->count = users->group.levels.count;
    TRY_ALL(comm, make_room(values));
    TRY_ALL(comm, memory_new(&values->code, rows, sizeof *values->code));
    for (int64_t u = 0; u < rows; u++)
        values->code[u] = isnan(users->group.value[u]) ? -1 : (int32_t)users->group.value[u];
    count_users(comm, rows, values);
done:
    return status;
}

/* ---- numbers ---- */

/* Least and greatest value in each bin. */
struct range {
    double least[PROFILE_GROUP_NUMBERS], greatest[PROFILE_GROUP_NUMBERS];
};

static enum status code_numbers(const struct users *users, const struct bins *bins,
                                const struct rows *column, int32_t *code, struct range *range)
{
    enum status status = OK;
    uint8_t *bin = NULL;
    int64_t rows = users->blocks.rows_local, count = bins_count(bins, 0);
    for (int64_t b = 0; b < PROFILE_GROUP_NUMBERS; b++) {
        range->least[b] = INFINITY;
        range->greatest[b] = -INFINITY;
    }
    TRY(memory_new(&bin, rows, sizeof *bin));
    TRY(bins_code(bins, column, bin));
    for (int64_t u = 0; u < rows; u++) {
        code[u] = bin[u] < count ? bin[u] : -1;
        if (code[u] < 0) continue;
        range->least[bin[u]] = fmin(range->least[bin[u]], column->x[u]);
        range->greatest[bin[u]] = fmax(range->greatest[bin[u]], column->x[u]);
    }
done:
    free(bin);
    return status;
}

/* Codes of the bins, at most `most`; *apart if each holds one value. */
static enum status cut_numbers(const struct comm *comm, const struct users *users, int64_t most,
                               struct bins **bins, int32_t *code, struct range *range, bool *apart)
{
    enum status status = OK;
    const struct rows column = {&users->blocks, 1, 1, users->group.value};
    TRY(bins_make(comm, &column, NULL, most, bins));
    TRY_ALL(comm, code_numbers(users, *bins, &column, code, range));
    comm_min_double(comm, range->least, PROFILE_GROUP_NUMBERS);
    comm_max_double(comm, range->greatest, PROFILE_GROUP_NUMBERS);
    *apart = true;
    for (int64_t b = 0; b < bins_count(*bins, 0); b++)
        *apart = *apart && range->least[b] >= range->greatest[b];
done:
    return status;
}

/* The ends of quarters are values of many users; the least and the greatest of all stay unnamed. */
static void name_numbers(const struct bins *bins, const struct range *range, bool apart,
                         struct values *values)
{
    for (int64_t b = 0; b < values->count; b++) {
        char *name = values->name[b];
        double from = b > 0 ? (double)bins_edge(bins, 0, b - 1) : 0.0;
        double to = (double)bins_edge(bins, 0, b);
        if (apart)
            snprintf(name, NAME_BYTES, "%.9g", range->least[b] + 0.0);
        else if (b == 0)
            snprintf(name, NAME_BYTES, "up to %.6g", to);
        else if (b + 1 == values->count)
            snprintf(name, NAME_BYTES, "over %.6g", from);
        else
            snprintf(name, NAME_BYTES, "over %.6g up to %.6g", from, to);
    }
}

static enum status take_numbers(const struct comm *comm, const struct users *users,
                                struct values *values)
{
    enum status status = OK;
    struct bins *bins = NULL;
    struct range range;
    bool apart = false;
    int64_t rows = users->blocks.rows_local;
    TRY_ALL(comm, memory_new(&values->code, rows, sizeof *values->code));
    TRY(cut_numbers(comm, users, PROFILE_GROUP_NUMBERS, &bins, values->code, &range, &apart));
    if (!apart) {
        bool unused;
        bins_free(&bins);
        TRY(cut_numbers(comm, users, QUARTERS, &bins, values->code, &range, &unused));
    }
    values->count = bins_count(bins, 0);
    TRY_ALL(comm, make_room(values));
    TRY_ALL(comm, memory_new(&values->name, values->count, sizeof *values->name));
    name_numbers(bins, &range, apart, values);
    count_users(comm, rows, values);
done:
    bins_free(&bins);
    return status;
}

/* ---- which are reported ---- */

/* Marks the values that are, in values->group; returns how many. */
static int64_t choose(int64_t min_users, struct values *values)
{
    int64_t chosen = 0;
    for (int64_t v = 0; v < values->count; v++) values->group[v] = -1;
    for (int64_t k = 0; k < PROFILE_GROUPS && k < values->count; k++) {
        int64_t largest = -1;
        for (int64_t v = 0; v < values->count; v++)
            if (values->group[v] < 0 && values->users[v] >= min_users &&
                (largest < 0 || values->users[v] > values->users[largest]))
                largest = v;
        if (largest < 0) break;
        values->group[largest] = 0;
        chosen++;
    }
    int32_t next = 0;
    for (int64_t v = 0; v < values->count; v++)
        values->group[v] = values->group[v] < 0 ? (int32_t)chosen : next++;
    return chosen;
}

static void count_small(const struct values *values, struct profile_groups *groups)
{
    for (int64_t v = 0; v < values->count; v++) {
        if (values->group[v] < groups->groups) continue;
        groups->small += values->users[v] > 0;
        groups->small_users += values->users[v];
    }
}

static const char *name_of(const struct users *users, const struct values *values, int64_t v)
{
    return values->name != NULL ? values->name[v] : dictionary_text(&users->group.levels, v);
}

static enum status describe(const struct users *users, const struct values *values,
                            struct profile_groups *groups)
{
    enum status status = OK;
    int64_t bytes = 0;
    for (int64_t v = 0; v < values->count; v++)
        if (values->group[v] < groups->groups)
            bytes += (int64_t)strlen(name_of(users, values, v)) + 1;
    TRY(memory_new(&groups->users, groups->groups, sizeof *groups->users));
    TRY(memory_new(&groups->names.start, groups->groups + 1, sizeof *groups->names.start));
    TRY(memory_new(&groups->names.text, bytes, 1));
    groups->names.count = groups->groups;
    for (int64_t v = 0, at = 0; v < values->count; v++) {
        int64_t g = values->group[v];
        if (g >= groups->groups) continue;
        groups->users[g] = values->users[v];
        size_t length = strlen(name_of(users, values, v)) + 1;
        memcpy(groups->names.text + at, name_of(users, values, v), length);
        at += (int64_t)length;
        groups->names.start[g + 1] = at;
    }
done:
    return status;
}

enum status profile_groups_code(const struct comm *comm, const struct profile_groups_source *source,
                                struct profile_groups *groups, int32_t **code)
{
    enum status status = OK;
    const struct users *users = source->users;
    struct values values = {0};
    if (users->group.levels.count > 0)
        TRY(take_texts(comm, users, &values));
    else
        TRY(take_numbers(comm, users, &values));
    for (int64_t v = 0; v < values.count; v++) groups->known += values.users[v];
    groups->unknown = users->blocks.rows_total - groups->known;
    groups->groups = choose(source->min_users, &values);
    count_small(&values, groups);
    TRY_ALL(comm, describe(users, &values, groups));
    for (int64_t u = 0; u < users->blocks.rows_local; u++)
        if (values.code[u] >= 0) values.code[u] = values.group[values.code[u]];
    *code = values.code;
    values.code = NULL;
done:
    values_clear(&values);
    return status;
}
