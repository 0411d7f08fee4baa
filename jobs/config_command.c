/* `remise config`: what is in force, and where it comes from. */
#include "jobs/command.h"
#include "jobs/config.h"
#include "jobs/config_arguments.h"

#include "mpi/memory.h"

#include <stdlib.h>

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct config_arguments *arguments = state->input;
    switch (key) {
    case CONFIG_SET:
        config_arguments_set(arguments, text, state);
        break;
    case ARGP_KEY_ARG:
        config_arguments_path(arguments, text, state);
        break;
    case ARGP_KEY_END:
        if (arguments->path == NULL)
            argp_error(state, "name a configuration; `remise init` prints one to begin with");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status config_command_parse(int argc, char **argv, void **options)
{
    static const struct argp_option list[] = {CONFIG_SET_OPTION, {0}};
    static const struct argp argp = {
        .options = list,
        .parser = parse_option,
        .args_doc = "CONFIG",
        .doc = "Check a configuration and print all settings in force, each with its origin: the "
               "default, a line of the file, or --set. The output is itself a configuration."};
    struct config_arguments *arguments = NULL;
    enum status status = memory_new(&arguments, 1, sizeof *arguments);
    if (status != OK) return status;
    argp_parse(&argp, argc, argv, 0, NULL, arguments);
    *options = arguments;
    return OK;
}

static enum status config_command_run(const struct comm *comm, void *options)
{
    (void)comm;
    const struct config_arguments *arguments = options;
    struct config *config = NULL;
    enum status status = OK;
    TRY(config_read_alone(arguments->path, arguments->sets, &config));
    TRY(config_write(config, stdout));
    if (fflush(stdout) != 0) status = FAIL(ERR_WRITE, "cannot write to stdout: %m");
done:
    config_free(&config);
    return status;
}

static void config_command_free(void *options)
{
    config_arguments_clear(options);
    free(options);
}

const struct command command_config = {.name = "config",
                                       .summary = "effective settings and their origin",
                                       .alone = true,
                                       .parse = config_command_parse,
                                       .run = config_command_run,
                                       .free = config_command_free};
