/**
 * The loops of the mixture for one instruction set; included by mixture_kernel_*.c, each with these
 * defined before: vec, a GCC vector of WIDTH doubles, and index_vec of as many uint64_t; vec_load,
 * vec_store, vec_fill, vec_multiply_add (a b + c), vec_max, vec_at_least (1 where a >= b, else 0)
 * and vec_keep_above (v where x > limit, else 0); VECTORS of rows by TILE columns of a whitened
 * tile, SQUARE by SQUARE sums of products and RUN columns of moments that stay in registers;
 * and pack, unless the one here is to do: then PACK_PLAIN.
 */

#define ALWAYS static inline __attribute__((always_inline))

/* ---- squared distances ---- */

/* One row of the factor, columns [from, columns) of the tile. */
ALWAYS void whiten_row(const double *factor, const double *x, vec sum[TILE][VECTORS],
                       const int from, const int columns)
{
    vec value[VECTORS];
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++) value[v] = vec_load(x + v * WIDTH);
#pragma GCC unroll 8
    for (int j = from; j < columns; j++) {
        vec f = vec_fill(factor[j]);
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; v++) sum[j][v] = vec_multiply_add(f, value[v], sum[j][v]);
    }
}

/* Columns [j, j + columns) of VECTORS vectors of rows; x, y and square at the first of the rows. */
ALWAYS void whiten_tile(const double *factor, const double *shift, int64_t j, int64_t pitch,
                        const double *x, double *y, double *square, const int columns)
{
    vec sum[TILE][VECTORS];
#pragma GCC unroll 8
    for (int l = 0; l < columns; l++)
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; v++) sum[l][v] = vec_fill(-shift[j + l]);
    for (int64_t i = 0; i < j; i++, factor += columns)
        whiten_row(factor, x + i * pitch, sum, 0, columns);
#pragma GCC unroll 8
    for (int i = 0; i < columns; i++)
        whiten_row(factor + i * columns, x + (j + i) * pitch, sum, i, columns);
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++) {
        vec total = j > 0 ? vec_load(square + v * WIDTH) : vec_fill(0.0);
#pragma GCC unroll 8
        for (int l = 0; l < columns; l++) {
            if (y != NULL) vec_store(y + (j + l) * pitch + v * WIDTH, sum[l][v]);
            total = vec_multiply_add(sum[l][v], sum[l][v], total);
        }
        vec_store(square + v * WIDTH, total);
    }
}

#define WHITEN_CASE(columns)                                                          \
    case columns:                                                                     \
        whiten_tile(at, shift, j, pitch, x + r, y != NULL ? y + r : NULL, square + r, \
                    (columns) <= TILE ? (columns) : 1);                               \
        break;

static void whiten(const double *factor, const double *shift, int64_t columns, int64_t pitch,
                   const double *x, double *y, double *square)
{
    for (int64_t r = 0; r < pitch; r += VECTORS * WIDTH) {
        const double *at = factor;
        for (int64_t j = 0; j < columns; j += TILE) {
            int64_t wide = columns - j < TILE ? columns - j : TILE;
            switch (wide) {
                WHITEN_CASE(1)
                WHITEN_CASE(2)
                WHITEN_CASE(3)
                WHITEN_CASE(4)
                WHITEN_CASE(5)
                WHITEN_CASE(6)
            default:
                break;
            }
            at += (j + wide) * wide;
        }
    }
}

static void distance(const double *factor, const double *shift, int64_t columns, int64_t pitch,
                     const double *x, double *square)
{
    for (int64_t r = 0; r < pitch; r += VECTORS * WIDTH) {
        vec total[VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; v++) total[v] = vec_fill(0.0);
        for (int64_t j = 0; j < columns; j++) {
            const double *column = x + j * pitch + r;
            vec times = vec_fill(factor[j]), less = vec_fill(-shift[j]);
#pragma GCC unroll 8
            for (int v = 0; v < VECTORS; v++) {
                vec value = vec_multiply_add(times, vec_load(column + v * WIDTH), less);
                total[v] = vec_multiply_add(value, value, total[v]);
            }
        }
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; v++) vec_store(square + r + v * WIDTH, total[v]);
    }
}

/* ---- responsibilities ---- */

#define EXP_LEAST (-138.0) /* e^x below 1e-60 is 0: no sum feels it */

/* e^x for x <= 0: 2^n times a polynomial of degree 11 on |x - n log 2| <= log(2) / 2, interpolated
 * at Chebyshev's points (relative error 1.6e-17 before rounding). */
ALWAYS vec exp_of(vec x)
{
    static const double coefficient[] = {2.763265472252779e-07,
                                         2.755724088722987e-06,
                                         2.4801485441561313e-05,
                                         0.00019841269890076403,
                                         0.0013888888952352863,
                                         0.008333333333319589,
                                         0.04166666666648795,
                                         0.1666666666666668,
                                         0.5000000000000019,
                                         1.0,
                                         1.0};
    const vec magic = vec_fill(0x1.8p52); /* adding it rounds to a whole number in the low bits */
    vec shifted = vec_multiply_add(x, vec_fill(0x1.71547652b82fep+0), magic);
    vec whole = shifted - magic;
    vec rest = vec_multiply_add(whole, vec_fill(-0x1.62e42feep-1), x);
    rest = vec_multiply_add(whole, vec_fill(-0x1.a39ef35793c76p-33), rest);
    vec e = vec_fill(2.5110049204818658e-08);
#pragma GCC unroll 16
    for (int i = 0; i < 11; i++) e = vec_multiply_add(e, rest, vec_fill(coefficient[i]));
    vec power = (vec)((index_vec)e + ((index_vec)shifted << 52));
    return vec_keep_above(x, vec_fill(EXP_LEAST), power);
}

/* The same for one vector of rows, share at its first row. */
ALWAYS void divide_vector(const double *constant, int64_t k, int64_t pitch, const bool hard,
                          double *share, double *largest, double *sum)
{
    vec most = vec_fill(0.0), total = vec_fill(0.0);
    for (int64_t c = 0; c < k; c++) {
        double *at = share + c * pitch;
        vec density = vec_multiply_add(vec_fill(-0.5), vec_load(at), vec_fill(constant[c]));
        most = c > 0 ? vec_max(density, most) : density;
        vec_store(at, density);
    }
    for (int64_t c = 0; c < k; c++) {
        vec density = vec_load(share + c * pitch);
        vec part = hard ? vec_at_least(density, most) : exp_of(density - most);
        vec_store(share + c * pitch, part);
        total += part;
    }
    vec inverse = vec_fill(1.0) / total;
    for (int64_t c = 0; c < k; c++)
        vec_store(share + c * pitch, vec_load(share + c * pitch) * inverse);
    vec_store(largest, most);
    vec_store(sum, total);
}

static void divide(const double *constant, int64_t k, int64_t pitch, bool hard, double *share,
                   double *largest, double *sum)
{
    if (hard)
        for (int64_t r = 0; r < pitch; r += WIDTH)
            divide_vector(constant, k, pitch, true, share + r, largest + r, sum + r);
    else
        for (int64_t r = 0; r < pitch; r += WIDTH)
            divide_vector(constant, k, pitch, false, share + r, largest + r, sum + r);
}

/* ---- sums in lanes of eight rows: with narrower vectors, one part of the lanes after another */

static void add_shares(const double *share, int64_t pitch, double *sums)
{
    for (int64_t lane = 0; lane < MIXTURE_LANES; lane += WIDTH) {
        vec sum = vec_load(sums + lane);
        for (int64_t r = lane; r < pitch; r += MIXTURE_LANES) sum += vec_load(share + r);
        vec_store(sums + lane, sum);
    }
}

/* A run of columns. sums and seconds: those of x and of squares at the first column; squares may be
 * NULL. */
ALWAYS void moments_run(const double *share, const double *x, const double *squares, int64_t pitch,
                        double *sums, double *seconds, const int columns)
{
    for (int64_t lane = 0; lane < MIXTURE_LANES; lane += WIDTH) {
        vec sum[RUN], second[RUN];
#pragma GCC unroll 8
        for (int j = 0; j < columns; j++) {
            sum[j] = vec_load(sums + j * MIXTURE_LANES + lane);
            if (squares != NULL) second[j] = vec_load(seconds + j * MIXTURE_LANES + lane);
        }
        for (int64_t r = lane; r < pitch; r += MIXTURE_LANES) {
            vec part = vec_load(share + r);
#pragma GCC unroll 8
            for (int j = 0; j < columns; j++) {
                sum[j] = vec_multiply_add(part, vec_load(x + j * pitch + r), sum[j]);
                if (squares == NULL) continue;
                second[j] = vec_multiply_add(part, vec_load(squares + j * pitch + r), second[j]);
            }
        }
#pragma GCC unroll 8
        for (int j = 0; j < columns; j++) {
            vec_store(sums + j * MIXTURE_LANES + lane, sum[j]);
            if (squares != NULL) vec_store(seconds + j * MIXTURE_LANES + lane, second[j]);
        }
    }
}

static void square(const double *x, int64_t columns, int64_t pitch, double *squares)
{
    for (int64_t i = 0; i < columns * pitch; i += WIDTH) {
        vec value = vec_load(x + i);
        vec_store(squares + i, value * value);
    }
}

static void moments(const double *share, const double *x, const double *squares, int64_t columns,
                    int64_t pitch, double *sums)
{
    int64_t j = 0;
    double *first = sums + MIXTURE_LANES, *second = first + columns * MIXTURE_LANES;
    add_shares(share, pitch, sums);
    for (; squares != NULL && j < columns; j += j + RUN <= columns ? RUN : 1) {
        const double *at = x + j * pitch, *squared = squares + j * pitch;
        double *to = first + j * MIXTURE_LANES, *and_to = second + j * MIXTURE_LANES;
        if (j + RUN <= columns)
            moments_run(share, at, squared, pitch, to, and_to, RUN);
        else
            moments_run(share, at, squared, pitch, to, and_to, 1);
    }
    for (; j < columns; j += j + RUN <= columns ? RUN : 1) {
        double *to = first + j * MIXTURE_LANES;
        if (j + RUN <= columns)
            moments_run(share, x + j * pitch, NULL, pitch, to, NULL, RUN);
        else
            moments_run(share, x + j * pitch, NULL, pitch, to, NULL, 1);
    }
}

/* A square of sums, of `tall` columns of rows with `wide` of x; on the diagonal its part above. */
ALWAYS void products_tile(const double *share, const double *rows, const double *x, int64_t columns,
                          int64_t pitch, double *sums, const int tall, const int wide,
                          const bool diagonal)
{
    for (int64_t lane = 0; lane < MIXTURE_LANES; lane += WIDTH) {
        vec sum[SQUARE][SQUARE];
#pragma GCC unroll 8
        for (int i = 0; i < tall; i++)
#pragma GCC unroll 8
            for (int j = diagonal ? i : 0; j < wide; j++)
                sum[i][j] = vec_load(sums + (i * columns + j) * MIXTURE_LANES + lane);
        for (int64_t r = lane; r < pitch; r += MIXTURE_LANES) {
            vec value[SQUARE], weight = vec_load(share + r);
#pragma GCC unroll 8
            for (int j = 0; j < wide; j++) value[j] = vec_load(x + j * pitch + r);
#pragma GCC unroll 8
            for (int i = 0; i < tall; i++) {
                vec part = weight * vec_load(rows + i * pitch + r);
#pragma GCC unroll 8
                for (int j = diagonal ? i : 0; j < wide; j++)
                    sum[i][j] = vec_multiply_add(part, value[j], sum[i][j]);
            }
        }
#pragma GCC unroll 8
        for (int i = 0; i < tall; i++)
#pragma GCC unroll 8
            for (int j = diagonal ? i : 0; j < wide; j++)
                vec_store(sums + (i * columns + j) * MIXTURE_LANES + lane, sum[i][j]);
    }
}

static void products_edge(const double *share, const double *rows, const double *x, int64_t columns,
                          int64_t pitch, double *sums, int64_t wide, bool diagonal)
{
    if (wide == 1 && diagonal)
        products_tile(share, rows, x, columns, pitch, sums, 1, 1, true);
    else if (wide == 1)
        products_tile(share, rows, x, columns, pitch, sums, SQUARE, 1, false);
    else if (wide == 2 && diagonal)
        products_tile(share, rows, x, columns, pitch, sums, 2, 2, true);
    else if (wide == 2)
        products_tile(share, rows, x, columns, pitch, sums, SQUARE, 2, false);
#if SQUARE > 3
    else if (wide == 3 && diagonal)
        products_tile(share, rows, x, columns, pitch, sums, 3, 3, true);
    else if (wide == 3)
        products_tile(share, rows, x, columns, pitch, sums, SQUARE, 3, false);
#endif
}

static void products(const double *share, const double *x, int64_t columns, int64_t pitch,
                     double *sums)
{
    for (int64_t i = 0; i < columns; i += SQUARE) {
        const double *rows = x + i * pitch;
        for (int64_t j = i; j < columns; j += SQUARE) {
            const double *cells = x + j * pitch;
            double *to = sums + (i * columns + j) * MIXTURE_LANES;
            if (columns - j < SQUARE)
                products_edge(share, rows, cells, columns, pitch, to, columns - j, i == j);
            else if (i == j)
                products_tile(share, rows, cells, columns, pitch, to, SQUARE, SQUARE, true);
            else
                products_tile(share, rows, cells, columns, pitch, to, SQUARE, SQUARE, false);
        }
    }
}

/* ---- rows into a strip ---- */

static inline double cell_of(const struct mixture_rows *x, int64_t row, int64_t column)
{
    if (x->single != NULL) return (double)x->single[row * x->stride + column];
    return x->full[row * x->columns + column];
}

/* Columns [from, columns) of rows [first + done, first + rows), and zeros up to pitch. */
static void pack_rest(const struct mixture_rows *x, int64_t first, int64_t done, int64_t rows,
                      const double *centre, const double *inverse, int64_t pitch, double *out)
{
    for (int64_t r = done; r < pitch; r++)
        for (int64_t j = 0; j < x->columns; j++)
            out[j * pitch + r] =
                r < rows ? (cell_of(x, first + r, j) - centre[j]) * inverse[j] : 0.0;
}

#ifdef PACK_PLAIN
static void pack(const struct mixture_rows *x, int64_t first, int64_t rows, const double *centre,
                 const double *inverse, int64_t pitch, double *out)
{
    pack_rest(x, first, 0, rows, centre, inverse, pitch, out);
}
#endif
