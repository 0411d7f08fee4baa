/* What double machine learning found, in JSON and in warnings. */
#include "jobs/fit_dml_result.h"

#include "jobs/fit_print.h"
#include "jobs/rules.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LEFT_WARNING 0.05  /* of the treatment's variance */
#define GROUP_WARNING 0.02 /* of it in a group */
#define CONTROLS_WEAK 0.01 /* both R squared below it: nothing was taken out */
#define NORMAL_975 1.959963984540054

enum { GROUP_BYTES = 256, GROUPS_WARNED = 5 };

/* ---- warnings ---- */

/* income < 1, or not (income < 1); a column's level by itself. */
static void name_group(const struct fit_dml_result *result, int64_t g, char *name)
{
    const struct formula_factor *factor = &result->source->formula->factor[1];
    const struct formula_levels *levels = &result->data->groups;
    bool yes_or_no = factor->column < 0 && levels->number != NULL &&
                     (levels->number[g] == 0.0 || levels->number[g] == 1.0) && levels->count <= 2;
    if (!yes_or_no)
        formula_levels_name(levels, g, name, GROUP_BYTES);
    else
        snprintf(name, GROUP_BYTES, levels->number[g] == 1.0 ? "%s" : "not (%s)",
                 result->source->group_by);
}

/* Whether there is something to warn of. */
static bool warn_group(const struct fit_dml_result *result, int64_t g, bool aloud)
{
    char name[GROUP_BYTES];
    const struct double_ml_estimate *group = &result->group[g];
    if (!isnan(group->estimate) && !(group->left < GROUP_WARNING)) return false;
    if (!aloud) return true;
    name_group(result, g, name);
    if (isnan(group->estimate))
        log_warning("%s does not vary where %s: no effect can be estimated there",
                    result->source->treatment, name);
    else
        log_warning("where %s, controls explain all but %.2g of the variance of %s: the effect "
                    "there rests on little",
                    name, group->left, result->source->treatment);
    return true;
}

static void warn_groups(const struct fit_dml_result *result)
{
    int64_t warned = 0, groups = result->data->groups.count;
    for (int64_t g = 0; g < groups; g++) warned += warn_group(result, g, warned < GROUPS_WARNED);
    if (warned > GROUPS_WARNED)
        log_warning("so it is in %" PRId64 " of %" PRId64
                    " groups in all: see estimate and treatment_left of each",
                    warned, groups);
}

static void warn_controls(const struct fit_dml_result *result)
{
    for (int64_t j = 0; j < result->data->columns; j++)
        if (result->ml->explained[j])
            log_warning("control \"%s\" is explained by the others: least squares have dropped it",
                        fit_dml_control(result->data, j));
}

static void warn_terms(const struct fit_dml_result *result)
{
    const struct double_ml_terms *terms = result->terms;
    for (int64_t i = 0; terms != NULL && i < result->data->terms->reported; i++)
        if (isnan(terms->coefficient[result->data->terms->parameter[i]]))
            log_warning("--effects: %s is constant or explained by the terms before it in the rows "
                        "that are used, and was dropped",
                        result->data->terms->term[i]);
}

void fit_dml_warn(const struct fit_dml_result *result)
{
    const struct double_ml *ml = result->ml;
    if (ml->effect.left < LEFT_WARNING)
        log_warning("controls explain all but %.2g of the variance of %s: the effect rests on the "
                    "little that is left, and on how well they were taken out",
                    ml->effect.left, result->source->treatment);
    if (ml->effective_rows < 100)
        log_warning("the treatment moves by itself in about %.0f rows only: standard errors may be "
                    "too small",
                    ml->effective_rows);
    if (ml->of_treatment.r_squared < CONTROLS_WEAK && ml->of_outcome.r_squared < CONTROLS_WEAK)
        log_info("controls explain neither outcome nor treatment: the estimate is about the naive "
                 "one");
    if (isnan(ml->effect.std_error))
        log_warning("all rows are in one cluster: there is no standard error");
    warn_controls(result);
    warn_groups(result);
    warn_terms(result);
}

/* ---- JSON ---- */

static json_t *interval_json(double estimate, double std_error)
{
    return json_pack("[o, o]", fit_number(estimate - NORMAL_975 * std_error),
                     fit_number(estimate + NORMAL_975 * std_error));
}

static json_t *groups_json(const struct fit_dml_result *result)
{
    json_t *list = json_array();
    char name[GROUP_BYTES];
    for (int64_t g = 0; g < result->data->groups.count; g++) {
        const struct double_ml_estimate *e = &result->group[g];
        name_group(result, g, name);
        json_t *group = json_pack("{s:s, s:o, s:o, s:o, s:I, s:o}", "group", name, "estimate",
                                  fit_number(e->estimate), "std_error", fit_number(e->std_error),
                                  "interval", interval_json(e->estimate, e->std_error), "rows",
                                  (json_int_t)e->rows, "treatment_left", fit_number(e->left));
        if (result->data->groups.number != NULL)
            json_object_set_new(group, "value", json_real(result->data->groups.number[g]));
        json_array_append_new(list, group);
    }
    return list;
}

static json_t *terms_json(const struct fit_dml_result *result)
{
    json_t *list = json_array();
    const struct double_ml_terms *terms = result->terms;
    for (int64_t i = 0; terms != NULL && i < result->data->terms->reported; i++) {
        int64_t at = result->data->terms->parameter[i];
        double error = sqrt(terms->covariance[at * terms->terms + at]);
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "term",
                                              result->data->terms->term[i], "estimate",
                                              fit_number(terms->coefficient[at]), "std_error",
                                              fit_number(error), "interval",
                                              interval_json(terms->coefficient[at], error)));
    }
    return list;
}

static json_t *weights_json(const struct double_ml_nuisance *nuisance)
{
    static const char *const name[DOUBLE_ML_LEARNERS] = {
        [LEARNER_LINE] = "lsq",      [LEARNER_BENT] = "bent",       [LEARNER_PRODUCTS] = "products",
        [LEARNER_FOREST] = "forest", [LEARNER_SHALLOW] = "shallow", [LEARNER_STEPS] = "steps",
        [LEARNER_BOOST] = "boosted"};
    json_t *json = json_object();
    for (int l = 0; l < DOUBLE_ML_LEARNERS; l++)
        json_object_set_new(json, name[l], json_real(nuisance->weight[l]));
    return json;
}

static json_t *diagnostics_json(const struct double_ml *ml)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o}}", "treatment_left",
        fit_number(ml->effect.left), "treatment_r_squared", fit_number(ml->of_treatment.r_squared),
        "outcome_r_squared", fit_number(ml->of_outcome.r_squared), "effective_rows",
        fit_number(ml->effective_rows), "robustness_value", fit_number(ml->robustness),
        "robustness_value_significance", fit_number(ml->robustness_significance), "weights",
        "outcome", weights_json(&ml->of_outcome), "treatment", weights_json(&ml->of_treatment));
}

static json_t *controls_json(const struct fit_dml_data *data)
{
    json_t *list = json_array();
    for (int64_t j = 0; j < data->columns; j++)
        json_array_append_new(list, json_string(fit_dml_control(data, j)));
    return list;
}

static json_t *settings_json(const struct fit_dml_result *result)
{
    const struct double_ml_options *opt = result->opt;
    json_t *json = json_pack("{s:s, s:I, s:I}", "nuisance", opt->forest ? "forest" : "lsq", "folds",
                             (json_int_t)opt->folds, "seed", (json_int_t)opt->seed);
    json_object_set_new(json, "repeats", json_integer(result->repeats));
    if (opt->forest) {
        json_object_set_new(json, "trees", json_integer(opt->trees));
        json_object_set_new(json, "depth", json_integer(opt->depth));
        json_object_set_new(json, "min_rows", json_integer(opt->min_rows));
        json_object_set_new(json, "boosted", json_integer(opt->boosted));
    }
    return json;
}

/* ---- leaves ---- */

static void words_clear(int64_t columns, const char **name, const char ***level)
{
    for (int64_t j = 0; level != NULL && j < columns; j++) free(level[j]);
    free(level);
    free(name);
}

/* Names of the controls, and the texts of their levels. */
static enum status words_make(const struct fit_dml_data *data, const char ***name,
                              const char ****level)
{
    enum status status = OK;
    TRY(memory_new(name, data->columns, sizeof **name));
    TRY(memory_new(level, data->columns, sizeof **level));
    for (int64_t j = 0; j < data->columns; j++) {
        const struct table_column *column = &data->in.table->column[data->source[j]];
        (*name)[j] = column->name;
        if (data->levels[j] == 0) continue;
        TRY(memory_new(&(*level)[j], data->levels[j] + 1, sizeof ***level));
        for (int64_t l = 0; l < data->levels[j]; l++)
            (*level)[j][l] = dictionary_text(&column->levels, l);
    }
done:
    return status;
}

static enum status leaf_json(const struct tree_rule *rule, const struct rules_words *words,
                             const struct double_ml_estimate *e, json_t *list)
{
    char *text = NULL;
    enum status status = rules_text(rule, words, &text);
    if (status != OK) return status;
    json_t *json =
        json_pack("{s:s, s:o, s:o, s:o, s:I}", "if", text, "estimate", fit_number(e->estimate),
                  "std_error", fit_number(e->std_error), "interval",
                  interval_json(e->estimate, e->std_error), "rows", (json_int_t)e->rows);
    free(text);
    return json_array_append_new(list, json) == 0 ? OK : FAIL(ERR_MEMORY, "no memory for a leaf");
}

static enum status leaves_json(const struct fit_dml_result *result, json_t *json)
{
    enum status status = OK;
    const struct double_ml_tree *tree = result->tree;
    const char **name = NULL, ***level = NULL;
    struct tree_rules rules = {0};
    json_t *list = json_array();
    TRY(words_make(result->data, &name, &level));
    TRY(tree_rules_make(&tree->forest->tree[0], 0, &rules));
    struct rules_words words = {name, tree->bins->missing, (const char *const *const *)level};
    for (int64_t i = 0; i < rules.count; i++)
        TRY(leaf_json(&rules.rule[i], &words, &tree->estimate[rules.rule[i].leaf], list));
    json_object_set(json, "leaves", list);
    json_object_set_new(json, "leaves_wald",
                        json_pack("{s:o, s:I}", "statistic", fit_number(tree->wald),
                                  "degrees_of_freedom", (json_int_t)(tree->leaves - 1)));
done:
    json_decref(list);
    tree_rules_clear(&rules);
    words_clear(result->data->columns, name, level);
    return status;
}

/* ---- all ---- */

static json_t *all_json(const struct fit_dml_result *result)
{
    const struct double_ml *ml = result->ml;
    const struct fit_dml_source *source = result->source;
    json_t *json = json_pack(
        "{s:I, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "rows", (json_int_t)ml->rows,
        "rows_left_out", (json_int_t)result->data->left_out, "outcome", source->outcome,
        "treatment", source->treatment, "controls", controls_json(result->data), "naive",
        fit_number(ml->naive.estimate), "naive_std_error", fit_number(ml->naive.std_error),
        "estimate", fit_number(ml->effect.estimate), "std_error", fit_number(ml->effect.std_error),
        "interval", interval_json(ml->effect.estimate, ml->effect.std_error), "groups",
        groups_json(result));
    if (json == NULL) return NULL;
    if (result->data->groups.count > 0)
        json_object_set_new(json, "groups_average",
                            json_pack("{s:o, s:o}", "estimate",
                                      fit_number(result->average.estimate), "std_error",
                                      fit_number(result->average.std_error)));
    json_object_set_new(json, "effects", terms_json(result));
    if (source->cluster != NULL) json_object_set_new(json, "cluster", json_string(source->cluster));
    json_object_set_new(json, "diagnostics", diagnostics_json(ml));
    json_object_set_new(json, "settings", settings_json(result));
    return json;
}

enum status fit_dml_json(const struct fit_dml_result *result, json_t **json)
{
    *json = all_json(result);
    if (*json == NULL) return FAIL(ERR_MEMORY, "no memory for the result");
    enum status status = result->tree != NULL ? leaves_json(result, *json) : OK;
    if (status != OK) {
        json_decref(*json);
        *json = NULL;
    }
    return status;
}
