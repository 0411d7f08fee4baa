/* Held-out rows against what was said of them. */
#include "jobs/response_calibration.h"

#include "algorithms/reliability.h"
#include "io/file.h"
#include "jobs/fit_print.h"
#include "jobs/response_json.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* More rows take long to sort, and tell the same. */
enum { MAP_ROWS_MOST = 2000000, ROW_BYTES = 20, MAP_ROW_BYTES = 100 };

struct judgement {
    uint8_t *half; /* [rows_local] by the user's block; 2 where the row is not held out */
    uint8_t *skip; /* [rows_local] */
    float *chance; /* [rows_local] by the calibration of the other half */
    struct calibration_check check;
    struct reliability before, after;
};

static enum status judgement_init(const struct response_rows *rows, struct judgement *j)
{
    enum status status = OK;
    const struct blocks *blocks = &rows->blocks;
    TRY(memory_new(&j->half, blocks->rows_local, sizeof *j->half));
    TRY(memory_new(&j->skip, blocks->rows_local, sizeof *j->skip));
    TRY(memory_new(&j->chance, blocks->rows_local, sizeof *j->chance));
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++) {
            j->skip[i] = rows->part[i] != PART_VALIDATION;
            j->half[i] = j->skip[i] != 0 ? 2 : (uint8_t)((blocks->block_first + b) & 1);
        }
done:
    return status;
}

static void judgement_clear(struct judgement *j)
{
    free(j->half);
    free(j->skip);
    free(j->chance);
    calibration_check_clear(&j->check);
}

static enum status compare(const struct comm *comm, const struct response_rows *rows,
                           const struct judgement *j, struct reliability *result)
{
    const struct reliability_rows view = {&rows->blocks, j->chance,      rows->y,
                                          rows->weight,  rows->discount, j->skip};
    return reliability_make(comm, &view, RELIABILITY_BINS, result);
}

static enum status judge(const struct comm *comm, const struct response_rows *rows, const float *a,
                         const float *b, struct judgement *j)
{
    enum status status = OK;
    struct calibration as_is;
    calibration_init(&as_is);
    for (int64_t i = 0; i < rows->blocks.rows_local; i++)
        j->chance[i] =
            (float)calibration_chance(&as_is, (double)a[i], (double)b[i], (double)rows->dose[i]);
    TRY(compare(comm, rows, j, &j->before));
    for (int h = 0; h < 2; h++) isotonic_clear(&j->check.half[h].map); /* is never applied */
    for (int64_t i = 0; i < rows->blocks.rows_local; i++)
        if (j->half[i] < 2)
            j->chance[i] = (float)calibration_chance(&j->check.half[1 - j->half[i]], (double)a[i],
                                                     (double)b[i], (double)rows->dose[i]);
    TRY(compare(comm, rows, j, &j->after));
done:
    return status;
}

/* ---- the report ---- */

static json_t *table_json(const struct reliability *r)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "log_loss", fit_number(r->log_loss), "ece",
                     fit_number(r->table.ece), "ece_of_noise", fit_number(r->table.ece_noise),
                     "by_level", response_levels_json(r), "reliability",
                     response_reliability_json(&r->table));
}

/* Who is asked, and what each weighs. */
static json_t *model_json(const struct response_ensemble *ensemble)
{
    const struct response_blend *blend = &ensemble->blend;
    bool networks = ensemble->network[0] != NULL, structured = ensemble->logit[0] != NULL;
    json_t *json = json_pack("{s:i, s:b, s:b}", "folds", ensemble->members, "structured",
                             structured, "networks", networks);
    if (!networks || !structured) return json;
    json_object_set_new(json, "weight_in_offset", fit_number(blend->offset));
    json_object_set_new(json, "weight_in_slope", fit_number(blend->slope));
    if (blend->loss == 0.0) return json; /* nothing was held out */
    json_object_set_new(json, "log_loss", fit_number(blend->loss));
    json_object_set_new(json, "log_loss_structured", fit_number(blend->loss_structured));
    json_object_set_new(json, "log_loss_networks", fit_number(blend->loss_network));
    return json;
}

static enum status write_report(const struct run *run, const struct judgement *j,
                                const struct response_ensemble *ensemble)
{
    json_t *json =
        json_pack("{s:o, s:I, s:o, s:o, s:o}", "model", model_json(ensemble), "held_out_rows",
                  (json_int_t)j->before.table.all.rows, "members", table_json(&j->before),
                  "recalibrated", table_json(&j->after), "calibration",
                  response_calibration_json(&ensemble->calibration, &j->check));
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(json);
    if (text == NULL) return FAIL(ERR_MEMORY, "no memory for response.json");
    enum status status =
        file_replace(run_path(run, "response.json"), text, (int64_t)strlen(text), 0600);
    free(text);
    return status;
}

static void tell(const struct judgement *j, const struct calibration *calibration)
{
    const struct reliability_table *table = &j->after.table;
    if (table->bins == 0) return;
    log_info("  held-out calibration error %.4f, of which %.4f would be there if all were right",
             table->ece, table->ece_noise);
    if (calibration->taken[CALIBRATION_LOGIT])
        log_info("  recalibrated: log odds %.3f + %.3f a + %.3f b d, for a log loss lower by %.6f",
                 calibration->shift, calibration->scale_a, calibration->scale_b,
                 j->check.gain[CALIBRATION_LOGIT]);
}

int64_t response_calibration_row_bytes(int64_t rows_total)
{
    return ROW_BYTES + (rows_total <= MAP_ROWS_MOST ? MAP_ROW_BYTES : 0);
}

enum status response_calibrate(const struct comm *comm, const struct run *run,
                               const struct response_rows *rows, const float *a, const float *b,
                               struct response_ensemble *ensemble)
{
    enum status status = OK;
    struct calibration *calibration = &ensemble->calibration;
    struct judgement j = {0};
    const struct calibration_options opt = {.none = rows->one_dose,
                                            .isotonic = rows->blocks.rows_total <= MAP_ROWS_MOST};
    TRY_ALL(comm, judgement_init(rows, &j));
    const struct calibration_rows view = {&rows->blocks, a,     b, rows->dose, rows->y,
                                          rows->weight,  j.half};
    TRY(calibration_fit(comm, &view, &opt, calibration, &j.check));
    isotonic_clear(&calibration->map); /* it would cost the curves their form */
    TRY(judge(comm, rows, a, b, &j));
    tell(&j, calibration);
    TRY_ALL(comm, comm->rank == 0 ? write_report(run, &j, ensemble) : OK);
done:
    judgement_clear(&j);
    return status;
}
