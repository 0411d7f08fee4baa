/* `remise info`: what a folder or a file holds, and the rows of a user. */
#include "jobs/info.h"

#include "jobs/command.h"
#include "jobs/versions.h"
#include "mpi/memory.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEY_SECRET = 256 };

struct options {
    const char *path, *user, *secret;
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'u':
        options->user = text;
        break;
    case KEY_SECRET:
        options->secret = text;
        break;
    case ARGP_KEY_ARG:
        if (options->path != NULL) argp_error(state, "one at a time, not also \"%s\"", text);
        options->path = text;
        break;
    case ARGP_KEY_END:
        if (options->path == NULL) argp_error(state, "name a run folder or a file");
        if (options->secret != NULL && options->user == NULL)
            argp_error(state, "--secret is for --user");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status info_parse(int argc, char **argv, void **options)
{
    static const struct argp_option list[] = {
        {"user", 'u', "USER", 0, "Print this user's rows: a pseudonym, or the shop's id", 0},
        {"secret", KEY_SECRET, "FILE", 0, "Secret of the run (default: your own)", 0},
        {0}};
    static const struct argp argp = {
        .options = list,
        .parser = parse_option,
        .args_doc = "RUN|FILE",
        .doc = "Say what a run folder, a version, or a file holds; or print the rows of one user, "
               "found by the index of discounts.h5 without reading it.\v"
               "An id given as USER is turned into the pseudonym by the secret; as an argument "
               "others on the machine can see it, a pseudonym tells them nothing.\n\n"
               "  remise info run\n"
               "  remise info run --user 5f1d0c8e9b7a43268d0e1f2a3b4c5d6e\n"
               "  remise info run/discounts.h5\n"
               "  remise info shop/events.csv"};
    struct options *fresh = NULL;
    enum status status = memory_new(&fresh, 1, sizeof *fresh);
    *options = fresh;
    if (status == OK) argp_parse(&argp, argc, argv, 0, NULL, fresh);
    return status;
}

static enum status info_command(const struct comm *comm, void *options)
{
    const struct options *o = options;
    char version[RUN_PATH_BYTES];
    struct stat facts;
    (void)comm;
    if (o->user != NULL) {
        enum status status = version_find(o->path, version);
        return status == OK ? info_user(version, o->user, o->secret) : status;
    }
    if (stat(o->path, &facts) == 0 && S_ISDIR(facts.st_mode)) return info_run(o->path);
    return info_file(o->path);
}

static void info_free(void *options)
{
    free(options);
}

const struct command command_info = {.name = "info",
                                     .summary = "what a run or a file holds; a user's rows",
                                     .alone = true,
                                     .parse = info_parse,
                                     .run = info_command,
                                     .free = info_free};
