/* The AUC of each group by cross-fitted forests. */
#include "jobs/profile_groups_auc.h"

#include "algorithms/forest.h"
#include "algorithms/metrics.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FOLDS = 5, TREES = 24, DEPTH = 6, LEAF_ROWS = 5, BINS = 64 };
enum { PURPOSE_SAMPLE = 7101, PURPOSE_FOLD = 7102, SHARES = 1 << 16 };

/* The users judged, a table of their own: the same at any number of ranks. */
struct judged {
    struct blocks blocks;
    int64_t columns, classes;
    float *x;       /* [rows][columns] */
    int32_t *label; /* [rows] */
    uint8_t *fold;  /* [rows] */
    uint8_t *skip;  /* [rows] of the fold that is judged now */
    struct bins *bins;
    uint8_t *code; /* [columns][rows] */
    double *share; /* [rows][classes] votes of the forest that has not seen the row */
    float *y;      /* [rows] 1 in the group */
    float *score;  /* [rows] votes for it */
};

static void judged_clear(struct judged *judged)
{
    blocks_clear(&judged->blocks);
    free(judged->x);
    free(judged->label);
    free(judged->fold);
    free(judged->skip);
    free(judged->code);
    free(judged->share);
    free(judged->y);
    free(judged->score);
    bins_free(&judged->bins);
}

/* ---- the sample ---- */

static bool is_drawn(const struct profile_groups_source *source, const int32_t *code, int64_t known,
                     int64_t user)
{
    double share = (double)PROFILE_GROUPS_JUDGED / (double)known;
    return code[user] >= 0 && (share >= 1.0 || user_fold(source->users->key[user], PURPOSE_SAMPLE,
                                                         SHARES) < share * SHARES);
}

/* Its blocks are those of the users, with fewer rows. */
static enum status cut_blocks(const struct profile_groups_source *source, const int32_t *code,
                              int64_t known, struct blocks *blocks)
{
    const struct blocks *all = &source->users->blocks;
    enum status status = memory_new(&blocks->start, all->blocks_local + 1, sizeof *blocks->start);
    if (status != OK) return status;
    blocks->blocks_total = all->blocks_total;
    blocks->block_first = all->block_first;
    blocks->blocks_local = all->blocks_local;
    for (int64_t b = 0; b < all->blocks_local; b++) {
        for (int64_t u = all->start[b]; u < all->start[b + 1]; u++)
            blocks->rows_local += is_drawn(source, code, known, u);
        blocks->start[b + 1] = blocks->rows_local;
    }
    return OK;
}

static enum status fill_rows(const struct profile_groups_source *source, const int32_t *code,
                             int64_t known, struct judged *judged)
{
    enum status status = OK;
    const struct features *from = source->features;
    int64_t rows = judged->blocks.rows_local, columns = from->columns, at = 0;
    TRY(memory_new(&judged->x, rows * columns, sizeof *judged->x));
    TRY(memory_new(&judged->label, rows, sizeof *judged->label));
    TRY(memory_new(&judged->fold, rows, sizeof *judged->fold));
    TRY(memory_new(&judged->skip, rows, sizeof *judged->skip));
    TRY(memory_new(&judged->code, rows * columns, sizeof *judged->code));
    TRY(memory_new(&judged->share, rows * judged->classes, sizeof *judged->share));
    TRY(memory_new(&judged->y, rows, sizeof *judged->y));
    TRY(memory_new(&judged->score, rows, sizeof *judged->score));
    for (int64_t u = 0; u < source->users->blocks.rows_local; u++) {
        if (!is_drawn(source, code, known, u)) continue;
        for (int64_t j = 0; j < columns; j++)
            judged->x[at * columns + j] = (float)from->x[u * columns + j];
        judged->label[at] = code[u];
        judged->fold[at++] = (uint8_t)user_fold(source->users->key[u], PURPOSE_FOLD, FOLDS);
    }
done:
    return status;
}

static enum status draw(const struct comm *comm, const struct profile_groups_source *source,
                        const int32_t *code, const struct profile_groups *groups,
                        struct judged *judged)
{
    enum status status = OK;
    judged->columns = source->features->columns;
    judged->classes = groups->groups + 1;
    TRY_ALL(comm, cut_blocks(source, code, groups->known, &judged->blocks));
    judged->blocks.row_first = comm_prefix_int64(comm, judged->blocks.rows_local);
    judged->blocks.rows_total = judged->blocks.rows_local;
    comm_sum_int64(comm, &judged->blocks.rows_total, 1);
    TRY_ALL(comm, fill_rows(source, code, groups->known, judged));
    struct rows rows = {&judged->blocks, judged->columns, judged->columns, judged->x};
    TRY(bins_make(comm, &rows, NULL, BINS, &judged->bins));
    TRY_ALL(comm, bins_code(judged->bins, &rows, judged->code));
done:
    return status;
}

/* ---- forests ---- */

static enum status vote(const struct forest *forest, struct judged *judged, double *votes)
{
    const struct rows rows = {&judged->blocks, judged->columns, judged->columns, judged->x};
    enum status status = forest_apply(forest, &rows, votes);
    for (int64_t i = 0; status == OK && i < judged->blocks.rows_local; i++)
        if (judged->skip[i])
            memcpy(judged->share + i * judged->classes, votes + i * judged->classes,
                   (size_t)judged->classes * sizeof *votes);
    return status;
}

/* The users of a fold judged by a forest of the others; *seen: there were others. */
static enum status judge_fold(const struct comm *comm, const struct profile_groups_source *source,
                              int fold, struct judged *judged, double *votes)
{
    enum status status = OK;
    struct forest_options options = FOREST_OPTIONS_DEFAULTS;
    struct forest *forest = NULL;
    const struct forest_data data = {.blocks = &judged->blocks,
                                     .bins = judged->bins,
                                     .code = judged->code,
                                     .label = judged->label,
                                     .classes = judged->classes,
                                     .skip = judged->skip};
    int64_t others = 0;
    for (int64_t i = 0; i < judged->blocks.rows_local; i++) {
        judged->skip[i] = judged->fold[i] == fold;
        others += !judged->skip[i];
    }
    comm_sum_int64(comm, &others, 1);
    if (others == 0) return OK;
    options.trees = TREES;
    options.depth = DEPTH;
    options.min_rows = LEAF_ROWS;
    options.features = (int64_t)ceil(sqrt((double)judged->columns));
    options.bootstrap = true;
    options.seed = source->seed + (uint64_t)fold;
    TRY(forest_fit(comm, &data, &options, &forest));
    TRY_ALL(comm, vote(forest, judged, votes));
done:
    forest_free(&forest);
    return status;
}

static enum status judge_folds(const struct comm *comm, const struct profile_groups_source *source,
                               struct judged *judged)
{
    enum status status = OK;
    double *votes = NULL;
    TRY_ALL(comm, memory_new(&votes, judged->blocks.rows_local * judged->classes, sizeof *votes));
    for (int fold = 0; fold < FOLDS; fold++) TRY(judge_fold(comm, source, fold, judged, votes));
done:
    free(votes);
    return status;
}

/* ---- areas ---- */

/* Source: Hanley and McNeil 1982. */
static double error_of(double auc, double in, double out)
{
    double q1 = auc / (2.0 - auc), q2 = 2.0 * auc * auc / (1.0 + auc);
    double variance =
        auc * (1.0 - auc) + (in - 1.0) * (q1 - auc * auc) + (out - 1.0) * (q2 - auc * auc);
    return sqrt(fmax(variance, 0.0) / (in * out));
}

static enum status judge_group(const struct comm *comm, const struct judged *judged, int64_t g,
                               double *auc, double *error)
{
    enum status status = OK;
    int64_t in[FOLDS][2] = {{0}};
    double area = 0.0, pairs = 0.0, count[2] = {0.0, 0.0};
    for (int64_t i = 0; i < judged->blocks.rows_local; i++) {
        judged->y[i] = judged->label[i] == g;
        judged->score[i] = (float)judged->share[i * judged->classes + g];
        in[judged->fold[i]][judged->label[i] == g]++;
    }
    comm_sum_int64(comm, &in[0][0], 2 * FOLDS);
    for (int fold = 0; fold < FOLDS; fold++) {
        const struct metrics_rows rows = {&judged->blocks, judged->y, judged->score, judged->fold,
                                          (uint8_t)fold};
        double of_fold, weight = (double)in[fold][0] * (double)in[fold][1];
        if (weight == 0.0) continue;
        TRY(metrics_auc(comm, &rows, &of_fold));
        area += weight * of_fold;
        pairs += weight;
        for (int side = 0; side < 2; side++) count[side] += (double)in[fold][side];
    }
    *auc = pairs > 0.0 ? area / pairs : NAN;
    *error = pairs > 0.0 ? error_of(*auc, count[1], count[0]) : NAN;
done:
    return status;
}

enum status profile_groups_judge(const struct comm *comm,
                                 const struct profile_groups_source *source, const int32_t *code,
                                 struct profile_groups *groups)
{
    enum status status = OK;
    struct judged judged = {0};
    TRY_ALL(comm, memory_new(&groups->auc, groups->groups, sizeof *groups->auc));
    TRY_ALL(comm, memory_new(&groups->auc_error, groups->groups, sizeof *groups->auc_error));
    if (groups->groups == 0) goto done;
    TRY(draw(comm, source, code, groups, &judged));
    groups->judged = judged.blocks.rows_total;
    TRY(judge_folds(comm, source, &judged));
    for (int64_t g = 0; g < groups->groups; g++)
        TRY(judge_group(comm, &judged, g, &groups->auc[g], &groups->auc_error[g]));
done:
    judged_clear(&judged);
    return status;
}
