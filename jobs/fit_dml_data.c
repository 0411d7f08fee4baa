/* Rows for double machine learning. */
#include "jobs/fit_dml_data.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TREATMENT_FACTOR, GROUP_FACTOR };

/* ---- formulas ---- */

void fit_dml_source_clear(struct fit_dml_source *source)
{
    formula_free(&source->formula);
    formula_free(&source->modifier);
    free(source->controls);
    *source = (struct fit_dml_source){0};
}

static enum status parse_parts(const char *outcome, const char *treatment, const char *group_by,
                               struct formula **formula)
{
    char *text = NULL;
    int bytes = group_by == NULL
                    ? asprintf(&text, "%s ~ I(%s)", outcome, treatment)
                    : asprintf(&text, "%s ~ I(%s) + C(%s)", outcome, treatment, group_by);
    if (bytes < 0) return FAIL(ERR_MEMORY, "no memory for a formula");
    enum status status = formula_parse(text, formula);
    free(text);
    return status;
}

static enum status parse_effects(const char *outcome, const char *effects, struct formula **formula)
{
    char *text = NULL;
    if (asprintf(&text, "%s ~ %s", outcome, effects) < 0)
        return FAIL(ERR_MEMORY, "no memory for a formula");
    enum status status = formula_parse(text, formula);
    free(text);
    return status;
}

/* Both formulas read the columns of both, so that both use the same rows. */
static enum status join_names(struct formula *a, struct formula *b)
{
    enum status status = OK;
    int64_t number = 0;
    for (int64_t i = 0; i < b->names; i++) TRY(formula_read(a, b->name[i], &number));
    for (int64_t i = 0; i < a->names; i++) TRY(formula_read(b, a->name[i], &number));
done:
    return status;
}

/* One term each: what looks like more would be taken apart. */
static enum status check_parts(const struct fit_dml_source *source)
{
    int64_t wanted = source->group_by != NULL ? 2 : 1;
    if (source->formula->factors == wanted && source->formula->terms == wanted &&
        source->formula->effects == 0 && source->formula->intercept)
        return OK;
    status_set_message("--outcome, --treatment and --group-by are an expression each, such as "
                       "log(price) or income < 1; several effects go to --effects");
    return ERR_USAGE;
}

/* I(...) is ours: messages name the treatment as it was given. */
static void unwrap(char *text)
{
    size_t length = strlen(text);
    if (strncmp(text, "I(", 2) != 0) return;
    memmove(text, text + 2, length - 3);
    text[length - 3] = 0;
}

enum status fit_dml_parse(struct fit_dml_source *source)
{
    enum status status = OK;
    TRY(parse_parts(source->outcome, source->treatment, source->group_by, &source->formula));
    TRY(check_parts(source));
    unwrap(source->formula->factor[TREATMENT_FACTOR].text);
    if (source->cluster != NULL)
        TRY(formula_read(source->formula, source->cluster, &source->formula->cluster));
    if (source->effects != NULL) {
        TRY(parse_effects(source->outcome, source->effects, &source->modifier));
        TRY(join_names(source->formula, source->modifier));
    }
done:
    return status;
}

/* ---- which columns are controls ---- */

static bool is_named(char *const *names, int64_t count, const char *name)
{
    for (int64_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

static bool reads(const struct fit_dml_source *source, const struct formula *formula,
                  const struct formula_factor *factor, const char *name)
{
    int64_t columns[FORMULA_NAMES];
    int64_t count = expression_columns(factor->expression, columns);
    (void)source;
    for (int64_t i = 0; i < count; i++)
        if (strcmp(formula->name[columns[i]], name) == 0) return true;
    return factor->column >= 0 && strcmp(formula->name[factor->column], name) == 0;
}

/* Part of outcome or treatment, or the cluster: no control unless it is named as one. */
static bool is_subject(const struct fit_dml_source *source, const char *name)
{
    const struct formula *f = source->formula;
    return reads(source, f, &f->outcome, name) ||
           reads(source, f, &f->factor[TREATMENT_FACTOR], name) ||
           (source->cluster != NULL && strcmp(source->cluster, name) == 0);
}

/* Part of groups or effects: a control in any case. */
static bool is_modifier(const struct fit_dml_source *source, const char *name)
{
    const struct formula *f = source->formula, *m = source->modifier;
    if (source->group_by != NULL && reads(source, f, &f->factor[GROUP_FACTOR], name)) return true;
    for (int64_t i = 0; m != NULL && i < m->factors; i++)
        if (reads(source, m, &m->factor[i], name)) return true;
    return false;
}

static bool usable(const struct fit_dml_data *data, int64_t j)
{
    const struct table *table = data->in.table;
    const struct table_column *column = &table->column[j];
    if (*column->name == 0) return false;
    if (data->in.missing[j] == table->blocks.rows_total) {
        log_warning("%s: control \"%s\" has no value and is left out", data->in.path, column->name);
        return false;
    }
    if (!data->varies[j]) {
        log_warning("%s: control \"%s\" is constant in the rows that are used and is left out",
                    data->in.path, column->name);
        return false;
    }
    return true;
}

/* Texts that are nearly a name of the row say nothing; in `all` those of tens of rows do not, too.
 */
static bool too_many_levels(const struct fit_dml_source *source, const struct fit_dml_data *data,
                            int64_t j, bool named)
{
    const struct table_column *column = &data->in.table->column[j];
    int64_t levels = column->levels.count, rows = data->in.table->blocks.rows_total;
    if (column->type != COLUMN_TEXT) return false;
    if (levels > rows / (named ? 2 : 10)) {
        log_warning("%s: \"%s\" has %" PRId64 " levels, too many for its rows, and is no control",
                    data->in.path, column->name, levels);
        return true;
    }
    if (!source->lines_only || levels <= DOUBLE_ML_LEVELS_MAX) return false;
    log_warning("%s: \"%s\" has %" PRId64 " levels, more than the %d that least squares take, and "
                "is no control: group them, or take --nuisance forest",
                data->in.path, column->name, levels, DOUBLE_ML_LEVELS_MAX);
    return true;
}

static bool is_control(const struct fit_dml_source *source, const struct fit_dml_data *data,
                       int64_t j)
{
    const char *name = data->in.table->column[j].name;
    if (is_named(source->controls, source->controls_count, name))
        return usable(data, j) && !too_many_levels(source, data, j, true);
    if (is_subject(source, name)) return false;
    if (is_modifier(source, name)) {
        if (!source->all)
            log_info("%s is a control, too, since effects are told apart by it", name);
        return usable(data, j) && !too_many_levels(source, data, j, true);
    }
    return source->all && usable(data, j) && !too_many_levels(source, data, j, false);
}

static enum status check_named(const struct fit_dml_source *source, const struct fit_dml_data *data)
{
    const struct formula *f = source->formula;
    int64_t at = 0;
    for (int64_t i = 0; i < source->controls_count; i++) {
        enum status status = fit_table_find(&data->in, source->controls[i], &at);
        if (status != OK) return status;
        if (reads(source, f, &f->factor[TREATMENT_FACTOR], source->controls[i]) ||
            reads(source, f, &f->outcome, source->controls[i]))
            return FAIL(ERR_USAGE,
                        "--controls: \"%s\" is part of the outcome or the treatment and cannot "
                        "explain it away",
                        source->controls[i]);
    }
    return OK;
}

static enum status choose_controls(const struct fit_dml_source *source, struct fit_dml_data *data)
{
    enum status status = OK;
    const struct table *table = data->in.table;
    TRY(check_named(source, data));
    TRY(memory_new(&data->source, table->columns, sizeof *data->source));
    TRY(memory_new(&data->levels, table->columns, sizeof *data->levels));
    for (int64_t j = 0; j < table->columns; j++) {
        if (!is_control(source, data, j)) continue;
        if (table->column[j].type == COLUMN_TEXT)
            data->levels[data->columns] = table->column[j].levels.count;
        data->source[data->columns++] = j;
    }
    if (data->columns == 0)
        TRY(FAIL(ERR_DATA, "no control is left; name columns that drive the treatment"));
done:
    return status;
}

const char *fit_dml_control(const struct fit_dml_data *data, int64_t j)
{
    return data->in.table->column[data->source[j]].name;
}

/* ---- rows ---- */

static enum status read_table(const struct comm *comm, const struct fit_dml_source *source,
                              struct fit_dml_data *data)
{
    enum status status = OK;
    const struct formula *f = source->formula;
    const char **names = NULL;
    int64_t count = 0;
    TRY_ALL(comm, memory_new(&names, f->names + source->controls_count, sizeof *names));
    for (int64_t i = 0; i < f->names; i++) names[count++] = f->name[i];
    for (int64_t i = 0; i < source->controls_count; i++)
        if (!is_named((char *const *)f->name, f->names, source->controls[i]))
            names[count++] = source->controls[i];
    TRY(fit_table_read(comm, source->path, names, source->all ? 0 : count, &data->in));
done:
    free(names);
    return status;
}

static enum status fill_controls(const struct fit_dml_data *data, int64_t from, float *to)
{
    for (int64_t j = 0; j < data->columns; j++) {
        const struct table_column *column = &data->in.table->column[data->source[j]];
        if (column->type == COLUMN_TEXT)
            to[j] = column->code[from] < 0 ? NAN : (float)column->code[from];
        else
            to[j] = (float)column->number[from];
        if (isinf(to[j]))
            return FAIL(ERR_DATA,
                        "control \"%s\" is %g in data row %" PRId64 ", beyond single precision; "
                        "give it in a larger unit",
                        column->name, column->number[from],
                        data->in.table->blocks.row_first + from + 1);
    }
    return OK;
}

static enum status fill_rows(const struct fit_dml_source *source, struct fit_dml_data *data)
{
    enum status status = OK;
    const struct formula *f = source->formula;
    int64_t rows = data->rows.blocks.rows_local, to = 0;
    double values[FORMULA_NAMES] = {0};
    TRY(memory_new(&data->x, rows * data->columns, sizeof *data->x));
    TRY(memory_new(&data->outcome, rows, sizeof *data->outcome));
    TRY(memory_new(&data->treatment, rows, sizeof *data->treatment));
    for (int64_t i = 0; i < data->in.table->blocks.rows_local; i++) {
        if (!data->rows.complete[i]) continue;
        formula_rows_read(&data->rows, i, values);
        TRY(formula_rows_evaluate(&data->rows, &f->outcome, i, values, &data->outcome[to]));
        TRY(formula_rows_evaluate(&data->rows, &f->factor[TREATMENT_FACTOR], i, values,
                                  &data->treatment[to]));
        TRY(fill_controls(data, i, data->x + to * data->columns));
        to++;
    }
done:
    return status;
}

/* Warn of rows left out, or fail if none remain. */
static enum status tell_left_out(const struct fit_dml_source *source, struct fit_dml_data *data)
{
    const struct formula *f = source->formula;
    int64_t at[FORMULA_NAMES], count = 0, some[FORMULA_NAMES];
    for (int64_t i = 0; i < f->names; i++) {
        at[i] = table_find(data->in.table, f->name[i]);
        if (at[i] >= 0) some[count++] = at[i];
    }
    struct fit_columns used = {some, count};
    return fit_table_tell_left_out(&data->in, used, data->left_out);
}

static double value_at(const struct table_column *column, int64_t row)
{
    if (column->type == COLUMN_TEXT) return (double)column->code[row];
    return isnan(column->number[row]) ? -INFINITY : column->number[row];
}

/* Which columns of the table have two values, a missing one among them, in the complete rows. */
static enum status find_varying(const struct comm *comm, struct fit_dml_data *data)
{
    enum status status = OK;
    double *low = NULL;
    const struct table *table = data->in.table;
    int64_t columns = table->columns;
    TRY_ALL(comm, memory_new(&data->varies, columns, sizeof *data->varies));
    TRY_ALL(comm, memory_new(&low, 2 * columns, sizeof *low));
    for (int64_t j = 0; j < 2 * columns; j++) low[j] = INFINITY;
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < table->blocks.rows_local; i++) {
            if (!data->rows.complete[i]) continue;
            double value = value_at(&table->column[j], i);
            low[j] = fmin(low[j], value);
            low[columns + j] = fmin(low[columns + j], -value);
        }
    comm_min_double(comm, low, 2 * columns);
    for (int64_t j = 0; j < columns; j++) data->varies[j] = low[j] < -low[columns + j];
done:
    free(low);
    return status;
}

static enum status check_cluster(const struct fit_dml_source *source,
                                 const struct fit_dml_data *data)
{
    if (source->cluster == NULL || data->varies[table_find(data->in.table, source->cluster)])
        return OK;
    return FAIL(ERR_DATA,
                "--cluster: column \"%s\" has a single value in the rows that are used; two "
                "clusters are needed at least",
                source->cluster);
}

static enum status check_groups(const struct fit_dml_source *source,
                                const struct fit_dml_data *data)
{
    int64_t groups = data->groups.count, rows = data->rows.blocks.rows_total;
    if (groups <= rows / 2 && groups <= DOUBLE_ML_GROUPS_MAX) return OK;
    return FAIL(ERR_DATA,
                "--group-by %s: %" PRId64 " values in %" PRId64 " rows; groups need two rows each, "
                "and there may be up to %d: group by a condition, such as income < 1, or take a "
                "number's line by --effects",
                source->group_by, groups, rows, DOUBLE_ML_GROUPS_MAX);
}

static enum status make_rows(const struct comm *comm, const struct fit_dml_source *source,
                             struct fit_dml_data *data)
{
    enum status status = OK;
    const struct formula *f = source->formula;
    TRY(formula_rows_init(comm, f, data->in.table, &data->rows));
    TRY(find_varying(comm, data));
    TRY_ALL(comm, check_cluster(source, data));
    TRY_ALL(comm, choose_controls(source, data));
    TRY_ALL(comm, fill_rows(source, data));
    TRY(formula_rows_clusters(comm, &data->rows, &data->cluster));
    if (source->group_by != NULL) {
        TRY(formula_rows_factor_levels(comm, &data->rows, &f->factor[GROUP_FACTOR], &data->groups));
        TRY(check_groups(source, data));
    }
    if (source->modifier != NULL)
        TRY(formula_design_make(comm, source->modifier, data->in.table, &data->terms));
done:
    return status;
}

enum status fit_dml_data_read(const struct comm *comm, const struct fit_dml_source *source,
                              struct fit_dml_data *data)
{
    enum status status = OK;
    *data = (struct fit_dml_data){0};
    TRY(read_table(comm, source, data));
    TRY(fit_table_blame(&data->in, make_rows(comm, source, data)));
    data->left_out = data->in.table->blocks.rows_total - data->rows.blocks.rows_total;
    TRY(tell_left_out(source, data));
done:
    return status;
}

void fit_dml_data_clear(struct fit_dml_data *data)
{
    formula_design_free(&data->terms);
    formula_levels_clear(&data->groups);
    formula_rows_clear(&data->rows);
    free(data->varies);
    free(data->source);
    free(data->levels);
    free(data->x);
    free(data->outcome);
    free(data->treatment);
    free(data->cluster);
    fit_table_clear(&data->in);
    *data = (struct fit_dml_data){0};
}

/* ---- terms of the effect ---- */

static void fill_terms(const struct design *design, int64_t row, double *to)
{
    int64_t first = design->intercept ? 1 : 0;
    if (design->intercept) to[0] = 1;
    for (int64_t j = 0; j < design->dense; j++) to[first + j] = design->x[row * design->dense + j];
    for (int64_t e = 0;
         design->sparse > 0 && e < design->row_start[row + 1] - design->row_start[row]; e++) {
        int64_t entry = design->row_start[row] + e;
        to[first + design->dense + design->column[entry]] =
            design->value == NULL ? 1 : design->value[entry];
    }
}

enum status fit_dml_terms(const struct fit_dml_data *data, double **term)
{
    const struct design *design = &data->terms->design;
    int64_t terms = design_parameters(design);
    if (terms > DOUBLE_ML_TERMS_MAX)
        return FAIL(ERR_DATA,
                    "--effects makes %" PRId64 " terms; there may be up to %d: group levels", terms,
                    DOUBLE_ML_TERMS_MAX);
    enum status status = memory_new(term, design->blocks->rows_local * terms, sizeof **term);
    for (int64_t i = 0; status == OK && i < design->blocks->rows_local; i++)
        fill_terms(design, i, *term + i * terms);
    return status;
}
