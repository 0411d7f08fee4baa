/**
 * The truth of a synthetic shop: who buys what at which discount, and with what probability.
 *
 *     P(buy | u, i, d) = sigmoid(a + b d)    for one offer shown, d the discount as a fraction
 *     a = base + activity_u + taste_u[category_i] + quality_i
 *     b = exp(mu + sensitivity_u + effect_category), clipped to [1, 15]
 *
 * or, where the response saturates (SYNTH_SATURATING),
 *
 *     P(buy) = sigmoid(a) + (sigmoid(a + b) - sigmoid(a)) d^s / (h^s + d^s)
 *     b = exp(mu' + sensitivity_u + effect_category + lift_type), clipped to [0.05, 4]
 *
 * with half point h, steepness s and lift of the user's type: some react to any discount at once,
 * some gradually, some to nothing below 10 % or so, and then to no more.
 *
 * Parameters are integers in units of 1e-4, so that the numbers in the truth files are the very
 * ones used. A user is made from (seed, user) alone and needs no table; products, categories and
 * weeks are the same on every rank.
 */
#ifndef REMISE_JOBS_SYNTH_TRUTH_H
#define REMISE_JOBS_SYNTH_TRUTH_H

#include "jobs/synth.h"
#include "partition/random.h"

enum { SYNTH_CATEGORIES = 12, SYNTH_TYPES = 6, SYNTH_LEVELS = 6, SYNTH_WEEK_SECONDS = 604800 };
enum { SYNTH_BASE = -24000, SYNTH_MU = 7000, SYNTH_SLOPE_MIN = 1, SYNTH_SLOPE_MAX = 15 };
enum { SYNTH_MU_SATURATING = -9500 };

/* What differs between the forms of the truth. */
struct synth_rules {
    int32_t mu; /* 1e-4 */
    double slope_min, slope_max;
    double policy_gain; /* how much past offers favoured who would have bought anyway */
};

extern const struct synth_rules synth_rules[SYNTH_FORMS];

/* How users of one type react to a discount, 1e-4; all zero in a logit. */
struct synth_reaction {
    int32_t lift;      /* on log b */
    int32_t half;      /* discount at which half of the response is reached */
    int32_t steepness; /* power of the discount */
};

/* Levels of personal offers, in per cent. */
extern const int synth_levels[SYNTH_LEVELS];
extern const char *const synth_category_names[SYNTH_CATEGORIES];

/* Draws for one entity, one after the other. */
struct synth_draws {
    uint64_t seed;
    enum random_stage stage;
    uint64_t entity;
    uint64_t next;
};

/** In [0, 1). Local. */
double synth_draw_uniform(struct synth_draws *draws);
/** Standard normal. Local. */
double synth_draw_normal(struct synth_draws *draws);
/** In [0, limit). Local. */
int64_t synth_draw_below(struct synth_draws *draws, int64_t limit);
/**
 * First i with u * below[count - 1] < below[i]: a draw from cumulative weights.
 * Local, O(log count).
 */
int64_t synth_pick(const double *below, int64_t count, double u);

struct synth_product {
    int32_t category, brand;
    int32_t price_cents, cost_cents;
    int32_t quality; /* 1e-4 */
};

struct synth_shop {
    struct synth_options options;
    int categories;                                    /* in use, <= SYNTH_CATEGORIES */
    int32_t effect[SYNTH_CATEGORIES];                  /* on log b, 1e-4 */
    int32_t type_taste[SYNTH_TYPES][SYNTH_CATEGORIES]; /* 1e-4 */
    struct synth_reaction reaction[SYNTH_TYPES];
    struct synth_product *product; /* [products] */
    uint8_t *promotion;            /* [products][weeks] shop-wide discount in per cent */
    double *season_below;          /* [weeks] cumulative traffic */
    int32_t *ordered;              /* [products] product numbers, category by category */
    int64_t category_start[SYNTH_CATEGORIES + 1]; /* into ordered */
    /* [products] cumulative exp(quality) within the category, as ordered */
    double *attraction_below;
};

struct synth_user {
    int64_t number;
    int32_t age, income, household; /* years; band 1 .. 5; persons */
    int32_t market, group, type;
    int32_t joined_day;                    /* from the first day of the history; may be negative */
    int32_t first_week;                    /* the first whole week as a customer */
    int32_t activity;                      /* 1e-4 */
    int32_t sensitivity;                   /* on log b, 1e-4: attributes and residual */
    int32_t residual;                      /* the part of it that no attribute shows, 1e-4 */
    int32_t taste[SYNTH_CATEGORIES];       /* 1e-4 */
    double slope[SYNTH_CATEGORIES];        /* b in each category */
    double half, steepness;                /* of the user's type; 0 in a logit */
    double choice_below[SYNTH_CATEGORIES]; /* cumulative weights of looking into each category */
};

/**
 * Draw categories, types, products and promotions.
 * Local, the same on every rank. Free with synth_shop_clear.
 * Errors: ERR_MEMORY.
 */
enum status synth_shop_init(struct synth_shop *shop, const struct synth_options *opt);
/** Free; accepts a zeroed struct. Local. */
void synth_shop_clear(struct synth_shop *shop);

/** Draw user `number`. Local. */
void synth_user_make(const struct synth_shop *shop, int64_t number, struct synth_user *user);

/** a of the formula. Local. */
double synth_intercept(const struct synth_user *user, const struct synth_product *product);

/** P(buy) of the formula at a discount in per cent. Local. */
double synth_probability(const struct synth_user *user, const struct synth_product *product,
                         int percent);

/** The product a user looks at in one visit: weights rise with taste and quality. Local. */
int32_t synth_pick_product(const struct synth_shop *shop, const struct synth_user *user,
                           struct synth_draws *draws);

/** Share of the shop's traffic that comes in the user's own weeks. Local. */
double synth_presence(const struct synth_shop *shop, const struct synth_user *user);

#endif
