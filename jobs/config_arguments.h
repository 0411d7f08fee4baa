/**
 * The part of the command line that every command with a configuration has: CONFIG and
 * `--set KEY=VALUE`.
 */
#ifndef REMISE_JOBS_CONFIG_ARGUMENTS_H
#define REMISE_JOBS_CONFIG_ARGUMENTS_H

#include "mpi/status.h"

#include <argp.h>
#include <stdint.h>

struct config_arguments {
    const char *path; /* not owned; NULL until given */
    int64_t count;
    const char **sets; /* [count + 1] not owned, ended by NULL; NULL if there is none */
};

/* The row of --set in a command's table of options; its key is CONFIG_SET. */
enum { CONFIG_SET = 's' };
#define CONFIG_SET_OPTION                                                        \
    {                                                                            \
        "set", CONFIG_SET, "KEY=VALUE", 0,                                       \
            "Override one setting, such as respond.epochs=8; may be repeated", 0 \
    }

/** Note one --set. Local; ends the process with 64 if there is no "=", with 71 without memory. */
void config_arguments_set(struct config_arguments *arguments, const char *text,
                          struct argp_state *state);

/** Note CONFIG; a second one ends the process with 64. Local. */
void config_arguments_path(struct config_arguments *arguments, const char *text,
                           struct argp_state *state);

/** Free the list; accepts a zeroed struct. Local. */
void config_arguments_clear(struct config_arguments *arguments);

#endif
