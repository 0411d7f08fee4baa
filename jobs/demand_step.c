/* One step for each unit, shrunk toward what its parent expects. */
#include "jobs/demand_step.h"

#include "algorithms/shrink.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define ERROR_MOST 20.0 /* with a larger standard error an estimate tells nothing */

enum status demand_steps_new(int64_t units, struct demand_steps *steps)
{
    enum status status = OK;
    *steps = (struct demand_steps){.units = units};
    TRY(memory_new(&steps->parent, units, sizeof *steps->parent));
    TRY(memory_new(&steps->reference, units, sizeof *steps->reference));
    TRY(memory_new(&steps->reference_sd, units, sizeof *steps->reference_sd));
    TRY(memory_new(&steps->estimate, units, sizeof *steps->estimate));
    TRY(memory_new(&steps->std_error, units, sizeof *steps->std_error));
    TRY(memory_new(&steps->shrunk, units, sizeof *steps->shrunk));
    TRY(memory_new(&steps->shrunk_sd, units, sizeof *steps->shrunk_sd));
    for (int64_t i = 0; i < units; i++) steps->estimate[i] = steps->std_error[i] = NAN;
done:
    if (status != OK) demand_steps_clear(steps);
    return status;
}

void demand_steps_clear(struct demand_steps *steps)
{
    free(steps->parent);
    free(steps->reference);
    free(steps->reference_sd);
    free(steps->estimate);
    free(steps->std_error);
    free(steps->shrunk);
    free(steps->shrunk_sd);
    *steps = (struct demand_steps){0};
}

bool demand_step_tells(const struct demand_baseline *baseline, double information)
{
    return information * ERROR_MOST * ERROR_MOST > baseline->dispersion;
}

void demand_steps_set(struct demand_steps *steps, int64_t unit,
                      const struct demand_baseline *baseline, double score, double information)
{
    steps->estimate[unit] = score / information;
    steps->std_error[unit] = sqrt(baseline->dispersion / information);
}

/* From deviations to elasticities. */
static void add_references(bool nothing, struct demand_steps *steps)
{
    for (int64_t i = 0; i < steps->units; i++) {
        steps->estimate[i] += steps->reference[i];
        steps->shrunk[i] = nothing ? steps->reference[i] : steps->reference[i] + steps->shrunk[i];
        if (nothing) steps->shrunk_sd[i] = NAN;
    }
}

enum status demand_steps_shrink(const struct comm *comm, int64_t parents, const char *const what[2],
                                struct demand_steps *steps)
{
    const struct shrink_units units = {steps->units, steps->estimate, steps->std_error,
                                       steps->parent};
    struct shrink_centres centres = {.sd = steps->reference_sd};
    int64_t all = steps->units;
    enum status status =
        shrink_centred_fit(comm, &units, parents, &centres, steps->shrunk, steps->shrunk_sd);
    bool nothing = status == ERR_NUMERIC;
    if (status != OK && !nothing) return status;
    comm_sum_int64(comm, &all, 1);
    if (!nothing)
        log_info("  %s elasticities: %lld of %lld estimated, spread %.3f in %s", what[0],
                 (long long)centres.members, (long long)all, centres.spread, what[1]);
    add_references(nothing, steps);
    return OK;
}
