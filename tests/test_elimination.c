/* Approximate elimination: exact on trees, symmetric, near to the exact solution on other graphs.
 */
#include "tests/harness.h"
#include "tests/uniform.h"

#include "algorithms/elimination.h"

#include <stdlib.h>
#include <string.h>

enum { NODES = 2000, EDGES = 6000, LANES = ELIMINATION_LANES };

/* y = what the factor makes of x, both by node. */
static void solve(const struct elimination *e, const double *x, double *y)
{
    double *work = calloc((size_t)e->nodes * LANES, sizeof *work);
    for (int64_t i = 0; i < e->nodes; i++)
        memcpy(work + e->place[i] * LANES, x + i * LANES, LANES * sizeof *work);
    elimination_apply(e, work);
    for (int64_t i = 0; i < e->nodes; i++)
        memcpy(y + i * LANES, work + e->place[i] * LANES, LANES * sizeof *work);
    free(work);
}

/* y = Laplacian times x */
static void multiply(const struct elimination_edge *edge, int64_t edges, int64_t nodes,
                     const double *x, double *y)
{
    memset(y, 0, (size_t)nodes * LANES * sizeof *y);
    for (int64_t e = 0; e < edges; e++)
        for (int c = 0; c < LANES; c++) {
            int64_t a = edge[e].a * LANES + c, b = edge[e].b * LANES + c;
            y[a] += edge[e].weight * (x[a] - x[b]);
            y[b] += edge[e].weight * (x[b] - x[a]);
        }
}

static void by_hand(void **state)
{
    (void)state;
    const struct elimination_edge edge[] = {{0, 1, 2.0}, {2, 1, 1.0}, {1, 2, 2.0}};
    const double b[3 * LANES] = {[0] = 1, [2 * LANES] = -1, [1] = 6, [LANES + 1] = -6};
    double x[3 * LANES];
    struct elimination e = {0};
    assert_all(elimination_make(3, edge, 3, &e) == OK);
    solve(&e, b, x);
    assert_close(x[0] - x[LANES], 1.0 / 2.0, 1e-15); /* a current of 1 through 2, then 3 */
    assert_close(x[LANES] - x[2 * LANES], 1.0 / 3.0, 1e-15);
    assert_close(x[1] - x[LANES + 1], 3.0, 1e-15);
    assert_close(x[LANES + 1] - x[2 * LANES + 1], 0.0, 1e-15);
    assert_all(x[2] == 0.0 && x[LANES + 3] == 0.0);
    elimination_clear(&e);
}

/* Trees of random shape and weights, some edges double, some nodes alone. */
static void exact_on_trees(void **state)
{
    (void)state;
    static struct elimination_edge edge[2 * NODES];
    static double x[NODES * LANES], b[NODES * LANES], got[NODES * LANES], again[NODES * LANES];
    struct elimination e = {0};
    int64_t edges = 0;
    for (int32_t i = 1; i < NODES; i++) {
        int32_t parent = (int32_t)(uniform(i, 0) * i);
        double weight = pow(10.0, 6.0 * uniform(i, 1) - 3.0);
        if (i % 100 == 0) continue; /* the root of another tree */
        edge[edges++] = (struct elimination_edge){i, parent, weight};
        if (i % 7 == 0) edge[edges++] = (struct elimination_edge){parent, i, 2.0 * weight};
    }
    for (int64_t i = 0; i < NODES * LANES; i++) x[i] = uniform(i, 2);
    multiply(edge, edges, NODES, x, b);
    assert_all(elimination_make(NODES, edge, edges, &e) == OK);
    solve(&e, b, got);
    multiply(edge, edges, NODES, got, again);
    int64_t far = 0;
    for (int64_t i = 0; i < NODES * LANES; i++)
        far += !(fabs(again[i] - b[i]) <= 1e-9 * (1.0 + fabs(b[i])));
    assert_all(far == 0);
    elimination_clear(&e);
}

static double dot(const double *a, const double *b, int lane)
{
    double sum = 0.0;
    for (int64_t i = 0; i < NODES; i++) sum += a[i * LANES + lane] * b[i * LANES + lane];
    return sum;
}

/* On any graph: symmetric, and x' L M L x stays near x' L x. The same at every call. */
static void near_on_graphs(void **state)
{
    (void)state;
    static struct elimination_edge edge[EDGES];
    static double x[NODES * LANES], b[NODES * LANES], m[NODES * LANES], again[NODES * LANES];
    struct elimination e = {0}, f = {0};
    for (int32_t i = 0; i < EDGES; i++) { /* a ring, and chords */
        int32_t a = i % NODES, to = (int32_t)(uniform(i, 0) * (NODES - 1));
        int32_t other = i < NODES ? (a + 1) % NODES : to + (to >= a);
        edge[i] = (struct elimination_edge){a, other, pow(10.0, 4.0 * uniform(i, 1) - 2.0)};
    }
    for (int64_t i = 0; i < NODES * LANES; i++) x[i] = uniform(i, 3) - 0.5;
    multiply(edge, EDGES, NODES, x, b);
    assert_all(elimination_make(NODES, edge, EDGES, &e) == OK);
    assert_all(elimination_make(NODES, edge, EDGES, &f) == OK);
    solve(&e, b, m);
    solve(&f, b, again);
    assert_all(memcmp(m, again, sizeof m) == 0);
    for (int c = 0; c < LANES; c++) {
        double ratio = dot(m, b, c) / dot(x, b, c);
        assert_all(ratio > 0.3 && ratio < 3.0);
    }
    double left = 0.0, right = 0.0; /* u' M v = v' M u for lanes 0 and 1 */
    for (int64_t i = 0; i < NODES; i++) {
        left += b[i * LANES] * m[i * LANES + 1];
        right += b[i * LANES + 1] * m[i * LANES];
    }
    assert_close(left, right, 1e-9 * fabs(dot(m, b, 0)));
    elimination_clear(&e);
    elimination_clear(&f);
}

static void nothing_to_do(void **state)
{
    (void)state;
    double y[5 * LANES];
    struct elimination e = {0};
    for (int i = 0; i < 5 * LANES; i++) y[i] = 1.0;
    assert_all(elimination_make(5, NULL, 0, &e) == OK); /* nodes without an edge */
    elimination_apply(&e, y);
    for (int i = 0; i < 5 * LANES; i++) assert_all(y[i] == 0.0);
    elimination_clear(&e);
    assert_all(elimination_make(0, NULL, 0, &e) == OK);
    elimination_apply(&e, y);
    elimination_clear(&e);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(exact_on_trees),
          cmocka_unit_test(near_on_graphs), cmocka_unit_test(nothing_to_do))
