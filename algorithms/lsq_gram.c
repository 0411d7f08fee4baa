/* Normal equations, replicated, and their Cholesky factor on the grid. */
#include "algorithms/lsq_gram.h"

#include "algorithms/double_double.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { FEW_BLOCKS = 16 };

/* ---- building the system ---- */

/* One pass where a guess of the scales may do; whether it did. */
static enum status guess_gram(const struct comm *comm, const struct design *design,
                              struct scaling *scaling, struct gram *gram, bool *settled)
{
    enum status status = OK;
    *settled = false;
    TRY(scaling_guess(comm, design, scaling));
    TRY(gram_make(comm, design, scaling, gram));
    TRY(gram_settle(comm, design, scaling, gram, settled));
done:
    return status;
}

/* Normal equations and scaling, in one pass or, where that fails or lacks the digits, in three. */
static enum status sum_gram(const struct comm *comm, const struct design *design,
                            struct scaling *scaling, struct gram *gram)
{
    enum status status = OK;
    bool settled = false;
    if (design->sparse == 0 && design->group == NULL && design->blocks->blocks_total > FEW_BLOCKS)
        status = guess_gram(comm, design, scaling, gram, &settled);
    if (settled) return OK;
    gram_clear(gram);
    scaling_clear(scaling);
    if (status != OK && status != ERR_NUMERIC && status != ERR_ARG) return status;
    TRY(scaling_measure(comm, design, scaling));
    TRY(gram_make(comm, design, scaling, gram));
done:
    return status;
}

enum status lsq_gram_order(const struct design *design, int64_t **order)
{
    int64_t parameters = design_parameters(design), first = parameters - design->last_first;
    *order = NULL;
    if (design->last_first == 0 && design->order == NULL) return OK;
    enum status status = memory_new(order, parameters, sizeof **order);
    for (int64_t i = 0; status == OK && i < design->last_first; i++) (*order)[i] = first + i;
    for (int64_t i = 0; status == OK && i < first; i++)
        (*order)[design->last_first + i] = design->order != NULL ? design->order[i] : i;
    return status;
}

/* Whether a dense column keeps so little of its squares that the normal equations have lost
 * digits of it which QR would keep. */
static bool is_ill(const struct design *design, const struct scaling *scaling, const double *part)
{
    int64_t first = design->intercept ? 1 : 0;
    for (int64_t j = first; j < first + design->dense; j++)
        if (scaling->square_sum[j] > 0.0 && part[j] < LSQ_GRAM_ILL) return true;
    return false;
}

static enum status find_dropped(const struct comm *comm, const struct design *design,
                                const struct gram *gram, const struct scaling *scaling,
                                double tolerance, bool *dropped, bool *ill)
{
    enum status status = OK;
    int64_t *order = NULL;
    double *part = NULL;
    TRY_ALL(comm, lsq_gram_order(design, &order));
    TRY_ALL(comm, memory_new(&part, gram->parameters, sizeof *part));
    TRY(cholesky_dependent(comm, gram->a, gram->parameters, order, scaling->square_sum,
                           fmax(tolerance, LSQ_GRAM_TOLERANCE), dropped, part));
    *ill = is_ill(design, scaling, part);
done:
    free(order);
    free(part);
    return status;
}

void lsq_gram_penalise(const struct design *design, const struct scaling *scaling, double ridge,
                       int64_t penalised, struct gram *gram, bool *dropped)
{
    int64_t first = design->intercept ? 1 : 0;
    for (int64_t j = first; j < penalised; j++) {
        gram->a[j * gram->parameters + j] += lsq_system_penalty(design, scaling, ridge, j);
        dropped[j] = false;
    }
}

static double largest_column_sum(const double *a, int64_t n)
{
    double largest = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j < n; j++) sum += fabs(a[i * n + j]);
        largest = fmax(largest, sum);
    }
    return largest;
}

/* Keep the columns that are not dropped, in place in gram->a, and bring the diagonal into [1/2, 2).
 */
static void compact(struct gram *gram, struct lsq_system *s)
{
    int64_t p = gram->parameters;
    for (int64_t i = 0; i < s->kept; i++)
        s->unit[i] = lsq_system_unit(gram->a[s->parameter[i] * p + s->parameter[i]]);
    for (int64_t i = 0; i < s->kept; i++) {
        const double *from = gram->a + s->parameter[i] * p;
        for (int64_t j = 0; j < s->kept; j++)
            gram->a[i * s->kept + j] = from[s->parameter[j]] * s->unit[i] * s->unit[j];
        s->b[i] = gram->b[s->parameter[i]] * s->unit[i];
    }
    s->norm = largest_column_sum(gram->a, s->kept);
}

/* y'Wy less what the solution explains, in scaled units. */
static double square_left(const struct gram *gram, const struct lsq_system *s)
{
    struct double_double sum = {gram->y_square, 0.0};
    for (int64_t i = 0; i < s->kept; i++)
        sum = double_double_add(sum, double_double_product(-s->b[i], s->x[i]));
    return sum.high;
}

enum status lsq_gram_sum(const struct comm *comm, const struct design *design, double tolerance,
                         struct scaling *scaling, struct gram *gram, bool *dropped, bool *ill)
{
    enum status status = OK;
    TRY(sum_gram(comm, design, scaling, gram));
    TRY(find_dropped(comm, design, gram, scaling, tolerance, dropped, ill));
done:
    return status;
}

enum status lsq_gram_solve(const struct comm *comm, const struct design *design,
                           const struct scaling *scaling, struct gram *gram, const bool *dropped,
                           struct lsq_system *s, double *square)
{
    enum status status = OK;
    TRY_ALL(comm, lsq_system_init(design, scaling, NULL, dropped, s));
    compact(gram, s);
    TRY(cholesky_factor(comm, gram->a, s->kept, &s->factor));
    TRY(lsq_system_solve(comm, s, s->b, 1, s->x));
    *square = square_left(gram, s);
done:
    return status;
}
