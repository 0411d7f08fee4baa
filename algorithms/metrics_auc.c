/* The area under the ROC curve: every distinct score to one rank, the ranks in order of score. */
#include "algorithms/metrics.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BIN_BITS = 16, BINS = 1 << BIN_BITS, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* A distinct score of a rank and how many rows have it. */
struct score {
    uint32_t key; /* in the order of the scores */
    uint32_t positives;
    uint32_t negatives;
    uint32_t unused;
};

/* Bits of a float in an order that compares like the float; both zeros are one. */
static uint32_t sort_key(float x)
{
    uint32_t bits;
    float one_zero = x + 0.0f;
    memcpy(&bits, &one_zero, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static enum status collect(const struct metrics_rows *rows, struct score *scores, int64_t *count)
{
    *count = 0;
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        if (rows->part != NULL && rows->part[i] != rows->chosen) continue;
        float score = rows->predicted[i];
        if (isnan(score))
            return FAIL(ERR_NUMERIC, "the score of row %lld is not a number",
                        (long long)(rows->blocks->row_first + i));
        bool positive = rows->y[i] == 1.0f;
        scores[(*count)++] = (struct score){sort_key(score), positive, !positive, 0};
    }
    return OK;
}

/* One stable pass of a radix sort by the digit at `shift`. */
static void sort_pass(const struct score *from, int64_t count, int shift, struct score *to)
{
    int64_t place[DIGITS + 1] = {0};
    for (int64_t i = 0; i < count; i++) place[((from[i].key >> shift) & (DIGITS - 1)) + 1]++;
    for (int64_t d = 0; d < DIGITS; d++) place[d + 1] += place[d];
    for (int64_t i = 0; i < count; i++)
        to[place[(from[i].key >> shift) & (DIGITS - 1)]++] = from[i];
}

/* Join neighbours of equal key; returns how many are left. */
static int64_t merge_equal(struct score *scores, int64_t count)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        if (kept > 0 && scores[kept - 1].key == scores[i].key) {
            scores[kept - 1].positives += scores[i].positives;
            scores[kept - 1].negatives += scores[i].negatives;
        } else {
            scores[kept++] = scores[i];
        }
    }
    return kept;
}

/* Sort by key and merge; the result is in *scores, *spare has the same size. */
static int64_t sort_scores(struct score **scores, struct score **spare, int64_t count)
{
    for (int shift = 0; shift < 32; shift += DIGIT_BITS) {
        sort_pass(*scores, count, shift, *spare);
        struct score *swap = *scores;
        *scores = *spare;
        *spare = swap;
    }
    return merge_equal(*scores, count);
}

/* counts[r] = scores that go to rank r: bins in order, about as many distinct scores for each. */
static enum status deal(const struct comm *comm, const struct score *scores, int64_t count,
                        int64_t *counts)
{
    enum status status = OK;
    int64_t *bin = NULL, total = 0, before = 0;
    TRY_ALL(comm, memory_new(&bin, BINS, sizeof *bin));
    for (int64_t i = 0; i < count; i++) bin[scores[i].key >> (32 - BIN_BITS)]++;
    comm_sum_int64(comm, bin, BINS);
    for (int64_t k = 0; k < BINS; k++) total += bin[k];
    for (int64_t k = 0, i = 0; k < BINS; k++) {
        int64_t rank = total > 0 ? before * comm->ranks / total : 0;
        for (; i < count && scores[i].key >> (32 - BIN_BITS) == (uint32_t)k; i++) counts[rank]++;
        before += bin[k];
    }
done:
    free(bin);
    return status;
}

/* Send every distinct score to its rank, and join them there in order. */
static enum status redistribute(const struct comm *comm, struct score **scores,
                                struct score **spare, int64_t *count)
{
    enum status status = OK;
    int64_t *counts = NULL;
    void *received = NULL;
    TRY_ALL(comm, memory_new(&counts, comm->ranks, sizeof *counts));
    TRY(deal(comm, *scores, *count, counts));
    TRY(comm_exchange(comm, *scores, counts, sizeof **scores, &received, count));
    free(*scores);
    *scores = received;
    free(*spare);
    *spare = NULL;
    TRY_ALL(comm, memory_new(spare, *count, sizeof **spare));
    *count = sort_scores(scores, spare, *count);
done:
    free(counts);
    return status;
}

/* A sum beyond 64 bits as two integers that may be added over ranks. */
static void add_wide(int64_t limb[2], int64_t a, int64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * (unsigned __int128)b;
    limb[0] += (int64_t)(product >> 40);
    limb[1] += (int64_t)(product & (((uint64_t)1 << 40) - 1));
    limb[0] += limb[1] >> 40;
    limb[1] &= ((int64_t)1 << 40) - 1;
}

/* Twice the number of (positive, negative) pairs in the right order, ties counting once. */
static double count_pairs(const struct comm *comm, const struct score *scores, int64_t count)
{
    int64_t totals[2] = {0}, limb[2] = {0};
    for (int64_t i = 0; i < count; i++) {
        totals[0] += scores[i].positives;
        totals[1] += scores[i].negatives;
    }
    int64_t below = comm_prefix_int64(comm, totals[1]); /* negatives of lower score */
    for (int64_t i = 0; i < count; i++) {
        add_wide(limb, scores[i].positives, 2 * below + scores[i].negatives);
        below += scores[i].negatives;
    }
    comm_sum_int64(comm, totals, 2);
    comm_sum_int64(comm, limb, 2);
    double pairs = (double)totals[0] * (double)totals[1];
    if (totals[0] == 0 || totals[1] == 0) return (double)NAN;
    return (ldexp((double)limb[0], 40) + (double)limb[1]) / (2.0 * pairs);
}

enum status metrics_auc(const struct comm *comm, const struct metrics_rows *rows, double *auc)
{
    enum status status = OK;
    struct score *scores = NULL, *spare = NULL;
    int64_t count = 0, rows_local = rows->blocks->rows_local;
    *auc = (double)NAN;
    TRY_ALL(comm, memory_new(&scores, rows_local, sizeof *scores));
    TRY_ALL(comm, memory_new(&spare, rows_local, sizeof *spare));
    TRY_ALL(comm, collect(rows, scores, &count));
    count = sort_scores(&scores, &spare, count);
    TRY(redistribute(comm, &scores, &spare, &count));
    *auc = count_pairs(comm, scores, count);
done:
    free(scores);
    free(spare);
    return status;
}
