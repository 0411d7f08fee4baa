/* What scorers take from the profile stage, and which products they rank. */
#include "jobs/offerable.h"
#include "jobs/scorer_data.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* A name that no product has is mostly a slip. */
static void leave_out_named(const struct config *config, const struct products *products,
                            uint8_t *offerable)
{
    const char *const *names = NULL;
    int64_t count = config_texts(config, "recommend.never", &names);
    for (int64_t i = 0; i < count; i++) {
        int64_t product = dictionary_find(&products->id, names[i], strlen(names[i]));
        if (product < 0)
            log_warning("recommend.never: there is no product \"%s\" among those bought or offered",
                        names[i]);
        else
            offerable[product] = 0;
    }
}

static enum status find_offerable(const struct config *config, const struct products *products,
                                  uint8_t **offerable)
{
    int64_t count = 0;
    enum status status = memory_new(offerable, products->count, 1);
    if (status != OK) return status;
    for (int64_t p = 0; p < products->count; p++)
        (*offerable)[p] = offerable_product(config, products, p);
    leave_out_named(config, products, *offerable);
    for (int64_t p = 0; p < products->count; p++) count += (*offerable)[p];
    if (count == 0)
        return FAIL(ERR_DATA,
                    "no product has a list price above its cost by allocate.margin_floor; check "
                    "products.columns, products.assumed_margin and allocate.margin_floor");
    log_info("  %lld of %lld products can be offered", (long long)count,
             (long long)products->count);
    return OK;
}

static enum status read_profiles(const struct comm *comm, struct store *store,
                                 struct scorer_shop *shop)
{
    enum status status = OK;
    TRY(store_read_dictionary(comm, store, "names", &shop->feature));
    shop->segments = store_rows(comm, store, "segments/users", NULL);
    int64_t columns = shop->feature.count;
    TRY_ALL(comm, memory_new(&shop->centroid, shop->segments * columns, sizeof *shop->centroid));
    TRY_ALL(comm, memory_new(&shop->mean, columns, sizeof *shop->mean));
    TRY_ALL(comm, memory_new(&shop->sd, columns, sizeof *shop->sd));
    TRY(store_read(comm, store, "segments/centroid", STORE_F64, 0, shop->segments, shop->centroid));
    TRY(store_read(comm, store, "mean", STORE_F64, 0, columns, shop->mean));
    TRY(store_read(comm, store, "sd", STORE_F64, 0, columns, shop->sd));
done:
    return status;
}

enum status scorer_shop_open(const struct comm *comm, const struct run *run,
                             const struct dataset *dataset, struct scorer_shop *shop)
{
    enum status status = OK;
    struct store *store = NULL;
    *shop = (struct scorer_shop){.dataset = dataset, .seed = run->seed, .config = run->config};
    TRY_ALL(comm, find_offerable(run->config, &dataset->products, &shop->offerable));
    TRY(store_open(comm, run_path(run, "profiles.h5"), &store));
    TRY(read_profiles(comm, store, shop));
done:
    store_close(comm, &store);
    if (status != OK) scorer_shop_clear(shop);
    return status;
}

void scorer_shop_clear(struct scorer_shop *shop)
{
    free(shop->offerable);
    dictionary_clear(&shop->feature);
    free(shop->centroid);
    free(shop->mean);
    free(shop->sd);
    *shop = (struct scorer_shop){0};
}
