/* `remise init`: the key table as a configuration to fill in, or as a page of the manual. */
#include "jobs/command.h"
#include "jobs/config_keys.h"

#include "mpi/memory.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 40, KEY_MARKDOWN = 256 };

struct init_options {
    const char *path; /* NULL: stdout */
    bool markdown;
};

/* ---- a configuration ---- */

static const char opening[] =
    "# A configuration of remise. A key behind \"# \" shows its default, or an example if it has "
    "none;\n"
    "# to set it, take the \"# \" away. Only `events` is needed, its columns mapped to yours.\n"
    "# `remise check FILE` tells what is wrong, `remise config FILE` what is in force and why.\n"
    "# `--set KEY=VALUE` on the command line overrides, such as --set respond.epochs=8.\n";

static const struct config_section *section_of(const char *key)
{
    for (int64_t s = 0; s < config_sections_count; s++)
        if (key_is_under(key, config_sections[s].name)) return &config_sections[s];
    return NULL;
}

static void print_section_help(FILE *file, const char *help)
{
    fputs("\n# ", file);
    for (const char *c = help; *c != 0; c++) fputs(*c == '\n' ? "\n# " : (char[2]){*c, 0}, file);
    fputc('\n', file);
}

static bool has_range(const struct config_key *key)
{
    return key->choices != NULL || key->max > key->min;
}

/* Unit and range, and what happens without a value, behind the help. */
static void print_facts(FILE *file, const struct config_key *key)
{
    const char *unit = key->unit != NULL ? key->unit : "";
    if (has_range(key)) {
        fputs("; ", file);
        key_print_expected(file, key);
        fprintf(file, "%s%s", unit[0] != 0 ? " " : "", unit);
    }
    if (key->none != NULL) fprintf(file, "; without: %s", key->none);
}

static void print_setting(FILE *file, const struct config_key *key, int indent)
{
    const char *dot = strrchr(key->name, '.'), *name = dot != NULL ? dot + 1 : key->name;
    const char *value = key->standard != NULL ? key->standard : key->example;
    bool needed = key->required && key_is_under(key->name, "events");
    int width = fprintf(file, "%*s%s%s: %s", indent, "", needed ? "" : "# ", name, value);
    fprintf(file, "%*s# %s", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "", key->help);
    print_facts(file, key);
    fputc('\n', file);
}

static void print_configuration(FILE *file)
{
    const struct config_section *before = NULL;
    const char *last = "";
    fputs(opening, file);
    fputc('\n', file);
    for (int64_t k = 0; k < config_keys_count(); k++) {
        const struct config_section *section = section_of(config_key_at(k)->name);
        if (section != before) print_section_help(file, section->help);
        print_setting(file, config_key_at(k),
                      key_print_headings(file, last, config_key_at(k)->name));
        last = config_key_at(k)->name;
        before = section;
    }
}

/* ---- the manual ---- */

static const char manual[] =
    "# Configuration\n"
    "\n"
    "<!-- Printed by `remise init --markdown` from jobs/config_keys_*.c; do not edit. -->\n"
    "\n"
    "One YAML file. The least that works:\n"
    "\n"
    "```yaml\n"
    "events:\n"
    "  file: sales.csv\n"
    "  columns: {user_id: customer, product_id: sku, time: date, quantity: qty, unit_price: "
    "price}\n"
    "```\n"
    "\n"
    "`remise init` prints one with every setting, `remise check` tells all that is wrong at once,\n"
    "`remise config` shows what is in force and where it comes from. Any setting can be overridden "
    "with\n"
    "`--set key=value`, as often as needed; `--set key=` takes it back to its default. A role is "
    "a\n"
    "column's name or an expression over columns, such as `sales_value / quantity`, with `+ - * "
    "/`,\n"
    "parentheses, comparisons (1 or 0), `log exp sqrt abs min max`; names with spaces or signs "
    "inside an\n"
    "expression stand in backticks.\n";

static void print_code(FILE *file, const char *text)
{
    if (text != NULL) fprintf(file, "`%s`", text);
}

static void print_row(FILE *file, const struct config_key *key)
{
    fprintf(file, "| `%s` | ", key->name);
    if (has_range(key))
        key_print_expected(file, key);
    else
        fputs(key_type_text(key->type), file);
    fprintf(file, "%s%s | ", key->unit != NULL ? " " : "", key->unit != NULL ? key->unit : "");
    print_code(file, key->standard);
    if (key->standard == NULL) fputs(key->none != NULL ? key->none : "needed", file);
    fprintf(file, " | %s |\n", key->help);
}

static void print_manual(FILE *file)
{
    const struct config_section *before = NULL;
    fputs(manual, file);
    for (int64_t k = 0; k < config_keys_count(); k++) {
        const struct config_section *section = section_of(config_key_at(k)->name);
        if (section != NULL && section != before)
            fprintf(file, "\n## %s\n\n%s\n", section->name, section->help);
        if (section != before || k == 0)
            fputs("\n| setting | value | default | meaning |\n|---|---|---|---|\n", file);
        print_row(file, config_key_at(k));
        before = section;
    }
}

/* ---- the command ---- */

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct init_options *options = state->input;
    switch (key) {
    case KEY_MARKDOWN:
        options->markdown = true;
        break;
    case ARGP_KEY_ARG:
        if (options->path != NULL) argp_error(state, "one file only, not also \"%s\"", text);
        options->path = text;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status init_parse(int argc, char **argv, void **options)
{
    static const struct argp_option list[] = {
        {"markdown", KEY_MARKDOWN, NULL, 0, "Print docs/configuration.md instead", 0}, {0}};
    static const struct argp argp = {
        .options = list,
        .parser = parse_option,
        .args_doc = "[FILE]",
        .doc = "Print a configuration with every setting, its default and its meaning, to fill in; "
               "into FILE, which must not exist yet, or on stdout."};
    struct init_options *init = NULL;
    enum status status = memory_new(&init, 1, sizeof *init);
    if (status != OK) return status;
    argp_parse(&argp, argc, argv, 0, NULL, init);
    *options = init;
    return OK;
}

static enum status init_run(const struct comm *comm, void *options)
{
    (void)comm;
    const struct init_options *init = options;
    const char *path = init->path != NULL ? init->path : "stdout";
    FILE *file = init->path != NULL ? fopen(init->path, "wxe") : stdout;
    if (file == NULL)
        return FAIL(ERR_WRITE, "cannot make %s: %m; an existing file is not overwritten", path);
    if (init->markdown)
        print_manual(file);
    else
        print_configuration(file);
    bool written = fflush(file) == 0 && ferror(file) == 0;
    if (init->path != NULL) written = fclose(file) == 0 && written;
    return written ? OK : FAIL(ERR_WRITE, "cannot write %s: %m", path);
}

const struct command command_init = {.name = "init",
                                     .summary = "print a commented configuration",
                                     .alone = true,
                                     .parse = init_parse,
                                     .run = init_run,
                                     .free = free};
