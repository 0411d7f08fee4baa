/* Days, and the first one of a table. */
#include "jobs/moment.h"

int64_t moment_day(int64_t time)
{
    int64_t into = time % DAY_SECONDS;
    return time - (into < 0 ? into + DAY_SECONDS : into);
}

int64_t moment_of_table(const struct config *config, int64_t time_last)
{
    if (config_has(config, "run.valid_from"))
        return moment_day(config_time(config, "run.valid_from"));
    return moment_day(time_last) + DAY_SECONDS;
}
