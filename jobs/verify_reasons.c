/* Do the reasons of rows agree with their cells? */
#include "jobs/verify.h"

#include <math.h>
#include <string.h>

enum reason { GAIN, NEEDED, NO_GAIN, FLOOR, LAW, STACKED, BUDGET, LIMIT, EXPLORED };
static const char *const names[VERIFY_REASONS] = {"gain",    "needed", "no_gain", "floor",   "law",
                                                  "stacked", "budget", "limit",   "explored"};

const char *verify_reason_name(int reason)
{
    return names[reason];
}

int verify_reason_find(const char *text, int64_t width)
{
    for (int r = 0; r < VERIFY_REASONS; r++)
        if (strncmp(text, names[r], (size_t)width) == 0 && (int64_t)strlen(names[r]) <= width)
            return r;
    return -1;
}

/* Levels that add to the objective: any, or such as may be chosen. */
static bool any_gains(const struct problem *problem, int64_t row, bool allowed)
{
    const int64_t *value = problem->value + row * problem->levels;
    for (int k = 1; k < problem->levels; k++)
        if (value[k] > value[0] && (!allowed || (problem->allowed[row] >> k & 1) != 0)) return true;
    return false;
}

bool verify_reason_fits(const struct problem *problem, int64_t row, int level, int reason)
{
    const int64_t *value = problem->value + row * problem->levels;
    switch (reason) {
    case GAIN:
        return level > 0 && value[level] > value[0];
    case NEEDED:
        return level > 0 && value[level] <= value[0];
    case NO_GAIN:
        return level == 0 && !any_gains(problem, row, false);
    case FLOOR:
    case LAW:
    case STACKED:
        return level == 0 && !any_gains(problem, row, true) && any_gains(problem, row, false);
    case BUDGET:
    case LIMIT: /* levels_most may have taken away the levels that gain */
        return level == 0 && any_gains(problem, row, reason == BUDGET);
    default:
        return reason == EXPLORED;
    }
}

bool verify_propensity_fits(double propensity, double share, int levels, int reason)
{
    if (reason != EXPLORED && propensity == 1.0) return true;
    if (!(share > 0.0)) return false;
    for (int m = 2; m <= levels; m++) {
        double drawn = share / m, kept = 1.0 - share + drawn;
        if (fabs(propensity - (reason == EXPLORED ? drawn : kept)) < 1e-12) return true;
    }
    return false;
}
