/**
 * `remise fit shrink --joint`: all slopes of the units shrunk together, with the full covariance
 * matrix of how they differ (algorithms/joint.h).
 */
#ifndef REMISE_JOBS_FIT_SHRINK_JOINT_H
#define REMISE_JOBS_FIT_SHRINK_JOINT_H

#include "jobs/fit_shrink_units.h"

/**
 * Shrink every unit's slopes.
 *
 * Collective. Needs the statistics, groups, regression, error variances and levels of fit; fills in
 * the levels, shrunk and shrunk_sd of the wanted slope, the posterior means of all, and what is
 * said of their covariance.
 * Errors: ERR_ARG more slopes than JOINT_COLUMNS; those of joint_fit.
 */
enum status fit_shrink_joint(const struct comm *comm, bool intercept, struct fit_shrink *fit);

#endif
