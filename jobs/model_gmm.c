/* Gaussian mixtures: rows of tables in, components out, saved and read. */
#include "jobs/model_gmm.h"

#include "mpi/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const model_gmm_covariances[] = {"full", "diag", "tied"};

/* ---- saying ---- */

/* What is said of the rows: the columns of a table. */
struct said {
    double *component[MODEL_GMM_KEEP], *share[MODEL_GMM_KEEP], *density;
};

static enum status add_columns(struct applied *applied, int64_t keep, struct said *said)
{
    enum status status = OK;
    char name[APPLIED_NAME_BYTES], suffix[24] = "";
    for (int64_t n = 0; n < keep; n++) {
        if (n > 0) snprintf(suffix, sizeof suffix, "_%" PRId64, n + 1);
        snprintf(name, sizeof name, "component%s", suffix);
        TRY(applied_add(applied, name, &said->component[n]));
        snprintf(name, sizeof name, "responsibility%s", suffix);
        TRY(applied_add(applied, name, &said->share[n]));
    }
    TRY(applied_add(applied, "log_density", &said->density));
done:
    return status;
}

static enum status fill_columns(const struct model_gmm *model, const struct mixture_rows *rows,
                                const bool *usable, const struct said *said)
{
    enum status status = OK;
    int64_t rows_local = rows->blocks->rows_local, keep = model->keep;
    int32_t *component = NULL;
    double *share = NULL, *density = NULL;
    TRY(memory_new(&component, rows_local * keep, sizeof *component));
    TRY(memory_new(&share, rows_local * keep, sizeof *share));
    TRY(memory_new(&density, rows_local, sizeof *density));
    TRY(mixture_apply(model->mixture, rows, keep, component, share, density));
    for (int64_t i = 0; i < rows_local; i++) {
        if (usable != NULL && !usable[i]) continue;
        said->density[i] = density[i];
        for (int64_t n = 0; n < keep; n++) {
            said->component[n][i] = component[i * keep + n];
            said->share[n][i] = share[i * keep + n];
        }
    }
done:
    free(component);
    free(share);
    free(density);
    return status;
}

enum status model_gmm_say(const struct comm *comm, const struct model_gmm *model, const double *x,
                          const bool *usable, struct applied *applied)
{
    enum status status = OK;
    struct said said = {0};
    struct mixture_rows rows = {
        .blocks = applied->blocks, .columns = model->mixture->columns, .full = x};
    TRY_ALL(comm, add_columns(applied, model->keep, &said));
    TRY_ALL(comm, fill_columns(model, &rows, usable, &said));
done:
    return status;
}

static enum status apply(const struct comm *comm, const void *model, const struct model_rows *rows,
                         struct applied *applied)
{
    enum status status = OK;
    double *x = NULL;
    TRY_ALL(comm, model_rows_numbers(rows, &x));
    TRY(fit_table_blame(rows->table, model_gmm_say(comm, model, x, rows->usable, applied)));
done:
    free(x);
    return status;
}

/* ---- the file ---- */

enum { PARTS = 5 };

/* The columns of the file, and where they stand in the model. */
struct part {
    struct store_column column;
    double *x;
    int64_t rows;
};

static void list_parts(struct mixture_model *m, struct part part[PARTS])
{
    int64_t d = m->columns, width = m->covariance == MIXTURE_DIAGONAL ? d : d * d;
    const struct part all[PARTS] = {
        {{"centre", STORE_F64, 1, "", "of each column: z = (x - centre) / scale"}, m->centre, d},
        {{"scale", STORE_F64, 1, "", "of each column"}, m->scale, d},
        {{"weight", STORE_F64, 1, "", "of each component"}, m->weights, m->k},
        {{"mean", STORE_F64, d, "", "of each component, as z"}, m->means, m->k},
        {{"covariance", STORE_F64, width, "", "of each component, or of all if tied, of z"},
         m->covariances,
         m->covariance == MIXTURE_TIED ? 1 : m->k}};
    memcpy(part, all, sizeof all);
}

enum status model_gmm_write(const struct comm *comm, const char *path, const char *const *names,
                            const struct model_gmm *model)
{
    enum status status = OK;
    struct store *store = NULL;
    struct part part[PARTS];
    const char *covariance = model_gmm_covariances[model->mixture->covariance];
    list_parts(model->mixture, part);
    TRY(model_create(comm, path, "gmm", names, model->mixture->columns, &store));
    TRY(store_write_note(comm, store, "covariances", covariance));
    for (int p = 0; p < PARTS; p++)
        TRY(store_write(comm, store, &part[p].column, part[p].x,
                        comm->rank == 0 ? part[p].rows : 0));
    TRY(model_write_number(comm, store, "keep", "", "components of each row to be said",
                           (double)model->keep));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

static void free_model(void *model)
{
    struct model_gmm *gmm = model;
    if (gmm != NULL) mixture_free(&gmm->mixture);
    free(gmm);
}

static enum status make_room(const char *covariance, int64_t k, int64_t columns,
                             struct model_gmm **model)
{
    enum status status = OK;
    for (int c = MIXTURE_FULL; c <= MIXTURE_TIED; c++) {
        if (strcmp(covariance, model_gmm_covariances[c]) != 0 || k < 1 || columns < 1) continue;
        TRY(memory_new(model, 1, sizeof **model));
        TRY(mixture_new((enum mixture_covariance)c, k, columns, &(*model)->mixture));
        return OK;
    }
    TRY(FAIL(ERR_DATA, "the model has no components of a known kind; fit it again"));
done:
    return status;
}

/* A column of the file, if it has the shape that the model expects. */
static enum status read_part(const struct comm *comm, const struct store *store,
                             const struct part *part)
{
    enum status status = OK;
    int64_t width = 0, rows = store_rows(comm, store, part->column.name, &width);
    if (rows != part->rows || width != part->column.width)
        TRY(FAIL(ERR_DATA, "the model's \"%s\" has another shape than its means; fit it again",
                 part->column.name));
    TRY(store_read(comm, store, part->column.name, STORE_F64, 0, rows, part->x));
done:
    return status;
}

static enum status read_model(const struct comm *comm, const struct store *store, void **model)
{
    enum status status = OK;
    struct model_gmm *fresh = NULL;
    struct part part[PARTS];
    char *covariance = NULL;
    double keep = 0.0;
    int64_t columns = 0, k = store_rows(comm, store, "mean", &columns);
    TRY(store_read_note(comm, store, "covariances", &covariance));
    TRY_ALL(comm, make_room(covariance, k, columns, &fresh));
    list_parts(fresh->mixture, part);
    for (int p = 0; p < PARTS; p++) TRY(read_part(comm, store, &part[p]));
    TRY(model_read_number(comm, store, "keep", &keep));
    if (!(keep >= 1.0 && keep <= (double)k && keep <= MODEL_GMM_KEEP))
        TRY(FAIL(ERR_DATA, "the model says %g of its components; fit it again", keep));
    fresh->keep = (int64_t)keep;
    *model = fresh;
    fresh = NULL;
done:
    free_model(fresh);
    free(covariance);
    return status;
}

const struct model_kind model_kind_gmm = {
    .name = "gmm", .texts = false, .read = read_model, .apply = apply, .free = free_model};
