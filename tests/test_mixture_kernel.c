/* The loops of the mixture against plain sums, for each instruction set, at 1 to 20 columns. */
#include "tests/harness.h"

#include "algorithms/mixture_kernel.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 20, PITCH = 64, ROWS = 53, STRIDE = 23, K = 5 };

static double uniform(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 44) * 0x1p-20;
}

/* A strip and what the loops make of it. */
struct strip {
    double *x, *y, *squares; /* [COLUMNS][PITCH] */
    double *square, *share;  /* [PITCH], [K][PITCH] */
    double *largest, *sum;   /* [PITCH] */
    double *sums, *products; /* lanes of [1 + 2 COLUMNS], [COLUMNS][COLUMNS] */
    double *factor, *lower;  /* packed; [COLUMNS][COLUMNS] */
    double shift[COLUMNS], times[COLUMNS];
};

static bool strip_init(struct strip *s)
{
    int64_t cells = COLUMNS * PITCH, lanes = MIXTURE_LANES;
    double **const place[] = {&s->x,      &s->y,       &s->squares, &s->square,
                              &s->share,  &s->largest, &s->sum,     &s->products,
                              &s->factor, &s->lower,   &s->sums};
    *s = (struct strip){0};
    for (size_t p = 0; p < sizeof place / sizeof *place; p++)
        if (memory_new(place[p], cells * lanes, sizeof **place[p]) != OK) return false;
    for (int64_t i = 0; i < cells; i++) s->x[i] = uniform((uint64_t)i) - 0.5;
    for (int64_t i = 0; i < K * PITCH; i++) s->share[i] = uniform((uint64_t)(i + 5000));
    for (int64_t j = 0; j < COLUMNS; j++) {
        s->shift[j] = uniform((uint64_t)(j + 9000));
        s->times[j] = uniform((uint64_t)(j + 8000));
    }
    return true;
}

static void strip_clear(struct strip *s)
{
    double *const owned[] = {s->x,   s->y,        s->squares, s->square, s->share, s->largest,
                             s->sum, s->products, s->factor,  s->lower,  s->sums};
    for (size_t p = 0; p < sizeof owned / sizeof *owned; p++) free(owned[p]);
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-13 * (1 + fabs(b));
}

/* y and square by the definition, for a lower triangle of d columns */
static bool whitens(const struct mixture_kernel *kernel, struct strip *s, int64_t d)
{
    bool good = true;
    for (int64_t j = 0; j < d; j++)
        for (int64_t i = 0; i < d; i++)
            s->lower[j * d + i] = i <= j ? uniform((uint64_t)(j * 31 + i)) : NAN; /* not read */
    mixture_factor_pack(kernel, d, s->lower, s->factor);
    kernel->whiten(s->factor, s->shift, d, PITCH, s->x, s->y, s->square);
    memcpy(s->squares, s->square, PITCH * sizeof *s->square);
    kernel->whiten(s->factor, s->shift, d, PITCH, s->x, NULL, s->square);
    for (int64_t r = 0; r < PITCH; r++) {
        double square = 0;
        for (int64_t j = 0; j < d; j++) {
            double y = -s->shift[j];
            for (int64_t i = 0; i <= j; i++) y += s->lower[j * d + i] * s->x[i * PITCH + r];
            good = good && near(s->y[j * PITCH + r], y);
            square += y * y;
        }
        good = good && near(s->square[r], square) && s->square[r] == s->squares[r];
    }
    return good;
}

static bool measures(const struct mixture_kernel *kernel, struct strip *s, int64_t d)
{
    bool good = true;
    kernel->distance(s->times, s->shift, d, PITCH, s->x, s->square);
    for (int64_t r = 0; r < PITCH; r++) {
        double square = 0;
        for (int64_t j = 0; j < d; j++)
            square += pow(s->times[j] * s->x[j * PITCH + r] - s->shift[j], 2);
        good = good && near(s->square[r], square);
    }
    return good;
}

static double folded(const double *lanes)
{
    double sum = 0;
    for (int l = 0; l < MIXTURE_LANES; l++) sum += lanes[l];
    return sum;
}

static double summed(const double *share, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t r = 0; r < PITCH; r++)
        sum += share[r] * (a != NULL ? a[r] : 1.0) * (b != NULL ? b[r] : 1.0);
    return sum;
}

static bool adds(const struct mixture_kernel *kernel, struct strip *s, int64_t d)
{
    size_t bytes = COLUMNS * PITCH * MIXTURE_LANES * sizeof(double);
    memset(s->sums, 0, bytes);
    memset(s->products, 0, bytes);
    kernel->square(s->x, d, PITCH, s->squares);
    kernel->moments(s->share, s->x, s->squares, d, PITCH, s->sums);
    kernel->moments(s->share, s->x, NULL, d, PITCH, s->sums); /* sums are added to */
    kernel->products(s->share, s->x, d, PITCH, s->products);
    bool good = near(folded(s->sums), 2 * summed(s->share, NULL, NULL));
    for (int64_t j = 0; j < d; j++) {
        const double *x = s->x + j * PITCH;
        double second = folded(s->sums + (1 + d + j) * MIXTURE_LANES);
        good =
            good && near(folded(s->sums + (1 + j) * MIXTURE_LANES), 2 * summed(s->share, x, NULL));
        good = good && near(second, summed(s->share, x, x));
        for (int64_t i = 0; i <= j; i++)
            good = good && near(folded(s->products + (i * d + j) * MIXTURE_LANES),
                                summed(s->share, x, s->x + i * PITCH));
    }
    return good;
}

/* Columns from rows of doubles and of float32, with zeros where there are no rows. */
static bool packs(const struct mixture_kernel *kernel, struct strip *s, int64_t d)
{
    bool good = true;
    double *full = s->products, *out = s->sums;
    float *single = (float *)s->y;
    for (int64_t i = 0; i < ROWS * STRIDE; i++) {
        single[i] = (float)uniform((uint64_t)(i + 100));
        if (i % STRIDE < d) full[i / STRIDE * d + i % STRIDE] = (double)single[i];
    }
    struct mixture_rows rows[2] = {{.columns = d, .full = full},
                                   {.columns = d, .single = single, .stride = STRIDE}};
    for (int n = 0; n < 2; n++) {
        kernel->pack(&rows[n], 3, ROWS - 3, s->shift, s->times, PITCH, out);
        for (int64_t i = 0; i < d * PITCH; i++) {
            int64_t j = i / PITCH, r = i % PITCH;
            double value = (full[(r + 3) * d + j] - s->shift[j]) * s->times[j];
            good = good && out[i] == (r < ROWS - 3 ? value : 0.0);
        }
    }
    return good;
}

static void loops(void **state)
{
    (void)state;
    for (enum mixture_path path = MIXTURE_PATH_PLAIN; path <= MIXTURE_PATH_AVX512; path++) {
        const struct mixture_kernel *kernel = mixture_kernel_choose(path);
        for (int64_t d = 1; kernel != NULL && d <= COLUMNS; d++) {
            struct strip s;
            assert_all(strip_init(&s));
            assert_all(whitens(kernel, &s, d));
            assert_all(measures(kernel, &s, d));
            assert_all(adds(kernel, &s, d));
            assert_all(packs(kernel, &s, d));
            strip_clear(&s);
        }
    }
}

/* Distances from 0 to beyond what e^x can hold, equal ones among them. */
static double square_at(int64_t c, int64_t r)
{
    if (r % 7 == 0) return 2.0;
    return r % 5 == 0 ? 1e5 * uniform((uint64_t)(c * 100 + r))
                      : 20 * uniform((uint64_t)(c * 64 + r));
}

static void responsibilities(void **state)
{
    (void)state;
    const double constant[K] = {-1.5, -0.25, -1e300, -2, -0.25}; /* the third has no weight */
    for (enum mixture_path path = MIXTURE_PATH_PLAIN; path <= MIXTURE_PATH_AVX512; path++)
        for (int hard = 0; hard < 2; hard++) {
            const struct mixture_kernel *kernel = mixture_kernel_choose(path);
            struct strip s;
            bool good = true;
            if (kernel == NULL) continue;
            assert_all(strip_init(&s));
            for (int64_t i = 0; i < K * PITCH; i++) s.share[i] = square_at(i / PITCH, i % PITCH);
            kernel->divide(constant, K, PITCH, hard, s.share, s.largest, s.sum);
            for (int64_t r = 0; r < PITCH; r++) {
                double density[K], most = -INFINITY, total = 0, likely = 0;
                for (int64_t c = 0; c < K; c++) {
                    density[c] = constant[c] - square_at(c, r) / 2;
                    most = fmax(most, density[c]);
                }
                for (int64_t c = 0; c < K; c++) total += exp(density[c] - most);
                for (int64_t c = 0; c < K; c++) likely += density[c] == most;
                for (int64_t c = 0; c < K; c++) {
                    double share =
                        hard ? (density[c] == most) / likely : exp(density[c] - most) / total;
                    good = good && fabs(s.share[c * PITCH + r] - share) <= 4e-16 * share + 1e-60;
                }
                good = good && s.largest[r] == most && (hard || near(s.sum[r], total));
            }
            assert_all(good);
            strip_clear(&s);
        }
}

TEST_MAIN(cmocka_unit_test(loops), cmocka_unit_test(responsibilities))
