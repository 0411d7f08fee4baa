/* Allocation: zeroed, aligned, growing without loss, and refusals that say how much was asked for.
 */
#include "tests/harness.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

static void fresh_memory_is_zero_and_aligned(void **state)
{
    (void)state;
    const int64_t counts[] = {0, 1, 7, 64, 100001};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char *bytes = NULL;
        int64_t set = 0;
        assert_all(memory_new(&bytes, counts[i], 3) == OK && bytes != NULL);
        assert_all((uintptr_t)bytes % 64 == 0);
        for (int64_t b = 0; b < 3 * counts[i]; b++) set += bytes[b] != 0;
        assert_all(set == 0);
        memset(bytes, 255, 3 * (size_t)counts[i]); /* so that a reused block shows */
        free(bytes);
    }
}

static void growing_keeps_and_zeroes(void **state)
{
    (void)state;
    int32_t *x = NULL;
    assert_all(memory_grow(&x, 0, 3, sizeof *x) == OK && x[2] == 0); /* NULL grows too */
    x[0] = 10, x[1] = 11, x[2] = 12;
    assert_all(memory_grow(&x, 3, 5000, sizeof *x) == OK);
    assert_all(x[0] == 10 && x[2] == 12 && x[3] == 0 && x[4999] == 0);
    assert_all(memory_grow(&x, 5000, 2, sizeof *x) == OK && x[0] == 10 && x[1] == 11);
    free(x);
}

static void refuses(void **state)
{
    (void)state;
    double *x = (double *)&x;
    assert_all(memory_new(&x, -1, 8) == ERR_BUG && x == NULL);
    assert_all(memory_new(&x, INT64_MAX, 8) == ERR_MEMORY && x == NULL);
    assert_all(memory_new(&x, INT64_C(1) << 50, 8) == ERR_MEMORY && x == NULL);
    assert_all(strstr(status_message(), "1125899906842624 x 8 bytes") != NULL);
    double *kept = NULL;
    assert_all(memory_new(&kept, 2, sizeof *kept) == OK);
    kept[1] = 0.5;
    assert_all(memory_grow(&kept, 2, INT64_C(1) << 50, sizeof *kept) == ERR_MEMORY);
    assert_all(kept != NULL && kept[1] == 0.5); /* a failed growth leaves what was there */
    free(kept);
}

/* Room that nobody touches takes no memory. */
static void room_is_not_touched(void **state)
{
    (void)state;
    int64_t before = memory_peak_bytes(), bytes = INT64_C(256) << 20;
    char *x = NULL;
    assert_all(memory_room(&x, bytes, 1) == OK && (uintptr_t)x % 64 == 0);
    x[0] = x[bytes - 1] = 1;
    assert_all(memory_peak_bytes() < before + bytes / 2);
    free(x);
}

static void peak_follows_use(void **state)
{
    (void)state;
    int64_t before = memory_peak_bytes(), bytes = before + (64 << 20);
    char *x = NULL;
    assert_all(before > 0 && memory_new(&x, bytes, 1) == OK);
    assert_all(memory_peak_bytes() >= bytes);
    free(x);
}

TEST_MAIN(cmocka_unit_test(fresh_memory_is_zero_and_aligned),
          cmocka_unit_test(growing_keeps_and_zeroes), cmocka_unit_test(refuses),
          cmocka_unit_test(room_is_not_touched), cmocka_unit_test(peak_follows_use))
