/**
 * How fast networks of sequences of 32 steps of 8 channels train on all ranks.
 *
 * mpirun -np 2 bench_sequence KIND [ROWS [BATCH [EPOCHS]]] prints one line of JSON; KIND is cnn,
 * gru or lstm. bench/peer_sequence.py makes the same rows and networks.
 */
#include "bench/training.h"

#include <string.h>

enum { UNITS = 32 };

/* Two convolutions with pools, a dense layer. */
static void lay_convolutions(struct training *set)
{
    for (int64_t l = 0; l < 4; l += 2) {
        set->plan[l] = (struct layer_plan){
            .kind = &layer_convolution, .units = UNITS, .width = 3, .activation = ACTIVATION_RELU};
        set->plan[l + 1] = (struct layer_plan){.kind = &layer_max_pool, .width = 2};
    }
    set->plan[4] =
        (struct layer_plan){.kind = &layer_dense, .units = UNITS, .activation = ACTIVATION_RELU};
    set->layers = 5;
}

int main(int argc, char **argv)
{
    int64_t number[3] = {32768, 1024, 3};
    for (int i = 2; i < argc && i <= 4; i++) number[i - 2] = strtoll(argv[i], NULL, 10);
    struct training set = {.name = argc > 1 ? argv[1] : "cnn",
                           .shape = {32, 8},
                           .layers = 1,
                           .rows = number[0],
                           .batch = number[1],
                           .epochs = number[2]};
    const struct layer_kind *kind = strcmp(set.name, "lstm") == 0 ? &layer_lstm : &layer_gru;
    set.plan[0] = (struct layer_plan){.kind = kind, .units = UNITS};
    if (strcmp(set.name, "cnn") == 0) lay_convolutions(&set);
    training_main(&set);
}
