/* The options that all networks of `remise fit` share. */
#include "jobs/fit_network.h"

#include "mpi/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TARGET = 't', KEY_COLUMNS = 'c', KEY_SEED = 's', KEY_EPOCHS = 'e', KEY_BATCH = 'b' };
enum {
    KEY_LAYERS = 512, /* a command's own begin at 256 */
    KEY_LOSS,
    KEY_OPTIMIZER,
    KEY_RATE,
    KEY_SCHEDULE,
    KEY_MOMENTUM,
    KEY_DECAY,
    KEY_CLIP,
    KEY_ACTIVATION,
    KEY_DROPOUT,
    KEY_CLASSES,
    KEY_PATIENCE,
    KEY_VALIDATION,
    KEY_TEST,
    KEY_STANDARDIZE,
    KEY_RAW,
    KEY_BF16,
    KEY_CHECKPOINT,
    KEY_MINUTES,
    KEY_STEPS,
    KEY_MODEL,
    KEY_FROM
};

static const struct argp_option option_list[] = {
    {"target", KEY_TARGET, "Y", 0, "Column to predict", 0},
    {"columns", KEY_COLUMNS, "A,B,C", 0,
     "Columns to predict from, a sequence in this order (all other columns of numbers; of a "
     "sequence x_0, x_1, ...)",
     0},
    {"layers", KEY_LAYERS, "N,M", 0,
     "Units of each hidden dense layer; 0 for none (mlp: 128,64; cnn, tower: 32; gru, "
     "lstm: 0)",
     0},
    {"activation", KEY_ACTIVATION, "relu|tanh|sigmoid|softplus", 0,
     "Of dense layers and convolutions (relu)", 0},
    {"dropout", KEY_DROPOUT, "SHARE", 0,
     "Drop this share of values before every dense layer while training (0)", 0},
    {"loss", KEY_LOSS, "mse|huber|bce", 0,
     "Squared error; Huber's, which is linear beyond one standard deviation of the target; or "
     "cross entropy of outcomes 0 and 1 (mse)",
     0},
    {"class-weights", KEY_CLASSES, "balanced|W0,W1", 0,
     "With --loss bce: how much rows with outcome 0 and 1 count while training; balanced: as much "
     "in sum (1,1)",
     0},
    {"optimizer", KEY_OPTIMIZER, "adam|sgd", 0, "How to step (adam)", 0},
    {"rate", KEY_RATE, "R", 0, "Learning rate (1e-3 for adam, 1e-2 for sgd)", 0},
    {"schedule", KEY_SCHEDULE, "constant|cosine", 0, "The rate over time (constant)", 0},
    {"momentum", KEY_MOMENTUM, "M", 0, "Momentum of sgd (0.9)", 0},
    {"weight-decay", KEY_DECAY, "W", 0, "Decoupled weight decay of adam (0)", 0},
    {"clip", KEY_CLIP, "LENGTH", 0, "Shrink longer gradients to this length; 0 for none (0)", 0},
    {"batch", KEY_BATCH, "N", 0, "Rows of a step, over all ranks (256)", 0},
    {"epochs", KEY_EPOCHS, "N", 0, "Passes over the training rows (30)", 0},
    {"patience", KEY_PATIENCE, "N", 0,
     "Stop after N epochs without a lower validation loss; 0 never stops (0)", 0},
    {"seed", KEY_SEED, "S", 0, "Seed of parts, weights and order of rows (1)", 0},
    {"validation", KEY_VALIDATION, "SHARE", 0, "Share of rows that choose the epoch (0.1)", 0},
    {"test", KEY_TEST, "SHARE", 0, "Share of rows kept for the test (0.1)", 0},
    {"standardize", KEY_STANDARDIZE, 0, 0,
     "Give every column, or every channel of a sequence, mean 0 and deviation 1 (default)", 0},
    {"no-standardize", KEY_RAW, 0, 0, "Take the columns as they are", 0},
    {"bf16", KEY_BF16, 0, 0,
     "Round what is multiplied to bf16 while training; sums and weights stay float32. Faster only "
     "on processors with matrix units (AMX), the same result without them",
     0},
    {"model", KEY_MODEL, "FILE", 0, "Save the model, for remise apply and --from", 0},
    {"from", KEY_FROM, "MODEL", 0,
     "Go on from the weights of this model; columns, scales and layers are its, whatever else is "
     "said",
     0},
    {"checkpoint", KEY_CHECKPOINT, "FILE", 0,
     "Keep the training in this file, from which the same command goes on after a kill or SIGUSR1; "
     "it is gone at the end",
     0},
    {"checkpoint-minutes", KEY_MINUTES, "M", 0,
     "How often; 0: only by steps and where asked to stop (10)", 0},
    {"checkpoint-steps", KEY_STEPS, "N", 0, "The same in steps (0: by minutes alone)", 0},
    {0}};

int64_t fit_network_parse_count(const char *text, int64_t least, const char *option,
                                struct argp_state *state)
{
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < least)
        argp_error(state, "--%s %s: give a whole number of at least %" PRId64, option, text, least);
    return value;
}

double fit_network_parse_number(const char *text, double most, const char *option,
                                struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0.0 && value <= most))
        argp_error(state, "--%s %s: give a number from 0 to %g", option, text, most);
    return value;
}

/* Which of two words. */
bool fit_network_parse_choice(const char *text, const char *no, const char *yes, const char *option,
                              struct argp_state *state)
{
    if (strcmp(text, no) != 0 && strcmp(text, yes) != 0)
        argp_error(state, "--%s %s: it is %s or %s", option, text, no, yes);
    return strcmp(text, yes) == 0;
}

void fit_network_parse_sizes(char *text, const char *option, struct fit_network_sizes *sizes,
                             struct argp_state *state)
{
    sizes->count = 0;
    if (strcmp(text, "0") == 0) return;
    for (char *word = strsep(&text, ","); word != NULL; word = strsep(&text, ",")) {
        if (sizes->count == NETWORK_LAYERS_MAX - 1)
            argp_error(state, "--%s: at most %d layers", option, NETWORK_LAYERS_MAX - 1);
        int64_t size = fit_network_parse_count(word, 1, option, state);
        if (size > NETWORK_SIZE_MAX)
            argp_error(state, "--%s: at most %d units in a layer", option, NETWORK_SIZE_MAX);
        sizes->size[sizes->count++] = size;
    }
}

static enum loss parse_loss(const char *text, struct argp_state *state)
{
    if (strcmp(text, "mse") == 0) return LOSS_MSE;
    if (strcmp(text, "huber") == 0) return LOSS_HUBER;
    if (strcmp(text, "bce") != 0) argp_error(state, "--loss %s: it is mse, huber or bce", text);
    return LOSS_BCE;
}

static void parse_classes(char *text, struct fit_network *opt, struct argp_state *state)
{
    opt->classes = CLASS_WEIGHTS_BALANCED;
    if (strcmp(text, "balanced") == 0) return;
    opt->classes = CLASS_WEIGHTS_GIVEN;
    char *comma = strchr(text, ',');
    if (comma == NULL)
        argp_error(state, "--class-weights %s: give balanced, or two numbers such as 1,5", text);
    *comma = '\0';
    opt->class_weight[0] = fit_network_parse_number(text, 1e6, "class-weights", state);
    opt->class_weight[1] = fit_network_parse_number(comma + 1, 1e6, "class-weights", state);
    if (opt->class_weight[0] + opt->class_weight[1] == 0.0)
        argp_error(state, "--class-weights: one of them must be above 0");
}

static void check_arguments(struct fit_network *opt, struct argp_state *state)
{
    const struct fit_network_source *source = &opt->source;
    struct optimiser_options *optimiser = &opt->fit.optimiser;
    if (source->path == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
    if (source->target == NULL) argp_error(state, "say what to predict: --target COLUMN");
    for (int64_t j = 0; j < source->names_count; j++)
        if (strcmp(source->names[j], source->target) == 0)
            argp_error(state, "--columns: the target %s cannot predict itself", source->target);
    if (opt->from_file != NULL && source->names_count > 0)
        argp_error(state, "--from takes the columns of the model; leave --columns out");
    if (opt->classes != CLASS_WEIGHTS_NONE && source->loss != LOSS_BCE)
        argp_error(state, "--class-weights goes with --loss bce");
    if (source->validation + source->test >= 1.0)
        argp_error(state, "--validation and --test leave no rows to train on");
    if (opt->fit.patience > 0 && source->validation == 0.0)
        argp_error(state, "--patience goes by the validation loss; --validation 0 leaves none");
    if (optimiser->rate == 0.0) optimiser->rate = optimiser->kind == OPTIMISER_SGD ? 1e-2 : 1e-3;
}

/* What is kept of the training, and where. */
static error_t parse_keeping(int key, char *text, struct fit_network *opt, struct argp_state *state)
{
    switch (key) {
    case KEY_MODEL:
        opt->model_file = text;
        break;
    case KEY_FROM:
        opt->from_file = text;
        break;
    case KEY_CHECKPOINT:
        opt->training.path = text;
        break;
    case KEY_MINUTES:
        opt->training.minutes = fit_network_parse_number(text, 1e6, "checkpoint-minutes", state);
        break;
    case KEY_STEPS:
        opt->training.steps = fit_network_parse_count(text, 0, "checkpoint-steps", state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* How the network is trained. */
static error_t parse_training(int key, char *text, struct argp_state *state)
{
    struct fit_network *opt = state->input;
    struct optimiser_options *optimiser = &opt->fit.optimiser;
    switch (key) {
    case KEY_OPTIMIZER:
        optimiser->kind = fit_network_parse_choice(text, "adam", "sgd", "optimizer", state)
                              ? OPTIMISER_SGD
                              : OPTIMISER_ADAM;
        break;
    case KEY_RATE:
        optimiser->rate = fit_network_parse_number(text, 1e3, "rate", state);
        if (optimiser->rate == 0.0) argp_error(state, "--rate %s: nothing is learned at 0", text);
        break;
    case KEY_SCHEDULE:
        optimiser->schedule =
            fit_network_parse_choice(text, "constant", "cosine", "schedule", state) ? RATE_COSINE
                                                                                    : RATE_CONSTANT;
        break;
    case KEY_MOMENTUM:
        optimiser->momentum = fit_network_parse_number(text, 0.9999, "momentum", state);
        break;
    case KEY_DECAY:
        optimiser->weight_decay = fit_network_parse_number(text, 1e3, "weight-decay", state);
        break;
    case KEY_BF16:
        opt->fit.bf16 = true;
        break;
    case KEY_CLIP:
        optimiser->clip = fit_network_parse_number(text, 1e9, "clip", state);
        break;
    case KEY_BATCH:
        opt->fit.batch = fit_network_parse_count(text, 1, "batch", state);
        break;
    case KEY_EPOCHS:
        opt->fit.epochs = fit_network_parse_count(text, 1, "epochs", state);
        break;
    case KEY_PATIENCE:
        opt->fit.patience = fit_network_parse_count(text, 0, "patience", state);
        break;
    default:
        return parse_keeping(key, text, opt, state);
    }
    return 0;
}

/* What is learned from. */
static error_t parse_source(int key, char *text, struct argp_state *state)
{
    struct fit_network *opt = state->input;
    struct fit_network_source *source = &opt->source;
    switch (key) {
    case KEY_TARGET:
        source->target = text;
        break;
    case KEY_COLUMNS:
        free(source->names);
        if (fit_names_parse(text, &source->names, &source->names_count) != OK)
            argp_error(state, "--columns: %s", status_message());
        break;
    case KEY_SEED:
        source->seed = (uint64_t)fit_network_parse_count(text, 0, "seed", state);
        break;
    case KEY_VALIDATION:
        source->validation = fit_network_parse_number(text, 1.0, "validation", state);
        break;
    case KEY_TEST:
        source->test = fit_network_parse_number(text, 1.0, "test", state);
        break;
    case KEY_STANDARDIZE:
    case KEY_RAW:
        source->standardize = key == KEY_STANDARDIZE;
        break;
    case ARGP_KEY_ARG:
        if (source->path != NULL)
            argp_error(state, "one table at a time: %s and %s", source->path, text);
        source->path = text;
        break;
    default:
        return parse_training(key, text, state);
    }
    return 0;
}

/* What is learned. */
static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct fit_network *opt = state->input;
    switch (key) {
    case KEY_LAYERS:
        fit_network_parse_sizes(text, "layers", &opt->hidden, state);
        break;
    case KEY_LOSS:
        opt->source.loss = parse_loss(text, state);
        break;
    case KEY_ACTIVATION:
        if (activation_parse(text, &opt->activation) != OK)
            argp_error(state, "%s", status_message());
        break;
    case KEY_DROPOUT:
        opt->dropout = fit_network_parse_number(text, 0.99, "dropout", state);
        break;
    case KEY_CLASSES:
        parse_classes(text, opt, state);
        break;
    case ARGP_KEY_END:
        check_arguments(opt, state);
        break;
    default:
        return parse_source(key, text, state);
    }
    return 0;
}

static const struct argp shared = {.options = option_list, .parser = parse_option};
const struct argp_child fit_network_children[] = {{&shared, 0, NULL, 0}, {0}};

error_t fit_network_hand_on(int key, char *text, struct argp_state *state)
{
    (void)text;
    if (key != ARGP_KEY_INIT) return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

error_t fit_network_parse_sequence(int key, char *text, struct argp_state *state)
{
    struct fit_network *opt = state->input;
    switch (key) {
    case FIT_NETWORK_CHANNELS:
        opt->source.channels = fit_network_parse_count(text, 1, "channels", state);
        break;
    case FIT_NETWORK_CODES:
        opt->source.codes = fit_network_parse_count(text, 1, "codes", state);
        if (opt->source.codes > LAYER_CODES_MAX)
            argp_error(state, "--codes: at most %d are possible", LAYER_CODES_MAX);
        break;
    case FIT_NETWORK_EMBED:
        opt->embed = fit_network_parse_count(text, 1, "embed", state);
        break;
    case FIT_NETWORK_SEQUENCE:
        opt->source.sequence = text;
        break;
    default:
        return fit_network_hand_on(key, text, state);
    }
    return 0;
}

enum status fit_network_parse(int argc, char **argv, const struct argp *argp,
                              const struct fit_network *defaults, void **options)
{
    struct fit_network *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    *opt = *defaults;
    opt->fit.optimiser.rate = 0.0; /* by the optimiser, unless given */
    opt->fit.batch = 256;
    opt->fit.epochs = 30;
    opt->training.minutes = TRAINING_MINUTES;
    argp_parse(argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

void fit_network_free(void *options)
{
    struct fit_network *opt = options;
    free(opt->source.names);
    free(opt);
}
