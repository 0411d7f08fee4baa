/* `remise fit mlp FILE`: a network trained on one table, and how good it is on rows it did not see.
 */
#include "jobs/command.h"
#include "jobs/fit_mlp_data.h"

#include "algorithms/metrics.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the command line ---- */

struct options {
    struct fit_mlp_source source;
    int64_t hidden[NETWORK_LAYERS_MAX - 1];
    int64_t hidden_count;
    enum activation activation;
    struct network_options fit;
};

enum { KEY_TARGET = 't', KEY_COLUMNS = 'c', KEY_SEED = 's', KEY_EPOCHS = 'e', KEY_BATCH = 'b' };
enum {
    KEY_LAYERS = 256,
    KEY_LOSS,
    KEY_OPTIMIZER,
    KEY_RATE,
    KEY_SCHEDULE,
    KEY_MOMENTUM,
    KEY_DECAY,
    KEY_ACTIVATION,
    KEY_PATIENCE,
    KEY_VALIDATION,
    KEY_TEST,
    KEY_STANDARDIZE,
    KEY_RAW
};

static const char doc[] =
    "Train a multi-layer perceptron on a CSV table, and print as JSON on stdout: rows of each "
    "part, "
    "loss per epoch, and how good the network is on the rows kept for the test: mse, or log_loss, "
    "accuracy, precision, recall, f1 and auc.\v"
    "A target of two texts, such as no and yes, may be given to --loss bce: the second in sorted "
    "order counts as 1. "
    "Rows are dealt to training, validation and test by a hash of their number, so the parts are "
    "the same at any number of ranks; rows with a missing value are left out and counted. The "
    "weights kept are those of the epoch with the lowest validation loss. Columns, and the target "
    "of --loss mse, are standardised by the training rows; all losses are printed in the target's "
    "own units.\n\n"
    "Every rank trains on its own rows and gradients are averaged exactly: the same seed gives the "
    "same bytes at any number of ranks.\n\n"
    "Examples:\n"
    "  remise fit mlp sales.csv --target amount --layers 64,32 --epochs 50\n"
    "  mpirun -n 4 remise fit mlp clicks.csv.gz --target bought --loss bce --columns age,visits\n";

static const struct argp_option option_list[] = {
    {"target", KEY_TARGET, "Y", 0, "Column to predict", 0},
    {"columns", KEY_COLUMNS, "A,B,C", 0, "Columns to predict from (all other columns of numbers)",
     0},
    {"layers", KEY_LAYERS, "N,M", 0, "Units of each hidden layer; 0 for none (128,64)", 0},
    {"loss", KEY_LOSS, "mse|bce", 0, "Squared error, or cross entropy of outcomes 0 and 1 (mse)",
     0},
    {"optimizer", KEY_OPTIMIZER, "adam|sgd", 0, "How to step (adam)", 0},
    {"rate", KEY_RATE, "R", 0, "Learning rate (1e-3 for adam, 1e-2 for sgd)", 0},
    {"schedule", KEY_SCHEDULE, "constant|cosine", 0, "The rate over time (constant)", 0},
    {"momentum", KEY_MOMENTUM, "M", 0, "Momentum of sgd (0.9)", 0},
    {"weight-decay", KEY_DECAY, "W", 0, "Decoupled weight decay of adam (0)", 0},
    {"activation", KEY_ACTIVATION, "relu|tanh|sigmoid", 0, "Of the hidden layers (relu)", 0},
    {"batch", KEY_BATCH, "N", 0, "Rows of a step, over all ranks (256)", 0},
    {"epochs", KEY_EPOCHS, "N", 0, "Passes over the training rows (30)", 0},
    {"patience", KEY_PATIENCE, "N", 0,
     "Stop after N epochs without a lower validation loss; 0 never stops (0)", 0},
    {"seed", KEY_SEED, "S", 0, "Seed of parts, weights and order of rows (1)", 0},
    {"validation", KEY_VALIDATION, "SHARE", 0, "Share of rows that choose the epoch (0.1)", 0},
    {"test", KEY_TEST, "SHARE", 0, "Share of rows kept for the test (0.1)", 0},
    {"standardize", KEY_STANDARDIZE, 0, 0, "Give every column mean 0 and deviation 1 (default)", 0},
    {"no-standardize", KEY_RAW, 0, 0, "Take the columns as they are", 0},
    {0}};

static int64_t parse_count(const char *text, int64_t least, const char *option,
                           struct argp_state *state)
{
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < least)
        argp_error(state, "--%s %s: give a whole number of at least %" PRId64, option, text, least);
    return value;
}

static double parse_number(const char *text, double most, const char *option,
                           struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0.0 && value <= most))
        argp_error(state, "--%s %s: give a number from 0 to %g", option, text, most);
    return value;
}

/* Which of two words. */
static bool parse_choice(const char *text, const char *no, const char *yes, const char *option,
                         struct argp_state *state)
{
    if (strcmp(text, no) != 0 && strcmp(text, yes) != 0)
        argp_error(state, "--%s %s: it is %s or %s", option, text, no, yes);
    return strcmp(text, yes) == 0;
}

static void parse_layers(char *text, struct options *opt, struct argp_state *state)
{
    opt->hidden_count = 0;
    if (strcmp(text, "0") == 0) return;
    for (char *word = strsep(&text, ","); word != NULL; word = strsep(&text, ",")) {
        if (opt->hidden_count == NETWORK_LAYERS_MAX - 1)
            argp_error(state, "--layers: at most %d hidden layers", NETWORK_LAYERS_MAX - 1);
        int64_t units = parse_count(word, 1, "layers", state);
        if (units > NETWORK_SIZE_MAX)
            argp_error(state, "--layers: at most %d units in a layer", NETWORK_SIZE_MAX);
        opt->hidden[opt->hidden_count++] = units;
    }
}

static void check_arguments(struct options *opt, struct argp_state *state)
{
    const struct fit_mlp_source *source = &opt->source;
    struct optimiser_options *optimiser = &opt->fit.optimiser;
    if (source->path == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
    if (source->target == NULL) argp_error(state, "say what to predict: --target COLUMN");
    for (int64_t j = 0; j < source->names_count; j++)
        if (strcmp(source->names[j], source->target) == 0)
            argp_error(state, "--columns: the target %s cannot predict itself", source->target);
    if (source->validation + source->test >= 1.0)
        argp_error(state, "--validation and --test leave no rows to train on");
    if (opt->fit.patience > 0 && source->validation == 0.0)
        argp_error(state, "--patience goes by the validation loss; --validation 0 leaves none");
    if (optimiser->rate == 0.0) optimiser->rate = optimiser->kind == OPTIMISER_SGD ? 1e-2 : 1e-3;
}

/* How the network is trained. */
static error_t parse_training(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    struct optimiser_options *optimiser = &opt->fit.optimiser;
    switch (key) {
    case KEY_OPTIMIZER:
        optimiser->kind =
            parse_choice(text, "adam", "sgd", "optimizer", state) ? OPTIMISER_SGD : OPTIMISER_ADAM;
        break;
    case KEY_RATE:
        optimiser->rate = parse_number(text, 1e3, "rate", state);
        if (optimiser->rate == 0.0) argp_error(state, "--rate %s: nothing is learned at 0", text);
        break;
    case KEY_SCHEDULE:
        optimiser->schedule = parse_choice(text, "constant", "cosine", "schedule", state)
                                  ? RATE_COSINE
                                  : RATE_CONSTANT;
        break;
    case KEY_MOMENTUM:
        optimiser->momentum = parse_number(text, 0.9999, "momentum", state);
        break;
    case KEY_DECAY:
        optimiser->weight_decay = parse_number(text, 1e3, "weight-decay", state);
        break;
    case KEY_BATCH:
        opt->fit.batch = parse_count(text, 1, "batch", state);
        break;
    case KEY_EPOCHS:
        opt->fit.epochs = parse_count(text, 1, "epochs", state);
        break;
    case KEY_PATIENCE:
        opt->fit.patience = parse_count(text, 0, "patience", state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    struct fit_mlp_source *source = &opt->source;
    switch (key) {
    case KEY_TARGET:
        source->target = text;
        break;
    case KEY_COLUMNS:
        free(source->names);
        if (fit_names_parse(text, &source->names, &source->names_count) != OK)
            argp_error(state, "--columns: %s", status_message());
        break;
    case KEY_LAYERS:
        parse_layers(text, opt, state);
        break;
    case KEY_LOSS:
        source->loss = parse_choice(text, "mse", "bce", "loss", state) ? LOSS_BCE : LOSS_MSE;
        break;
    case KEY_ACTIVATION:
        if (activation_parse(text, &opt->activation) != OK)
            argp_error(state, "%s", status_message());
        break;
    case KEY_SEED:
        source->seed = (uint64_t)parse_count(text, 0, "seed", state);
        break;
    case KEY_VALIDATION:
        source->validation = parse_number(text, 1.0, "validation", state);
        break;
    case KEY_TEST:
        source->test = parse_number(text, 1.0, "test", state);
        break;
    case KEY_STANDARDIZE:
        source->standardize = true;
        break;
    case KEY_RAW:
        source->standardize = false;
        break;
    case ARGP_KEY_ARG:
        if (source->path != NULL)
            argp_error(state, "one table at a time: %s and %s", source->path, text);
        source->path = text;
        break;
    case ARGP_KEY_END:
        check_arguments(opt, state);
        break;
    default:
        return parse_training(key, text, state);
    }
    return 0;
}

static enum status fit_mlp_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    struct options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    *opt =
        (struct options){.source = {.validation = 0.1, .test = 0.1, .standardize = true, .seed = 1},
                         .hidden = {128, 64},
                         .hidden_count = 2,
                         .activation = ACTIVATION_RELU,
                         .fit = NETWORK_DEFAULTS};
    opt->fit.optimiser.rate = 0.0; /* by the optimiser, unless given */
    opt->fit.batch = 256;
    opt->fit.epochs = 30;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

static void fit_mlp_free(void *options)
{
    struct options *opt = options;
    free(opt->source.names);
    free(opt);
}

/* ---- the result ---- */

/* What the test rows say. */
struct judgement {
    bool tested; /* there are test rows */
    double mse;
    struct metrics_binary binary;
};

static enum status judge(const struct comm *comm, const struct fit_mlp_data *data,
                         const struct network *model, struct judgement *judgement)
{
    enum status status = OK;
    float *predicted = NULL;
    int64_t rows_local = data->blocks->rows_local, rows = 0;
    TRY_ALL(comm, memory_new(&predicted, rows_local, sizeof *predicted));
    TRY_ALL(comm, network_apply(model, data->x, rows_local, data->columns, predicted));
    struct metrics_rows judged = {data->blocks, data->y, predicted, data->part, PART_TEST};
    judgement->tested = data->rows[PART_TEST] > 0;
    if (model->loss == LOSS_BCE)
        TRY(metrics_binary(comm, &judged, &judgement->binary));
    else
        TRY(metrics_mse(comm, &judged, &judgement->mse, &rows));
    judgement->mse *= data->target_unit * data->target_unit;
done:
    free(predicted);
    return status;
}

/* JSON has no infinity: null, as where there is no number. */
static json_t *number_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *curve_json(const double *loss, int64_t epochs, double unit)
{
    if (loss == NULL) return json_null();
    json_t *curve = json_array();
    for (int64_t e = 0; e < epochs; e++)
        json_array_append_new(curve, number_json(loss[e] * unit * unit));
    return curve;
}

/* A measure, or null where there is none. */
static void put(json_t *object, const char *name, bool known, double value)
{
    json_object_set_new(object, name, known ? number_json(value) : json_null());
}

static void put_judgement(json_t *result, enum loss loss, const struct judgement *judgement)
{
    const struct metrics_binary *binary = &judgement->binary;
    if (loss == LOSS_MSE) {
        put(result, "mse", judgement->tested, judgement->mse);
        return;
    }
    put(result, "log_loss", judgement->tested, binary->log_loss);
    put(result, "accuracy", judgement->tested, binary->accuracy);
    put(result, "precision", judgement->tested, binary->precision);
    put(result, "recall", judgement->tested, binary->recall);
    put(result, "f1", judgement->tested, binary->f1);
    put(result, "auc", judgement->tested, binary->auc);
}

static json_t *result_json(const struct options *opt, const struct fit_mlp_data *data,
                           const struct network_history *history, const struct judgement *judgement)
{
    json_t *columns = json_array(), *layers = json_array();
    for (int64_t j = 0; j < data->columns; j++)
        json_array_append_new(columns, json_string(fit_mlp_data_name(data, j)));
    for (int64_t h = 0; h < opt->hidden_count; h++)
        json_array_append_new(layers, json_integer(opt->hidden[h]));
    json_t *result = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:I, s:I, s:b, s:{s:o, s:o}}", "rows",
        (json_int_t)data->blocks->rows_total, "rows_train", (json_int_t)data->rows[PART_TRAIN],
        "rows_validation", (json_int_t)data->rows[PART_VALIDATION], "rows_test",
        (json_int_t)data->rows[PART_TEST], "rows_left_out", (json_int_t)data->rows[PART_NONE],
        "target", opt->source.target, "columns", columns, "layers", layers, "epochs",
        (json_int_t)history->epochs, "best_epoch", (json_int_t)(history->best_epoch + 1),
        "stopped_early", history->stopped, "loss", "train",
        curve_json(history->train, history->epochs, data->target_unit), "validation",
        curve_json(history->validation, history->epochs, data->target_unit));
    if (result == NULL) return NULL;
    if (data->outcome[0] != NULL)
        json_object_set_new(result, "outcomes",
                            json_pack("[s, s]", data->outcome[0], data->outcome[1]));
    put_judgement(result, opt->source.loss, judgement);
    return result;
}

static void warn(const struct options *opt, const struct fit_mlp_data *data,
                 const struct judgement *judgement)
{
    if (!judgement->tested && opt->source.test > 0.0)
        log_warning("%s: of %" PRId64 " rows none fell to the test; raise --test to have measures",
                    data->in.path, data->blocks->rows_total);
    if (opt->source.loss == LOSS_MSE && !isfinite(judgement->mse))
        log_warning("%s: the squares of \"%s\" are beyond double precision, losses are null; give "
                    "it in a larger unit",
                    data->in.path, opt->source.target);
}

static enum status print_result(const struct options *opt, const struct fit_mlp_data *data,
                                const struct network_history *history,
                                const struct judgement *judgement)
{
    json_t *result = result_json(opt, data, history, judgement);
    if (result == NULL) return FAIL(ERR_MEMORY, "no memory for the result");
    size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(17);
    bool written =
        json_dumpf(result, stdout, flags) == 0 && fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    json_decref(result);
    return written ? OK : FAIL(ERR_WRITE, "cannot write the result to stdout: %m");
}

static enum status fit_mlp_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct fit_mlp_data data = {0};
    struct network *model = NULL;
    struct network_history history = {0};
    struct judgement judgement = {0};
    TRY(fit_mlp_data_read(comm, &opt->source, &data));
    TRY_ALL(comm, network_new_mlp(data.columns, opt->hidden, opt->hidden_count, opt->activation,
                                  opt->source.loss, &model));
    network_start(model, opt->source.seed);
    opt->fit.seed = opt->source.seed;
    struct rows rows = {data.blocks, data.columns, data.columns, data.x};
    struct network_data training = {.rows = rows, .y = data.y, .part = data.part};
    TRY(fit_table_blame(&data.in, network_fit(comm, &training, &opt->fit, model, &history)));
    TRY(judge(comm, &data, model, &judgement));
    warn(opt, &data, &judgement);
    TRY_ALL(comm, comm->rank == 0 ? print_result(opt, &data, &history, &judgement) : OK);
done:
    network_history_clear(&history);
    network_free(&model);
    fit_mlp_data_clear(&data);
    return status;
}

const struct command command_fit_mlp = {.name = "mlp",
                                        .summary = "a multi-layer perceptron, and its test",
                                        .alone = false,
                                        .parse = fit_mlp_parse,
                                        .run = fit_mlp_run,
                                        .free = fit_mlp_free};
