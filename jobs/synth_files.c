/* The files of a synthetic shop that are written once: products, the truth and the configuration.
 */
#include "jobs/synth_write.h"

#include <math.h>

#define UNIT 1e-4

enum status synth_put_products(const struct synth_shop *shop, const struct synth_format *format,
                               struct synth_text *text)
{
    enum status status = OK;
    TRY(synth_text_print(text, "product_id,category,brand,list_price,unit_cost\n"));
    for (int64_t i = 0; i < shop->options.products; i++) {
        const struct synth_product *product = &shop->product[i];
        TRY(synth_text_print(
            text, "p%0*lld,%s,brand-%02d,%d.%02d,%d.%02d\n", format->product_digits, (long long)i,
            synth_category_names[product->category], product->brand + 1, product->price_cents / 100,
            product->price_cents % 100, product->cost_cents / 100, product->cost_cents % 100));
    }
done:
    return status;
}

enum status synth_put_product_truth(const struct synth_shop *shop,
                                    const struct synth_format *format, struct synth_text *text)
{
    enum status status = OK;
    TRY(synth_text_print(text, "product_id,category,quality\n"));
    for (int64_t i = 0; i < shop->options.products; i++)
        TRY(synth_text_print(text, "p%0*lld,%s,%.4f\n", format->product_digits, (long long)i,
                             synth_category_names[shop->product[i].category],
                             UNIT * (double)shop->product[i].quality));
done:
    return status;
}

enum status synth_put_category_truth(const struct synth_shop *shop, struct synth_text *text)
{
    enum status status = OK;
    TRY(synth_text_print(text, "category,effect\n"));
    for (int c = 0; c < shop->categories; c++)
        TRY(synth_text_print(text, "%s,%.4f\n", synth_category_names[c],
                             UNIT * (double)shop->effect[c]));
done:
    return status;
}

enum status synth_put_truth_header(const struct synth_shop *shop, struct synth_text *text)
{
    enum status status = OK;
    TRY(synth_text_print(text, "user_id,type,activity,sensitivity,sensitivity_residual"));
    for (int c = 0; c < shop->categories; c++)
        TRY(synth_text_print(text, ",taste_%s", synth_category_names[c]));
    TRY(synth_text_print(text, "\n"));
done:
    return status;
}

#define PROFIT_TEXT                                                          \
    "  \"profit\": \"P(buy | u, i, d) (list_price (1 - d) - unit_cost)\",\n" \
    "  \"cost\": \"P(buy | u, i, d) d list_price\",\n"

static const char logit_text[] =
    "  \"kind\": \"synthetic shop\",\n"
    "  \"formula\": \"P(buy | u, i, d) = sigmoid(a + b d); sigmoid(x) = 1 / (1 + exp(-x)); "
    "a = base + activity[u] + taste[u, category[i]] + quality[i]; "
    "b = min(max(exp(mu + sensitivity[u] + effect[category[i]]), slope_min), slope_max)\",\n"
    "  \"words\": \"The probability that user u, shown one offer of product i at discount d (a "
    "fraction "
    "of the list price), buys one unit. activity, sensitivity and taste_<category> are columns of "
    "truth/users.csv, quality and category of truth/products.csv, effect of truth/categories.csv; "
    "list_price and unit_cost stand in products.csv.\",\n" PROFIT_TEXT;

static const char saturating_text[] =
    "  \"kind\": \"synthetic shop\",\n"
    "  \"truth\": \"saturating\",\n"
    "  \"formula\": \"P(buy | u, i, d) = sigmoid(a) + (sigmoid(a + b) - sigmoid(a)) d^s / "
    "(h^s + d^s); sigmoid(x) = 1 / (1 + exp(-x)); "
    "a = base + activity[u] + taste[u, category[i]] + quality[i]; "
    "b = min(max(exp(mu + sensitivity[u] + effect[category[i]] + lift[type[u]]), slope_min), "
    "slope_max); h = half[type[u]]; s = steepness[type[u]]\",\n"
    "  \"words\": \"The probability that user u, shown one offer of product i at discount d (a "
    "fraction of the list price), buys one unit. It rises from sigmoid(a) without a discount "
    "toward "
    "sigmoid(a + b), and is half way at the discount h of the user's type: from there on ever less "
    "is gained. type, activity, sensitivity and taste_<category> are columns of truth/users.csv, "
    "quality and category of truth/products.csv, effect of truth/categories.csv; lift, half and "
    "steepness stand in types, type 0 first; list_price and unit_cost stand in "
    "products.csv.\",\n" PROFIT_TEXT;

/* How each type reacts, and how past offers were given. */
static enum status put_types(const struct synth_shop *shop, struct synth_text *text)
{
    enum status status = OK;
    TRY(synth_text_print(text, "  \"policy_gain\": %.4f,\n  \"types\": [",
                         synth_rules[shop->options.form].policy_gain));
    for (int t = 0; t < SYNTH_TYPES; t++) {
        const struct synth_reaction *reaction = &shop->reaction[t];
        TRY(synth_text_print(text, "%s\n    {\"lift\": %.4f, \"half\": %.4f, \"steepness\": %.4f}",
                             t > 0 ? "," : "", UNIT * (double)reaction->lift,
                             UNIT * (double)reaction->half, UNIT * (double)reaction->steepness));
    }
    TRY(synth_text_print(text, "\n  ],\n"));
done:
    return status;
}

static enum status put_levels(struct synth_text *text)
{
    enum status status = OK;
    for (int k = 0; k < SYNTH_LEVELS; k++)
        TRY(synth_text_print(text, "%s%.2f", k > 0 ? ", " : "", synth_levels[k] / 100.0));
done:
    return status;
}

enum status synth_put_truth_json(const struct synth_shop *shop, struct synth_text *text)
{
    enum status status = OK;
    const struct synth_options *opt = &shop->options;
    const struct synth_rules *rules = &synth_rules[opt->form];
    bool logit = opt->form == SYNTH_LOGIT;
    TRY(synth_text_print(text, "{\n%s", logit ? logit_text : saturating_text));
    TRY(synth_text_print(
        text, "  \"base\": %.4f,\n  \"mu\": %.4f,\n  \"slope_min\": %g,\n  \"slope_max\": %g,\n",
        UNIT * SYNTH_BASE, UNIT * (double)rules->mu, rules->slope_min, rules->slope_max));
    if (!logit) TRY(put_types(shop, text));
    TRY(synth_text_print(text, "  \"levels\": ["));
    TRY(put_levels(text));
    TRY(synth_text_print(
        text, "],\n  \"offer_shown\": %g,\n  \"view_logged\": %g,\n  \"returned\": %g,\n",
        SYNTH_OFFER_SHOWN, SYNTH_VIEW_LOGGED, SYNTH_RETURNED));
    TRY(synth_text_print(text, "  \"randomised\": %.15g,\n  \"seed\": %llu,\n  \"weeks\": %lld,\n",
                         opt->randomised, (unsigned long long)opt->seed, (long long)opt->weeks));
    TRY(synth_text_print(text, "  \"users\": %lld,\n  \"products\": %lld\n}\n",
                         (long long)opt->users, (long long)opt->products));
done:
    return status;
}

static const char tables_text[] = "\n"
                                  "users:\n"
                                  "  file: users.csv\n"
                                  "  columns: {user_id: user_id, market: market, group: group}\n"
                                  "  attributes: [age, income, household]\n"
                                  "\n"
                                  "products:\n"
                                  "  file: products.csv\n"
                                  "  columns: {product_id: product_id, category: category, brand: "
                                  "brand, list_price: list_price, unit_cost: unit_cost}\n"
                                  "\n"
                                  "events:\n"
                                  "  file: events.csv\n"
                                  "  columns: {user_id: user_id, product_id: product_id, time: "
                                  "time, kind: kind, quantity: quantity,\n"
                                  "            unit_price: unit_price, discount: discount}\n"
                                  "\n"
                                  "offers:\n"
                                  "  file: offers.csv\n"
                                  "  columns: {user_id: user_id, product_id: product_id, time: "
                                  "time, discount: discount, propensity: propensity,\n"
                                  "            shown: shown, clicked: clicked, redeemed: redeemed, "
                                  "revenue: revenue}\n";

enum status synth_put_configuration(const struct synth_shop *shop, const struct synth_pilot *pilot,
                                    struct synth_text *text)
{
    enum status status = OK;
    double users = (double)shop->options.users;
    double budget = ceil(0.35 * pilot->spend_cents * users / 100.0);
    TRY(synth_text_print(text,
                         "# A synthetic shop; what is true about it stands in truth/.\n"
                         "seed: %llu\n\ndata:\n  dir: .\n%s",
                         (unsigned long long)shop->options.seed, tables_text));
    TRY(synth_text_print(text, "\nrecommend:\n  slots: %d\n\nallocate:\n  levels: [", SYNTH_SLOTS));
    TRY(put_levels(text));
    TRY(synth_text_print(text, "]\n  margin_floor: %.2f\n", SYNTH_MARGIN_FLOOR));
    TRY(synth_text_print(text,
                         "  budget: %.0f  # about half of what the best discounts would cost\n",
                         fmax(budget, 1.0)));
    TRY(synth_text_print(text,
                         "  reference_rule: report  # the truth knows the best table of all, not "
                         "the best below the last 30 days' prices\n"));
    TRY(synth_text_print(text, "\npublish:\n  user_ids: original  # so that the table can be "
                               "compared with truth/; the standard is pseudonym\n"));
done:
    return status;
}
