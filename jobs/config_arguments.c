/* CONFIG and --set on the command line. */
#include "jobs/config_arguments.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

void config_arguments_set(struct config_arguments *arguments, const char *text,
                          struct argp_state *state)
{
    if (strchr(text, '=') == NULL)
        argp_error(state, "--set %s: expected KEY=VALUE, such as respond.epochs=8", text);
    int64_t old = arguments->sets != NULL ? arguments->count + 1 : 0;
    if (memory_grow(&arguments->sets, old, arguments->count + 2, sizeof *arguments->sets) != OK) {
        fprintf(stderr, "%s: %s\n", state->name, status_message());
        exit(status_exit_code(ERR_MEMORY));
    }
    arguments->sets[arguments->count++] = text;
}

void config_arguments_path(struct config_arguments *arguments, const char *text,
                           struct argp_state *state)
{
    if (arguments->path != NULL) argp_error(state, "one configuration only, not also \"%s\"", text);
    arguments->path = text;
}

void config_arguments_clear(struct config_arguments *arguments)
{
    free(arguments->sets);
    *arguments = (struct config_arguments){0};
}
