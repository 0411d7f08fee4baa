/* What cells are made from, opened and closed together. */
#include "jobs/cell_source.h"

enum status cell_source_open(const struct comm *comm, const struct run *run, int parts,
                             struct cell_source *source)
{
    enum status status = OK;
    *source = (struct cell_source){0};
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), parts, &source->dataset));
    const struct blocks *blocks = &source->dataset->users.blocks;
    TRY(candidates_read(comm, run_path(run, "candidates.h5"), blocks, &source->candidates));
    TRY(curves_read(comm, run_path(run, "curves.h5"), blocks, &source->curves));
    TRY_ALL(comm, cell_maker_open(run->config, &source->dataset->products, &source->candidates,
                                  &source->curves, &source->maker));
    TRY(cell_maker_cross(comm, run, &source->demand, &source->maker));
    TRY(labels_open(comm, run, blocks, &source->labels, &source->maker));
done:
    return status;
}

void cell_source_close(struct cell_source *source)
{
    labels_clear(&source->labels);
    demand_clear(&source->demand);
    curves_clear(&source->curves);
    candidates_clear(&source->candidates);
    dataset_free(&source->dataset);
    *source = (struct cell_source){0};
}
