/**
 * Training rows without an offers table: weeks in which a product was on sale, bought by the user
 * or not.
 *
 * For every week in which a user bought a product there is one row, and `negatives` weeks are drawn
 * in which the product was sold but not to this user; each stands for its part of all such weeks by
 * its weight. The user's candidates that were never bought are drawn the same way. The discount of
 * a row is the one seen that week by all who bought.
 */
#ifndef REMISE_JOBS_RESPONSE_EXPOSURES_H
#define REMISE_JOBS_RESPONSE_EXPOSURES_H

#include "jobs/response_rows.h"

struct response_example {
    int64_t user;
    int32_t product;
    int64_t known_until; /* events and offers before it are known */
    float discount, weight;
    bool bought, hide_category;
};

/** Fill rows (all but the totals of blocks). Collective. Errors: ERR_MEMORY. */
enum status response_exposures_make(const struct comm *comm, const struct response_context *context,
                                    const struct candidates *candidates,
                                    const struct response_rows_options *options,
                                    struct response_rows *rows);

/** The part of the users to learn from where all have so many rows on this rank. Collective. */
double response_rows_part(const struct comm *comm, const struct response_rows_options *options,
                          int64_t rows);
/** Whether a local user is of that part. Local. */
bool response_rows_wanted(const struct response_context *context,
                          const struct response_rows_options *options, double part, int64_t user);

/** Make room for rows, from exposures or offers. Local. Errors: ERR_MEMORY. */
enum status response_rows_reserve(const struct response_context *context, int64_t rows,
                                  struct response_rows *out);
/** Add a row, where there is room. Local. */
void response_rows_add(const struct response_context *context,
                       const struct response_example *example,
                       const struct response_rows_options *options, struct response_rows *out);

#endif
