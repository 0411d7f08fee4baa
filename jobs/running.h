/**
 * The shop's promotions that run while a table holds, found by user and product.
 *
 * Of several that run for a user on a product the one with the largest discount counts, the earlier
 * of the table where two are alike. Prices are those at the first moment of the table; what begins
 * later makes them lower still, and rules that forbid prices look at that too (running_deepest).
 * docs/decisions/017-running-promotions.md says why, and what a discount beside one comes to.
 */
#ifndef REMISE_JOBS_RUNNING_H
#define REMISE_JOBS_RUNNING_H

#include "io/dataset.h"
#include "jobs/run.h"

struct running {
    const struct promotion *promotion; /* of the data set; not owned */
    const struct products *products;   /* not owned */
    int64_t moment, end;               /* the first of the table, and the first after it */
    int64_t count;                     /* of those that run at it */
    int64_t listed;                    /* and of those that begin later; 0: the arrays are NULL */
    int32_t *row;                      /* [listed] by what they are on, the largest first */
    int64_t *start;    /* [products + categories + 1] first of each in row, the products first */
    int32_t *market;   /* [users_local] -1: none that is named; NULL: none is */
    int32_t *segment;  /* [users_local] NULL: none is named */
    int32_t *audience; /* [users_local] -1: none that is named; NULL: none is */
    int64_t segments;  /* of the profile, where one is named */
};

/**
 * Find the promotions that run at the run's moment or begin before its table ends.
 * Collective.
 * dataset  in   with DATASET_PROMOTED; borrowed while running is used
 * running  out  free with running_clear, also on failure
 * Memory: 4 bytes a promotion, 8 a product and category, and 4 for each local user where markets,
 *         segments or audiences are named, for each of them.
 * Errors: ERR_CONFIG markets or audiences are named and users have none; those of the readers;
 *         ERR_MEMORY.
 */
enum status running_open(const struct comm *comm, const struct run *run,
                         const struct dataset *dataset, struct running *running);
/**
 * Find those that were not for all: of a segment or audience, and of a market as long as they run
 * still. They are what running_was_apart asks about.
 * Collective; as running_open.
 */
enum status running_open_apart(const struct comm *comm, const struct run *run,
                               const struct dataset *dataset, struct running *running);
/**
 * Log how many run, and warn of markets, audiences and segments that no user is of.
 * Collective. Errors: ERR_MEMORY.
 */
enum status running_say(const struct comm *comm, const struct run *run,
                        const struct dataset *dataset, const struct running *running);
/** Free; accepts a zeroed struct. Local. */
void running_clear(struct running *running);

/**
 * What runs for a user on a product at the first moment: its row among the promotions of the data
 * set, -1: nothing. Local; O(promotions of the product and its category). running NULL: nothing.
 */
int32_t running_find(const struct running *running, int64_t user, int64_t product);

/** The largest of all that run for the user before the table ends. Local; as running_find. */
int32_t running_deepest(const struct running *running, int64_t user, int64_t product);

/**
 * Is the price of the first moment that of the table's whole time: nothing that runs for the user
 * ends before, and nothing larger begins? Local; as running_find.
 */
bool running_lasts(const struct running *running, int64_t user, int64_t product);

/** Did one that was not for all run for the user on the product? Local. running: of _open_apart */
bool running_was_apart(const struct running *running, int64_t user, int64_t product, int64_t time);

/** Its discount, 0 where nothing runs. Local. */
double running_discount(const struct running *running, int32_t row);

/**
 * When what runs at the moment on each product for all began; the moment where nothing does.
 * Local. since out: [products] seconds since 1970. Errors: ERR_MEMORY.
 */
enum status running_since(const struct dataset *dataset, int64_t moment, int64_t *since);

#endif
