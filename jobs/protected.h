/**
 * Does an attribute of the users give away the protected group? A copy of the column under another
 * name, a finer one (the age behind an age band), or one that nearly is.
 *
 * For each attribute the users are counted by its values and by group, and Cramer's V is taken of
 * the counts, adjusted for what values with few users each would reach by chance: 0 says nothing of
 * the group, 1 determines it. docs/decisions/016-copies-of-the-protected-column.md says what this
 * proves and what not.
 */
#ifndef REMISE_JOBS_PROTECTED_H
#define REMISE_JOBS_PROTECTED_H

#include "io/dataset.h"
#include "jobs/config.h"
#include "mpi/comm.h"

/* From this association on an attribute determines the group. */
#define PROTECTED_COPY 0.95

struct protected_tie {
    bool known;          /* false: too few users, or too many values to count */
    double association;  /* 0 .. 1 */
    double entropy_left; /* of the group once the attribute is known, as a part of its entropy */
};

/**
 * How strongly an attribute is tied to the group, over all users whose group is known.
 *
 * Collective.
 * Numbers of more than 4,096 different values, or one for every 8 users, are counted by up to 1,024
 * ranges with alike many users, 32 or more. A missing value counts as one of its own.
 * Memory: 8 bytes for each pair of a value and a group, at most 32 MiB.
 * Same bits for any number of ranks. Errors: ERR_MEMORY.
 */
enum status protected_tie_find(const struct comm *comm, const struct blocks *blocks,
                               const struct attribute *attribute, const struct attribute *group,
                               struct protected_tie *tie);

/** Is it an attribute that determines the group? Local. */
bool protected_is_copy(const struct protected_tie *tie);

/** Is the attribute among privacy.protected_allowed? Local. */
bool protected_is_allowed(const struct config *config, const char *attribute);

/**
 * Refuse attributes that determine the group and are not allowed to, all at once.
 * Collective. Nothing to do for a shop without groups.
 * Errors: ERR_CONFIG named attributes, or allowed ones that there are not; ERR_MEMORY.
 */
enum status protected_check(const struct comm *comm, const struct config *config,
                            const struct users *users);

#endif
