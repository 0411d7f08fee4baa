/* Attributes held against the protected group. */
#include "jobs/protected.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALUES_MOST = 4096,
    RANGES = 1024,
    RANGE_USERS = 32, /* at least, where numbers are counted by ranges */
    KEYS = 1 << 16,
    CELLS_MOST = 1 << 22,
    USERS_LEAST = 50 /* fewer would look alike by chance */
};

/* ---- values as classes ---- */

/* What the class of a value is found by. */
struct classes {
    int64_t count; /* the last one: missing */
    float *value;  /* [values] ascending, of numbers with few values; NULL: see below */
    int64_t values;
    int32_t *range; /* [KEYS] of numbers with many; NULL: texts, whose codes are classes */
};

/* The leading 16 bits of a number, in the order of numbers. */
static uint32_t key_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x80000000u ? ~bits : bits | 0x80000000u) >> 16;
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Sort, and drop repeats; how many are left. */
static int64_t distinct(float *value, int64_t count)
{
    int64_t kept = 0;
    if (count > 1) qsort(value, (size_t)count, sizeof *value, compare);
    for (int64_t i = 0; i < count; i++)
        if (kept == 0 || value[kept - 1] != value[i]) value[kept++] = value[i];
    return kept;
}

/* The different values of all ranks; -1 where they are too many for so many users. */
static enum status gather_values(const struct comm *comm, const float *from,
                                 const struct blocks *blocks, struct classes *classes)
{
    int64_t rows = blocks->rows_local;
    enum status status = OK;
    float *mine = NULL;
    int64_t count = 0, many, bytes = 0;
    TRY_ALL(comm, memory_new(&mine, rows, sizeof *mine));
    for (int64_t i = 0; i < rows; i++)
        if (!isnan(from[i])) mine[count++] = from[i] + 0.0f; /* -0 is 0 */
    count = distinct(mine, count);
    many = count;
    comm_max_int64(comm, &many, 1);
    classes->values = -1;
    if (many > VALUES_MOST) goto done;
    TRY(comm_gather_all(comm, mine, count * (int64_t)sizeof *mine, (void **)&classes->value,
                        &bytes));
    classes->values = distinct(classes->value, bytes / (int64_t)sizeof *mine);
    if (classes->values > VALUES_MOST || classes->values > blocks->rows_total / 8)
        classes->values = -1;
done:
    free(mine);
    return status;
}

/* Ranges with about as many users each. */
static enum status make_ranges(const struct comm *comm, const float *from, int64_t rows,
                               struct classes *classes)
{
    enum status status = OK;
    int64_t *users = NULL, all = 0, below = 0, ranges = 0;
    TRY_ALL(comm, memory_new(&users, KEYS, sizeof *users));
    TRY_ALL(comm, memory_new(&classes->range, KEYS, sizeof *classes->range));
    for (int64_t i = 0; i < rows; i++)
        if (!isnan(from[i])) users[key_of(from[i] + 0.0f)]++;
    comm_sum_int64(comm, users, KEYS);
    for (int64_t k = 0; k < KEYS; k++) all += users[k];
    ranges = all / RANGE_USERS < RANGES ? all / RANGE_USERS + 1 : RANGES;
    for (int64_t k = 0; k < KEYS; below += users[k++])
        classes->range[k] = (int32_t)(below * ranges / (all > 0 ? all : 1));
    classes->count = ranges + 2;
done:
    free(users);
    return status;
}

static void clear(struct classes *classes)
{
    free(classes->value);
    free(classes->range);
    *classes = (struct classes){0};
}

static enum status find_classes(const struct comm *comm, const struct attribute *attribute,
                                const struct blocks *blocks, struct classes *classes)
{
    enum status status = OK;
    if (attribute->levels.count > 0) {
        classes->count = attribute->levels.count + 1;
        return OK;
    }
    TRY(gather_values(comm, attribute->value, blocks, classes));
    if (classes->values >= 0)
        classes->count = classes->values + 1;
    else
        TRY(make_ranges(comm, attribute->value, blocks->rows_local, classes));
done:
    return status;
}

static int64_t class_of(const struct classes *classes, float value)
{
    if (isnan(value)) return classes->count - 1;
    if (classes->range != NULL) return classes->range[key_of(value + 0.0f)];
    if (classes->value == NULL) return (int64_t)value; /* the code of a text */
    value += 0.0f;
    const float *at =
        bsearch(&value, classes->value, (size_t)classes->values, sizeof value, compare);
    return at - classes->value;
}

/* ---- counts ---- */

/* Association of the rows of a table of counts with its columns. */
static void measure(const int64_t *count, int64_t values, int64_t groups, const int64_t *of_group,
                    int64_t all, struct protected_tie *tie)
{
    double phi = 0.0, joint = 0.0, alone = 0.0, n = (double)all;
    int64_t rows = 0, columns = 0;
    for (int64_t g = 0; g < groups; g++) {
        columns += of_group[g] > 0;
        if (of_group[g] > 0) alone -= (double)of_group[g] / n * log((double)of_group[g] / n);
    }
    for (int64_t v = 0; v < values; v++) {
        int64_t of_value = 0;
        for (int64_t g = 0; g < groups; g++) of_value += count[v * groups + g];
        rows += of_value > 0;
        for (int64_t g = 0; g < groups; g++) {
            double both = (double)count[v * groups + g];
            if (both == 0.0) continue;
            phi += both * both / ((double)of_value * (double)of_group[g]);
            joint -= both / n * log(both / (double)of_value);
        }
    }
    double most = (double)(rows < columns ? rows : columns) - 1.0;
    double chance = (double)(rows - 1) * (double)(columns - 1) / (n - 1.0);
    tie->known = all >= USERS_LEAST && rows <= all / 2;
    if (!tie->known) return;
    if (most > chance) tie->association = sqrt(fmax(0.0, (phi - 1.0 - chance) / (most - chance)));
    tie->entropy_left = alone > 0.0 ? joint / alone : 1.0;
}

static enum status count_pairs(const struct comm *comm, int64_t rows,
                               const struct attribute *attribute, const struct classes *value,
                               const struct attribute *group, const struct classes *groups,
                               struct protected_tie *tie)
{
    enum status status = OK;
    int64_t *count = NULL, *of_group = NULL, known = groups->count - 1, all = 0;
    if (known > CELLS_MOST / value->count) return OK;
    TRY_ALL(comm, memory_new(&count, value->count * known, sizeof *count));
    TRY_ALL(comm, memory_new(&of_group, known, sizeof *of_group));
    for (int64_t u = 0; u < rows; u++) {
        int64_t g = class_of(groups, group->value[u]);
        if (g < known) count[class_of(value, attribute->value[u]) * known + g]++;
    }
    comm_sum_int64(comm, count, value->count * known);
    for (int64_t c = 0; c < value->count * known; c++) {
        of_group[c % known] += count[c];
        all += count[c];
    }
    measure(count, value->count, known, of_group, all, tie);
done:
    free(count);
    free(of_group);
    return status;
}

enum status protected_tie_find(const struct comm *comm, const struct blocks *blocks,
                               const struct attribute *attribute, const struct attribute *group,
                               struct protected_tie *tie)
{
    enum status status = OK;
    struct classes value = {0}, groups = {0};
    *tie = (struct protected_tie){.entropy_left = 1.0};
    TRY(find_classes(comm, attribute, blocks, &value));
    TRY(find_classes(comm, group, blocks, &groups));
    TRY(count_pairs(comm, blocks->rows_local, attribute, &value, group, &groups, tie));
done:
    clear(&value);
    clear(&groups);
    return status;
}

/* ---- what is refused ---- */

bool protected_is_copy(const struct protected_tie *tie)
{
    return tie->known && tie->association >= PROTECTED_COPY;
}

bool protected_is_allowed(const struct config *config, const char *attribute)
{
    const char *const *name = NULL;
    int64_t names = config_texts(config, "privacy.protected_allowed", &name);
    for (int64_t i = 0; i < names; i++)
        if (strcmp(name[i], attribute) == 0) return true;
    return false;
}

/* A name that is none of the attributes' allows nothing, and hides what was meant. */
static enum status check_names(const struct config *config, const struct users *users)
{
    const char *const *name = NULL;
    int64_t names = config_texts(config, "privacy.protected_allowed", &name);
    for (int64_t i = 0; i < names; i++) {
        bool found = false;
        for (int64_t a = 0; a < users->attributes; a++)
            found = found || strcmp(users->attribute[a].name, name[i]) == 0;
        if (!found)
            return FAIL(ERR_CONFIG,
                        "privacy.protected_allowed: \"%s\" is none of users.attributes; write it "
                        "as it stands there",
                        name[i]);
    }
    return OK;
}

enum status protected_check(const struct comm *comm, const struct config *config,
                            const struct users *users)
{
    enum status status = OK;
    struct protected_tie tie;
    char refused[512] = {0};
    size_t used = 0;
    TRY_ALL(comm, check_names(config, users));
    if (users->group.name == NULL) return OK;
    for (int64_t a = 0; a < users->attributes; a++) {
        const char *name = users->attribute[a].name;
        TRY(protected_tie_find(comm, &users->blocks, &users->attribute[a], &users->group, &tie));
        if (!protected_is_copy(&tie)) continue;
        log_warning("attribute %s determines the protected group: association %.3f", name,
                    tie.association);
        if (protected_is_allowed(config, name) || used + 64 > sizeof refused) continue;
        int more =
            snprintf(refused + used, sizeof refused - used, "%s%.48s", used > 0 ? ", " : "", name);
        used += more > 0 ? (size_t)more : 0;
    }
    if (used > 0)
        TRY(FAIL(ERR_CONFIG,
                 "users.attributes: %s tells the protected group (users.columns.group), of which "
                 "nothing may depend; leave it out, or name it in privacy.protected_allowed",
                 refused));
done:
    return status;
}
