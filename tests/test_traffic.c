/* What the iterations of the profile algorithms send: as many collectives and bytes as their
 * headers say, at any number of ranks. MPI itself is counted, by its profiling interface. */
#include "tests/forest_table.h"
#include "tests/harness.h"
#include "tests/lifetime_table.h"

#include "algorithms/bgnbd.h"
#include "algorithms/gamma_gamma.h"
#include "algorithms/kmeans.h"
#include "algorithms/mixture.h"

enum { ROWS = 3000, COLUMNS = 6, K = 5, BLOCK = 20, BINS = 32, CLASSES = 3 };
enum { EXACT = 16 /* bytes of a sum */, START_COLLECTIVES = 79 };

/* ---- counting ---- */

struct count {
    int64_t collectives, exchanges, bytes;
};

static struct count seen;

static void add(int64_t count, MPI_Datatype type)
{
    int size = 0;
    MPI_Type_size(type, &size);
    seen.collectives++;
    seen.bytes += count * size;
}

/* What the tests call themselves; none of it may slip by uncounted. */
int MPI_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    add(count, type);
    return PMPI_Allreduce(in, out, count, type, op, comm);
}

int MPI_Iallreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm, MPI_Request *request)
{
    add(count, type);
    return PMPI_Iallreduce(in, out, count, type, op, comm, request);
}

int MPI_Bcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm)
{
    add(count, type);
    return PMPI_Bcast(data, count, type, root, comm);
}

int MPI_Exscan(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    add(count, type);
    return PMPI_Exscan(in, out, count, type, op, comm);
}

int MPI_Allgather(const void *in, int count, MPI_Datatype type, void *out, int count_out,
                  MPI_Datatype type_out, MPI_Comm comm)
{
    add(count, type);
    return PMPI_Allgather(in, count, type, out, count_out, type_out, comm);
}

int MPI_Alltoall(const void *in, int count, MPI_Datatype type, void *out, int count_out,
                 MPI_Datatype type_out, MPI_Comm comm)
{
    add(count, type);
    seen.exchanges++;
    return PMPI_Alltoall(in, count, type, out, count_out, type_out, comm);
}

/* What `run` sends; where all of it is reductions, the program's own count is the same. */
static struct count count_of(void (*run)(const void *), const void *of)
{
    struct comm_traffic before = comm_traffic();
    seen = (struct count){0};
    run(of);
    struct comm_traffic after = comm_traffic();
    struct count found = seen;
    if (found.exchanges == 0) {
        assert_all(after.collectives - before.collectives == found.collectives);
        assert_all(after.bytes - before.bytes == found.bytes);
    }
    return found;
}

/* So many collectives, and so many bytes within 5 %, on every rank. */
static void expect(const char *what, struct count more, struct count less, int64_t iterations,
                   int64_t collectives, double bytes)
{
    double each = (double)(more.bytes - less.bytes) / (double)iterations;
    if (world.rank == 0)
        printf("%-22s %2d ranks: %lld collectives, %.0f bytes each; by its header %.0f\n", what,
               world.ranks, (long long)((more.collectives - less.collectives) / iterations), each,
               bytes);
    assert_all(more.collectives - less.collectives == iterations * collectives);
    assert_close(each, bytes, 0.05 * bytes);
}

/* ---- rows ---- */

static struct forest_table table;
static double *full;

static void fill(int64_t row, float *x)
{
    for (int64_t j = 0; j < COLUMNS; j++)
        x[j] = (float)(table_uniform(row * COLUMNS + j) + (double)(row % (K + 2)) * 0.3);
}

static double sum_of(int64_t row, const float *x)
{
    return (double)x[0] + 2 * (double)x[1] * (double)x[2] + table_uniform(row + 1000000);
}

static double class_of(int64_t row, const float *x)
{
    return floor(CLASSES * table_uniform(row + 5000000) * (x[0] > 1.0f ? 1.0 : 0.6));
}

static void table_make(int64_t classes)
{
    struct table_kind kind = {
        ROWS, COLUMNS, BLOCK, BINS, classes, fill, classes > 0 ? class_of : sum_of};
    forest_table_init(&table, &world, &kind);
    int64_t cells = table.blocks.rows_local * COLUMNS;
    assert_all(memory_new(&full, cells, sizeof *full) == OK);
    for (int64_t i = 0; i < cells; i++)
        full[i] = (double)table.x[i / COLUMNS * (COLUMNS + 1) + i % COLUMNS];
}

static void table_clear(void)
{
    forest_table_clear(&table);
    free(full);
}

/* ---- k-means ---- */

static void run_kmeans(const void *of)
{
    const struct kmeans_options *opt = of;
    struct kmeans_model *model = NULL;
    assert_int_equal(kmeans_fit(&world, &table.rows, opt, &model), OK);
    assert_int_equal(model->iterations, opt->max_iterations);
    kmeans_free(&model);
}

static void kmeans_sends(void **state)
{
    (void)state;
    double init[K * COLUMNS];
    table_make(0);
    for (int64_t c = 0; c < K; c++) {
        float x[COLUMNS];
        fill(c, x);
        for (int64_t j = 0; j < COLUMNS; j++) init[c * COLUMNS + j] = (double)x[j];
    }
    struct kmeans_options less = {.k = K, .restarts = 1, .max_iterations = 2, .init = init};
    struct kmeans_options more = less;
    more.max_iterations = 5;
    expect("k-means", count_of(run_kmeans, &more), count_of(run_kmeans, &less), 3, 1,
           EXACT * K * (COLUMNS + 1));
    table_clear();
}

/* The whole of a random start and a fit, in as many collectives at any number of ranks. */
static void kmeans_start_sends(void **state)
{
    (void)state;
    struct kmeans_options opt = {.k = K, .restarts = 1, .max_iterations = 2, .seed = 5};
    table_make(0);
    struct count found = count_of(run_kmeans, &opt);
    if (world.rank == 0)
        printf("k-means with its start %2d ranks: %lld collectives, %lld bytes\n", world.ranks,
               (long long)found.collectives, (long long)found.bytes);
    assert_int_equal(found.collectives, START_COLLECTIVES);
    table_clear();
}

/* ---- mixtures ---- */

static void run_mixture(const void *of)
{
    struct mixture_rows rows = {.blocks = &table.blocks, .columns = COLUMNS, .full = full};
    const struct mixture_options *opt = of;
    struct mixture_model *model = NULL;
    assert_int_equal(mixture_fit(&world, &rows, opt, &model), OK);
    assert_int_equal(model->iterations, opt->max_iterations);
    mixture_free(&model);
}

static void mixture_sends(void **state)
{
    (void)state;
    static const int64_t sums[] = {[MIXTURE_FULL] = K * (1 + COLUMNS + COLUMNS * (COLUMNS + 1) / 2),
                                   [MIXTURE_DIAGONAL] = K * (1 + 2 * COLUMNS),
                                   [MIXTURE_TIED] = K * (1 + COLUMNS)};
    static const char *const name[] = {[MIXTURE_FULL] = "mixture, full",
                                       [MIXTURE_DIAGONAL] = "mixture, diagonal",
                                       [MIXTURE_TIED] = "mixture, tied"};
    double init[K * COLUMNS];
    table_make(0);
    for (int64_t i = 0; i < K * COLUMNS; i++) init[i] = table_uniform(i) * 2;
    for (int c = MIXTURE_FULL; c <= MIXTURE_TIED; c++) {
        struct mixture_options less = MIXTURE_OPTIONS_DEFAULTS, more;
        less.k = K;
        less.covariance = (enum mixture_covariance)c;
        less.init = init;
        less.tolerance = 0;
        less.max_iterations = 2;
        more = less;
        more.max_iterations = 6;
        expect(name[c], count_of(run_mixture, &more), count_of(run_mixture, &less), 4, 1,
               (double)(EXACT * (sums[c] + 2)));
    }
    table_clear();
}

/* ---- trees ---- */

static int64_t pairs; /* of siblings at the last depth but one of the forest grown last */

static int64_t questions(const struct tree *tree, int64_t node, int64_t depth)
{
    const struct tree_node *n = &tree->node[node];
    if (n->feature < 0) return 0;
    if (depth == 0) return 1;
    return questions(tree, n->left, depth - 1) + questions(tree, n->left + 1, depth - 1);
}

static void run_forest(const void *of)
{
    const struct forest_options *opt = of;
    struct forest *forest = NULL;
    assert_int_equal(forest_fit(&world, &table.data, opt, &forest), OK);
    pairs = 0;
    for (int64_t t = 0; t < forest->trees; t++)
        pairs += questions(&forest->tree[t], 0, opt->depth - 2);
    forest_free(&forest);
}

/* A depth more: the nodes there are summed over the ranks at once, of each pair the smaller one if
 * all columns are held, else all with the columns drawn for them. */
static void forest_sends(void **state)
{
    (void)state;
    static const int64_t features[] = {0, 2};
    for (int kind = 0; kind < 2; kind++)
        for (int64_t classes = 0; classes <= CLASSES; classes += CLASSES) {
            struct forest_options less = FOREST_OPTIONS_DEFAULTS, more;
            table_make(classes);
            less.trees = 3;
            less.depth = 3;
            less.min_rows = 2;
            less.features = features[kind];
            less.bootstrap = true;
            more = less;
            more.depth = 4;
            struct count few = count_of(run_forest, &less), many = count_of(run_forest, &more);
            int64_t nodes = kind == 0 ? pairs : 2 * pairs;
            int64_t bins = (kind == 0 ? COLUMNS : less.features) * BINS;
            expect(kind == 0 ? "forest, all columns" : "forest, drawn columns", many, few, 1, 3,
                   (double)(8 * nodes * bins));
            assert_int_equal(pairs, 4 * less.trees);
            table_clear();
        }
}

/* ---- lifetime models ---- */

static void run_bgnbd(const void *of)
{
    struct bgnbd_customer *customer = NULL;
    struct bgnbd_model model;
    int64_t first, rows = lifetime_share(&world, CUSTOMERS, &first);
    assert_all(memory_new(&customer, rows, sizeof *customer) == OK);
    for (int64_t i = 0; i < rows; i++) {
        const double *c = customers[first + i];
        customer[i] = (struct bgnbd_customer){c[0], c[1], c[2]};
    }
    assert_int_equal(bgnbd_fit(&world, customer, rows, of, &model), OK);
    free(customer);
}

static void run_gamma_gamma(const void *of)
{
    struct gamma_gamma_customer *customer = NULL;
    struct gamma_gamma_model model;
    int64_t first, rows = lifetime_share(&world, CUSTOMERS, &first);
    assert_all(memory_new(&customer, rows, sizeof *customer) == OK);
    for (int64_t i = 0; i < rows; i++)
        customer[i] =
            (struct gamma_gamma_customer){customers[first + i][0], customers[first + i][3]};
    assert_int_equal(gamma_gamma_fit(&world, customer, rows, of, &model), OK);
    free(customer);
}

/* An evaluation is a reduction and a broadcast. */
static void lifetime_sends(void **state)
{
    (void)state;
    const struct bgnbd_options less = {1, 0}, more = {9, 0};
    const struct gamma_gamma_options few = {1, 0}, many = {9, 0};
    struct count a = count_of(run_bgnbd, &more), b = count_of(run_bgnbd, &less);
    struct count c = count_of(run_gamma_gamma, &many), d = count_of(run_gamma_gamma, &few);
    if (world.ranks == 1) return; /* what one rank would send itself is not looked at */
    expect("BG/NBD", a, b, (a.collectives - b.collectives) / 2, 2, 96 + 40);
    expect("Gamma-Gamma", c, d, (c.collectives - d.collectives) / 2, 2, 80 + 32);
}

TEST_MAIN(cmocka_unit_test(kmeans_sends), cmocka_unit_test(kmeans_start_sends),
          cmocka_unit_test(mixture_sends), cmocka_unit_test(forest_sends),
          cmocka_unit_test(lifetime_sends))
