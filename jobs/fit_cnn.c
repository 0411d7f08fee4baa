/* `remise fit cnn FILE`: convolutions over sequences. */
#include "jobs/fit_network.h"

enum { KEY_FILTERS = 256, KEY_WIDTH, KEY_POOL, KEY_POOLING };

static const char doc[] =
    "Train a convolutional network on sequences in a CSV table, and print as JSON on stdout: rows "
    "of each part, layers, loss per epoch, and how good the network is on the rows kept for the "
    "test: mse, or log_loss, accuracy, precision, recall, f1 and auc.\v"
    "A row holds one sequence, step by step, in the columns x_0, x_1, ... or in those that "
    "--columns names in order. With --channels C each step has C values side by side: x_0 .. "
    "x_{C-1} are the first step. Every layer of --filters slides windows of --width steps over "
    "what the layer before hands on, applies the activation and takes the largest value of every "
    "--pool steps; dense layers follow (--layers). A pattern is thus found wherever it stands in "
    "the sequence. Where none of these is said and the sequence is too short for them, there are "
    "no pools, and fewer layers or narrower windows.\n\n"
    "Rows are dealt to training, validation and test by a hash of their number; rows with a "
    "missing value are left out and counted. The weights kept are those of the epoch with the "
    "lowest validation loss. Channels, and the target unless --loss is bce, are standardised by "
    "the training rows; all losses are printed in the target's own units. The same seed gives the "
    "same bytes at any number of ranks.\n\n"
    "Examples:\n"
    "  remise fit cnn weeks.csv --target bought --loss bce --filters 32,32 --layers 16\n"
    "  remise fit cnn weeks.csv --target spent --columns w1,w2,w3,w4 --filters 8 --pool 0\n"
    "  mpirun -n 4 remise fit cnn visits.csv.gz --target bought --loss bce --channels 8\n";

static const struct argp_option option_list[] = {
    {"filters", KEY_FILTERS, "N,M", 0, "Filters of each convolution (32,32)", 0},
    {"width", KEY_WIDTH, "STEPS", 0, "Steps of a convolution's window (3)", 0},
    {"pool", KEY_POOL, "STEPS", 0, "Steps that are pooled after each convolution; 0: none (2)", 0},
    {"pooling", KEY_POOLING, "max|mean", 0, "The largest value or the mean (max)", 0},
    FIT_NETWORK_SEQUENCE_OPTIONS,
    {0}};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct fit_network *opt = state->input;
    switch (key) {
    case KEY_FILTERS:
        fit_network_parse_sizes(text, "filters", &opt->units, state);
        opt->windows_said = true;
        break;
    case KEY_WIDTH:
        opt->width = fit_network_parse_count(text, 1, "width", state);
        opt->windows_said = true;
        break;
    case KEY_POOL:
        opt->pool = fit_network_parse_count(text, 0, "pool", state);
        opt->windows_said = true;
        break;
    case KEY_POOLING:
        opt->pool_kind = fit_network_parse_choice(text, "max", "mean", "pooling", state)
                             ? &layer_mean_pool
                             : &layer_max_pool;
        break;
    default:
        return fit_network_parse_sequence(key, text, state);
    }
    return 0;
}

static enum status fit_cnn_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {.options = option_list,
                                     .parser = parse_option,
                                     .args_doc = "FILE",
                                     .doc = doc,
                                     .children = fit_network_children};
    struct fit_network defaults = {FIT_NETWORK_COMMON, .sequence_kind = &layer_convolution};
    defaults.source.channels = 1;
    defaults.units = (struct fit_network_sizes){{32, 32}, 2};
    defaults.training.name = "fit cnn";
    defaults.hidden = (struct fit_network_sizes){{32}, 1};
    defaults.width = 3;
    defaults.pool = 2;
    return fit_network_parse(argc, argv, &argp, &defaults, options);
}

const struct command command_fit_cnn = {.name = "cnn",
                                        .summary = "convolutions over sequences, and their test",
                                        .alone = false,
                                        .parse = fit_cnn_parse,
                                        .run = fit_network_run,
                                        .free = fit_network_free};
