/* Lifetime value in the profile stage: from events to customers, fitted, told, written. */
#include "jobs/profile_lifetime.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define DAY 86400

/* What is known of a user; all zeros with purchases 0 is no customer. */
struct history {
    int32_t purchases; /* days on which the user bought */
    int32_t recency;   /* days from the first of them to the last */
    int32_t age;       /* days from the first of them to now */
    int64_t cents;     /* paid on all but the first of them */
};

struct totals {
    int64_t customers, repeaters, repeats, cents;
};

void profile_lifetime_clear(struct profile_lifetime *lifetime)
{
    free(lifetime->expected);
    free(lifetime->value);
    free(lifetime->alive);
    free(lifetime->more);
    *lifetime = (struct profile_lifetime){0};
}

/* ---- from events to customers ---- */

static int64_t day_of(int64_t time)
{
    return time / DAY - (time % DAY < 0);
}

static struct history history_of(const struct dataset *dataset, int64_t user)
{
    const struct events *events = &dataset->events;
    struct history h = {0};
    int64_t first = 0, last = 0;
    for (int64_t e = events->start[user]; e < events->start[user + 1]; e++) {
        if (events->kind[e] != EVENT_PURCHASE) continue;
        int64_t day = day_of(events->time[e]);
        if (h.purchases == 0) first = day;
        h.purchases += h.purchases == 0 || day != last;
        if (h.purchases > 1) h.cents += events->paid_cents[e];
        last = day;
    }
    if (h.purchases == 0) return h;
    h.recency = (int32_t)(last - first);
    h.age = (int32_t)(day_of(dataset->time_last) - first);
    return h;
}

static struct bgnbd_customer customer_of(const struct history *h)
{
    return (struct bgnbd_customer){
        .frequency = h->purchases - 1, .recency = h->recency, .age = h->age};
}

/* Who paid nothing for repeat purchases says nothing of their worth. */
static struct gamma_gamma_customer spender_of(const struct history *h)
{
    double repeats = h->purchases - 1;
    if (h->cents <= 0) return (struct gamma_gamma_customer){0};
    return (struct gamma_gamma_customer){repeats, 0.01 * (double)h->cents / repeats};
}

static struct totals add_up(const struct comm *comm, const struct history *history, int64_t users)
{
    struct totals t = {0};
    for (int64_t u = 0; u < users; u++) {
        const struct history *h = &history[u];
        bool spends = h->cents > 0;
        t.customers += h->purchases > 0;
        t.repeaters += h->purchases > 1;
        t.repeats += spends ? h->purchases - 1 : 0;
        t.cents += h->cents;
    }
    comm_sum_int64(comm, &t.customers, 4);
    return t;
}

/* ---- the fits ---- */

static enum status fit_purchases(const struct comm *comm, const struct history *history,
                                 int64_t users, struct bgnbd_model *model)
{
    enum status status = OK;
    const struct bgnbd_options options = BGNBD_DEFAULTS;
    struct bgnbd_customer *customer = NULL;
    int64_t count = 0;
    TRY_ALL(comm, memory_new(&customer, users, sizeof *customer));
    for (int64_t u = 0; u < users; u++)
        if (history[u].purchases > 0) customer[count++] = customer_of(&history[u]);
    TRY(bgnbd_fit(comm, customer, count, &options, model));
done:
    free(customer);
    return status;
}

static enum status fit_spend(const struct comm *comm, const struct history *history, int64_t users,
                             struct gamma_gamma_model *model)
{
    enum status status = OK;
    const struct gamma_gamma_options options = GAMMA_GAMMA_DEFAULTS;
    struct gamma_gamma_customer *customer = NULL;
    TRY_ALL(comm, memory_new(&customer, users, sizeof *customer));
    for (int64_t u = 0; u < users; u++) customer[u] = spender_of(&history[u]);
    TRY(gamma_gamma_fit(comm, customer, users, &options, model));
done:
    free(customer);
    return status;
}

static bool is_finite(const struct bgnbd_model *m)
{
    return isfinite(m->alpha / m->r) && isfinite(m->r / m->alpha) && isfinite(m->a / m->b) &&
           isfinite(m->a + m->b) && m->a > 0.0 && m->b > 0.0;
}

static void warn_purchases(const struct bgnbd_model *model)
{
    if (!model->converged)
        log_warning("  the likelihood of BG/NBD has no peak that could be found; lifetime values "
                    "are those of the best of what was tried, not to be relied on");
    else if (bgnbd_extreme(model) != NULL)
        log_warning("  the likelihood of BG/NBD peaks at the end of the scale: %s",
                    bgnbd_extreme(model));
}

/* Whether the model of spend has an expectation for everybody. */
static bool spend_serves(const struct gamma_gamma_model *model)
{
    return model->converged && model->q > 1.0 && model->p <= 1e4 && isfinite(model->v);
}

static void warn_spend(const struct profile_lifetime *l)
{
    const char *extreme = gamma_gamma_extreme(&l->spend);
    if (l->spend_mean > 0.0 && !l->spend_fitted)
        log_warning("  Gamma-Gamma cannot be fitted to what purchases brought (%s): a purchase is "
                    "taken to bring the mean of a user's own repeat purchases, that of all where "
                    "there are none",
                    extreme != NULL ? extreme : "its likelihood has no peak that could be found");
    else if (l->spend_fitted && extreme != NULL)
        log_warning("  the likelihood of Gamma-Gamma peaks at the end of the scale: %s", extreme);
}

static void say(const struct profile_lifetime *l, int64_t min_users)
{
    const struct bgnbd_model *m = &l->purchases;
    if (l->customers < min_users) {
        log_info("  lifetime value: suppressed, as fewer than %lld users bought",
                 (long long)min_users);
        return;
    }
    if (l->repeaters < min_users)
        log_info("  lifetime value over %g days, of %lld users who bought, fewer than %lld of them "
                 "on two days or more",
                 l->horizon, (long long)l->customers, (long long)min_users);
    else
        log_info(
            "  lifetime value over %g days, of %lld users who bought, %lld of them on two days or "
            "more",
            l->horizon, (long long)l->customers, (long long)l->repeaters);
    warn_purchases(m);
    log_info("    BG/NBD r %.5g alpha %.5g days a %.5g b %.5g, log-likelihood %.4f a user", m->r,
             m->alpha, m->a, m->b, m->log_likelihood / (double)l->customers);
    if (l->repeaters < min_users) return;
    warn_spend(l);
    if (l->spend_fitted)
        log_info("    Gamma-Gamma p %.5g q %.5g v %.5g, log-likelihood %.4f a user", l->spend.p,
                 l->spend.q, l->spend.v, l->spend.log_likelihood / (double)l->spend.customers);
}

/* ---- every user ---- */

/* Expectations of who is alive, which depend on purchases and age alone, by a hash of both: many
 * users have the same, and a few models take long over each. */
enum { KEPT_BITS = 16 };

struct kept {
    int32_t purchases, age; /* purchases 0: nothing is kept here */
    double expected;
};

static double if_alive(const struct profile_lifetime *lifetime, const struct history *h,
                       struct kept *table)
{
    uint32_t hash = ((uint32_t)h->purchases * 0x9e3779b1u + (uint32_t)h->age) * 0x85ebca6bu;
    struct kept *kept = &table[hash >> (32 - KEPT_BITS)];
    if (kept->purchases != h->purchases || kept->age != h->age) {
        double expected = bgnbd_purchases_alive(&lifetime->purchases, h->purchases - 1, h->age,
                                                lifetime->horizon);
        *kept = (struct kept){h->purchases, h->age, expected};
    }
    return kept->expected;
}

static double worth(const struct profile_lifetime *lifetime,
                    const struct gamma_gamma_customer *spender)
{
    if (lifetime->spend_fitted) return gamma_gamma_spend(&lifetime->spend, spender);
    return spender->frequency > 0.0 ? spender->spend : lifetime->spend_mean;
}

/* What is expected of the user with a purchase more, the last one today. */
static double value_after(const struct profile_lifetime *lifetime, const struct history *h,
                          double spend, struct kept *table)
{
    const struct history next = {h->purchases + 1, h->age, h->age, 0};
    struct bgnbd_customer customer = customer_of(&next);
    return bgnbd_alive(&lifetime->purchases, &customer) * if_alive(lifetime, &next, table) * spend;
}

static enum status look_ahead(const struct history *history, int64_t users,
                              struct profile_lifetime *lifetime)
{
    enum status status = OK;
    struct kept *table = NULL;
    TRY(memory_new(&table, 1 << KEPT_BITS, sizeof *table));
    TRY(memory_new(&lifetime->expected, users, sizeof *lifetime->expected));
    TRY(memory_new(&lifetime->value, users, sizeof *lifetime->value));
    TRY(memory_new(&lifetime->alive, users, sizeof *lifetime->alive));
    TRY(memory_new(&lifetime->more, users, sizeof *lifetime->more));
    for (int64_t u = 0; u < users; u++) {
        struct gamma_gamma_customer spender = spender_of(&history[u]);
        double spend = worth(lifetime, &spender);
        lifetime->more[u] = value_after(lifetime, &history[u], spend, table);
        if (history[u].purchases == 0) continue;
        struct bgnbd_customer customer = customer_of(&history[u]);
        lifetime->alive[u] = bgnbd_alive(&lifetime->purchases, &customer);
        lifetime->expected[u] = lifetime->alive[u] * if_alive(lifetime, &history[u], table);
        lifetime->value[u] = lifetime->expected[u] * spend;
        lifetime->more[u] -= lifetime->value[u];
    }
done:
    free(table);
    return status;
}

/* Both models; *lifetime->fitted says whether there is one of purchases. */
static enum status fit(const struct comm *comm, const struct history *history, int64_t users,
                       struct profile_lifetime *lifetime)
{
    enum status status = OK;
    struct totals totals = add_up(comm, history, users);
    lifetime->customers = totals.customers;
    lifetime->repeaters = totals.repeaters;
    if (totals.repeaters == 0) return OK;
    TRY(fit_purchases(comm, history, users, &lifetime->purchases));
    lifetime->fitted = is_finite(&lifetime->purchases);
    if (!lifetime->fitted || totals.repeats == 0) return OK;
    lifetime->spend_mean = 0.01 * (double)totals.cents / (double)totals.repeats;
    TRY(fit_spend(comm, history, users, &lifetime->spend));
    lifetime->spend_fitted = spend_serves(&lifetime->spend);
done:
    return status;
}

enum status profile_lifetime_fit(const struct comm *comm, const struct dataset *dataset,
                                 double horizon, int64_t min_users,
                                 struct profile_lifetime *lifetime)
{
    enum status status = OK;
    int64_t users = dataset->users.blocks.rows_local;
    struct history *history = NULL;
    *lifetime = (struct profile_lifetime){.horizon = horizon};
    TRY_ALL(comm, memory_new(&history, users, sizeof *history));
    for (int64_t u = 0; u < users; u++) history[u] = history_of(dataset, u);
    TRY(fit(comm, history, users, lifetime));
    if (!lifetime->fitted) {
        log_info("  no lifetime value: %s", lifetime->repeaters == 0
                                                ? "nobody bought on two days"
                                                : "BG/NBD cannot be fitted to the purchases");
        goto done;
    }
    say(lifetime, min_users);
    if (!lifetime->spend_fitted) lifetime->spend = (struct gamma_gamma_model){0};
    TRY_ALL(comm, look_ahead(history, users, lifetime));
done:
    free(history);
    return status;
}

/* ---- profiles.h5 ---- */

enum { PARAMETERS = 8, NAME_BYTES = 16 };

#define MORE_COLUMN "lifetime/next_purchase"

static const char parameter_names[PARAMETERS][NAME_BYTES] = {"r", "alpha", "a", "b",
                                                             "p", "q",     "v", "horizon"};

static enum status write_parameters(const struct comm *comm, struct store *store,
                                    const struct profile_lifetime *l)
{
    enum status status = OK;
    const struct bgnbd_model *m = &l->purchases;
    const double x[PARAMETERS] = {m->r,       m->alpha,   m->a,       m->b,
                                  l->spend.p, l->spend.q, l->spend.v, l->horizon};
    const struct store_column names = {"lifetime/parameter_names", STORE_TEXT, NAME_BYTES, "",
                                       "of lifetime/parameters"};
    const struct store_column values = {
        "lifetime/parameters", STORE_F64, 1, "days, currency",
        "r, alpha (days), a, b of BG/NBD; p, q, v (currency) of Gamma-Gamma, 0 where it could not "
        "be fitted; horizon (days)"};
    int64_t once = comm->rank == 0 ? PARAMETERS : 0;
    TRY(store_write(comm, store, &names, parameter_names, once));
    TRY(store_write(comm, store, &values, x, once));
done:
    return status;
}

enum status profile_lifetime_write(const struct comm *comm, struct store *store,
                                   int64_t users_local, const struct profile_lifetime *lifetime)
{
    enum status status = OK;
    const struct store_column expected = {
        "lifetime/expected_purchases", STORE_F64, 1, "days with a purchase",
        "expected of each user within the horizon; 0 for who never bought"};
    const struct store_column value = {"lifetime/expected_value", STORE_F64, 1, "currency",
                                       "what these are expected to bring"};
    const struct store_column alive = {"lifetime/alive", STORE_F64, 1, "probability",
                                       "that the user is still a customer"};
    const struct store_column more = {MORE_COLUMN, STORE_F64, 1, "currency",
                                      "what one more purchase today would add to expected_value"};
    if (!lifetime->fitted) return OK;
    TRY(store_write(comm, store, &expected, lifetime->expected, users_local));
    TRY(store_write(comm, store, &value, lifetime->value, users_local));
    TRY(store_write(comm, store, &alive, lifetime->alive, users_local));
    TRY(store_write(comm, store, &more, lifetime->more, users_local));
    TRY(write_parameters(comm, store, lifetime));
done:
    return status;
}

enum status profile_lifetime_read_more(const struct comm *comm, const char *path,
                                       const struct blocks *blocks, double **more)
{
    enum status status = OK;
    struct store *store = NULL;
    *more = NULL;
    TRY(store_open(comm, path, &store));
    if (store_rows(comm, store, MORE_COLUMN, NULL) < 0) goto done;
    TRY_ALL(comm, memory_new(more, blocks->rows_local, sizeof **more));
    TRY(store_read(comm, store, MORE_COLUMN, STORE_F64, blocks->row_first, blocks->rows_local,
                   *more));
done:
    store_close(comm, &store);
    return status;
}
