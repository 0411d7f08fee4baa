/* `remise check`: is the configuration right, are the tables there, and will they fit in memory? */
#include "jobs/command.h"
#include "jobs/config.h"
#include "jobs/config_arguments.h"

#include "io/csv_window.h"
#include "jobs/shop_record.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLE_BYTES = 1 << 20, KEY_BYTES = 64, KEY_RANKS = 'n' };

/* Records of a table are held three times at the peak: as read, as sent, and in order at their
 * owner. */
enum { COPIES = 3, GZIP_RATIO = 5, USER_BYTES = 160, PRODUCT_BYTES = 200, RANK_MIB = 90 };

struct check_options {
    struct config_arguments arguments;
    int64_t ranks;
};

struct table_facts {
    const char *name;
    int64_t record_bytes;
    const char *path; /* NULL if the configuration has no such table */
    int64_t stored_bytes;
    double rows; /* an estimate from the first SAMPLE_BYTES; exact for smaller files */
    bool exact;
};

/* ---- tables ---- */

static enum status estimate_rows(struct csv_source *source, struct table_facts *facts)
{
    char *text = NULL;
    int64_t got = 0, lines = 0;
    enum status status = memory_new(&text, SAMPLE_BYTES, 1);
    if (status == OK) status = csv_source_read(source, text, SAMPLE_BYTES, &got);
    for (int64_t i = 0; status == OK && i < got; i++) lines += text[i] == '\n';
    if (status == OK && got > 0 && text[got - 1] != '\n') lines++;
    free(text);
    facts->exact = got < SAMPLE_BYTES;
    double whole = (double)facts->stored_bytes * (csv_source_gzip(source) ? GZIP_RATIO : 1);
    double share = facts->exact || got == 0 ? 1.0 : whole / (double)got;
    facts->rows = share * (double)lines - 1.0; /* the header is no row */
    if (facts->rows < 0.0) facts->rows = 0.0;
    return status;
}

static enum status look_at_table(const struct config *config, struct table_facts *facts)
{
    char key[KEY_BYTES];
    struct csv_source *source = NULL;
    snprintf(key, sizeof key, "%s.file", facts->name);
    facts->path = config_path(config, key);
    if (facts->path == NULL) return OK;
    enum status status = csv_source_open(facts->path, &source, &facts->stored_bytes);
    if (status == OK) status = estimate_rows(source, facts);
    csv_source_close(&source);
    return status;
}

static void print_bytes(char *text, size_t room, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    for (; bytes >= 1024.0 && unit < 4; unit++) bytes /= 1024.0;
    snprintf(text, room, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static void print_table(const struct config *config, const struct table_facts *facts,
                        enum status found)
{
    char key[KEY_BYTES], size[32];
    snprintf(key, sizeof key, "%s.file", facts->name);
    if (facts->path == NULL) {
        printf("%-9s not given\n", facts->name);
        return;
    }
    print_bytes(size, sizeof size, (double)facts->stored_bytes);
    if (found == OK)
        printf("%-9s %s, %s, %s%.0f rows (%s)\n", facts->name, facts->path, size,
               facts->exact ? "" : "about ", facts->rows, config_origin(config, key));
    else
        printf("%-9s %s (%s)\n", facts->name, status_message(), config_origin(config, key));
}

/* ---- memory ---- */

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

static void print_forecast(const struct table_facts *tables, int64_t count, int64_t ranks)
{
    char all[32], each[32], here[32];
    double bytes = 0.0, available = free_memory();
    for (int64_t t = 0; t < count; t++)
        bytes += COPIES * tables[t].rows * (double)tables[t].record_bytes;
    bytes += (double)ranks * RANK_MIB * 1048576.0;
    print_bytes(all, sizeof all, bytes);
    print_bytes(each, sizeof each, bytes / (double)ranks);
    print_bytes(here, sizeof here, available);
    printf("memory    about %s to read the tables on %lld rank%s, %s each; free here: %s\n", all,
           (long long)ranks, ranks == 1 ? "" : "s", each, here);
    if (available > 0.0 && bytes > available)
        printf("          more than is free on this machine: use more machines\n");
}

/* ---- the command ---- */

static enum status check_tables(const struct config *config, int64_t ranks)
{
    struct table_facts tables[] = {{.name = "users", .record_bytes = USER_BYTES},
                                   {.name = "products", .record_bytes = PRODUCT_BYTES},
                                   {.name = "events", .record_bytes = sizeof(struct event_record)},
                                   {.name = "offers", .record_bytes = sizeof(struct offer_record)}};
    enum { TABLES = (int)(sizeof tables / sizeof *tables) };
    enum status worst = OK;
    int missing = 0;
    for (int t = 0; t < TABLES; t++) {
        enum status found = look_at_table(config, &tables[t]);
        print_table(config, &tables[t], found);
        if (found != OK) worst = found, missing++;
    }
    if (missing > 0)
        return FAIL(worst,
                    "%d table%s cannot be read, see above; correct the file names or data.dir",
                    missing, missing == 1 ? "" : "s");
    print_forecast(tables, TABLES, ranks);
    return OK;
}

static enum status check_run(const struct comm *comm, void *options)
{
    (void)comm;
    const struct check_options *check = options;
    struct config *config = NULL;
    enum status status = config_read_alone(check->arguments.path, check->arguments.sets, &config);
    if (status == OK) {
        printf("settings  %s: valid\n", check->arguments.path);
        status = check_tables(config, check->ranks);
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
        {"ranks", KEY_RANKS, "N", 0, "Forecast memory for N ranks (default 1)", 0},
        {0}};
    static const struct argp argp = {
        .options = list,
        .parser = parse_option,
        .args_doc = "CONFIG",
        .doc =
            "Check a configuration, look for the tables it names, and forecast the memory of a "
            "run. "
            "Reads no more than the first MiB of a table, and never starts MPI: for login nodes."};
    struct check_options *check = NULL;
    enum status status = memory_new(&check, 1, sizeof *check);
    if (status != OK) return status;
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
                                      .summary = "validate a configuration; forecast memory",
                                      .alone = true,
                                      .parse = check_parse,
                                      .run = check_run,
                                      .free = check_free};
