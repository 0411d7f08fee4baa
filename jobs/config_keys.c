/* Looking settings up by name, and describing them. */
#include "jobs/config_keys.h"

#include "jobs/suggest.h"

#include <string.h>

/* ---- looking keys up ---- */

static const struct config_keys_part *const parts[] = {&config_keys_shop, &config_keys_models,
                                                       &config_keys_allocate};
enum { PARTS = sizeof parts / sizeof *parts };

int64_t config_keys_count(void)
{
    int64_t count = 0;
    for (int p = 0; p < PARTS; p++) count += parts[p]->count;
    return count;
}

const struct config_key *config_key_at(int64_t k)
{
    int p = 0;
    while (k >= parts[p]->count) k -= parts[p++]->count;
    return &parts[p]->keys[k];
}

int64_t key_find(const char *name)
{
    for (int64_t k = 0; k < config_keys_count(); k++)
        if (strcmp(config_key_at(k)->name, name) == 0) return k;
    return -1;
}

bool key_is_under(const char *name, const char *section)
{
    size_t length = strlen(section);
    if (length > 0 && section[length - 1] == '.') length--;
    return strncmp(name, section, length) == 0 && (name[length] == '.' || name[length] == 0);
}

bool key_is_section(const char *name)
{
    for (int64_t k = 0; k < config_keys_count(); k++)
        if (key_is_under(config_key_at(k)->name, name) && strcmp(config_key_at(k)->name, name) != 0)
            return true;
    return false;
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

/* Keys whose last part is near the wrong one's: right name, wrong place. */
static const char *suggest_place(const char *wrong, bool same_section)
{
    struct suggestion suggestion = SUGGESTION(last_part(wrong));
    const char *found = NULL;
    size_t section = strcspn(wrong, ".");
    for (int64_t k = 0; k < config_keys_count(); k++) {
        const char *name = config_key_at(k)->name, *best = suggestion.best;
        if (same_section && (strncmp(name, wrong, section) != 0 || name[section] != '.')) continue;
        suggestion_offer(&suggestion, last_part(name));
        if (suggestion.best != best) found = name;
    }
    return found;
}

/* A name without a section, or with one that does not exist, as a whole. */
static const char *suggest_whole(const char *wrong)
{
    struct suggestion suggestion = SUGGESTION(wrong);
    for (int64_t s = 0; s < config_sections_count; s++)
        suggestion_offer(&suggestion, config_sections[s].name);
    for (int64_t k = 0; k < config_keys_count(); k++)
        suggestion_offer(&suggestion, config_key_at(k)->name);
    return suggestion.best;
}

const char *key_suggest(const char *wrong)
{
    bool section_exists = false;
    for (int64_t s = 0; s < config_sections_count; s++)
        section_exists = section_exists || key_is_under(wrong, config_sections[s].name);
    const char *near = section_exists ? suggest_place(wrong, true) : suggest_whole(wrong);
    return near != NULL ? near : suggest_place(wrong, false);
}

/* ---- describing them ---- */

const char *key_type_text(enum key_type type)
{
    static const char *const texts[] = {
        [KEY_NUMBER] = "number",
        [KEY_INTEGER] = "integer",
        [KEY_FRACTION] = "fraction",
        [KEY_MONEY] = "amount of money",
        [KEY_TEXT] = "text",
        [KEY_PATH] = "path",
        [KEY_NUMBERS] = "list of numbers",
        [KEY_INTEGERS] = "list of integers",
        [KEY_TEXTS] = "list of names",
        [KEY_CHOICE] = "choice",
        [KEY_BOOLEAN] = "true or false",
        [KEY_TIME] = "date",
    };
    return texts[type];
}

static void print_choices(FILE *file, const char *choices)
{
    for (const char *c = choices; *c != 0; c++) {
        if (*c != '|')
            fputc(*c, file);
        else
            fputs(strchr(c + 1, '|') != NULL ? ", " : " or ", file);
    }
}

void key_print_expected(FILE *file, const struct config_key *key)
{
    if (key->type == KEY_CHOICE)
        print_choices(file, key->choices);
    else if (key->type == KEY_TIME)
        fprintf(file, "a date such as 2025-03-01");
    else if (key->type == KEY_NUMBERS)
        fprintf(file, "a list of ascending numbers %.16g .. %.16g", key->min, key->max);
    else if (key->type == KEY_INTEGERS)
        fprintf(file, "a list of integers %.16g .. %.16g", key->min, key->max);
    else if (key->max > key->min)
        fprintf(file, "%.16g .. %.16g", key->min, key->max);
    else
        fprintf(file, "%s", key_type_text(key->type));
}

void key_print_known(FILE *file, const char *section)
{
    const char *comma = "";
    for (int64_t k = 0; k < config_keys_count(); k++) {
        const char *name = config_key_at(k)->name;
        if (!key_is_under(name, section)) continue;
        fprintf(file, "%s%s", comma, name + strlen(section) + 1);
        comma = ", ";
    }
}

int key_print_headings(FILE *file, const char *before, const char *name)
{
    size_t shared = 0; /* end of the parts that both names have, dot included */
    for (size_t i = 0; before[i] != 0 && before[i] == name[i]; i++)
        if (name[i] == '.') shared = i + 1;
    int depth = 0;
    const char *start = name;
    for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(start, '.')) {
        if (start >= name + shared)
            fprintf(file, "%*s%.*s:\n", 2 * depth, "", (int)(dot - start), start);
        start = dot + 1;
        depth++;
    }
    return 2 * depth;
}
