/**
 * What `remise why` knows of a user: the rows of the published table with their cells, and, where
 * the run folder still holds what they were made from, how they came about.
 */
#ifndef REMISE_JOBS_WHY_FACTS_H
#define REMISE_JOBS_WHY_FACTS_H

#include "jobs/cell_source.h"
#include "jobs/profile_rules.h"
#include "jobs/published.h"
#include "jobs/verdict.h"

enum { WHY_NOTE_BYTES = 512 };

/* An elasticity, and what it was shrunk to. */
struct why_elasticity {
    bool known;
    double estimate, std_error; /* NaN where the own data tell nothing */
    double shrunk, shrunk_sd;
    int64_t rows;  /* behind the estimate */
    uint8_t level; /* enum demand_level */
};

struct why {
    struct user_key key;
    struct config *config; /* of the run; NULL: it has no settings.yaml */
    struct run run;
    struct published published;
    struct published_rows rows;
    int64_t first; /* of them in the table */
    /* From the run folder: */
    bool has_source;           /* all of the following, as far as there is any */
    char note[WHY_NOTE_BYTES]; /* why not */
    struct cell_source source; /* of this user alone */
    struct curves curves;      /* with intervals */
    struct demand demand;
    struct why_elasticity own;
    int32_t segment; /* -1: none */
    struct profile_rules rules;
};

/**
 * Gather it.
 * Collective; with comm_alone() no MPI is needed. why out: why_facts_clear frees it, also on
 * failure.
 * user     in   a pseudonym or the shop's id
 * sets     in   overrides of settings, ended by NULL, such as where the secret is; may be NULL
 * Cost: reads of the user's rows, of the products and of what the models know of all.
 * Errors: ERR_NO_INPUT no table, or no such user in it: the message says which; those of the
 *         readers.
 */
enum status why_facts_gather(const struct comm *comm, const char *folder, const char *user,
                             const char *const *sets, struct why *why);
/** Free; accepts a zeroed struct. Collective. */
void why_facts_clear(const struct comm *comm, struct why *why);

/** The product of a row; its bytes end with 0 or after product_bytes. Local. */
int why_product_bytes(const struct why *why, int64_t row);
const char *why_product(const struct why *why, int64_t row);

/** The slot of the source that a row comes from. Local. */
int64_t why_slot(const struct why *why, int64_t row);

/** What was known of the elasticity of a row's product. Local. */
struct why_elasticity why_product_elasticity(const struct why *why, int64_t row);

/** The promotion that runs for the user on a row's product; NULL: none, or not known. Local. */
const struct promotion *why_promotion(const struct why *why, int64_t row);

/** A larger one that begins for the user while the table holds; NULL: none, or not known. Local. */
const struct promotion *why_coming(const struct why *why, int64_t row);

/** "the shop's mean", "its category", "segment and category": what an elasticity was shrunk to. */
const char *why_shrunk_to(const struct why_elasticity *elasticity);

#endif
