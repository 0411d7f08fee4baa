/* Promotions at the moment of a table. */
#include "jobs/running.h"

#include "io/parse.h"
#include "jobs/moment.h"
#include "jobs/profiles.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

static bool runs(const struct promotion *promotion, int64_t moment)
{
    return promotion->start <= moment && moment < promotion->end;
}

static bool is_for_all(const struct promotion *promotion)
{
    return promotion->market < 0 && promotion->segment < 0 && promotion->audience < 0;
}

/* ---- by what they are on ---- */

struct found {
    int64_t goods; /* product, or products + category */
    double discount;
    int32_t row;
};

static int by_goods(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->goods != y->goods) return (x->goods > y->goods) - (x->goods < y->goods);
    if (x->discount != y->discount)
        return (x->discount < y->discount) - (x->discount > y->discount);
    return (x->row > y->row) - (x->row < y->row);
}

/* Which promotions are looked at. */
struct choice {
    int64_t moment, end; /* of the table */
    bool apart;          /* those that were not for all, in place of those of the table */
};

static bool is_chosen(const struct choice *choice, const struct promotion *promotion)
{
    if (!choice->apart) return promotion->start < choice->end && choice->moment < promotion->end;
    return promotion->segment >= 0 || promotion->audience >= 0 ||
           (promotion->market >= 0 && runs(promotion, choice->moment));
}

static enum status lay_out(const struct dataset *dataset, const struct choice *choice,
                           struct running *running)
{
    enum status status = OK;
    const struct promotions *all = &dataset->promotions;
    int64_t products = dataset->products.count, count = 0;
    int64_t goods = products + dataset->products.category.count;
    struct found *found = NULL;
    TRY(memory_new(&found, all->count, sizeof *found));
    for (int32_t i = 0; i < all->count; i++) {
        const struct promotion *p = &all->promotion[i];
        if (!is_chosen(choice, p)) continue;
        running->count += runs(p, choice->moment);
        found[count++] =
            (struct found){p->product >= 0 ? p->product : products + p->category, p->discount, i};
    }
    if (count > 1) qsort(found, (size_t)count, sizeof *found, by_goods);
    TRY(memory_new(&running->row, count, sizeof *running->row));
    TRY(memory_new(&running->start, goods + 1, sizeof *running->start));
    running->listed = count;
    for (int64_t i = 0; i < count; i++) {
        running->row[i] = found[i].row;
        running->start[found[i].goods + 1]++;
    }
    for (int64_t g = 0; g < goods; g++) running->start[g + 1] += running->start[g];
done:
    free(found);
    return status;
}

/* ---- whom they are for ---- */

/* What a promotion can name. */
enum whom { MARKET, AUDIENCE, SEGMENT };

static int32_t named(const struct promotion *promotion, enum whom whom)
{
    return whom == MARKET     ? promotion->market
           : whom == AUDIENCE ? promotion->audience
                              : promotion->segment;
}

static bool names_any(const struct running *running, enum whom whom)
{
    for (int64_t i = 0; i < running->listed; i++)
        if (named(&running->promotion[running->row[i]], whom) >= 0) return true;
    return false;
}

/* The value of an attribute of each user as the promotions name it. */
static enum status take_names(const struct dataset *dataset, const struct attribute *attribute,
                              const struct dictionary *names, int32_t **code)
{
    int64_t users = dataset->users.blocks.rows_local;
    enum status status = memory_new(code, users, sizeof **code);
    for (int64_t u = 0; status == OK && u < users; u++) {
        char room[NUMBER_TEXT_BYTES + 1];
        const char *text = attribute_text(attribute, u, room);
        int64_t found = -1;
        if (text != NULL) found = dictionary_find(names, text, strlen(text));
        (*code)[u] = (int32_t)found;
    }
    return status;
}

static enum status take_markets(const struct dataset *dataset, struct running *running)
{
    const struct attribute *market = users_market(&dataset->users);
    if (market == NULL && dataset->users.blocks.rows_local > 0)
        return FAIL(ERR_CONFIG, "promotions.columns.market: users have no market; map "
                                "users.columns.market too");
    return take_names(dataset, market, &dataset->promotions.market, &running->market);
}

/* The attribute that tells audiences; "" where the settings no longer name one. */
static const char *audience_name(const struct run *run)
{
    bool told = config_has(run->config, "promotions.audience");
    return told ? config_text(run->config, "promotions.audience") : "";
}

static enum status take_audiences(const struct run *run, const struct dataset *dataset,
                                  struct running *running)
{
    const char *name = audience_name(run);
    const struct attribute *told = users_attribute(&dataset->users, name);
    if (told == NULL && dataset->users.blocks.rows_local > 0)
        return FAIL(ERR_CONFIG,
                    "promotions.audience: users have no attribute \"%s\"; name one of "
                    "users.attributes",
                    name);
    return take_names(dataset, told, &dataset->promotions.audience, &running->audience);
}

static enum status take_segments(const struct comm *comm, const struct run *run,
                                 const struct dataset *dataset, struct running *running)
{
    struct profiles profiles = {0};
    enum status status = profiles_read_segments(comm, run_path(run, "profiles.h5"),
                                                &dataset->users.blocks, &profiles);
    running->segment = profiles.segment;
    running->segments = profiles.segments;
    profiles.segment = NULL;
    profiles_clear(&profiles);
    return status;
}

static enum status open_chosen(const struct comm *comm, const struct run *run,
                               const struct dataset *dataset, bool apart, struct running *running)
{
    enum status status = OK;
    int64_t days = config_integer(run->config, "run.valid_days");
    struct choice choice = {.moment = moment_of_table(run->config, dataset->time_last),
                            .apart = apart};
    choice.end = choice.moment + days * DAY_SECONDS;
    *running = (struct running){.promotion = dataset->promotions.promotion,
                                .products = &dataset->products,
                                .moment = choice.moment,
                                .end = choice.end};
    if (dataset->promotions.count == 0) return OK;
    TRY_ALL(comm, lay_out(dataset, &choice, running));
    if (names_any(running, MARKET)) TRY_ALL(comm, take_markets(dataset, running));
    if (names_any(running, AUDIENCE)) TRY_ALL(comm, take_audiences(run, dataset, running));
    if (names_any(running, SEGMENT)) TRY(take_segments(comm, run, dataset, running));
done:
    return status;
}

enum status running_open(const struct comm *comm, const struct run *run,
                         const struct dataset *dataset, struct running *running)
{
    return open_chosen(comm, run, dataset, false, running);
}

enum status running_open_apart(const struct comm *comm, const struct run *run,
                               const struct dataset *dataset, struct running *running)
{
    return open_chosen(comm, run, dataset, true, running);
}

/* ---- what is said of them ---- */

/* Those for nobody are mostly slips: a market that no user is of is written in another way. */
static enum status warn_of_names(const struct comm *comm, const struct dataset *dataset,
                                 const struct dictionary *names, const int32_t *code,
                                 const char *what, const char *as)
{
    enum status status = OK;
    int64_t *met = NULL;
    TRY_ALL(comm, memory_new(&met, names->count, sizeof *met));
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++)
        if (code[u] >= 0) met[code[u]] = 1;
    comm_max_int64(comm, met, names->count);
    for (int64_t m = 0; m < names->count; m++)
        if (met[m] == 0)
            log_warning("promotions.columns.%s: no user is of %s \"%s\"; write it as %s has it, or "
                        "its promotions are for nobody",
                        what, what, dictionary_text(names, m), as);
done:
    free(met);
    return status;
}

static void warn_of_segments(const struct running *running)
{
    for (int64_t i = 0; i < running->listed; i++) {
        int32_t segment = running->promotion[running->row[i]].segment;
        if (segment < running->segments) continue;
        log_warning("promotions.columns.segment: there is no segment %d, the last is %lld "
                    "(profiles.json): its promotions are for nobody",
                    segment, (long long)running->segments - 1);
        return;
    }
}

static int64_t count_ending(const struct running *running)
{
    int64_t count = 0;
    for (int64_t i = 0; i < running->listed; i++) {
        const struct promotion *promotion = &running->promotion[running->row[i]];
        count += runs(promotion, running->moment) && promotion->end < running->end;
    }
    return count;
}

enum status running_say(const struct comm *comm, const struct run *run,
                        const struct dataset *dataset, const struct running *running)
{
    enum status status = OK;
    const struct promotions *all = &dataset->promotions;
    if (all->count == 0) return OK;
    log_info("  promotions: %lld of %lld run when the table begins to hold",
             (long long)running->count, (long long)all->count);
    if (running->listed > running->count)
        log_info("  %lld more begin before it ends: floors and allocate.combined_most hold beside "
                 "them too, prices and figures are those of the first day",
                 (long long)(running->listed - running->count));
    int64_t ending = count_ending(running);
    if (ending > 0)
        log_info("  %lld of those that run end before it does: prices beside them are those of the "
                 "first day, and rise then (run.valid_days)",
                 (long long)ending);
    if (names_any(running, SEGMENT)) warn_of_segments(running);
    if (names_any(running, MARKET))
        TRY(warn_of_names(comm, dataset, &all->market, running->market, "market",
                          "users.columns.market"));
    if (names_any(running, AUDIENCE))
        TRY(warn_of_names(comm, dataset, &all->audience, running->audience, "audience",
                          audience_name(run)));
done:
    return status;
}

void running_clear(struct running *running)
{
    free(running->row);
    free(running->start);
    free(running->market);
    free(running->segment);
    free(running->audience);
    *running = (struct running){0};
}

/* ---- questions ---- */

static bool is_for(const struct running *running, const struct promotion *promotion, int64_t user)
{
    return (promotion->market < 0 || running->market[user] == promotion->market) &&
           (promotion->audience < 0 || running->audience[user] == promotion->audience) &&
           (promotion->segment < 0 || running->segment[user] == promotion->segment);
}

/* The first that is for the user, which is the largest; of those that run at a time, or of all. */
static int32_t find_of(const struct running *running, int64_t goods, int64_t user, bool at,
                       int64_t time)
{
    for (int64_t i = running->start[goods]; i < running->start[goods + 1]; i++) {
        const struct promotion *promotion = &running->promotion[running->row[i]];
        if (is_for(running, promotion, user) && (!at || runs(promotion, time)))
            return running->row[i];
    }
    return -1;
}

/* Of the product or of its category. */
static int32_t find(const struct running *running, int64_t user, int64_t product, bool at,
                    int64_t time)
{
    if (running == NULL || running->listed == 0) return -1;
    int64_t category = running->products->count + running->products->category_code[product];
    int32_t own = find_of(running, product, user, at, time),
            shared = find_of(running, category, user, at, time);
    if (own < 0 || shared < 0) return own < 0 ? shared : own;
    double more = running_discount(running, shared) - running_discount(running, own);
    return more > 0.0 || (more == 0.0 && shared < own) ? shared : own;
}

int32_t running_find(const struct running *running, int64_t user, int64_t product)
{
    return running != NULL ? find(running, user, product, true, running->moment) : -1;
}

int32_t running_deepest(const struct running *running, int64_t user, int64_t product)
{
    return find(running, user, product, false, 0);
}

bool running_lasts(const struct running *running, int64_t user, int64_t product)
{
    int32_t now = running_find(running, user, product),
            most = running_deepest(running, user, product);
    bool larger = running_discount(running, most) > running_discount(running, now);
    return !larger && (now < 0 || running->promotion[now].end >= running->end);
}

bool running_was_apart(const struct running *running, int64_t user, int64_t product, int64_t time)
{
    return find(running, user, product, true, time) >= 0;
}

double running_discount(const struct running *running, int32_t row)
{
    return row >= 0 ? running->promotion[row].discount : 0.0;
}

static void lower(int64_t *since, int64_t start)
{
    if (start < *since && start != INT64_MIN) *since = start;
}

enum status running_since(const struct dataset *dataset, int64_t moment, int64_t *since)
{
    const struct products *products = &dataset->products;
    int64_t *of_category = NULL, categories = products->category.count;
    enum status status = memory_new(&of_category, categories, sizeof *of_category);
    if (status != OK) return status;
    for (int64_t p = 0; p < products->count; p++) since[p] = moment;
    for (int64_t c = 0; c < categories; c++) of_category[c] = moment;
    for (int64_t i = 0; i < dataset->promotions.count; i++) {
        const struct promotion *p = &dataset->promotions.promotion[i];
        if (is_for_all(p) && p->discount > 0.0 && runs(p, moment))
            lower(p->product >= 0 ? &since[p->product] : &of_category[p->category], p->start);
    }
    for (int64_t p = 0; p < products->count; p++)
        lower(&since[p], of_category[products->category_code[p]]);
    free(of_category);
    return OK;
}
