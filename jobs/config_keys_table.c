/* All settings, as data. */
#include "jobs/config_keys.h"

#define FILE_OF(table, needed, none_, help_)                                        \
    {                                                                               \
        .name = table ".file", .type = KEY_PATH, .required = needed, .none = none_, \
        .example = table ".csv", .help = help_                                      \
    }
#define ROLE(table, role, needed, none_, help_)                                              \
    {                                                                                        \
        .name = table ".columns." role, .type = KEY_TEXT, .required = needed, .none = none_, \
        .example = role, .help = help_                                                       \
    }

#define MISSING(what, standard_, help_)                                                        \
    {                                                                                          \
        .name = "ingest.missing." what, .type = KEY_TEXT, .standard = standard_, .help = help_ \
    }
#define CHOICE(name_, choices_, standard_, help_)                                      \
    {                                                                                  \
        .name = name_, .type = KEY_CHOICE, .standard = standard_, .choices = choices_, \
        .help = help_                                                                  \
    }
#define RANGE(name_, type_, standard_, min_, max_, unit_, help_)                       \
    {                                                                                  \
        .name = name_, .type = type_, .standard = standard_, .min = min_, .max = max_, \
        .unit = unit_, .help = help_                                                   \
    }
/* A number that is not limited, or unknown, where it is left out. */
#define OPEN(name_, type_, min_, max_, none_, example_, help_)                 \
    {                                                                          \
        .name = name_, .type = type_, .min = min_, .max = max_, .none = none_, \
        .example = example_, .help = help_                                     \
    }
#define BETWEEN(standard_, min_, max_) .standard = standard_, .min = min_, .max = max_

const struct config_key config_keys[] = {
    RANGE("seed", KEY_INTEGER, "1", 0, 9007199254740992.0, NULL,
          "start of all random numbers; the same seed gives the same table"),

    RANGE("checkpoint_minutes", KEY_NUMBER, "10", 0, 1440, "minutes",
          "how often a network in training is kept, so that a killed job goes on within an "
          "epoch; 0: only where it is asked to stop"),

    {.name = "run.valid_from",
     .type = KEY_TIME,
     .none = "the day after the last event",
     .example = "2025-03-01",
     .help = "first day of the discounts, such as 2025-03-01"},
    RANGE("run.valid_days", KEY_INTEGER, "7", 1, 366, "days",
          "how long they hold; a chance is per offer, or per week where there is no offers "
          "table"),

    {.name = "data.dir",
     .type = KEY_PATH,
     .standard = ".",
     .help = "folder of the tables, seen from this file's folder; with --set, from the working "
             "directory"},

    {.name = "privacy.secret_file",
     .type = KEY_PATH,
     .none = "~/.config/remise/secret.key, made when first needed",
     .example = "secret.key",
     .help =
         "the secret of the pseudonyms: 32 random bytes in a file that you alone can read (mode "
         "0600); keep it, or users get new pseudonyms"},
    {.name = "privacy.secret_fd",
     .type = KEY_INTEGER,
     .min = 0,
     .max = 1023,
     .none = "not used",
     .example = "3",
     .help = "an open descriptor to read the secret from instead, as a vault hands it to the job"},
    {.name = "privacy.forget",
     .type = KEY_TEXTS,
     .none = "nobody",
     .example = "[anna, ben]",
     .personal = true,
     .help = "ids of users to leave out with all they did, as if the tables did not have them"},
    {.name = "privacy.forget_file",
     .type = KEY_PATH,
     .none = "nobody",
     .example = "forget.txt",
     .help = "more of them, one id a line"},
    RANGE("privacy.min_users", KEY_INTEGER, "50", 20, 1e9, "users",
          "reports and segment tables show no cell with fewer"),

    FILE_OF("users", false, "users are taken from the events",
            "one row per user; or a pattern such as users/*.csv"),
    ROLE("users", "user_id", true, NULL, "the user's id"),
    ROLE("users", "market", false, "one market", "country or market of the user"),
    ROLE("users", "consent", false, "all consent",
         "1 or 0 (yes or no): with 0 the user is left out, with all events and offers; empty "
         "counts as 1"),
    ROLE("users", "group", false, "no fairness report",
         "protected group: for the report and fairness rules only, never an input of a model"),
    {.name = "users.attributes",
     .type = KEY_TEXTS,
     .none = "behaviour alone",
     .example = "[age, income]",
     .help = "further columns that describe a user, such as [age, income]"},

    FILE_OF("products", false, "products are taken from the events",
            "one row per product; or a pattern such as products/*.csv"),
    ROLE("products", "product_id", true, NULL, "the product's id"),
    ROLE("products", "category", false, "one category", "category of the product"),
    ROLE("products", "brand", false, "no brands", "brand of the product"),
    ROLE("products", "list_price", false, "the usual price in the events",
         "price without discount, per unit"),
    ROLE("products", "unit_cost", false, "by products.assumed_margin",
         "what a unit costs the shop"),
    ROLE("products", "price_floor", false, "none",
         "price per unit below which it is never sold, whatever the discount"),
    ROLE("products", "margin_floor", false, "allocate.margin_floor",
         "part of the discounted price that must remain above the unit's cost, for this product; "
         "empty: allocate.margin_floor"),
    ROLE("products", "currency", false, "ingest.currency",
         "of the row's list price, cost and price floor, as ingest.rates names it"),
    ROLE("products", "stock", false, "not known",
         "units that can be sold; see `purchases <= stock per product` in allocate.limits"),
    {.name = "products.attributes",
     .type = KEY_TEXTS,
     .none = "category and brand alone",
     .example = "[size, colour]",
     .help = "further columns that describe a product, numbers or texts such as [size, colour, "
             "description]; of texts the words count, in the first 256 bytes"},
    RANGE("products.assumed_margin", KEY_FRACTION, "0.3", 0, 1, NULL,
          "margin as a fraction of the list price, where a unit's cost is not known"),

    FILE_OF("events", true, NULL, "one row per event; or a pattern such as events/*.csv"),
    ROLE("events", "user_id", true, NULL, "who"),
    ROLE("events", "product_id", true, NULL, "what"),
    ROLE("events", "time", true, NULL, "when: 2025-03-01, with or without a time of day"),
    ROLE("events", "kind", false, "all are purchases",
         "view, click, cart, purchase, return or rating"),
    ROLE("events", "quantity", false, "1",
         "units; negative for a return; not needed for views, clicks, carts and ratings"),
    ROLE("events", "unit_price", true, NULL, "price paid per unit, after discounts"),
    ROLE("events", "currency", false, "ingest.currency",
         "of the row's prices, as ingest.rates names it"),
    ROLE("events", "discount", false, "from list_price, or none",
         "discount given, as a fraction of the list price"),
    ROLE("events", "list_price", false, "from discount, or the product's",
         "price per unit before discounts"),
    ROLE("events", "rating", false, "no ratings", "the user's rating of the product"),
    ROLE("events", "return_flag", false, "by kind and quantity", "1 where the row is a return"),
    ROLE("events", "promotion", false, "no promotions",
         "1 where the line was sold on a feature, display or promotion"),
    ROLE("events", "category", false, "from the products table",
         "the product's category, where there is no products table"),

    FILE_OF("offers", false, "discounts are taken from the events",
            "one row per offer made; or a pattern such as offers/*.csv"),
    ROLE("offers", "user_id", true, NULL, "to whom"),
    ROLE("offers", "product_id", true, NULL, "on what"),
    ROLE("offers", "time", true, NULL, "when"),
    ROLE("offers", "discount", true, NULL, "as a fraction of the list price; 0 for a control"),
    ROLE("offers", "propensity", false, "estimated",
         "probability with which this level was chosen, above 0"),
    ROLE("offers", "shown", false, "all were seen", "1 where the user saw it"),
    ROLE("offers", "clicked", false, "unknown", "1 where the user clicked"),
    ROLE("offers", "redeemed", false, "where revenue is above 0",
         "1 where the user bought with it; this or revenue is needed"),
    ROLE("offers", "quantity", false, "1 where redeemed", "units bought with it"),
    ROLE("offers", "revenue", false, "not known", "what the user paid for them"),
    ROLE("offers", "currency", false, "ingest.currency",
         "of the row's revenue, as ingest.rates names it"),
    ROLE("offers", "feedback_time", false, "no feedback is late",
         "when click, purchase and answer became known; see ingest.feedback_days"),
    ROLE("offers", "satisfaction", false, "unknown", "the user's answer, if asked"),

    FILE_OF("labels", false, "discounts are chosen by what they bring",
            "one row per user labelled; or a pattern such as labels/*.csv"),
    ROLE("labels", "user_id", true, NULL, "who"),
    ROLE("labels", "discount", true, NULL,
         "the right discount for this user, a fraction; of several the mean"),

    CHOICE("ingest.on_bad_row", "reject|stop", "reject",
           "a row that cannot be used goes to rejects.csv, or ends the run"),
    RANGE("ingest.max_bad_rows", KEY_FRACTION, "1", 0, 1, NULL,
          "stop if more than this part of a table is rejected"),
    CHOICE("ingest.repeats", "drop|keep", "drop",
           "rows that repeat an earlier row in every column"),
    CHOICE("ingest.returns", "net|drop|keep", "net",
           "returns: taken off the purchase they belong to (same user and product, the latest "
           "before), left out, or kept as events of kind return"),
    {.name = "ingest.time_from",
     .type = KEY_TIME,
     .none = "any time",
     .example = "2015-01-01",
     .help = "reject events and offers before this time: clocks that were wrong"},
    {.name = "ingest.time_to",
     .type = KEY_TIME,
     .none = "any time",
     .example = "2030-01-01",
     .help = "reject events and offers at or after this time"},
    {.name = "ingest.max_quantity",
     .type = KEY_NUMBER,
     .min = 0,
     .max = 1e9,
     .none = "no limit",
     .example = "1000",
     .unit = "units",
     .help = "reject events with more units than this"},
    RANGE("ingest.min_price", KEY_NUMBER, "0", 0, 1e9, "currency",
          "reject events with a unit price at or below this"),
    {.name = "ingest.max_price",
     .type = KEY_NUMBER,
     .min = 0,
     .max = 1e9,
     .none = "no limit",
     .example = "10000",
     .unit = "currency",
     .help = "reject events with a unit price above this"},
    MISSING("unit_price", "drop",
            "events without a price: drop, a number, or mean or median, also `by product` or `by "
            "category`, of the other events"),
    MISSING("quantity", "drop", "events without a quantity: as above"),
    MISSING("list_price", "derive",
            "products without one: derive (the usual price in their events), a number, or "
            "mean or median of the other products, also `by category`"),
    MISSING("unit_cost", "derive",
            "products without one: derive (by products.assumed_margin), a number, or mean or "
            "median of the other products, also `by category`"),
    MISSING("attributes", "keep",
            "users without a value of a number in users.attributes: keep (features know it as "
            "missing), a number, or mean or median of the other users"),
    {.name = "ingest.outliers.z",
     .type = KEY_NUMBER,
     .min = 1,
     .max = 1e6,
     .none = "all prices and quantities are taken",
     .example = "6",
     .help = "reject purchases whose price or quantity lies so many robust standard deviations "
             "(1.4826 x the median distance from the median) from its product's median, as "
             "logarithms"},
    RANGE("ingest.outliers.min_rows", KEY_INTEGER, "20", 3, 1e9, "rows",
          "products with fewer purchases have no outliers"),
    {.name = "ingest.currency",
     .type = KEY_TEXT,
     .none = "all amounts are in one currency",
     .example = "EUR",
     .help = "the currency that all amounts are brought to"},
    {.name = "ingest.rates",
     .type = KEY_PATH,
     .none = "no other currency",
     .example = "rates.csv",
     .help = "CSV file with columns currency, rate and, if rates change, date: a unit of the "
             "currency is `rate` units of ingest.currency from that date on"},
    CHOICE("ingest.unknown_users", "keep|reject", "keep",
           "events and offers of users who are not in the users table"),
    CHOICE("ingest.unknown_products", "keep|reject", "keep",
           "events and offers of products that are not in the products table"),
    {.name = "ingest.feedback_days",
     .type = KEY_NUMBER,
     .min = 0,
     .max = 36500,
     .none = "any time",
     .example = "14",
     .unit = "days",
     .help = "reject offers whose feedback (offers.columns.feedback_time) came later than this "
             "after the offer"},
    RANGE("ingest.denoise_weeks", KEY_INTEGER, "0", 0, 521, "weeks",
          "smooth the weekly price and quantity of each product by the moving median of so many "
          "weeks, an odd number; 0: as they are"),
    RANGE("ingest.memory", KEY_INTEGER, "1024", 16, 16777216, "MiB",
          "for the rows under way, on each rank; what exceeds it waits in files without a name "
          "in the run folder"),

    RANGE("profile.segments", KEY_INTEGER, "8", 1, 4096, NULL,
          "number of segments (clusters of k-means)"),
    RANGE("profile.segments_most", KEY_INTEGER, "0", 0, 4096, NULL,
          "try every number of segments from profile.segments up to this, and keep the one with "
          "the highest silhouette; the log has the table; 0: profile.segments alone"),
    RANGE("profile.restarts", KEY_INTEGER, "4", 1, 1000, NULL,
          "starts of k-means, of which the best is kept"),
    RANGE("profile.max_iterations", KEY_INTEGER, "100", 1, 100000, NULL,
          "iterations of k-means, and of the mixture, at most"),
    RANGE("profile.mixture", KEY_INTEGER, "5", 0, 256, NULL,
          "components of a Gaussian mixture of the users' features; profiles.h5 has how far each "
          "user belongs to the three likeliest; 0: no mixture"),
    RANGE("profile.horizon_days", KEY_INTEGER, "90", 1, 3650, "days",
          "lifetime value: the purchases, and what they bring, to expect of each user within so "
          "many days from the shop's last event"),
    RANGE("profile.rules_depth", KEY_INTEGER, "4", 0, 8, "questions",
          "in a row, at most, of the rules that say in words what sets a segment apart; 0: no "
          "rules"),
    RANGE("profile.sequence", KEY_INTEGER, "0", 0, 1024, "events",
          "the last events of each user to keep in profiles.h5 for sequence networks"),

    CHOICE("demand.method", "counts|least_squares|tree|forest|double_ml", "counts",
           "how elasticities of categories and segments are estimated: counts of purchases, which "
           "holds up where products sell seldom; the others are of log purchases and come out too "
           "near zero there (docs/methods.md)"),
    CHOICE("demand.season", "month|week", "week",
           "length of the seasons whose effects are taken out before prices are compared"),
    RANGE("demand.min_rows", KEY_INTEGER, "30", 3, 1e9, "rows",
          "a category with fewer has the elasticity of the whole"),
    {.name = "demand.cross",
     .type = KEY_INTEGER,
     BETWEEN("0", 0, 10),
     .unit = "products",
     .help =
         "neighbours of each product, of its category and bought by the same users, whose prices "
         "move its sales too, so that a discount counts what it takes from them; 0: none"},

    CHOICE("recommend.scorer", "auto|popularity|repeat|als|content|linear|neural|blend", "auto",
           "who chooses the candidates: the scorer or the blend of all that foretold best what "
           "users bought in the days held out, or the one named (docs/methods.md)"),
    CHOICE("recommend.worth", "profit|purchases", "profit",
           "what the candidates of a user are chosen by: what an offer may earn, or how likely it "
           "is wanted"),
    {.name = "recommend.repeat",
     .type = KEY_BOOLEAN,
     .standard = "yes",
     .help = "offer what the user has bought before too"},
    {.name = "recommend.holdout",
     .type = KEY_INTEGER,
     BETWEEN(NULL, 0, 3650),
     .unit = "days",
     .none = "a fifth of the days in the tables, at most 28",
     .example = "28",
     .help = "at the end of the tables whose purchases scorers are judged by; 0: not judged"},
    RANGE("recommend.folds", KEY_INTEGER, "0", 0, 20, NULL,
          "judge by each of so many parts of the users' days, learning from the others, instead "
          "of by the last days; 0: by the last days"),
    RANGE("recommend.judged_users", KEY_INTEGER, "20000", 50, 1e9, "users",
          "drawn by chance, at most, to judge scorers by"),
    RANGE("recommend.tune", KEY_INTEGER, "0", 0, 1000, "trials",
          "of each scorer's own settings, at most, judged by the days before those held out; 0: "
          "as configured"),
    RANGE("recommend.als.factors", KEY_INTEGER, "32", 1, 512, NULL,
          "of each user and product in `als`"),
    RANGE("recommend.als.lambda", KEY_NUMBER, "1", 1e-6, 1e6, NULL,
          "how strongly factors of `als` are drawn to 0; 1: as much as takes away what chance "
          "would bring into a shop of this size"),
    RANGE("recommend.als.alpha", KEY_NUMBER, "2", 1e-6, 1e6, NULL,
          "in `als`, interest r counts 1 + alpha r times as much as none"),
    RANGE("recommend.als.iterations", KEY_INTEGER, "10", 1, 1000, NULL, "of `als`"),
    RANGE("recommend.slots", KEY_INTEGER, "10", 1, 1000, "products",
          "candidates for each user, the rows of the discount table"),
    RANGE("recommend.smoothing", KEY_NUMBER, "0", 0, 1e6, "purchases",
          "by which the segment's popularity speaks beside a user's own history in `repeat`; 0: "
          "learned from how often users come back to what they bought"),
    RANGE("recommend.pool", KEY_INTEGER, "60", 1, 100000, "products",
          "of each user, the best of all scorers together, that are scored again by those that "
          "cannot score every product"),
    RANGE("recommend.content.half_life", KEY_NUMBER, "120", 1, 100000, "days",
          "after which an event counts half in the portraits of `content`"),
    RANGE("recommend.content.smoothing", KEY_NUMBER, "2", 0.001, 1e6, "purchases",
          "by which the portrait of users of the same attributes speaks beside a user's own "
          "history in `content`"),
    RANGE("recommend.content.bits", KEY_INTEGER, "12", 6, 18, NULL,
          "words of products' texts are hashed to so many bits in `content`"),
    RANGE("recommend.linear.ridge", KEY_NUMBER, "0", 0, 1e9, "rows",
          "that a coefficient of `linear` must be worth: more draws lines towards the mean; 0: "
          "learned for each product from how much is known of it"),
    RANGE("recommend.linear.products", KEY_INTEGER, "200", 0, 2000, "products",
          "bought most, the liking of each of which is a column of `linear`"),
    RANGE("recommend.linear.half_life", KEY_NUMBER, "120", 1, 100000, "days",
          "after which an event counts half in the likings of `linear`"),
    RANGE("recommend.neural.users", KEY_INTEGER, "8000", 10, 1e7, "users",
          "at most, from whose later purchases `neural` learns"),
    RANGE("recommend.neural.units", KEY_INTEGER, "64", 1, 4096, NULL,
          "of the first hidden layer of `neural`; the second has half of them"),
    RANGE("recommend.neural.passes", KEY_INTEGER, "20", 1, 1000, "passes",
          "over the pairs that `neural` learns from, at most; it ends with the best one"),

    CHOICE("respond.architecture", "mlp|cnn|gru|lstm|tower", "mlp",
           "mlp: dense layers on what is known of user, product and moment; cnn, gru, lstm: an "
           "encoder of the user's latest events alone; tower: both"),
    RANGE("respond.events", KEY_INTEGER, "16", 1, 256, "events",
          "how many of them before the moment an encoder reads"),
    {.name = "respond.units",
     .type = KEY_INTEGERS,
     BETWEEN("[16]", 1, 1024),
     .unit = "units",
     .help = "width of the encoder's layers: hidden units or filters"},
    CHOICE("respond.encoder", "gru|lstm|cnn", "gru", "of a tower"),
    {.name = "respond.layers",
     .type = KEY_INTEGERS,
     BETWEEN("[64, 32]", 1, 8192),
     .unit = "units",
     .help = "width of the hidden layers"},
    {.name = "respond.label_layers",
     .type = KEY_INTEGERS,
     BETWEEN("[64, 32]", 1, 8192),
     .unit = "units",
     .help = "hidden layers of the network that learns the discounts of a labels table"},
    RANGE("respond.epochs", KEY_INTEGER, "4", 1, 1000, NULL, "passes over the training rows"),
    {.name = "respond.batch",
     .type = KEY_INTEGER,
     .none = "a 400th of the training rows, 256 to 4,096",
     .example = "4096",
     .min = 1,
     .max = 16777216,
     .unit = "rows",
     .help = "rows of a step, over all ranks"},
    CHOICE(
        "respond.precision", "float32|bf16", "float32",
        "what the network's matrix products are rounded to while it trains; bf16 pays only where "
        "the processor has matrix units (AMX), and gives the same bytes without them, slower"),
    RANGE("respond.rate", KEY_NUMBER, "0.003", 1e-9, 10, NULL,
          "learning rate of Adam at the start; it falls to 0 by a cosine"),
    RANGE("respond.folds", KEY_INTEGER, "3", 1, 16, "networks",
          "each learns from all users but its part of them; curves are their mean"),
    RANGE("respond.holdout", KEY_FRACTION, "0.1", 0, 0.9, NULL,
          "part of the users kept back to measure the loss, with respond.folds: 1"),
    RANGE("respond.prior", KEY_FRACTION, "0", 0, 1, NULL,
          "weight of the elasticities of `demand` beside what the offers show"),
    RANGE("respond.negatives", KEY_INTEGER, "3", 1, 100, NULL,
          "products not bought that are drawn for each purchase"),

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
    OPEN("allocate.levels_most", KEY_INTEGER, 1, 31, "all of allocate.levels", "3",
         "different discounts in the table at most, no discount not counted; which ones is "
         "chosen"),
    RANGE("allocate.margin_floor", KEY_FRACTION, "0.05", 0, 1, NULL,
          "part of the discounted price that must remain above the unit's cost"),
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
    RANGE(
        "publish.keep", KEY_INTEGER, "3", 0, 1000, "versions",
        "old versions of the table that stay in versions/ beside the current one; with 0 a reader "
        "at work may lose the one it reads"),
};
const int64_t config_keys_count = (int64_t)(sizeof config_keys / sizeof *config_keys);
