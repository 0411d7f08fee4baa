/**
 * How fast the data-parallel perceptron trains.
 *
 * mpirun -np 2 bench_mlp [ROWS [COLUMNS [BATCH [EPOCHS [HIDDEN [bf16]]]]]] prints one line of JSON.
 * HIDDEN lists the units of the hidden layers, 128,64 unless given; with bf16, products are in it.
 * bench/peer_mlp.py makes the same rows.
 */
#include "bench/training.h"

#include <string.h>

/* "128,64" to dense layers. */
static void lay_dense(const char *list, struct training *set)
{
    for (const char *at = list; *at != '\0' && set->layers < NETWORK_LAYERS_MAX - 1;) {
        char *end;
        int64_t units = strtoll(at, &end, 10);
        if (end == at) break;
        set->plan[set->layers++] = (struct layer_plan){
            .kind = &layer_dense, .units = units, .activation = ACTIVATION_RELU};
        at = *end == ',' ? end + 1 : end;
    }
}

int main(int argc, char **argv)
{
    int64_t number[4] = {262144, 32, 8192, 5};
    for (int i = 1; i < argc && i <= 4; i++) number[i - 1] = strtoll(argv[i], NULL, 10);
    struct training set = {.name = "mlp",
                           .shape = {1, number[1]},
                           .rows = number[0],
                           .batch = number[2],
                           .epochs = number[3],
                           .bf16 = argc > 6 && strcmp(argv[6], "bf16") == 0};
    lay_dense(argc > 5 ? argv[5] : "128,64", &set);
    training_main(&set);
}
