/* `remise fit mlp FILE`: a multi-layer perceptron. */
#include "jobs/fit_network.h"

static const char doc[] =
    "Train a multi-layer perceptron on a CSV table, and print as JSON on stdout: rows of each "
    "part, loss per epoch, and how good the network is on the rows kept for the test: mse, or "
    "log_loss, accuracy, precision, recall, f1 and auc.\v"
    "A target of two texts, such as no and yes, may be given to --loss bce: the second in sorted "
    "order counts as 1. "
    "Rows are dealt to training, validation and test by a hash of their number, so the parts are "
    "the same at any number of ranks; rows with a missing value are left out and counted. The "
    "weights kept are those of the epoch with the lowest validation loss. Columns, and the target "
    "unless --loss is bce, are standardised by the training rows; all losses are printed in the "
    "target's own units.\n\n"
    "Every rank trains on its own rows and gradients are averaged exactly: the same seed gives the "
    "same bytes at any number of ranks.\n\n"
    "Examples:\n"
    "  remise fit mlp sales.csv --target amount --layers 64,32 --epochs 50\n"
    "  remise fit mlp clicks.csv --target bought --loss bce --class-weights balanced\n"
    "  mpirun -n 4 remise fit mlp clicks.csv.gz --target bought --loss bce --columns age,visits\n";

static enum status fit_mlp_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {.parser = fit_network_hand_on,
                                     .args_doc = "FILE",
                                     .doc = doc,
                                     .children = fit_network_children};
    struct fit_network defaults = {FIT_NETWORK_COMMON};
    defaults.training.name = "fit mlp";
    defaults.hidden = (struct fit_network_sizes){{128, 64}, 2};
    return fit_network_parse(argc, argv, &argp, &defaults, options);
}

const struct command command_fit_mlp = {.name = "mlp",
                                        .summary = "a multi-layer perceptron, and its test",
                                        .alone = false,
                                        .parse = fit_mlp_parse,
                                        .run = fit_network_run,
                                        .free = fit_network_free};
