/* remise synth: writes a synthetic shop and its truth, each file by all ranks. */
#include "jobs/synth.h"

#include "io/text_file.h"
#include "jobs/synth_write.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, ROUND_USERS = 2048, ROUND_ROWS = 100000, FILE_MODE = 0644 };
enum { USERS, EVENTS, OFFERS, TRUTH, TABLES };

static const char *const table_paths[TABLES] = {"users.csv", "events.csv", "offers.csv",
                                                "truth/users.csv"};
static const char *const table_headers[TABLES] = {
    "user_id,age,income,household,market,joined,group\n",
    "user_id,product_id,time,kind,quantity,unit_price,discount\n",
    "user_id,product_id,time,discount,propensity,shown,clicked,redeemed,quantity,revenue\n", NULL};

/* What one writing of a shop needs on every rank. */
struct writer {
    struct synth_shop shop;
    struct synth_pilot pilot;
    struct synth_format format;
    struct synth_history history;
    struct synth_text text[TABLES];
    struct text_file *file[TABLES];
    int64_t events, offers; /* written by this rank */
};

/* About the user's words: no place in our code belongs to the message. */
static enum status refuse(const char *name, double value, double low, double high)
{
    char message[128];
    snprintf(message, sizeof message, "--%s %.16g is not in %.16g .. %.16g", name, value, low,
             high);
    status_set_message(message);
    return ERR_ARG;
}

static enum status check_range(const char *name, int64_t value, int64_t low, int64_t high)
{
    if (value >= low && value <= high) return OK;
    return refuse(name, (double)value, (double)low, (double)high);
}

static enum status check_options(const struct synth_options *opt)
{
    enum status status = OK;
    TRY(check_range("users", opt->users, 1, 1000000000));
    TRY(check_range("products", opt->products, 1, 1000000));
    TRY(check_range("seed", (int64_t)opt->seed, 0, INT64_C(1) << 53));
    TRY(check_range("events-per-user", opt->events_per_user, 1, 100000));
    TRY(check_range("offers-per-user", opt->offers_per_user, 0, 10000));
    TRY(check_range("weeks", opt->weeks, 1, 520));
    TRY(check_range("truth", opt->form, 0, SYNTH_FORMS - 1));
    if (!(opt->randomised >= 0.0 && opt->randomised <= 1.0))
        status = refuse("randomised", opt->randomised, 0.0, 1.0);
done:
    return status;
}

/* ---- the folder ---- */

static enum status path_in(const struct synth_options *opt, const char *file, char path[PATH_BYTES])
{
    int length = snprintf(path, PATH_BYTES, "%s/%s", opt->directory, file);
    if (length >= 0 && length < PATH_BYTES) return OK;
    return FAIL(ERR_ARG,
                "the path of %s in the folder is longer than %d bytes; choose a shorter one", file,
                PATH_BYTES - 1);
}

/* Make a folder and those above it. */
static enum status make_folder(const char *folder)
{
    char path[PATH_BYTES];
    if (snprintf(path, sizeof path, "%s", folder) >= (int)sizeof path)
        return FAIL(ERR_ARG, "the folder's name is longer than %d bytes", PATH_BYTES - 1);
    for (char *at = path + 1; *at != 0; at++) {
        if (*at != '/') continue;
        *at = 0;
        mkdir(path, 0777); /* what matters is whether the last one is there */
        *at = '/';
    }
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return OK;
    return FAIL(ERR_WRITE, "cannot make the folder %s: %s", path, strerror(errno));
}

/* Is there a shop in this folder that may be replaced? Its truth says so. */
static bool holds_shop(const char *marker)
{
    char start[256] = "";
    FILE *file = fopen(marker, "re");
    if (file == NULL) return false;
    size_t bytes = fread(start, 1, sizeof start - 1, file);
    fclose(file);
    start[bytes] = 0;
    return strstr(start, "\"kind\": \"synthetic shop\"") != NULL;
}

static enum status refuse_other_files(const char *folder, const char *marker)
{
    char found[256] = "";
    if (holds_shop(marker)) return OK;
    DIR *listing = opendir(folder);
    if (listing == NULL) return FAIL(ERR_WRITE, "cannot look into %s: %s", folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (found[0] == 0 || strcmp(entry->d_name, found) < 0)
            snprintf(found, sizeof found, "%s", entry->d_name);
    }
    closedir(listing);
    if (found[0] == 0) return OK;
    return FAIL(ERR_WRITE, "%s holds %s and is no synthetic shop; name a new or empty folder",
                folder, found);
}

static enum status prepare_folder(const struct comm *comm, const struct synth_options *opt)
{
    enum status status = OK;
    char truth[PATH_BYTES], marker[PATH_BYTES], configuration[PATH_BYTES];
    TRY(path_in(opt, "truth", truth));
    TRY(path_in(opt, "truth/truth.json", marker));
    TRY(path_in(opt, "remise.yaml", configuration));
    if (comm->rank != 0) goto done;
    TRY(make_folder(opt->directory));
    TRY(refuse_other_files(opt->directory, marker));
    TRY(make_folder(truth));
    if (unlink(configuration) != 0 && errno != ENOENT)
        status = FAIL(ERR_WRITE, "cannot replace %s: %s", configuration, strerror(errno));
done:
    return status;
}

/* ---- files that rank 0 writes ---- */

static enum status write_once(const struct comm *comm, const struct synth_options *opt,
                              const char *name, const struct synth_text *text)
{
    enum status status = OK;
    struct text_file *file = NULL;
    char path[PATH_BYTES];
    TRY_ALL(comm, path_in(opt, name, path));
    TRY(text_file_open(comm, path, FILE_MODE, &file));
    TRY(text_file_append(comm, file, text->text, comm->rank == 0 ? text->bytes : 0));
    TRY(text_file_commit(comm, &file));
done:
    if (status != OK) text_file_abandon(comm, &file);
    return status;
}

/* The truth first: from then on the folder is known as a shop. */
static enum status write_shop_files(const struct comm *comm, struct writer *w)
{
    enum status status = OK;
    const struct synth_options *opt = &w->shop.options;
    struct synth_text *text = w->text;
    for (int t = 0; t < TABLES; t++) text[t].bytes = 0;
    TRY_ALL(comm, synth_put_truth_json(&w->shop, &text[0]));
    TRY(write_once(comm, opt, "truth/truth.json", &text[0]));
    TRY_ALL(comm, synth_put_category_truth(&w->shop, &text[1]));
    TRY(write_once(comm, opt, "truth/categories.csv", &text[1]));
    TRY_ALL(comm, synth_put_product_truth(&w->shop, &w->format, &text[2]));
    TRY(write_once(comm, opt, "truth/products.csv", &text[2]));
    TRY_ALL(comm, synth_put_products(&w->shop, &w->format, &text[3]));
    TRY(write_once(comm, opt, "products.csv", &text[3]));
done:
    return status;
}

static enum status write_configuration(const struct comm *comm, struct writer *w)
{
    enum status status = OK;
    w->text[0].bytes = 0;
    TRY_ALL(comm, synth_put_configuration(&w->shop, &w->pilot, &w->text[0]));
    TRY(write_once(comm, &w->shop.options, "remise.yaml", &w->text[0]));
done:
    return status;
}

/* ---- tables of users, by rounds of one block for each rank ---- */

static enum status put_users(struct writer *w, int64_t first, int64_t next)
{
    enum status status = OK;
    for (int64_t u = first; u < next; u++) {
        struct synth_user user;
        synth_user_make(&w->shop, u, &user);
        TRY(synth_history_make(&w->shop, &w->pilot, &user, &w->history));
        TRY(synth_put_user(&w->format, &user, &w->text[USERS]));
        TRY(synth_put_events(&w->shop, &w->format, &user, &w->history, &w->text[EVENTS]));
        TRY(synth_put_offers(&w->shop, &w->format, &user, &w->history, &w->text[OFFERS]));
        TRY(synth_put_truth(&w->shop, &w->format, &user, &w->text[TRUTH]));
        w->events += w->history.events;
        w->offers += w->history.offers;
    }
done:
    return status;
}

static enum status put_headers(const struct comm *comm, struct writer *w)
{
    enum status status = OK;
    for (int t = 0; t < TABLES; t++) w->text[t].bytes = 0;
    if (comm->rank != 0) return OK;
    for (int t = 0; t < TABLES; t++)
        if (table_headers[t] != NULL) TRY(synth_text_print(&w->text[t], "%s", table_headers[t]));
    TRY(synth_put_truth_header(&w->shop, &w->text[TRUTH]));
done:
    return status;
}

static enum status append_tables(const struct comm *comm, struct writer *w)
{
    enum status status = OK;
    for (int t = 0; t < TABLES; t++) {
        TRY(text_file_append(comm, w->file[t], w->text[t].text, w->text[t].bytes));
        w->text[t].bytes = 0;
    }
done:
    return status;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Users of a rank in one round: about as many rows of text as ROUND_ROWS. */
static int64_t users_at_once(const struct synth_options *opt)
{
    int64_t users = ROUND_ROWS / (opt->events_per_user + opt->offers_per_user);
    return users < 1 ? 1 : smaller(users, ROUND_USERS);
}

static enum status write_rounds(const struct comm *comm, struct writer *w)
{
    enum status status = OK;
    int64_t users = w->shop.options.users, own_users = users_at_once(&w->shop.options);
    int64_t round_users = own_users * comm->ranks;
    TRY_ALL(comm, put_headers(comm, w));
    for (int64_t start = 0; start < users; start += round_users) {
        int64_t first = smaller(start + own_users * comm->rank, users);
        TRY_ALL(comm, put_users(w, first, smaller(first + own_users, users)));
        TRY(append_tables(comm, w));
        log_progress("synthetic users", smaller(start + round_users, users), users);
    }
done:
    return status;
}

static enum status write_tables(const struct comm *comm, struct writer *w)
{
    enum status status = OK;
    char path[PATH_BYTES];
    for (int t = 0; t < TABLES; t++) {
        TRY_ALL(comm, path_in(&w->shop.options, table_paths[t], path));
        TRY(text_file_open(comm, path, FILE_MODE, &w->file[t]));
    }
    TRY(write_rounds(comm, w));
    for (int t = 0; t < TABLES; t++) TRY(text_file_commit(comm, &w->file[t]));
done:
    for (int t = 0; t < TABLES; t++) text_file_abandon(comm, &w->file[t]);
    return status;
}

/* ---- the whole ---- */

static void clear_writer(struct writer *w)
{
    synth_history_clear(&w->history);
    for (int t = 0; t < TABLES; t++) synth_text_clear(&w->text[t]);
    synth_format_clear(&w->format);
    synth_shop_clear(&w->shop);
}

enum status synth_write_shop(const struct comm *comm, const struct synth_options *opt)
{
    enum status status = OK;
    struct writer w = {0};
    double start = clock_seconds();
    TRY_ALL(comm, check_options(opt));
    TRY_ALL(comm, prepare_folder(comm, opt));
    TRY_ALL(comm, synth_shop_init(&w.shop, opt));
    TRY_ALL(comm, synth_pilot_measure(&w.shop, &w.pilot));
    TRY_ALL(comm, synth_format_init(&w.format, opt));
    TRY(write_shop_files(comm, &w));
    TRY(write_tables(comm, &w));
    TRY(write_configuration(comm, &w));
    int64_t rows[2] = {w.events, w.offers};
    comm_sum_int64(comm, rows, 2);
    log_info("synth: %lld users, %lld products, %lld events, %lld offers in %s, %.1f s",
             (long long)opt->users, (long long)opt->products, (long long)rows[0],
             (long long)rows[1], opt->directory, clock_seconds() - start);
done:
    clear_writer(&w);
    return status;
}

/* ---- the command ---- */

enum option_key {
    KEY_USERS = 256,
    KEY_PRODUCTS,
    KEY_SEED,
    KEY_EVENTS,
    KEY_OFFERS,
    KEY_WEEKS,
    KEY_RANDOMISED,
    KEY_TRUTH
};

static const struct argp_option command_line[] = {
    {"users", KEY_USERS, "N", 0, "users (20000)", 0},
    {"products", KEY_PRODUCTS, "M", 0, "products (400)", 0},
    {"seed", KEY_SEED, "S", 0, "another seed, another shop (1)", 0},
    {"events-per-user", KEY_EVENTS, "N", 0, "mean number of events of a user (20)", 0},
    {"offers-per-user", KEY_OFFERS, "N", 0, "mean number of past offers to a user (10)", 0},
    {"weeks", KEY_WEEKS, "N", 0, "length of the history (52)", 0},
    {"randomised", KEY_RANDOMISED, "SHARE", 0,
     "share of the past offers whose level was drawn at random (0.2)", 0},
    {"truth", KEY_TRUTH, "FORM", 0,
     "what the chance of buying is as a function of the discount: logit, or saturating, by types "
     "that no column names (logit)",
     0},
    {0}};

static int64_t whole_number(const char *text, struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != 0 || errno != 0)
        argp_error(state, "\"%s\" is not a whole number", text);
    return value;
}

static double fraction(const char *text, struct argp_state *state)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != 0) argp_error(state, "\"%s\" is not a number", text);
    return value;
}

static enum synth_form form_named(const char *text, struct argp_state *state)
{
    for (int form = 0; form < SYNTH_FORMS; form++)
        if (strcmp(text, synth_form_names[form]) == 0) return (enum synth_form)form;
    argp_error(state, "--truth is logit or saturating, not \"%s\"", text);
    return SYNTH_LOGIT;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct synth_options *opt = state->input;
    switch (key) {
    case KEY_USERS:
        opt->users = whole_number(text, state);
        break;
    case KEY_PRODUCTS:
        opt->products = whole_number(text, state);
        break;
    case KEY_SEED:
        opt->seed = (uint64_t)whole_number(text, state);
        break;
    case KEY_EVENTS:
        opt->events_per_user = whole_number(text, state);
        break;
    case KEY_OFFERS:
        opt->offers_per_user = whole_number(text, state);
        break;
    case KEY_WEEKS:
        opt->weeks = whole_number(text, state);
        break;
    case KEY_RANDOMISED:
        opt->randomised = fraction(text, state);
        break;
    case KEY_TRUTH:
        opt->form = form_named(text, state);
        break;
    case ARGP_KEY_ARG:
        if (opt->directory != NULL) argp_error(state, "one folder only, not also \"%s\"", text);
        opt->directory = text;
        break;
    case ARGP_KEY_END:
        if (opt->directory == NULL) argp_error(state, "name the folder to write the shop into");
        if (check_options(opt) != OK) argp_error(state, "%s", status_message());
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        command_line,
        parse_option,
        "DIR",
        "Write a synthetic shop with its truth into DIR: tables of users, "
        "products, events and past offers, and a configuration for them.\v"
        "  remise synth shop --users 50000 --seed 7      another shop than seed 1\n"
        "  remise synth shop --truth saturating          deep discounts add nothing\n\n"
        "tests/score_table.py and tests/score_curves.py score a run on it against the truth.",
        NULL,
        NULL,
        NULL};
    struct synth_options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    *opt = (struct synth_options)SYNTH_DEFAULTS;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

static enum status run(const struct comm *comm, void *options)
{
    const struct synth_options *opt = options;
    enum status status = synth_write_shop(comm, opt);
    if (status == OK) command_next_step("remise run %s/remise.yaml -o RUN", opt->directory);
    return status;
}

const struct command command_synth = {
    .name = "synth",
    .summary = "write a synthetic shop with its truth",
    .parse = parse,
    .run = run,
    .free = free,
};
