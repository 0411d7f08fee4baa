/**
 * Absorbed effects: a design without them whose other coefficients are those of the model with
 * them.
 *
 * Few levels become sparse columns behind the others, and come first when it is settled what
 * depends on what: a column that is constant within the levels is dropped, not a level.
 */
#ifndef REMISE_ALGORITHMS_ABSORB_H
#define REMISE_ALGORITHMS_ABSORB_H

#include "algorithms/design.h"

enum absorb_way { ABSORB_NONE, ABSORB_COLUMNS };

struct absorbed {
    enum absorb_way way;
    struct design design; /* without effects; borrows what follows and the original's arrays */
    int64_t *row_start;
    int32_t *column;
    double *value;
};

/**
 * Make a design without effects. Parameters of the original keep their numbers; more may follow.
 *
 * Collective.
 * design  in   must outlive the result; levels lie in range and each row has one of every effect
 * plain   out  free with absorbed_clear; without effects a copy of the struct
 * Errors: ERR_ARG a level out of range, effects together with groups; ERR_MEMORY.
 */
enum status absorb_make(const struct comm *comm, const struct design *design,
                        struct absorbed *plain);
/** Free; accepts a zeroed struct. Local. */
void absorbed_clear(struct absorbed *plain);

#endif
