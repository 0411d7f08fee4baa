/* `remise fit ALGORITHM FILE`: one algorithm on one table. */
#include "jobs/command.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRAM_BYTES = 64 };

struct fit_options {
    const struct command *algorithm;
    void *options; /* of the algorithm */
    char program[PROGRAM_BYTES];
};

static void print_help(FILE *file)
{
    fputs("Usage: remise fit ALGORITHM FILE [OPTION...]\n"
          "\n"
          "Fit one model to one CSV table (plain or .gz) and print it as JSON on stdout; the same "
          "bytes at\n"
          "any number of ranks.\n"
          "\n"
          "Algorithms:\n",
          file);
    command_print_list(fit_commands, file);
    fputs("\n"
          "Examples:\n"
          "  remise fit kmeans iris.csv --columns sepal_length,sepal_width --k 3 --restarts 10\n"
          "  remise fit lsq oj.csv --formula 'log(sales) ~ log(price) * brand'\n"
          "  mpirun -n 4 remise fit mlp clicks.csv --target bought --loss bce --layers 64,32\n"
          "\n"
          "`remise fit ALGORITHM --help` explains an algorithm and its options.\n",
          file);
}

static void fit_free(void *options)
{
    struct fit_options *fit = options;
    if (fit == NULL) return;
    if (fit->options != NULL) fit->algorithm->free(fit->options);
    free(fit);
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-?") == 0 || strcmp(word, "-h") == 0 ||
           strcmp(word, "help") == 0;
}

static enum status fit_parse(int argc, char **argv, void **options)
{
    enum status status = OK;
    struct fit_options *fit = NULL;
    if (argc < 2) {
        print_help(stderr);
        exit(64);
    }
    if (asks_for_help(argv[1])) {
        print_help(stdout);
        exit(0);
    }
    TRY(memory_new(&fit, 1, sizeof *fit));
    TRY(command_find(fit_commands, "remise fit", argv[1], &fit->algorithm));
    snprintf(fit->program, sizeof fit->program, "remise fit %s", fit->algorithm->name);
    argv[1] = fit->program;
    TRY(fit->algorithm->parse(argc - 1, argv + 1, &fit->options));
    *options = fit;
    fit = NULL;
done:
    fit_free(fit);
    return status;
}

static enum status fit_run(const struct comm *comm, void *options)
{
    struct fit_options *fit = options;
    return fit->algorithm->run(comm, fit->options);
}

const struct command command_fit = {.name = "fit",
                                    .summary = "one algorithm on one table, such as kmeans or lsq",
                                    .alone = false,
                                    .parse = fit_parse,
                                    .run = fit_run,
                                    .free = fit_free};
