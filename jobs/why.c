/* `remise why RUN USER [PRODUCT]`: the exact reason of every discount of a user. */
#include "jobs/command.h"
#include "jobs/config_arguments.h"
#include "jobs/why_report.h"

#include "mpi/memory.h"

#include <stdlib.h>

struct options {
    struct config_arguments settings;
    const char *folder, *user, *product;
    bool json, all;
};

enum { KEY_JSON = 'j', KEY_ALL = 'a' };

static const char doc[] =
    "Say why a user has these discounts: for each row of the published table every level with "
    "what it is worth and what it uses, what is left of its worth at the prices of the limits, "
    "by how much the chosen level beats the next one, which limit or rule stood against the "
    "others, and the segment, elasticity and response curve behind it. Exact: the integers that "
    "were solved for, at the prices that prove the table.\v"
    "USER is a pseudonym as the table has it, or the shop's own id (the secret that keys "
    "pseudonyms is looked for where the run had it). RUN is the folder of a run, whose current "
    "table is meant, or of a version (RUN/versions/<id>). Reads the user's rows alone and never "
    "starts MPI.\n\n"
    "  worth      what the level adds to the objective\n"
    "  at prices  worth, less what its uses cost at the limits' prices\n"
    "  behind     how far that is below the best allowed level: its reduced cost\n\n"
    "Examples:\n"
    "  remise why run 0a1b2c3d4e5f60718293a4b5c6d7e8f9\n"
    "  remise why run anna@example.org p0035\n"
    "  remise why run anna@example.org --json | jq '.rows[0].levels'\n"
    "  remise why run --all >reasons.jsonl\n"
    "  remise why run anna@example.org --set privacy.secret_file=/safe/secret.key\n";

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    switch (key) {
    case CONFIG_SET:
        config_arguments_set(&opt->settings, text, state);
        break;
    case KEY_JSON:
        opt->json = true;
        break;
    case KEY_ALL:
        opt->all = true;
        break;
    case ARGP_KEY_ARG:
        if (state->arg_num > 2) argp_error(state, "too many arguments: RUN USER [PRODUCT]");
        *(state->arg_num == 0   ? &opt->folder
          : state->arg_num == 1 ? &opt->user
                                : &opt->product) = text;
        break;
    case ARGP_KEY_END:
        if (opt->user == NULL && !(opt->all && opt->folder != NULL))
            argp_error(state, "name the folder of a run and a user: remise why RUN USER [PRODUCT]");
        if (opt->all && (opt->user != NULL || opt->json))
            argp_error(state, "--all is for every row of the table: leave out USER and --json");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status why_parse(int argc, char **argv, void **options)
{
    static const struct argp_option list[] = {
        CONFIG_SET_OPTION,
        {"json", KEY_JSON, NULL, 0, "JSON in place of text", 0},
        {"all", KEY_ALL, NULL, 0,
         "No USER: for each row of the table a line of JSON with the exact figures alone", 0},
        {0}};
    static const struct argp argp = {
        .options = list, .parser = parse_option, .args_doc = "RUN USER [PRODUCT]", .doc = doc};
    struct options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

static enum status check_product(const struct why *why, const struct options *opt)
{
    char list[1024] = "";
    size_t used = 0;
    for (int64_t r = 0; r < why->rows.rows; r++) {
        if (why_asks(why, opt->product, r)) return OK;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.*s", r > 0 ? ", " : "",
                                 why_product_bytes(why, r), why_product(why, r));
        if (used >= sizeof list) used = sizeof list - 1;
    }
    return FAIL(ERR_NO_INPUT, "user %s has no row of product %s; there are rows of %s", opt->user,
                opt->product, list);
}

static enum status why_run(const struct comm *comm, void *options)
{
    (void)comm;
    const struct options *opt = options;
    const struct comm alone = comm_alone();
    enum status status = OK;
    struct why why = {0};
    if (opt->all) return why_print_all(&alone, opt->folder, stdout);
    TRY(why_facts_gather(&alone, opt->folder, opt->user, opt->settings.sets, &why));
    TRY(check_product(&why, opt));
    TRY(opt->json ? why_print_json(&why, opt->product, stdout)
                  : why_print_text(&why, opt->product, stdout));
done:
    why_facts_clear(&alone, &why);
    return status;
}

static void why_free(void *options)
{
    struct options *opt = options;
    config_arguments_clear(&opt->settings);
    free(opt);
}

const struct command command_why = {.name = "why",
                                    .summary = "why a user has these discounts, exactly",
                                    .alone = true,
                                    .parse = why_parse,
                                    .run = why_run,
                                    .free = why_free};
