/* Upper tails of chi-squared and F: goldens/tails.py, the ends, and what falls must fall. */
#include "tests/harness.h"

#include "algorithms/tails.h"

/* x, degrees of freedom, those of the denominator (0: chi-squared), tail */
static const double golden[][4] = {
    {0.378, 1, 0, 0.53867555076265988},
    {3.84, 1, 0, 0.050043521248705103},
    {1e-08, 1, 0, 0.99992021154405269},
    {30, 2, 0, 3.0590232050182579e-7},
    {5, 7, 0, 0.65996322969428271},
    {600, 3, 0, 1.0078435921645642e-129},
    {1000, 1000, 0, 0.49405285382923964},
    {99, 100, 0, 0.50947219879837413},
    {102, 100, 0, 0.42560514048314036},
    {1300, 3, 0, 1.4717437106980103e-281},
    {0.1, 40, 0, 1.0},
    {1003000, 1000000, 0, 0.017016772933266315},
    {55.4, 2, 423, 4.2699251376141507e-22},
    {13.26, 1, 2994, 0.00027572223822810156},
    {1, 3, 4, 0.47894911923242635},
    {10, 1, 16, 0.0060376048070375655},
    {0.9, 20, 30, 0.58984466494638513},
    {1e-06, 1, 10, 0.99922178337474098},
    {4, 1, 2, 0.18350341907227397},
    {16581.9, 2, 16, 2.9239487102154732e-27},
    {1.002, 5, 1000000, 0.41466160585538779},
    {1.5, 200, 10000000, 5.9261346252085276e-6},
};

static double tail(const double *row)
{
    return row[2] > 0.0 ? tails_f(row[0], row[1], row[2]) : tails_chi_squared(row[0], row[1]);
}

static void matches_golden(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof golden / sizeof *golden; k++) {
        double accuracy = golden[k][1] > 1e3 || golden[k][2] > 1e4 ? 1e-9 : 1e-12;
        assert_close(tail(golden[k]) / golden[k][3], 1.0, accuracy);
    }
}

static void ends(void **state)
{
    (void)state;
    assert_all(tails_chi_squared(0.0, 3.0) == 1.0 && tails_f(0.0, 2.0, 9.0) == 1.0);
    assert_all(tails_chi_squared(-1.0, 3.0) == 1.0 && tails_f(-1.0, 2.0, 9.0) == 1.0);
    assert_all(tails_chi_squared(1e9, 3.0) == 0.0 && tails_f(1e9, 2.0, 1e6) == 0.0);
    assert_all(isnan(tails_chi_squared(NAN, 3.0)) && isnan(tails_f(NAN, 2.0, 9.0)));
}

/* Also where a series hands over to a continued fraction. */
static void falls(void **state)
{
    (void)state;
    for (double freedom = 0.5; freedom < 500.0; freedom *= 3.0) {
        double chi = 1.0, f = 1.0;
        for (double x = 0.05; x < 4.0; x += 0.05) {
            assert_all(tails_chi_squared(x * freedom, freedom) <= chi);
            assert_all(tails_f(x, freedom, 17.0) <= f);
            chi = tails_chi_squared(x * freedom, freedom);
            f = tails_f(x, freedom, 17.0);
        }
    }
}

TEST_MAIN(cmocka_unit_test(matches_golden), cmocka_unit_test(ends), cmocka_unit_test(falls))
