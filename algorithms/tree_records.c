/* Records of rows: targets rounded to integers, bins gathered by row. */
#include "algorithms/tree_records.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE_BYTES = 1 << 21, FEW_PAGES = 8 };
enum { TARGET_BITS = 30, SUM_BITS = 52, STRIP = 256, EXPONENT_MIN = -400 };

#define TARGET_LIMIT 1e120 /* squares of it are numbers */

static bool used(const struct forest_data *data, int64_t row)
{
    return data->skip == NULL || data->skip[row] == 0;
}

static enum status check_labels(const struct forest_data *data)
{
    for (int64_t i = 0; i < data->blocks->rows_local; i++)
        if (used(data, i) && (data->label[i] < 0 || data->label[i] >= data->classes))
            return FAIL(ERR_ARG, "the class of row %lld is %ld; it must be 0 to %lld",
                        (long long)(data->blocks->row_first + i), (long)data->label[i],
                        (long long)data->classes - 1);
    return OK;
}

/* range: the greatest value and the greatest negated one */
static enum status measure(const struct forest_data *data, double range[2])
{
    for (int64_t i = 0; i < data->blocks->rows_local; i++) {
        if (!used(data, i)) continue;
        if (!(fabs(data->value[i]) <= TARGET_LIMIT))
            return FAIL(ERR_NUMERIC,
                        "the target of data row %lld is %g, beyond %g; give it in a larger unit",
                        (long long)(data->blocks->row_first + i + 1), data->value[i], TARGET_LIMIT);
        range[0] = fmax(range[0], data->value[i]);
        range[1] = fmax(range[1], -data->value[i]);
    }
    return OK;
}

/* Bits of a target such that a sum over all rows, some of them drawn again, fits a double. */
static int target_bits(int64_t rows)
{
    int bits = SUM_BITS - 1;
    for (; rows > 1; rows = rows / 2 + rows % 2) bits--;
    return bits < TARGET_BITS ? bits : TARGET_BITS;
}

static enum status set_unit(const struct comm *comm, const struct forest_data *data,
                            struct tree_records *records)
{
    enum status status = OK;
    double range[2] = {-INFINITY, -INFINITY};
    int exponent = 0;
    TRY_ALL(comm, measure(data, range));
    comm_max_double(comm, range, 2);
    double half = (range[0] + range[1]) / 2, middle = (range[0] - range[1]) / 2;
    records->offset = middle;
    if (half == 0.0) goto done; /* all the same: every integer is 0 */
    frexp(half, &exponent);     /* half < 2^exponent */
    if (exponent < EXPONENT_MIN) exponent = EXPONENT_MIN;
    records->unit = ldexp(1.0, exponent - target_bits(records->rows_used));
    /* targets that are multiples of the unit stay so */
    records->offset = rint(middle / records->unit) * records->unit;
done:
    return status;
}

static int32_t target_of(const struct tree_records *records, const struct forest_data *data,
                         int64_t row)
{
    if (!used(data, row)) return 0;
    if (records->classes > 0) return data->label[row];
    return (int32_t)rint((data->value[row] - records->offset) / records->unit);
}

static void fill(const struct forest_data *data, struct tree_records *records)
{
    int64_t rows = records->rows;
    for (int64_t first = 0; first < rows; first += STRIP) {
        int64_t end = rows - first < STRIP ? rows : first + STRIP;
        for (int64_t j = 0; j < records->columns; j++)
            for (int64_t i = first; i < end; i++)
                records->record[i * records->stride + TREE_TARGET_BYTES + j] =
                    data->code[j * rows + i];
        for (int64_t i = first; i < end; i++) {
            int32_t target = target_of(records, data, i);
            memcpy(records->record + i * records->stride, &target, sizeof target);
        }
    }
}

/* In large pages, if the system has them: nodes take records from all over, and would look up a
 * page for each. */
static enum status records_alloc(struct tree_records *records)
{
    size_t bytes = (size_t)(records->rows * records->stride) / PAGE_BYTES * PAGE_BYTES + PAGE_BYTES;
    if (bytes < FEW_PAGES * PAGE_BYTES)
        return memory_new(&records->record, records->rows * records->stride, 1);
    records->record = aligned_alloc(PAGE_BYTES, bytes);
    if (records->record == NULL)
        return FAIL(ERR_MEMORY, "no memory for %lld rows; use more ranks",
                    (long long)records->rows);
#ifdef MADV_HUGEPAGE
    (void)madvise(records->record, bytes, MADV_HUGEPAGE);
#endif
    return OK;
}

enum status tree_records_make(const struct comm *comm, const struct forest_data *data,
                              struct tree_records *records)
{
    enum status status = OK;
    *records = (struct tree_records){.rows = data->blocks->rows_local,
                                     .columns = data->bins->columns,
                                     .classes = data->classes,
                                     .stats = data->classes > 0 ? data->classes : 2,
                                     .code = data->code,
                                     .unit = 1.0};
    records->stride = (TREE_TARGET_BYTES + records->columns + 3) / 4 * 4;
    for (int64_t i = 0; i < records->rows; i++) records->rows_used += used(data, i);
    comm_sum_int64(comm, &records->rows_used, 1);
    if (records->rows_used == 0) TRY(FAIL(ERR_ARG, "no row is left to grow a tree from"));
    if (records->classes > 0)
        TRY_ALL(comm, check_labels(data));
    else
        TRY(set_unit(comm, data, records));
    TRY_ALL(comm, records_alloc(records));
    fill(data, records);
done:
    if (status != OK) tree_records_clear(records);
    return status;
}

void tree_records_clear(struct tree_records *records)
{
    free(records->record);
    *records = (struct tree_records){0};
}
