/* `remise demo`: a small synthetic shop, written and retrained end to end. */
#include "jobs/command.h"
#include "jobs/run.h"
#include "jobs/synth.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { OPTION_OUT = 'o', OPTION_USERS = 'n', USERS_DEFAULT = 20000 };

struct arguments {
    const char *folder;
    int64_t users;
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    char *end = NULL;
    switch (key) {
    case OPTION_OUT:
        arguments->folder = text;
        break;
    case OPTION_USERS:
        arguments->users = strtoll(text, &end, 10);
        if (*text == 0 || *end != 0 || arguments->users < 1)
            argp_error(state, "--users: \"%s\" is not a number of users above 0", text);
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "demo takes no argument: \"%s\"", text);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status demo_parse(int argc, char **argv, void **options)
{
    static const struct argp_option list[] = {
        {"out", OPTION_OUT, "FOLDER", 0, "Where the shop and the run go (default: demo)", 0},
        {"users", OPTION_USERS, "N", 0, "Users of the shop (default: 20000)", 0},
        {0}};
    static const struct argp argp = {
        .options = list,
        .parser = parse_option,
        .doc = "Write a synthetic shop to FOLDER/shop and retrain it to FOLDER/run: every stage, "
               "from CSV to "
               "discounts.csv, discounts.h5 and receipt.json.\v"
               "The shop comes with its truth (FOLDER/shop/truth), so the table can be scored:\n"
               "  python3 tests/score_table.py demo/shop demo/run"};
    struct arguments *arguments = NULL;
    enum status status = memory_new(&arguments, 1, sizeof *arguments);
    if (status != OK) return status;
    *arguments = (struct arguments){"demo", USERS_DEFAULT};
    argp_parse(&argp, argc, argv, 0, NULL, arguments);
    *options = arguments;
    return OK;
}

static enum status make_folder(const char *folder)
{
    if (mkdir(folder, 0755) == 0 || errno == EEXIST) return OK;
    return FAIL(ERR_WRITE, "cannot make the folder %s: %s", folder, strerror(errno));
}

static enum status demo_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    const struct arguments *arguments = options;
    struct config *config = NULL;
    char shop[RUN_PATH_BYTES], run[RUN_PATH_BYTES], settings[RUN_PATH_BYTES + 16];
    struct synth_options synth = SYNTH_DEFAULTS;
    snprintf(shop, sizeof shop, "%s/shop", arguments->folder);
    snprintf(run, sizeof run, "%s/run", arguments->folder);
    snprintf(settings, sizeof settings, "%s/remise.yaml", shop);
    synth.directory = shop;
    synth.users = arguments->users;
    TRY_ALL(comm, comm->rank == 0 ? make_folder(arguments->folder) : OK);
    log_info("demo: a synthetic shop of %lld users in %s", (long long)synth.users, shop);
    TRY(synth_write_shop(comm, &synth));
    TRY(config_read(comm, settings, NULL, &config));
    TRY(run_stages(comm, config, run, NULL, NULL, false));
    command_next_step("look at %s/receipt.json, or try your own tables: remise init shop.yaml",
                      run);
done:
    config_free(&config);
    return status;
}

const struct command command_demo = {.name = "demo",
                                     .summary = "a small synthetic shop, end to end",
                                     .parse = demo_parse,
                                     .run = demo_run,
                                     .free = free};
