/* The log: rank 0 alone writes, what is below the level is left out, and every line of the file is
 * JSON. */
#include "tests/harness.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

/* The same name on every rank, in a place that only this job uses. */
static void choose_path(void)
{
    int64_t job = getpid();
    comm_broadcast(&world, &job, sizeof job, 0);
    snprintf(path, sizeof path, "/tmp/remise-test-log-%lld", (long long)job);
}

/* Line `number` of the file as JSON, NULL if there is none or it is not an object. */
static json_t *line(int number)
{
    char text[4096];
    json_t *object = NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL) return NULL;
    for (int i = 0; fgets(text, sizeof text, file) != NULL; i++)
        if (i == number) object = json_loads(text, 0, NULL);
    fclose(file);
    return object;
}

static bool line_says(int number, const char *level, const char *message)
{
    json_t *object = line(number);
    if (object == NULL) return false;
    bool says = strcmp(json_string_value(json_object_get(object, "level")), level) == 0 &&
                strcmp(json_string_value(json_object_get(object, "message")), message) == 0 &&
                json_real_value(json_object_get(object, "seconds")) >= 0.0;
    json_decref(object);
    return says;
}

/* stderr goes to nowhere meanwhile, so that the test's own output stays readable. */
static int silence(void)
{
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    if (freopen("/dev/null", "w", stderr) == NULL) return -1;
    return saved;
}

static void speak(int saved)
{
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
}

static void lines_are_json(void **state)
{
    (void)state;
    choose_path();
    int saved = silence();
    log_start(&world, LOG_INFO);
    enum status status = log_open(path);
    log_info("hello from rank %d", world.rank);
    log_warning("a \"quoted\" path C:\\x, a tab\tand a\nnew line");
    log_debug("below the level");
    log_progress("rows", 1, 2);
    log_line(LOG_ERROR, "%s", "caf\303\251");
    enum status closed = log_open(NULL);
    log_info("after the end");
    speak(saved);
    log_start(&world, LOG_ERROR);
    assert_all(status == OK && closed == OK);
    comm_barrier(&world);
    assert_all(line_says(0, "info", "hello from rank 0"));
    assert_all(line_says(1, "warning", "a \"quoted\" path C:\\x, a tab\tand a\nnew line"));
    assert_all(line_says(2, "error", "caf\303\251"));
    assert_all(line(3) == NULL);
    comm_barrier(&world);
    if (world.rank == 0) unlink(path);
}

static void a_file_that_cannot_be_opened_is_named(void **state)
{
    (void)state;
    enum status status = log_open("/nonexistent/folder/log.jsonl");
    assert_all(status == (world.rank == 0 ? ERR_WRITE : OK));
    if (world.rank == 0) status = strstr(status_message(), "/nonexistent/folder") ? OK : ERR_BUG;
    assert_all(status == OK);
}

static void the_clock_only_rises(void **state)
{
    (void)state;
    double before = clock_seconds();
    usleep(2000);
    double after = clock_seconds();
    assert_all(after - before >= 0.002 && after - before < 60.0);
}

TEST_MAIN(cmocka_unit_test(lines_are_json), cmocka_unit_test(a_file_that_cannot_be_opened_is_named),
          cmocka_unit_test(the_clock_only_rises))
