/**
 * The Gamma-Gamma model of spend: what will a customer pay per purchase?
 *
 * A customer's purchases vary about a mean of their own, Gamma(p, rate), and the rates are
 * Gamma(q, v) distributed over the customers; spend is taken to be independent of how often one
 * buys. Known of a customer are the number of repeat purchases and their mean amount.
 * gamma_gamma_fit finds p, q and v by maximum likelihood; gamma_gamma_spend weighs a customer's own
 * mean against that of all, the more the more purchases it is made of. Beside algorithms/bgnbd.h it
 * makes the value of a customer: expected purchases times expected spend.
 */
#ifndef REMISE_ALGORITHMS_GAMMA_GAMMA_H
#define REMISE_ALGORITHMS_GAMMA_GAMMA_H

#include "mpi/comm.h"

struct gamma_gamma_customer {
    double frequency; /* repeat purchases >= 0; need not be whole */
    double spend;     /* mean amount of them, > 0 where frequency > 0, else not looked at */
};

struct gamma_gamma_options {
    int64_t max_iterations; /* of each start */
    double tolerance;       /* of the gradient of the mean log-likelihood in log parameters */
};

#define GAMMA_GAMMA_DEFAULTS                     \
    {                                            \
        .max_iterations = 500, .tolerance = 1e-9 \
    }

struct gamma_gamma_model {
    double p, q, v; /* v in the unit of spend */
    double log_likelihood;
    int64_t customers; /* with repeat purchases, over all ranks */
    int64_t distinct;  /* of them */
    int64_t iterations;
    bool converged;
};

/** What is wrong with a customer, NULL if nothing is. Local. */
const char *gamma_gamma_fault(const struct gamma_gamma_customer *customer);

/**
 * Fit the model to customers spread over the ranks.
 *
 * Collective.
 * customer  in   [customers_local]; those without repeat purchases tell nothing and are passed over
 * model     out  the best parameters found, whether or not model->converged
 * Cost: one exchange of the distinct customers; then about 20 evaluations, each 2 logarithms for
 *       each of them, one reduction of 5 exact sums (80 bytes) and a broadcast of 32.
 * Memory: 96 bytes for each local customer at first, then 32 for each distinct one.
 * Same bits for any number of ranks.
 * Errors: ERR_DATA a customer with a fault, or none with repeat purchases; ERR_MEMORY. Not to
 *         converge is no error: see model->converged.
 * Source: Fader and Hardie 2013, The Gamma-Gamma Model of Monetary Value, eq. 1a; gradient by hand.
 */
enum status gamma_gamma_fit(const struct comm *comm, const struct gamma_gamma_customer *customer,
                            int64_t customers_local, const struct gamma_gamma_options *opt,
                            struct gamma_gamma_model *model);

/**
 * The log-likelihood of a model for any customers, and its derivatives by the logs of p, q and v.
 *
 * Collective.
 * model     in   p, q, v > 0; nothing else of it is read
 * gradient  out  [3]
 * Cost: one exchange and one evaluation, as in gamma_gamma_fit.
 * Same bits for any number of ranks.
 * Errors: as gamma_gamma_fit; ERR_NUMERIC beyond the range of doubles.
 */
enum status gamma_gamma_likelihood(const struct comm *comm,
                                   const struct gamma_gamma_customer *customer,
                                   int64_t customers_local, const struct gamma_gamma_model *model,
                                   double *log_likelihood, double *gradient);

/**
 * Where the likelihood has its peak at the end of a scale: what that says of the customers, NULL if
 * it has not. Local.
 */
const char *gamma_gamma_extreme(const struct gamma_gamma_model *model);

/**
 * Expected mean spend of a customer in future purchases: the mean of all where frequency is 0.
 * Local. NaN where it has no finite mean (p frequency + q <= 1).
 * Source: Fader and Hardie 2013, eq. 5.
 */
double gamma_gamma_spend(const struct gamma_gamma_model *model,
                         const struct gamma_gamma_customer *customer);

#endif
