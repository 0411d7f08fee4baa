/* Layers of the response network. */
#include "jobs/response_network.h"

#include "jobs/response_sequence.h"

#include <string.h>

enum { WINDOW = 3, POOL = 2 };

static bool is(const struct config *config, const char *architecture)
{
    return strcmp(config_text(config, "respond.architecture"), architecture) == 0;
}

int64_t response_network_events(const struct config *config)
{
    return is(config, "mlp") ? 0 : config_integer(config, "respond.events");
}

static const struct layer_kind *encoder_of(const struct config *config)
{
    const char *name = is(config, "tower") ? config_text(config, "respond.encoder")
                                           : config_text(config, "respond.architecture");
    if (strcmp(name, "cnn") == 0) return &layer_convolution;
    return strcmp(name, "gru") == 0 ? &layer_gru : &layer_lstm;
}

/* What reads the sequence; convolutions are pooled two by two. */
static int64_t lay_encoder(const struct config *config, struct layer_plan *plan)
{
    const struct layer_kind *kind = encoder_of(config);
    const int64_t *units = NULL;
    int64_t layers = config_integers(config, "respond.units", &units), count = 0;
    for (int64_t k = 0; k < layers && count < NETWORK_LAYERS_MAX - 1; k++) {
        plan[count++] = (struct layer_plan){.kind = kind,
                                            .units = units[k],
                                            .width = WINDOW,
                                            .activation = ACTIVATION_RELU,
                                            .every_step = k < layers - 1};
        if (kind == &layer_convolution)
            plan[count++] = (struct layer_plan){.kind = &layer_max_pool, .width = POOL};
    }
    return count;
}

static int64_t lay_dense(const struct config *config, int64_t count, struct layer_plan *plan)
{
    const int64_t *units = NULL;
    int64_t layers = config_integers(config, "respond.layers", &units);
    for (int64_t k = 0; k < layers && count < NETWORK_LAYERS_MAX; k++)
        plan[count++] = (struct layer_plan){
            .kind = &layer_dense, .units = units[k], .activation = ACTIVATION_RELU};
    return count;
}

enum status response_network_new(const struct config *config, int64_t columns,
                                 struct network **model)
{
    struct layer_plan plan[NETWORK_LAYERS_MAX] = {{0}};
    struct layer_shape shape = response_sequence_shape(response_network_events(config));
    struct network_join join = {0, 0};
    int64_t count = 0;
    if (shape.steps == 0)
        shape = (struct layer_shape){1, columns};
    else
        join.at = count = lay_encoder(config, plan);
    if (is(config, "tower")) join.plain = columns - layer_values(shape);
    count = lay_dense(config, count, plan);
    enum status status = network_new_tower(shape, join, plan, count, LOSS_STRUCTURAL, model);
    if (status != ERR_ARG) return status;
    return FAIL(ERR_CONFIG, "respond.architecture: %.700s; see respond.events, units and layers",
                status_message());
}
