/* `remise fit tower FILE`: a sequence and plain columns in one network. */
#include "jobs/fit_network.h"

#include <string.h>

enum { KEY_ENCODER = 256, KEY_UNITS, KEY_WIDTH, KEY_POOL };

static const char doc[] =
    "Train a network of two inputs on a CSV table, a sequence and plain columns beside it, and "
    "print as JSON on stdout: rows of each part, layers, loss per epoch, and how good the network "
    "is on the rows kept for the test: mse, or log_loss, accuracy, precision, recall, f1 and auc."
    "\v"
    "A row holds one sequence, step by step, the oldest first, in the columns x_0, x_1, ... (or "
    "NAME_0, NAME_1, ... by --sequence); with --channels C each step has C values side by side. An "
    "encoder reads it: gru or lstm, whose last state it hands on, or cnn, windows of --width steps "
    "with the largest value of every --pool steps. What it hands on and the plain columns, those "
    "of --columns or all other numbers, go side by side into the dense layers of --layers. So a "
    "history of events meets who the user is and what the product is.\n\n"
    "Rows are dealt to training, validation and test by a hash of their number; rows with a "
    "missing value are left out and counted. The weights kept are those of the epoch with the "
    "lowest validation loss. Channels, plain columns, and the target unless --loss is bce, are "
    "standardised by the training rows; all losses are printed in the target's own units. The "
    "same seed gives the same bytes at any number of ranks.\n\n"
    "Examples:\n"
    "  remise fit tower visits.csv --target bought --loss bce --channels 4 --columns age,price\n"
    "  remise fit tower visits.csv --target spent --encoder cnn --units 16,16 --layers 32,16\n"
    "  remise fit tower visits.csv --target bought --loss bce --channels 4 --model tower.h5\n"
    "  remise apply tower.h5 tomorrow.csv\n";

static const struct argp_option option_list[] = {
    {"encoder", KEY_ENCODER, "gru|lstm|cnn", 0, "What reads the sequence (gru)", 0},
    {"units", KEY_UNITS, "N,M", 0, "Hidden units, or filters, of each layer of the encoder (32)",
     0},
    {"width", KEY_WIDTH, "STEPS", 0, "With --encoder cnn: steps of a window (3)", 0},
    {"pool", KEY_POOL, "STEPS", 0,
     "With --encoder cnn: steps that are pooled after each convolution; 0: none (2)", 0},
    FIT_NETWORK_SEQUENCE_OPTIONS,
    {0}};

static const struct layer_kind *parse_encoder(const char *text, struct argp_state *state)
{
    if (strcmp(text, "gru") == 0) return &layer_gru;
    if (strcmp(text, "lstm") == 0) return &layer_lstm;
    if (strcmp(text, "cnn") != 0) argp_error(state, "--encoder %s: it is gru, lstm or cnn", text);
    return &layer_convolution;
}

/* What only convolutions have is taken from the others. */
static void settle(struct fit_network *opt, struct argp_state *state)
{
    bool windows = opt->sequence_kind == &layer_convolution;
    if (!windows && (opt->width > 0 || opt->pool >= 0))
        argp_error(state, "--width and --pool go with --encoder cnn");
    if (opt->width == 0) opt->width = 3;
    if (opt->pool < 0) opt->pool = windows ? 2 : 0;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct fit_network *opt = state->input;
    switch (key) {
    case KEY_ENCODER:
        opt->sequence_kind = parse_encoder(text, state);
        break;
    case KEY_UNITS:
        fit_network_parse_sizes(text, "units", &opt->units, state);
        if (opt->units.count == 0) argp_error(state, "--units: give at least one layer");
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
    case ARGP_KEY_END:
        settle(opt, state);
        break;
    default:
        return fit_network_parse_sequence(key, text, state);
    }
    return 0;
}

static enum status fit_tower_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {.options = option_list,
                                     .parser = parse_option,
                                     .args_doc = "FILE",
                                     .doc = doc,
                                     .children = fit_network_children};
    struct fit_network defaults = {FIT_NETWORK_COMMON, .sequence_kind = &layer_gru};
    defaults.training.name = "fit tower";
    defaults.source.channels = 1;
    defaults.source.tower = true;
    defaults.units = (struct fit_network_sizes){{32}, 1};
    defaults.hidden = (struct fit_network_sizes){{32}, 1};
    defaults.pool = -1; /* as suits the encoder */
    return fit_network_parse(argc, argv, &argp, &defaults, options);
}

const struct command command_fit_tower = {.name = "tower",
                                          .summary = "a sequence and plain columns together",
                                          .alone = false,
                                          .parse = fit_tower_parse,
                                          .run = fit_network_run,
                                          .free = fit_network_free};
