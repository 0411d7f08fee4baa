/**
 * recommend.json: how well each scorer foretold what users bought, what was tried, and who chose.
 *
 * docs/run-folder.md lists the fields. Figures of fewer than privacy.min_users users are null.
 */
#ifndef REMISE_JOBS_RECOMMEND_REPORT_H
#define REMISE_JOBS_RECOMMEND_REPORT_H

#include "jobs/recommend_plan.h"

/** Write the file. Collective. Errors: ERR_WRITE, ERR_MEMORY. */
enum status recommend_report_write(const struct comm *comm, const struct run *run,
                                   const struct recommend_plan *plan);

#endif
