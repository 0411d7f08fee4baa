/**
 * The moment a table is for: the first second of the first day its discounts hold. What was known
 * and what ran is seen from there.
 */
#ifndef REMISE_JOBS_MOMENT_H
#define REMISE_JOBS_MOMENT_H

#include "jobs/config.h"

enum { DAY_SECONDS = 86400 };

/** The first second of a time's day (UTC), also before 1970. Local. */
int64_t moment_day(int64_t time);

/**
 * The first second of run.valid_from, or of the day after the shop's last event. Local.
 * time_last  in  of the events, seconds since 1970 UTC
 */
int64_t moment_of_table(const struct config *config, int64_t time_last);

#endif
