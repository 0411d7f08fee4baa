/**
 * Mean and median of the values of each group and of all values, over all ranks.
 *
 * For what stands in for missing values (jobs/impute.h): groups are products or categories, or
 * there are none. Add values on every rank, finish once, then ask on any rank. Equal values are
 * counted together (jobs/tally.h), so a few distinct prices of many events take little room.
 */
#ifndef REMISE_JOBS_GROUP_STATISTICS_H
#define REMISE_JOBS_GROUP_STATISTICS_H

#include "mpi/comm.h"

struct group_statistic {
    int64_t count; /* of values */
    double mean;   /* NAN without values */
    double median; /* of an even number of values the mean of the two in the middle; NAN without */
};

struct group_statistics;

/**
 * Begin. Local. Free with group_statistics_free.
 * grouped       in  false: only the statistics of all values are wanted
 * memory_bytes  in  for values under way; more of them go to a file in `folder`, which is borrowed
 * Errors: ERR_MEMORY.
 */
enum status group_statistics_new(bool grouped, int64_t memory_bytes, const char *folder,
                                 struct group_statistics **statistics);

/**
 * Add a value to its group. Local; before group_statistics_finish.
 * group  in  >= 0
 * Errors: ERR_NUMERIC the value is not finite; ERR_MEMORY; ERR_WRITE.
 */
enum status group_statistics_add(struct group_statistics *statistics, int64_t group, double value);

/**
 * Compute all statistics. Collective; once.
 * groups  in  the same on every rank; all groups are below it
 * Means are exact sums (mpi/exact.h), rounded once and divided. Same bits for any number of ranks.
 * Memory: 48 bytes per group on every rank.
 * Cost: a distributed sort of the distinct values of each group, and one of all; three reductions
 *       of 16 bytes per group.
 * Errors: ERR_MEMORY, ERR_WRITE, ERR_IO; ERR_BUG a group is not below `groups`.
 */
enum status group_statistics_finish(const struct comm *comm, struct group_statistics *statistics,
                                    int64_t groups);

/** The statistics of a group; of all values where it has none, and for group -1. Local. */
struct group_statistic group_statistics_of(const struct group_statistics *statistics,
                                           int64_t group);

/** Values of a group itself, 0 for one without. Local. */
int64_t group_statistics_count(const struct group_statistics *statistics, int64_t group);

/** Free and null; accepts NULL inside. Local. */
void group_statistics_free(struct group_statistics **statistics);

#endif
