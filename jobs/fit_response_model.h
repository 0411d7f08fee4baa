/**
 * The model of `remise fit response`: as many networks as there are folds of users, each trained
 * without its fold.
 *
 * A network says a(x) and b(x) >= 0 of P(d) = sigmoid(a + b d). What it says of its own fold is
 * honest, and all that is judged or averaged is made of that (out of fold); rows are predicted by
 * the mean of all. Candidates, from a linear model to hidden layers, are trained the same way, and
 * a larger one is taken where it lowers the log loss of rows it has not seen beyond its standard
 * error.
 */
#ifndef REMISE_JOBS_FIT_RESPONSE_MODEL_H
#define REMISE_JOBS_FIT_RESPONSE_MODEL_H

#include "algorithms/network.h"
#include "jobs/fit_response_data.h"

enum { FIT_RESPONSE_FOLDS_MAX = 20, FIT_RESPONSE_CANDIDATES = 2, FIT_RESPONSE_LAYERS_MAX = 8 };

struct fit_response_layers {
    int64_t count; /* 0: linear */
    int64_t units[FIT_RESPONSE_LAYERS_MAX];
};

struct fit_response_options {
    int64_t folds;
    int64_t epochs; /* 0: by rows */
    bool choose;    /* among the candidates; else `layers` */
    struct fit_response_layers layers;
    uint64_t seed;
};

struct fit_response_candidate {
    struct fit_response_layers layers;
    double log_loss;         /* weighted, out of fold */
    double gain, gain_error; /* on the candidate chosen before it */
};

struct fit_response_model {
    int64_t folds;
    struct network *member[FIT_RESPONSE_FOLDS_MAX];
    struct dose_shape shape; /* what discounts act as; curves are lines in that */
    double unit;             /* the networks' doses are these over this, the highest one */
    uint8_t *fold;           /* [rows_local] by user */
    float *a, *b;            /* [rows_local] out of fold; b for what acts as a discount of 100 % */
    int64_t candidates, chosen;
    struct fit_response_candidate candidate[FIT_RESPONSE_CANDIDATES];
};

/**
 * Train.
 *
 * Collective.
 * model  out  the caller clears it with fit_response_model_clear, also on failure
 * Cost: folds * candidates trainings of some 3,000 steps.
 * Memory: beside a training, 9 bytes a row and 8 for each candidate.
 * Same bits for any number of ranks.
 * Errors: ERR_DATA a fold leaves no rows, or only one outcome; as network_fit.
 */
enum status fit_response_train(const struct comm *comm, const struct fit_response_data *data,
                               const struct fit_response_options *opt,
                               struct fit_response_model *model);
/**
 * Train the chosen members on, discounts acting as `shape` says.
 * Collective. Cost: folds trainings of half the length. Errors: as fit_response_train.
 */
enum status fit_response_bend(const struct comm *comm, const struct fit_response_data *data,
                              const struct fit_response_options *opt,
                              const struct dose_shape *shape, struct fit_response_model *model);
/** Free; accepts a zeroed struct. Local. */
void fit_response_model_clear(struct fit_response_model *model);

/** What a discount acts as. Local. */
double fit_response_dose(const struct fit_response_model *model, double discount);

/**
 * What one member says of rows first .. first + count - 1.
 * Local. a, b out [count], b by a discount of 100 %. Errors: ERR_MEMORY.
 */
enum status fit_response_member(const struct fit_response_model *model,
                                const struct fit_response_data *data, int64_t member, int64_t first,
                                int64_t count, float *a, float *b);

#endif
