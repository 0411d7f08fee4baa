/* `remise fit gru FILE` and `remise fit lstm FILE`: recurrent networks over sequences. */
#include "jobs/fit_network.h"

enum { KEY_UNITS = 256 };

#define DOC(noun, network, memory)                                                                \
    "Train " network " on sequences in a CSV table, and print as JSON on stdout: rows of each "   \
    "part, layers, loss per epoch, and how good the network is on the rows kept for the test: "   \
    "mse, or log_loss, accuracy, precision, recall, f1 and auc.\v"                                \
    "A row holds one sequence, step by step, the oldest first, in the columns x_0, x_1, ... or "  \
    "in those that --columns names in order. With --channels C each step has C values side by "   \
    "side: x_0 .. x_{C-1} are the first step. The network reads the steps one by one and keeps "  \
    "a state of --units values" memory "; with several layers each reads the states of the one "  \
    "before. The last state is what the prediction is made from, by way of --layers if there "    \
    "are any.\n\n"                                                                                \
    "Rows are dealt to training, validation and test by a hash of their number; rows with a "     \
    "missing value are left out and counted. The weights kept are those of the epoch with the "   \
    "lowest validation loss. Channels, and the target unless --loss is bce, are standardised by " \
    "the training rows; all losses are printed in the target's own units. Where training is "     \
    "unsteady, --clip 1 helps. The same seed gives the same bytes at any number of ranks.\n\n"    \
    "Examples:\n"                                                                                 \
    "  remise fit " noun " weeks.csv --target spent --units 32 --clip 1\n"                        \
    "  remise fit " noun " weeks.csv --target spent --columns w1,w2,w3,w4 --loss huber\n"         \
    "  mpirun -n 4 remise fit " noun " visits.csv.gz --target bought --loss bce --channels 8\n"

static const char doc_gru[] = DOC("gru", "a network of gated recurrent units", "");
static const char doc_lstm[] =
    DOC("lstm", "a network of long short-term memory", " and as large a memory beside it");

static const struct argp_option option_list[] = {
    {"units", KEY_UNITS, "N,M", 0, "Hidden units of each recurrent layer (32)", 0},
    FIT_NETWORK_SEQUENCE_OPTIONS,
    {0}};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct fit_network *opt = state->input;
    if (key != KEY_UNITS) return fit_network_parse_sequence(key, text, state);
    fit_network_parse_sizes(text, "units", &opt->units, state);
    if (opt->units.count == 0) argp_error(state, "--units: give at least one layer");
    return 0;
}

static enum status parse_as(const struct layer_kind *kind, const char *doc, int argc, char **argv,
                            void **options)
{
    const struct argp argp = {.options = option_list,
                              .parser = parse_option,
                              .args_doc = "FILE",
                              .doc = doc,
                              .children = fit_network_children};
    struct fit_network defaults = {FIT_NETWORK_COMMON, .sequence_kind = kind};
    defaults.training.name = kind == &layer_gru ? "fit gru" : "fit lstm";
    defaults.source.channels = 1;
    defaults.units = (struct fit_network_sizes){{32}, 1};
    return fit_network_parse(argc, argv, &argp, &defaults, options);
}

static enum status fit_gru_parse(int argc, char **argv, void **options)
{
    return parse_as(&layer_gru, doc_gru, argc, argv, options);
}

static enum status fit_lstm_parse(int argc, char **argv, void **options)
{
    return parse_as(&layer_lstm, doc_lstm, argc, argv, options);
}

const struct command command_fit_gru = {.name = "gru",
                                        .summary = "gated recurrent units over sequences",
                                        .alone = false,
                                        .parse = fit_gru_parse,
                                        .run = fit_network_run,
                                        .free = fit_network_free};

const struct command command_fit_lstm = {.name = "lstm",
                                         .summary = "long short-term memory over sequences",
                                         .alone = false,
                                         .parse = fit_lstm_parse,
                                         .run = fit_network_run,
                                         .free = fit_network_free};
