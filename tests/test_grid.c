/* The process grid: as many ranks inside as fit, and block-cyclic shares that cover a matrix once.
 */
#include "tests/harness.h"

#include "mpi/grid.h"

static void grid_holds_the_first_ranks(void **state)
{
    (void)state;
    static const int rows[] = {0, 1, 1, 1, 2}, columns[] = {0, 1, 2, 3, 2};
    struct grid grid;
    assert_all(grid_open(&world, &grid) == OK);
    if (world.ranks <= 4)
        assert_all(grid.rows == rows[world.ranks] && grid.columns == columns[world.ranks]);
    assert_all(grid.inside == (world.rank < grid.rows * grid.columns));
    assert_all(!grid.inside || grid.row * grid.columns + grid.column == world.rank);
    int64_t inside = grid.inside;
    comm_sum_int64(&world, &inside, 1);
    assert_all(inside == grid.rows * grid.columns && 2 * inside > world.ranks);
    grid_close(&grid);
    assert_all(grid.context == -1 && !grid.inside);
    grid_close(&grid); /* harmless */
}

static void grids_can_be_opened_again(void **state)
{
    (void)state;
    struct comm alone = comm_self();
    for (int turn = 0; turn < 20; turn++) {
        struct grid grid, single;
        assert_all(grid_open(&world, &grid) == OK && grid_open(&alone, &single) == OK);
        assert_all(single.inside && single.rows == 1 && single.columns == 1);
        grid_close(&single);
        grid_close(&grid);
    }
}

/* All positions together own every index once, in rising order. */
static bool covered(int total, int block, int positions)
{
    int seen = 0;
    int64_t sum = 0;
    for (int at = 0; at < positions; at++) {
        int share = grid_share(total, block, at, positions), before = -1;
        for (int local = 0; local < share; local++) {
            int global = grid_global(local, block, at, positions);
            if (global <= before || global >= total || global / block % positions != at)
                return false;
            before = global;
            sum += global;
        }
        seen += share;
    }
    return seen == total && sum == (int64_t)total * (total - 1) / 2;
}

static void shares_cover_every_index_once(void **state)
{
    (void)state;
    for (int total = 0; total < 70; total += total < 10 ? 1 : 13)
        for (int block = 1; block < 9; block++)
            for (int positions = 1; positions < 6; positions++)
                assert_all(covered(total, block, positions));
    assert_all(grid_share(10, 2, 0, 3) == 4 && grid_share(10, 2, 1, 3) == 4);
    assert_all(grid_share(10, 2, 2, 3) == 2 && grid_global(2, 2, 1, 3) == 8);
}

static void opening_survives_faults(void **state)
{
    (void)state;
    for (int r = 0; r < world.ranks; r++) {
        struct grid grid;
        comm_inject_fault(0, r);
        assert_all(grid_open(&world, &grid) == ERR_BUG);
        assert_all(grid.context == -1 && !grid.inside);
    }
    comm_inject_fault(-1, 0);
    grid_holds_the_first_ranks(state);
}

TEST_MAIN(cmocka_unit_test(grid_holds_the_first_ranks), cmocka_unit_test(grids_can_be_opened_again),
          cmocka_unit_test(shares_cover_every_index_once),
          cmocka_unit_test(opening_survives_faults))
