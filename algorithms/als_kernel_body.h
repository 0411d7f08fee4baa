/**
 * Conjugate gradients for one instruction set; included by als_kernel.c once for each, with these
 * macros defined: KERNEL(name) a name of this set, TARGET its attribute, FLOATS a vector type of
 * LANES floats, DOTS (4 or 8) rows at a time in an inner product, LOAD, STORE, SPREAD (one float to
 * all lanes), MULTIPLY_ADD(a, b, c), ADD, MULTIPLY, WIDEN(p) and NARROW(p, x) that load and store
 * halves, and FOLD(sum) from 16 lanes to four, lane i the sum of lanes i and i + 8, and of that and
 * i + 4. SUM_ROWS(sum, out), if defined, sums up the lanes of DOTS rows in the same order.
 */

enum { KERNEL(parts) = 16 / LANES };

#define INLINE TARGET static inline __attribute__((always_inline))

/* out[i] = lanes of s[i] in the order (0 + 2) + (1 + 3), i < 4 */
INLINE void KERNEL(sum_four)(const quad s[4], float out[4])
{
    quad low0 = __builtin_shuffle(s[0], s[1], (quad_index){0, 4, 1, 5});
    quad high0 = __builtin_shuffle(s[0], s[1], (quad_index){2, 6, 3, 7});
    quad low1 = __builtin_shuffle(s[2], s[3], (quad_index){0, 4, 1, 5});
    quad high1 = __builtin_shuffle(s[2], s[3], (quad_index){2, 6, 3, 7});
    quad even0 = low0 + high0, even1 = low1 + high1; /* a0+a2 b0+b2 a1+a3 b1+b3 */
    quad first = __builtin_shuffle(even0, even1, (quad_index){0, 1, 4, 5});
    quad second = __builtin_shuffle(even0, even1, (quad_index){2, 3, 6, 7});
    quad sum = first + second;
    memcpy(out, &sum, sizeof sum);
}

/* dot[i] = row i . x for DOTS rows; count is a constant once inlined */
INLINE void KERNEL(dots)(const float *row, int64_t wide, const float *x, float *dot)
{
    FLOATS sum[DOTS][KERNEL(parts)];
#pragma GCC unroll 8
    for (int r = 0; r < DOTS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < KERNEL(parts); v++) sum[r][v] = SPREAD(0.0f);
    for (int64_t k = 0; k < wide; k += 16)
#pragma GCC unroll 4
        for (int v = 0; v < KERNEL(parts); v++) {
            FLOATS xk = LOAD(x + k + v * LANES);
#pragma GCC unroll 8
            for (int r = 0; r < DOTS; r++)
                sum[r][v] = MULTIPLY_ADD(LOAD(row + r * wide + k + v * LANES), xk, sum[r][v]);
        }
#ifdef SUM_ROWS
    SUM_ROWS(sum, dot);
#else
    quad four[4] = {FOLD(sum[0]), FOLD(sum[1]), FOLD(sum[2]), FOLD(sum[3])};
    KERNEL(sum_four)(four, dot);
#endif
}

/* sum += sum over the rows of a group of t[r] row r */
INLINE void KERNEL(add_rows)(const float *row, int64_t wide, const float t[ALS_GROUP], FLOATS *sum)
{
    FLOATS s[ALS_GROUP];
#pragma GCC unroll 8
    for (int r = 0; r < ALS_GROUP; r++) s[r] = SPREAD(t[r]);
#pragma GCC unroll 8
    for (int64_t k = 0; k < wide / LANES; k++) {
        const float *at = row + k * LANES;
        FLOATS a = MULTIPLY_ADD(s[0], LOAD(at), sum[k]);
        FLOATS b = MULTIPLY(s[4], LOAD(at + 4 * wide));
#pragma GCC unroll 4
        for (int r = 1; r < 4; r++) {
            a = MULTIPLY_ADD(s[r], LOAD(at + r * wide), a);
            b = MULTIPLY_ADD(s[r + 4], LOAD(at + (r + 4) * wide), b);
        }
        sum[k] = ADD(a, b);
    }
}

/* t = side - weight fit of a group; side NULL: 0 */
INLINE void KERNEL(residuals)(const float *side, const float *weight, const float *fit,
                              float t[ALS_GROUP])
{
#pragma GCC unroll 2
    for (int g = 0; g < ALS_GROUP; g += 4) {
        quad left = side != NULL ? quad_load(side + g) : (quad){0, 0, 0, 0};
        quad_store(t + g, left - quad_load(weight + g) * quad_load(fit + g));
    }
}

/* fit = panel x, out = panel' (side - weight fit); side NULL: 0; t [ALS_GROUP] work space. A group
 * is added while inner products of the next one, which take their time, are under way. */
INLINE void KERNEL(pass)(const struct als_problem *p, const int64_t wide, const float *x,
                         const float *side, float *fit, float *t, float *out)
{
    FLOATS sum[ALS_WIDE_MOST / LANES];
#pragma GCC unroll 8
    for (int64_t k = 0; k < wide / LANES; k++) sum[k] = SPREAD(0.0f);
    for (int64_t r = 0; r < p->rows; r += ALS_GROUP) {
        const float *row = p->panel + r * wide;
#pragma GCC unroll 2
        for (int g = 0; g < ALS_GROUP; g += DOTS)
            KERNEL(dots)(row + g * wide, wide, x, fit + r + g);
        if (r > 0) KERNEL(add_rows)(row - ALS_GROUP * wide, wide, t, sum);
        KERNEL(residuals)(side != NULL ? side + r : NULL, p->weight + r, fit + r, t);
    }
    if (p->rows > 0) KERNEL(add_rows)(p->panel + (p->rows - ALS_GROUP) * wide, wide, t, sum);
#pragma GCC unroll 8
    for (int64_t k = 0; k < wide / LANES; k++) STORE(out + k * LANES, sum[k]);
}

/* ---- vectors ---- */

/* sum of x y z; z NULL: 1 */
INLINE float KERNEL(inner)(const float *x, const float *y, const float *z, int64_t wide)
{
    FLOATS sum[KERNEL(parts)];
#pragma GCC unroll 4
    for (int v = 0; v < KERNEL(parts); v++) sum[v] = SPREAD(0.0f);
    for (int64_t k = 0; k < wide; k += 16)
#pragma GCC unroll 4
        for (int v = 0; v < KERNEL(parts); v++) {
            int64_t at = k + v * LANES;
            FLOATS yk = z != NULL ? MULTIPLY(LOAD(y + at), LOAD(z + at)) : LOAD(y + at);
            sum[v] = MULTIPLY_ADD(LOAD(x + at), yk, sum[v]);
        }
    quad four = FOLD(sum), two = four + __builtin_shuffle(four, (quad_index){2, 3, 0, 1});
    return two[0] + two[1];
}

/* y += a x; count a multiple of LANES */
INLINE void KERNEL(add)(float a, const float *x, int64_t count, float *y)
{
    FLOATS all = SPREAD(a);
    for (int64_t k = 0; k < count; k += LANES)
        STORE(y + k, MULTIPLY_ADD(all, LOAD(x + k), LOAD(y + k)));
}

/* y -= x z */
INLINE void KERNEL(take_off)(const float *x, const float *z, int64_t wide, float *y)
{
    FLOATS less = SPREAD(-1.0f);
    for (int64_t k = 0; k < wide; k += LANES)
        STORE(y + k, MULTIPLY_ADD(MULTIPLY(less, LOAD(x + k)), LOAD(z + k), LOAD(y + k)));
}

/* d = per r + keep d */
INLINE void KERNEL(turn)(float keep, const float *r, const float *per, int64_t wide, float *d)
{
    FLOATS all = SPREAD(keep);
    for (int64_t k = 0; k < wide; k += LANES)
        STORE(d + k, MULTIPLY_ADD(all, LOAD(d + k), MULTIPLY(LOAD(r + k), LOAD(per + k))));
}

/* What x costs, from its fits; roughly. */
INLINE double KERNEL(cost)(const struct als_problem *p)
{
    float lane[ALS_GROUP] = {0}, total = KERNEL(inner)(p->x, p->x, p->ridge, p->wide);
    for (int64_t r = 0; r < p->rows; r += ALS_GROUP)
        for (int g = 0; g < ALS_GROUP; g++)
            lane[g] += p->fit[r + g] * (p->weight[r + g] * p->fit[r + g] - 2.0f * p->side[r + g]);
    for (int g = 0; g < ALS_GROUP; g++) total += lane[g];
    return p->scale + (double)total;
}

/* ---- the functions of this set ---- */

INLINE int64_t KERNEL(iterate)(const struct als_problem *p, const int64_t wide)
{
    float *r = p->work, *d = r + wide, *q = d + wide, *t = q + wide, *fit = t + ALS_GROUP;
    double rest; /* of the cost, about, that could still be gained */
    int64_t steps = 0;
    memset(d, 0, (size_t)wide * sizeof *d);
    KERNEL(pass)(p, wide, p->x, p->side, p->fit, t, r);
    KERNEL(take_off)(p->x, p->ridge, wide, r);
    KERNEL(turn)(0.0f, r, p->per, wide, d);
    float left = KERNEL(inner)(r, d, NULL, wide);
    const double enough = p->tolerance * fmax(KERNEL(cost)(p), 1e-4 * p->scale);
    for (rest = (double)left; steps < p->steps_most && rest > enough; steps++) {
        KERNEL(pass)(p, wide, d, NULL, fit, t, q);
        KERNEL(take_off)(d, p->ridge, wide, q); /* less what the system makes of d */
        float bend = -KERNEL(inner)(d, q, NULL, wide), before = left, step = left / bend;
        if (!(bend > 0.0f)) break;
        KERNEL(add)(step, d, wide, p->x);
        KERNEL(add)(step, q, wide, r);
        KERNEL(add)(step, fit, vector_padded(p->rows), p->fit);
        left = KERNEL(inner)(r, r, p->per, wide);
        KERNEL(turn)(left / before, r, p->per, wide, d);
        rest = gain_left(left, step, left / before);
    }
    return steps;
}

/* Loops over a width that is known are unrolled. */
TARGET static int64_t KERNEL(conjugate)(const struct als_problem *p)
{
    switch (p->wide) {
    case 32:
        return KERNEL(iterate)(p, 32);
    case 64:
        return KERNEL(iterate)(p, 64);
    case 128:
        return KERNEL(iterate)(p, 128);
    default:
        return KERNEL(iterate)(p, p->wide);
    }
}

TARGET static void KERNEL(spread_rows)(const struct als_problem *p, float *out)
{
    FLOATS sum[ALS_WIDE_MOST / LANES];
    for (int64_t k = 0; k < p->wide / LANES; k++) sum[k] = SPREAD(0.0f);
    for (int64_t r = 0; r < p->rows; r += ALS_GROUP)
        KERNEL(add_rows)(p->panel + r * p->wide, p->wide, p->side + r, sum);
    for (int64_t k = 0; k < p->wide / LANES; k++) STORE(out + k * LANES, sum[k]);
}

INLINE void KERNEL(prefetch)(const struct als_gathering *g, int64_t r)
{
    enum { LINE_BYTES = 64 };
    const int64_t size = g->half != NULL ? sizeof *g->half : sizeof *g->row;
    const int64_t from = (g->at[r] - g->first) * g->wide * size;
    const char *base = g->half != NULL ? (const char *)g->half : (const char *)g->row;
    for (int64_t k = 0; k < g->wide * size; k += LINE_BYTES) __builtin_prefetch(base + from + k);
}

TARGET static void KERNEL(gather)(const struct als_gathering *g)
{
    enum { FLOATS_AHEAD = 768 };
    const int64_t known = g->count + g->ahead;
    const int64_t ahead = (g->half != NULL ? 2 : 1) * FLOATS_AHEAD / g->wide + 1;
    const FLOATS unit = SPREAD(1.0f / ALS_HALF_SCALE);
    for (int64_t r = 0; r < g->count; r++) {
        const int64_t from = (g->at[r] - g->first) * g->wide;
        float *to = g->panel + r * g->wide;
        if (r + ahead < known) KERNEL(prefetch)(g, r + ahead);
        if (g->half != NULL)
            for (int64_t k = 0; k < g->wide; k += LANES)
                STORE(to + k, MULTIPLY(unit, WIDEN(g->half + from + k)));
        else
            for (int64_t k = 0; k < g->wide; k += LANES) STORE(to + k, LOAD(g->row + from + k));
    }
}

TARGET static void KERNEL(narrow)(const float *from, int64_t count, als_half *to)
{
    const FLOATS scale = SPREAD(ALS_HALF_SCALE);
    for (int64_t k = 0; k < count; k += LANES) NARROW(to + k, MULTIPLY(scale, LOAD(from + k)));
}

#undef INLINE
#undef KERNEL
#undef TARGET
#undef FLOATS
#undef LANES
#undef DOTS
#undef LOAD
#undef STORE
#undef SPREAD
#undef MULTIPLY_ADD
#undef ADD
#undef MULTIPLY
#undef WIDEN
#undef NARROW
#undef FOLD
#undef SUM_ROWS
