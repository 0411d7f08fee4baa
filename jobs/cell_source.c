/* What cells are made from, opened and closed together. */
#include "jobs/cell_source.h"

#include "jobs/profile_lifetime.h"
#include "mpi/log.h"

#include <stdlib.h>

/* Without a lifetime value purchases add nothing to it, which an objective may not rest on. */
static enum status read_lifetime(const struct comm *comm, const struct run *run,
                                 struct cell_source *source)
{
    enum status status = OK;
    struct cell_maker *maker = &source->maker;
    TRY(profile_lifetime_read_more(comm, run_path(run, "profiles.h5"),
                                   &source->dataset->users.blocks, &source->lifetime));
    maker->lifetime = source->lifetime;
    if (maker->lifetime != NULL || maker->weight_lifetime <= 0.0) goto done;
    TRY_ALL(comm,
            maker->weight_profit + maker->weight_revenue + maker->weight_surplus +
                        maker->weight_purchases >
                    0.0
                ? OK
                : FAIL(ERR_DATA, "allocate.objective.lifetime: the shop has no lifetime value "
                                 "(nobody bought on two days); give profit, revenue, surplus "
                                 "or purchases a weight"));
    log_warning("allocate.objective.lifetime: the shop has no lifetime value, and nothing is "
                "counted for it");
done:
    return status;
}

/* What belongs to the users of the data set. */
static enum status open_parts(const struct comm *comm, const struct run *run,
                              struct cell_source *source)
{
    enum status status = OK;
    const struct blocks *blocks = &source->dataset->users.blocks;
    TRY(candidates_read(comm, run_path(run, "candidates.h5"), blocks, &source->candidates));
    TRY(curves_read(comm, run_path(run, "curves.h5"), blocks, &source->curves));
    TRY_ALL(comm, cell_maker_open(run->config, &source->dataset->products, &source->candidates,
                                  &source->curves, &source->maker));
    TRY(cell_maker_cross(comm, run, &source->demand, &source->maker));
    TRY(reference_read(comm, run_path(run, "prices.h5"), source->dataset->products.count,
                       &source->reference));
    source->maker.reference = &source->reference;
    TRY(running_open(comm, run, source->dataset, &source->running));
    source->maker.running = &source->running;
    TRY(read_lifetime(comm, run, source));
    TRY(labels_open(comm, run, blocks, &source->labels, &source->maker));
done:
    return status;
}

enum status cell_source_open(const struct comm *comm, const struct run *run, int parts,
                             struct cell_source *source)
{
    enum status status = OK;
    *source = (struct cell_source){0};
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), parts | DATASET_PROMOTED,
                     &source->dataset));
    TRY(open_parts(comm, run, source));
done:
    return status;
}

enum status cell_source_open_user(const struct comm *comm, const struct run *run,
                                  struct user_key key, struct cell_source *source)
{
    enum status status = OK;
    *source = (struct cell_source){0};
    TRY(dataset_read_user(comm, run_path(run, "dataset.h5"), key, &source->dataset));
    TRY(open_parts(comm, run, source));
done:
    return status;
}

void cell_source_close(struct cell_source *source)
{
    labels_clear(&source->labels);
    running_clear(&source->running);
    reference_clear(&source->reference);
    free(source->lifetime);
    demand_clear(&source->demand);
    curves_clear(&source->curves);
    candidates_clear(&source->candidates);
    dataset_free(&source->dataset);
    *source = (struct cell_source){0};
}
