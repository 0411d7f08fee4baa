/* `remise fit als FILE`: factors of users and items from who rated, bought or saw what. */
#include "jobs/command.h"
#include "jobs/fit_als_judge.h"
#include "jobs/fit_als_top.h"
#include "jobs/fit_print.h"
#include "jobs/model_als.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the command line ---- */

struct options {
    const char *file, *test; /* test NULL: none */
    struct ratings_names names;
    int64_t folds; /* 0: none */
    struct als_options fit;
    const char *model_file; /* NULL: not wanted */
    struct fit_als_top top; /* path NULL: not wanted */
    bool lambda_said, factors_said, top_said, alpha_said, bias_said;
};

enum { KEY_FACTORS = 'f', KEY_LAMBDA = 'l', KEY_ITERATIONS = 'n', KEY_SEED = 's' };
enum { KEY_USER = 'u', KEY_ITEM = 'i', KEY_RATING = 'r' };
enum { KEY_IMPLICIT = 256, KEY_ALPHA, KEY_TEST, KEY_FOLDS, KEY_BIAS, KEY_TOLERANCE };
enum { KEY_MODEL = 512, KEY_TOP, KEY_TOP_OUT, KEY_TOP_KNOWN };

static const char doc[] =
    "Find factors of users and items whose products foretell what users make of items they have "
    "not met, by alternating least squares. JSON on stdout: users, items, ratings, loss after each "
    "iteration; with --test or --folds also rmse and mae or, with --implicit, recall@20, ndcg@20 "
    "and hit_rate@10.\v"
    "A row of the table is a user, an item and a rating. A rating is foretold as the mean, what "
    "the user gives above it, what the item gets above it, and the product of their factors. Few "
    "ratings make factors that are mostly noise, so that they are held near 0: by lambda times "
    "the number of ratings, and biases by --bias-lambda, as so many ratings of the mean.\n\n"
    "With --implicit a row says how often a user bought or saw an item (1 where there is no "
    "--rating). Nothing is foretold then but the order: the fit is near 1 for what the user "
    "wants. A pair seen r times counts 1 + alpha r times as a 1, every other pair once as a 0.\n\n"
    "--folds K keeps each K-th part of the rows from a fit in turn and foretells it; figures are "
    "means over the parts. Ranking is among all items that the user does not have in the rows "
    "learnt from; recall@20 is what was found over what could be, 20 at most. The bytes are the "
    "same at any number of ranks.\n\n"
    "--model saves what was found; `remise apply` foretells other pairs by it. --top-out writes "
    "user, place, item and score of the items that each user would like best, without those the "
    "user has in FILE unless --top-known; users stand in the order of FILE.\n\n"
    "Examples:\n"
    "  remise fit als ratings.csv --user user --item movie --rating stars --folds 5\n"
    "  mpirun -n 4 remise fit als purchases.csv.gz --implicit --user user_id --item product_id "
    "--test later.csv\n"
    "  remise fit als purchases.csv --implicit --model tastes.h5 --top 20 --top-out lists.csv\n";

static const struct argp_option option_list[] = {
    {"user", KEY_USER, "COL", 0, "Column of users (user_id or user)", 0},
    {"item", KEY_ITEM, "COL", 0, "Column of items (item_id, product_id or item)", 0},
    {"rating", KEY_RATING, "COL", 0, "Column of ratings (rating)", 0},
    {"implicit", KEY_IMPLICIT, 0, 0, "Ratings say how often, not how much it was liked", 0},
    {"alpha", KEY_ALPHA, "A", 0, "With --implicit: what being seen once weighs (10)", 0},
    {"factors", KEY_FACTORS, "F", 0, "Factors of each user and item (32; with --implicit 64)", 0},
    {"lambda", KEY_LAMBDA, "L", 0,
     "What holds factors near 0 (0.11 standard deviations of the ratings; with --implicit 30)", 0},
    {"bias-lambda", KEY_BIAS, "B", 0, "Ratings of the mean that a bias is held by (5)", 0},
    {"iterations", KEY_ITERATIONS, "N", 0, "Iterations (20)", 0},
    {"tolerance", KEY_TOLERANCE, "T", 0,
     "Stop when the loss falls by no more than this part of it; 0: never (1e-5)", 0},
    {"seed", KEY_SEED, "S", 0, "Seed of the start, and of the folds (1)", 0},
    {"test", KEY_TEST, "CSV", 0, "Foretell the rows of this table, which has the same columns", 0},
    {"model", KEY_MODEL, "H5", 0, "Save factors and biases, for `remise apply`", 0},
    {"top", KEY_TOP, "N", 0, "With --top-out: items for each user, 1 to 1000 (10)", 0},
    {"top-out", KEY_TOP_OUT, "CSV", 0, "Write the items that each user would like best", 0},
    {"top-known", KEY_TOP_KNOWN, 0, 0, "List items that the user has in FILE, too", 0},
    {"folds", KEY_FOLDS, "K", 0, "Cross-validate, 2 to 100", 0},
    {0}};

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

static double parse_number(const char *text, bool zero, const char *option,
                           struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(zero ? value >= 0.0 : value > 0.0) || !isfinite(value))
        argp_error(state, "--%s %s: give a number %s 0", option, text,
                   zero ? "of at least" : "above");
    return value;
}

static void check_arguments(struct options *opt, struct argp_state *state)
{
    if (opt->file == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
    if (opt->names.user != NULL && opt->names.item != NULL &&
        strcmp(opt->names.user, opt->names.item) == 0)
        argp_error(state, "column \"%s\" is named twice, by --user and --item", opt->names.user);
    if (opt->test != NULL && opt->folds > 0)
        argp_error(state, "--test and --folds both say what to foretell; choose");
    if (opt->folds > 0 && (opt->model_file != NULL || opt->top.path != NULL))
        argp_error(state, "--folds fits once for each fold; save a model or lists without it");
    if (opt->top.path == NULL && (opt->top_said || opt->top.known))
        argp_error(state, "say by --top-out where the lists shall be");
    if (opt->alpha_said && !opt->fit.implicit) argp_error(state, "--alpha goes with --implicit");
    if (opt->bias_said && opt->fit.implicit)
        argp_error(state, "there are no biases with --implicit; leave out --bias-lambda");
    if (opt->fit.implicit && !opt->factors_said) opt->fit.factors = 64;
    if (opt->fit.implicit && !opt->lambda_said) opt->fit.lambda = 30.0;
}

/* What to write beside the result. */
static error_t parse_output(int key, char *text, struct options *opt, struct argp_state *state)
{
    switch (key) {
    case KEY_MODEL:
        opt->model_file = text;
        break;
    case KEY_TOP:
        opt->top.count = parse_count(text, 1, 1000, "top", state);
        opt->top_said = true;
        break;
    case KEY_TOP_OUT:
        opt->top.path = text;
        break;
    case KEY_TOP_KNOWN:
        opt->top.known = true;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    switch (key) {
    case KEY_USER:
        opt->names.user = text;
        break;
    case KEY_ITEM:
        opt->names.item = text;
        break;
    case KEY_RATING:
        opt->names.rating = text;
        break;
    case KEY_IMPLICIT:
        opt->fit.implicit = true;
        break;
    case KEY_ALPHA:
        opt->fit.alpha = parse_number(text, false, "alpha", state);
        opt->alpha_said = true;
        break;
    case KEY_FACTORS:
        opt->fit.factors = parse_count(text, 1, ALS_FACTORS_MAX, "factors", state);
        opt->factors_said = true;
        break;
    case KEY_LAMBDA:
        opt->fit.lambda = parse_number(text, false, "lambda", state);
        opt->lambda_said = true;
        break;
    case KEY_BIAS:
        opt->fit.bias_lambda = parse_number(text, false, "bias-lambda", state);
        opt->bias_said = true;
        break;
    case KEY_ITERATIONS:
        opt->fit.iterations = parse_count(text, 1, 100000, "iterations", state);
        break;
    case KEY_TOLERANCE:
        opt->fit.tolerance = parse_number(text, true, "tolerance", state);
        break;
    case KEY_SEED:
        opt->fit.seed = (uint64_t)parse_count(text, 0, INT64_MAX, "seed", state);
        break;
    case KEY_TEST:
        opt->test = text;
        break;
    case KEY_FOLDS:
        opt->folds = parse_count(text, 2, 100, "folds", state);
        break;
    case ARGP_KEY_ARG:
        if (opt->file != NULL) argp_error(state, "one table at a time: %s and %s", opt->file, text);
        opt->file = text;
        break;
    case ARGP_KEY_END:
        check_arguments(opt, state);
        break;
    default:
        return parse_output(key, text, opt, state);
    }
    return 0;
}

static enum status fit_als_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    struct options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    opt->fit = (struct als_options)ALS_DEFAULTS;
    opt->top.count = 10;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

static void fit_als_free(void *options)
{
    free(options);
}

/* ---- the table ---- */

static enum status find_names(const struct comm *comm, struct options *opt)
{
    static const char *const usual[][FIT_USUAL_NAMES] = {
        {"user_id", "user", NULL}, {"item_id", "product_id", "item"}, {"rating", NULL, NULL}};
    const char *names[3] = {opt->names.user, opt->names.item, opt->names.rating};
    enum status status =
        fit_table_usual_names(comm, opt->file, usual, opt->fit.implicit ? 2 : 3, names);
    opt->names = (struct ratings_names){names[0], names[1], names[2]};
    return status;
}

/* train out: what the names of users are read from, if lists are wanted */
static enum status read_ratings(const struct comm *comm, struct options *opt,
                                struct fit_table *train, struct ratings *ratings)
{
    enum status status = OK;
    struct fit_table test = {0};
    TRY(find_names(comm, opt));
    const char *names[3] = {opt->names.user, opt->names.item, opt->names.rating};
    int64_t count = opt->names.rating != NULL ? 3 : 2;
    TRY(fit_table_read_ids(comm, opt->file, names, count, names, 2, train));
    if (opt->test != NULL) TRY(fit_table_read_ids(comm, opt->test, names, count, names, 2, &test));
    TRY(ratings_make(comm, train, opt->test != NULL ? &test : NULL, &opt->names, opt->fit.implicit,
                     ratings));
    if (ratings->repeated > 0)
        log_warning("%s: %lld pairs of user and item are there more than once; their ratings are "
                    "%s",
                    opt->file, (long long)ratings->repeated,
                    opt->fit.implicit ? "added up" : "taken as one, their mean");
done:
    if (opt->top.path == NULL) fit_table_clear(train);
    fit_table_clear(&test);
    return status;
}

/* Put the file before the message of a failure. */
static enum status blame(const struct options *opt, enum status status)
{
    return fit_table_blame(&(struct fit_table){.path = opt->file}, status);
}

/* ---- fits ---- */

struct result {
    struct als_judgement mean;
    struct als_judgement *fold; /* [folds] */
    struct als_model *model;    /* without folds */
};

static void mark(const struct options *opt, const struct ratings *r, int64_t fold, uint8_t *held)
{
    for (int64_t i = 0; i < r->start[r->blocks.rows_local]; i++)
        held[i] = opt->test != NULL ? r->part[i] == RATINGS_TEST
                                    : random_below(opt->fit.seed, RANDOM_SPLIT, (uint64_t)r->row[i],
                                                   0, (uint64_t)opt->folds) == (uint64_t)fold;
}

/* Of few ratings a fold may have none, or all. */
static enum status check_fold(const struct comm *comm, const struct options *opt,
                              const struct ratings *r, int64_t fold, const uint8_t *held)
{
    int64_t learnt = 0;
    for (int64_t i = 0; i < r->start[r->blocks.rows_local]; i++) learnt += !held[i];
    comm_sum_int64(comm, &learnt, 1);
    if (learnt > 0) return OK;
    return FAIL(ERR_DATA,
                "%s: fold %lld of %lld has all ratings, and none is left to learn from; give more "
                "rows, or fit without --folds",
                opt->file, (long long)fold + 1, (long long)opt->folds);
}

static void add_fold(const struct als_judgement *fold, double share, struct als_judgement *mean)
{
    mean->ratings += fold->ratings;
    mean->users += fold->users;
    mean->rmse += share * fold->rmse;
    mean->mae += share * fold->mae;
    mean->recall += share * fold->recall;
    mean->ndcg += share * fold->ndcg;
    mean->hit_rate += share * fold->hit_rate;
}

/* Of the folds that had something to foretell. */
static void take_mean(const struct options *opt, struct result *result)
{
    int64_t folds = opt->folds > 0 ? opt->folds : 1, told = 0;
    for (int64_t k = 0; k < folds; k++) told += result->fold[k].ratings > 0;
    if (told == 0) result->mean = result->fold[0];
    for (int64_t k = 0; k < folds && told > 0; k++)
        if (result->fold[k].ratings > 0)
            add_fold(&result->fold[k], 1.0 / (double)told, &result->mean);
}

static enum status fit(const struct comm *comm, const struct options *opt,
                       const struct ratings *ratings, struct result *result)
{
    enum status status = OK;
    uint8_t *held = NULL;
    int64_t folds = opt->folds > 0 ? opt->folds : 1;
    bool tests = opt->test != NULL || opt->folds > 0;
    TRY_ALL(comm, memory_new(&held, ratings->start[ratings->blocks.rows_local], 1));
    TRY_ALL(comm, memory_new(&result->fold, folds, sizeof *result->fold));
    for (int64_t k = 0; k < folds; k++) {
        if (tests) mark(opt, ratings, k, held);
        if (opt->folds > 0) TRY(check_fold(comm, opt, ratings, k, held));
        TRY(blame(opt, fit_als_judge(comm, ratings, tests ? held : NULL, &opt->fit,
                                     &result->fold[k], opt->folds > 0 ? NULL : &result->model)));
        if (opt->folds > 0 && !opt->fit.implicit)
            log_info("  fold %lld of %lld: rmse %.4f", (long long)k + 1, (long long)folds,
                     result->fold[k].rmse);
    }
    take_mean(opt, result);
done:
    free(held);
    return status;
}

/* The default of lambda goes with the scale of the ratings. */
static enum status scale_lambda(const struct comm *comm, const struct ratings *ratings,
                                struct options *opt)
{
    enum status status = OK;
    double sd = 1.0;
    if (opt->fit.implicit) return OK;
    TRY(blame(opt, ratings_spread(comm, ratings, &sd)));
    if (sd > 0.0 && !opt->lambda_said) opt->fit.lambda = 0.11 * sd;
done:
    return status;
}

/* ---- the result ---- */

static void add_judgement(const struct options *opt, const struct als_judgement *j, json_t *out)
{
    if (opt->fit.implicit) {
        json_object_set_new(out, "recall@20", fit_number(j->recall));
        json_object_set_new(out, "ndcg@20", fit_number(j->ndcg));
        json_object_set_new(out, "hit_rate@10", fit_number(j->hit_rate));
        json_object_set_new(out, "test_users", json_integer(j->users));
    } else {
        json_object_set_new(out, "rmse", fit_number(j->rmse));
        json_object_set_new(out, "mae", fit_number(j->mae));
    }
    json_object_set_new(out, "test_ratings", json_integer(j->ratings));
}

static json_t *folds_json(const struct options *opt, const struct result *result)
{
    json_t *folds = json_array();
    for (int64_t k = 0; k < opt->folds; k++) {
        json_t *fold = json_object();
        add_judgement(opt, &result->fold[k], fold);
        json_array_append_new(folds, fold);
    }
    return folds;
}

static void add_model(const struct als_model *m, json_t *out)
{
    json_t *losses = json_array();
    for (int64_t k = 0; k < m->iterations; k++)
        json_array_append_new(losses, json_real(m->loss[k]));
    json_object_set_new(out, "ratings", json_integer(m->ratings));
    json_object_set_new(out, "iterations", json_integer(m->iterations));
    json_object_set_new(out, "converged", json_boolean(m->converged));
    json_object_set_new(out, "mean", json_real(m->mean));
    json_object_set_new(out, "loss", json_real(m->loss[m->iterations - 1]));
    json_object_set_new(out, "losses", losses);
}

static json_t *result_json(const struct options *opt, const struct ratings *ratings,
                           const struct result *result)
{
    json_t *out =
        json_pack("{s:I, s:I, s:s, s:I, s:f}", "users", (json_int_t)ratings->blocks.rows_total,
                  "items", (json_int_t)ratings->item_name.count, "feedback",
                  opt->fit.implicit ? "implicit" : "explicit", "factors",
                  (json_int_t)opt->fit.factors, "lambda", opt->fit.lambda);
    if (out == NULL) return NULL;
    if (opt->fit.implicit) json_object_set_new(out, "alpha", json_real(opt->fit.alpha));
    if (result->model != NULL) add_model(result->model, out);
    if (opt->test != NULL || opt->folds > 0) add_judgement(opt, &result->mean, out);
    if (opt->folds > 0) json_object_set_new(out, "folds", folds_json(opt, result));
    return out;
}

/* What is to be kept. */
static enum status keep(const struct comm *comm, struct options *opt, const struct fit_table *train,
                        const struct ratings *ratings, const struct result *result)
{
    enum status status = OK;
    if (opt->model_file != NULL)
        TRY(model_als_write(comm, opt->model_file, &opt->names, ratings, result->model));
    if (opt->top.path == NULL) goto done;
    opt->top.user_column = opt->names.user;
    TRY(fit_als_top_write(comm, &opt->top, train, ratings, result->model));
done:
    return status;
}

static enum status fit_als_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct fit_table train = {0};
    struct ratings ratings = {0};
    struct result result = {0};
    TRY(read_ratings(comm, opt, &train, &ratings));
    TRY(scale_lambda(comm, &ratings, opt));
    TRY(fit(comm, opt, &ratings, &result));
    TRY(keep(comm, opt, &train, &ratings, &result));
    TRY_ALL(comm, comm->rank == 0 ? fit_print(result_json(opt, &ratings, &result)) : OK);
done:
    free(result.fold);
    als_free(&result.model);
    ratings_clear(&ratings);
    fit_table_clear(&train);
    return status;
}

const struct command command_fit_als = {
    .name = "als",
    .summary = "factors of users and items (alternating least squares)",
    .alone = false,
    .parse = fit_als_parse,
    .run = fit_als_run,
    .free = fit_als_free};
