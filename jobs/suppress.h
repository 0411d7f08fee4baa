/**
 * Cells of reports that rest on so few users that they would tell about single people.
 *
 * A cell is one line of a table that divides the users: a segment, a category, a level, a reason.
 * Cells with 1 to privacy.min_users - 1 users are hidden: their figures stay empty and the cell is
 * marked `suppressed`, nothing is rounded. Totals over all users are shown, so a cell hidden alone
 * could be had by subtraction, and likewise the sum of several; then the smallest of the others is
 * hidden with it, until what is hidden in all is two cells with min_users users together.
 */
#ifndef REMISE_JOBS_SUPPRESS_H
#define REMISE_JOBS_SUPPRESS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Which of the cells are hidden. Local.
 * users   in     [cells] distinct users behind each
 * hidden  inout  [cells] true where hidden for another reason already; the result
 * An empty cell is shown: nobody stands behind it. Ties go to the lowest cell.
 */
void suppress_cells(const int64_t *users, int64_t cells, int64_t min_users, bool *hidden);

#endif
