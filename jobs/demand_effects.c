/* Promotions, cross prices, brands. */
#include "jobs/demand_effects.h"

#include "algorithms/shrink_few.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status shrink(struct elasticities *e, const char *kind)
{
    struct shrink_prior prior;
    enum status status =
        shrink_few_fit(e->estimate, e->std_error, e->units, e->shrunk, e->shrunk_sd, &prior);
    if (status == OK)
        log_info("  %s elasticities: %lld of %lld estimated, mean %.3f, spread %.3f", kind,
                 (long long)prior.units, (long long)e->units, prior.mean, prior.sd);
    return status;
}

/* ---- promotions ---- */

static enum status of_promotion(const struct count_panel *fit, const struct demand_columns *columns,
                                struct elasticities *e)
{
    enum status status = OK;
    TRY(elasticities_init(e, 1));
    TRY(count_panel_effect(fit, 0, e->estimate, e->std_error));
    e->rows[0] = columns->promoted_rows;
    e->shrunk[0] = e->estimate[0];
    e->shrunk_sd[0] = e->std_error[0];
    if (isfinite(e->estimate[0]))
        log_info(
            "  a promotion sells %+.1f %% at the same price (effect %.3f, standard error %.3f, "
            "%lld cells); elasticities are without it",
            100.0 * expm1(e->estimate[0]), e->estimate[0], e->std_error[0],
            (long long)columns->promoted_rows);
    else if (columns->promoted_rows == 0)
        log_warning("events.columns.promotion is mapped, but no purchase was on a promotion");
    else
        log_warning("promotions (%lld cells) cannot be told apart from prices, products and "
                    "seasons: elasticities have their effect in them",
                    (long long)columns->promoted_rows);
done:
    return status;
}

/* ---- cross prices ---- */

/* Nothing but the shared effect is there: it is that of all. */
static void take_shared(double estimate, double std_error, struct elasticities *e)
{
    for (int64_t c = 0; c < e->units; c++) {
        e->shrunk[c] = estimate;
        e->shrunk_sd[c] = std_error;
    }
    if (isfinite(estimate))
        log_info("  cross-price elasticity of all categories %.3f, standard error %.3f", estimate,
                 std_error);
    else
        log_warning(
            "no cross-price elasticity can be estimated: too few products are bought by the "
            "same users, or their prices move together");
}

static void say_complements(const struct elasticities *e)
{
    int64_t negative = 0;
    for (int64_t c = 0; c < e->units; c++) negative += e->estimate[c] < -1.96 * e->std_error[c];
    if (negative > 0)
        log_info(
            "  in %lld categories a lower price of the neighbours raises sales (clearly below 0); "
            "discounts are not credited with that",
            (long long)negative);
}

static enum status of_cross(const struct count_panel *fit, const struct demand_columns *columns,
                            struct elasticities *e)
{
    enum status status = OK;
    double estimate, std_error;
    int64_t first = columns->promotion;
    for (int64_t c = 0; c < e->units; c++) {
        e->rows[c] = columns->cross_rows[c];
        e->estimate[c] = e->std_error[c] = NAN;
        if (columns->cross_of[c] == columns->crosses - 1) continue;
        TRY(count_panel_effect(fit, first + columns->cross_of[c], &e->estimate[c],
                               &e->std_error[c]));
    }
    if (shrink(e, "cross-price") != OK) {
        TRY(count_panel_effect(fit, first + columns->crosses - 1, &estimate, &std_error));
        take_shared(estimate, std_error, e);
    }
    say_complements(e);
done:
    return status;
}

enum status demand_effects_read_off(const struct count_panel *fit,
                                    const struct demand_columns *columns,
                                    const struct demand_panel *panel, struct demand *demand)
{
    enum status status = OK;
    if (columns->promotion) TRY(of_promotion(fit, columns, &demand->promotion));
    if (columns->crosses == 0) goto done;
    TRY(elasticities_init(&demand->cross, panel->categories));
    TRY(of_cross(fit, columns, &demand->cross));
done:
    return status;
}

/* ---- brands ---- */

struct brands {
    int64_t slopes;
    int32_t *slope_of; /* [brands]; thin ones share the last */
    int32_t *slope;    /* [products of this rank] */
    struct count_panel *fit;
};

static enum status number_brands(const struct comm *comm, const struct demand_sources *s,
                                 struct brands *b, struct elasticities *e)
{
    enum status status = OK;
    const struct demand_panel *panel = &s->panel;
    const int32_t *brand = s->dataset->products.brand_code + panel->products->row_first;
    int64_t products = panel->products->rows_local;
    TRY_ALL(comm, elasticities_init(e, s->dataset->products.brand.count));
    TRY_ALL(comm, memory_new(&b->slope_of, e->units, sizeof *b->slope_of));
    TRY_ALL(comm, memory_new(&b->slope, products, sizeof *b->slope));
    for (int64_t p = 0; p < products; p++)
        e->rows[brand[p]] += panel->start[p + 1] - panel->start[p];
    comm_sum_int64(comm, e->rows, e->units);
    for (int64_t i = 0; i < e->units; i++)
        b->slope_of[i] = e->rows[i] >= panel->min_rows ? (int32_t)b->slopes++ : -1;
    for (int64_t i = 0; i < e->units; i++)
        if (b->slope_of[i] < 0) b->slope_of[i] = (int32_t)b->slopes;
    b->slopes++;
    for (int64_t p = 0; p < products; p++) b->slope[p] = b->slope_of[brand[p]];
done:
    return status;
}

static enum status of_brands(const struct brands *b, struct elasticities *e)
{
    enum status status = OK;
    const double none[1] = {0.0};
    double *weight = NULL;
    TRY(memory_new(&weight, b->slopes, sizeof *weight));
    for (int64_t i = 0; i < e->units; i++) {
        e->estimate[i] = e->std_error[i] = NAN;
        if (b->slope_of[i] == b->slopes - 1) continue; /* too thin for its own */
        memset(weight, 0, (size_t)b->slopes * sizeof *weight);
        weight[b->slope_of[i]] = 1.0;
        TRY(count_panel_combine(b->fit, weight, none, &e->estimate[i], &e->std_error[i]));
    }
    if (shrink(e, "brand") != OK)
        for (int64_t i = 0; i < e->units; i++) e->shrunk[i] = e->shrunk_sd[i] = NAN;
done:
    free(weight);
    return status;
}

enum status demand_brands_fit(const struct comm *comm, const struct demand_sources *sources,
                              const struct panel_data *data, struct demand *demand)
{
    enum status status = OK;
    struct brands b = {0};
    struct panel_data by_brand = *data;
    if (sources->dataset->products.brand.count < 2) return OK;
    TRY(number_brands(comm, sources, &b, &demand->brand));
    by_brand.slopes = b.slopes;
    by_brand.slope = b.slope;
    TRY(count_panel_fit(comm, &by_brand, &b.fit));
    TRY_ALL(comm, of_brands(&b, &demand->brand));
done:
    free(b.slope_of);
    free(b.slope);
    count_panel_free(&b.fit);
    return status;
}
