/**
 * curves.h5: for each candidate of each user the response curve, the expected chance of buying
 * P(d) = sigmoid(a + b d), and how sure that is. Where the response bends (it saturates, say), d
 * is not the discount but how far along its whole effect the discount is: by one shape for all, or
 * by those of kinds of users, mixed by each user's chances of being of them (curves_shape).
 *
 * The log odds of the user's true chance have variance v(d) = a_sd^2 + 2 d correlation a_sd b_sd +
 * d^2 b_sd^2 and the middle (a + b d) sqrt(1 + pi v(d) / 8), of which the expected chance is the
 * mean (MacKay 1992). Where nothing is known of it, standard deviations are absent.
 */
#ifndef REMISE_JOBS_CURVES_H
#define REMISE_JOBS_CURVES_H

#include "algorithms/dose.h"
#include "partition/blocks.h"

struct curves {
    int64_t slots;
    bool observational;               /* learned without an offers table */
    struct dose_shapes shapes;        /* of all users, or of kinds */
    float *mixture;                   /* [users_local][kinds]; NULL with fewer than two kinds */
    float *a, *b;                     /* [users_local][slots]; b >= 0 */
    float *a_sd, *b_sd, *correlation; /* [users_local][slots]; NULL: intervals are not known */
};

/**
 * Let kinds of users have shapes of their own. Local. Errors: ERR_MEMORY.
 * chance  in  [users][shapes->kinds] copied where there are two kinds or more
 */
enum status curves_take_shapes(const struct dose_shapes *shapes, const float *chance, int64_t users,
                               struct curves *curves);

/** Make room for the curves of so many users. Local. Free with curves_clear. Errors: ERR_MEMORY. */
enum status curves_reserve(int64_t users, int64_t slots, bool intervals, struct curves *curves);

/** Write, read and free; as for candidates (jobs/candidates.h). Write and read are collective. */
enum status curves_write(const struct comm *comm, const char *path, const struct blocks *blocks,
                         const struct curves *curves);
/** Read the curves of the local users, a and b only. Collective. Free with curves_clear. */
enum status curves_read(const struct comm *comm, const char *path, const struct blocks *blocks,
                        struct curves *curves);
/** The same with what intervals need, where the file has it. Collective. */
enum status curves_read_intervals(const struct comm *comm, const char *path,
                                  const struct blocks *blocks, struct curves *curves);
/** Free; accepts a zeroed struct. Local. */
void curves_clear(struct curves *curves);

/** A local user's own shape: that of curves_dose. Local. */
struct dose_shape curves_shape(const struct curves *curves, int64_t user);

/** What the a and b of a local user's curves are meant for, at a discount. Local. */
double curves_dose(const struct curves *curves, int64_t user, double discount);

/**
 * What a buyer keeps, as a multiple of the list price: the area below the curve from the price at
 * this discount on upward, of the logit's own form beyond the list price. Local.
 * Source: Small and Rosen 1981, Econometrica 49(1).
 */
double curves_surplus(const struct dose_shape *shape, double a, double b, double discount);

/** Chance of buying at a dose (the discount, unless it bends). Local. */
double curves_chance(double a, double b, double dose);

/**
 * The interval that holds the true chance of slot `row` (user x slots + slot) with a probability.
 * Local.
 * coverage   in   in (0, 1), as 0.9
 * low, high  out  the expected chance lies between them; both are that where none are known
 */
void curves_interval(const struct curves *curves, int64_t row, double discount, double coverage,
                     double *low, double *high);

#endif
