/* Groups of slots by what is sold and to whom. */
#include "jobs/limit_groups.h"

#include "io/parse.h"
#include "jobs/profiles.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum status limit_names_keep(const struct dictionary *names, const bool *keep,
                             struct dictionary *kept)
{
    enum status status = OK;
    int64_t bytes = 0;
    *kept = (struct dictionary){0};
    TRY(memory_new(&kept->start, names->count + 1, sizeof *kept->start));
    TRY(memory_new(&kept->text, names->count > 0 ? names->start[names->count] : 0, 1));
    for (int64_t c = 0; c < names->count; c++) {
        if (keep != NULL && !keep[c]) continue;
        size_t length = (size_t)(names->start[c + 1] - names->start[c]);
        memcpy(kept->text + bytes, names->text + names->start[c], length);
        bytes += (int64_t)length;
        kept->start[++kept->count] = bytes;
    }
done:
    return status;
}

/* ---- of products ---- */

static enum status by_product(const struct products *products, const struct candidates *candidates,
                              int64_t slots, enum limit_by by, struct limit_groups *groups)
{
    const struct dictionary *names = by == BY_CATEGORY ? &products->category
                                     : by == BY_BRAND  ? &products->brand
                                                       : &products->id;
    const int32_t *code = by == BY_CATEGORY ? products->category_code
                          : by == BY_BRAND  ? products->brand_code
                                            : NULL;
    for (int64_t i = 0; i < slots; i++) {
        int32_t product = candidates->product[i];
        groups->group[i] = product < 0 || code == NULL ? product : code[product];
    }
    return limit_names_keep(names, NULL, &groups->names);
}

/* ---- of users ---- */

static void spread(const int32_t *of_user, const struct candidates *candidates, int64_t users,
                   struct limit_groups *groups)
{
    int64_t width = candidates->slots;
    for (int64_t i = 0; i < users * width; i++)
        groups->group[i] = candidates->product[i] < 0 ? -1 : of_user[i / width];
}

/* The users' column behind the grouping, NULL where the shop has none. */
static const struct attribute *find_column(const struct users *users, enum limit_by by)
{
    if (by == BY_GROUP) return users->group.name != NULL ? &users->group : NULL;
    return users_market(users);
}

/* Provisional codes of the users' values as texts. */
static enum status collect(const struct attribute *attribute, int64_t users, struct text_set *set,
                           int32_t *of_user)
{
    for (int64_t u = 0; u < users; u++) {
        char room[NUMBER_TEXT_BYTES + 1];
        const char *text = attribute_text(attribute, u, room);
        of_user[u] = -1;
        if (text == NULL) continue;
        int64_t code = text_set_code(set, text, strlen(text));
        if (code < 0) return FAIL(ERR_MEMORY, "no memory for the names of markets");
        of_user[u] = (int32_t)code;
    }
    return OK;
}

static enum status number_segments(int64_t segments, struct text_set *set)
{
    for (int64_t s = 0; s < segments; s++) {
        char text[24];
        int length = snprintf(text, sizeof text, "%lld", (long long)s);
        if (text_set_code(set, text, (size_t)length) < 0)
            return FAIL(ERR_MEMORY, "no memory for the names of segments");
    }
    return OK;
}

/* Final codes in place of provisional ones. */
static enum status settle(const struct comm *comm, const struct text_set *set, int64_t users,
                          int32_t *of_user, struct dictionary *names)
{
    int64_t *code = NULL;
    enum status status = dictionary_make(comm, set, names, &code);
    for (int64_t u = 0; status == OK && u < users; u++)
        if (of_user[u] >= 0) of_user[u] = (int32_t)code[of_user[u]];
    free(code);
    return status;
}

static enum status by_user(const struct comm *comm, const struct run *run,
                           const struct dataset *dataset, const struct candidates *candidates,
                           enum limit_by by, struct limit_groups *groups)
{
    enum status status = OK;
    struct profiles profiles = {0};
    struct text_set *set = text_set_new();
    const struct blocks *blocks = &dataset->users.blocks;
    const struct attribute *column = find_column(&dataset->users, by);
    int32_t *of_user = NULL;
    TRY_ALL(comm, set != NULL ? memory_new(&of_user, blocks->rows_local, sizeof *of_user)
                              : FAIL(ERR_MEMORY, "no memory for groups of users"));
    for (int64_t u = 0; u < blocks->rows_local; u++) of_user[u] = -1;
    if (by == BY_SEGMENT) {
        TRY(profiles_read_segments(comm, run_path(run, "profiles.h5"), blocks, &profiles));
        TRY_ALL(comm, number_segments(profiles.segments, set));
        memcpy(of_user, profiles.segment, (size_t)blocks->rows_local * sizeof *of_user);
    } else if (column != NULL) {
        TRY_ALL(comm, collect(column, blocks->rows_local, set, of_user));
    }
    TRY(settle(comm, set, blocks->rows_local, of_user, &groups->names));
    spread(of_user, candidates, blocks->rows_local, groups);
done:
    profiles_clear(&profiles);
    text_set_free(&set);
    free(of_user);
    return status;
}

enum status limit_groups_make(const struct comm *comm, const struct run *run,
                              const struct dataset *dataset, const struct candidates *candidates,
                              enum limit_by by, struct limit_groups *groups)
{
    enum status status = OK;
    int64_t slots = dataset->users.blocks.rows_local * candidates->slots;
    *groups = (struct limit_groups){0};
    TRY_ALL(comm, memory_new(&groups->group, slots, sizeof *groups->group));
    if (by == BY_MARKET || by == BY_SEGMENT || by == BY_GROUP)
        TRY(by_user(comm, run, dataset, candidates, by, groups));
    else
        TRY_ALL(comm, by_product(&dataset->products, candidates, slots, by, groups));
done:
    return status;
}

void limit_groups_clear(struct limit_groups *groups)
{
    dictionary_clear(&groups->names);
    free(groups->group);
    *groups = (struct limit_groups){0};
}
