/* Rows of a user, and what they were made from. */
#include "jobs/why_facts.h"

#include "io/file.h"
#include "jobs/profiles.h"
#include "jobs/user_named.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- who is meant ---- */

static enum status say_unknown(const struct comm *comm, const struct why *why, const char *user)
{
    struct dataset *dataset = NULL;
    const char *path = published_run_path(&why->published, "dataset.h5");
    bool there = file_exists(path) && dataset_read_user(comm, path, why->key, &dataset) == OK &&
                 dataset->users.blocks.rows_local > 0;
    dataset_free(&dataset);
    if (there)
        return FAIL(ERR_NO_INPUT,
                    "the table has no row for user %s, whom the shop's tables have: there was no "
                    "product to offer",
                    user);
    return FAIL(ERR_NO_INPUT,
                "the table has no user %s: not in the shop's tables, without consent, forgotten, "
                "or known there under another secret (docs/privacy.md)",
                user);
}

/* Ids may look like pseudonyms, so both are tried. */
static enum status find_rows(const struct comm *comm, const char *user, struct why *why,
                             int64_t *rows)
{
    enum status status = OK;
    if (user_named_pseudonym(user, &why->key)) {
        TRY(published_find(comm, &why->published, why->key, &why->first, rows));
        if (*rows > 0) goto done;
    }
    TRY_ALL(comm, user_named_id(why->config, user, &why->key));
    TRY(published_find(comm, &why->published, why->key, &why->first, rows));
    if (*rows == 0) TRY(say_unknown(comm, why, user));
done:
    return status;
}

/* ---- what the run folder has ---- */

static enum status read_float(const struct comm *comm, const struct store *store, const char *name,
                              int64_t row, double *value)
{
    float stored = NAN;
    enum status status = store_read(comm, store, name, STORE_F32, row, 1, &stored);
    *value = (double)stored;
    return status;
}

static enum status read_own(const struct comm *comm, const struct run *run, int64_t row,
                            struct why_elasticity *own)
{
    enum status status = OK;
    struct store *store = NULL;
    int32_t rows = 0;
    TRY(store_open(comm, run_path(run, "demand.h5"), &store));
    if (store_rows(comm, store, "users/shrunk", NULL) <= row) goto done;
    TRY(read_float(comm, store, "users/estimate", row, &own->estimate));
    TRY(read_float(comm, store, "users/std_error", row, &own->std_error));
    TRY(read_float(comm, store, "users/shrunk", row, &own->shrunk));
    TRY(read_float(comm, store, "users/shrunk_sd", row, &own->shrunk_sd));
    TRY(store_read(comm, store, "users/rows", STORE_I32, row, 1, &rows));
    TRY(store_read(comm, store, "users/level", STORE_U8, row, 1, &own->level));
    own->rows = rows;
    own->known = true;
done:
    store_close(comm, &store);
    return status;
}

static enum status read_segment(const struct comm *comm, const struct run *run, int64_t row,
                                struct why *why)
{
    enum status status = OK;
    struct store *store = NULL;
    why->segment = -1;
    TRY(store_open(comm, run_path(run, "profiles.h5"), &store));
    TRY(store_read(comm, store, "segment", STORE_I32, row, 1, &why->segment));
    TRY(profile_rules_read(comm, store, &why->rules));
done:
    store_close(comm, &store);
    return status;
}

int64_t why_slot(const struct why *why, int64_t row)
{
    return why->rows.place[row];
}

/* Do the cells of the run folder agree with the table? */
static bool is_same(const struct why *why, int64_t row)
{
    const struct problem *problem = &why->rows.problem;
    struct slot_cells cells;
    int levels = problem->levels;
    if (why->source.maker.levels != levels || why->rows.place[row] < 0 ||
        why->rows.place[row] >= why->source.candidates.slots)
        return false;
    cells_of_slot(&why->source.maker, why_slot(why, row), &cells);
    if (cells.product < 0) return false;
    const char *product = dictionary_text(&why->source.dataset->products.id, cells.product);
    return strncmp(product, why_product(why, row), (size_t)why->rows.product_bytes) == 0 &&
           memcmp(cells.value, problem->value + row * levels,
                  (size_t)levels * sizeof *cells.value) == 0;
}

static enum status read_source(const struct comm *comm, struct why *why)
{
    enum status status = OK;
    const struct run *run = &why->run;
    TRY(cell_source_open_user(comm, run, why->key, &why->source));
    const struct blocks *blocks = &why->source.dataset->users.blocks;
    TRY_ALL(comm, blocks->rows_local > 0 ? OK : FAIL(ERR_NO_INPUT, "dataset.h5 lacks the user"));
    for (int64_t r = 0; r < why->rows.rows; r++)
        TRY_ALL(comm, is_same(why, r) ? OK
                                      : FAIL(ERR_DATA, "stages ran again since this table was "
                                                       "published, with another outcome"));
    TRY(curves_read_intervals(comm, run_path(run, "curves.h5"), blocks, &why->curves));
    TRY(demand_read(comm, run_path(run, "demand.h5"), &why->demand));
    TRY(read_own(comm, run, blocks->row_first, &why->own));
    TRY(read_segment(comm, run, blocks->row_first, why));
done:
    return status;
}

/* The table stands by itself; what the run folder no longer has is left out, and said. */
static void try_source(const struct comm *comm, struct why *why)
{
    if (why->config == NULL) {
        snprintf(why->note, sizeof why->note, "the run folder has no settings.yaml");
        return;
    }
    why->has_source = read_source(comm, why) == OK;
    if (!why->has_source) snprintf(why->note, sizeof why->note, "%s", status_message());
}

enum status why_facts_gather(const struct comm *comm, const char *folder, const char *user,
                             const char *const *sets, struct why *why)
{
    enum status status = OK;
    int64_t rows = 0;
    *why = (struct why){.segment = -1};
    TRY(published_open(comm, folder, &why->published));
    const char *settings = published_run_path(&why->published, "settings.yaml");
    if (file_exists(settings)) TRY(config_read_alone(settings, sets, &why->config));
    why->run.config = why->config;
    snprintf(why->run.folder, sizeof why->run.folder, "%s", why->published.run);
    TRY(find_rows(comm, user, why, &rows));
    TRY(published_read(comm, &why->published, why->first, rows, &why->rows));
    try_source(comm, why);
done:
    return status;
}

void why_facts_clear(const struct comm *comm, struct why *why)
{
    profile_rules_clear(&why->rules);
    demand_clear(&why->demand);
    curves_clear(&why->curves);
    cell_source_close(&why->source);
    published_rows_clear(&why->rows);
    published_close(comm, &why->published);
    config_free(&why->config);
    *why = (struct why){0};
}

/* ---- questions ---- */

const char *why_product(const struct why *why, int64_t row)
{
    return why->rows.product + row * why->rows.product_bytes;
}

int why_product_bytes(const struct why *why, int64_t row)
{
    return (int)strnlen(why_product(why, row), (size_t)why->rows.product_bytes);
}

struct why_elasticity why_product_elasticity(const struct why *why, int64_t row)
{
    const struct elasticities *e = &why->demand.product;
    int64_t product = why->source.candidates.product[why_slot(why, row)];
    if (product < 0 || product >= e->units) return (struct why_elasticity){.known = false};
    return (struct why_elasticity){.known = true,
                                   .estimate = e->estimate[product],
                                   .std_error = e->std_error[product],
                                   .shrunk = e->shrunk[product],
                                   .shrunk_sd = e->shrunk_sd[product],
                                   .rows = e->rows[product],
                                   .level = e->level[product]};
}

static const struct promotion *promotion_at(const struct why *why, int32_t row)
{
    return row >= 0 ? &why->source.running.promotion[row] : NULL;
}

const struct promotion *why_promotion(const struct why *why, int64_t row)
{
    if (!why->has_source) return NULL;
    int32_t product = why->source.candidates.product[why_slot(why, row)];
    return promotion_at(why, running_find(&why->source.running, 0, product));
}

const struct promotion *why_coming(const struct why *why, int64_t row)
{
    if (!why->has_source) return NULL;
    const struct promotion *now = why_promotion(why, row);
    int32_t product = why->source.candidates.product[why_slot(why, row)];
    const struct promotion *most =
        promotion_at(why, running_deepest(&why->source.running, 0, product));
    double here = now != NULL ? now->discount : 0.0;
    return most != NULL && most->discount > here ? most : NULL;
}

const char *why_shrunk_to(const struct why_elasticity *elasticity)
{
    static const char *const names[] = {"the mean of all", "the category", "category and segment"};
    return elasticity->level < DEMAND_LEVELS ? names[elasticity->level] : "";
}
