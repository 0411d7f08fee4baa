/* Which terms the structured response model has, and its fit, fold by fold. */
#include "jobs/response_structured.h"

#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>

enum { PAIRS_MOST = 64 /* of attributes, in the slope */, COLUMNS_MOST = 1024 };

/* Rows to learn from, about; more take long and move a hundred coefficients by little. */
#define ROWS_ENOUGH 1000000.0

#define HELD 1e9 /* ridge of what is not to move */

/* ---- terms ---- */

struct terms {
    const enum response_role *role; /* [columns] */
    int64_t columns;
    struct slope_logit_term *term; /* room for all */
    int64_t count;
};

typedef bool role_set(enum response_role role);

static bool of_offset(enum response_role role)
{
    return role != ROLE_STEP;
}

static bool of_user(enum response_role role)
{
    return role == ROLE_STANDING || role == ROLE_KNOWN || role == ROLE_LIKING;
}

static bool of_slope(enum response_role role)
{
    return role == ROLE_GOODS || role == ROLE_CATEGORY || role == ROLE_NUMBER ||
           role == ROLE_MISSING || role == ROLE_LEVEL;
}

static bool standing(enum response_role role)
{
    return role == ROLE_STANDING;
}

static bool number(enum response_role role)
{
    return role == ROLE_NUMBER;
}

static bool level(enum response_role role)
{
    return role == ROLE_LEVEL;
}

static void put(struct terms *terms, int64_t first, int64_t second)
{
    terms->term[terms->count++] = (struct slope_logit_term){(int32_t)first, (int32_t)second};
}

static void put_each(struct terms *terms, role_set *in)
{
    int64_t end = terms->count + COLUMNS_MOST;
    for (int64_t c = 0; c < terms->columns && terms->count < end; c++)
        if (in(terms->role[c])) put(terms, c, -1);
}

static void put_squares(struct terms *terms, role_set *in, int64_t end)
{
    for (int64_t c = 0; c < terms->columns && terms->count < end; c++)
        if (in(terms->role[c])) put(terms, c, c);
}

/* Products of a column of one set with a later one, or any of another set. */
static void put_pairs(struct terms *terms, role_set *in, role_set *with, int64_t end)
{
    for (int64_t c = 0; c < terms->columns; c++)
        for (int64_t d = in == with ? c + 1 : 0; d < terms->columns && in(terms->role[c]); d++)
            if (with(terms->role[d]) && terms->count < end) put(terms, c, d);
}

static void list_terms(struct terms *terms, int64_t *offset)
{
    put_each(terms, of_offset);
    put_squares(terms, standing, INT64_MAX);
    put_pairs(terms, of_user, of_user, INT64_MAX);
    *offset = terms->count;
    put_each(terms, of_slope);
    int64_t end = terms->count + PAIRS_MOST;
    put_squares(terms, number, end);
    put_pairs(terms, number, number, end);
    put_pairs(terms, number, level, end);
    put_pairs(terms, level, level, end);
}

static enum status make_models(const struct response_context *context,
                               struct response_ensemble *ensemble)
{
    enum status status = OK;
    enum response_role *role = NULL;
    struct terms terms = {.columns = context->columns};
    int64_t offset = 0;
    TRY(memory_new(&role, context->columns, sizeof *role));
    TRY(memory_new(&terms.term, 2 * COLUMNS_MOST + 2 * PAIRS_MOST, sizeof *terms.term));
    response_roles(context, role);
    terms.role = role;
    list_terms(&terms, &offset);
    for (int k = 0; k < ensemble->members; k++)
        TRY(slope_logit_new(terms.term, offset, terms.count - offset, &ensemble->logit[k]));
done:
    free(role);
    free(terms.term);
    return status;
}

/* ---- fit ---- */

static void choose_rows(const struct response_rows *rows, uint8_t *skip)
{
    for (int64_t i = 0; i < rows->blocks.rows_local; i++) {
        double u = random_uniform(2, RANDOM_SPLIT, (uint64_t)(rows->blocks.row_first + i), 0);
        skip[i] = rows->part[i] != PART_TRAIN || u * (double)rows->blocks.rows_total > ROWS_ENOUGH;
    }
}

/* Where all rows have one discount, b stays what demand's elasticities imply on the mean. */
static enum status options_of(const struct comm *comm, const struct response_rows *rows,
                              struct slope_logit_options *options)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    *options = (struct slope_logit_options)SLOPE_LOGIT_DEFAULTS;
    if (!rows->one_dose) return OK;
    options->ridge_b = options->ridge_b_mean = HELD;
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t i = 0; i < rows->blocks.rows_local; i++)
        if (rows->prior[i] > 0.0f) {
            exact_add_one(&sums, 0, log((double)rows->prior[i]));
            exact_add_one(&sums, 1, 1.0);
        }
    TRY(exact_reduce(comm, &sums));
    if (exact_get(&sums, 1) > 0.0) options->slope = exp(exact_get(&sums, 0) / exact_get(&sums, 1));
done:
    exact_clear(&sums);
    return status;
}

static enum status fit_member(const struct comm *comm, int member, const struct response_rows *rows,
                              uint8_t *skip, struct response_ensemble *ensemble)
{
    enum status status = OK;
    struct slope_logit_result result;
    struct slope_logit_options options;
    const struct slope_logit_rows view = {{&rows->blocks, rows->columns, rows->stride, rows->x},
                                          rows->dose,
                                          rows->y,
                                          rows->weight,
                                          skip};
    struct slope_logit *model = ensemble->logit[member];
    choose_rows(rows, skip);
    TRY(options_of(comm, rows, &options));
    TRY(slope_logit_fit(comm, &view, &options, model, &result));
    log_info("  structured %d of %d: %lld terms, training loss %.6f after %lld passes", member + 1,
             ensemble->members, (long long)(model->terms_a + model->terms_b + 2), result.loss,
             (long long)result.passes);
done:
    return status;
}

enum status response_structured_fit(const struct comm *comm, const struct response_context *context,
                                    struct response_rows *rows, struct response_ensemble *ensemble)
{
    enum status status = OK;
    uint8_t *skip = NULL;
    bool new = ensemble->logit[0] == NULL;
    TRY_ALL(comm, memory_new(&skip, rows->blocks.rows_local, sizeof *skip));
    if (new) TRY_ALL(comm, make_models(context, ensemble));
    for (int k = 0; k < ensemble->members; k++) {
        if (ensemble->members > 1) response_rows_hold(comm, k, rows);
        if (new &&k > 0) slope_logit_begin_with(ensemble->logit[k - 1], ensemble->logit[k]);
        TRY(fit_member(comm, k, rows, skip, ensemble));
    }
done:
    free(skip);
    return status;
}
