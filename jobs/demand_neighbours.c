/* Pairs of products that users bought, counted here and again at their owners. */
#include "jobs/demand_neighbours.h"

#include "jobs/demand_cells.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_FIRST = 1 << 12 };

struct pair {
    int32_t product, other;
    int64_t users;
};

struct pairs {
    int64_t count, capacity;
    struct pair *pair;
    int64_t *buyers; /* [products] */
};

/* A product that a user bought, and its place in the draw. */
struct bought {
    int32_t category, product;
    uint64_t draw;
};

/* ---- what one user bought ---- */

static int compare_bought(const void *a, const void *b)
{
    const struct bought *left = a, *right = b;
    if (left->category != right->category) return left->category < right->category ? -1 : 1;
    if (left->draw != right->draw) return left->draw < right->draw ? -1 : 1;
    return (left->product > right->product) - (left->product < right->product);
}

/* Distinct products in the order of category and draw; `last` knows the user who bought each. */
static int64_t list_bought(const struct dataset *dataset, int64_t u, uint64_t seed, int64_t *last,
                           struct bought *list)
{
    const struct events *events = &dataset->events;
    int64_t count = 0;
    for (int64_t e = events->start[u]; e < events->start[u + 1]; e++) {
        int32_t product = events->product[e];
        uint32_t bits[4];
        if (events->kind[e] != EVENT_PURCHASE || last[product] == u + 1) continue;
        last[product] = u + 1;
        random_bits(seed, RANDOM_NEIGHBOURS, dataset->users.key[u].low, (uint64_t)product, bits);
        list[count++] = (struct bought){.category = dataset->products.category_code[product],
                                        .product = product,
                                        .draw = (uint64_t)bits[0] << 32 | bits[1]};
    }
    if (count > 0) qsort(list, (size_t)count, sizeof *list, compare_bought);
    return count;
}

/* ---- pairs ---- */

static int compare_pair(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    if (left->product != right->product) return left->product < right->product ? -1 : 1;
    return (left->other > right->other) - (left->other < right->other);
}

/* Sort, and add equal pairs together. */
static void merge(struct pairs *pairs)
{
    int64_t kept = 0;
    struct pair *pair = pairs->pair;
    if (pairs->count > 0) qsort(pair, (size_t)pairs->count, sizeof *pair, compare_pair);
    for (int64_t i = 0; i < pairs->count; i++)
        if (kept > 0 && compare_pair(&pair[kept - 1], &pair[i]) == 0)
            pair[kept - 1].users += pair[i].users;
        else
            pair[kept++] = pair[i];
    pairs->count = kept;
}

/* Room for the pairs of one basket: what is full is merged, and grows where that was no help. */
static enum status make_room(struct pairs *pairs)
{
    enum status status = OK;
    int64_t wanted = NEIGHBOUR_BASKET * (NEIGHBOUR_BASKET - 1);
    if (pairs->count + wanted <= pairs->capacity) return OK;
    merge(pairs);
    if (2 * pairs->count + wanted <= pairs->capacity) return OK;
    int64_t larger = pairs->capacity == 0 ? PAIRS_FIRST : 2 * pairs->capacity;
    TRY(memory_grow(&pairs->pair, pairs->count, larger, sizeof *pairs->pair));
    pairs->capacity = larger;
done:
    return status;
}

static enum status add_basket(struct pairs *pairs, const struct bought *list, int64_t count)
{
    enum status status = make_room(pairs);
    if (status != OK) return status;
    if (count > NEIGHBOUR_BASKET) count = NEIGHBOUR_BASKET;
    for (int64_t i = 0; i < count; i++) {
        pairs->buyers[list[i].product]++;
        for (int64_t j = 0; j < count; j++)
            if (j != i)
                pairs->pair[pairs->count++] = (struct pair){list[i].product, list[j].product, 1};
    }
    return OK;
}

static int64_t most_events(const struct dataset *dataset)
{
    int64_t most = 0;
    const int64_t *start = dataset->events.start;
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++)
        if (start[u + 1] - start[u] > most) most = start[u + 1] - start[u];
    return most;
}

/* Both ways of every pair that this rank's users bought, in order. */
static enum status count_pairs(const struct dataset *dataset, uint64_t seed, struct pairs *pairs)
{
    enum status status = OK;
    struct bought *list = NULL;
    int64_t *last = NULL;
    TRY(memory_new(&pairs->buyers, dataset->products.count, sizeof *pairs->buyers));
    TRY(memory_new(&last, dataset->products.count, sizeof *last));
    TRY(memory_new(&list, most_events(dataset), sizeof *list));
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++) {
        int64_t count = list_bought(dataset, u, seed, last, list);
        for (int64_t first = 0, next = 0; first < count; first = next) {
            while (next < count && list[next].category == list[first].category) next++;
            TRY(add_basket(pairs, list + first, next - first));
        }
    }
    merge(pairs);
done:
    free(list);
    free(last);
    return status;
}

/* ---- the nearest ---- */

static double cosine(const struct pairs *pairs, const struct pair *pair)
{
    double both = (double)pairs->buyers[pair->product] * (double)pairs->buyers[pair->other];
    return (double)pair->users / sqrt(both);
}

/* Put one among the nearest of its product, which stay in order; pairs come by rising `other`. */
static void insert(struct demand_neighbours *n, int64_t row, int32_t product, double weight)
{
    int32_t *to = n->product + row * n->most;
    double *by = n->weight + row * n->most;
    int64_t at = n->most;
    while (at > 0 && (to[at - 1] < 0 || by[at - 1] < weight)) at--;
    if (at == n->most) return;
    memmove(to + at + 1, to + at, (size_t)(n->most - 1 - at) * sizeof *to);
    memmove(by + at + 1, by + at, (size_t)(n->most - 1 - at) * sizeof *by);
    to[at] = product;
    by[at] = weight;
}

/* Of the products of this rank, from the pairs of all. */
static enum status choose(const struct blocks *products, const struct pairs *pairs,
                          struct demand_neighbours *mine)
{
    enum status status = OK;
    int64_t cells = products->rows_local * mine->most;
    TRY(memory_new(&mine->product, cells, sizeof *mine->product));
    TRY(memory_new(&mine->weight, cells, sizeof *mine->weight));
    for (int64_t i = 0; i < cells; i++) mine->product[i] = -1;
    for (int64_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = &pairs->pair[i];
        if (pair->users < NEIGHBOUR_USERS) continue;
        insert(mine, pair->product - products->row_first, pair->other, cosine(pairs, pair));
    }
    for (int64_t p = 0; p < products->rows_local; p++) {
        double *weight = mine->weight + p * mine->most, sum = 0;
        for (int64_t k = 0; k < mine->most; k++) sum += weight[k];
        for (int64_t k = 0; k < mine->most && sum > 0.0; k++) weight[k] /= sum;
    }
done:
    return status;
}

/* ---- all ranks ---- */

static enum status send_pairs(const struct comm *comm, int64_t products, struct pairs *pairs)
{
    enum status status = OK;
    int64_t *to = NULL;
    void *received = NULL;
    TRY_ALL(comm, memory_new(&to, comm->ranks, sizeof *to));
    for (int64_t i = 0; i < pairs->count; i++)
        to[blocks_owner(comm, products, DEMAND_BLOCK, pairs->pair[i].product)]++;
    TRY(comm_exchange(comm, pairs->pair, to, sizeof *pairs->pair, &received, &pairs->count));
    free(pairs->pair);
    pairs->pair = received;
    merge(pairs);
    comm_sum_int64(comm, pairs->buyers, products);
done:
    free(to);
    return status;
}

static enum status share(const struct comm *comm, int64_t products,
                         const struct demand_neighbours *mine, struct demand_neighbours *all)
{
    enum status status = OK;
    int64_t cells = products * mine->most, bytes = 0;
    void *product = NULL, *weight = NULL;
    TRY(comm_gather_all(comm, mine->product, cells * (int64_t)sizeof *mine->product, &product,
                        &bytes));
    all->product = product;
    TRY(comm_gather_all(comm, mine->weight, cells * (int64_t)sizeof *mine->weight, &weight,
                        &bytes));
    all->weight = weight;
done:
    return status;
}

enum status demand_neighbours_find(const struct comm *comm, const struct dataset *dataset,
                                   int64_t most, uint64_t seed,
                                   struct demand_neighbours *neighbours)
{
    enum status status = OK;
    int64_t products = dataset->products.count;
    struct demand_neighbours mine = {.products = products, .most = most};
    struct blocks blocks = {0};
    struct pairs pairs = {0};
    *neighbours = mine;
    TRY_ALL(comm, blocks_cut(comm, products, DEMAND_BLOCK, &blocks));
    TRY_ALL(comm, count_pairs(dataset, seed, &pairs));
    TRY(send_pairs(comm, products, &pairs));
    TRY_ALL(comm, choose(&blocks, &pairs, &mine));
    TRY(share(comm, blocks.rows_local, &mine, neighbours));
done:
    free(pairs.pair);
    free(pairs.buyers);
    blocks_clear(&blocks);
    demand_neighbours_clear(&mine);
    if (status != OK) demand_neighbours_clear(neighbours);
    return status;
}

void demand_neighbours_clear(struct demand_neighbours *neighbours)
{
    free(neighbours->product);
    free(neighbours->weight);
    *neighbours = (struct demand_neighbours){0};
}
