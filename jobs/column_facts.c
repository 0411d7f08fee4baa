/* Counting missing and distinct values. */
#include "jobs/column_facts.h"

#include "io/parse.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { SLOTS_FIRST = 64 };

enum status column_facts_init(struct column_facts *facts, int64_t columns)
{
    enum status status = OK;
    *facts = (struct column_facts){.columns = columns, .distinct_max = COLUMN_DISTINCT_MAX};
    TRY(memory_new(&facts->column, columns, sizeof *facts->column));
    for (int64_t c = 0; c < columns; c++) {
        facts->column[c].slots = SLOTS_FIRST;
        TRY(memory_new(&facts->column[c].slot, SLOTS_FIRST, sizeof(uint64_t)));
    }
done:
    return status;
}

void column_facts_clear(struct column_facts *facts)
{
    for (int64_t c = 0; facts->column != NULL && c < facts->columns; c++)
        free(facts->column[c].slot);
    free(facts->column);
    *facts = (struct column_facts){0};
}

/* ---- sets of hashes ---- */

static uint64_t *slot_of(const struct column_fact *fact, uint64_t hash)
{
    uint64_t mask = (uint64_t)fact->slots - 1, at = hash & mask;
    while (fact->slot[at] != 0 && fact->slot[at] != hash) at = (at + 1) & mask;
    return &fact->slot[at];
}

static enum status widen(struct column_fact *fact)
{
    enum status status = OK;
    struct column_fact wide = {.slots = 2 * fact->slots};
    TRY(memory_new(&wide.slot, wide.slots, sizeof *wide.slot));
    for (int64_t i = 0; i < fact->slots; i++)
        if (fact->slot[i] != 0) *slot_of(&wide, fact->slot[i]) = fact->slot[i];
    free(fact->slot);
    fact->slots = wide.slots;
    fact->slot = wide.slot;
done:
    return status;
}

static enum status add_hash(struct column_fact *fact, uint64_t hash)
{
    uint64_t *slot = slot_of(fact, hash);
    if (*slot == hash) return OK;
    *slot = hash;
    fact->distinct++;
    return 2 * fact->distinct > fact->slots ? widen(fact) : OK;
}

/* A number that is 0 or less; most others are told by their first byte. */
static bool is_low(const struct csv_field *field)
{
    double value = 1.0;
    char first = field->text[0];
    bool may_be = first == '-' || first == '0' || first == '.' || first == '+' || first == ' ';
    return may_be && parse_number(field->text, field->bytes, &value) && value <= 0.0;
}

enum status column_facts_add(struct column_facts *facts, const struct csv_row *row)
{
    enum status status = OK;
    for (int64_t c = 0; c < facts->columns; c++) {
        const struct csv_field *field = &row->field[c];
        struct column_fact *fact = &facts->column[c];
        if (parse_is_missing(field->text, field->bytes)) {
            fact->missing++;
            continue;
        }
        fact->low += is_low(field);
        if (fact->distinct > facts->distinct_max) continue;
        uint64_t hash = XXH3_64bits(field->text, field->bytes);
        TRY(add_hash(fact, hash != 0 ? hash : 1));
    }
done:
    return status;
}

/* ---- all ranks ---- */

static enum status list_hashes(const struct column_fact *fact, uint64_t **list)
{
    int64_t count = 0;
    enum status status = memory_new(list, fact->distinct, sizeof **list);
    for (int64_t i = 0; status == OK && i < fact->slots; i++)
        if (fact->slot[i] != 0) (*list)[count++] = fact->slot[i];
    return status;
}

static enum status add_hashes(struct column_fact *fact, const uint64_t *hash, int64_t count)
{
    enum status status = OK;
    for (int64_t i = 0; i < count && fact->distinct <= COLUMN_DISTINCT_MAX; i++)
        TRY(add_hash(fact, hash[i]));
done:
    return status;
}

static enum status join_column(const struct comm *comm, struct column_fact *fact)
{
    enum status status = OK;
    uint64_t *mine = NULL;
    void *all = NULL;
    int64_t most = fact->distinct, bytes = 0, counts[2] = {fact->missing, fact->low};
    comm_sum_int64(comm, counts, 2);
    fact->missing = counts[0], fact->low = counts[1];
    comm_max_int64(comm, &most, 1);
    if (most > COLUMN_DISTINCT_MAX) fact->distinct = most;
    if (most > COLUMN_DISTINCT_MAX || comm->ranks == 1) return OK;
    TRY_ALL(comm, list_hashes(fact, &mine));
    TRY(comm_gather_all(comm, mine, fact->distinct * (int64_t)sizeof *mine, &all, &bytes));
    TRY_ALL(comm, add_hashes(fact, all, bytes / (int64_t)sizeof *mine));
done:
    free(mine);
    free(all);
    return status;
}

enum status column_facts_report(const struct comm *comm, struct column_facts *facts,
                                const struct csv *csv)
{
    enum status status = OK;
    for (int64_t c = 0; c < facts->columns; c++) {
        struct column_fact *fact = &facts->column[c];
        char distinct[32];
        TRY(join_column(comm, fact));
        snprintf(distinct, sizeof distinct, "%lld", (long long)fact->distinct);
        if (fact->distinct > COLUMN_DISTINCT_MAX)
            snprintf(distinct, sizeof distinct, "over %d", COLUMN_DISTINCT_MAX);
        log_info("    %-22s %9lld missing, %9lld not above 0, %10s different values", csv->name[c],
                 (long long)fact->missing, (long long)fact->low, distinct);
    }
done:
    return status;
}
