/**
 * What a sub-command of remise is: a name, options parsed before MPI starts, and a run on all
 * ranks.
 *
 * Every command lives in a file of its own in jobs/ and exports one constant of this type;
 * jobs/main.c finds it by name, parses, starts MPI where it is needed, runs, and ends the process
 * with the exit code of the status.
 */
#ifndef REMISE_JOBS_COMMAND_H
#define REMISE_JOBS_COMMAND_H

#include "mpi/comm.h"

#include <stdio.h>

struct command {
    const char *name;    /* "run", "synth", "kmeans" (of fit) */
    const char *summary; /* one line for --help */
    bool alone;          /* runs without MPI, e.g. on a login node; comm is NULL then */

    /* Parse argv[0 .. argc-1] (argv[0] is "remise run") by argp; --help and wrong usage end the
     * process (0 and 64) before MPI starts. Local.
     * options  out  new, freed by `free` */
    enum status (*parse)(int argc, char **argv, void **options);

    /* Do the work. Collective unless `alone`. Results to stdout on rank 0, everything else to the
     * log. */
    enum status (*run)(const struct comm *comm, void *options);

    void (*free)(void *options);
};

/* The algorithms of `remise fit`, ended by NULL. */
extern const struct command *const fit_commands[];

/* All commands in the order of --help, ended by NULL. */
extern const struct command *const commands[];

/* `remise fit ALGORITHM FILE`: hands on to one of fit_commands. */
extern const struct command command_fit;

/**
 * The command of this name in a list that ends with NULL. Local.
 * program  in  what stands before the name, for the message: "remise", "remise fit"
 * Errors: ERR_USAGE no such command, with "did you mean".
 */
enum status command_find(const struct command *const *list, const char *program, const char *name,
                         const struct command **command);

/** Print a list of commands, one line each. Local. */
void command_print_list(const struct command *const *list, FILE *file);

/**
 * For the line DONE: what to do next, such as "look at run/report.html".
 * Local; the last call counts.
 */
void command_next_step(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** What command_next_step was told, "" if nothing. Local. */
const char *command_next_step_text(void);

#endif
