/* Forests saved, read and applied. */
#include "jobs/model_forest.h"

#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 64, SHARES_MAX = 16 }; /* classes of which every share is told */

/* ---- nodes ---- */

/* One array for each field of the nodes of all trees. */
struct fields {
    int64_t trees, nodes, outputs;
    int64_t *first; /* [trees + 1] */
    int32_t *feature, *left;
    float *threshold;
    uint8_t *missing_left;
    int64_t *rows;
    double *gain, *value;
};

static void fields_clear(struct fields *f)
{
    free(f->first);
    free(f->feature);
    free(f->left);
    free(f->threshold);
    free(f->missing_left);
    free(f->rows);
    free(f->gain);
    free(f->value);
}

static enum status fields_init(struct fields *f)
{
    enum status status = OK;
    TRY(memory_new(&f->feature, f->nodes, sizeof *f->feature));
    TRY(memory_new(&f->left, f->nodes, sizeof *f->left));
    TRY(memory_new(&f->threshold, f->nodes, sizeof *f->threshold));
    TRY(memory_new(&f->missing_left, f->nodes, sizeof *f->missing_left));
    TRY(memory_new(&f->rows, f->nodes, sizeof *f->rows));
    TRY(memory_new(&f->gain, f->nodes, sizeof *f->gain));
    TRY(memory_new(&f->value, f->nodes * f->outputs, sizeof *f->value));
done:
    return status;
}

/* Move a tree's nodes to or from the fields. */
static void take_tree(struct fields *f, int64_t first, const struct tree *tree)
{
    for (int64_t i = 0; i < tree->nodes; i++) {
        const struct tree_node *node = &tree->node[i];
        f->feature[first + i] = node->feature;
        f->left[first + i] = node->left;
        f->threshold[first + i] = node->threshold;
        f->missing_left[first + i] = node->missing_left;
        f->rows[first + i] = node->rows;
        f->gain[first + i] = node->gain;
    }
    memcpy(f->value + first * f->outputs, tree->value,
           (size_t)(tree->nodes * f->outputs) * sizeof *f->value);
}

static enum status take_forest(struct fields *f, const struct forest *forest)
{
    enum status status = OK;
    f->trees = forest->trees;
    f->outputs = forest->outputs;
    TRY(memory_new(&f->first, f->trees + 1, sizeof *f->first));
    for (int64_t t = 0; t < f->trees; t++) f->first[t + 1] = f->first[t] + forest->tree[t].nodes;
    f->nodes = f->first[f->trees];
    TRY(fields_init(f));
    for (int64_t t = 0; t < f->trees; t++) take_tree(f, f->first[t], &forest->tree[t]);
done:
    return status;
}

static const struct store_column first_column = {"trees/first", STORE_I64, 1, "node",
                                                 "first node of each tree, and the number of all"};

/* The fields of the nodes, as they are written and read. */
enum { FIELDS = 7 };
static const struct store_column field_columns[FIELDS] = {
    {"nodes/feature", STORE_I32, 1, "column", "column asked about, -1 at a leaf"},
    {"nodes/left", STORE_I32, 1, "node", "left child, from the first node of the tree"},
    {"nodes/threshold", STORE_F32, 1, "of the column", "values up to it go left"},
    {"nodes/missing_left", STORE_U8, 1, "", "1: a missing value goes left"},
    {"nodes/rows", STORE_I64, 1, "rows", "that came here in growing, as often as drawn"},
    {"nodes/gain", STORE_F64, 1, "", "fall of the mean squared error or Gini impurity"},
    {"nodes/value", STORE_F64, 1, "of the target", "mean, or the share of each class"}};

static void *field(const struct fields *f, int n)
{
    void *const at[FIELDS] = {f->feature, f->left, f->threshold, f->missing_left,
                              f->rows,    f->gain, f->value};
    return at[n];
}

static enum status write_fields(const struct comm *comm, struct store *store,
                                const struct fields *f)
{
    enum status status = OK;
    bool root = comm->rank == 0;
    TRY(store_write(comm, store, &first_column, f->first, root ? f->trees + 1 : 0));
    for (int n = 0; n < FIELDS; n++) {
        struct store_column column = field_columns[n];
        if (n == FIELDS - 1) column.width = f->outputs;
        TRY(store_write(comm, store, &column, field(f, n), root ? f->nodes : 0));
    }
done:
    return status;
}

/* ---- texts ---- */

static enum status write_levels(const struct comm *comm, struct store *store,
                                const struct fit_forest_data *data, int64_t j)
{
    enum status status = OK;
    const struct table_column *column = &data->in.table->column[data->source[j]];
    char text[NAME_BYTES], rank[NAME_BYTES];
    snprintf(text, sizeof text, "levels/%" PRId64 "/text", j);
    snprintf(rank, sizeof rank, "levels/%" PRId64 "/number", j);
    const struct store_column numbers = {rank, STORE_I32, 1, "", "number of each text, -1: none"};
    TRY(store_write_dictionary(comm, store, text, "texts of a column", &column->levels));
    TRY(store_write(comm, store, &numbers, data->rank[j],
                    comm->rank == 0 ? column->levels.count : 0));
done:
    return status;
}

static enum status write_classes(const struct comm *comm, struct store *store,
                                 const struct fit_forest_data *data)
{
    static const struct store_column values = {"classes/value", STORE_F64, 1, "of the target",
                                               "the number that is each class"};
    const struct table_column *target = &data->in.table->column[data->source[data->columns]];
    if (data->classes == 0) return OK;
    if (data->class_value != NULL)
        return store_write(comm, store, &values, data->class_value,
                           comm->rank == 0 ? data->classes : 0);
    return store_write_dictionary(comm, store, "classes/text", "texts of the classes",
                                  &target->levels);
}

enum status model_forest_write(const struct comm *comm, const char *path,
                               const struct fit_forest_data *data, const struct forest *forest)
{
    enum status status = OK;
    struct store *store = NULL;
    struct fields f = {0};
    const char **names = NULL;
    TRY_ALL(comm, memory_new(&names, data->columns, sizeof *names));
    for (int64_t j = 0; j < data->columns; j++) names[j] = fit_forest_data_name(data, j);
    TRY_ALL(comm, take_forest(&f, forest));
    TRY(model_create(comm, path, "forest", names, data->columns, &store));
    TRY(store_write_note(comm, store, "target", fit_forest_data_name(data, data->columns)));
    TRY(write_fields(comm, store, &f));
    TRY(write_classes(comm, store, data));
    for (int64_t j = 0; j < data->columns; j++)
        if (data->rank[j] != NULL) TRY(write_levels(comm, store, data, j));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    fields_clear(&f);
    free(names);
    return status;
}

/* ---- reading ---- */

static void free_model(void *model)
{
    struct model_forest *m = model;
    int64_t columns = m->forest != NULL ? m->forest->columns : 0;
    for (int64_t j = 0; j < columns; j++) {
        if (m->levels != NULL) dictionary_clear(&m->levels[j]);
        if (m->rank != NULL) free(m->rank[j]);
    }
    free(m->levels);
    free(m->rank);
    dictionary_clear(&m->class_name);
    free(m->class_value);
    forest_free(&m->forest);
    free(m);
}

static enum status not_whole(const char *what)
{
    return FAIL(ERR_IO, "the saved forest is not whole: %s; fit it again", what);
}

/* Nodes that lead only to nodes behind them, and to columns there are. */
static enum status check_fields(const struct fields *f, int64_t columns)
{
    if (f->first[0] != 0 || f->first[f->trees] != f->nodes)
        return not_whole("its trees do not hold its nodes");
    for (int64_t t = 0; t < f->trees; t++) {
        int64_t nodes = f->first[t + 1] - f->first[t];
        if (nodes < 1 || nodes > f->nodes) return not_whole("a tree has no nodes");
        for (int64_t i = 0; i < nodes; i++) {
            int64_t at = f->first[t] + i, left = f->left[at];
            if (f->feature[at] < 0) continue;
            if (f->feature[at] >= columns || left <= i || left + 1 >= nodes)
                return not_whole("a node leads nowhere");
        }
    }
    return OK;
}

static enum status read_fields(const struct comm *comm, const struct store *store, struct fields *f)
{
    enum status status = OK;
    f->trees = store_rows(comm, store, "trees/first", NULL) - 1;
    f->nodes = store_rows(comm, store, "nodes/value", &f->outputs);
    if (f->trees < 1 || f->nodes < 1) TRY(not_whole("it has no trees"));
    TRY_ALL(comm, memory_new(&f->first, f->trees + 1, sizeof *f->first));
    TRY_ALL(comm, fields_init(f));
    TRY(store_read(comm, store, "trees/first", STORE_I64, 0, f->trees + 1, f->first));
    for (int n = 0; n < FIELDS; n++)
        TRY(store_read(comm, store, field_columns[n].name, field_columns[n].type, 0, f->nodes,
                       field(f, n)));
done:
    return status;
}

static enum status make_tree(const struct fields *f, int64_t t, struct tree *tree)
{
    enum status status = OK;
    int64_t first = f->first[t];
    tree->nodes = f->first[t + 1] - first;
    tree->outputs = f->outputs;
    TRY(memory_new(&tree->node, tree->nodes, sizeof *tree->node));
    TRY(memory_new(&tree->value, tree->nodes * tree->outputs, sizeof *tree->value));
    for (int64_t i = 0; i < tree->nodes; i++)
        tree->node[i] = (struct tree_node){.feature = f->feature[first + i],
                                           .left = f->left[first + i],
                                           .threshold = f->threshold[first + i],
                                           .missing_left = f->missing_left[first + i] != 0,
                                           .gain = f->gain[first + i],
                                           .rows = f->rows[first + i]};
    memcpy(tree->value, f->value + first * f->outputs,
           (size_t)(tree->nodes * f->outputs) * sizeof *tree->value);
done:
    return status;
}

static enum status make_forest(const struct fields *f, int64_t columns, int64_t classes,
                               struct model_forest *model)
{
    enum status status = OK;
    TRY(check_fields(f, columns));
    if (f->outputs != (classes > 0 ? classes : 1)) TRY(not_whole("its classes are not"));
    TRY(memory_new(&model->forest, 1, sizeof *model->forest));
    *model->forest = (struct forest){
        .columns = columns, .classes = classes, .outputs = f->outputs, .trees = f->trees};
    TRY(memory_new(&model->forest->tree, f->trees, sizeof *model->forest->tree));
    TRY(memory_new(&model->levels, columns, sizeof *model->levels));
    TRY(memory_new(&model->rank, columns, sizeof *model->rank));
    for (int64_t t = 0; t < f->trees; t++) TRY(make_tree(f, t, &model->forest->tree[t]));
done:
    return status;
}

static enum status read_levels(const struct comm *comm, const struct store *store, int64_t j,
                               struct model_forest *model)
{
    enum status status = OK;
    char text[NAME_BYTES], rank[NAME_BYTES];
    snprintf(text, sizeof text, "levels/%" PRId64 "/text", j);
    snprintf(rank, sizeof rank, "levels/%" PRId64 "/number", j);
    if (store_rows(comm, store, rank, NULL) < 0) return OK;
    TRY(store_read_dictionary(comm, store, text, &model->levels[j]));
    int64_t count = model->levels[j].count;
    TRY_ALL(comm, memory_new(&model->rank[j], count, sizeof *model->rank[j]));
    TRY(store_read(comm, store, rank, STORE_I32, 0, count, model->rank[j]));
done:
    return status;
}

static enum status read_classes(const struct comm *comm, const struct store *store,
                                struct model_forest *model, int64_t *classes)
{
    enum status status = OK;
    *classes = store_rows(comm, store, "classes/value", NULL);
    if (*classes >= 0) {
        TRY_ALL(comm, memory_new(&model->class_value, *classes, sizeof *model->class_value));
        return store_read(comm, store, "classes/value", STORE_F64, 0, *classes, model->class_value);
    }
    *classes = 0;
    if (store_rows(comm, store, "classes/text", NULL) < 0) return OK;
    TRY(store_read_dictionary(comm, store, "classes/text", &model->class_name));
    *classes = model->class_name.count;
done:
    return status;
}

static enum status read_model(const struct comm *comm, const struct store *store, void **model)
{
    enum status status = OK;
    struct model_forest *fresh = NULL;
    struct fields f = {0};
    int64_t classes = 0, columns = store_rows(comm, store, "columns", NULL);
    TRY_ALL(comm, memory_new(&fresh, 1, sizeof *fresh));
    TRY(read_fields(comm, store, &f));
    TRY(read_classes(comm, store, fresh, &classes));
    TRY_ALL(comm, make_forest(&f, columns, classes, fresh));
    for (int64_t j = 0; j < columns; j++) TRY(read_levels(comm, store, j, fresh));
    *model = fresh;
    fresh = NULL;
done:
    fields_clear(&f);
    if (fresh != NULL) free_model(fresh);
    return status;
}

/* ---- applying ---- */

/* A missing value is no obstacle. */
static void settle(struct model_rows *rows)
{
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) rows->usable[i] = true;
}

static enum status check_column(const struct model_forest *model, const struct model_rows *rows,
                                int64_t j)
{
    const struct table_column *column = model_rows_column(rows, j);
    bool text = column->type == COLUMN_TEXT;
    if (text && model->rank[j] == NULL)
        return fit_table_refuse_text(rows->table, rows->at[j], "the model needs numbers here");
    if (!text && model->rank[j] != NULL)
        return FAIL(ERR_DATA,
                    "%s: column \"%s\" holds numbers, but texts such as \"%.60s\" when the model "
                    "was fitted; name the right one by --columns",
                    rows->table->path, column->name,
                    model->levels[j].count > 0 ? dictionary_text(&model->levels[j], 0) : "");
    return OK;
}

/* The model's number of each level of the table's column; NaN for a text it does not know. */
static enum status translate(const struct model_forest *model, const struct table_column *column,
                             int64_t j, float **number)
{
    enum status status = memory_new(number, column->levels.count, sizeof **number);
    for (int64_t l = 0; status == OK && l < column->levels.count; l++) {
        const char *text = dictionary_text(&column->levels, l);
        int64_t known = dictionary_find(&model->levels[j], text, strlen(text));
        int32_t rank = known < 0 ? -1 : model->rank[j][known];
        (*number)[l] = rank < 0 ? NAN : (float)rank;
    }
    return status;
}

/* Column j of the rows x[:][columns]. */
static enum status fill_column(const struct model_forest *model, const struct model_rows *rows,
                               int64_t j, float *x)
{
    enum status status = OK;
    float *number = NULL;
    const struct table_column *column = model_rows_column(rows, j);
    TRY(check_column(model, rows, j));
    if (model->rank[j] != NULL) TRY(translate(model, column, j, &number));
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        float *to = &x[i * rows->columns + j];
        if (number == NULL)
            *to = (float)column->number[i];
        else
            *to = column->code[i] < 0 ? NAN : number[column->code[i]];
    }
done:
    free(number);
    return status;
}

static enum status predict(const struct model_forest *model, const struct model_rows *rows,
                           double **out)
{
    enum status status = OK;
    float *x = NULL;
    int64_t count = rows->blocks->rows_local;
    TRY(memory_new(&x, count * rows->columns, sizeof *x));
    for (int64_t j = 0; j < rows->columns; j++) TRY(fill_column(model, rows, j, x));
    TRY(memory_new(out, count * model->forest->outputs, sizeof **out));
    struct rows taken = {rows->blocks, rows->columns, rows->columns, x};
    TRY(forest_apply(model->forest, &taken, *out));
done:
    free(x);
    return status;
}

static enum status tell_values(const double *out, struct applied *applied)
{
    double *predicted = NULL;
    enum status status = applied_add(applied, "predicted", &predicted);
    for (int64_t i = 0; status == OK && i < applied->blocks->rows_local; i++) predicted[i] = out[i];
    return status;
}

static void class_label(const struct model_forest *model, int64_t k, char *name, size_t bytes)
{
    if (model->class_value != NULL)
        snprintf(name, bytes, "p_%.17g", model->class_value[k]);
    else
        snprintf(name, bytes, "p_%.50s", dictionary_text(&model->class_name, k));
}

static enum status tell_shares(const struct model_forest *model, const double *out,
                               struct applied *applied)
{
    enum status status = OK;
    int64_t classes = model->forest->classes;
    for (int64_t k = 0; k < classes && classes <= SHARES_MAX; k++) {
        char name[APPLIED_NAME_BYTES];
        double *share = NULL;
        class_label(model, k, name, sizeof name);
        TRY(applied_add(applied, name, &share));
        for (int64_t i = 0; i < applied->blocks->rows_local; i++) share[i] = out[i * classes + k];
    }
done:
    return status;
}

static enum status tell_classes(const struct model_forest *model, const double *out,
                                struct applied *applied)
{
    enum status status = OK;
    double *label = NULL, *share = NULL;
    int64_t classes = model->forest->classes;
    TRY(applied_add(applied, "class", &label));
    if (model->class_value == NULL)
        applied->column[applied->columns - 1].levels = &model->class_name;
    TRY(applied_add(applied, "share", &share));
    for (int64_t i = 0; i < applied->blocks->rows_local; i++) {
        int32_t k = forest_class(out + i * classes, classes);
        label[i] = model->class_value != NULL ? model->class_value[k] : k;
        share[i] = out[i * classes + k];
    }
    TRY(tell_shares(model, out, applied));
done:
    return status;
}

static enum status apply(const struct comm *comm, const void *model, const struct model_rows *rows,
                         struct applied *applied)
{
    enum status status = OK;
    const struct model_forest *m = model;
    double *out = NULL;
    TRY_ALL(comm, predict(m, rows, &out));
    TRY_ALL(comm,
            m->forest->classes > 0 ? tell_classes(m, out, applied) : tell_values(out, applied));
done:
    free(out);
    return status;
}

const struct model_kind model_kind_forest = {.name = "forest",
                                             .texts = true,
                                             .read = read_model,
                                             .settle = settle,
                                             .apply = apply,
                                             .free = free_model};
