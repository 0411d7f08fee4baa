/* What a BG/NBD model expects of one customer. */
#include "algorithms/bgnbd.h"
#include "algorithms/special.h"

#include <math.h>

enum { TERMS = 2000, HALVINGS = 14 };

double bgnbd_alive(const struct bgnbd_model *model, const struct bgnbd_customer *customer)
{
    double x = customer->frequency, u = model->alpha + customer->recency;
    if (x == 0.0) return 1.0; /* leaving is only possible after a repeat purchase */
    double since_last = log1p((customer->age - customer->recency) / u);
    return special_sigmoid(-log(model->a / (model->b + x - 1.0)) - (model->r + x) * since_last);
}

/* One customer who is alive: a rate of Gamma(shape, scale) and a chance of leaving of Beta(a, b),
 * z = horizon / scale. */
struct ahead {
    double shape, a, b, z;
};

/* The closed form, (c - 1) / (a - 1) (1 - (1 + z)^-shape 2F1(shape, b; c - 1; z / (1 + z))) with
 * c = a + b. NaN where its difference would leave fewer than ten digits. */
static double by_series(const struct ahead *k)
{
    double c = k->a + k->b - 1.0, y = k->z / (1.0 + k->z);
    if (c < 1e-3) return NAN;
    double series = special_hyp2f1(k->shape, k->b, c, y, TERMS);
    double rest = exp(-k->shape * log1p(k->z)) * series, factor = c / (k->a - 1.0);
    double expected = factor * (1.0 - rest), error = 1e-14 * fabs(factor) * (1.0 + fabs(rest));
    return error < 1e-10 * expected ? expected : NAN;
}

/* What the chance of leaving p = 1 / (1 + exp(-theta)) adds to the integral over theta:
 * (1 - (1 + p z)^-shape) / p times the density; *log_density that of theta */
static double integrand(const struct ahead *k, double log_beta, double theta, double *log_density)
{
    double log_p = -special_softplus(-theta), p = exp(log_p);
    *log_density = k->a * log_p - k->b * special_softplus(theta) - log_beta;
    double pz = p * k->z, purchases;
    if (k->shape * pz < 1e-12)
        purchases = k->shape * k->z;
    else
        purchases = -expm1(-k->shape * log1p(pz)) / p;
    return exp(*log_density) * purchases;
}

/* The sum over theta = centre + width sinh(u), u = first, first + step, first + 2 step ..., one way
 * until the density, which has one peak, has died away. */
static double one_way(const struct ahead *k, double log_beta, double centre, double width,
                      double first, double step)
{
    double sum = 0.0, before = -INFINITY;
    for (double u = first; fabs(u) < 40.0; u += step) {
        double log_density;
        double term = integrand(k, log_beta, centre + width * sinh(u), &log_density) * cosh(u);
        double now = log_density + fabs(u);
        sum += term;
        if (now < -80.0 && now <= before) break;
        before = now;
    }
    return sum;
}

/* The same expectation as a mean over the chance of leaving: the trapezoidal rule after a
 * double-exponential substitution (Takahasi and Mori 1974), halved until it stands. */
static double by_quadrature(const struct ahead *k)
{
    double log_beta = special_log_beta(k->a, k->b), step = 0.5;
    double centre = k->a < 1.0 ? -log(1.0 + fmax(k->shape * k->z, k->b)) : log(k->a / k->b);
    double width = fmin(1.0, sqrt(1.0 / k->a + 1.0 / k->b));
    double sum = one_way(k, log_beta, centre, width, 0.0, step) +
                 one_way(k, log_beta, centre, width, -step, -step);
    for (int i = 0; i < HALVINGS; i++) {
        double old = sum * step;
        sum += one_way(k, log_beta, centre, width, 0.5 * step, step) +
               one_way(k, log_beta, centre, width, -0.5 * step, -step);
        step *= 0.5;
        if (i > 0 && fabs(sum * step - old) <= 1e-11 * old) break;
    }
    return width * step * sum;
}

double bgnbd_purchases_alive(const struct bgnbd_model *model, double frequency, double age,
                             double horizon)
{
    if (!(horizon > 0.0)) return 0.0;
    struct ahead k = {model->r + frequency, model->a, model->b + frequency,
                      horizon / (model->alpha + age)};
    double expected = by_series(&k);
    return isnan(expected) ? by_quadrature(&k) : expected;
}

double bgnbd_purchases(const struct bgnbd_model *model, const struct bgnbd_customer *customer,
                       double horizon)
{
    return bgnbd_alive(model, customer) *
           bgnbd_purchases_alive(model, customer->frequency, customer->age, horizon);
}
