/**
 * The BG/NBD model of repeat purchases: who is still a customer, and how often will they buy?
 *
 * While alive, a customer buys at random at a rate of their own; after each purchase they may leave
 * for good, with a chance of their own. Rates are Gamma(r, alpha) distributed over the customers,
 * chances of leaving Beta(a, b). All that is known of a customer is (frequency, recency, age):
 * frequency counts the repeat purchases (the first one is none), recency is the time from the first
 * purchase to the last, age the time from the first purchase to now. bgnbd_fit finds r, alpha, a
 * and b by maximum likelihood; bgnbd_alive and bgnbd_purchases look ahead for one customer.
 */
#ifndef REMISE_ALGORITHMS_BGNBD_H
#define REMISE_ALGORITHMS_BGNBD_H

#include "mpi/comm.h"

struct bgnbd_customer {
    double frequency; /* whole number >= 0 */
    double recency;   /* in [0, age]; 0 where frequency is 0 */
    double age;       /* >= 0, in any unit of time, the same for all */
};

struct bgnbd_options {
    int64_t max_iterations; /* of each start */
    double tolerance;       /* of the gradient of the mean log-likelihood in log parameters */
};

#define BGNBD_DEFAULTS                           \
    {                                            \
        .max_iterations = 500, .tolerance = 1e-9 \
    }

struct bgnbd_model {
    double r, alpha; /* alpha in the unit of time */
    double a, b;
    double log_likelihood;
    int64_t customers; /* over all ranks */
    int64_t distinct;  /* of them */
    int64_t iterations;
    bool converged;
};

/** What is wrong with the history of a customer, NULL if nothing is. Local. */
const char *bgnbd_fault(const struct bgnbd_customer *customer);

/**
 * Fit the model to customers spread over the ranks.
 *
 * Collective.
 * customer  in   [customers_local]; those who never came back count, too
 * model     out  the best parameters found, whether or not model->converged
 * Cost: one exchange of the distinct customers; then about 30 evaluations, each 10 logarithms for
 *       each distinct customer, one reduction of 6 exact sums (96 bytes) and a broadcast of 40.
 * Memory: 96 bytes for each local customer at first, then 32 for each distinct one.
 * Same bits for any number of ranks.
 * Errors: ERR_DATA a customer with a fault, or none who came back; ERR_MEMORY. Not to converge is
 *         no error: see model->converged.
 * Source: Fader, Hardie and Lee 2005, Marketing Science 24(2), eq. 6; gradient by hand.
 */
enum status bgnbd_fit(const struct comm *comm, const struct bgnbd_customer *customer,
                      int64_t customers_local, const struct bgnbd_options *opt,
                      struct bgnbd_model *model);

/**
 * The log-likelihood of a model for any customers, and its derivatives by the logs of r, alpha, a
 * and b.
 *
 * Collective.
 * model     in   r, alpha, a, b > 0; nothing else of it is read
 * gradient  out  [4]
 * Cost: one exchange and one evaluation, as in bgnbd_fit.
 * Same bits for any number of ranks.
 * Errors: as bgnbd_fit; ERR_NUMERIC beyond the range of doubles.
 */
enum status bgnbd_likelihood(const struct comm *comm, const struct bgnbd_customer *customer,
                             int64_t customers_local, const struct bgnbd_model *model,
                             double *log_likelihood, double *gradient);

/**
 * Where the likelihood has its peak at the end of a scale: what that says of the customers, NULL if
 * it has not. Local.
 */
const char *bgnbd_extreme(const struct bgnbd_model *model);

/**
 * The chance that a customer is still one. Local.
 * Source: Fader, Hardie and Lee 2008, Computing P(alive) using the BG/NBD model.
 */
double bgnbd_alive(const struct bgnbd_model *model, const struct bgnbd_customer *customer);

/**
 * Purchases to be expected within `horizon` units of time from now of one who is still a customer.
 * Local.
 * Cost: a hypergeometric series of about 40 (1 + (alpha + age) / horizon)^-1 terms and more near
 *       1; where that would lose digits, a quadrature of some hundred terms, up to 50 microseconds.
 * Accuracy: 1e-9 relative.
 * Source: Fader, Hardie and Lee 2005, eq. 10.
 */
double bgnbd_purchases_alive(const struct bgnbd_model *model, double frequency, double age,
                             double horizon);

/** Purchases to be expected of a customer: the same times bgnbd_alive. Local. */
double bgnbd_purchases(const struct bgnbd_model *model, const struct bgnbd_customer *customer,
                       double horizon);

#endif
