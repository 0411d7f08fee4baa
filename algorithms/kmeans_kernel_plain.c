/* The k-means loops in plain C for any processor, with the bits of the vector versions. */
#include "algorithms/kmeans_kernel.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define WIDTH 4
#define VECTORS 2
#define CHUNK 4

typedef float vec __attribute__((vector_size(4 * WIDTH)));
typedef int32_t index_vec __attribute__((vector_size(4 * WIDTH)));

/* a - x c rounded once. The product is exact in double; rounding its sum to double and then to
 * float differs from one rounding only if the double falls halfway between two floats, or the float
 * is denormal. */
static inline float less_product(float a, float x, float c)
{
#ifdef __FP_FAST_FMAF
    return fmaf(-x, c, a);
#else
    double twice = (double)a - (double)x * (double)c;
    uint64_t bits;
    memcpy(&bits, &twice, sizeof bits);
    bool halfway = (bits & 0x1fffffff) == 0x10000000;
    if (__builtin_expect(halfway || fabs(twice) < (double)FLT_MIN, 0)) return fmaf(-x, c, a);
    return (float)twice;
#endif
}

static inline vec vec_load(const float *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vec_store(float *p, vec v)
{
    memcpy(p, &v, sizeof v);
}

static inline index_vec index_load(const int32_t *p)
{
    index_vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void index_store(int32_t *p, index_vec v)
{
    memcpy(p, &v, sizeof v);
}

static inline vec vec_fill(float x)
{
    return (vec){x, x, x, x};
}

static inline vec vec_min(vec a, vec b)
{
    for (int i = 0; i < WIDTH; i++) a[i] = a[i] < b[i] ? a[i] : b[i];
    return a;
}

static inline vec vec_max(vec a, vec b)
{
    for (int i = 0; i < WIDTH; i++) a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
}

static inline vec vec_sqrt(vec a)
{
    for (int i = 0; i < WIDTH; i++) a[i] = sqrtf(a[i]);
    return a;
}

static inline vec vec_less_product(vec score, vec x, vec c)
{
    for (int i = 0; i < WIDTH; i++) score[i] = less_product(score[i], x[i], c[i]);
    return score;
}

static inline void vec_keep_least(vec score, int32_t centroid, vec *best, index_vec *label)
{
    for (int i = 0; i < WIDTH; i++) {
        bool less = score[i] < (*best)[i];
        (*best)[i] = less ? score[i] : (*best)[i];
        (*label)[i] = less ? centroid : (*label)[i];
    }
}

static inline void transpose4(const float *const *row, int64_t at, int count, float *out)
{
    for (int j = 0; j < count; j++)
        for (int i = 0; i < WIDTH; i++) out[j * VECTORS * WIDTH + i] = row[i][at + j];
}

#include "algorithms/kmeans_kernel_body.h"

static void move(const float *x, int64_t stride, int64_t columns, const double *grid,
                 const struct kmeans_move *moves, int64_t count, double *sums)
{
    int64_t pitch = kmeans_pitch(columns);
    for (int64_t i = 0; i < count; i++) {
        const float *row = x + moves[i].row * stride;
        double *to = sums + moves[i].to * pitch;
        for (int64_t j = 0; j < columns; j++) to[j] += ((double)row[j] + grid[j]) - grid[j];
        if (moves[i].from < 0) continue;
        double *from = sums + moves[i].from * pitch;
        for (int64_t j = 0; j < columns; j++) from[j] -= ((double)row[j] + grid[j]) - grid[j];
    }
}

static void squares(const float *x, int64_t rows, int64_t stride, int64_t columns,
                    const int32_t *labels, const double *centroids, double *out)
{
    for (int64_t i = 0; i < rows; i++) {
        const double *centroid = labels != NULL ? centroids + labels[i] * columns : centroids;
        double lane[8] = {0};
        for (int64_t j = 0; j < columns; j++) {
            double off = (double)x[i * stride + j] - centroid[j];
            lane[j % 8] += off * off;
        }
        double even = (lane[0] + lane[4]) + (lane[2] + lane[6]);
        double odd = (lane[1] + lane[5]) + (lane[3] + lane[7]);
        out[i] = even + odd;
    }
}

static const struct kmeans_kernel kernel = {"plain", TILE, CHUNK, assign, judge, move, squares};
const struct kmeans_kernel *const kmeans_kernel_plain = &kernel;
