/* `remise bench machine`: what the machine can do. */
#include "jobs/bench_machine.h"
#include "jobs/command.h"

#include "mpi/memory.h"

#include <argp.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char doc[] =
    "Measure what this machine can do with all ranks at once, and print it as JSON on stdout: "
    "ranks, float_gflops, double_gflops, read_gigabytes_per_second, copy_gigabytes_per_second, "
    "counts_per_second.\v"
    "Multiply-adds (counted as two operations) stay in registers, so no program does more of them; "
    "reading and copying go to memory beyond the caches; counts are bins of histograms added to. "
    "What is near none of these limits wastes time. Nothing else should run meanwhile: it would "
    "count against the machine. It takes two seconds and 512 MiB a rank.\n\n"
    "bench/run.sh measures the algorithms and prints the share of their limit that they reach.\n\n"
    "Examples:\n"
    "  remise bench machine\n"
    "  mpirun -n 2 remise bench machine > machine.json\n";

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    bool *named = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*named || strcmp(text, "machine") != 0)
            argp_error(state, "there is no \"%s\"; say `remise bench machine`", text);
        *named = true;
        break;
    case ARGP_KEY_END:
        if (!*named) argp_error(state, "say what to measure: machine");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status bench_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {.parser = parse_option, .args_doc = "machine", .doc = doc};
    bool *named = NULL;
    enum status status = memory_new(&named, 1, sizeof *named);
    if (status != OK) return status;
    argp_parse(&argp, argc, argv, 0, NULL, named);
    *options = named;
    return OK;
}

static enum status print(const struct comm *comm, const struct bench_machine *machine)
{
    json_t *result = json_pack(
        "{s:s, s:i, s:f, s:f, s:f, s:f, s:f}", "bench", "machine", "ranks", comm->ranks,
        "float_gflops", machine->float_flops / 1e9, "double_gflops", machine->double_flops / 1e9,
        "read_gigabytes_per_second", machine->read_bytes / 1e9, "copy_gigabytes_per_second",
        machine->copied_bytes / 1e9, "counts_per_second", machine->counts);
    if (result == NULL) return FAIL(ERR_MEMORY, "no memory for the result");
    /* four digits: the fifth differs the next time */
    bool written = json_dumpf(result, stdout, JSON_REAL_PRECISION(4)) == 0;
    json_decref(result);
    if (!written || putchar('\n') == EOF || fflush(stdout) != 0)
        return FAIL(ERR_WRITE, "cannot write the result to stdout");
    return OK;
}

static enum status bench_run(const struct comm *comm, void *options)
{
    (void)options;
    enum status status = OK;
    struct bench_machine machine = {0};
    TRY(bench_machine_measure(comm, &machine));
    TRY_ALL(comm, comm->rank == 0 ? print(comm, &machine) : OK);
done:
    return status;
}

const struct command command_bench = {.name = "bench",
                                      .summary = "what this machine can do, as JSON",
                                      .alone = false,
                                      .parse = bench_parse,
                                      .run = bench_run,
                                      .free = free};
