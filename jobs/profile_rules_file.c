/* Rules for segments in profiles.h5. */
#include "jobs/profile_rules.h"
#include "mpi/memory.h"

#include <stdlib.h>

static const struct store_column segment_column = {"rules/segment", STORE_I32, 1, "",
                                                   "that the rule of rules/text names"};
static const struct store_column users_column = {"rules/users", STORE_I64, 1, "users",
                                                 "who satisfy the rule; -1 where they are few"};
static const struct store_column coverage_column = {
    "rules/coverage", STORE_F64, 1, "", "share of the segment's users that satisfy the rule"};
static const struct store_column purity_column = {
    "rules/purity", STORE_F64, 1, "",
    "share of those who satisfy the rule that are of the segment"};
static const struct store_column told_column = {
    "rules/told", STORE_F64, 1, "", "share of all users whose rule names their segment"};
static const struct store_column size_column = {"rules/segment_users", STORE_I64, 1, "users",
                                                "of each segment; -1 where they are few"};

/* The figures of the rules as columns. */
struct columns {
    int32_t *segment;
    int64_t *users;
    double *coverage, *purity;
};

static void columns_clear(struct columns *c)
{
    free(c->segment);
    free(c->users);
    free(c->coverage);
    free(c->purity);
}

static enum status columns_alloc(int64_t count, struct columns *c)
{
    enum status status = OK;
    TRY(memory_new(&c->segment, count, sizeof *c->segment));
    TRY(memory_new(&c->users, count, sizeof *c->users));
    TRY(memory_new(&c->coverage, count, sizeof *c->coverage));
    TRY(memory_new(&c->purity, count, sizeof *c->purity));
done:
    return status;
}

enum status profile_rules_write(const struct comm *comm, struct store *store,
                                const struct profile_rules *rules)
{
    enum status status = OK;
    struct columns c = {0};
    int64_t once = comm->rank == 0;
    if (rules->segments == 0) return OK;
    TRY_ALL(comm, columns_alloc(rules->count, &c));
    for (int64_t r = 0; r < rules->count; r++) {
        c.segment[r] = rules->rule[r].segment;
        c.users[r] = rules->rule[r].users;
        c.coverage[r] = rules->rule[r].coverage;
        c.purity[r] = rules->rule[r].purity;
    }
    TRY(store_write_dictionary(comm, store, "rules/text", "who satisfies the rule", &rules->text));
    TRY(store_write(comm, store, &segment_column, c.segment, once * rules->count));
    TRY(store_write(comm, store, &users_column, c.users, once * rules->count));
    TRY(store_write(comm, store, &coverage_column, c.coverage, once * rules->count));
    TRY(store_write(comm, store, &purity_column, c.purity, once * rules->count));
    TRY(store_write(comm, store, &told_column, &rules->told, once));
    TRY(store_write(comm, store, &size_column, rules->users, once * rules->segments));
done:
    columns_clear(&c);
    return status;
}

static enum status read_columns(const struct comm *comm, struct store *store, struct columns *c,
                                struct profile_rules *rules)
{
    enum status status = OK;
    int64_t count = rules->count;
    TRY(store_read(comm, store, segment_column.name, STORE_I32, 0, count, c->segment));
    TRY(store_read(comm, store, users_column.name, STORE_I64, 0, count, c->users));
    TRY(store_read(comm, store, coverage_column.name, STORE_F64, 0, count, c->coverage));
    TRY(store_read(comm, store, purity_column.name, STORE_F64, 0, count, c->purity));
    TRY(store_read(comm, store, told_column.name, STORE_F64, 0, 1, &rules->told));
    TRY(store_read(comm, store, size_column.name, STORE_I64, 0, rules->segments, rules->users));
done:
    return status;
}

enum status profile_rules_read(const struct comm *comm, struct store *store,
                               struct profile_rules *rules)
{
    enum status status = OK;
    struct columns c = {0};
    *rules = (struct profile_rules){0};
    int64_t segments = store_rows(comm, store, size_column.name, NULL);
    if (segments < 0) return OK;
    TRY(store_read_dictionary(comm, store, "rules/text", &rules->text));
    rules->segments = segments;
    rules->count = rules->text.count;
    TRY_ALL(comm, memory_new(&rules->users, segments, sizeof *rules->users));
    TRY_ALL(comm, memory_new(&rules->rule, rules->count, sizeof *rules->rule));
    TRY_ALL(comm, columns_alloc(rules->count, &c));
    TRY(read_columns(comm, store, &c, rules));
    for (int64_t r = 0; r < rules->count; r++)
        rules->rule[r] = (struct profile_rule){.segment = c.segment[r],
                                               .hidden = c.users[r] < 0,
                                               .users = c.users[r],
                                               .coverage = c.coverage[r],
                                               .purity = c.purity[r]};
done:
    columns_clear(&c);
    if (status != OK) profile_rules_clear(rules);
    return status;
}
