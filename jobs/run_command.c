/* `remise run` and one command per stage: the same options, other first and last stages. */
#include "jobs/allocate_table.h"
#include "jobs/command.h"
#include "jobs/config_arguments.h"
#include "jobs/run.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { OPTION_FORCE = 'f', OPTION_OUT = 'o', OPTION_FROM = 256, OPTION_UNTIL };

struct arguments {
    struct config_arguments config;
    const char *folder;
    const char *first, *last; /* stages; NULL: from the first, to the last */
    bool force;
};

static const char *stage_named(const char *name, struct argp_state *state)
{
    for (int s = 0; stages[s] != NULL; s++)
        if (strcmp(stages[s]->name, name) == 0) return name;
    argp_error(state,
               "there is no stage \"%s\"; stages are ingest, profile, demand, recommend, respond, "
               "allocate, publish",
               name);
    return NULL;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case CONFIG_SET:
        config_arguments_set(&arguments->config, text, state);
        break;
    case OPTION_OUT:
        arguments->folder = text;
        break;
    case OPTION_FORCE:
        arguments->force = true;
        break;
    case OPTION_FROM:
        arguments->first = stage_named(text, state);
        break;
    case OPTION_UNTIL:
        arguments->last = stage_named(text, state);
        break;
    case ARGP_KEY_ARG:
        config_arguments_path(&arguments->config, text, state);
        break;
    case ARGP_KEY_END:
        if (arguments->config.path == NULL)
            argp_error(state, "name a configuration; `remise init` prints one to begin with");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status new_arguments(struct arguments **arguments, void **options)
{
    enum status status = memory_new(arguments, 1, sizeof **arguments);
    if (status != OK) return status;
    (*arguments)->folder = "run";
    *options = *arguments;
    return OK;
}

static enum status run_parse(int argc, char **argv, void **options)
{
    static const struct argp_option list[] = {
        {"out", OPTION_OUT, "RUN", 0, "Folder for everything the run makes (default: run)", 0},
        CONFIG_SET_OPTION,
        {"from", OPTION_FROM, "STAGE", 0, "Begin with this stage", 0},
        {"until", OPTION_UNTIL, "STAGE", 0, "End with this stage", 0},
        {"force", OPTION_FORCE, NULL, 0, "Run the stages even if nothing has changed", 0},
        {0}};
    static const struct argp argp = {
        .options = list,
        .parser = parse_option,
        .args_doc = "CONFIG",
        .doc = "Run the whole retrain: ingest, profile, demand, recommend, respond, allocate, "
               "publish.\v"
               "A stage whose inputs and settings have not changed is skipped, so the same command "
               "sent again "
               "continues where the last one ended. The table is RUN/discounts.csv (and .h5), its "
               "receipt "
               "RUN/receipt.json.\n\n"
               "  mpirun -n 4 remise run shop.yaml -o run --set allocate.budget=5000"};
    struct arguments *arguments = NULL;
    enum status status = new_arguments(&arguments, options);
    if (status == OK) argp_parse(&argp, argc, argv, 0, NULL, arguments);
    return status;
}

static enum status stage_parse(const struct stage *stage, int argc, char **argv, void **options)
{
    static const struct argp_option list[] = {
        {"out", OPTION_OUT, "RUN", 0, "Folder of the run (default: run)", 0},
        CONFIG_SET_OPTION,
        {"force", OPTION_FORCE, NULL, 0, "Run the stage even if nothing has changed", 0},
        {0}};
    const struct argp argp = {
        .options = list,
        .parser = parse_option,
        .args_doc = "CONFIG",
        .doc = "Run one stage of a retrain; the stages before it must have run.\v"
               "`remise run` runs all that is due. `remise allocate cells.csv --help` tells of "
               "tables."};
    struct arguments *arguments = NULL;
    enum status status = new_arguments(&arguments, options);
    if (status != OK) return status;
    argp_parse(&argp, argc, argv, 0, NULL, arguments);
    arguments->first = arguments->last = stage->name;
    return OK;
}

static enum status run_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    const struct arguments *arguments = options;
    struct config *config = NULL;
    TRY(config_read(comm, arguments->config.path, arguments->config.sets, &config));
    TRY(run_stages(comm, config, arguments->folder, arguments->first, arguments->last,
                   arguments->force));
    if (arguments->last == NULL || strcmp(arguments->last, stage_publish.name) == 0)
        command_next_step("look at %s/receipt.json and %s/discounts.csv", arguments->folder,
                          arguments->folder);
    else
        command_next_step("remise run goes on from here; what this made is in %s",
                          arguments->folder);
done:
    config_free(&config);
    return status;
}

static void run_free(void *options)
{
    struct arguments *arguments = options;
    config_arguments_clear(&arguments->config);
    free(arguments);
}

const struct command command_run = {.name = "run",
                                    .summary = "every stage, continuing where it can",
                                    .parse = run_parse,
                                    .run = run_run,
                                    .free = run_free};

#define STAGE_COMMAND(stage, text)                                          \
    static enum status parse_##stage(int argc, char **argv, void **options) \
    {                                                                       \
        return stage_parse(&stage_##stage, argc, argv, options);            \
    }                                                                       \
    const struct command command_##stage = {.name = #stage,                 \
                                            .summary = text,                \
                                            .parse = parse_##stage,         \
                                            .run = run_run,                 \
                                            .free = run_free};

STAGE_COMMAND(ingest, "stage 1: tables in, cleaned, users to their ranks")
STAGE_COMMAND(profile, "stage 2: features, segments and lifetime value of the users")
STAGE_COMMAND(demand, "stage 3: price elasticities")
STAGE_COMMAND(recommend, "stage 4: which products each user may want")
STAGE_COMMAND(respond, "stage 5: the chance of buying at each discount")

/* `remise allocate` takes a table of cells in place of a configuration too. */
struct allocate_options {
    bool table;
    void *options; /* of the one or the other */
};

static enum status allocate_parse(int argc, char **argv, void **options)
{
    struct allocate_options *either = NULL;
    enum status status = memory_new(&either, 1, sizeof *either);
    if (status != OK) return status;
    either->table = allocate_table_asked(argc, argv);
    *options = either;
    if (either->table) return allocate_table.parse(argc, argv, &either->options);
    return stage_parse(&stage_allocate, argc, argv, &either->options);
}

static enum status allocate_run(const struct comm *comm, void *options)
{
    const struct allocate_options *either = options;
    return either->table ? allocate_table.run(comm, either->options)
                         : run_run(comm, either->options);
}

static void allocate_free(void *options)
{
    struct allocate_options *either = options;
    if (either->options != NULL && either->table) allocate_table.free(either->options);
    if (either->options != NULL && !either->table) run_free(either->options);
    free(either);
}

const struct command command_allocate = {
    .name = "allocate",
    .summary = "stage 6: one level for each user and product; or of any table of cells",
    .parse = allocate_parse,
    .run = allocate_run,
    .free = allocate_free};

STAGE_COMMAND(publish, "stage 7: the table and its receipt")
