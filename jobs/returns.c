/* Last in, first out: purchases with units left on a stack, from which returns take. */
#include "jobs/returns.h"

#include "io/dataset.h"
#include "mpi/memory.h"

#include <stdlib.h>

/* One group on its way. */
struct netting {
    struct returns_counts *counts;
    struct event_record *rows;
    uint8_t *outcome;
    int64_t *open; /* rows of purchases: 2 * row, plus 1 once units were taken off */
    int64_t depth;
};

/* The part of an amount that belongs to `taken` of `all` units, to the nearest cent. */
static int32_t share_of(int32_t cents, int64_t taken, int64_t all)
{
    return cents < 0 ? 0 : (int32_t)((cents * taken + all / 2) / all);
}

static void take_units(struct netting *netting, struct event_record *purchase, int64_t milli)
{
    int64_t all = purchase->quantity_milli;
    int32_t paid = share_of(purchase->paid_cents, milli, all);
    purchase->list_cents -= share_of(purchase->list_cents, milli, all);
    purchase->paid_cents -= paid;
    purchase->quantity_milli -= (int32_t)milli;
    netting->counts->netted_paid_cents += paid;
    netting->counts->netted_milli += milli;
}

static void net_one(struct netting *netting, int64_t at)
{
    struct returns_counts *counts = netting->counts;
    int64_t wanted = netting->rows[at].quantity_milli, left = wanted > 0 ? wanted : 0;
    while (left > 0 && netting->depth > 0) {
        int64_t *top = &netting->open[netting->depth - 1];
        struct event_record *purchase = &netting->rows[*top / 2];
        int64_t milli = left < purchase->quantity_milli ? left : purchase->quantity_milli;
        take_units(netting, purchase, milli);
        left -= milli;
        counts->purchases_reduced += *top % 2 == 0;
        *top |= 1;
        if (purchase->quantity_milli > 0) continue;
        netting->outcome[*top / 2] = RETURN_NETTED;
        counts->purchases_reduced--;
        counts->purchases_netted++;
        netting->depth--;
    }
    bool matched = left < wanted;
    netting->outcome[at] = matched ? RETURN_NETTED : RETURN_UNMATCHED;
    counts->returns_netted += matched;
    counts->returns_partly += matched && left > 0;
    counts->returns_unmatched += !matched;
    counts->unmatched_milli += left;
}

static void push(struct netting *netting, int64_t at)
{
    netting->outcome[at] = RETURN_KEPT;
    if (netting->rows[at].kind != EVENT_PURCHASE || netting->rows[at].quantity_milli <= 0) return;
    netting->open[netting->depth++] = 2 * at;
}

static enum status make_room(struct returns *returns, int64_t count)
{
    if (returns->open_capacity >= count) return OK;
    int64_t capacity = 2 * count;
    enum status status =
        returns->open == NULL
            ? memory_new(&returns->open, capacity, sizeof *returns->open)
            : memory_grow(&returns->open, returns->open_capacity, capacity, sizeof *returns->open);
    if (status == OK) returns->open_capacity = capacity;
    return status;
}

enum status returns_net(struct returns *returns, struct event_record *rows, int64_t count,
                        uint8_t *outcome)
{
    enum status status = make_room(returns, count);
    if (status != OK) return status;
    struct netting netting = {
        .counts = &returns->counts, .rows = rows, .outcome = outcome, .open = returns->open};
    for (int64_t first = 0, end; first < count; first = end) { /* rows of one time */
        for (end = first; end < count && rows[end].time == rows[first].time; end++)
            push(&netting, end);
        for (int64_t i = first; i < end; i++)
            if (rows[i].kind == EVENT_RETURN) net_one(&netting, i);
    }
    return OK;
}

void returns_clear(struct returns *returns)
{
    free(returns->open);
    *returns = RETURNS_NONE;
}
