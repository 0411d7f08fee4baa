/* Formulas: what they parse to, what they refuse, and the design matrix they make of a table. */
#include "tests/harness.h"

#include "jobs/formula_design.h"

#include "algorithms/least_squares.h"

#include <stdlib.h>
#include <string.h>

/* ---- parsing ---- */

/* All terms as text: "log(price) brand log(price):brand (1)", (1) for an intercept, |name for
 * effects; = before an endogenous term, ? before an instrument. */
static void spell(const struct formula *f, char *text)
{
    *text = 0;
    for (int64_t t = 0; t < f->terms; t++) {
        static const char *const roles[] = {"", "=", "?"};
        const char *join = t > 0 ? " " : "";
        strcat(strcat(text, join), roles[f->role[t]]);
        join = "";
        for (int64_t i = 0; i < f->factors; i++) {
            if (!(f->term[t] >> i & 1)) continue;
            strcat(strcat(text, join), f->factor[i].text);
            join = ":";
        }
    }
    if (f->intercept) strcat(text, " (1)");
    for (int64_t e = 0; e < f->effects; e++) strcat(strcat(text, " |"), f->effect[e].text);
}

static void parses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *spelled;
    } cases[] = {
        {"y ~ x", "x (1)"},
        {"y~x-1", "x"},
        {"y ~ 0 + x", "x"},
        {"y ~ x + 0 + 1", "x (1)"},
        {"y ~ 1", " (1)"},
        {"y ~ a * b", "a b a:b (1)"},
        {"y ~ a * b * c", "a b c a:b a:c b:c a:b:c (1)"},
        {"y ~ c:b:a + b + a", "b a c:b:a (1)"},
        {"y ~ a*b*c - a:b:c - c", "a b a:b a:c b:c (1)"},
        {"y ~ a + b*a + a", "a b a:b (1)"},
        {"y ~ a:b + b:a + a:a", "a a:b (1)"},
        {"log(y) ~ log( price ) + log(price)", "log(price) (1)"},
        {"y ~ `unit price` * I(a * 2 + b)", "unit price I(a*2+b) unit price:I(a*2+b) (1)"},
        {"y ~ min(a, 1e5) | store + `calendar week`", "min(a,1e5) (1) |store |calendar week"},
        {"y / x ~ a", "a (1)"},
        {"log(y) ~ log(12 * price / oz) - 1", "log(12*price/oz)"},
        {"I(y + 1) ~ -1 + a", "a"},
        {"y ~ income < 1 + a", "income<1 a (1)"},
        {"y ~ a * (income >= -.5)", "a income>=-.5 a:income>=-.5 (1)"},
        {"y ~ a:income<1:b", "a:income<1:b (1)"},
        {"y ~ 1 < a + I(a / b) != log(b)", "1<a I(a/b)!=log(b) (1)"},
        {"y ~ `a b` == `c`", "`a b`==`c` (1)"},
        {"y ~ C(week) * x + C( x > 1 ) + C(`a b`)", "C(week) x C(x>1) C(`a b`) C(week):x (1)"},
        {"y ~ (a + b):c", "a:c b:c (1)"},
        {"y ~ (a + b) * (c + d)", "a b c d a:c a:d b:c b:d (1)"},
        {"y ~ ((a)) - (b + c) + b", "a b (1)"},
        {"y ~ a | C(store) + week:`calendar year`", "a (1) |C(store) |week:`calendar year`"},
        {"y ~ x + [p ~ z1 + z2] | store", "x =p ?z1 ?z2 (1) |store"},
        {"y ~ [p * (q < 1) ~ z:C(w)] - 1 + x", "x =p =q<1 =p:q<1 ?z:C(w)"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct formula *formula = NULL;
        char spelled[512];
        assert_all(formula_parse_instrumented(cases[k].text, &formula) == OK);
        spell(formula, spelled);
        if (strcmp(spelled, cases[k].spelled) != 0)
            fail_msg("%s gives %s, not %s", cases[k].text, spelled, cases[k].spelled);
        formula_free(&formula);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"y", "character 1: ~ is missing"},
        {"~ x", "character 1: the outcome is missing"},
        {"y ~", "character 4: a term is expected"},
        {"y ~ a +", "character 8: a term is expected"},
        {"y ~ a b", "character 7: +, -, * or : is expected"},
        {"y ~ a ** 2", "character 7: there is no power; write I(x * x)"},
        {"y ~ a / b", "character 7: a quotient goes inside I(a / b)"},
        {"y ~ (a + b", "character 5: what is opened here is not closed"},
        {"y ~ a + b)", "character 10: nothing was opened that \")\""},
        {"y ~ (a - a)", "character 5: nothing is left between"},
        {"y ~ (a) < 2", "character 9: arithmetic that is compared goes inside I(...)"},
        {"y ~ a = 2", "character 7: = does not compare"},
        {"y ~ 0 < a < 2", "character 11: comparisons do not chain"},
        {"y ~ a < +b", "character 9: a comparison needs"},
        {"y ~ log(C(a))", "no function is called \"C\""},
        {"C(y) ~ a", "character 1: the outcome is a number"},
        {"y ~ [p ~ z", "character 11: ] is expected"},
        {"y ~ [p + z]", "character 11: ~ is expected"},
        {"y ~ [p ~ ]", "character 10: a term is expected"},
        {"y ~ [p ~ z + 1]", "character 9: the intercept is said outside"},
        {"y ~ [p ~ z] + [q ~ w]", "character 15: there is one [...] already"},
        {"y ~ a + ([p ~ z])", "character 10: [...] stands by itself"},
        {"y ~ p + [p ~ z]", "character 9: a term stands both inside"},
        {"y ~ x - [p ~ z]", "character 9: a term cannot begin with \"[\""},
        {"y ~ 2 * a", "character 5: the only numbers"},
        {"y ~ a:0", "0 stands alone"},
        {"y ~ log(a", "character 5: what is opened here is not closed"},
        {"y ~ `a", "character 5: what is opened here is not closed"},
        {"y ~ wombat(a)", "no function is called \"wombat\""},
        {"y ~ I(a +)", "character 7"},
        {"log(y ~ a", "expected \")\""},
        {"y ~ a | log(b)", "character 9: only columns are absorbed"},
        {"y ~ a | b + b", "character 13: this column is absorbed twice"},
        {"y ~ a | I(b)", "character 9: only columns are absorbed"},
        {"y ~ a | b - c", "character 11: + is expected between absorbed"},
        {"y ~ 0", "nothing is left to explain"},
        {"y ~ `` + a", "a column name is missing"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct formula *formula = NULL;
        assert_all(formula_parse_instrumented(cases[k].text, &formula) == ERR_USAGE);
        assert_null(formula);
        if (strstr(status_message(), cases[k].said) == NULL)
            fail_msg("%s says %s, not %s", cases[k].text, status_message(), cases[k].said);
    }
    struct formula *formula = NULL;
    assert_all(formula_parse("y ~ x + [p ~ z]", &formula) == ERR_USAGE && formula == NULL);
    assert_non_null(strstr(status_message(), "character 9: instruments [p ~ z] are for"));
}

/* ---- designs ---- */

enum { ROWS = 10, COLUMNS = 5 };

/* A table in memory: y, x, store are numbers, brand and size texts; row 3 lacks x, row 7 its brand.
 */
struct fixture {
    struct table table;
    struct table_column column[COLUMNS];
    double y[ROWS], x[ROWS], store[ROWS];
    int32_t brand[ROWS], size[ROWS];
};

static int64_t brand_starts[] = {0, 2, 4, 6}, size_starts[] = {0, 2, 4};
static char brand_texts[] = "a\0b\0c", size_texts[] = "l\0s";
static char names[COLUMNS][8] = {"y", "x", "store", "brand", "size"};

static double brand_effect(int64_t row)
{
    return (double)(row % 3);
}

static void fixture_make(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    assert_all(blocks_cut(&world, ROWS, 3, &f->table.blocks) == OK);
    for (int64_t i = 0; i < f->table.blocks.rows_local; i++) {
        int64_t row = f->table.blocks.row_first + i;
        f->x[i] = row == 3 ? NAN : (double)(row * row);
        f->store[i] = row % 2 == 0 ? -1.5 : 4.0;
        f->brand[i] = row == 7 ? -1 : (int32_t)(row % 3);
        f->size[i] = (int32_t)(row / 5);
        f->y[i] = 1.0 + 2.0 * f->x[i] + brand_effect(row) + f->store[i];
    }
    f->column[0] = (struct table_column){.name = names[0], .number = f->y};
    f->column[1] = (struct table_column){.name = names[1], .number = f->x};
    f->column[2] = (struct table_column){.name = names[2], .number = f->store};
    f->column[3] = (struct table_column){.name = names[3], .type = COLUMN_TEXT, .code = f->brand};
    f->column[4] = (struct table_column){.name = names[4], .type = COLUMN_TEXT, .code = f->size};
    f->column[3].levels = (struct dictionary){3, brand_starts, brand_texts};
    f->column[4].levels = (struct dictionary){2, size_starts, size_texts};
    f->table.columns = COLUMNS;
    f->table.column = f->column;
}

static void fixture_clear(struct fixture *f)
{
    blocks_clear(&f->table.blocks);
}

static enum status make(const struct fixture *f, const char *text, struct formula_design **design)
{
    struct formula *formula = NULL;
    assert_all(formula_parse_instrumented(text, &formula) == OK);
    enum status status = formula_design_make(&world, formula, &f->table, design);
    formula_free(&formula);
    return status;
}

/* The names of the coefficients, separated by spaces. */
static void names_terms(void **state)
{
    (void)state;
    static const struct {
        const char *text, *named;
    } cases[] = {
        {"y ~ x * brand", "(Intercept) x brand[b] brand[c] x:brand[b] x:brand[c]"},
        {"y ~ brand - 1", "brand[a] brand[b] brand[c]"},
        {"y ~ x:brand", "(Intercept) x:brand[a] x:brand[b] x:brand[c]"},
        {"y ~ brand * size",
         "(Intercept) brand[b] brand[c] size[s] brand[b]:size[s] brand[c]:size[s]"},
        {"y ~ brand:size - 1",
         "brand[a]:size[l] brand[b]:size[l] brand[c]:size[l] brand[a]:size[s] "
         "brand[b]:size[s] brand[c]:size[s]"},
        {"y ~ size + x | store + brand", "size[s] x"},
        {"y ~ C(store) * size", "(Intercept) C(store)[4] size[s] C(store)[4]:size[s]"},
        {"y ~ C(store > 0):size + 0",
         "C(store>0)[0]:size[l] C(store>0)[1]:size[l] C(store>0)[0]:size[s] "
         "C(store>0)[1]:size[s]"},
        {"y ~ x * (store < 1)", "(Intercept) x store<1 x:store<1"},
        {"y ~ size + [x:brand ~ store:brand]",
         "(Intercept) size[s] x:brand[a] x:brand[b] x:brand[c] brand[a]:store brand[b]:store "
         "brand[c]:store"},
        {"y ~ brand + [x:brand + x ~ store + store:brand]",
         "(Intercept) brand[b] brand[c] x brand[b]:x brand[c]:x store brand[b]:store "
         "brand[c]:store"},
        {"y ~ x + C(size)", "(Intercept) x C(size)[s]"},
    };
    struct fixture f;
    fixture_make(&f);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct formula_design *design = NULL;
        char named[512] = "";
        assert_all(make(&f, cases[k].text, &design) == OK);
        for (int64_t i = 0; i < design->reported; i++)
            strcat(strcat(named, i > 0 ? " " : ""), design->term[i]);
        if (strcmp(named, cases[k].named) != 0)
            fail_msg("%s gives %s, not %s", cases[k].text, named, cases[k].named);
        formula_design_free(&design);
    }
    fixture_clear(&f);
}

/* y = 1 + 2 x + brand + store without noise is found, rows with missing values left out. */
static void finds_truth(void **state)
{
    (void)state;
    static const char *const formulas[] = {"y ~ x + brand + store", "y ~ x | brand + store",
                                           "y ~ x + brand | store"};
    struct fixture f;
    fixture_make(&f);
    for (size_t k = 0; k < 3; k++) {
        struct least_squares_options options = LEAST_SQUARES_DEFAULTS;
        struct formula_design *design = NULL;
        struct least_squares *fit = NULL;
        assert_all(make(&f, formulas[k], &design) == OK);
        assert_all(design->left_out == 2 && design->blocks.rows_total == ROWS - 2);
        assert_all(least_squares_fit(&world, &design->design, &options, &fit) == OK);
        assert_all(fit->rows == ROWS - 2 && fit->rank == 5);
        assert_close(fit->r_squared, 1.0, 1e-14);
        for (int64_t i = 0; i < design->reported; i++) {
            const char *term = design->term[i];
            double truth = strcmp(term, "x") == 0 || strcmp(term, "brand[c]") == 0 ? 2.0 : 1.0;
            assert_close(fit->coefficient[design->parameter[i]], truth, 1e-12);
        }
        least_squares_free(&fit);
        formula_design_free(&design);
    }
    fixture_clear(&f);
}

static void refuses_tables(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"y ~ nosuch", "no column is called \"nosuch\""},
        {"y ~ log(brand)", "\"brand\" holds text"},
        {"brand ~ x", "\"brand\" holds text"},
        {"y ~ log(x)", "log(x) is -inf in data row 1"},
        {"log(store) ~ x", "log(store) is"},
    };
    struct fixture f;
    fixture_make(&f);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct formula_design *design = NULL;
        assert_all(make(&f, cases[k].text, &design) == ERR_DATA);
        assert_all(design == NULL);
        if (strstr(status_message(), cases[k].said) == NULL)
            fail_msg("%s says %s, not %s", cases[k].text, status_message(), cases[k].said);
    }
    for (int i = 0; i < ROWS; i++) f.x[i] = NAN;
    struct formula_design *design = NULL;
    assert_all(make(&f, "y ~ x", &design) == ERR_DATA);
    fixture_clear(&f);
}

static void agrees_on_faults(void **state)
{
    (void)state;
    struct fixture f;
    struct formula_design *design = NULL;
    fixture_make(&f);
    comm_inject_fault(-1, 0);
    assert_all(make(&f, "y ~ x * brand | store", &design) == OK);
    formula_design_free(&design);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            enum status status = make(&f, "y ~ x * brand | store", &design);
            comm_inject_fault(-1, 0);
            assert_all(status == ERR_BUG && design == NULL);
        }
    fixture_clear(&f);
}

TEST_MAIN(cmocka_unit_test(parses), cmocka_unit_test(refuses), cmocka_unit_test(names_terms),
          cmocka_unit_test(finds_truth), cmocka_unit_test(refuses_tables),
          cmocka_unit_test(agrees_on_faults))
