/* Predictions for rows, and their file. */
#include "jobs/fit_response_rows.h"

#include "algorithms/loss.h"
#include "algorithms/tails.h"
#include "io/store.h"
#include "jobs/applied.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 4096 };

/* x for which P(|t| >= x) is 0.1 */
static double student_90(double freedom)
{
    double low = 0.0, high = 100.0;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2.0;
        if (tails_f(middle * middle, 1.0, freedom) > 0.1)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static double mapped(const struct calibration *c, double z)
{
    return c->map.knots > 0 ? isotonic_apply(&c->map, z) : loss_sigmoid(z);
}

void fit_response_predict(const struct fit_response_predictions *p, int64_t count, const float *a,
                          const float *b, double *chance, double *low, double *high)
{
    const struct calibration *c = p->calibration;
    int64_t folds = p->model->folds, levels = p->levels.count;
    double members = (double)folds, t = student_90(members - 1.0);
    for (int64_t i = 0; i < count; i++)
        for (int64_t l = 0; l < levels; l++) {
            double dose = fit_response_dose(p->model, p->levels.level[l]), mean = 0.0, square = 0.0;
            double z[FIT_RESPONSE_FOLDS_MAX];
            for (int64_t k = 0; k < folds; k++) {
                z[k] = c->shift + c->scale_a * (double)a[k * count + i] +
                       c->scale_b * (double)b[k * count + i] * dose;
                mean += z[k] / members;
            }
            for (int64_t k = 0; k < folds; k++) square += (z[k] - mean) * (z[k] - mean);
            double far = t * sqrt(square * (members - 1.0) / members);
            chance[i * levels + l] = mapped(c, mean);
            if (low != NULL) low[i * levels + l] = mapped(c, mean - far);
            if (high != NULL) high[i * levels + l] = mapped(c, mean + far);
        }
}

static enum status members_of(const struct fit_response_predictions *p, int64_t first,
                              int64_t count, float *a, float *b)
{
    enum status status = OK;
    for (int64_t k = 0; k < p->model->folds && status == OK; k++)
        status =
            fit_response_member(p->model, p->data, k, first, count, a + k * count, b + k * count);
    return status;
}

/* Curves of rows by all members, in pieces. */
struct piece {
    float *a, *b;                /* [folds][count] */
    double *chance, *low, *high; /* [count][levels] */
};

static enum status piece_init(const struct fit_response_predictions *p, struct piece *piece)
{
    enum status status = OK;
    int64_t curves = p->model->folds * PIECE, chances = PIECE * p->levels.count;
    TRY(memory_new(&piece->a, curves, sizeof *piece->a));
    TRY(memory_new(&piece->b, curves, sizeof *piece->b));
    TRY(memory_new(&piece->chance, chances, sizeof *piece->chance));
    TRY(memory_new(&piece->low, chances, sizeof *piece->low));
    TRY(memory_new(&piece->high, chances, sizeof *piece->high));
done:
    return status;
}

static void piece_clear(struct piece *piece)
{
    free(piece->a);
    free(piece->b);
    free(piece->chance);
    free(piece->low);
    free(piece->high);
}

/* ---- columns ---- */

enum { USER, DISCOUNT, A, B, FIXED };

struct output {
    struct applied applied;
    double *fixed[FIXED];
    double *chance[RESPONSE_LEVELS_MAX], *low[RESPONSE_LEVELS_MAX], *high[RESPONSE_LEVELS_MAX];
};

static enum status add_level(struct output *out, const char *what, double level, double **x)
{
    char name[APPLIED_NAME_BYTES];
    snprintf(name, sizeof name, "%s_%g", what, level);
    return applied_add(&out->applied, name, x);
}

static enum status output_init(const struct fit_response_predictions *p,
                               const struct fit_response_source *source, struct output *out)
{
    static const char *const name[FIXED] = {[DISCOUNT] = "discount", [A] = "a", [B] = "b"};
    enum status status = OK;
    out->applied.blocks = &p->data->in.table->blocks;
    for (int f = source->user != NULL ? USER : DISCOUNT; f < FIXED; f++)
        TRY(applied_add(&out->applied, f == USER ? source->user : name[f], &out->fixed[f]));
    for (int64_t l = 0; l < p->levels.count; l++) {
        TRY(add_level(out, "p", p->levels.level[l], &out->chance[l]));
        TRY(add_level(out, "low", p->levels.level[l], &out->low[l]));
        TRY(add_level(out, "high", p->levels.level[l], &out->high[l]));
    }
    if (source->user == NULL) goto done;
    const struct table_column *user =
        &p->data->in.table->column[table_find(p->data->in.table, source->user)];
    if (user->type == COLUMN_TEXT) out->applied.column[0].levels = &user->levels;
    for (int64_t i = 0; i < out->applied.blocks->rows_local; i++)
        if (user->type == COLUMN_NUMBER || user->code[i] >= 0)
            out->fixed[USER][i] =
                user->type == COLUMN_TEXT ? (double)user->code[i] : user->number[i];
done:
    return status;
}

static void put(const struct fit_response_predictions *p, const struct piece *piece, int64_t first,
                int64_t count, struct output *out)
{
    const struct calibration *c = p->calibration;
    int64_t levels = p->levels.count, folds = p->model->folds;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = p->data->row[first + i];
        double a = 0.0, b = 0.0;
        for (int64_t k = 0; k < folds; k++) {
            a += (double)piece->a[k * count + i] / (double)folds;
            b += (double)piece->b[k * count + i] / (double)folds;
        }
        out->fixed[DISCOUNT][row] = rint((double)p->data->dose[first + i] * 1e6) / 1e6;
        out->fixed[A][row] = c->shift + c->scale_a * a;
        out->fixed[B][row] = c->scale_b * b;
        for (int64_t l = 0; l < levels; l++) {
            out->chance[l][row] = piece->chance[i * levels + l];
            out->low[l][row] = piece->low[i * levels + l];
            out->high[l][row] = piece->high[i * levels + l];
        }
    }
}

static enum status fill(const struct fit_response_predictions *p, struct output *out)
{
    enum status status = OK;
    struct piece piece = {0};
    int64_t rows = p->data->blocks.rows_local;
    TRY(piece_init(p, &piece));
    for (int64_t first = 0; first < rows; first += PIECE) {
        int64_t count = rows - first < PIECE ? rows - first : PIECE;
        TRY(members_of(p, first, count, piece.a, piece.b));
        fit_response_predict(p, count, piece.a, piece.b, piece.chance, piece.low, piece.high);
        put(p, &piece, first, count, out);
    }
done:
    piece_clear(&piece);
    return status;
}

/* ---- files ---- */

/* All columns of numbers, and the user where it is a number. */
static enum status write_store(const struct comm *comm, const struct applied *applied,
                               const char *path)
{
    enum status status = OK;
    struct store *store = NULL;
    TRY(store_create(comm, path, &store));
    for (int64_t j = 0; j < applied->columns; j++) {
        if (applied->column[j].levels != NULL) continue;
        const struct store_column column = {applied->column[j].name, STORE_F64, 1, "",
                                            "as in the CSV file of fit response"};
        TRY(store_write(comm, store, &column, applied->column[j].x, applied->blocks->rows_local));
    }
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

static bool is_store(const char *path)
{
    size_t bytes = strlen(path);
    return bytes > 3 && strcmp(path + bytes - 3, ".h5") == 0;
}

enum status fit_response_write(const struct comm *comm, const struct fit_response_source *source,
                               const struct fit_response_predictions *p, const char *path)
{
    enum status status = OK;
    struct output *out = NULL;
    TRY_ALL(comm, memory_new(&out, 1, sizeof *out));
    TRY_ALL(comm, output_init(p, source, out));
    TRY_ALL(comm, fill(p, out));
    if (is_store(path))
        TRY(write_store(comm, &out->applied, path));
    else
        TRY(applied_write(comm, &out->applied, path));
done:
    if (out != NULL) applied_clear(&out->applied);
    free(out);
    return status;
}

static enum status count_flat(const struct fit_response_predictions *p, int64_t *flat)
{
    enum status status = OK;
    struct piece piece = {0};
    const struct calibration *c = p->calibration;
    int64_t rows = p->data->blocks.rows_local, folds = p->model->folds;
    double top = fit_response_dose(p->model, p->data->level[p->data->levels - 1]);
    TRY(piece_init(p, &piece));
    for (int64_t first = 0; first < rows; first += PIECE) {
        int64_t count = rows - first < PIECE ? rows - first : PIECE;
        TRY(members_of(p, first, count, piece.a, piece.b));
        for (int64_t i = 0; i < count; i++) {
            double b = 0.0;
            for (int64_t k = 0; k < folds; k++) b += (double)piece.b[k * count + i];
            *flat += c->scale_b * b / (double)folds * top < log(1.01);
        }
    }
done:
    piece_clear(&piece);
    return status;
}

enum status fit_response_flat(const struct comm *comm, const struct fit_response_predictions *p,
                              double *share)
{
    enum status status = OK;
    int64_t flat = 0;
    TRY_ALL(comm, count_flat(p, &flat));
    comm_sum_int64(comm, &flat, 1);
    *share = (double)flat / (double)p->data->blocks.rows_total;
done:
    return status;
}
