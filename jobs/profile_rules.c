/* Rules for segments: a tree grown on features as they are read, its questions rounded, its users
 * counted. */
#include "jobs/profile_rules.h"

#include "algorithms/forest.h"
#include "jobs/profile_rules_words.h"
#include "jobs/suppress.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CODES = BINS_MAX + 1, RULES_MOST = 200 };

#define MIN_GAIN 1e-3 /* of Gini impurity: less does not help anybody to read */
#define MOVED 0.02    /* share of the users at a question that rounding may send elsewhere */

void profile_rules_clear(struct profile_rules *rules)
{
    free(rules->users);
    free(rules->rule);
    dictionary_clear(&rules->text);
    *rules = (struct profile_rules){0};
}

/* The users as the tree sees them. */
struct view {
    struct rows rows;
    enum profile_scale *scale; /* [columns] */
    float *x;                  /* [users_local][columns] */
    uint8_t *code;             /* [columns][users_local] */
    struct bins *bins;
};

static void view_clear(struct view *view)
{
    free(view->scale);
    free(view->x);
    free(view->code);
    bins_free(&view->bins);
}

static enum status view_alloc(const struct features *features, int64_t users, struct view *view)
{
    enum status status = OK;
    int64_t columns = features->columns;
    TRY(memory_new(&view->scale, columns, sizeof *view->scale));
    TRY(memory_new(&view->x, users * columns, sizeof *view->x));
    TRY(memory_new(&view->code, users * columns, sizeof *view->code));
done:
    return status;
}

static enum status view_make(const struct comm *comm, const struct blocks *blocks,
                             const struct features *features, struct view *view)
{
    enum status status = OK;
    int64_t columns = features->columns, users = blocks->rows_local;
    TRY_ALL(comm, view_alloc(features, users, view));
    for (int64_t j = 0; j < columns; j++)
        view->scale[j] = profile_words_scale(dictionary_text(&features->names, j));
    for (int64_t i = 0; i < users; i++)
        for (int64_t j = 0; j < columns; j++)
            view->x[i * columns + j] =
                profile_words_value(view->scale[j], features->x[i * columns + j]);
    view->rows = (struct rows){blocks, columns, columns, view->x};
    TRY(bins_make(comm, &view->rows, NULL, BINS_MAX, &view->bins));
    TRY_ALL(comm, bins_code(view->bins, &view->rows, view->code));
done:
    return status;
}

static enum status grow(const struct comm *comm, const struct run *run, const struct view *view,
                        const int32_t *segment, int64_t segments, struct forest **forest)
{
    struct forest_options options = FOREST_OPTIONS_DEFAULTS;
    struct forest_data data = {.blocks = view->rows.blocks,
                               .bins = view->bins,
                               .code = view->code,
                               .label = segment,
                               .classes = segments};
    options.depth = config_integer(run->config, "profile.rules_depth");
    options.min_rows = config_integer(run->config, "privacy.min_users");
    if (options.min_rows < view->rows.blocks->rows_total / RULES_MOST)
        options.min_rows = view->rows.blocks->rows_total / RULES_MOST;
    options.min_gain = MIN_GAIN;
    options.seed = run->seed;
    return forest_fit(comm, &data, &options, forest);
}

/* ---- rounding ---- */

/* What decides how far a question may be rounded. */
struct around {
    int64_t users[CODES]; /* of each code of the column it asks about */
    double reach[2];      /* the greatest value up to the threshold; the least above, negated */
};

/* The multiple of the largest power of ten, or half of it, between low and high that is next to
 * value; if there is none, three digits, rounded up. */
static double roundest(double low, double value, double high)
{
    if (value == 0) return 0;
    double step = pow(10, floor(log10(fabs(value))) + 1), least = 1e-3 * step;
    for (bool half = false; step > 0.99 * least; half = !half) {
        double found = rint(value / step) * step;
        if (low <= found && found <= high) return found;
        step *= half ? 0.2 : 0.5;
    }
    return ceil(value / least) * least;
}

static double round_threshold(const struct bins *bins, const struct tree_node *node,
                              const struct around *around)
{
    double most = MOVED * (double)node->rows, value = (double)node->threshold;
    double lower = around->reach[0], upper = nextafter(-around->reach[1], value);
    int64_t column = node->feature, low = node->bin, high = node->bin;
    int64_t edges = bins_count(bins, column) - 1, below = 0, above = 0;
    while (low > 0 && (double)(below += around->users[low]) <= most) low--;
    while (high + 1 < edges && (double)(above += around->users[high + 1]) <= most) high++;
    if (low < node->bin) lower = (double)bins_edge(bins, column, low);
    if (high > node->bin) upper = (double)bins_edge(bins, column, high);
    return roundest(lower, value, upper);
}

static void look_around(const struct view *view, const struct tree_node *node,
                        struct around *around)
{
    int64_t local = view->rows.blocks->rows_local, columns = view->rows.columns;
    const uint8_t *code = view->code + node->feature * local;
    const float *x = view->x + node->feature;
    for (int64_t i = 0; i < local; i++) {
        double value = (double)x[i * columns];
        bool left = code[i] <= node->bin;
        around->users[code[i]]++;
        around->reach[!left] = fmax(around->reach[!left], left ? value : -value);
    }
}

static enum status round_tree(const struct comm *comm, const struct view *view, struct tree *tree)
{
    enum status status = OK;
    struct around *around = NULL;
    TRY_ALL(comm, memory_new(&around, tree->nodes, sizeof *around));
    for (int64_t n = 0; n < tree->nodes; n++) {
        struct tree_node *node = &tree->node[n];
        if (node->feature < 0) continue;
        around[n].reach[0] = around[n].reach[1] = -INFINITY;
        look_around(view, node, &around[n]);
        comm_sum_int64(comm, around[n].users, CODES);
        comm_max_double(comm, around[n].reach, 2);
        node->threshold = (float)round_threshold(view->bins, node, &around[n]);
    }
done:
    free(around);
    return status;
}

/* ---- counting ---- */

/* Put the users that come to each node now, and their segments, into the tree. */
static enum status recount(const struct comm *comm, const struct view *view, const int32_t *segment,
                           struct tree *tree)
{
    enum status status = OK;
    int64_t segments = tree->outputs, columns = view->rows.columns;
    int64_t *users = NULL; /* [nodes][segments] */
    TRY_ALL(comm, memory_new(&users, tree->nodes * segments, sizeof *users));
    for (int64_t i = 0; i < view->rows.blocks->rows_local; i++)
        users[tree_leaf(tree, view->x + i * columns) * segments + segment[i]]++;
    comm_sum_int64(comm, users, tree->nodes * segments);
    for (int64_t n = tree->nodes - 1; n >= 0; n--) {
        struct tree_node *node = &tree->node[n];
        int64_t *here = users + n * segments, left = node->left * segments;
        for (int64_t k = 0; k < segments && node->feature >= 0; k++)
            here[k] = users[left + k] + users[left + segments + k];
        node->rows = 0;
        for (int64_t k = 0; k < segments; k++) node->rows += here[k];
        for (int64_t k = 0; k < segments; k++)
            tree->value[n * segments + k] =
                node->rows > 0 ? (double)here[k] / (double)node->rows : 0;
    }
done:
    free(users);
    return status;
}

/* ---- the result ---- */

/* Whole per cents, as they are read. */
static double per_cents(double share)
{
    return floor(100 * share + 0.5) / 100;
}

/* Which segments and rules have few users. */
static enum status find_few(const struct profile_rules *rules, int64_t least, bool *few,
                            bool *hidden)
{
    int64_t *users = NULL;
    enum status status = memory_new(&users, rules->count, sizeof *users);
    if (status != OK) return status;
    suppress_cells(rules->users, rules->segments, least, few);
    for (int64_t r = 0; r < rules->count; r++) {
        const struct profile_rule *rule = &rules->rule[r];
        users[r] = rule->users;
        hidden[r] = few[rule->segment] || rint(rule->purity * (double)rule->users) < (double)least;
    }
    suppress_cells(users, rules->count, least, hidden);
    free(users);
    return OK;
}

/* Take the figures of few users away, and make shares whole per cents. */
static enum status hide(struct profile_rules *rules, int64_t least)
{
    enum status status = OK;
    bool *few = NULL, *hidden = NULL; /* segments, rules */
    TRY(memory_new(&few, rules->segments, sizeof *few));
    TRY(memory_new(&hidden, rules->count, sizeof *hidden));
    TRY(find_few(rules, least, few, hidden));
    for (int64_t r = 0; r < rules->count; r++) {
        struct profile_rule *rule = &rules->rule[r];
        rule->hidden = hidden[r];
        rule->users = hidden[r] ? -1 : rule->users;
        rule->coverage = hidden[r] ? NAN : per_cents(rule->coverage);
        rule->purity = hidden[r] ? NAN : per_cents(rule->purity);
    }
    for (int64_t s = 0; s < rules->segments; s++)
        if (few[s]) rules->users[s] = -1;
    rules->told = per_cents(rules->told);
done:
    free(few);
    free(hidden);
    return status;
}

/* The rules' texts, each to be freed, put one behind the other. */
static enum status join_texts(char *const *text, struct profile_rules *rules)
{
    enum status status = OK;
    int64_t bytes = 0;
    for (int64_t r = 0; r < rules->count; r++) bytes += (int64_t)strlen(text[r]) + 1;
    TRY(memory_new(&rules->text.start, rules->count + 1, sizeof *rules->text.start));
    TRY(memory_new(&rules->text.text, bytes, 1));
    for (int64_t r = 0, at = 0; r < rules->count; r++) {
        memcpy(rules->text.text + at, text[r], strlen(text[r]) + 1);
        at += (int64_t)strlen(text[r]) + 1;
        rules->text.start[r + 1] = at;
    }
    rules->text.count = rules->count;
done:
    return status;
}

static enum status put_texts(const struct dictionary *names, const char *currency,
                             const struct tree_rules *found, struct profile_rules *rules)
{
    static char hidden[] = "suppressed";
    enum status status = OK;
    char **text = NULL;
    int64_t at = 0;
    TRY(memory_new(&text, found->count, sizeof *text));
    for (int64_t f = 0; f < found->count; f++) {
        if (found->rule[f].rows == 0) continue;
        if (rules->rule[at].hidden)
            text[at] = hidden;
        else
            TRY(profile_words_rule(names, currency, &found->rule[f], &text[at]));
        at++;
    }
    TRY(join_texts(text, rules));
done:
    for (int64_t r = 0; text != NULL && r < rules->count; r++)
        if (text[r] != hidden) free(text[r]);
    free(text);
    return status;
}

/* The rules of a tree whose users are counted. */
static enum status read_tree(const struct run *run, const struct dictionary *names,
                             const struct tree *tree, struct profile_rules *rules)
{
    enum status status = OK;
    struct tree_rules found = {0};
    TRY(tree_rules_make(tree, tree->outputs, &found));
    TRY(memory_new(&rules->users, tree->outputs, sizeof *rules->users));
    TRY(memory_new(&rules->rule, found.count, sizeof *rules->rule));
    rules->segments = tree->outputs;
    for (int64_t s = 0; s < rules->segments; s++)
        rules->users[s] = (int64_t)rint(tree->value[s] * (double)tree->node[0].rows);
    for (int64_t f = 0; f < found.count; f++) {
        const struct tree_rule *rule = &found.rule[f];
        if (rule->rows == 0) continue;
        rules->rule[rules->count++] = (struct profile_rule){.segment = rule->label,
                                                            .users = rule->rows,
                                                            .coverage = rule->coverage,
                                                            .purity = rule->value};
        rules->told += rule->value * (double)rule->rows / (double)tree->node[0].rows;
    }
    TRY(hide(rules, config_integer(run->config, "privacy.min_users")));
    TRY(put_texts(names, config_text(run->config, "ingest.currency"), &found, rules));
done:
    tree_rules_clear(&found);
    return status;
}

/* ---- what is said ---- */

static int64_t nameless(const struct profile_rules *rules)
{
    int64_t named = 0, occupied = 0;
    for (int64_t r = 0; r < rules->count; r++)
        named += r == 0 || rules->rule[r].segment != rules->rule[r - 1].segment;
    for (int64_t s = 0; s < rules->segments; s++) occupied += rules->users[s] != 0;
    return occupied - named;
}

static void say(const struct run *run, const struct profile_rules *rules)
{
    int64_t depth = config_integer(run->config, "profile.rules_depth");
    log_info("  rules of up to %lld questions name the segment of %.0f %% of the users:",
             (long long)depth, 100 * rules->told);
    for (int64_t r = 0; r < rules->count; r++) {
        const struct profile_rule *rule = &rules->rule[r];
        if (rule->hidden)
            log_info("    segment %d: suppressed, as a rule has fewer than %lld users",
                     (int)rule->segment,
                     (long long)config_integer(run->config, "privacy.min_users"));
        else
            log_info("    segment %d: %s (%lld users, %.0f %% of the segment; %.0f %% of them "
                     "belong to it)",
                     (int)rule->segment, dictionary_text(&rules->text, r), (long long)rule->users,
                     100 * rule->coverage, 100 * rule->purity);
    }
    if (nameless(rules) > 0)
        log_info("    %lld segments have no rule; profile.rules_depth: %lld may find one",
                 (long long)nameless(rules), (long long)depth + 1);
}

enum status profile_rules_fit(const struct comm *comm, const struct run *run,
                              const struct blocks *blocks, const struct features *features,
                              const int32_t *segment, int64_t segments, struct profile_rules *rules)
{
    enum status status = OK;
    struct view view = {0};
    struct forest *forest = NULL;
    *rules = (struct profile_rules){0};
    if (config_integer(run->config, "profile.rules_depth") == 0 || blocks->rows_total == 0)
        return OK;
    if (segments < 2 || segments > FOREST_CLASSES_MAX) {
        log_info("  no rules: they tell 2 to %d segments apart", FOREST_CLASSES_MAX);
        return OK;
    }
    TRY(view_make(comm, blocks, features, &view));
    TRY(grow(comm, run, &view, segment, segments, &forest));
    TRY(round_tree(comm, &view, &forest->tree[0]));
    TRY(recount(comm, &view, segment, &forest->tree[0]));
    TRY_ALL(comm, tree_rules_join(&forest->tree[0]));
    TRY_ALL(comm, read_tree(run, &features->names, &forest->tree[0], rules));
    if (blocks->rows_total >= config_integer(run->config, "privacy.min_users"))
        say(run, rules);
    else
        log_info("  rules: suppressed, as the shop has fewer users than privacy.min_users");
done:
    view_clear(&view);
    forest_free(&forest);
    return status;
}
