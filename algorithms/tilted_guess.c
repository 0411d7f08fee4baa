/* Guesses at a standing. */
#include "algorithms/tilted_guess.h"

#include <math.h>

/* Where chances hardly move with the standing, roots are far off but no farther than this. */
#define VARIANCE_MOST 1.0
#define SLOPE_LEAST 1e-4
/* A guess that is less likely by this, in logs, is none. */
#define RULED_OUT 16.0

struct root {
    double standing, variance, log_density; /* how much a standing there counts for */
};

static struct root root_of(const struct tilted_policy *policy, const struct tilted_noise *noise,
                           int level, float chance, float standing)
{
    double slope = fmax(tilted_policy_slope(policy, level, standing), SLOPE_LEAST);
    double off = noise->misfit * (double)chance / slope;
    return (struct root){(double)standing, fmin(noise->within + off * off, VARIANCE_MOST),
                         -log(slope)};
}

static void begin(const struct root *root, int roots, struct tilted_guess *guess)
{
    guess->count = roots;
    for (int g = 0; g < roots; g++) {
        guess->standing[g] = root[g].standing;
        guess->variance[g] = root[g].variance;
        guess->log_likelihood[g] = root[g].log_density;
    }
}

static double add_logs(double a, double b)
{
    return fmax(a, b) + log1p(exp(-fabs(a - b)));
}

/* An offer as a guess has it: by the likelier of its roots. */
static void go_on(const struct root *root, int roots, int g, struct tilted_guess *guess)
{
    double likely[2] = {-INFINITY, -INFINITY}, was = guess->variance[g];
    for (int r = 0; r < roots; r++) {
        double off = root[r].standing - guess->standing[g], variance = was + root[r].variance;
        likely[r] = root[r].log_density - 0.5 * (off * off / variance + log(variance));
    }
    const struct root *taken = &root[roots > 1 && likely[1] > likely[0]];
    double gain = was / (was + taken->variance);
    guess->log_likelihood[g] += roots > 1 ? add_logs(likely[0], likely[1]) : likely[0];
    guess->standing[g] += gain * (taken->standing - guess->standing[g]);
    guess->variance[g] = was * (1.0 - gain);
}

void tilted_guess_add(const struct tilted_policy *policy, const struct tilted_noise *noise,
                      int level, float chance, struct tilted_guess *guess)
{
    struct tilted_roots at = tilted_policy_solve(policy, level, chance);
    const struct root root[2] = {root_of(policy, noise, level, chance, at.low),
                                 root_of(policy, noise, level, chance, at.high)};
    int roots = at.low == at.high ? 1 : 2;
    if (guess->count == 0)
        begin(root, roots, guess);
    else
        for (int g = 0; g < guess->count; g++) go_on(root, roots, g, guess);
}

struct tilted_roots tilted_guess_roots(const struct tilted_guess *guess, double *lean)
{
    float low = (float)guess->standing[0], high = (float)guess->standing[1];
    *lean = 0.0;
    if (guess->count == 0) return (struct tilted_roots){NAN, NAN};
    if (guess->count == 1) return (struct tilted_roots){low, low};
    double second = guess->log_likelihood[1] - guess->log_likelihood[0];
    if (low == high || second < -RULED_OUT) return (struct tilted_roots){low, low};
    if (second > RULED_OUT) return (struct tilted_roots){high, high};
    *lean = low < high ? second : -second; /* one may have overtaken the other */
    return (struct tilted_roots){fminf(low, high), fmaxf(low, high)};
}
