/* `remise check`: is the configuration right, are the tables there and mapped, how much memory and
 * time will ingest take? */
#include "jobs/command.h"
#include "jobs/config.h"
#include "jobs/config_arguments.h"

#include "jobs/forecast.h"
#include "jobs/published.h"
#include "jobs/versions.h"
#include "mpi/memory.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE_BYTES = 12 << 20, TAKES = 4, KEY_BYTES = 64, KEY_RANKS = 'n', KEY_OUT = 'o' };

struct check_options {
    struct config_arguments arguments;
    const char *folder; /* of the run to come */
    int64_t ranks;
};

static void format_bytes(char *text, size_t room, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    for (; bytes >= 1024.0 && unit < 4; unit++) bytes /= 1024.0;
    snprintf(text, room, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static void format_seconds(char *text, size_t room, double seconds)
{
    if (seconds < 120.0)
        snprintf(text, room, "%.1f s", seconds);
    else if (seconds < 7200.0)
        snprintf(text, room, "%.1f minutes", seconds / 60.0);
    else
        snprintf(text, room, "%.1f hours", seconds / 3600.0);
}

/* ---- tables ---- */

static void print_table(const struct config *config, const struct shop_sample *sample,
                        enum table table)
{
    char key[KEY_BYTES], size[32], bad[64] = "";
    const struct table_sample *taken = &sample->table[table];
    const char *name = table_name(table);
    snprintf(key, sizeof key, "%s.file", name);
    if (!sample->given[table]) {
        printf("%-10s not given\n", name);
        return;
    }
    if (sample->found[table] != OK) {
        printf("%-10s %s (%s)\n", name, sample->problem[table], config_origin(config, key));
        return;
    }
    double rejected = 1.0 - sample->usable[table] / (sample->rows[table] + 1e-9);
    if (rejected > 0.0005 && sample->rows[table] > 0.0)
        snprintf(bad, sizeof bad, ", %.1f %% of them not usable", 100.0 * rejected);
    format_bytes(size, sizeof size, (double)taken->stored_bytes);
    printf("%-10s %s, %s, %s%.0f rows%s (%s)\n", name, config_path(config, key), size,
           taken->taken.share < 1.0 ? "about " : "", sample->rows[table], bad,
           config_origin(config, key));
}

static void keep_less(double *held, double seconds)
{
    if (seconds < *held) *held = seconds;
}

/* The rows are taken several times: the processor's time for them is that of the quickest, as other
 * programs only ever slow it down. */
static enum status look_at_tables(const struct config *config, struct shop_sample *sample)
{
    enum status status = OK;
    struct shop_sample again;
    TRY(shop_sample_take(config, SAMPLE_BYTES, true, sample));
    if (shop_sample_problems(sample) > 0) return OK;
    for (int i = 1; i < TAKES; i++) {
        TRY(shop_sample_take(config, SAMPLE_BYTES, true, &again));
        for (enum table t = 0; t < TABLES; t++)
            keep_less(&sample->table[t].seconds, again.table[t].seconds);
        keep_less(&sample->settle_seconds, again.settle_seconds);
    }
done:
    return status;
}

static enum status report_problems(const struct shop_sample *sample)
{
    enum status worst = OK;
    int problems = shop_sample_problems(sample);
    for (enum table t = 0; t < TABLES; t++)
        if (sample->found[t] != OK) worst = sample->found[t];
    if (worst == OK) return OK;
    return FAIL(worst,
                "%d table%s cannot be read, see above; correct the file names, their mapping or "
                "data.dir",
                problems, problems == 1 ? "" : "s");
}

/* Who is to be forgotten is no part of the sample. */
static enum status look_at_forget(const struct config *config)
{
    const struct comm alone = comm_alone();
    const unsigned char secret[USER_SECRET_BYTES] = {0};
    struct forget_list list = {0};
    enum status status = forget_read(&alone, config, secret, &list);
    forget_clear(&list);
    return status;
}

/* The table that today's is held against would be missed only once all models are trained. */
static enum status look_at_previous(const struct config *config, const char *run)
{
    enum status status = OK;
    const struct comm alone = comm_alone();
    struct published published = {0};
    const char *folder = config_path(config, "allocate.previous");
    if (folder == NULL) return OK;
    if (version_is_first(run, folder)) {
        printf("previous   %s, this run's own folder, has no table yet: nothing is held against "
               "the first one (%s)\n",
               folder, config_origin(config, "allocate.previous"));
        return OK;
    }
    TRY(published_open(&alone, folder, &published));
    printf("previous   %s, %lld rows of %lld users (%s)\n", folder, (long long)published.rows,
           (long long)published.users, config_origin(config, "allocate.previous"));
done:
    published_close(&alone, &published);
    if (status == OK) return OK;
    return FAIL(status,
                "allocate.previous: %s, or leave it out; if it is the folder of the run to come, "
                "name that with -o",
                status_message());
}

/* ---- forecasts ---- */

static double free_memory(void)
{
    char line[128];
    long long kib = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %lld kB", &kib) == 1) break;
    if (file != NULL) fclose(file);
    return 1024.0 * (double)kib;
}

static void print_memory(const struct config *config, const struct shop_sample *sample,
                         int64_t ranks)
{
    char all[32], each[32], here[32];
    double available = free_memory();
    struct forecast_memory memory =
        forecast_memory(config, sample, ranks, (double)FORECAST_PROCESS_BYTES);
    double bytes = (double)ranks * memory.bytes;
    format_bytes(each, sizeof each, memory.bytes);
    format_bytes(all, sizeof all, bytes);
    format_bytes(here, sizeof here, available);
    printf("memory    ingest: %s on each of %lld rank%s, %s in all, most of it while %s; by "
           "ingest.memory, %lld MiB (%s); free here: %s\n",
           each, (long long)ranks, ranks == 1 ? "" : "s", all, memory.at,
           (long long)config_integer(config, "ingest.memory"),
           config_origin(config, "ingest.memory"), here);
    if (available > 0.0 && bytes > available)
        printf("          more than is free on this machine: lower ingest.memory or use more "
               "machines\n");
}

static int64_t count_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static void print_time(const struct shop_sample *sample, int64_t ranks)
{
    char seconds[32];
    int64_t cores = count_cores();
    struct forecast_time time = forecast_time(sample, ranks, cores, forecast_copy_seconds());
    double work = time.read + time.settle + time.write + time.move;
    format_seconds(seconds, sizeof seconds, time.seconds);
    printf("time      ingest: %s on machines like this one, %.0f %% of it reading, %.0f %% "
           "ordering and cleaning; by rows tried here just now, without waits for disks",
           seconds, 100.0 * time.read / work, 100.0 * time.settle / work);
    if (ranks > cores)
        printf("; for the %lld core%s of one: more machines are quicker", (long long)cores,
               cores == 1 ? "" : "s");
    printf("\n          later stages say what memory they need when they begin\n");
}

/* ---- the command ---- */

static enum status check_tables(const struct config *config, const struct check_options *check)
{
    enum status status = OK;
    struct shop_sample sample;
    TRY(look_at_tables(config, &sample));
    for (enum table t = 0; t < TABLES; t++) print_table(config, &sample, t);
    fflush(stdout);
    TRY(report_problems(&sample));
    TRY(look_at_forget(config));
    TRY(look_at_previous(config, check->folder));
    print_memory(config, &sample, check->ranks);
    print_time(&sample, check->ranks);
done:
    return status;
}

static enum status check_run(const struct comm *comm, void *options)
{
    (void)comm;
    const struct check_options *check = options;
    struct config *config = NULL;
    enum status status = config_read_alone(check->arguments.path, check->arguments.sets, &config);
    if (status == OK) {
        printf("settings  %s: valid\n", check->arguments.path);
        status = check_tables(config, check);
    }
    config_free(&config);
    return status;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct check_options *check = state->input;
    char *end = NULL;
    switch (key) {
    case CONFIG_SET:
        config_arguments_set(&check->arguments, text, state);
        break;
    case KEY_RANKS:
        check->ranks = strtoll(text, &end, 10);
        if (*end != 0 || check->ranks < 1 || check->ranks > 1000000)
            argp_error(state, "--ranks %s: expected a number of ranks, 1 or more", text);
        break;
    case KEY_OUT:
        check->folder = text;
        break;
    case ARGP_KEY_ARG:
        config_arguments_path(&check->arguments, text, state);
        break;
    case ARGP_KEY_END:
        if (check->arguments.path == NULL)
            argp_error(state, "name a configuration; `remise init` prints one to begin with");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status check_parse(int argc, char **argv, void **options)
{
    static const struct argp_option list[] = {
        CONFIG_SET_OPTION,
        {"ranks", KEY_RANKS, "N", 0, "Forecast for N ranks (default 1)", 0},
        {"out", KEY_OUT, "RUN", 0, "Folder of the run to come (default run)", 0},
        {0}};
    static const struct argp argp = {
        .options = list,
        .parser = parse_option,
        .args_doc = "CONFIG",
        .doc =
            "Check a configuration and the tables it names, and forecast the memory and time of "
            "ingest. Reads some rows from all over the tables, not all of them, and never starts "
            "MPI: for login nodes."};
    struct check_options *check = NULL;
    enum status status = memory_new(&check, 1, sizeof *check);
    if (status != OK) return status;
    check->folder = "run";
    check->ranks = 1;
    argp_parse(&argp, argc, argv, 0, NULL, check);
    *options = check;
    return OK;
}

static void check_free(void *options)
{
    struct check_options *check = options;
    config_arguments_clear(&check->arguments);
    free(check);
}

const struct command command_check = {.name = "check",
                                      .summary = "validate a configuration; forecast memory, time",
                                      .alone = true,
                                      .parse = check_parse,
                                      .run = check_run,
                                      .free = check_free};
