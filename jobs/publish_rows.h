/**
 * The rows of the discount table, as values, as CSV text and as columns of HDF5.
 *
 * Both files come from the same values, made once and already rounded to what is printed: money to
 * 1/10,000, prices to the cent, chances to a millionth.
 */
#ifndef REMISE_JOBS_PUBLISH_ROWS_H
#define REMISE_JOBS_PUBLISH_ROWS_H

#include "io/store.h"
#include "io/vault.h"
#include "jobs/cells.h"
#include "jobs/choices.h"
#include "jobs/disclosure.h"

/* code, sentence for the receipt */
#define REASON_LIST(X)                                                                             \
    X(gain, "the discount adds more to the objective than its cost is worth")                      \
    X(needed, "the discount adds nothing to the objective by itself; another limit asks for it")   \
    X(no_gain, "no discount adds to the objective")                                                \
    X(floor, "discounts that would add to the objective fall below the margin floor")              \
    X(law, "discounts that would add to the objective are not below the reference price")          \
    X(stacked, "discounts that would add to the objective do not go with the promotion that runs") \
    X(budget, "a discount would add to the objective, but the budget buys more elsewhere")         \
    X(limit, "a discount would add to the objective, but another limit stands against it")         \
    X(explored, "the level was drawn by chance, to learn what it brings")

#define REASON_ENUM(name, text) REASON_##name,
/** Why a row has its level: the names of REASON_LIST. */
enum reason { REASON_LIST(REASON_ENUM) REASONS };
#undef REASON_ENUM

enum { DATE_BYTES = 10, REASON_BYTES = 8, PSEUDONYM_BYTES = 32 };

/* One row: money in 1/10,000, chance in millionths. */
struct publish_row {
    int64_t user; /* local */
    int64_t slot; /* local: user x slots + place among the user's candidates, best first */
    int64_t price_cents, revenue, profit, cost;
    int32_t product, purchases_millionths;
    uint8_t level, reason; /* place in allocate.levels; enum reason */
};

/* Everything the table is made from, borrowed, and its rows on this rank. */
struct publisher {
    const struct dataset *dataset;
    const struct cell_maker *maker;
    const struct choices *choices;
    struct problem *problem; /* of the slots; discounts.h5 takes it over in the order of its rows */
    const struct disclosure *disclosure;
    const struct vault_ids *ids; /* of this rank's users; NULL: they go by their pseudonyms */
    char valid_from[DATE_BYTES + 1], valid_to[DATE_BYTES + 1];
    int64_t rows;
    struct publish_row *row; /* [rows] owned: publish_rows_clear */
};

/**
 * Make the rows of this rank, in the order of users' pseudonyms and of the bytes of products' ids.
 * Local.
 * Memory: 64 bytes a row.
 * Errors: ERR_MEMORY.
 */
enum status publish_rows_make(struct publisher *publisher);
/** Free the rows. Local. */
void publish_rows_clear(struct publisher *publisher);

/** Bytes of the longest user_id, over all ranks. Local. */
int64_t publish_user_bytes(const struct publisher *publisher);

/**
 * What the table calls a user of this rank. Local.
 * room   out  [PSEUDONYM_BYTES] work space
 * bytes  out  of the returned text, which has no end mark
 */
const char *publish_user(const struct publisher *publisher, int64_t user, char *room,
                         size_t *bytes);

/** The probability with which a row got its level. Local. */
double publish_propensity(const struct publisher *publisher, const struct publish_row *row);

/** The reference price of a row's product, in cents. Local. */
int64_t publish_reference(const struct publisher *publisher, const struct publish_row *row);

/** Is the row marked as personalised? Local. */
bool publish_is_marked(const struct publisher *publisher, const struct publish_row *row);

/** The table's first line. Constant. */
const char *publish_header(void);

/** All of this rank's rows as CSV. Local. text out new, caller frees. Errors: ERR_MEMORY. */
enum status publish_format(const struct publisher *publisher, char **text, int64_t *bytes);

/** Write discounts.h5: columns, cells, limits, index of users, checksums. Collective. */
enum status publish_columns(const struct comm *comm, struct store *store,
                            const struct publisher *publisher);

/** As in the table; constant. Local. */
const char *reason_name(enum reason reason);
/** As in the receipt; constant. Local. */
const char *reason_text(enum reason reason);

#endif
