/**
 * "Did you mean ...?": the name nearest to a wrong one.
 *
 * Start with SUGGESTION(wrong), offer every name there is, then ask for the best; ties go to the
 * name offered first.
 */
#ifndef REMISE_JOBS_SUGGEST_H
#define REMISE_JOBS_SUGGEST_H

#include <stdint.h>

struct suggestion {
    const char *wrong; /* not owned */
    const char *best;  /* not owned; NULL if none is near */
    int64_t distance;
};

#define SUGGESTION(wrong_) ((struct suggestion){.wrong = (wrong_)})

/**
 * Keep name if it is near enough and nearer than those before; at most a third of the letters may
 * differ. Local.
 */
void suggestion_offer(struct suggestion *suggestion, const char *name);

#endif
