/* Numbers of clusters side by side. */
#include "jobs/kmeans_choices.h"

#include "jobs/fit_print.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

void kmeans_choices_log(const struct kmeans_choice *choices, int64_t count, int64_t kept)
{
    int64_t elbow = kmeans_range_elbow(choices, count);
    log_info("     k       inertia  silhouette   elbow");
    for (int64_t i = 0; i < count; i++)
        if (isnan(choices[i].silhouette))
            log_info("  %4" PRId64 "  %12.6g           -  %6.3f", choices[i].k, choices[i].inertia,
                     choices[i].elbow);
        else
            log_info("  %4" PRId64 "  %12.6g  %10.4f  %6.3f%s", choices[i].k, choices[i].inertia,
                     choices[i].silhouette, choices[i].elbow, choices[i].k == kept ? "  kept" : "");
    if (elbow >= 0)
        log_info("  k = %" PRId64 " has the highest silhouette; the elbow is at k = %" PRId64, kept,
                 choices[elbow].k);
    else
        log_info("  k = %" PRId64 " has the highest silhouette; the inertia has no elbow", kept);
}

json_t *kmeans_choices_json(const struct kmeans_choice *choices, int64_t count)
{
    json_t *table = json_array();
    for (int64_t i = 0; i < count; i++)
        json_array_append_new(
            table,
            json_pack("{s:I, s:f, s:o, s:f, s:I, s:b}", "k", (json_int_t)choices[i].k, "inertia",
                      choices[i].inertia, "silhouette", fit_number(choices[i].silhouette), "elbow",
                      choices[i].elbow, "iterations", (json_int_t)choices[i].iterations,
                      "converged", choices[i].converged));
    return table;
}

enum status kmeans_choices_fit(const struct comm *comm, const struct rows *rows,
                               const struct kmeans_options *opt, int64_t most,
                               struct kmeans_choice **choices, int64_t *count,
                               struct kmeans_model **model)
{
    enum status status = OK;
    struct kmeans_options options = *opt;
    int64_t total = rows->blocks->rows_total;
    *choices = NULL;
    *count = 0;
    if (most != 0 && most < options.k)
        return FAIL(ERR_CONFIG,
                    "profile.segments_most is %" PRId64 ", profile.segments %" PRId64
                    ": the numbers to try go from profile.segments up; set both",
                    most, options.k);
    if (options.k > total) options.k = total;
    if (most > total) most = total;
    if (most <= options.k) return kmeans_fit(comm, rows, &options, model);
    TRY_ALL(comm, memory_new(choices, most - options.k + 1, sizeof **choices));
    TRY(kmeans_fit_range(comm, rows, &options, options.k, most, *choices, model));
    *count = most - options.k + 1;
    kmeans_choices_log(*choices, *count, (*model)->k);
done:
    return status;
}
