/* What a run folder holds. */
#include "jobs/info.h"

#include "io/file.h"
#include "jobs/page.h"
#include "jobs/run.h"
#include "jobs/versions.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool has_file(const char *folder, const char *name)
{
    char path[INFO_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return file_exists(path);
}

static json_t *load(const char *folder, const char *name)
{
    char path[INFO_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return json_load_file(path, 0, NULL);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "-";
}

static double number_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static void say_version(struct page *page, const char *folder)
{
    json_t *manifest = load(folder, "manifest.json"), *receipt = load(folder, "receipt.json");
    const json_t *budget = json_array_get(json_object_get(receipt, "constraints"), 0);
    page_fact(page, "version", "%s", text_of(manifest, "version"));
    page_fact(page, "published", "%s by remise %s, seed %lld", text_of(manifest, "published"),
              text_of(manifest, "program"),
              (long long)json_integer_value(json_object_get(manifest, "seed")));
    page_fact(page, "users", "under %s ids", text_of(manifest, "user_ids"));
    page_fact(page, "rows", "%s",
              page_count(json_integer_value(json_object_get(receipt, "rows"))).text);
    page_fact(page, "valid", "%s to %s", text_of(receipt, "valid_from"),
              text_of(receipt, "valid_to"));
    page_fact(page, "objective", "%s, at most %s: gap %.2e",
              page_amount(number_of(receipt, "objective"), 2).text,
              page_amount(number_of(receipt, "upper_bound"), 2).text, number_of(receipt, "gap"));
    if (json_is_number(json_object_get(budget, "used")))
        page_fact(page, text_of(budget, "name"), "%s of %s used",
                  page_amount(number_of(budget, "used"), 2).text,
                  page_amount(number_of(budget, "limit"), 2).text);
    json_decref(manifest);
    json_decref(receipt);
}

/* ---- stages ---- */

static int64_t bytes_of(const char *folder, const char *name)
{
    char path[INFO_PATH_BYTES + 64];
    struct stat facts;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &facts) == 0 ? (int64_t)facts.st_size : -1;
}

/* Done to the end, and its outputs are there as it left them. */
static bool stands(const char *folder, const struct stage *stage)
{
    char name[64];
    snprintf(name, sizeof name, "checkpoint/%s.json", stage->name);
    json_t *record = load(folder, name);
    const json_t *bytes = json_object_get(record, "bytes");
    bool good = record != NULL;
    for (int o = 0; stage->outputs[o] != NULL && good; o++)
        good = json_integer_value(json_object_get(bytes, stage->outputs[o])) ==
               bytes_of(folder, stage->outputs[o]);
    json_decref(record);
    return good;
}

static void say_stages(struct page *page, const char *folder)
{
    char standing[256] = "", due[256] = "";
    for (int s = 0; stages[s] != NULL; s++) {
        char *list = stands(folder, stages[s]) ? standing : due;
        size_t used = strlen(list);
        snprintf(list + used, 256 - used, "%s%s", used > 0 ? ", " : "", stages[s]->name);
    }
    page_fact(page, "stages done", "%s", standing[0] != 0 ? standing : "none");
    if (due[0] != 0) page_fact(page, "not done", "%s", due);
}

enum status info_run(const char *folder)
{
    enum status status = OK;
    struct page *page = NULL;
    char version[RUN_PATH_BYTES], *text = NULL;
    int64_t bytes = 0;
    bool run = has_file(folder, "checkpoint");
    enum status published = version_find(folder, version);
    if (published != OK && !run) return published;
    TRY(page_new(&page));
    page_title(page, "%s", folder);
    if (published == OK)
        say_version(page, version);
    else
        page_say(page, 0, "No table is published yet.");
    if (run) say_stages(page, folder);
    TRY(page_take(&page, &text, &bytes));
    fwrite(text, 1, (size_t)bytes, stdout);
done:
    free(text);
    page_free(&page);
    return status;
}
