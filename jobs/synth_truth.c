/* Draws the parameters of a synthetic shop and computes with its formula. */
#include "jobs/synth_truth.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define UNIT 1e-4
/* entities of RANDOM_SYNTH_PRODUCT beyond the products */
#define CATEGORY_ENTITY (UINT64_C(1) << 40)
#define TYPE_ENTITY (UINT64_C(2) << 40)

const int synth_levels[SYNTH_LEVELS] = {0, 5, 10, 15, 20, 30};
const char *const synth_category_names[SYNTH_CATEGORIES] = {
    "bakery", "beverages", "cheese", "coffee", "cosmetics", "fruit",
    "garden", "kitchen",   "pasta",  "sweets", "toys",      "wine"};

const char *const synth_form_names[SYNTH_FORMS] = {"logit", "saturating"};
const struct synth_rules synth_rules[SYNTH_FORMS] = {
    {SYNTH_MU, SYNTH_SLOPE_MIN, SYNTH_SLOPE_MAX, 1.2}, {SYNTH_MU_SATURATING, 0.05, 4.0, 2.0}};

double synth_draw_uniform(struct synth_draws *draws)
{
    return random_uniform(draws->seed, draws->stage, draws->entity, draws->next++);
}

double synth_draw_normal(struct synth_draws *draws)
{
    return random_normal(draws->seed, draws->stage, draws->entity, draws->next++);
}

int64_t synth_draw_below(struct synth_draws *draws, int64_t limit)
{
    return (int64_t)random_below(draws->seed, draws->stage, draws->entity, draws->next++,
                                 (uint64_t)limit);
}

int64_t synth_pick(const double *below, int64_t count, double u)
{
    double target = u * below[count - 1];
    int64_t low = 0, high = count - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (target < below[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int32_t parameter(double value)
{
    return (int32_t)lrint(value / UNIT);
}

static double clip(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

static struct synth_draws draws_of(const struct synth_shop *shop, enum random_stage stage,
                                   uint64_t entity)
{
    return (struct synth_draws){shop->options.seed, stage, entity, 0};
}

static void draw_tastes(struct synth_shop *shop)
{
    for (int t = 0; t < SYNTH_TYPES; t++) {
        struct synth_draws draws = draws_of(shop, RANDOM_SYNTH_PRODUCT, TYPE_ENTITY + (uint64_t)t);
        for (int c = 0; c < shop->categories; c++)
            shop->type_taste[t][c] = parameter(0.45 * synth_draw_normal(&draws));
    }
}

/* Types in turn react at once, at a threshold, gradually; the fourth hardly at all. */
static void draw_reactions(struct synth_shop *shop)
{
    static const double half[3] = {0.02, 0.09, 0.08}, half_more[3] = {0.03, 0.05, 0.08};
    static const double steepness[3] = {1.0, 6.0, 2.0}, steepness_more[3] = {0.0, 4.0, 0.0};
    if (shop->options.form == SYNTH_LOGIT) return;
    for (int t = 0; t < SYNTH_TYPES; t++) {
        struct synth_draws draws = draws_of(shop, RANDOM_SYNTH_PRODUCT, TYPE_ENTITY + (uint64_t)t);
        struct synth_reaction *reaction = &shop->reaction[t];
        int kind = t % 3;
        draws.next = 1000; /* apart from the tastes */
        reaction->half = parameter(half[kind] + half_more[kind] * synth_draw_uniform(&draws));
        reaction->steepness =
            parameter(steepness[kind] + steepness_more[kind] * synth_draw_uniform(&draws));
        reaction->lift = parameter((t == 3 ? -1.5 : 0.2) + 0.2 * synth_draw_normal(&draws));
    }
}

/* What a category's products have in common besides the effect on b. */
struct category_kind {
    double price, margin;
};

static struct category_kind draw_category(struct synth_shop *shop, int c)
{
    struct synth_draws draws = draws_of(shop, RANDOM_SYNTH_PRODUCT, CATEGORY_ENTITY + (uint64_t)c);
    shop->effect[c] = parameter(0.4 * synth_draw_normal(&draws));
    double price = 3.0 * exp(log(70.0 / 3.0) * synth_draw_uniform(&draws));
    return (struct category_kind){price, 0.28 + 0.14 * synth_draw_uniform(&draws)};
}

/* The effects say how categories differ; their mean belongs to mu. */
static void centre_effects(struct synth_shop *shop)
{
    int64_t sum = 0;
    for (int c = 0; c < shop->categories; c++) sum += shop->effect[c];
    for (int c = 0; c < shop->categories; c++) shop->effect[c] -= (int32_t)(sum / shop->categories);
}

static void draw_product(struct synth_shop *shop, int64_t i, const struct category_kind *kinds)
{
    struct synth_product *product = &shop->product[i];
    struct synth_draws draws = draws_of(shop, RANDOM_SYNTH_PRODUCT, (uint64_t)i);
    int64_t drawn = synth_draw_below(&draws, shop->categories);
    product->category = (int32_t)(i < shop->categories ? i : drawn); /* none stays empty */
    product->brand = (int32_t)synth_draw_below(&draws, 20);
    const struct category_kind *kind = &kinds[product->category];
    double price = clip(kind->price * exp(0.4 * synth_draw_normal(&draws)), 2.0, 100.0);
    product->price_cents = (int32_t)lrint(10.0 * price) * 10 - 1; /* 12.49, 3.99 */
    double margin = clip(kind->margin + 0.06 * synth_draw_normal(&draws), 0.2, 0.5);
    product->cost_cents = (int32_t)lrint((1.0 - margin) * (double)product->price_cents);
    double worth = 0.4 * synth_draw_normal(&draws) - 0.2 * log(price / 15.0);
    product->quality = parameter(worth);
}

/* Busy before the year ends, and more promotions when it is busy: prices and demand move together.
 */
static double season_of(int64_t week)
{
    double wave = 0.25 * sin(6.283185307179586 * (double)(week % 52) / 52.0);
    return 1.0 + wave + (week % 52 >= 47 ? 0.5 : 0.0);
}

static void draw_promotions(struct synth_shop *shop, int64_t i)
{
    static const uint8_t depths[] = {10, 15, 20, 25, 30};
    int64_t weeks = shop->options.weeks;
    struct synth_draws draws = draws_of(shop, RANDOM_SYNTH_PRODUCT, (uint64_t)i);
    double power = shop->options.form == SYNTH_LOGIT ? 1.0 : 3.0;
    draws.next = 1000; /* apart from the product's own draws */
    for (int64_t w = 0; w < weeks; w++) {
        uint8_t depth = depths[synth_draw_below(&draws, (int64_t)sizeof depths)];
        bool on = synth_draw_uniform(&draws) < 0.1 * pow(season_of(w), power);
        shop->promotion[i * weeks + w] = on ? depth : 0;
    }
}

/* Products category by category, with the cumulative weights a visit draws from. */
static void order_products(struct synth_shop *shop)
{
    int64_t next = 0;
    for (int c = 0; c < shop->categories; c++) {
        double below = 0.0;
        shop->category_start[c] = next;
        for (int64_t i = 0; i < shop->options.products; i++) {
            if (shop->product[i].category != c) continue;
            below += exp(UNIT * (double)shop->product[i].quality);
            shop->ordered[next] = (int32_t)i;
            shop->attraction_below[next++] = below;
        }
    }
    for (int c = shop->categories; c <= SYNTH_CATEGORIES; c++) shop->category_start[c] = next;
}

static enum status allocate(struct synth_shop *shop)
{
    enum status status = OK;
    int64_t products = shop->options.products, weeks = shop->options.weeks;
    TRY(memory_new(&shop->product, products, sizeof *shop->product));
    TRY(memory_new(&shop->promotion, products, (size_t)weeks * sizeof *shop->promotion));
    TRY(memory_new(&shop->season_below, weeks, sizeof *shop->season_below));
    TRY(memory_new(&shop->ordered, products, sizeof *shop->ordered));
    TRY(memory_new(&shop->attraction_below, products, sizeof *shop->attraction_below));
done:
    return status;
}

enum status synth_shop_init(struct synth_shop *shop, const struct synth_options *opt)
{
    struct category_kind kinds[SYNTH_CATEGORIES];
    *shop = (struct synth_shop){.options = *opt};
    enum status status = allocate(shop);
    if (status != OK) {
        synth_shop_clear(shop);
        return status;
    }
    int64_t wanted = opt->products / 8;
    shop->categories = (int)(wanted < 1                  ? 1
                             : wanted > SYNTH_CATEGORIES ? SYNTH_CATEGORIES
                                                         : wanted);
    for (int c = 0; c < shop->categories; c++) kinds[c] = draw_category(shop, c);
    centre_effects(shop);
    draw_tastes(shop);
    draw_reactions(shop);
    for (int64_t i = 0; i < opt->products; i++) draw_product(shop, i, kinds);
    for (int64_t i = 0; i < opt->products; i++) draw_promotions(shop, i);
    for (int64_t w = 0; w < opt->weeks; w++)
        shop->season_below[w] = season_of(w) + (w > 0 ? shop->season_below[w - 1] : 0.0);
    order_products(shop);
    return OK;
}

void synth_shop_clear(struct synth_shop *shop)
{
    free(shop->product);
    free(shop->promotion);
    free(shop->season_below);
    free(shop->ordered);
    free(shop->attraction_below);
    *shop = (struct synth_shop){0};
}

static void draw_attributes(struct synth_user *user, struct synth_draws *draws, int64_t weeks)
{
    static const double income_below[] = {0.15, 0.4, 0.65, 0.85, 1.0};
    static const double household_below[] = {0.3, 0.6, 0.76, 0.9, 0.97, 1.0};
    double early = synth_draw_uniform(draws) + synth_draw_uniform(draws);
    user->age = 18 + (int32_t)(31.5 * early);
    user->income = 1 + (int32_t)synth_pick(income_below, 5, synth_draw_uniform(draws));
    user->household = 1 + (int32_t)synth_pick(household_below, 6, synth_draw_uniform(draws));
    user->market = (int32_t)synth_draw_below(draws, 4);
    double second_group = user->income <= 2 ? 0.6 : 0.45;
    user->group = synth_draw_uniform(draws) < second_group ? 1 : 0;
    user->type = (int32_t)synth_draw_below(draws, SYNTH_TYPES);
    bool is_new = synth_draw_uniform(draws) < 0.2;
    int64_t new_day = synth_draw_below(draws, (weeks - 1) * 7 + 1),
            old_day = synth_draw_below(draws, 730);
    user->joined_day = (int32_t)(is_new ? new_day : old_day - 730);
    user->first_week = user->joined_day <= 0 ? 0 : (user->joined_day + 6) / 7;
}

/* How prices move a user, as far as age, income and household tell; the last term is no sum of
 * single effects. */
static double attribute_sensitivity(const struct synth_user *user)
{
    double age = (double)(user->age - 49) / 13.0, income = (double)(user->income - 3) / 1.25;
    double household = (double)(user->household - 2) / 1.35;
    bool stretched = user->household >= 4 && user->income <= 2;
    return 0.32 * (household * 0.6 - age - income) + (stretched ? 0.35 : 0.0);
}

static void derive(const struct synth_shop *shop, struct synth_user *user)
{
    const struct synth_rules *rules = &synth_rules[shop->options.form];
    const struct synth_reaction *reaction = &shop->reaction[user->type];
    double below = 0.0;
    user->half = UNIT * (double)reaction->half;
    user->steepness = UNIT * (double)reaction->steepness;
    for (int c = 0; c < shop->categories; c++) {
        int64_t last = shop->category_start[c + 1] - 1;
        double log_slope =
            UNIT * (double)(rules->mu + user->sensitivity + shop->effect[c] + reaction->lift);
        below += exp(UNIT * (double)user->taste[c]) * shop->attraction_below[last];
        user->choice_below[c] = below;
        user->slope[c] = clip(exp(log_slope), rules->slope_min, rules->slope_max);
    }
}

void synth_user_make(const struct synth_shop *shop, int64_t number, struct synth_user *user)
{
    struct synth_draws draws = draws_of(shop, RANDOM_SYNTH_USER, (uint64_t)number);
    *user = (struct synth_user){.number = number};
    draw_attributes(user, &draws, shop->options.weeks);
    double income = (double)(user->income - 3) / 1.25;
    user->activity = parameter(0.15 * income + 0.4 * synth_draw_normal(&draws));
    user->residual = parameter(0.25 * synth_draw_normal(&draws));
    user->sensitivity = parameter(attribute_sensitivity(user)) + user->residual;
    for (int c = 0; c < shop->categories; c++)
        user->taste[c] =
            shop->type_taste[user->type][c] + parameter(0.3 * synth_draw_normal(&draws));
    derive(shop, user);
}

double synth_intercept(const struct synth_user *user, const struct synth_product *product)
{
    int32_t taste = user->taste[product->category];
    return UNIT * (double)(SYNTH_BASE + user->activity + taste + product->quality);
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

double synth_probability(const struct synth_user *user, const struct synth_product *product,
                         int percent)
{
    double a = synth_intercept(user, product), b = user->slope[product->category];
    if (user->steepness == 0.0) return 1.0 / (1.0 + exp(-a - b * (double)percent / 100.0));
    double reached = pow((double)percent / 100.0, user->steepness);
    double share = reached / (pow(user->half, user->steepness) + reached);
    return sigmoid(a) + (sigmoid(a + b) - sigmoid(a)) * share;
}

int32_t synth_pick_product(const struct synth_shop *shop, const struct synth_user *user,
                           struct synth_draws *draws)
{
    int64_t c = synth_pick(user->choice_below, shop->categories, synth_draw_uniform(draws));
    int64_t first = shop->category_start[c], count = shop->category_start[c + 1] - first;
    return shop->ordered[first + synth_pick(shop->attraction_below + first, count,
                                            synth_draw_uniform(draws))];
}

double synth_presence(const struct synth_shop *shop, const struct synth_user *user)
{
    double all = shop->season_below[shop->options.weeks - 1];
    double missed = user->first_week > 0 ? shop->season_below[user->first_week - 1] : 0.0;
    return 1.0 - missed / all;
}
