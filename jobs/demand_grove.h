/**
 * demand.method: tree and forest. A regression tree, or a random forest, that predicts log
 * purchases, and how its predictions move with the price.
 *
 * Outcome: log purchases without the effects of panel, season and promotions that least squares
 * finds (jobs/demand_line.h). Columns: log price about the panel's mean, category, segment, the
 * product's usual log price, and how much of it is sold. Within a panel only the price moves, so
 * predictions are a step function of it, and the panel's elasticity is their least-squares slope
 * over the prices at which the product was seen. Of a category or segment it is the mean over the
 * panels, weighted by what is sold and by how much the price varied (slopes over next to no range
 * say nothing).
 *
 * A tree knows a price only by the questions it asks about it. Where no question tells two prices
 * of a unit apart, predictions do not move, which is no elasticity of 0: the unit has no estimate;
 * nor has one of which least squares cannot tell price from season.
 * Where it asks few, steps are averages, and slopes come out too near zero; a forest smooths the
 * steps but has the same lean.
 *
 * Standard errors are of a delete-a-group jackknife over weeks, which are dealt to GROVE_GROUPS
 * groups by a keyed hash once and for all: trees are grown again without each group. They cover
 * what other weeks would have shown, the shape of the trees with it; not the season effects, which
 * are taken as they are, nor the lean toward zero, nor what moves a product for longer than a week.
 */
#ifndef REMISE_JOBS_DEMAND_GROVE_H
#define REMISE_JOBS_DEMAND_GROVE_H

#include "jobs/demand_method.h"

enum { GROVE_GROUPS = 12 };

extern const struct demand_method demand_tree, demand_forest;

#endif
