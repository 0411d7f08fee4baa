/* `remise diff RUN RUN`: what changed between two published tables, for how many rows, and why. */
#include "jobs/command.h"
#include "jobs/diff_merge.h"

#include "mpi/memory.h"

#include <argp.h>
#include <stdlib.h>

struct options {
    const char *folder[2];
    bool json;
};

enum { KEY_JSON = 'j' };

static const char doc[] =
    "Compare two published tables row by row: how many rows are new, gone, have the same, a higher "
    "or a lower discount, which discounts became which, what the limits and their prices were, and "
    "why: for each changed row it is worked out, exactly, whether new prices of limits alone would "
    "have changed it, or its own new cells (curve, price, cost) alone, or only both; whether its "
    "old discount is forbidden now; or whether a limit that came or went turned it.\v"
    "RUN is the folder of a run, whose current table is meant, or of a version "
    "(RUN/versions/<id>). The first is the earlier one. Tables made with different secrets have no "
    "user in common. Figures of fewer users than privacy.min_users are left out.\n\n"
    "Examples:\n"
    "  remise diff run/versions/8f0c...  run\n"
    "  remise diff yesterday today --json | jq .causes\n"
    "  mpirun -n 4 remise diff yesterday today\n";

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    switch (key) {
    case KEY_JSON:
        opt->json = true;
        break;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1) argp_error(state, "too many arguments: remise diff RUN RUN");
        opt->folder[state->arg_num] = text;
        break;
    case ARGP_KEY_END:
        if (opt->folder[1] == NULL)
            argp_error(state, "name two folders, the earlier one first: remise diff RUN RUN");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status diff_parse(int argc, char **argv, void **options)
{
    static const struct argp_option list[] = {
        {"json", KEY_JSON, NULL, 0, "JSON in place of text", 0}, {0}};
    static const struct argp argp = {
        .options = list, .parser = parse_option, .args_doc = "RUN RUN", .doc = doc};
    struct options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

static enum status diff_run(const struct comm *comm, void *options)
{
    const struct options *opt = options;
    enum status status = OK;
    struct diff *diff = NULL;
    TRY_ALL(comm, memory_new(&diff, 1, sizeof *diff));
    TRY(diff_make(comm, opt->folder[0], opt->folder[1], diff));
    enum status printed = OK;
    if (comm->rank == 0)
        printed = opt->json ? diff_print_json(diff, stdout) : diff_print_text(diff, stdout);
    TRY_ALL(comm, printed);
done:
    if (diff != NULL) diff_clear(comm, diff);
    free(diff);
    return status;
}

const struct command command_diff = {.name = "diff",
                                     .summary = "what changed between two tables, and why",
                                     .parse = diff_parse,
                                     .run = diff_run,
                                     .free = free};
