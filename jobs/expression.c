/* Recursive descent from text to a small postfix program, and its evaluation on a fixed stack. */
#include "jobs/expression.h"

#include "mpi/memory.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STACK = 64, NESTING = 64, NAME_BYTES = 256 };

enum operation {
    PUSH_NUMBER,
    PUSH_COLUMN,
    NEGATE,
    LOG,
    EXP,
    SQRT,
    ABS,
    ADD, /* from here on: two operands */
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    MINIMUM,
    MAXIMUM,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL,
    EQUAL,
    UNEQUAL,
};

struct step {
    enum operation operation;
    int64_t column;
    double number;
};

struct expression {
    int64_t steps;
    struct step *step; /* [steps] postfix order */
};

struct parser {
    const char *text; /* the whole of it, for messages */
    const char *at;
    expression_resolve *resolve;
    const void *context;
    struct expression *out;
    int nesting;
    int64_t depth; /* of the evaluation stack after the steps so far */
};

static const struct {
    const char *name;
    enum operation operation;
} functions[] = {{"log", LOG}, {"exp", EXP},     {"sqrt", SQRT},
                 {"abs", ABS}, {"min", MINIMUM}, {"max", MAXIMUM}};

enum { FUNCTIONS = (int)(sizeof functions / sizeof *functions) };

static enum status parse_comparison(struct parser *p);

#define WRONG(p, where, format, ...)                                            \
    FAIL(ERR_CONFIG, "expression \"%.120s\", character %d: " format, (p)->text, \
         (int)((where) - (p)->text) + 1, __VA_ARGS__)

/* ---- program ---- */

static int64_t operands(enum operation operation)
{
    if (operation <= PUSH_COLUMN) return 0;
    return operation < ADD ? 1 : 2;
}

/* A step consumes at least one character of text, so the room made for strlen(text) steps suffices.
 */
static enum status emit(struct parser *p, enum operation operation, int64_t column, double number)
{
    p->out->step[p->out->steps++] = (struct step){operation, column, number};
    p->depth += 1 - operands(operation);
    if (p->depth > STACK)
        return WRONG(p, p->at, "%s", "too deep; split it over several derived columns");
    return OK;
}

/* ---- tokens ---- */

static void skip_space(struct parser *p)
{
    while (isspace((unsigned char)*p->at)) p->at++;
}

static bool accept(struct parser *p, const char *token)
{
    skip_space(p);
    size_t length = strlen(token);
    if (strncmp(p->at, token, length) != 0) return false;
    p->at += length;
    return true;
}

static bool starts_name(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool continues_name(char c)
{
    return starts_name(c) || isdigit((unsigned char)c) || c == '.';
}

static bool starts_number(const char *at)
{
    return isdigit((unsigned char)at[0]) || (at[0] == '.' && isdigit((unsigned char)at[1]));
}

static const char *skip_digits(const char *at)
{
    while (isdigit((unsigned char)*at)) at++;
    return at;
}

/* Only decimal numbers: strtod alone would also take "inf", "nan" and hexadecimal. */
static enum status parse_number(struct parser *p)
{
    const char *start = p->at, *end = skip_digits(start);
    if (*end == '.') end = skip_digits(end + 1);
    if (*end == 'e' || *end == 'E') {
        const char *exponent = end + 1 + (end[1] == '+' || end[1] == '-');
        if (isdigit((unsigned char)*exponent)) end = skip_digits(exponent);
    }
    if (continues_name(*end))
        return WRONG(p, start, "%s", "a name that begins with a digit must stand in backticks");
    p->at = end;
    return emit(p, PUSH_NUMBER, 0, strtod(start, NULL));
}

static enum status parse_column(struct parser *p, const char *start, int64_t length)
{
    char name[NAME_BYTES];
    if (length < 1 || length >= NAME_BYTES)
        return WRONG(p, start, "a column name has 1 to %d bytes", NAME_BYTES - 1);
    memcpy(name, start, (size_t)length);
    name[length] = 0;
    int64_t column = p->resolve(p->context, name);
    if (column < 0) return WRONG(p, start, "no column is called \"%s\"", name);
    return emit(p, PUSH_COLUMN, column, 0.0);
}

static enum status parse_quoted(struct parser *p)
{
    const char *start = p->at + 1, *end = strchr(start, '`');
    if (end == NULL) return WRONG(p, p->at, "%s", "the backtick is not closed");
    p->at = end + 1;
    return parse_column(p, start, end - start);
}

/* ---- grammar, from the tightest binding to the loosest ---- */

static int find_function(const char *name, size_t length)
{
    for (int f = 0; f < FUNCTIONS; f++)
        if (strlen(functions[f].name) == length && memcmp(functions[f].name, name, length) == 0)
            return f;
    return -1;
}

/* The arguments after "name(": one, or two and more for min and max. */
static enum status parse_call(struct parser *p, int function, const char *start)
{
    enum operation operation = functions[function].operation;
    int64_t arguments = 1;
    enum status status = parse_comparison(p);
    for (; status == OK && accept(p, ","); arguments++) {
        if (operands(operation) == 1)
            return WRONG(p, start, "%s takes one argument", functions[function].name);
        status = parse_comparison(p);
        if (status == OK) status = emit(p, operation, 0, 0.0);
    }
    if (status != OK) return status;
    if (!accept(p, ")"))
        return WRONG(p, p->at, "expected \")\" to end %s(", functions[function].name);
    if (operands(operation) == 1) return emit(p, operation, 0, 0.0);
    if (arguments < 2)
        return WRONG(p, start, "%s takes at least two arguments", functions[function].name);
    return OK;
}

static enum status parse_parenthesis(struct parser *p)
{
    enum status status = parse_comparison(p);
    if (status == OK && !accept(p, ")"))
        status = WRONG(p, p->at, "%s", "expected an operator or \")\"");
    return status;
}

static enum status parse_name(struct parser *p)
{
    const char *start = p->at;
    while (continues_name(*p->at)) p->at++;
    const char *end = p->at;
    if (!accept(p, "(")) return parse_column(p, start, end - start);
    if (end - start == 1 && *start == 'I') return parse_parenthesis(p);
    int function = find_function(start, (size_t)(end - start));
    if (function < 0)
        return WRONG(p, start,
                     "no function is called \"%.*s\"; there are log, exp, sqrt, abs, min, max",
                     (int)(end - start), start);
    return parse_call(p, function, start);
}

static enum status parse_primary(struct parser *p)
{
    skip_space(p);
    if (starts_number(p->at)) return parse_number(p);
    if (starts_name(*p->at)) return parse_name(p);
    if (*p->at == '`') return parse_quoted(p);
    if (accept(p, "(")) return parse_parenthesis(p);
    if (*p->at == 0) return WRONG(p, p->at, "%s", "it ends where a number or column is expected");
    return WRONG(p, p->at, "a number or column is expected, not \"%c\"", *p->at);
}

static enum status parse_unary(struct parser *p)
{
    if (p->nesting >= NESTING)
        return WRONG(p, p->at, "nested more than %d deep; split it over several derived columns",
                     NESTING);
    p->nesting++;
    bool minus = accept(p, "-");
    enum status status = minus ? parse_unary(p) : parse_primary(p);
    p->nesting--;
    return status == OK && minus ? emit(p, NEGATE, 0, 0.0) : status;
}

static enum status parse_product(struct parser *p)
{
    enum status status = parse_unary(p);
    while (status == OK) {
        enum operation operation = MULTIPLY;
        if (accept(p, "/"))
            operation = DIVIDE;
        else if (!accept(p, "*"))
            break;
        status = parse_unary(p);
        if (status == OK) status = emit(p, operation, 0, 0.0);
    }
    return status;
}

static enum status parse_sum(struct parser *p)
{
    enum status status = parse_product(p);
    while (status == OK) {
        enum operation operation = ADD;
        if (accept(p, "-"))
            operation = SUBTRACT;
        else if (!accept(p, "+"))
            break;
        status = parse_product(p);
        if (status == OK) status = emit(p, operation, 0, 0.0);
    }
    return status;
}

static bool accept_comparison(struct parser *p, enum operation *operation)
{
    static const struct {
        const char *token;
        enum operation operation;
    } comparisons[] = {{"<=", LESS_EQUAL}, {">=", GREATER_EQUAL}, {"==", EQUAL},
                       {"!=", UNEQUAL},    {"<", LESS},           {">", GREATER}};
    for (size_t c = 0; c < sizeof comparisons / sizeof *comparisons; c++)
        if (accept(p, comparisons[c].token)) {
            *operation = comparisons[c].operation;
            return true;
        }
    return false;
}

static enum status parse_comparison(struct parser *p)
{
    enum operation operation = LESS;
    enum status status = parse_sum(p);
    if (status != OK || !accept_comparison(p, &operation)) return status;
    status = parse_sum(p);
    if (status == OK) status = emit(p, operation, 0, 0.0);
    if (status == OK && accept_comparison(p, &operation))
        return WRONG(p, p->at, "%s", "comparisons do not chain; use parentheses or multiply two");
    return status;
}

static enum status parse_all(struct parser *p)
{
    enum status status = parse_comparison(p);
    if (status != OK) return status;
    skip_space(p);
    if (*p->at == ')') return WRONG(p, p->at, "%s", "this \")\" was never opened");
    if (*p->at != 0)
        return WRONG(p, p->at,
                     "an operator is expected before \"%.60s\" (a column name with spaces or "
                     "signs must stand in backticks)",
                     p->at);
    return OK;
}

/* ---- public ---- */

/* Text that is a column name as it stands, with spaces or signs in it, means that column. */
static bool is_column(struct parser *p)
{
    char name[NAME_BYTES];
    skip_space(p);
    size_t length = strlen(p->at);
    while (length > 0 && isspace((unsigned char)p->at[length - 1])) length--;
    if (length == 0 || length >= sizeof name) return false;
    memcpy(name, p->at, length);
    name[length] = 0;
    int64_t column = p->resolve(p->context, name);
    return column >= 0 && emit(p, PUSH_COLUMN, column, 0.0) == OK;
}

enum status expression_compile(const char *text, expression_resolve *resolve, const void *context,
                               struct expression **expression)
{
    enum status status = OK;
    struct expression *new = NULL;
    *expression = NULL;
    TRY(memory_new(&new, 1, sizeof *new));
    TRY(memory_new(&new->step, (int64_t)strlen(text) + 1, sizeof *new->step));
    struct parser parser = {
        .text = text, .at = text, .resolve = resolve, .context = context, .out = new};
    if (!is_column(&parser)) TRY(parse_all(&parser));
    *expression = new;
    new = NULL;
done:
    expression_free(&new);
    return status;
}

int64_t expression_column(const struct expression *expression)
{
    bool bare = expression->steps == 1 && expression->step[0].operation == PUSH_COLUMN;
    return bare ? expression->step[0].column : -1;
}

int64_t expression_columns(const struct expression *expression, int64_t *columns)
{
    int64_t count = 0;
    for (int64_t s = 0; s < expression->steps; s++) {
        const struct step *step = &expression->step[s];
        bool seen = step->operation != PUSH_COLUMN;
        for (int64_t before = 0; before < s && !seen; before++)
            seen = expression->step[before].operation == PUSH_COLUMN &&
                   expression->step[before].column == step->column;
        if (seen) continue;
        if (columns != NULL) columns[count] = step->column;
        count++;
    }
    return count;
}

static double apply_one(enum operation operation, double x)
{
    switch (operation) {
    case NEGATE:
        return -x;
    case LOG:
        return log(x);
    case EXP:
        return exp(x);
    case SQRT:
        return sqrt(x);
    default:
        return fabs(x);
    }
}

/* Comparisons, min and max of a missing value are missing too, unlike C's. */
static double apply_two(enum operation operation, double x, double y)
{
    if (isnan(x) || isnan(y)) return NAN;
    switch (operation) {
    case ADD:
        return x + y;
    case SUBTRACT:
        return x - y;
    case MULTIPLY:
        return x * y;
    case DIVIDE:
        return x / y;
    case MINIMUM:
        return x < y ? x : y;
    case MAXIMUM:
        return x > y ? x : y;
    case LESS:
        return x < y;
    case LESS_EQUAL:
        return x <= y;
    case GREATER:
        return x > y;
    case GREATER_EQUAL:
        return x >= y;
    case EQUAL:
        return x == y;
    default:
        return x != y;
    }
}

double expression_evaluate(const struct expression *expression, const double *values)
{
    double stack[STACK];
    int64_t top = -1;
    for (int64_t s = 0; s < expression->steps; s++) {
        const struct step *step = &expression->step[s];
        if (step->operation == PUSH_NUMBER) {
            stack[++top] = step->number;
        } else if (step->operation == PUSH_COLUMN) {
            stack[++top] = values[step->column];
        } else if (operands(step->operation) == 1) {
            stack[top] = apply_one(step->operation, stack[top]);
        } else {
            top--;
            stack[top] = apply_two(step->operation, stack[top], stack[top + 1]);
        }
    }
    return stack[0];
}

void expression_free(struct expression **expression)
{
    if (*expression == NULL) return;
    free((*expression)->step);
    free(*expression);
    *expression = NULL;
}
