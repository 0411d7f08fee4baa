/* Every node of trees of many rows against an exhaustive search of all questions: counted and
 * subtracted histograms, packed and not, values and classes, with missing values. */
#include "tests/forest_table.h"

enum { LEVELS = 12, DEEP_COLUMNS = 3, DEEP_MIN_ROWS = 3 };

static void deep_fill(int64_t row, float *x)
{
    for (int64_t j = 0; j < DEEP_COLUMNS; j++) {
        double u = table_uniform(row * 7 + j);
        x[j] = u < 0.07 * (double)j ? NAN : (float)floor(LEVELS * table_uniform(row * 7 + j + 3));
    }
}

static double deep_value(int64_t row, const float *x)
{
    double first = isnan(x[1]) ? 3 : x[1] * x[0], second = isnan(x[2]) ? 20 : x[2];
    return first + 2 * fabs(second - 5) + floor(40 * table_uniform(row * 7 + 6));
}

static double deep_class(int64_t row, const float *x)
{
    return floor(fmin(deep_value(row, x) / 30, 5));
}

/* Whole tables as integers: levels, LEVELS where missing. */
struct search {
    int64_t rows, classes;
    const struct forest_table *t;
    const struct tree *tree;
    const struct forest_options *opt;
    int64_t wrong;
};

/* Sum over the statistics of (n sum_l - n_l sum)^2 / (n_l n_r); classes count as 0/1 sums. */
static long double score(const int64_t *all, const int64_t *left, int64_t classes)
{
    int64_t n = all[0], l = left[0];
    long double square = 0;
    for (int64_t k = 1; k <= (classes > 0 ? classes : 1); k++) {
        long double d = (long double)(n * left[k]) - (long double)(l * all[k]);
        square += d * d;
    }
    return square / ((long double)l * (long double)(n - l));
}

/* Statistics of rows [0] and sums by level of a column. */
static void count_levels(const struct search *s, const int64_t *rows, int64_t count, int64_t column,
                         int64_t level[LEVELS + 1][8])
{
    memset(level, 0, (LEVELS + 1) * sizeof *level);
    for (int64_t i = 0; i < count; i++) {
        float x = s->t->x[rows[i] * (DEEP_COLUMNS + 1) + column];
        int64_t *at = level[isnan(x) ? LEVELS : (int64_t)x];
        at[0]++;
        at[1 + (s->classes > 0 ? s->t->label[rows[i]] : 0)] +=
            s->classes > 0 ? 1 : (int64_t)s->t->value[rows[i]];
    }
}

/* The greatest score of all questions about a column. */
static long double best_score(const int64_t level[LEVELS + 1][8], int64_t classes)
{
    long double best = 0;
    int64_t all[8] = {0};
    for (int64_t v = 0; v <= LEVELS; v++)
        for (int64_t k = 0; k < 8; k++) all[k] += level[v][k];
    for (int missing_left = 0; missing_left < 2; missing_left++) {
        int64_t left[8] = {0};
        for (int64_t k = 0; k < 8 && missing_left; k++) left[k] = level[LEVELS][k];
        for (int64_t v = 0; v < LEVELS; v++) {
            for (int64_t k = 0; k < 8; k++) left[k] += level[v][k];
            if (left[0] < DEEP_MIN_ROWS || all[0] - left[0] < DEEP_MIN_ROWS) continue;
            long double found = score(all, left, classes);
            if (found > best) best = found;
        }
    }
    return best;
}

/* Does the node ask the best question, and do its children hold the rows it sends them? */
static void check_node(struct search *s, int64_t at, int64_t *rows, int64_t count, int64_t depth)
{
    const struct tree_node *node = &s->tree->node[at];
    int64_t level[LEVELS + 1][8], left = 0;
    long double best = 0;
    s->wrong += node->rows != count;
    for (int64_t j = 0; j < DEEP_COLUMNS; j++) {
        count_levels(s, rows, count, j, level);
        long double found = best_score((const int64_t(*)[8])level, s->classes);
        if (found > best) best = found;
    }
    if (depth == s->opt->depth || best == 0) s->wrong += node->feature >= 0;
    if (depth == s->opt->depth || best == 0 || node->feature < 0) {
        s->wrong += depth < s->opt->depth && best > 0;
        return;
    }
    double gain = (double)(best / (long double)count / (long double)s->rows);
    s->wrong += !(fabs(gain - node->gain) <= 1e-12 * gain);
    for (int64_t i = 0; i < count; i++) {
        float x = s->t->x[rows[i] * (DEEP_COLUMNS + 1) + node->feature];
        if (!(isnan(x) ? node->missing_left : x <= node->threshold)) continue;
        int64_t swap = rows[left];
        rows[left++] = rows[i];
        rows[i] = swap;
    }
    check_node(s, node->left, rows, left, depth + 1);
    check_node(s, node->left + 1, rows + left, count - left, depth + 1);
}

/* Many rows, so that small and large nodes, counted and subtracted, all occur. */
static void every_question_is_the_best(void **state)
{
    (void)state;
    const int64_t rows[2] = {70000, 9000}, classes[2] = {0, 6};
    struct comm self = comm_self();
    struct forest_options opt = {.trees = 1, .depth = 7, .min_rows = DEEP_MIN_ROWS};
    for (int n = 0; n < 2; n++) {
        struct forest_table t, spread;
        struct forest *forest = NULL;
        int64_t *order = NULL;
        const struct table_kind kind = {rows[n],
                                        DEEP_COLUMNS,
                                        512,
                                        255,
                                        classes[n],
                                        deep_fill,
                                        classes[n] > 0 ? deep_class : deep_value};
        forest_table_init(&t, &self, &kind);
        forest_table_init(&spread, &world, &kind);
        assert_all(memory_new(&order, rows[n], sizeof *order) == OK);
        for (int64_t i = 0; i < rows[n]; i++) order[i] = i;
        assert_all(forest_fit(&world, &spread.data, &opt, &forest) == OK);
        struct search search = {rows[n], classes[n], &t, &forest->tree[0], &opt, 0};
        check_node(&search, 0, order, rows[n], 0);
        assert_all(search.wrong == 0 && forest->tree[0].nodes > 100);
        free(order);
        forest_free(&forest);
        forest_table_clear(&t);
        forest_table_clear(&spread);
    }
}

TEST_MAIN(cmocka_unit_test(every_question_is_the_best))
