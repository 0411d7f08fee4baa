/* Units in words and figures. */
#include "jobs/fit_shrink_result.h"

#include "io/csv.h"
#include "io/parse.h"
#include "io/text_file.h"
#include "jobs/fit_print.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- levels and groups ---- */

/* Units that lie in each group of each level. */
static enum status count_members(const struct comm *comm, const struct fit_shrink *fit,
                                 int64_t **members)
{
    enum status status = OK;
    for (int64_t l = 0; l < fit->levels; l++)
        TRY_ALL(comm, memory_new(&members[l], fit->level[l].groups, sizeof **members));
    for (int64_t u = 0; u < fit->statistics.units; u++) members[0][fit->group[u]]++;
    comm_sum_int64(comm, members[0], fit->level[0].groups);
    for (int64_t l = 0; l + 1 < fit->levels; l++)
        for (int64_t g = 0; g < fit->level[l].groups; g++) {
            const int64_t *parent = fit->level[l].parent;
            members[l + 1][parent != NULL ? parent[g] : 0] += members[l][g];
        }
done:
    return status;
}

static int64_t count_groups(const struct fit_shrink *fit, const int64_t *members, int64_t l)
{
    int64_t count = 0;
    for (int64_t g = 0; g < fit->level[l].groups; g++) count += members[g] > 0;
    return count;
}

static double mean_of_groups(const struct fit_shrink *fit, const int64_t *members, int64_t l)
{
    double sum = 0, count = 0;
    for (int64_t g = 0; g < fit->level[l].groups; g++) {
        if (members[g] == 0) continue;
        sum += fit->level[l].mean[g];
        count += 1.0;
    }
    return sum / count;
}

static const char *level_name(const struct fit_shrink *fit, int64_t l)
{
    return l < fit->groups.columns ? fit->groups.column[l].name : "all";
}

/* The units, the groups of each column, all; sd tells how they differ around what they lie in. */
static json_t *levels_json(const struct fit_shrink_options *opt, const struct fit_shrink *fit,
                           int64_t *const *members)
{
    json_t *list = json_array();
    json_array_append_new(list, json_pack("{s:s, s:I, s:o, s:o}", "level", opt->by, "count",
                                          (json_int_t)fit->statistics.units_total, "mean",
                                          fit_number(fit->mean_shrunk), "sd",
                                          fit_number(fit->level[0].spread)));
    for (int64_t l = 0; l < fit->groups.columns; l++)
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:o, s:o}", "level", level_name(fit, l),
                                        "count", (json_int_t)count_groups(fit, members[l], l),
                                        "mean", fit_number(mean_of_groups(fit, members[l], l)),
                                        "sd", fit_number(fit->level[l + 1].spread)));
    return list;
}

static json_t *group_json(const struct fit_shrink *fit, int64_t l, int64_t g, int64_t members)
{
    const struct shrink_level *level = &fit->level[l];
    const struct fit_shrink_column *column = &fit->groups.column[l];
    const char *within = "all";
    if (column->parent != NULL)
        within = dictionary_text(&fit->groups.column[l + 1].texts, column->parent[g]);
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "level", column->name, "group",
                     dictionary_text(&column->texts, g), "within", within, "units",
                     (json_int_t)members, "estimate", fit_number(level->estimate[g]), "std_error",
                     fit_number(level->std_error[g]), "mean", fit_number(level->mean[g]), "sd",
                     fit_number(level->sd[g]));
}

static json_t *groups_json(const struct fit_shrink *fit, int64_t *const *members)
{
    json_t *list = json_array();
    int64_t count = 0;
    for (int64_t l = 0; l < fit->groups.columns; l++) count += count_groups(fit, members[l], l);
    for (int64_t l = fit->groups.columns - 1; l >= 0 && count <= SHRINK_GROUPS_TOLD; l--)
        for (int64_t g = 0; g < fit->level[l].groups; g++)
            if (members[l][g] > 0)
                json_array_append_new(list, group_json(fit, l, g, members[l][g]));
    return list;
}

/* ---- the result ---- */

static json_t *figures_json(const struct fit_shrink *fit)
{
    const struct variance_prior *variance = &fit->variance;
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:{s:o, s:o, s:o}, s:o, s:{s:o, s:o}, s:{s:I, s:I}, "
        "s:{s:I, s:I}, s:{s:o, s:o, s:o}}",
        "units", (json_int_t)fit->statistics.units_total, "units_in_full", (json_int_t)fit->own,
        "units_with_estimate", (json_int_t)fit->told, "units_weak", (json_int_t)fit->weak_units,
        "prior", "mean", fit_number(fit->prior.mean), "sd", fit_number(fit->prior.sd),
        "mean_std_error", fit_number(fit->level[fit->levels - 1].sd[0]), "pooled",
        fit_number(fit->regression->shared[fit->wanted]), "error_variance", "typical",
        fit_number(variance->variance), "rows_worth", fit_number(variance->freedom), "positive",
        "unit", (json_int_t)fit->positive[PREDICT_UNIT], "shrunk",
        (json_int_t)fit->positive[PREDICT_SHRUNK], "rows", "train", (json_int_t)fit->train_rows,
        "test", (json_int_t)fit->test_rows, "test_rmse", "unit",
        fit_number(fit->rmse[PREDICT_UNIT]), "pooled", fit_number(fit->rmse[PREDICT_POOLED]),
        "shrunk", fit_number(fit->rmse[PREDICT_SHRUNK]));
}

static const char *term_of(const struct formula_design *made, int64_t column)
{
    int64_t parameter = column + (made->design.intercept ? 1 : 0), i = 0;
    while (i + 1 < made->reported && made->parameter[i] != parameter) i++;
    return made->term[i];
}

/* Means, standard deviations and correlations of the slopes of units in a group. */
static json_t *joint_json(const struct formula_design *made, const struct fit_shrink_slopes *joint)
{
    json_t *list = json_array();
    int64_t k = joint->columns;
    for (int64_t a = 0; a < k; a++) {
        json_t *with = json_object();
        double sd = sqrt(joint->spread[a * k + a]);
        for (int64_t b = 0; b < k; b++) {
            double both = sd * sqrt(joint->spread[b * k + b]);
            if (b != a)
                json_object_set_new(with, term_of(made, joint->column[b]),
                                    fit_number(both > 0.0 ? joint->spread[a * k + b] / both : NAN));
        }
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:o, s:o}", "term", term_of(made, joint->column[a]), "mean",
                            fit_number(joint->mean[a]), "sd", fit_number(sd), "correlation", with));
    }
    return list;
}

static enum status make_json(const struct fit_shrink_options *opt,
                             const struct formula_design *made, const struct fit_shrink *fit,
                             int64_t *const *members, json_t **result)
{
    *result = figures_json(fit);
    int failed = json_object_set_new(*result, "levels", levels_json(opt, fit, members));
    if (opt->joint) failed |= json_object_set_new(*result, "joint", joint_json(made, &fit->joint));
    if (fit->groups.columns > 0)
        failed |= json_object_set_new(*result, "groups", groups_json(fit, members));
    if (opt->sign != 0)
        failed |= json_object_set_new(
            *result, "sign",
            json_pack("{s:s, s:o, s:o}", "is", opt->sign < 0 ? "negative" : "positive", "share",
                      fit_number(fit->mean_share), "mean", fit_number(fit->mean_shrunk)));
    return failed != 0 ? FAIL(ERR_MEMORY, "no memory for the result") : OK;
}

enum status fit_shrink_json(const struct comm *comm, const struct fit_shrink_options *opt,
                            const struct formula_design *made, const struct fit_shrink *fit,
                            json_t **result)
{
    enum status status = OK;
    int64_t *members[SHRINK_WITHIN + 1] = {0};
    *result = NULL;
    TRY(count_members(comm, fit, members));
    TRY_ALL(comm, comm->rank == 0 ? make_json(opt, made, fit, members, result) : OK);
done:
    for (int64_t l = 0; l < fit->levels; l++) free(members[l]);
    return status;
}

/* ---- the table ---- */

static enum status print_text(const char *text, FILE *file)
{
    char *quoted = NULL;
    size_t bytes = strlen(text);
    enum status status = memory_new(&quoted, 2 * (int64_t)bytes + 2, 1);
    if (status != OK) return status;
    fprintf(file, "%.*s", (int)csv_quote(text, bytes, ',', quoted), quoted);
    free(quoted);
    return OK;
}

static void print_number(double x, FILE *file)
{
    char text[NUMBER_TEXT_BYTES + 1] = "";
    size_t bytes = format_number(x, text);
    fprintf(file, "%.*s", (int)bytes, text);
}

static enum status print_unit(const struct table_column *by, bool sign,
                              const struct fit_shrink *fit, int64_t u, FILE *file)
{
    enum status status = OK;
    uint64_t key = fit->statistics.key[u];
    const double values[4] = {fit->regression->estimate[u], fit->std_error[u], fit->shrunk[u],
                              fit->shrunk_sd[u]};
    if (by->type == COLUMN_TEXT)
        TRY(print_text(dictionary_text(&by->levels, (int64_t)key), file));
    else
        print_number(fit_shrink_number(key), file);
    fprintf(file, ",%lld", (long long)fit->statistics.rows[u * fit->statistics.parts]);
    for (int i = 0; i < 4; i++) {
        fputc(',', file);
        print_number(values[i], file);
    }
    fprintf(file, ",%d,", fit_shrink_is_own(fit, u));
    TRY(print_text(level_name(fit, fit->shrunk_to[u]), file));
    fprintf(file, ",%d", fit->weak[u]);
    if (sign) {
        fputc(',', file);
        print_number(fit->share[u], file);
    }
    fputc('\n', file);
done:
    return status;
}

static enum status format_units(const struct comm *comm, const struct table_column *by, bool sign,
                                const struct fit_shrink *fit, char **text, size_t *bytes)
{
    enum status status = OK;
    FILE *file = open_memstream(text, bytes);
    if (file == NULL) return FAIL(ERR_MEMORY, "no memory for the table of units");
    if (comm->rank == 0) {
        TRY(print_text(by->name, file));
        fprintf(file, ",rows,estimate,std_error,shrunk,shrunk_sd,in_full,level,weak%s\n",
                sign ? ",share" : "");
    }
    for (int64_t u = 0; u < fit->statistics.units; u++) TRY(print_unit(by, sign, fit, u, file));
done:
    if (fclose(file) != 0 && status == OK)
        status = FAIL(ERR_MEMORY, "no memory for the table of units");
    return status;
}

enum status fit_shrink_write(const struct comm *comm, const char *path,
                             const struct table_column *by, bool sign, const struct fit_shrink *fit)
{
    enum status status = OK;
    struct text_file *file = NULL;
    char *text = NULL;
    size_t bytes = 0;
    TRY(text_file_open(comm, path, 0644, &file));
    TRY_ALL(comm, format_units(comm, by, sign, fit, &text, &bytes));
    TRY(text_file_append(comm, file, text, (int64_t)bytes));
    TRY(text_file_commit(comm, &file));
done:
    text_file_abandon(comm, &file);
    free(text);
    return status;
}
