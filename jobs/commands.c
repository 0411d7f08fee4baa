/* Which commands and algorithms there are. */
#include "jobs/command.h"

#include "jobs/suggest.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

enum { NEXT_STEP_BYTES = 512, MESSAGE_BYTES = 256 };

static char next_step[NEXT_STEP_BYTES]; /* part of the log: the end of its last line */

/* clang-format off */
/* In the order of --help. */
#define COMMANDS(X) \
    X(demo) X(run) X(synth) X(init) X(check) X(config) X(fit) X(apply) X(ingest) X(profile) \
    X(demand) X(recommend) X(respond) X(allocate) X(publish) X(info) X(why) X(diff) \
    X(verify) X(bench)

/* The algorithms of fit, in the order of its --help. */
#define FIT_COMMANDS(X) X(als) X(bgnbd) X(cnn) X(dml) X(forest) X(gamma_gamma) X(gmm) \
    X(gru) X(iv) X(kmeans) X(lsq) X(lstm) X(mlp) X(response) X(shrink) X(tower) X(tree)
/* clang-format on */

#define DECLARE(name) extern const struct command command_##name;
#define DECLARE_FIT(name) extern const struct command command_fit_##name;
#define ADDRESS(name) &command_##name,
#define ADDRESS_FIT(name) &command_fit_##name,

COMMANDS(DECLARE)
FIT_COMMANDS(DECLARE_FIT)

const struct command *const commands[] = {COMMANDS(ADDRESS) NULL};
const struct command *const fit_commands[] = {FIT_COMMANDS(ADDRESS_FIT) NULL};

enum status command_find(const struct command *const *list, const char *program, const char *name,
                         const struct command **command)
{
    struct suggestion suggestion = SUGGESTION(name);
    for (*command = NULL; *list != NULL; list++) {
        if (strcmp((*list)->name, name) == 0) {
            *command = *list;
            return OK;
        }
        suggestion_offer(&suggestion, (*list)->name);
    }
    char message[MESSAGE_BYTES];
    if (suggestion.best == NULL)
        snprintf(message, sizeof message, "%s has no \"%.80s\"; `%s --help` lists what it has",
                 program, name, program);
    else
        snprintf(message, sizeof message, "%s has no \"%.80s\"; did you mean `%s %s`?", program,
                 name, program, suggestion.best);
    status_set_message(message); /* about the user's words: no place in our code behind it */
    return ERR_USAGE;
}

void command_print_list(const struct command *const *list, FILE *file)
{
    for (; *list != NULL; list++) fprintf(file, "  %-11s %s\n", (*list)->name, (*list)->summary);
}

void command_next_step(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(next_step, sizeof next_step, format, args);
    va_end(args);
}

const char *command_next_step_text(void)
{
    return next_step;
}
