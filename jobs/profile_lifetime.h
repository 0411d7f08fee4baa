/**
 * What users are worth: purchases and money to be expected of each within a horizon, and the chance
 * that they still are customers.
 *
 * A purchase is a day (UTC) on which a user bought, however often; the first is none of the repeat
 * purchases that BG/NBD counts (algorithms/bgnbd.h). Ages run to the day of the shop's last event.
 * What a purchase brings is the mean of the repeat ones, by Gamma-Gamma (algorithms/gamma_gamma.h).
 * Both are fitted to all users who bought.
 *
 * Where they cannot be fitted, this holds. Nobody bought on two days: there is no lifetime value at
 * all (`fitted` is false, profiles.h5 has no lifetime/). Gamma-Gamma has no peak, or no mean over
 * all (purchases all alike, a single customer): a purchase brings the mean of the user's own repeat
 * purchases, and that of all repeat purchases where there are none; p, q and v are 0. Who never
 * bought is no customer: 0 in all three places; one more purchase is then the first, and brings all
 * that is expected of a new customer. No value is ever NaN.
 */
#ifndef REMISE_JOBS_PROFILE_LIFETIME_H
#define REMISE_JOBS_PROFILE_LIFETIME_H

#include "algorithms/bgnbd.h"
#include "algorithms/gamma_gamma.h"
#include "io/dataset.h"

struct profile_lifetime {
    bool fitted;
    bool spend_fitted;
    double horizon;                 /* days */
    int64_t customers, repeaters;   /* users who bought, and on two days or more; over all ranks */
    struct bgnbd_model purchases;   /* times in days */
    struct gamma_gamma_model spend; /* currency units; zeros where not fitted */
    double spend_mean;              /* of all repeat purchases; currency units */
    double *expected; /* [users_local] purchases within the horizon; NULL unless fitted */
    double *value;    /* [users_local] what they bring, currency units */
    double *alive;    /* [users_local] probability */
    double *more;     /* [users_local] what one more purchase today would add to value: that of the
                         user with a purchase more, the last one today, less value; currency */
};

/**
 * Fit both models to the users' purchases and say of each user what is to be expected; says the
 * parameters in the log, where at least min_users users stand behind them.
 *
 * Collective. Needs the events of the data set.
 * horizon   in   days, > 0
 * lifetime  out  the caller clears it with profile_lifetime_clear, also on failure
 * Cost: one pass over the events, the two fits, and some microseconds for each number of
 *       purchases and age there is.
 * Memory: 32 bytes per local user, and 160 and 1 MiB for the time of the call.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status profile_lifetime_fit(const struct comm *comm, const struct dataset *dataset,
                                 double horizon, int64_t min_users,
                                 struct profile_lifetime *lifetime);

/** Write it into profiles.h5; nothing unless fitted. Collective. Errors: of store_write. */
enum status profile_lifetime_write(const struct comm *comm, struct store *store,
                                   int64_t users_local, const struct profile_lifetime *lifetime);

/**
 * Read what one more purchase adds to each local user's value from profiles.h5.
 * Collective.
 * more  out  new [users_local], caller frees; NULL where there is no lifetime value
 * Errors: those of store_read.
 */
enum status profile_lifetime_read_more(const struct comm *comm, const char *path,
                                       const struct blocks *blocks, double **more);

/** Accepts a zeroed struct. Local. */
void profile_lifetime_clear(struct profile_lifetime *lifetime);

#endif
