/* Cutting by row number: every row once, in order, at any number of ranks, also with fewer blocks
 * than ranks. */
#include "tests/harness.h"

#include "partition/blocks.h"

#include <stdlib.h>

static void a_small_cut_by_hand(void **state)
{
    (void)state;
    /* 10 rows in blocks of 4: [0,4) [4,8) [8,10); two ranks: the first gets 1 block, the second 2
     */
    struct comm second = {MPI_COMM_NULL, 1, 2};
    struct blocks blocks;
    assert_all(blocks_cut(&second, 10, 4, &blocks) == OK);
    assert_all(blocks.rows_total == 10 && blocks.blocks_total == 3);
    assert_all(blocks.block_first == 1 && blocks.blocks_local == 2);
    assert_all(blocks.row_first == 4 && blocks.rows_local == 6);
    assert_all(blocks.start[0] == 0 && blocks.start[1] == 4 && blocks.start[2] == 6);
    assert_all(blocks_owner(&second, 10, 4, 3) == 0 && blocks_owner(&second, 10, 4, 4) == 1);
    blocks_clear(&blocks);
    assert_all(blocks.start == NULL && blocks.rows_local == 0);
}

/* One cut over `ranks` pretended ranks: true if it is gapless, balanced and blocks_owner agrees
 * with it. */
static bool cut_holds(int ranks, int64_t rows, int64_t block_rows)
{
    int64_t row = 0, block = 0, fewest = INT64_MAX, most = 0;
    bool holds = true;
    for (int r = 0; r < ranks; r++) {
        struct comm one = {MPI_COMM_NULL, r, ranks};
        struct blocks blocks;
        if (blocks_cut(&one, rows, block_rows, &blocks) != OK) return false;
        holds = holds && blocks.block_first == block && blocks.row_first == row;
        holds = holds && blocks.start[blocks.blocks_local] == blocks.rows_local;
        for (int64_t b = 0; b < blocks.blocks_local; b++)
            holds = holds && blocks.row_first + blocks.start[b] == (block + b) * block_rows;
        if (blocks.rows_local > 0)
            holds = holds && blocks_owner(&one, rows, block_rows, row) == r &&
                    blocks_owner(&one, rows, block_rows, row + blocks.rows_local - 1) == r;
        row += blocks.rows_local;
        block += blocks.blocks_local;
        fewest = blocks.blocks_local < fewest ? blocks.blocks_local : fewest;
        most = blocks.blocks_local > most ? blocks.blocks_local : most;
        blocks_clear(&blocks);
    }
    return holds && row == rows && most - fewest <= 1;
}

static void every_cut_holds(void **state)
{
    (void)state;
    const int64_t rows[] = {0, 1, 7, 4096, 4097, 100000, 541909};
    const int64_t block_rows[] = {1, 3, 256, BLOCK_ROWS};
    const int ranks[] = {1, 2, 3, 4, 7, 64, 1000};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t j = 0; j < sizeof block_rows / sizeof *block_rows; j++)
            for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++)
                assert_all(cut_holds(ranks[k], rows[i], block_rows[j]));
}

static void huge_tables_do_not_overflow(void **state)
{
    (void)state;
    const int64_t rows = (int64_t)1 << 50;
    struct comm last = {MPI_COMM_NULL, 9999, 10000};
    assert_all(blocks_owner(&last, rows, BLOCK_ROWS, rows - 1) == 9999);
    assert_all(blocks_owner(&last, rows, BLOCK_ROWS, 0) == 0);
}

static void refuses(void **state)
{
    (void)state;
    struct blocks blocks;
    assert_all(blocks_cut(&world, -1, 4, &blocks) == ERR_ARG && blocks.start == NULL);
    assert_all(blocks_cut(&world, 4, 0, &blocks) == ERR_ARG && blocks.start == NULL);
}

/* Rows held before the exchange: everything on the last rank, or growing with the rank (rank 0
 * empty). */
static int64_t brought(int share, int rank)
{
    if (share == 0) return rank == world.ranks - 1 ? 1000 : 0;
    return 117 * rank;
}

static enum status exchange(int share, struct blocks *blocks, int64_t **rows)
{
    int64_t mine[1000], before = 0;
    void *received = NULL;
    for (int r = 0; r < world.rank; r++) before += brought(share, r);
    for (int64_t i = 0; i < brought(share, world.rank); i++) mine[i] = before + i;
    enum status status = blocks_exchange(&world, mine, brought(share, world.rank), sizeof *mine, 16,
                                         blocks, &received);
    *rows = received;
    return status;
}

static void exchange_brings_rows_home(void **state)
{
    (void)state;
    for (int share = 0; share < 2; share++) {
        struct blocks blocks;
        int64_t *rows = NULL, total = brought(share, world.rank);
        comm_sum_int64(&world, &total, 1);
        assert_all(exchange(share, &blocks, &rows) == OK && blocks.rows_total == total);
        bool home = true;
        for (int64_t i = 0; i < blocks.rows_local; i++)
            home = home && rows[i] == blocks.row_first + i;
        assert_all(home);
        free(rows);
        blocks_clear(&blocks);
    }
}

static void exchange_survives_faults(void **state)
{
    (void)state;
    struct blocks blocks;
    int64_t *rows = NULL;
    comm_inject_fault(-1, 0);
    assert_all(exchange(1, &blocks, &rows) == OK);
    int64_t agreements = comm_agreements();
    free(rows);
    blocks_clear(&blocks);
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(exchange(1, &blocks, &rows) == ERR_BUG);
            assert_all(rows == NULL && blocks.start == NULL);
        }
    comm_inject_fault(-1, 0);
}

TEST_MAIN(cmocka_unit_test(a_small_cut_by_hand), cmocka_unit_test(every_cut_holds),
          cmocka_unit_test(huge_tables_do_not_overflow), cmocka_unit_test(refuses),
          cmocka_unit_test(exchange_brings_rows_home), cmocka_unit_test(exchange_survives_faults))
