/**
 * What one user of a synthetic shop did: visits and purchases, and the personal offers of the past.
 *
 * A visit looks at one product, drawn with weights that rise with taste and quality, at the shop's
 * price of that week, and ends in a purchase with the probability of the formula. So a user's own
 * history tells about its a and b. The offers were given by a policy that favours good customers,
 * which confounds them; part of them was given at random.
 */
#ifndef REMISE_JOBS_SYNTH_HISTORY_H
#define REMISE_JOBS_SYNTH_HISTORY_H

#include "jobs/synth_truth.h"

enum synth_kind { SYNTH_VIEW, SYNTH_CART, SYNTH_PURCHASE, SYNTH_RETURN };

/* Shares in the log of visits. */
#define SYNTH_VIEW_LOGGED 0.25 /* of visits, whatever comes of them */
#define SYNTH_CART_IF_BOUGHT 0.4
#define SYNTH_CART_IF_NOT_BOUGHT 0.03
#define SYNTH_RETURNED 0.03 /* of purchases */
#define SYNTH_OFFER_SHOWN 0.9
#define SYNTH_CLICK_IF_NOT_BOUGHT 0.15

enum { SYNTH_SLOTS = 10 };      /* rows of the table for each user, in the configuration */
#define SYNTH_MARGIN_FLOOR 0.05 /* of the discounted price, in the configuration */

struct synth_event {
    int32_t second; /* from the start of the history */
    int32_t order;  /* breaks ties of time */
    int32_t product;
    uint8_t kind, quantity, percent; /* percent: discount on what was seen or paid */
};

struct synth_offer {
    int32_t second;
    int32_t product;
    int32_t propensity; /* of this level for this user and product, whole policy, in millionths */
    uint8_t percent;
    bool shown, clicked, redeemed;
};

/* One user's history; the arrays are used again for the next user. */
struct synth_history {
    struct synth_event *event; /* [events] by time */
    struct synth_offer *offer; /* [offers] by time */
    int64_t events, events_capacity;
    int64_t offers, offers_capacity;
};

/* What a few thousand users tell about all of them. */
struct synth_pilot {
    double visits; /* visits per unit of a user's visit weight that give options.events_per_user */
    double spend_cents; /* mean cost per user of the profit-best levels for the SYNTH_SLOTS products
                           it likes most */
};

/**
 * Measure the pilot; a pure function of the shop. Local, the same on every rank.
 * Errors: ERR_MEMORY.
 */
enum status synth_pilot_measure(const struct synth_shop *shop, struct synth_pilot *pilot);

/**
 * Draw the history of a user into *history, which starts zeroed.
 * Local. Free with synth_history_clear.
 * Errors: ERR_MEMORY.
 */
enum status synth_history_make(const struct synth_shop *shop, const struct synth_pilot *pilot,
                               const struct synth_user *user, struct synth_history *history);
/** Free; accepts a zeroed struct. Local. */
void synth_history_clear(struct synth_history *history);

/**
 * Probability of each level in millionths under the mixed policy, which sum to one; each at least
 * 1. Local.
 */
void synth_propensities(const struct synth_shop *shop, const struct synth_user *user,
                        const struct synth_product *product, int32_t propensity[SYNTH_LEVELS]);

/** The level, in per cent, with the highest true profit above the margin floor. Local. */
int synth_best_percent(const struct synth_user *user, const struct synth_product *product);

#endif
