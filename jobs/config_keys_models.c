/* Settings, as data: what is learned of users and products. */
#include "jobs/config_keys_rows.h"

static const struct config_key rows[] = {
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
    {.name = "recommend.never",
     .type = KEY_TEXTS,
     .none = "any product may be offered",
     .example = "[POST, BANK CHARGES]",
     .help = "ids of products that are never offered, such as postage and fees that stand among "
             "the products"},
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

    CHOICE("respond.model", "blend|structured|network", "blend",
           "structured: a logit of chosen terms for offset and slope; network: what the settings "
           "below say; blend: both, weighed by what users they have not learned from did"),
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
    RANGE("respond.rows_most", KEY_INTEGER, "3000000", 1000, 1e12, "rows",
          "learned from, about; where there are more, of a part of the users drawn at random"),
};

const struct config_keys_part config_keys_models = PART_OF(rows);
