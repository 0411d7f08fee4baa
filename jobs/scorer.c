/* The table of scorers, and the shape of their panels. */
#include "jobs/scorer.h"

#include "algorithms/vector.h"
#include "jobs/config_keys.h"

#include <string.h>

const struct scorer *const scorers[] = {
    &scorer_popularity, &scorer_repeat, &scorer_als, &scorer_content,
    &scorer_linear,     &scorer_neural, NULL};

enum { PANEL_FLOATS = 1 << 20 };

int64_t scorer_stride(const struct scorer_data *data)
{
    return vector_padded(data->dataset->products.count);
}

int64_t scorer_chunk(const struct scorer_data *data)
{
    int64_t users = PANEL_FLOATS / scorer_stride(data);
    return users > 1 ? users : 1;
}

void scorer_knobs(const struct scorer *scorer, const struct config *config,
                  double knob[SCORER_KNOBS])
{
    for (int64_t k = 0; k < scorer->knobs; k++) {
        const char *key = scorer->knob[k].key;
        bool whole = config_key_at(key_find(key))->type == KEY_INTEGER;
        knob[k] = whole ? (double)config_integer(config, key) : config_number(config, key);
    }
}

const struct scorer *scorer_find(const char *name)
{
    for (int64_t s = 0; scorers[s] != NULL; s++)
        if (strcmp(scorers[s]->name, name) == 0) return scorers[s];
    return NULL;
}
