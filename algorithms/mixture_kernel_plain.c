/* The mixture's loops in plain C for any processor. */
#include "algorithms/mixture_kernel.h"

#include <string.h>

#define WIDTH 2
#define VECTORS 2
#define TILE 2
#define SQUARE 3
#define RUN 2

typedef double vec __attribute__((vector_size(16)));
typedef uint64_t index_vec __attribute__((vector_size(16)));

static inline vec vec_load(const double *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vec_store(double *p, vec v)
{
    memcpy(p, &v, sizeof v);
}

static inline vec vec_fill(double x)
{
    return (vec){x, x};
}

static inline vec vec_multiply_add(vec a, vec b, vec c)
{
    return a * b + c;
}

/* v where the bits of mask are set, else 0 */
static inline vec vec_mask(index_vec mask, vec v)
{
    return (vec)(mask & (index_vec)v);
}

static inline vec vec_max(vec a, vec b)
{
    return vec_mask((index_vec)(a > b), a) + vec_mask((index_vec)(a <= b), b);
}

static inline vec vec_at_least(vec a, vec b)
{
    return vec_mask((index_vec)(a >= b), vec_fill(1.0));
}

static inline vec vec_keep_above(vec x, vec limit, vec v)
{
    return vec_mask((index_vec)(x > limit), v);
}

#define PACK_PLAIN
#include "algorithms/mixture_kernel_body.h"

static const struct mixture_kernel kernel = {"plain", TILE,   pack,    whiten,  distance,
                                             divide,  square, moments, products};
const struct mixture_kernel *const mixture_kernel_plain = &kernel;
