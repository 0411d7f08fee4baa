/* Checkpoints within a training as files. */
#include "jobs/training_file.h"

#include "io/store.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { TEXT_BYTES = 1024, PIECES_MAX = 8, HASH_WORDS = 4 };

static void print_hash(XXH128_hash_t hash, struct training_fingerprint *fingerprint)
{
    snprintf(fingerprint->text, sizeof fingerprint->text, "%016" PRIx64 "%016" PRIx64, hash.high64,
             hash.low64);
}

/* ---- whose it is ---- */

static void hash_text(XXH3_state_t *state, const char *text)
{
    XXH3_128bits_update(state, text, strlen(text) + 1);
}

static void hash_floats(XXH3_state_t *state, const float *x, int64_t count)
{
    XXH3_128bits_update(state, x, x != NULL ? (size_t)count * sizeof *x : 0);
}

/* %a says every bit of a double. */
static void hash_options(XXH3_state_t *state, const struct network_options *o)
{
    char text[TEXT_BYTES];
    const struct optimiser_options *by = &o->optimiser;
    snprintf(text, sizeof text,
             "%d %d %a %a %a %a %a %a %a %" PRId64 " %" PRId64 " %" PRId64 " %d %a %" PRIu64 " %d",
             (int)by->kind, (int)by->schedule, by->rate, by->momentum, by->beta1, by->beta2,
             by->epsilon, by->weight_decay, by->clip, o->batch, o->epochs, o->patience,
             (int)o->keep_best, o->prior_weight, o->seed, (int)o->bf16);
    hash_text(state, text);
}

static void hash_model(XXH3_state_t *state, const struct network *model)
{
    char text[TEXT_BYTES];
    hash_text(state, REMISE_VERSION);
    for (int64_t l = 0; l < model->layers; l++) {
        const struct layer_plan *p = &model->plan[l];
        snprintf(text, sizeof text,
                 "%s %" PRId64 " %" PRId64 " %d %" PRId64 " %" PRId64 " %" PRId64 " %d %" PRId64
                 " %a",
                 p->kind->name, model->shape[l].steps, model->shape[l].channels, (int)p->activation,
                 p->units, p->width, p->stride, (int)p->every_step, p->codes, p->rate);
        hash_text(state, text);
    }
    snprintf(text, sizeof text, "%d %" PRId64 " %" PRId64, (int)model->loss, model->join.plain,
             model->join.at);
    hash_text(state, text);
    hash_floats(state, model->weights, model->weights_count);
}

/* The rows of one block, whose global number stands for its place. */
static XXH128_hash_t hash_block(XXH3_state_t *state, const struct network_data *data, int64_t block)
{
    const struct rows *rows = &data->rows;
    const float *beside[] = {data->y, data->weight, data->dose, data->prior};
    int64_t first = rows->blocks->start[block], count = rows->blocks->start[block + 1] - first;
    XXH3_128bits_reset_withSeed(state, (uint64_t)(rows->blocks->block_first + block));
    for (int64_t i = first; i < first + count; i++)
        hash_floats(state, rows->x + i * rows->stride, rows->columns);
    for (size_t b = 0; b < sizeof beside / sizeof *beside; b++)
        hash_floats(state, beside[b] != NULL ? beside[b] + first : NULL, count);
    if (data->part != NULL) XXH3_128bits_update(state, data->part + first, (size_t)count);
    return XXH3_128bits_digest(state);
}

/* Sums over blocks in words of 32 bits: in any order, on any ranks. */
static void hash_rows(const struct comm *comm, XXH3_state_t *state, const struct network_data *data,
                      int64_t sum[HASH_WORDS])
{
    for (int64_t b = 0; b < data->rows.blocks->blocks_local; b++) {
        XXH128_hash_t hash = hash_block(state, data, b);
        sum[0] += (int64_t)(hash.low64 & UINT32_MAX);
        sum[1] += (int64_t)(hash.low64 >> 32);
        sum[2] += (int64_t)(hash.high64 & UINT32_MAX);
        sum[3] += (int64_t)(hash.high64 >> 32);
    }
    comm_sum_int64(comm, sum, HASH_WORDS);
}

enum status training_fingerprint_make(const struct comm *comm, const struct network_data *data,
                                      const struct network_options *options,
                                      const struct network *model,
                                      struct training_fingerprint *fingerprint)
{
    enum status status = OK;
    int64_t sum[HASH_WORDS] = {0};
    XXH3_state_t *state = XXH3_createState();
    TRY_ALL(comm, state != NULL ? OK : FAIL(ERR_MEMORY, "no memory for a fingerprint"));
    hash_rows(comm, state, data, sum);
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, sum, sizeof sum);
    hash_options(state, options);
    hash_model(state, model);
    print_hash(XXH3_128bits_digest(state), fingerprint);
done:
    XXH3_freeState(state);
    return status;
}

/* ---- what is in it ---- */

/* Numbers of a progress, beside its arrays. */
struct numbers {
    int64_t counts[7];
    double sums[4];
};

static void pack(const struct network_progress *p, struct numbers *n)
{
    const struct network_history *h = &p->history;
    *n = (struct numbers){
        {p->epoch, p->step, p->over, h->epochs, h->best_epoch, h->stopped, p->optimiser.steps_done},
        {p->sums.loss, p->sums.weight, p->optimiser.beta1_power, p->optimiser.beta2_power}};
}

static void unpack(const struct numbers *n, struct network_progress *p)
{
    p->epoch = n->counts[0];
    p->step = n->counts[1];
    p->over = n->counts[2] != 0;
    p->history.epochs = n->counts[3];
    p->history.best_epoch = n->counts[4];
    p->history.stopped = n->counts[5] != 0;
    p->optimiser.steps_done = n->counts[6];
    p->sums = (struct loss_sums){n->sums[0], n->sums[1]};
    p->optimiser.beta1_power = n->sums[2];
    p->optimiser.beta2_power = n->sums[3];
}

/* One column of the file and where its values are in memory. */
struct piece {
    struct store_column column;
    void *data;
    int64_t rows;
};

static size_t piece_bytes(const struct piece *piece)
{
    return (size_t)piece->rows * store_type_bytes(piece->column.type);
}

/* Those that this training has; returns how many. */
static int64_t list_pieces(const struct network_progress *p, int64_t epochs,
                           struct numbers *numbers, struct piece pieces[PIECES_MAX])
{
    int64_t weights = p->model->weights_count, count = 0;
    const struct piece all[PIECES_MAX] = {
        {{"counts", STORE_I64, 1, "",
          "epoch and step that are next, over, epochs done, best epoch, stopped early, steps done"},
         numbers->counts,
         sizeof numbers->counts / sizeof *numbers->counts},
        {{"sums", STORE_F64, 1, "", "loss and weight in this epoch, powers of Adam's betas"},
         numbers->sums,
         sizeof numbers->sums / sizeof *numbers->sums},
        {{"weights", STORE_F32, 1, "", "layer by layer"}, p->model->weights, weights},
        {{"first", STORE_F32, 1, "", "momentum of each weight"}, p->optimiser.first, weights},
        {{"second", STORE_F32, 1, "", "mean squared gradient"}, p->optimiser.second, weights},
        {{"best", STORE_F32, 1, "", "weights of the best epoch"}, p->best, weights},
        {{"train", STORE_F64, 1, "", "mean loss of each epoch done"}, p->history.train, epochs},
        {{"validation", STORE_F64, 1, "", "likewise"}, p->history.validation, epochs}};
    for (int64_t k = 0; k < PIECES_MAX; k++)
        if (all[k].data != NULL) pieces[count++] = all[k];
    return count;
}

static enum status hash_pieces(const struct piece *pieces, int64_t count,
                               struct training_fingerprint *hash)
{
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL) return FAIL(ERR_MEMORY, "no memory for a checksum");
    XXH3_128bits_reset(state);
    for (int64_t k = 0; k < count; k++)
        XXH3_128bits_update(state, pieces[k].data, piece_bytes(&pieces[k]));
    print_hash(XXH3_128bits_digest(state), hash);
    XXH3_freeState(state);
    return OK;
}

enum status training_file_write(const struct comm *comm, const char *path,
                                const struct training_fingerprint *fingerprint,
                                const struct network_progress *progress)
{
    enum status status = OK;
    struct store *store = NULL;
    struct numbers numbers;
    struct piece pieces[PIECES_MAX];
    struct training_fingerprint sum;
    pack(progress, &numbers);
    int64_t count = list_pieces(progress, progress->history.epochs, &numbers, pieces);
    TRY_ALL(comm, hash_pieces(pieces, count, &sum));
    TRY(store_create(comm, path, &store));
    TRY(store_write_note(comm, store, "fingerprint", fingerprint->text));
    TRY(store_write_note(comm, store, "checksum", sum.text));
    for (int64_t k = 0; k < count; k++)
        TRY(store_write(comm, store, &pieces[k].column, pieces[k].data,
                        comm->rank == 0 ? pieces[k].rows : 0));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

static enum status check_note(const struct comm *comm, const char *path, const struct store *store,
                              const char *name, const char *expected, const char *otherwise)
{
    char *text = NULL;
    enum status status = store_read_note(comm, store, name, &text);
    if (status == OK && strcmp(text, expected) != 0)
        status = FAIL(ERR_DATA, "%s %s", path, otherwise);
    free(text);
    return status;
}

/* Read copies of the pieces, of which there are as many as the training has. */
static enum status read_pieces(const struct comm *comm, const struct store *store,
                               struct piece *copies, int64_t count)
{
    enum status status = OK;
    for (int64_t k = 0; k < count; k++) copies[k].data = NULL;
    for (int64_t k = 0; k < count; k++) {
        TRY_ALL(comm, memory_new(&copies[k].data, (int64_t)piece_bytes(&copies[k]), 1));
        TRY(store_read(comm, store, copies[k].column.name, copies[k].column.type, 0, copies[k].rows,
                       copies[k].data));
    }
done:
    return status;
}

static void take_pieces(const struct piece *copies, int64_t count, struct piece *pieces)
{
    for (int64_t k = 0; k < count; k++)
        memcpy(pieces[k].data, copies[k].data, piece_bytes(&copies[k]));
}

enum status training_file_read(const struct comm *comm, const char *path,
                               const struct training_fingerprint *fingerprint,
                               struct network_progress *progress)
{
    enum status status = OK;
    struct store *store = NULL;
    struct numbers numbers;
    struct piece pieces[PIECES_MAX], copies[PIECES_MAX] = {0};
    struct training_fingerprint sum;
    int64_t count = 0;
    TRY(store_open(comm, path, &store));
    TRY(check_note(comm, path, store, "fingerprint", fingerprint->text,
                   "is of another training: other rows, options, layers or first weights"));
    int64_t epochs = store_rows(comm, store, "train", NULL);
    count = list_pieces(progress, epochs < 0 ? 0 : epochs, &numbers, pieces);
    memcpy(copies, pieces, sizeof copies);
    TRY(read_pieces(comm, store, copies, count));
    TRY_ALL(comm, hash_pieces(copies, count, &sum));
    TRY(check_note(comm, path, store, "checksum", sum.text, "is damaged"));
    take_pieces(copies, count, pieces);
    unpack(&numbers, progress);
done:
    for (int64_t k = 0; k < count; k++) free(copies[k].data);
    store_close(comm, &store);
    return status;
}
