/* The protected group beside the segments: counted, tested, told. */
#include "jobs/profile_groups.h"

#include "jobs/profile_groups_auc.h"
#include "jobs/profile_groups_code.h"
#include "jobs/suppress.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define FOUR_FIFTHS 0.8
#define CHANCE 0.01 /* that any flag stands though segments and groups have nothing to do */

enum { FLAGS_TOLD = 12 };

void profile_groups_clear(struct profile_groups *groups)
{
    dictionary_clear(&groups->names);
    free(groups->users);
    free(groups->auc);
    free(groups->auc_error);
    free(groups->segment_known);
    free(groups->cell);
    free(groups->hidden);
    free(groups->flag);
    *groups = (struct profile_groups){0};
}

double profile_groups_share(const struct profile_groups *groups, int64_t segment, int64_t g)
{
    int64_t known = groups->segment_known[segment];
    return known > 0 ? (double)groups->cell[segment * groups->groups + g] / (double)known : 0.0;
}

/* ---- counts ---- */

static enum status new_cells(struct profile_groups *groups)
{
    enum status status = OK;
    int64_t cells = groups->segments * groups->groups;
    TRY(memory_new(&groups->segment_known, groups->segments, sizeof *groups->segment_known));
    TRY(memory_new(&groups->cell, cells, sizeof *groups->cell));
    TRY(memory_new(&groups->hidden, cells, sizeof *groups->hidden));
    TRY(memory_new(&groups->flag, cells, sizeof *groups->flag));
done:
    return status;
}

static void count_cells(const struct comm *comm, const struct profile_groups_source *source,
                        const int32_t *code, struct profile_groups *groups)
{
    for (int64_t u = 0; u < source->users->blocks.rows_local; u++) {
        if (code[u] < 0) continue;
        groups->segment_known[source->segment[u]]++;
        if (code[u] < groups->groups) groups->cell[source->segment[u] * groups->groups + code[u]]++;
    }
    comm_sum_int64(comm, groups->segment_known, groups->segments);
    comm_sum_int64(comm, groups->cell, groups->segments * groups->groups);
}

/* ---- what is hidden ---- */

/* Cells first, first + step, ... hidden as suppress_cells says; how many more there are now. */
static int64_t hide_line(struct profile_groups *groups, int64_t first, int64_t step, int64_t count,
                         int64_t min_users, int64_t *users, bool *hidden)
{
    int64_t more = 0;
    for (int64_t i = 0; i < count; i++) {
        users[i] = groups->cell[first + i * step];
        hidden[i] = groups->hidden[first + i * step];
        more -= hidden[i];
    }
    suppress_cells(users, count, min_users, hidden);
    for (int64_t i = 0; i < count; i++) {
        groups->hidden[first + i * step] = hidden[i];
        more += hidden[i];
    }
    return more;
}

/* Segments and groups have totals that are shown, so lines both ways, until nothing changes. */
static enum status hide_cells(int64_t min_users, struct profile_groups *groups)
{
    enum status status = OK;
    int64_t *users = NULL, more = 1, most = groups->segments + groups->groups;
    bool *hidden = NULL;
    TRY(memory_new(&users, most, sizeof *users));
    TRY(memory_new(&hidden, most, sizeof *hidden));
    while (more > 0) {
        more = 0;
        for (int64_t s = 0; s < groups->segments; s++)
            more +=
                hide_line(groups, s * groups->groups, 1, groups->groups, min_users, users, hidden);
        for (int64_t g = 0; g < groups->groups; g++)
            more +=
                hide_line(groups, g, groups->groups, groups->segments, min_users, users, hidden);
    }
done:
    free(users);
    free(hidden);
    return status;
}

/* ---- what is flagged ---- */

static double log_choose(int64_t n, int64_t k)
{
    return lgamma((double)n + 1.0) - lgamma((double)k + 1.0) - lgamma((double)(n - k) + 1.0);
}

/* The chance that of `drawn` users out of `all`, `in` of whom are of the group, `seen` or more are
 * of it (side 1), or `seen` or fewer (side -1): a tail of the hypergeometric distribution. */
static double tail(int64_t all, int64_t in, int64_t drawn, int64_t seen, int side)
{
    double term =
        exp(log_choose(in, seen) + log_choose(all - in, drawn - seen) - log_choose(all, drawn));
    double sum = 0.0;
    for (int64_t k = seen; term > 1e-18 * sum && term > 0.0; k += side) {
        sum += term;
        if (side > 0)
            term *= (double)(in - k) * (double)(drawn - k) /
                    ((double)(k + 1) * (double)(all - in - drawn + k + 1));
        else
            term *= (double)k * (double)(all - in - drawn + k) /
                    ((double)(in - k + 1) * (double)(drawn - k + 1));
    }
    return sum;
}

static int8_t flag_of(const struct profile_groups *groups, int64_t segment, int64_t g,
                      int64_t min_users)
{
    int64_t drawn = groups->segment_known[segment], all = groups->known, in = groups->users[g];
    int64_t seen = groups->cell[segment * groups->groups + g];
    double share = (double)seen / (double)drawn, shop = (double)in / (double)all;
    if (drawn < min_users || (share > FOUR_FIFTHS * shop && FOUR_FIFTHS * share < shop)) return 0;
    int side = share > shop ? 1 : -1;
    double tests = (double)(groups->segments * groups->groups);
    return 2.0 * tests * tail(all, in, drawn, seen, side) < CHANCE ? (int8_t)side : 0;
}

static void flag_cells(int64_t min_users, struct profile_groups *groups)
{
    for (int64_t s = 0; s < groups->segments; s++)
        for (int64_t g = 0; g < groups->groups; g++) {
            int8_t flag = flag_of(groups, s, g, min_users);
            groups->flag[s * groups->groups + g] = flag;
            groups->flags += flag != 0;
        }
}

/* ---- the log ---- */

static void say_flag(const struct profile_groups *groups, int64_t s, int64_t g)
{
    int64_t at = s * groups->groups + g;
    const char *name = dictionary_text(&groups->names, g);
    const char *how = groups->flag[at] > 0 ? "more" : "less";
    double shop = (double)groups->users[g] / (double)groups->known;
    double share = profile_groups_share(groups, s, g);
    if (groups->hidden[at])
        log_warning("    segment %lld has %s of group \"%s\" than the shop (%.1f %%)", (long long)s,
                    how, name, 100.0 * shop);
    else
        log_warning("    segment %lld has %s of group \"%s\" than the shop: %.1f %% of its users, "
                    "%.1f %% of all, %.2f times",
                    (long long)s, how, name, 100.0 * share, 100.0 * shop, share / shop);
}

static void say(const struct profile_groups *groups, int64_t min_users)
{
    int64_t told = 0;
    log_info("  protected group: %lld groups of at least %lld users each, %lld users without one",
             (long long)groups->groups, (long long)min_users, (long long)groups->unknown);
    for (int64_t g = 0; g < groups->groups; g++) {
        const char *name = dictionary_text(&groups->names, g);
        double share = 100.0 * (double)groups->users[g] / (double)groups->known;
        if (isnan(groups->auc[g]))
            log_info("    \"%s\": %.1f %% of the users", name, share);
        else
            log_info("    \"%s\": %.1f %% of the users; features tell it from the others with AUC "
                     "%.3f (error %.3f; 0.5 is chance)",
                     name, share, groups->auc[g], groups->auc_error[g]);
    }
    for (int64_t s = 0; s < groups->segments; s++)
        for (int64_t g = 0; g < groups->groups; g++)
            if (groups->flag[s * groups->groups + g] != 0 && told++ < FLAGS_TOLD)
                say_flag(groups, s, g);
    if (told > FLAGS_TOLD)
        log_warning("    %lld more of such pairs are in profiles.json",
                    (long long)(told - FLAGS_TOLD));
}

enum status profile_groups_fit(const struct comm *comm, const struct profile_groups_source *source,
                               struct profile_groups *groups)
{
    enum status status = OK;
    int32_t *code = NULL;
    *groups = (struct profile_groups){.segments = source->segments};
    if (source->users->group.name == NULL) return OK;
    TRY(profile_groups_code(comm, source, groups, &code));
    TRY_ALL(comm, new_cells(groups));
    count_cells(comm, source, code, groups);
    TRY_ALL(comm, hide_cells(source->min_users, groups));
    flag_cells(source->min_users, groups);
    TRY(profile_groups_judge(comm, source, code, groups));
    say(groups, source->min_users);
done:
    free(code);
    return status;
}
