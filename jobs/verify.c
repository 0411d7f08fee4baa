/* `remise verify RUN`: is a published version what it says? */
#include "jobs/verify.h"

#include "jobs/command.h"
#include "jobs/versions.h"
#include "mpi/memory.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *path;
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    if (key == ARGP_KEY_ARG && options->path == NULL)
        options->path = text;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "one folder only, not also \"%s\"", text);
    else if (key == ARGP_KEY_END && options->path == NULL)
        argp_error(state, "name a run folder, or the folder of a version");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static enum status verify_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .parser = parse_option,
        .args_doc = "RUN",
        .doc = "Prove a published table from its files alone: digests, checksums, order, rows "
               "against their cells, every limit, the bound from its prices, the receipt.\v"
               "One line for each check: ok, or WRONG with file, row and value. RUN is a run "
               "folder, of which the current version is looked at, or the folder of a version. "
               "Under mpirun the ranks share the rows.\n\n"
               "  remise verify run\n"
               "  remise verify run/versions/25dc5e2af7da7a99ff53203bb42188bf\n"
               "  mpirun -n 4 remise verify run\n\n"
               "Exit codes: 0 all is as it says, 65 something is wrong, 66 there is no table."};
    struct options *fresh = NULL;
    enum status status = memory_new(&fresh, 1, sizeof *fresh);
    *options = fresh;
    if (status == OK) argp_parse(&argp, argc, argv, 0, NULL, fresh);
    return status;
}

/* ---- the version ---- */

/* Opens what can be opened; what cannot is found wrong by the checks. */
static enum status open_version(const struct comm *comm, const char *path, struct verify *verify)
{
    enum status status = OK;
    TRY_ALL(comm, comm->rank == 0 ? version_find(path, verify->folder) : OK);
    comm_broadcast(comm, verify->folder, sizeof verify->folder, 0);
    verify->manifest = json_load_file(verify_path(verify, "manifest.json"), 0, NULL);
    verify->receipt = json_load_file(verify_path(verify, "receipt.json"), 0, NULL);
done:
    return status;
}

static enum status open_table(const struct comm *comm, struct verify *verify)
{
    struct finding finding = {0};
    enum status status = store_open(comm, verify_path(verify, "discounts.h5"), &verify->store);
    if (status == OK) verify->rows = store_rows(comm, verify->store, "user_id", NULL);
    if (status == OK && verify->rows < 0)
        status = comm_agree(comm, FAIL(ERR_DATA, "discounts.h5 has no column user_id"));
    if (status == OK) return OK;
    if (comm->rank == 0) finding_add(&finding, -1, "%s", status_message());
    store_close(comm, &verify->store);
    verify_tell(comm, verify, "table", &finding, "discounts.h5 can be read");
    return OK;
}

/* ---- the checks ---- */

/* A part that ends early because of what it reads is one more thing that is wrong. */
static enum status look(const struct comm *comm, struct verify *verify, const char *part,
                        enum status status)
{
    struct finding finding = {0};
    if (status != ERR_DATA && status != ERR_IO && status != ERR_NO_INPUT) return status;
    if (comm->rank == 0) finding_add(&finding, -1, "%s", status_message());
    verify_tell(comm, verify, part, &finding, "-");
    return OK;
}

static enum status check_table(const struct comm *comm, struct verify *verify)
{
    enum status status = OK;
    struct verify_totals totals = {0};
    int64_t before = verify->wrong;
    TRY(look(comm, verify, "checksums", verify_sums(comm, verify)));
    TRY(look(comm, verify, "order", verify_order(comm, verify)));
    enum status rows = verify_rows(comm, verify, &totals);
    TRY(look(comm, verify, "rows", rows));
    if (rows == OK || before == verify->wrong)
        TRY(look(comm, verify, "claims", verify_claims(comm, verify, &totals)));
done:
    free(totals.limit);
    free(totals.price);
    free(totals.used);
    return status;
}

static enum status check_all(const struct comm *comm, struct verify *verify)
{
    enum status status = OK;
    const char *id = json_string_value(json_object_get(verify->manifest, "version"));
    TRY(verify_digests(comm, verify));
    TRY(open_table(comm, verify));
    if (verify->store != NULL) TRY(check_table(comm, verify));
    if (verify->wrong > 0)
        TRY(comm_agree(comm,
                       FAIL(ERR_DATA, "%lld of %lld checks failed; first: %s",
                            (long long)verify->wrong, (long long)verify->checks, verify->first)));
    if (comm->rank == 0)
        printf("verified: version %.32s, %lld rows, %lld checks\n", id != NULL ? id : "?",
               (long long)verify->rows, (long long)verify->checks);
done:
    return status;
}

static enum status verify_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    const struct options *arguments = options;
    struct verify *verify = NULL;
    TRY_ALL(comm, memory_new(&verify, 1, sizeof *verify));
    TRY(open_version(comm, arguments->path, verify));
    TRY(check_all(comm, verify));
done:
    if (verify != NULL) {
        store_close(comm, &verify->store);
        json_decref(verify->manifest);
        json_decref(verify->receipt);
    }
    free(verify);
    return status;
}

static void verify_free(void *options)
{
    free(options);
}

const struct command command_verify = {.name = "verify",
                                       .summary = "prove a published table from its files alone",
                                       .parse = verify_parse,
                                       .run = verify_run,
                                       .free = verify_free};
