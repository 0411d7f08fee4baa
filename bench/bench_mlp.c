/**
 * How fast the data-parallel perceptron trains, hidden layers of 128 and 64 units.
 *
 * mpirun -np 2 bench_mlp [ROWS [COLUMNS [BATCH [EPOCHS]]]] prints one line of JSON.
 * bench/peer_mlp.py makes the same rows.
 */
#include "bench/training.h"

int main(int argc, char **argv)
{
    int64_t number[4] = {262144, 32, 8192, 5};
    for (int i = 1; i < argc && i <= 4; i++) number[i - 1] = strtoll(argv[i], NULL, 10);
    struct training set = {.name = "mlp",
                           .shape = {1, number[1]},
                           .layers = 2,
                           .rows = number[0],
                           .batch = number[2],
                           .epochs = number[3]};
    for (int64_t l = 0; l < 2; l++)
        set.plan[l] = (struct layer_plan){
            .kind = &layer_dense, .units = l == 0 ? 128 : 64, .activation = ACTIVATION_RELU};
    training_main(&set);
}
