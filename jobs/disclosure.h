/**
 * Which rows of the table are marked as personalised, so that the shop can say so where it shows
 * the price (Directive 2011/83/EU, article 6(1)(ea)).
 */
#ifndef REMISE_JOBS_DISCLOSURE_H
#define REMISE_JOBS_DISCLOSURE_H

#include "io/dataset.h"
#include "jobs/config.h"

#include <jansson.h>

enum { DISCLOSURE_BYTES = 12 };

enum disclosure_rows { DISCLOSE_DISCOUNTS, DISCLOSE_ALL, DISCLOSE_NONE };

struct disclosure {
    enum disclosure_rows rows;
    const struct attribute *market; /* of users; not owned; NULL: in all markets */
    bool *here;                     /* [levels of market] disclosed there */
    int64_t wanted;                 /* names given; 0: all markets */
    const char *const *name;        /* [wanted] not owned */
};

/** The parts of the data set that disclosure_open looks at (enum dataset_part). Local. */
int disclosure_parts(const struct config *config);

/**
 * Take publish.disclosure and publish.disclosure_markets.
 * Local; the same on every rank. disclosure out: free with disclosure_clear, also on failure.
 * Errors: ERR_CONFIG a market that no user is of (named, with those there are), or users have none;
 *         ERR_MEMORY.
 */
enum status disclosure_open(const struct config *config, const struct dataset *dataset,
                            struct disclosure *disclosure);
/** Free; accepts a zeroed struct. Local. */
void disclosure_clear(struct disclosure *disclosure);

/** Is a row of this user (local) marked, which has a discount or not? Local. */
bool disclosure_marks(const struct disclosure *disclosure, int64_t user, bool discounted);

/** What the column says: "personalised" or "". Constant. */
const char *disclosure_text(bool marked);

/** For the receipt. rows in: marked ones, -1 where few users stand behind them. Local. */
json_t *disclosure_json(const struct disclosure *disclosure, int64_t rows);

#endif
