/* Outer products by strips of columns, of which rows below the diagonal are left out. */
#include "algorithms/als_gram.h"

#include "algorithms/gemm.h"
#include "algorithms/vector.h"

enum { STRIP = 32 };

VECTORISED static void add_part(const float *part, int64_t columns, int64_t wide, double *square)
{
    for (int64_t k = 0; k < columns; k++)
        for (int64_t j = k; j < wide; j++) square[k * wide + j] += (double)part[k * wide + j];
}

static void add_chunk(const float *x, int64_t rows, int64_t stride, int64_t columns, int64_t wide,
                      float *part)
{
    for (int64_t first = 0; first < wide; first += STRIP) {
        int64_t end = first + STRIP < wide ? first + STRIP : wide;
        gemm_run(&(struct gemm){.rows = end < columns ? end : columns,
                                .columns = end - first,
                                .depth = rows,
                                .a = x,
                                .a_row = 1,
                                .a_depth = stride,
                                .b = x + first,
                                .b_stride = stride,
                                .c = part + first,
                                .c_stride = wide});
    }
}

void als_gram_add(const float *x, int64_t rows, int64_t stride, int64_t columns, int64_t wide,
                  float *part, double *square)
{
    for (int64_t first = 0; first < rows; first += ALS_GRAM_ROWS) {
        int64_t left = rows - first, here = left < ALS_GRAM_ROWS ? left : ALS_GRAM_ROWS;
        add_chunk(x + first * stride, here, stride, columns, wide, part);
        add_part(part, columns, wide, square);
    }
}
