/**
 * Further regressors in a pass over panels (algorithms/panel_pass.h): what the columns of one
 * product add to scores, information and squares. Without columns all of these do nothing.
 *
 * `product` is local; weeks are the first `weeks` of sums->on_sale.
 */
#ifndef REMISE_ALGORITHMS_PANEL_COLUMNS_H
#define REMISE_ALGORITHMS_PANEL_COLUMNS_H

#include "algorithms/panel_pass.h"

/* A product's panel: of a segment, in the weeks on sale of a fold. */
struct panel_place {
    int64_t product, segment, weeks;
    int32_t slope;
};

/** Where the coefficient of a product's column k stands in the tail. Local. */
int64_t panel_column_place(const struct panel_data *data, int64_t product, int64_t k);

/** sums->z_mean of the segment from sums->weight. Local. */
void panel_columns_find_means(const struct panel_data *data, struct panel_sums *sums,
                              const struct panel_place *at);

/** Their part of score_tail and of the bread. Local. */
void panel_columns_add(const struct panel_data *data, struct panel_sums *sums,
                       const struct panel_place *at, struct arrow *bread);

/** What a cell adds to sums->part, `left` units being more than expected. Local. */
void panel_columns_cell(const struct panel_data *data, struct panel_sums *sums,
                        const struct panel_place *at, int64_t week, double left);

/** Leverage of a cell on its slope and effects, by fit->hat. Local. */
double panel_columns_leverage(const struct panel_data *data, const struct panel_sums *sums,
                              const struct panel_place *at, int64_t week,
                              const struct count_panel *fit);

/** fit->hat from the factored bread; room for a solution in sums. Local. */
void panel_columns_hat(struct panel_sums *sums, struct count_panel *fit);

#endif
