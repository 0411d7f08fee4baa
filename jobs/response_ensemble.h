/**
 * The members of the response model, each trained without one part of the users: a network, a
 * structured logit (jobs/response_structured.h), or both and what each weighs.
 *
 * A user's own offers are judged by the member that has not learned from them, so that what is
 * left over is the user's own; candidates get the mean of all members, and how far the members
 * differ is part of what is unsure. One member alone learns from all but the held-out users.
 */
#ifndef REMISE_JOBS_RESPONSE_ENSEMBLE_H
#define REMISE_JOBS_RESPONSE_ENSEMBLE_H

#include "algorithms/calibration.h"
#include "algorithms/network.h"
#include "algorithms/slope_logit.h"
#include "partition/users.h"

enum { RESPONSE_MEMBERS_MAX = 16 };

/* Weights of the structured logits beside the networks, and mean log losses of rows held out; 0
 * where there was nothing to compare. */
struct response_blend {
    double offset, slope; /* 0 .. 1 in a and in log b */
    double loss, loss_structured, loss_network;
};

struct response_ensemble {
    int members;
    struct network *network[RESPONSE_MEMBERS_MAX];   /* NULL: none asked */
    struct slope_logit *logit[RESPONSE_MEMBERS_MAX]; /* NULL: none asked */
    struct response_blend blend;
    int64_t columns, stride;
    double *mean, *sd;              /* [columns] of the inputs */
    struct calibration calibration; /* of what the members say; holds no map */
    struct dose_shapes shapes;      /* what the members are trained on, of the discount */
    bool observational;
};

/* A curve by all members: log odds without a discount and their gain, and how wrong any one is: the
 * jackknife's sums of squares and products of what members are off their mean. What all members
 * have in common (inputs, the form of curves, penalties) is not seen by how they differ; so their
 * mean is not taken to be surer than one. */
struct response_belief {
    float a, b;
    float a_var, both_cov, b_var;
};

/** Which member has not learned from a user; 0 where there is one only. Local. */
int response_member(struct user_key key, int members);

/** Bring rows of inputs to their scale, in place. Local. */
void response_ensemble_scale(const struct response_ensemble *ensemble, int64_t rows, float *x);

/** a of both, by the weight of the structured one. Local. */
double response_blend_a(double weight, float structured, float network);
/** Likewise b. Local. */
double response_blend_b(double weight, float structured, float network);
/** The same for rows, in the place of the network's. Local. */
void response_blend_apply(const struct response_blend *blend, int64_t rows, const float *a,
                          const float *b, float *network_a, float *network_b);

/**
 * What one member says, recalibrated, of rows of scaled inputs. Local.
 * a, b  out  [rows] b >= 0. Errors: ERR_MEMORY.
 */
enum status response_ensemble_member(const struct response_ensemble *ensemble, int member,
                                     const float *x, int64_t rows, float *a, float *b);

/**
 * Mean of all members for rows of scaled inputs. Local.
 * x       in   [rows][stride]
 * belief  out  [rows]
 * room    in   [2 rows]
 * Errors: ERR_MEMORY.
 */
enum status response_ensemble_apply(const struct response_ensemble *ensemble, const float *x,
                                    int64_t rows, float *room, struct response_belief *belief);

/** Free; accepts a zeroed struct. Local. */
void response_ensemble_clear(struct response_ensemble *ensemble);

#endif
