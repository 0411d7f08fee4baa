/**
 * What `remise fit mlp`, cnn, gru, lstm and tower share: a network trained on one table and judged
 * on rows that it did not see. A command adds its own options and says which layers there are.
 */
#ifndef REMISE_JOBS_FIT_NETWORK_H
#define REMISE_JOBS_FIT_NETWORK_H

#include "jobs/command.h"
#include "jobs/fit_network_data.h"
#include "jobs/training.h"

#include "algorithms/metrics.h"

#include <argp.h>

enum class_weights { CLASS_WEIGHTS_NONE, CLASS_WEIGHTS_BALANCED, CLASS_WEIGHTS_GIVEN };

/* A list of sizes, such as the units of layers. */
struct fit_network_sizes {
    int64_t size[NETWORK_LAYERS_MAX];
    int64_t count;
};

struct fit_network {
    struct fit_network_source source;
    struct network_options fit;
    struct training training;        /* its checkpoints; its name is that of the command */
    const char *model_file;          /* where the model is saved; NULL: nowhere */
    const char *from_file;           /* the model to start from; NULL: from random weights */
    enum activation activation;      /* of dense layers and convolutions */
    struct fit_network_sizes hidden; /* dense layers before the output */
    double dropout;                  /* before every one of them and the output */
    enum class_weights classes;
    double class_weight[2]; /* of outcomes 0 and 1 */

    /* sequences only: layers before the dense ones */
    int64_t embed;                          /* values that stand for a code */
    struct fit_network_sizes units;         /* filters, or hidden units */
    int64_t width, pool;                    /* convolutions: steps of windows; 0: no pool */
    bool windows_said;                      /* and not to be shortened to suit the sequence */
    const struct layer_kind *pool_kind;     /* convolutions */
    const struct layer_kind *sequence_kind; /* NULL: rows are plain numbers */
};

/* Members of an initialiser of struct fit_network. */
#define FIT_NETWORK_COMMON                                                                       \
    .source = {.validation = 0.1, .test = 0.1, .standardize = true, .seed = 1, .sequence = "x"}, \
    .embed = 8, .fit = NETWORK_DEFAULTS, .activation = ACTIVATION_RELU,                          \
    .pool_kind = &layer_max_pool

/* The options that all share, as children of a command's argp; its parser begins with
 * fit_network_parse_sequence, or is fit_network_hand_on. */
extern const struct argp_child fit_network_children[];

/** Give the children the command's input; knows no option. Local. */
error_t fit_network_hand_on(int key, char *text, struct argp_state *state);

/* Options of commands that take sequences; members of an array of struct argp_option. */
enum { FIT_NETWORK_CHANNELS = 384, FIT_NETWORK_SEQUENCE, FIT_NETWORK_CODES, FIT_NETWORK_EMBED };
/* clang-format off */
#define FIT_NETWORK_SEQUENCE_OPTIONS                                                             \
    {"channels", FIT_NETWORK_CHANNELS, "C", 0, "Values of each step, side by side (1)", 0},      \
    {"sequence", FIT_NETWORK_SEQUENCE, "NAME", 0,                                                \
     "The sequence is in columns NAME_0, NAME_1, ... (x)", 0},                                   \
    {"codes", FIT_NETWORK_CODES, "N", 0,                                                         \
     "The values are codes from 0 to N-1, of products for example; a layer learns what stands "  \
     "for each", 0},                                                                             \
    {"embed", FIT_NETWORK_EMBED, "N", 0, "With --codes: values that stand for a code (8)", 0}
/* clang-format on */

/** Parse them; also hands on. Local. */
error_t fit_network_parse_sequence(int key, char *text, struct argp_state *state);

/**
 * Parse a command's arguments, starting from its defaults.
 * options  out  a struct fit_network; freed by fit_network_free
 */
enum status fit_network_parse(int argc, char **argv, const struct argp *argp,
                              const struct fit_network *defaults, void **options);
/** Free the options. Local. */
void fit_network_free(void *options);

/** A list of sizes such as 32,16, or 0 for none; wrong ones end the process. Local. */
void fit_network_parse_sizes(char *text, const char *option, struct fit_network_sizes *sizes,
                             struct argp_state *state);
/** A whole number of at least `least`; a wrong one ends the process. Local. */
int64_t fit_network_parse_count(const char *text, int64_t least, const char *option,
                                struct argp_state *state);
/** A number from 0 to `most`; a wrong one ends the process. Local. */
double fit_network_parse_number(const char *text, double most, const char *option,
                                struct argp_state *state);

/** Which of two words: true for `yes`; another ends the process. Local. */
bool fit_network_parse_choice(const char *text, const char *no, const char *yes, const char *option,
                              struct argp_state *state);

/**
 * The hidden layers that the options ask for.
 * Local. Errors: ERR_ARG there are too many.
 * plan     out  [NETWORK_LAYERS_MAX]
 * encoder  out  those before the first dense one, or what drops its inputs
 */
enum status fit_network_lay(const struct fit_network *options, struct layer_plan *plan,
                            int64_t *layers, int64_t *encoder);

/** Read the table, train, judge and print. Collective. Same bytes for any number of ranks. */
enum status fit_network_run(const struct comm *comm, void *options);

/* What the test rows say. */
struct fit_network_judgement {
    bool tested; /* there are test rows */
    double mse;
    struct metrics_binary binary;
};

/** Print the result as JSON on stdout. Local; on one rank. Errors: ERR_MEMORY, ERR_WRITE. */
enum status fit_network_print(const struct fit_network *options,
                              const struct fit_network_data *data, const struct network *model,
                              const struct network_history *history,
                              const struct fit_network_judgement *judgement);

#endif
