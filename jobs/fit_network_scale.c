/* Scales of a network's columns, from the training rows. */
#include "jobs/fit_network_scale.h"

#include "algorithms/standardise.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* The training rows alone, in the same blocks. */
struct training_rows {
    struct blocks blocks;
    double *z; /* [blocks.rows_local][columns + 1] */
};

static enum status gather_training(const struct fit_network_data *data,
                                   const struct fit_scaling *scaling,
                                   struct training_rows *training)
{
    enum status status = OK;
    const struct blocks *all = data->blocks;
    int64_t width = data->columns + 1, at = 0;
    training->blocks = *all;
    training->blocks.start = NULL;
    TRY(memory_new(&training->blocks.start, all->blocks_local + 1, sizeof *all->start));
    TRY(memory_new(&training->z, all->rows_local * width, sizeof *training->z));
    for (int64_t b = 0; b < all->blocks_local; b++) {
        training->blocks.start[b] = at;
        for (int64_t i = all->start[b]; i < all->start[b + 1]; i++) {
            if (data->part[i] != PART_TRAIN) continue;
            for (int64_t j = 0; j < width; j++)
                training->z[at * width + j] =
                    data->in.table->column[data->source[j]].number[i] / scaling->unit[j];
            at++;
        }
    }
    training->blocks.start[all->blocks_local] = at;
    training->blocks.rows_local = at;
    training->blocks.rows_total = data->rows[PART_TRAIN];
done:
    return status;
}

/* Powers of two that bring each column below 1. */
static void measure_units(const struct comm *comm, const struct fit_network_data *data,
                          struct fit_scaling *scaling)
{
    for (int64_t j = 0; j <= data->columns; j++) scaling->unit[j] = 0.0;
    for (int64_t i = 0; i < data->blocks->rows_local; i++)
        for (int64_t j = 0; j <= data->columns && data->part[i] != PART_NONE; j++) {
            double size = fabs(data->in.table->column[data->source[j]].number[i]);
            scaling->unit[j] = fmax(scaling->unit[j], size);
        }
    comm_max_double(comm, scaling->unit, data->columns + 1);
    int64_t sequence = layer_values(data->shape);
    for (int64_t j = sequence - 1; j >= 0; j--) { /* all steps of a channel alike */
        double *first = &scaling->unit[j % data->shape.channels];
        *first = fmax(*first, scaling->unit[j]);
    }
    for (int64_t j = 0; j < sequence; j++)
        scaling->unit[j] = scaling->unit[j % data->shape.channels];
    for (int64_t j = 0; j <= data->columns; j++) {
        int exponent = 0;
        frexp(scaling->unit[j], &exponent);
        scaling->unit[j] = scaling->unit[j] > 0.0 ? ldexp(1.0, exponent) : 1.0;
    }
}

/* Means and deviations of all steps of a channel together. */
static void join_steps(const struct fit_network_data *data, struct fit_scaling *scaling)
{
    int64_t channels = data->shape.channels, sequence = layer_values(data->shape);
    double steps = (double)data->shape.steps;
    for (int64_t c = 0; c < channels && data->shape.steps > 1; c++) {
        double mean = 0.0, square = 0.0;
        for (int64_t j = c; j < sequence; j += channels) mean += scaling->mean[j] / steps;
        for (int64_t j = c; j < sequence; j += channels) {
            double far = scaling->mean[j] - mean;
            square += (scaling->divisor[j] * scaling->divisor[j] + far * far) / steps;
        }
        for (int64_t j = c; j < sequence; j += channels) {
            scaling->mean[j] = mean;
            scaling->divisor[j] = sqrt(square);
        }
    }
}

static void warn_of_constants(const struct fit_network_data *data,
                              const struct fit_scaling *scaling)
{
    int64_t target = data->columns;
    bool sequences = data->shape.steps > 1;
    for (int64_t j = sequences ? layer_values(data->shape) : 0; j < target; j++)
        if (scaling->divisor[j] == 0.0)
            log_warning("column \"%s\" is the same in all training rows and decides nothing",
                        fit_network_data_name(data, j));
    for (int64_t c = 0; c < data->shape.channels && sequences; c++)
        if (scaling->divisor[c] == 0.0)
            log_warning("channel %lld of the sequence is the same in all steps of all training "
                        "rows and decides nothing",
                        (long long)c);
    if (scaling->divisor[target] == 0.0)
        log_warning("column \"%s\" is the same in all training rows and leaves nothing to learn",
                    fit_network_data_name(data, target));
}

static enum status measure(const struct comm *comm, const struct fit_network_source *source,
                           const struct fit_network_data *data, struct fit_scaling *scaling)
{
    enum status status = OK;
    struct training_rows training = {0};
    int64_t target = data->columns;
    measure_units(comm, data, scaling);
    TRY_ALL(comm, gather_training(data, scaling, &training));
    TRY(standardise_measure(comm, &training.blocks, training.z, data->columns + 1, scaling->mean,
                            scaling->divisor));
    join_steps(data, scaling);
    for (int64_t j = 0; j < layer_values(data->shape) && source->codes > 0; j++) {
        scaling->unit[j] = scaling->divisor[j] = 1.0;
        scaling->mean[j] = 0.0;
    }
    warn_of_constants(data, scaling);
    if (scaling->divisor[target] == 0.0) scaling->divisor[target] = 1.0;
    if (source->loss == LOSS_BCE) {
        scaling->unit[target] = scaling->divisor[target] = 1.0;
        scaling->mean[target] = 0.0;
    }
done:
    free(training.z);
    blocks_clear(&training.blocks);
    return status;
}

enum status fit_network_scale(const struct comm *comm, const struct fit_network_source *source,
                              struct fit_network_data *data)
{
    enum status status = OK;
    struct fit_scaling *scaling = &data->scaling;
    TRY_ALL(comm, fit_scaling_alloc(scaling, data->columns + 1));
    for (int64_t j = 0; j <= data->columns; j++) scaling->unit[j] = scaling->divisor[j] = 1.0;
    scaling->whole = 1.0;
    if (source->from != NULL)
        fit_scaling_copy(&source->from->scaling, scaling);
    else if (source->standardize)
        TRY(measure(comm, source, data, scaling));
done:
    return status;
}
