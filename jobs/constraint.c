/* COLUMN <= NUMBER [per COLUMN] */
#include "jobs/constraint.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_blanks(const char *at)
{
    while (isspace((unsigned char)*at)) at++;
    return at;
}

static enum status refuse(const char *text, const char *what)
{
    return FAIL(ERR_USAGE,
                "constraint \"%.200s\": %s; write COLUMN <= NUMBER or COLUMN >= NUMBER, such as "
                "\"cost_1 <= 1000\" or \"spend <= 250 per category\"",
                text, what);
}

/* A name, in quotes or up to a blank or sign; *name is new, NULL if there is none. */
static enum status take_name(const char **at, char **name)
{
    const char *from = skip_blanks(*at), *end;
    bool quoted = *from == '"';
    from += quoted;
    end = from + (quoted ? strcspn(from, "\"") : strcspn(from, " \t<>="));
    if (end == from || (quoted && *end != '"')) return OK;
    *name = strndup(from, (size_t)(end - from));
    *at = end + quoted;
    return *name != NULL ? OK : FAIL(ERR_MEMORY, "no memory for a constraint");
}

static enum status take_limit(const char **at, const char *text, struct constraint *c)
{
    char *end;
    const char *sign = skip_blanks(*at);
    if (strncmp(sign, "<=", 2) != 0 && strncmp(sign, ">=", 2) != 0)
        return refuse(text, "no <= or >= after the column");
    c->at_least = *sign == '>';
    c->limit = strtod(sign + 2, &end);
    if (end == sign + 2 || !isfinite(c->limit)) return refuse(text, "the limit is no number");
    *at = skip_blanks(end);
    return OK;
}

enum status constraint_parse(const char *text, struct constraint *c)
{
    enum status status = OK;
    const char *at = text;
    *c = (struct constraint){.text = strdup(text)};
    if (c->text == NULL) return FAIL(ERR_MEMORY, "no memory for a constraint");
    TRY(take_name(&at, &c->column));
    if (c->column == NULL) TRY(refuse(text, "it names no column"));
    TRY(take_limit(&at, text, c));
    if (*at == '\0') goto done;
    if (strncmp(at, "per", 3) != 0 || !isspace((unsigned char)at[3]))
        TRY(refuse(text, "what follows the limit is not understood"));
    at += 3;
    TRY(take_name(&at, &c->per));
    if (c->per == NULL || *skip_blanks(at) != '\0')
        TRY(refuse(text, "\"per\" is followed by one column"));
done:
    return status;
}

void constraint_clear(struct constraint *c)
{
    free(c->text);
    free(c->column);
    free(c->per);
    *c = (struct constraint){0};
}
