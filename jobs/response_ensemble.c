/* Several members, asked together. */
#include "jobs/response_ensemble.h"

#include "algorithms/standardise.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { FOLD_MEMBER = 2 };

/* Standard deviations at which inputs are cut off: candidates may lie where no offer was ever
 * made. */
#define INPUT_LIMIT 3.0f

int response_member(struct user_key key, int members)
{
    return members > 1 ? user_fold(key, FOLD_MEMBER, members) : 0;
}

void response_ensemble_scale(const struct response_ensemble *ensemble, int64_t rows, float *x)
{
    standardise_in_place(x, rows, ensemble->columns, ensemble->stride, ensemble->mean, ensemble->sd,
                         INPUT_LIMIT);
}

/* A network may say that there is no slope at all, of which there is no logarithm. */
#define SLOPE_LEAST 0.02

double response_blend_a(double weight, float structured, float network)
{
    return weight * (double)structured + (1.0 - weight) * (double)network;
}

double response_blend_b(double weight, float structured, float network)
{
    return exp(weight * log(fmax((double)structured, SLOPE_LEAST)) +
               (1.0 - weight) * log(fmax((double)network, SLOPE_LEAST)));
}

void response_blend_apply(const struct response_blend *blend, int64_t rows, const float *a,
                          const float *b, float *network_a, float *network_b)
{
    for (int64_t i = 0; i < rows; i++) {
        network_a[i] = (float)response_blend_a(blend->offset, a[i], network_a[i]);
        network_b[i] = (float)response_blend_b(blend->slope, b[i], network_b[i]);
    }
}

/* Sums of a, b and their products over the members. */
static void add_member(int64_t rows, const float *a, const float *b, struct response_belief *belief)
{
    for (int64_t i = 0; i < rows; i++) {
        belief[i].a += a[i];
        belief[i].b += b[i];
        belief[i].a_var += a[i] * a[i];
        belief[i].both_cov += a[i] * b[i];
        belief[i].b_var += b[i] * b[i];
    }
}

static void close_belief(int members, struct response_belief *belief)
{
    float n = (float)members, a = belief->a / n, b = belief->b / n;
    float a_var = belief->a_var - n * a * a, b_var = belief->b_var - n * b * b;
    *belief = (struct response_belief){.a = a,
                                       .b = b,
                                       .a_var = a_var > 0.0f ? a_var : 0.0f,
                                       .both_cov = belief->both_cov - n * a * b,
                                       .b_var = b_var > 0.0f ? b_var : 0.0f};
}

/* Both, mixed. */
static enum status ask_both(const struct response_ensemble *ensemble, int member, const float *x,
                            int64_t rows, float *a, float *b)
{
    enum status status = OK;
    float *room = NULL;
    int64_t stride = ensemble->stride;
    TRY(memory_new(&room, 2 * rows, sizeof *room));
    TRY(network_response(ensemble->network[member], x, rows, stride, a, b));
    TRY(slope_logit_apply(ensemble->logit[member], x, rows, stride, room, room + rows));
    response_blend_apply(&ensemble->blend, rows, room, room + rows, a, b);
done:
    free(room);
    return status;
}

enum status response_ensemble_member(const struct response_ensemble *ensemble, int member,
                                     const float *x, int64_t rows, float *a, float *b)
{
    enum status status = OK;
    const struct response_blend *blend = &ensemble->blend;
    bool alone = ensemble->network[member] == NULL || (blend->offset >= 1.0 && blend->slope >= 1.0);
    if (ensemble->logit[member] == NULL)
        status = network_response(ensemble->network[member], x, rows, ensemble->stride, a, b);
    else if (alone)
        status = slope_logit_apply(ensemble->logit[member], x, rows, ensemble->stride, a, b);
    else
        status = ask_both(ensemble, member, x, rows, a, b);
    if (status == OK) calibration_curves(&ensemble->calibration, rows, a, b);
    return status;
}

enum status response_ensemble_apply(const struct response_ensemble *ensemble, const float *x,
                                    int64_t rows, float *room, struct response_belief *belief)
{
    enum status status = OK;
    for (int64_t i = 0; i < rows; i++) belief[i] = (struct response_belief){0};
    for (int k = 0; k < ensemble->members; k++) {
        TRY(response_ensemble_member(ensemble, k, x, rows, room, room + rows));
        add_member(rows, room, room + rows, belief);
    }
    for (int64_t i = 0; i < rows; i++) close_belief(ensemble->members, &belief[i]);
done:
    return status;
}

void response_ensemble_clear(struct response_ensemble *ensemble)
{
    for (int k = 0; k < ensemble->members; k++) {
        network_free(&ensemble->network[k]);
        slope_logit_free(&ensemble->logit[k]);
    }
    free(ensemble->mean);
    free(ensemble->sd);
    *ensemble = (struct response_ensemble){0};
}
