/**
 * The usual price of each product: what stands in for a list price that no table tells.
 *
 * It is the price that most lines of the latest weeks have (its mode), so one that was really
 * asked, and the one of now: a mean over all time lies between an old and a new price, or between
 * those for one and for a dozen, where nobody ever paid. The latest weeks are the USUAL_WEEKS up to
 * the product's last sale, and as many before as it takes to have USUAL_LINES lines, so that one
 * odd line is outvoted. Of several prices that equally many lines have it is the one in the middle,
 * of two in the middle the higher one: typing errors are at the ends, and discounts only lower a
 * price. Lines sold on a promotion count only where a product has no others.
 *
 * Add the purchases on every rank, finish once. Lines of one product, week and price are counted
 * together (jobs/tally.h), so a product that sells a great deal takes little room on any rank.
 *
 * Source: Eichenbaum, Jaimovich and Rebelo 2011, American Economic Review 101(1): the reference
 * price of a product is the one most often asked in a quarter.
 */
#ifndef REMISE_JOBS_USUAL_PRICES_H
#define REMISE_JOBS_USUAL_PRICES_H

#include "mpi/comm.h"

enum { USUAL_WEEKS = 8, USUAL_LINES = 5 };

#define USUAL_CENTS_MAX INT64_C(2100000000) /* dearer units, and free ones, do not count */

struct usual_prices;

/**
 * Begin. Local. Free with usual_prices_free.
 * memory_bytes  in  for counts under way; more of them go to a file in `folder`, which is borrowed
 * Errors: ERR_MEMORY.
 */
enum status usual_prices_new(int64_t memory_bytes, const char *folder, struct usual_prices **usual);

/**
 * Add a line that was bought. Local; before usual_prices_finish.
 * product   in  >= 0
 * time      in  seconds since 1970
 * cents     in  of a unit, before discounts where the line tells
 * promoted  in  it says that it was sold on a promotion
 * Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status usual_prices_add(struct usual_prices *usual, int32_t product, int64_t time,
                             int64_t cents, bool promoted);

/**
 * Find the usual prices. Collective; once.
 * products  in   the same on every rank; all product codes are below it
 * cents     out  [products] of a unit, on every rank; 0 where nothing was sold
 * Same bits for any number of ranks.
 * Cost: a distributed sort of the distinct (product, week, price); one reduction of 8 bytes per
 *       product.
 * Errors: ERR_MEMORY, ERR_WRITE, ERR_IO; ERR_BUG a product is not below `products`.
 */
enum status usual_prices_finish(const struct comm *comm, struct usual_prices *usual,
                                int64_t products, int64_t *cents);

/** Free and null; accepts NULL inside. Local. */
void usual_prices_free(struct usual_prices **usual);

#endif
