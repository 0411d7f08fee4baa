/* The program: find the command, parse before MPI starts, run it on all ranks, say how it ended. */
#include "jobs/command.h"
#include "jobs/launch.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "mpi/stop.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAM_BYTES = 64 };

const char *argp_program_version = "remise " REMISE_VERSION;

static const char introduction[] =
    "Usage: remise COMMAND [OPTION...]\n"
    "       mpirun -n RANKS remise COMMAND [OPTION...]\n"
    "\n"
    "Learns from a shop's tables who reacts how to a price, and publishes one table of personal\n"
    "discounts: for each user a few products, each with one level, within budget and margin.\n"
    "\n"
    "Commands:\n";

static const char examples[] =
    "\n"
    "Examples:\n"
    "  remise demo -o demo                             see it work on a small synthetic shop\n"
    "  remise init shop.yaml                           a commented configuration to fill in\n"
    "  remise check shop.yaml                          is it right, will it fit in memory?\n"
    "  mpirun -n 4 remise run shop.yaml -o run         the whole retrain; sent again, it "
    "continues\n"
    "  remise fit kmeans iris.csv --columns petal_length,petal_width --k 3\n"
    "\n"
    "`remise COMMAND --help` explains a command; docs/configuration.md lists all settings.\n"
    "Exit codes: 0 done, 64 usage, 65 input data, 66 file missing, 69 wrong MPI launch, 70 "
    "internal\n"
    "error, 71 memory or disk, 73 cannot write, 74 input/output, 75 stopped early (run again),\n"
    "78 configuration.\n";

static void print_help(FILE *file)
{
    fputs(introduction, file);
    command_print_list(commands, file);
    fputs(examples, file);
}

static bool is_any(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

/* The first word: a command, or a question that is answered here. */
static const struct command *choose(int argc, char **argv)
{
    const struct command *command = NULL;
    if (argc < 2) {
        print_help(stderr);
        exit(64);
    }
    if (is_any(argv[1], "--help", "-h", "help") || strcmp(argv[1], "-?") == 0) {
        print_help(stdout);
        exit(0);
    }
    if (is_any(argv[1], "--version", "-V", "version")) {
        puts(argp_program_version);
        exit(0);
    }
    if (command_find(commands, "remise", argv[1], &command) != OK) {
        fprintf(stderr, "error: %s\n", status_message());
        exit(64);
    }
    return command;
}

/* ---- how it ended ---- */

static const char *next_step(enum status status)
{
    switch (status) {
    case ERR_USAGE:
        return "look at the command's --help";
    case ERR_NO_INPUT:
        return "check the path, then run the same command again";
    case ERR_LAUNCH:
        return "start it again as the message says";
    case ERR_BUG:
        return "report it, with the log";
    case ERR_MEMORY:
        return "use more ranks on more nodes or free disk space, then run it again";
    case ERR_WRITE:
    case ERR_IO:
        return "see to the folder or disk named, then run the same command again";
    case ERR_STOPPED:
        return "run the same command again to continue";
    default:
        return "correct what the message names, then run the same command again";
    }
}

static void tell_done(const struct comm *comm, const struct command *command, double seconds)
{
    int64_t peak = memory_peak_bytes();
    const char *next = command_next_step_text();
    comm_max_int64(comm, &peak, 1);
    log_info("DONE: %s in %.1f s on %d rank%s, at most %.0f MiB each%s%s", command->name, seconds,
             comm->ranks, comm->ranks == 1 ? "" : "s", (double)peak / 1048576.0,
             next[0] != 0 ? "; next: " : "", next);
}

/* The last line: DONE, STOPPED or FAILED. The results of fit stand alone; only its errors are told.
 */
static void tell_end(const struct comm *comm, const struct command *command, enum status status,
                     double seconds)
{
    bool closes = command != &command_fit;
    if (status == OK && closes) tell_done(comm, command, seconds);
    if (status == OK) return;
    if (status == ERR_STOPPED) {
        log_line(closes ? LOG_INFO : LOG_WARNING, "STOPPED: %s; next: %s", status_message(),
                 next_step(status));
        return;
    }
    log_line(LOG_ERROR, "%s", status_message());
    log_debug("failed at %s", status_place());
    if (closes)
        log_info("FAILED: %s: %s (exit code %d); next: %s", command->name, status_text(status),
                 status_exit_code(status), next_step(status));
}

/* ---- running ---- */

static int run_alone(const struct command *command, void *options)
{
    struct comm self = comm_alone();
    log_start(&self, LOG_WARNING);
    enum status status = launch_is_first() ? command->run(NULL, options) : OK;
    if (status != OK) log_line(LOG_ERROR, "%s", status_message());
    command->free(options);
    return status_exit_code(status);
}

static _Noreturn void run_on_ranks(const struct command *command, void *options)
{
    struct comm comm;
    double start = clock_seconds();
    launch_unmute();
    stop_listen();
    enum status status = comm_start(&comm);
    if (status != OK) {
        if (launch_is_first()) fprintf(stderr, "error: %s\n", status_message());
        comm_end(&comm, status);
    }
    launch_joined();
    log_start(&comm, command == &command_fit ? LOG_WARNING : LOG_INFO);
    status = command->run(&comm, options);
    tell_end(&comm, command, status, clock_seconds() - start);
    command->free(options);
    comm_end(&comm, status);
}

int main(int argc, char **argv)
{
    memory_start();
    char program[PROGRAM_BYTES];
    void *options = NULL;
    launch_mute();
    const struct command *command = choose(argc, argv);
    snprintf(program, sizeof program, "remise %s", command->name);
    argv[1] = program;
    enum status status = command->parse(argc - 1, argv + 1, &options);
    if (status != OK) {
        fprintf(stderr, "error: %s\n", status_message());
        return status_exit_code(status);
    }
    if (command->alone) return run_alone(command, options);
    run_on_ranks(command, options);
}
