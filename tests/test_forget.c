/* Who is to be forgotten: from the configuration and a file, on all ranks alike; nobody else. */
#include "tests/folders.h"

#include "jobs/forget.h"

#include <sodium.h>
#include <sys/stat.h>

static const unsigned char secret[USER_SECRET_BYTES] = {5};

static int start(void **state)
{
    (void)state;
    if (sodium_init() < 0) abort();
    scratch_open();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

/* The list of a configuration that ends in `privacy`. */
static enum status read_list(const char *privacy, struct forget_list *list)
{
    char text[512];
    struct config *config = NULL;
    int bytes = snprintf(text, sizeof text,
                         "events: {file: e.csv, columns: {user_id: u, product_id: p, time: t, "
                         "unit_price: c}}\nprivacy: {%s}\n",
                         privacy);
    char *path = scratch_share("shop.yaml", text, (size_t)bytes);
    enum status status = config_read(&world, path, NULL, &config);
    if (status == OK) status = forget_read(&world, config, secret, list);
    comm_barrier(&world);
    config_free(&config);
    free(path);
    return status;
}

static bool has(struct forget_list *list, const char *id)
{
    return forget_has(list, user_key_of(secret, id, strlen(id)));
}

static void nobody(void **state)
{
    (void)state;
    struct forget_list list;
    assert_all(read_list("min_users: 60", &list) == OK);
    assert_all(list.count == 0 && list.key == NULL && !has(&list, "anna"));
    forget_clear(&list);
    free(scratch_share("forget.txt", "# nobody yet\n\n   \n", 17));
    assert_all(read_list("forget_file: forget.txt", &list) == OK);
    assert_all(list.count == 0 && !has(&list, ""));
    forget_clear(&list);
}

static void both(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbfUser 7\r\n# someone\nanna\n\n \t\n \"q\", x\nlast";
    struct forget_list list;
    free(scratch_share("forget.txt", text, sizeof text - 1));
    assert_all(read_list("forget: [anna, '12', '#5'], forget_file: forget.txt", &list) == OK);
    assert_all(list.count == 6);
    assert_all(has(&list, "anna") && has(&list, "12") && has(&list, "#5"));
    assert_all(has(&list, "User 7") && has(&list, " \"q\", x") && has(&list, "last"));
    assert_all(!has(&list, "# someone") && !has(&list, "ann") && !has(&list, ""));
    for (int64_t i = 1; i < list.count; i++)
        assert_all(user_key_compare(list.key[i - 1], list.key[i]) < 0);
    forget_clear(&list);
}

static void many(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    char *text = malloc(16 * MANY), id[16];
    int64_t bytes = 0, wrong = 0;
    struct forget_list list;
    for (int u = 0; u < 2 * MANY; u += 2) bytes += sprintf(text + bytes, "u%d\n", u);
    free(scratch_share("forget.txt", text, (size_t)bytes));
    assert_all(read_list("forget_file: forget.txt", &list) == OK);
    assert_all(list.count == MANY);
    for (int u = 0; u < 2 * MANY; u++) {
        snprintf(id, sizeof id, "u%d", u);
        wrong += has(&list, id) != (u % 2 == 0);
    }
    assert_all(wrong == 0);
    forget_clear(&list);
    free(text);
}

static void refused(void **state)
{
    (void)state;
    struct forget_list list;
    assert_all(read_list("forget_file: no.txt", &list) == ERR_NO_INPUT);
    assert_all(strstr(status_message(), "no.txt") != NULL);
    free(scratch_share("forget.txt", "anna\nb\0en\n", 10));
    assert_all(read_list("forget_file: forget.txt", &list) == ERR_DATA);
    assert_all(strstr(status_message(), "forget.txt:2:") != NULL);
}

static void faults(void **state)
{
    (void)state;
    struct forget_list list;
    comm_inject_fault(-1, 0);
    assert_all(read_list("forget: [anna, ben]", &list) == OK);
    forget_clear(&list);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(read_list("forget: [anna, ben]", &list) != OK);
    }
    comm_inject_fault(-1, 0);
}

TEST_MAIN(cmocka_unit_test_setup_teardown(nobody, start, stop),
          cmocka_unit_test_setup_teardown(both, start, stop),
          cmocka_unit_test_setup_teardown(many, start, stop),
          cmocka_unit_test_setup_teardown(refused, start, stop),
          cmocka_unit_test_setup_teardown(faults, start, stop))
