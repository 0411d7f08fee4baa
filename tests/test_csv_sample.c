/* Samples of CSV files: all rows of small files, about as many as there are of large ones, from
 * everywhere; plain, compressed and many files; without MPI's help. */
#include "tests/harness.h"

#include "io/csv_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { ROWS = 40000 };

/* What a sample gave. */
struct seen {
    int64_t rows, sum, bad, last_place;
    bool wrong;
};

static enum status on_row(void *context, const struct csv_row *row)
{
    struct seen *seen = context;
    char text[16] = "";
    memcpy(text, row->field[0].text, row->field[0].bytes < 15 ? row->field[0].bytes : 15);
    seen->rows++;
    seen->sum += strtoll(text, NULL, 10);
    seen->wrong |= row->fields != 3 || (row->line >> CSV_PLACE_BITS) < seen->last_place;
    seen->last_place = row->line >> CSV_PLACE_BITS;
    return OK;
}

static enum status on_bad(void *context, const struct csv_bad *bad)
{
    ((struct seen *)context)->bad += bad->reason != CSV_GOOD;
    return OK;
}

/* Rows first .. first + count - 1, each with its number, a long text, and one in quotes. */
static void write_rows(const char *path, int64_t first, int64_t count, bool gzip)
{
    gzFile file = gzopen(path, gzip ? "wb" : "wbT");
    gzputs(file, "number,text,quoted\n");
    for (int64_t i = first; i < first + count; i++)
        gzprintf(file, "%lld,%0*d,\"a \"\"b\"\", c\n%lld\"\n", (long long)i, (int)(100 + i % 7), 1,
                 (long long)(i * 7919 % 1000));
    gzclose(file);
}

static enum status take(const char *path, int64_t bytes, struct seen *seen,
                        struct csv_sampled *sampled)
{
    enum status status = OK;
    const struct comm alone = comm_alone();
    struct csv *csv = NULL;
    *seen = (struct seen){0};
    TRY(csv_open(&alone, path, NULL, &csv));
    TRY(csv_sample(csv, bytes, on_row, on_bad, seen, sampled));
done:
    csv_free(&csv);
    return status;
}

/* Rows there are by the sample, as a share of those there are indeed. */
static double counted(const struct csv_sampled *sampled)
{
    return (double)(sampled->rows + sampled->bad) / sampled->share / ROWS;
}

static const char *temporary(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "/tmp/remise-sample-%d-%s", (int)getpid(), name);
    return path;
}

static void small_files_are_read_whole(void **state)
{
    (void)state;
    struct seen seen;
    struct csv_sampled sampled = {0};
    const char *path = temporary("small.csv");
    write_rows(path, 0, 100, false);
    assert_all(take(path, 1 << 20, &seen, &sampled) == OK);
    assert_all(sampled.share == 1.0 && seen.rows == 100 && seen.sum == 4950 && seen.bad == 0);
    write_rows(path, 0, 100, true);
    assert_all(take(path, 1 << 20, &seen, &sampled) == OK);
    assert_all(sampled.share == 1.0 && seen.rows == 100 && seen.sum == 4950 && seen.bad == 0);
    unlink(path);
}

static void large_files_are_sampled_all_over(void **state)
{
    (void)state;
    struct seen seen;
    struct csv_sampled sampled = {0};
    const char *path = temporary("large.csv");
    write_rows(path, 0, ROWS, false);
    assert_all(take(path, 1 << 16, &seen, &sampled) == OK && !seen.wrong);
    assert_all(sampled.share < 0.1 && sampled.rows == seen.rows && sampled.places > 8);
    assert_all(fabs(counted(&sampled) - 1.0) < 0.05);
    double mean = (double)seen.sum / (double)seen.rows;
    assert_all(fabs(mean / (ROWS / 2) - 1.0) < 0.1); /* not the first rows alone */
    unlink(path);
}

static void compressed_files(void **state)
{
    (void)state;
    struct seen seen;
    struct csv_sampled sampled = {0};
    const char *path = temporary("large.csv.gz");
    write_rows(path, 0, ROWS, true);
    assert_all(take(path, 1 << 15, &seen, &sampled) == OK);
    assert_all(sampled.share < 0.7 && fabs(counted(&sampled) - 1.0) < 0.15);
    unlink(path);
}

static void patterns(void **state)
{
    (void)state;
    struct seen seen;
    struct csv_sampled sampled = {0};
    char name[32];
    for (int64_t f = 0; f < 4; f++) {
        snprintf(name, sizeof name, "part-%lld.csv", (long long)f);
        write_rows(temporary(name), f * ROWS / 4, ROWS / 4, f == 2);
    }
    assert_all(take(temporary("part-*.csv"), 1 << 18, &seen, &sampled) == OK);
    assert_all(sampled.share < 0.7 && fabs(counted(&sampled) - 1.0) < 0.15);
    for (int64_t f = 0; f < 4; f++) {
        snprintf(name, sizeof name, "part-%lld.csv", (long long)f);
        unlink(temporary(name));
    }
}

static void alone_agrees_with_nobody(void **state)
{
    (void)state;
    const struct comm alone = comm_alone();
    const int64_t one = 1;
    int64_t x[2] = {3, -4}, count = 0, bytes = 0;
    void *received = NULL, *all = NULL;
    comm_sum_int64(&alone, x, 2);
    comm_broadcast(&alone, x, sizeof x, 0);
    comm_barrier(&alone);
    assert_all(x[0] == 3 && x[1] == -4 && comm_prefix_int64(&alone, 5) == 0);
    assert_all(comm_agree(&alone, ERR_DATA) == ERR_DATA && comm_agree(&alone, OK) == OK);
    assert_all(comm_exchange(&alone, x, &one, sizeof x, &received, &count) == OK && count == 1 &&
               memcmp(received, x, sizeof x) == 0);
    assert_all(comm_gather_all(&alone, x, sizeof x, &all, &bytes) == OK &&
               bytes == (int64_t)sizeof x && memcmp(all, x, sizeof x) == 0);
    free(received);
    free(all);
}

TEST_MAIN(cmocka_unit_test(small_files_are_read_whole),
          cmocka_unit_test(large_files_are_sampled_all_over), cmocka_unit_test(compressed_files),
          cmocka_unit_test(patterns), cmocka_unit_test(alone_agrees_with_nobody))
