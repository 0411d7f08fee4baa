/* Settings, as data: the choice of the discounts and the table of them. */
#include "jobs/config_keys_rows.h"

static const struct config_key rows[] = {
    {.name = "allocate.levels",
     .type = KEY_NUMBERS,
     BETWEEN("[0, 0.05, 0.10, 0.15, 0.20, 0.30]", 0, 0.95),
     .help = "discounts to choose from, as fractions, ascending; the first is 0"},
    {.name = "allocate.budget",
     .type = KEY_MONEY,
     .min = 0,
     .max = 1e13,
     .unit = "currency",
     .none = "allocate.budget_share",
     .example = "10000.00",
     .help = "what the discounts may cost in expectation"},
    RANGE("allocate.budget_share", KEY_FRACTION, "0.02", 0, 1, NULL,
          "the budget as a part of the expected revenue without discounts"),
    {.name = "allocate.limits",
     .type = KEY_TEXTS,
     .none = "the budget alone",
     .example = "[cost <= 250 per category, profit_gain >= 1.5 * cost]",
     .help =
         "further limits of sums over the rows of the table, such as `cost <= 250 per category`, "
         "`purchases >= 2000`, `profit_gain >= 1.5 * cost`, `cost <= 80 for category = DAIRY`; "
         "of cost, purchases, revenue, profit, profit_gain, surplus, discount (sum of "
         "fractions) and discounts (rows that have one); per category, brand (vendor), "
         "product, market, segment or day; `purchases <= stock per product` keeps the stock"},
    CHOICE("allocate.fairness.measure", "discount|access|surplus", "discount",
           "what the protected groups (users.columns.group) are compared by, on the rows of the "
           "table: the mean discount, the share of rows that have one, or the mean expected "
           "surplus"),
    OPEN("allocate.fairness.delta", KEY_NUMBER, 0, 1e9, "reported, not limited", "0.01",
         "by how much the means of any two groups may differ at most, each of at least "
         "privacy.min_users users: a fraction, or currency for surplus"),
    {.name = "allocate.previous",
     .type = KEY_PATH,
     .none = "no earlier table",
     .example = "yesterday",
     .help = "run folder of the table that holds until now, made with the same secret: the receipt "
             "says how many rows change, see allocate.churn_most"},
    OPEN("allocate.churn_most", KEY_FRACTION, 0, 1, "any", "0.2",
         "part of the rows, at most, whose discount differs from that in allocate.previous; "
         "what was not in that table had none"),
    CHOICE("allocate.warm_start", "previous|last|none", "previous",
           "where the search for the limits' prices begins. previous: at the prices of the table "
           "that allocate.previous names, if it names one; last: without one at those of the run's "
           "own current table; none: at 0. Which is found sooner, it is as certain"),
    OPEN("allocate.levels_most", KEY_INTEGER, 1, 31, "all of allocate.levels", "3",
         "different discounts in the table at most, no discount not counted; which ones is "
         "chosen"),
    OPEN("allocate.user.discounts_most", KEY_INTEGER, 0, 10000, "any", "3",
         "rows of a user that have a discount at most (frequency)"),
    OPEN("allocate.user.discount_sum_most", KEY_NUMBER, 0, 10000, "any", "0.5",
         "sum of a user's discounts as fractions at most: 0.5 are five of 10 %"),
    OPEN("allocate.user.cost_share_most", KEY_NUMBER, 0, 1000, "any", "0.05",
         "what a user's discounts may cost in expectation at most (purchase power), as a part of "
         "what the user spent: of the last 365 days, or all there are, brought to run.valid_days"),
    {.name = "allocate.user.cost_without_spend",
     .type = KEY_MONEY,
     .standard = "0",
     .min = 0,
     .max = 1e9,
     .unit = "currency",
     .help = "with allocate.user.cost_share_most: what the discounts of a user who spent nothing "
             "may cost; 0: such users get no discount that is expected to cost anything"},
    RANGE("allocate.margin_floor", KEY_FRACTION, "0.05", 0, 1, NULL,
          "part of the discounted price that must remain above the unit's cost"),
    CHOICE("allocate.stacking", "add|multiply|best", "multiply",
           "a discount beside a promotion that runs (promotions.file): multiply, off the price of "
           "the promotion (20 % and 10 % are 28 %); add, both off the list price (30 %); best, "
           "the larger of the two (20 %)"),
    OPEN("allocate.combined_most", KEY_FRACTION, 0, 1, "any", "0.5",
         "of a promotion that runs and the discount together at most, as a part of the list price; "
         "levels beyond are not allowed, a promotion alone is the shop's affair"),
    RANGE("allocate.reference_days", KEY_INTEGER, "30", 0, 366, "days",
          "before the table, of which the lowest price a product was sold at to all is its "
          "reference price (EU: at least 30); a product not sold in them has its list price; 0: "
          "all have"),
    CHOICE("allocate.reference_rule", "keep|report", "keep",
           "keep: a level whose price is not below the reference price is not allowed, as it is no "
           "discount; report: the table tells the reference price, and what is announced is up to "
           "the shop"),
    RANGE("allocate.objective.profit", KEY_NUMBER, "1", 0, 1e6, NULL,
          "weight of the shop's expected profit"),
    RANGE("allocate.objective.revenue", KEY_NUMBER, "0", 0, 1e6, NULL,
          "weight of the expected revenue"),
    RANGE("allocate.objective.surplus", KEY_NUMBER, "0", 0, 1e6, NULL,
          "weight of the customers' expected surplus"),
    RANGE("allocate.explore.share", KEY_FRACTION, "0", 0, 1, NULL,
          "part of the rows whose level is drawn by chance among those allowed, so that the next "
          "retrain learns from it; each row's exact propensity stands in the table; 0: none"),
    {.name = "allocate.explore.cost_most",
     .type = KEY_MONEY,
     .min = 0,
     .max = 1e13,
     .unit = "currency",
     .none = "a tenth of the budget",
     .example = "100.00",
     .help = "what the levels drawn may cost more, in expectation, than those solved for, whatever "
             "is drawn; it is a part of the budget"},
    RANGE("allocate.objective.purchases", KEY_NUMBER, "0", 0, 1e6, "currency",
          "what an expected purchase counts beside the money it brings"),
    RANGE("allocate.objective.lifetime", KEY_NUMBER, "0", 0, 1e6, NULL,
          "weight of the lifetime value that purchases add: what one more purchase today adds to "
          "the user's expected value within profile.horizon_days"),

    RANGE("allocate.dial", KEY_INTEGER, "20", 0, 1000, NULL,
          "budgets of which the receipt tells what they would earn; 0: none"),
    RANGE("allocate.front", KEY_INTEGER, "10", 0, 1000, NULL,
          "tables that trade profit, revenue and surplus for each other, of which the receipt "
          "tells; 0: none"),
    RANGE("allocate.rule_cost", KEY_INTEGER, "1", 0, 1, NULL, "1: tell what each rule costs"),

    CHOICE("publish.user_ids", "original|pseudonym", "pseudonym",
           "users in discounts.csv under their pseudonyms or the shop's ids; these are then kept "
           "in ids.vault, encrypted"),
    CHOICE("publish.disclosure", "discounts|all|none", "discounts",
           "rows marked `personalised` in the table, so that the shop can say that the price was "
           "personalised by automated decision (EU: it must): those with a discount, or all"),
    {.name = "publish.disclosure_markets",
     .type = KEY_TEXTS,
     .none = "all markets",
     .example = "[DE, FR]",
     .help = "markets whose rows are marked; users whose market is not known are always marked"},
    RANGE(
        "publish.keep", KEY_INTEGER, "3", 0, 1000, "versions",
        "old versions of the table that stay in versions/ beside the current one; with 0 a reader "
        "at work may lose the one it reads"),
};

const struct config_keys_part config_keys_allocate = PART_OF(rows);
