/* The protected group beside the segments: counted, tested, told. */
#include "jobs/profile_groups.h"

#include "jobs/profile_groups_auc.h"
#include "jobs/profile_groups_code.h"
#include "jobs/suppress.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FOUR_FIFTHS 0.8
#define CHANCE 0.01 /* that any flag stands though segments and groups have nothing to do */

enum { FLAGS_TOLD = 12 };

void profile_groups_clear(struct profile_groups *groups)
{
    dictionary_clear(&groups->names);
    free(groups->users);
    free(groups->users_hidden);
    free(groups->auc);
    free(groups->auc_error);
    free(groups->segment_users);
    free(groups->segment_known);
    free(groups->cell);
    free(groups->hidden);
    free(groups->flag);
    *groups = (struct profile_groups){0};
}

double profile_groups_share(const struct profile_groups *groups, int64_t segment, int64_t g)
{
    int64_t users = groups->segment_users[segment];
    return users > 0 ? (double)groups->cell[segment * groups->groups + g] / (double)users : 0.0;
}

/* ---- counts ---- */

static enum status new_cells(struct profile_groups *groups)
{
    enum status status = OK;
    int64_t cells = groups->segments * groups->groups;
    TRY(memory_new(&groups->users_hidden, groups->groups, sizeof *groups->users_hidden));
    TRY(memory_new(&groups->segment_users, groups->segments, sizeof *groups->segment_users));
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
        groups->segment_users[source->segment[u]]++;
        if (code[u] < 0) continue;
        groups->segment_known[source->segment[u]]++;
        if (code[u] < groups->groups) groups->cell[source->segment[u] * groups->groups + code[u]]++;
    }
    comm_sum_int64(comm, groups->segment_users, groups->segments);
    comm_sum_int64(comm, groups->segment_known, groups->segments);
    comm_sum_int64(comm, groups->cell, groups->segments * groups->groups);
}

/* ---- what is hidden ---- */

/* All that can be had by subtraction: the last column has the users of none of the groups, the last
 * row those of all segments. */
struct margins {
    int64_t rows, columns;
    int64_t *users;       /* [rows][columns] */
    bool *hidden;         /* [rows][columns] */
    int64_t *line;        /* [rows or columns] */
    bool *line_hidden;    /* likewise */
    bool *segment_hidden; /* [segments] nothing of it is shown */
};

static void margins_clear(struct margins *m)
{
    free(m->users);
    free(m->hidden);
    free(m->line);
    free(m->line_hidden);
    free(m->segment_hidden);
}

static enum status margins_new(const struct profile_groups *groups, struct margins *m)
{
    enum status status = OK;
    m->rows = groups->segments + 1;
    m->columns = groups->groups + 1;
    TRY(memory_new(&m->users, m->rows * m->columns, sizeof *m->users));
    TRY(memory_new(&m->hidden, m->rows * m->columns, sizeof *m->hidden));
    TRY(memory_new(&m->line, m->rows + m->columns, sizeof *m->line));
    TRY(memory_new(&m->line_hidden, m->rows + m->columns, sizeof *m->line_hidden));
    TRY(memory_new(&m->segment_hidden, groups->segments, sizeof *m->segment_hidden));
done:
    return status;
}

static void margins_fill(const struct profile_groups *groups, int64_t min_users, struct margins *m)
{
    int64_t *all = m->users + groups->segments * m->columns;
    suppress_cells(groups->segment_users, groups->segments, min_users, m->segment_hidden);
    for (int64_t s = 0; s < groups->segments; s++) {
        int64_t *row = m->users + s * m->columns, rest = groups->segment_users[s];
        for (int64_t g = 0; g < groups->groups; g++) {
            row[g] = groups->cell[s * groups->groups + g];
            rest -= row[g];
        }
        row[groups->groups] = rest;
        for (int64_t g = 0; g < m->columns; g++) {
            all[g] += row[g];
            m->hidden[s * m->columns + g] = m->segment_hidden[s] && row[g] > 0;
        }
    }
}

/* Cells first, first + step, ... hidden as suppress_cells says; how many more there are now. */
static int64_t hide_line(struct margins *m, int64_t first, int64_t step, int64_t count,
                         int64_t min_users)
{
    int64_t more = 0;
    for (int64_t i = 0; i < count; i++) {
        m->line[i] = m->users[first + i * step];
        m->line_hidden[i] = m->hidden[first + i * step];
        more -= m->line_hidden[i];
    }
    suppress_cells(m->line, count, min_users, m->line_hidden);
    for (int64_t i = 0; i < count; i++) {
        m->hidden[first + i * step] = m->line_hidden[i];
        more += m->line_hidden[i];
    }
    return more;
}

static void take_hidden(const struct margins *m, struct profile_groups *groups)
{
    for (int64_t g = 0; g < groups->groups; g++) {
        groups->users_hidden[g] = m->hidden[groups->segments * m->columns + g];
        for (int64_t s = 0; s < groups->segments; s++)
            groups->hidden[s * groups->groups + g] =
                m->hidden[s * m->columns + g] || m->segment_hidden[s];
    }
}

static void hide_lines(int64_t min_users, struct margins *m)
{
    for (int64_t more = 1; more > 0;) {
        more = 0;
        for (int64_t s = 0; s < m->rows; s++)
            more += hide_line(m, s * m->columns, 1, m->columns, min_users);
        for (int64_t g = 0; g < m->columns; g++)
            more += hide_line(m, g, m->columns, m->rows, min_users);
    }
}

/* Marks in `side` the lines (rows, then columns) that hidden cells other than `cell` join to its
 * row; whether its column is one of them. If not, the cell is the difference of the sums of these
 * rows and of these columns, which are known but for it. */
static bool is_joined(const struct margins *m, int64_t cell, bool *side)
{
    for (int64_t i = 0; i < m->rows + m->columns; i++) side[i] = i == cell / m->columns;
    for (bool grown = true; grown;) {
        grown = false;
        for (int64_t i = 0; i < m->rows * m->columns; i++) {
            int64_t row = i / m->columns, column = m->rows + i % m->columns;
            if (!m->hidden[i] || i == cell || side[row] == side[column]) continue;
            side[row] = side[column] = grown = true;
        }
    }
    return side[m->rows + cell % m->columns];
}

/* Hide the smallest cell that joins both sides; whether there is one. */
static bool join(struct margins *m, const bool *side)
{
    int64_t found = -1;
    for (int64_t i = 0; i < m->rows * m->columns; i++)
        if (!m->hidden[i] && m->users[i] > 0 &&
            side[i / m->columns] != side[m->rows + i % m->columns] &&
            (found < 0 || m->users[i] < m->users[found]))
            found = i;
    if (found >= 0) m->hidden[found] = true;
    return found >= 0;
}

/* Each line adds up to what is shown or to a cell of it, a total and its parts are one line: so
 * lines both ways until nothing changes, and then several lines together. */
static enum status hide_cells(int64_t min_users, struct profile_groups *groups)
{
    enum status status = OK;
    struct margins m = {0};
    TRY(margins_new(groups, &m));
    margins_fill(groups, min_users, &m);
    hide_lines(min_users, &m);
    for (int64_t i = 0; i < m.rows * m.columns; i++)
        while (m.users[i] > 0 && m.users[i] < min_users && !is_joined(&m, i, m.line_hidden) &&
               join(&m, m.line_hidden))
            hide_lines(min_users, &m);
    take_hidden(&m, groups);
done:
    margins_clear(&m);
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

static double shop_share(const struct profile_groups *groups, int64_t g)
{
    return (double)groups->users[g] / (double)(groups->known + groups->unknown);
}

/* The flag is of users with a value, the shares of all: they might disagree, and then the flag is
 * said alone. */
static void say_flag(const struct profile_groups *groups, int64_t s, int64_t g)
{
    int64_t at = s * groups->groups + g;
    const char *name = dictionary_text(&groups->names, g);
    const char *how = groups->flag[at] > 0 ? "more" : "less";
    double shop = shop_share(groups, g), share = profile_groups_share(groups, s, g);
    if (groups->hidden[at] || groups->users_hidden[g] || (groups->flag[at] > 0) != (share > shop))
        log_warning("    segment %lld has %s of group \"%s\" than the shop", (long long)s, how,
                    name);
    else
        log_warning("    segment %lld has %s of group \"%s\" than the shop: %.1f %% of its users, "
                    "%.1f %% of all, %.2f times",
                    (long long)s, how, name, 100.0 * share, 100.0 * shop, share / shop);
}

static void say_group(const struct profile_groups *groups, int64_t g)
{
    char auc[120] = "", users[64] = "suppressed";
    if (!groups->users_hidden[g])
        snprintf(users, sizeof users, "%.1f %% of the users", 100.0 * shop_share(groups, g));
    if (!isnan(groups->auc[g]))
        snprintf(auc, sizeof auc,
                 "; features tell it from the others with AUC %.3f (error %.2g; 0.5 is chance)",
                 groups->auc[g], groups->auc_error[g]);
    log_info("    \"%s\": %s%s", dictionary_text(&groups->names, g), users, auc);
}

/* Who is not judged: two numbers whose sum follows from the totals, so few of one hide both. */
static void say_others(const struct profile_groups *groups, int64_t min_users)
{
    bool small_few = groups->small_users > 0 && groups->small_users < min_users;
    bool told = !small_few && (groups->unknown == 0 || groups->unknown >= min_users);
    const char *hint = groups->groups == 0 ? "; is users.columns.group an id?" : "";
    if (!told)
        log_info("    how many users have no group, or one of fewer than %lld users, is suppressed",
                 (long long)min_users);
    else if (groups->unknown > 0)
        log_info("    %lld users have no group", (long long)groups->unknown);
    if (groups->small_users > 0 && told)
        log_warning("    %lld further groups with %lld users together are not judged: each has "
                    "fewer than %lld users, or is beyond the largest %d%s",
                    (long long)groups->small, (long long)groups->small_users, (long long)min_users,
                    PROFILE_GROUPS, hint);
    else if (groups->small_users > 0)
        log_warning("    groups of fewer than %lld users are not judged%s", (long long)min_users,
                    hint);
}

static void say(const struct profile_groups *groups, int64_t min_users)
{
    int64_t told = 0;
    log_info("  protected group: %lld groups of at least %lld users each",
             (long long)groups->groups, (long long)min_users);
    for (int64_t g = 0; g < groups->groups; g++) say_group(groups, g);
    say_others(groups, min_users);
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
