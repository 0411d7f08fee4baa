/* `remise fit response FILE`: how the chance of taking an offer moves with its discount. */
#include "jobs/command.h"
#include "jobs/fit_print.h"
#include "jobs/fit_response_result.h"
#include "jobs/fit_response_rows.h"
#include "mpi/exact.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include "algorithms/metrics.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct fit_response_source source;
    struct fit_response_options fit;
    struct fit_response_levels levels; /* of the file */
    bool calibrate;
    const char *out;
};

enum { DRAW_HALF = 102, BENDS = 2 };

static const char doc[] =
    "Learn from past offers of anybody how the chance that an offer is taken rises with its "
    "discount: P(taken | x, d) = sigmoid(a(x) + b(x) g(d)), b(x) >= 0. JSON on stdout: the average "
    "curve by level with 90 % intervals, held-out log loss, AUC and calibration error, reliability "
    "table.\v"
    "A row of the table is an offer: who got it (--user), the discount as a fraction, 0.15 for "
    "15 %, and whether it was taken, 1 or 0. All other columns are features, unless --features "
    "names them; texts count by level, missing values are allowed. Where discounts were not dealt "
    "by lot, give --propensity: the chance with which this user got this discount then. Rows are "
    "weighted by its inverse, comparably within each discount and cut off at 10.\n\n"
    "Networks are trained on all but one of K folds of users in turn, and everything said of how "
    "good they are is about users they have not seen. A linear model is tried first, then hidden "
    "layers 32,16, which are taken where their log loss is lower beyond its standard error. "
    "g bends the discount where outcomes show that a response saturates, and chances are "
    "recalibrated where that helps on rows not seen: calibration tells.\n\n"
    "average is the chance over all users at each discount. With propensities (average_by) it is "
    "doubly robust: right if the propensities are, whatever the model; else it is right if the "
    "features say who got which discount. chance is that estimate made to rise with the discount; "
    "interval (90 %) and effect, what the discount adds to the lowest one, are of the estimate as "
    "it is: where effect_interval holds 0, no effect is shown. observed is the plain mean, which "
    "confounding distorts, model the mean of the curves. flat_share: rows whose odds the highest "
    "discount raises by less than 1 %. ece is the expected calibration error in 20 bins of equally "
    "many rows, ece_of_noise what it would be were all chances right.\n\n"
    "--out writes for every row a, b, and at each level p, low and high (the 90 % interval by the "
    "spread of the K networks); an .h5 file holds the same columns of numbers. The bytes are the "
    "same at any number of ranks.\n\n"
    "Examples:\n"
    "  remise fit response offers.csv --user user_id --discount discount --outcome redeemed "
    "--propensity propensity\n"
    "  mpirun -n 4 remise fit response offers.csv.gz -u user -d percent_off --percent -y bought "
    "--features age,visits,city --levels 0,0.05,0.1,0.2 --out curves.csv\n";

enum { KEY_PERCENT = 1000, KEY_LEVELS, KEY_FOLDS, KEY_LAYERS, KEY_EPOCHS, KEY_NO_CALIBRATION };

static const struct argp_option option_list[] = {
    {"user", 'u', "COL", 0, "Column of users; without it each row is somebody else", 0},
    {"discount", 'd', "COL", 0, "Column of discounts, fractions of the price", 0},
    {"percent", KEY_PERCENT, 0, 0, "Discounts are given in per cent", 0},
    {"outcome", 'y', "COL", 0, "Column of outcomes: 1 taken, 0 not", 0},
    {"propensity", 'p', "COL", 0, "Column of the chances with which the user got this discount", 0},
    {"features", 'f', "A,B,C", 0, "Columns that tell users apart (all others)", 0},
    {"levels", KEY_LEVELS, "D,D,D", 0, "Discounts that --out is about (those of the table)", 0},
    {"folds", KEY_FOLDS, "K", 0, "Folds of users, 2 to 20 (5)", 0},
    {"layers", KEY_LAYERS, "N,N", 0,
     "Units of hidden layers; 0: linear (the better of 0 and 32,16)", 0},
    {"epochs", KEY_EPOCHS, "N", 0, "Passes over the rows (by their number)", 0},
    {"no-calibration", KEY_NO_CALIBRATION, 0, 0, "Leave chances as the networks say them", 0},
    {"seed", 's', "S", 0, "Seed of folds, weights and order (1)", 0},
    {"out", 'o', "FILE", 0, "Write what is said of every row, as CSV or .h5", 0},
    {0}};

/* ---- the command line ---- */

static int64_t parse_count(const char *text, int64_t least, int64_t most, const char *option,
                           struct argp_state *state)
{
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < least || value > most)
        argp_error(state, "--%s %s: give a whole number from %" PRId64 " to %" PRId64, option, text,
                   least, most);
    return value;
}

static void parse_features(struct fit_response_source *source, char *text, struct argp_state *state)
{
    free(source->features);
    if (fit_names_parse(text, &source->features, &source->features_count) != OK)
        argp_error(state, "--features: %s", status_message());
}

static void parse_levels(struct fit_response_levels *levels, const char *text,
                         struct argp_state *state)
{
    const char *at = text;
    for (levels->count = 0; *at != '\0'; levels->count++) {
        char *end;
        double level = strtod(at, &end);
        bool follows = levels->count == 0 || level > levels->level[levels->count - 1];
        if (end == at || (*end != ',' && *end != '\0') || !(level >= 0.0 && level <= 1.0) ||
            !follows || levels->count == RESPONSE_LEVELS_MAX)
            argp_error(state,
                       "--levels %s: give up to %d discounts from 0 to 1, rising, such as "
                       "0,0.05,0.1",
                       text, RESPONSE_LEVELS_MAX);
        levels->level[levels->count] = level;
        at = *end == ',' ? end + 1 : end;
    }
}

static void parse_layers(struct fit_response_options *fit, const char *text,
                         struct argp_state *state)
{
    const char *at = text;
    fit->choose = false;
    fit->layers.count = 0;
    if (strcmp(text, "0") == 0) return;
    while (*at != '\0') {
        char *end;
        int64_t units = strtoll(at, &end, 10);
        if (end == at || (*end != ',' && *end != '\0') || units < 1 || units > 4096 ||
            fit->layers.count == FIT_RESPONSE_LAYERS_MAX)
            argp_error(state,
                       "--layers %s: give up to %d sizes from 1 to 4096, such as 32,16, or 0", text,
                       FIT_RESPONSE_LAYERS_MAX);
        fit->layers.units[fit->layers.count++] = units;
        at = *end == ',' ? end + 1 : end;
    }
}

static void check_arguments(const struct fit_response_source *source, struct argp_state *state)
{
    if (source->path == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
    if (source->discount == NULL) argp_error(state, "name the column of discounts: --discount");
    if (source->outcome == NULL)
        argp_error(state, "name the column that says what came of the offer: --outcome");
    const char *name[4] = {source->user, source->discount, source->outcome, source->propensity};
    for (int i = 0; i < 4; i++)
        for (int j = i + 1; j < 4; j++)
            if (name[i] != NULL && name[j] != NULL && strcmp(name[i], name[j]) == 0)
                argp_error(state, "column \"%s\" is named twice", name[i]);
}

static error_t parse_numbers(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    switch (key) {
    case KEY_LEVELS:
        parse_levels(&opt->levels, text, state);
        break;
    case KEY_FOLDS:
        opt->fit.folds = parse_count(text, 2, FIT_RESPONSE_FOLDS_MAX, "folds", state);
        break;
    case KEY_LAYERS:
        parse_layers(&opt->fit, text, state);
        break;
    case KEY_EPOCHS:
        opt->fit.epochs = parse_count(text, 1, 100000, "epochs", state);
        break;
    case KEY_NO_CALIBRATION:
        opt->calibrate = false;
        break;
    case 's':
        opt->fit.seed = (uint64_t)parse_count(text, 0, INT64_MAX, "seed", state);
        break;
    case 'o':
        opt->out = text;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    struct fit_response_source *source = &opt->source;
    switch (key) {
    case 'u':
        source->user = text;
        break;
    case 'd':
        source->discount = text;
        break;
    case KEY_PERCENT:
        source->percent = true;
        break;
    case 'y':
        source->outcome = text;
        break;
    case 'p':
        source->propensity = text;
        break;
    case 'f':
        parse_features(source, text, state);
        break;
    case ARGP_KEY_ARG:
        if (source->path != NULL)
            argp_error(state, "one table at a time: %s and %s", source->path, text);
        source->path = text;
        break;
    case ARGP_KEY_END:
        check_arguments(source, state);
        break;
    default:
        return parse_numbers(key, text, state);
    }
    return 0;
}

static void fit_response_free(void *options)
{
    struct options *opt = options;
    if (opt != NULL) free(opt->source.features);
    free(opt);
}

static enum status fit_response_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    struct options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    opt->fit = (struct fit_response_options){.folds = 5, .choose = true, .seed = 1};
    opt->calibrate = true;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

/* ---- run ---- */

/* Halves of users, each judged by the calibration of the other. */
static enum status deal_halves(const struct fit_response_data *data, uint64_t seed, uint8_t **half)
{
    enum status status = memory_new(half, data->blocks.rows_local, sizeof **half);
    for (int64_t i = 0; i < data->blocks.rows_local && status == OK; i++)
        (*half)[i] = (uint8_t)random_below(seed, RANDOM_SPLIT, data->user[i], DRAW_HALF, 2);
    return status;
}

/* With knots the dose is to be bent, and is the discount as it is. */
static enum status calibrate(const struct comm *comm, const struct fit_response_data *data,
                             const struct fit_response_model *model, const uint8_t *half,
                             const struct calibration_options *steps,
                             struct calibration *calibration, struct calibration_check *check)
{
    enum status status = OK;
    float *dose = NULL;
    TRY_ALL(comm, memory_new(&dose, data->blocks.rows_local, sizeof *dose));
    for (int64_t i = 0; i < data->blocks.rows_local; i++)
        dose[i] = steps->knots.knots > 0 ? data->dose[i]
                                         : (float)fit_response_dose(model, (double)data->dose[i]);
    const struct calibration_rows rows = {&data->blocks, model->a,     model->b, dose,
                                          data->y,       data->weight, half};
    TRY(calibration_fit(comm, &rows, steps, calibration, check));
done:
    free(dose);
    return status;
}

/* Bend the dose where outcomes say so, and train on; then once more, from curves that have learned
 * with a bent dose. */
static enum status bend(const struct comm *comm, const struct options *opt,
                        const struct fit_response_data *data, const uint8_t *half,
                        struct fit_response_model *model, struct calibration_check *check)
{
    enum status status = OK;
    struct calibration bent = {0};
    const struct calibration_options steps = {.none = !opt->calibrate,
                                              .knots = fit_response_knots(data)};
    TRY(calibrate(comm, data, model, half, &steps, &bent, check));
    for (int round = 0; round < BENDS && bent.taken[CALIBRATION_DOSE]; round++) {
        TRY(fit_response_bend(comm, data, &opt->fit, &bent.shape, model));
        calibration_clear(&bent);
        if (round < BENDS - 1) TRY(calibrate(comm, data, model, half, &steps, &bent, NULL));
    }
done:
    calibration_clear(&bent);
    return status;
}

/* Log loss of the mean chance for everyone. */
static enum status flat_loss(const struct comm *comm, const struct fit_response_data *data,
                             double *loss)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t i = 0; i < data->blocks.rows_local; i++) {
        exact_add_one(&sums, 0, (double)(data->weight[i] * data->y[i]));
        exact_add_one(&sums, 1, (double)data->weight[i]);
    }
    TRY(exact_reduce(comm, &sums));
    double p = exact_get(&sums, 0) / exact_get(&sums, 1);
    *loss = p > 0.0 && p < 1.0 ? -p * log(p) - (1.0 - p) * log(1.0 - p) : 0.0;
done:
    exact_clear(&sums);
    return status;
}

/* How good chances are that were said without having seen the rows. */
static enum status judge(const struct comm *comm, const struct fit_response_honest *honest,
                         struct fit_response_result *result)
{
    enum status status = OK;
    const struct fit_response_data *data = honest->data;
    float *chance = NULL;
    TRY_ALL(comm, memory_new(&chance, data->blocks.rows_local, sizeof *chance));
    for (int64_t i = 0; i < data->blocks.rows_local; i++)
        chance[i] = (float)fit_response_honest_chance(honest, i, (double)data->dose[i]);
    const struct reliability_rows rows = {&data->blocks, chance,     data->y,
                                          data->weight,  data->dose, NULL};
    TRY(reliability_make(comm, &rows, RELIABILITY_BINS, &result->reliability));
    struct metrics_rows scored = {&data->blocks, data->y, chance, NULL, 0};
    TRY(metrics_auc(comm, &scored, &result->auc));
    TRY(flat_loss(comm, data, &result->log_loss_flat));
    TRY(fit_response_average(comm, honest, &result->average));
done:
    free(chance);
    return status;
}

static struct fit_response_levels levels_of(const struct options *opt,
                                            const struct fit_response_data *data)
{
    struct fit_response_levels levels = opt->levels;
    if (levels.count > 0) return levels;
    levels.count = data->levels;
    memcpy(levels.level, data->level, sizeof levels.level);
    return levels;
}

static enum status tell(const struct comm *comm, const struct options *opt,
                        const struct fit_response_honest *honest,
                        const struct calibration *calibration,
                        const struct calibration_check *bend_check)
{
    enum status status = OK;
    struct fit_response_predictions all = {honest->data, honest->model, calibration,
                                           levels_of(opt, honest->data)};
    struct fit_response_result result = {.source = &opt->source,
                                         .opt = &opt->fit,
                                         .data = honest->data,
                                         .model = honest->model,
                                         .calibration = calibration,
                                         .check = honest->check,
                                         .bend = bend_check};
    TRY(judge(comm, honest, &result));
    TRY(fit_response_flat(comm, &all, &result.flat_share));
    if (opt->out != NULL) TRY(fit_response_write(comm, &opt->source, &all, opt->out));
    fit_response_warn(&result);
    TRY_ALL(comm, comm->rank == 0 ? fit_print(fit_response_json(&result)) : OK);
done:
    return status;
}

static enum status fit_response_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    const struct options *opt = options;
    struct fit_response_data data = {0};
    struct fit_response_model model = {0};
    struct calibration calibration = {0};
    struct calibration_check check = {0}, bend_check = {0};
    uint8_t *half = NULL;
    TRY(fit_response_data_read(comm, &opt->source, &data));
    TRY(fit_table_blame(&data.in, fit_response_train(comm, &data, &opt->fit, &model)));
    TRY_ALL(comm, deal_halves(&data, opt->fit.seed, &half));
    TRY(bend(comm, opt, &data, half, &model, &bend_check));
    const struct calibration_options steps = {.none = !opt->calibrate, .isotonic = true};
    TRY(calibrate(comm, &data, &model, half, &steps, &calibration, &check));
    const struct fit_response_honest honest = {&data, &model, &check, half, opt->fit.seed};
    TRY(tell(comm, opt, &honest, &calibration, &bend_check));
done:
    free(half);
    calibration_check_clear(&check);
    calibration_check_clear(&bend_check);
    calibration_clear(&calibration);
    fit_response_model_clear(&model);
    fit_response_data_clear(&data);
    return status;
}

const struct command command_fit_response = {
    .name = "response",
    .summary = "how the chance that an offer is taken rises with its discount",
    .alone = false,
    .parse = fit_response_parse,
    .run = fit_response_run,
    .free = fit_response_free};
