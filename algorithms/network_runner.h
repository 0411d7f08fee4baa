/**
 * Micro-batches of rows on their way through a network, with what goes beside them: targets,
 * weights, doses and priors. What training, measuring the loss and looking for bad rows share.
 */
#ifndef REMISE_ALGORITHMS_NETWORK_RUNNER_H
#define REMISE_ALGORITHMS_NETWORK_RUNNER_H

#include "algorithms/batches.h"
#include "algorithms/network_pass.h"

struct network_runner {
    const struct network_data *data; /* not owned */
    enum loss loss;
    double prior_weight;
    struct network_pass pass;
    struct layer_rows rows;           /* in hand */
    int64_t *number;                  /* [rows_max] global numbers of the rows in hand */
    float *y, *weight, *dose, *prior; /* [rows_max] beside them */
};

/** Whether rows suit a model. Local. Errors: ERR_ARG; ERR_DATA a value out of range, by its row. */
enum status network_runner_check(const struct network_data *data, const struct network *model);

/**
 * Buffers for micro-batches of up to rows_max rows; `data`, `loss` and `prior_weight` are set.
 * Local. Free with network_runner_clear. Errors: ERR_MEMORY.
 */
enum status network_runner_init(struct network_runner *runner, const struct network *model,
                                int64_t rows_max, bool training);
/** Free; accepts a zeroed struct. Local. */
void network_runner_clear(struct network_runner *runner);

/**
 * Take one micro-batch forward. Local.
 * slope  out  where its slope by the outputs goes, of network_pass_delta; NULL: nothing is learned
 */
struct loss_sums network_runner_forward(struct network_runner *runner,
                                        const struct micro_batch *micro, float *slope);

/** Mean loss over all micro-batches. Collective. Errors: ERR_NUMERIC, ERR_MEMORY. */
enum status network_runner_total(const struct comm *comm, struct network_runner *runner,
                                 const struct batches *batches, double *mean);

/* Some of a rank's micro-batches. */
struct micro_list {
    const struct batches *batches;
    const int64_t *at; /* [count] their numbers; NULL: the first ones */
    int64_t count;
};

/* Rows that alone give no finite loss or slope. */
struct network_blame {
    int64_t rows, guilty; /* over all ranks */
    int64_t first;        /* global number of the first guilty row */
};

/**
 * Take rows one by one to find those whose loss, or slopes if they are learned from, are not finite
 * or beyond an exact sum.
 * Collective. Cost: a pass for each row; for failures only.
 */
struct network_blame network_runner_blame(const struct comm *comm, struct network_runner *runner,
                                          const struct micro_list *list, bool learning);

#endif
