/* The secret: the same bytes on every rank, from a file, a descriptor or the user's own folder, and
 * refused where others could know it. */
#include "tests/folders.h"

#include "io/file.h"
#include "jobs/secret.h"
#include "partition/users.h"

#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const unsigned char key[USER_SECRET_BYTES] = "0123456789abcdef0123456789abcde";

static int start(void **state)
{
    (void)state;
    scratch_open();
    setenv("XDG_CONFIG_HOME", scratch_folder, 1);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

/* What a configuration that ends in `privacy` gives; digest of rank 0. */
static enum status take(const char *privacy, unsigned char *bytes, unsigned char *digest)
{
    enum status status = OK;
    char text[512];
    struct config *config = NULL;
    struct secret *secret = NULL;
    int length = snprintf(text, sizeof text,
                          "events: {file: e.csv, columns: {user_id: u, product_id: p, time: t, "
                          "unit_price: c}}\nprivacy: {%s}\n",
                          privacy);
    char *path = scratch_share("shop.yaml", text, (size_t)length);
    memset(bytes, 0, USER_SECRET_BYTES);
    TRY(config_read(&world, path, NULL, &config));
    TRY(secret_open(&world, config, &secret));
    const struct run run = {.config = config, .secret = secret};
    TRY(secret_read(&world, &run, bytes));
    if (world.rank == 0) secret_digest(secret, digest);
    comm_broadcast(&world, digest, SECRET_DIGEST_BYTES, 0);
done:
    secret_free(&secret);
    config_free(&config);
    free(path);
    comm_barrier(&world);
    return status;
}

static enum status take_file(const void *data, size_t bytes, unsigned mode, unsigned char *secret,
                             unsigned char *digest)
{
    char *path = scratch_share("own.key", data, bytes);
    if (world.rank == 0 && chmod(path, mode) != 0) abort();
    free(path);
    comm_barrier(&world);
    return take("secret_file: own.key", secret, digest);
}

static void from_file(void **state)
{
    (void)state;
    unsigned char got[USER_SECRET_BYTES], digest[2][SECRET_DIGEST_BYTES], derived[2][32];
    struct rlimit core;
    assert_all(take_file(key, sizeof key, 0600, got, digest[0]) == OK);
    assert_all(memcmp(got, key, sizeof key) == 0);
    assert_all(take_file(key, sizeof key, 0400, got, digest[1]) == OK);
    assert_all(memcmp(digest[0], digest[1], SECRET_DIGEST_BYTES) == 0);
    assert_all(take_file("another one of 32 bytes, no more", 32, 0600, got, digest[1]) == OK);
    assert_all(memcmp(digest[0], digest[1], SECRET_DIGEST_BYTES) != 0);
    secret_derive(key, SECRET_FOR_VAULT, derived[0]);
    secret_derive(key, SECRET_FOR_PIECES, derived[1]);
    assert_all(memcmp(derived[0], derived[1], 32) != 0 && memcmp(derived[0], key, 32) != 0);
    assert_all(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur <= 1);
}

static void refused(void **state)
{
    (void)state;
    static const unsigned open_modes[] = {0640, 0604, 0660, 0610, 0666};
    unsigned char got[USER_SECRET_BYTES], digest[SECRET_DIGEST_BYTES], longer[33] = {0};
    for (size_t m = 0; m < sizeof open_modes / sizeof *open_modes; m++) {
        assert_all(take_file(key, sizeof key, open_modes[m], got, digest) == ERR_CONFIG);
        assert_all(strstr(status_message(), "chmod 600") != NULL && got[0] == 0);
    }
    assert_all(take_file(key, 31, 0600, got, digest) == ERR_CONFIG);
    assert_all(take_file(key, 0, 0600, got, digest) == ERR_CONFIG);
    assert_all(take_file(longer, 33, 0600, got, digest) == ERR_CONFIG);
    assert_all(take("secret_file: absent.key", got, digest) == ERR_CONFIG);
    assert_all(take("secret_file: own.key, secret_fd: 0", got, digest) == ERR_CONFIG);
    assert_all(take("secret_fd: 1000", got, digest) == ERR_CONFIG);
}

/* `bytes` bytes come over a pipe to rank 0. */
static enum status take_pipe(const void *data, size_t bytes, unsigned char *got,
                             unsigned char *digest)
{
    int ends[2] = {0, 0};
    char privacy[32];
    if (pipe(ends) != 0 || write(ends[1], data, bytes) != (ssize_t)bytes) abort();
    close(ends[1]);
    int of_first = ends[0];
    comm_broadcast(&world, &of_first, sizeof of_first, 0);
    snprintf(privacy, sizeof privacy, "secret_fd: %d", of_first);
    enum status status = take(privacy, got, digest);
    close(ends[0]);
    return status;
}

static void from_descriptor(void **state)
{
    (void)state;
    unsigned char got[USER_SECRET_BYTES], digest[SECRET_DIGEST_BYTES], longer[33] = {0};
    assert_all(take_pipe(key, sizeof key, got, digest) == OK);
    assert_all(memcmp(got, key, sizeof key) == 0);
    assert_all(take_pipe(key, 31, got, digest) == ERR_CONFIG);
    assert_all(take_pipe(longer, 33, got, digest) == ERR_CONFIG);
}

static void made_once(void **state)
{
    (void)state;
    unsigned char got[3][USER_SECRET_BYTES], digest[SECRET_DIGEST_BYTES], zero[32] = {0};
    char *path = scratch_path("remise/secret.key");
    struct stat facts = {0};
    assert_all(take("min_users: 50", got[0], digest) == OK);
    assert_all(stat(path, &facts) == 0 && (facts.st_mode & 0777) == 0600 && facts.st_size == 32);
    assert_all(take("min_users: 50", got[1], digest) == OK);
    assert_all(memcmp(got[0], got[1], 32) == 0 && memcmp(got[0], zero, 32) != 0);
    comm_barrier(&world);
    if (world.rank == 0) unlink(path);
    comm_barrier(&world);
    assert_all(take("min_users: 50", got[2], digest) == OK);
    assert_all(memcmp(got[0], got[2], 32) != 0);
    if (world.rank == 0) setenv("XDG_CONFIG_HOME", "/proc/self", 1); /* where nothing can be made */
    assert_all(take("min_users: 50", got[1], digest) == ERR_CONFIG);
    assert_all(strstr(status_message(), "privacy.secret_file") != NULL);
    free(path);
}

static void faults(void **state)
{
    (void)state;
    unsigned char got[USER_SECRET_BYTES], digest[SECRET_DIGEST_BYTES];
    comm_inject_fault(-1, 0);
    assert_all(take("min_users: 50", got, digest) == OK);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++) {
        comm_inject_fault(k, (int)(k % world.ranks));
        assert_all(take("min_users: 50", got, digest) != OK);
    }
    comm_inject_fault(-1, 0);
}

TEST_MAIN(cmocka_unit_test_setup_teardown(from_file, start, stop),
          cmocka_unit_test_setup_teardown(refused, start, stop),
          cmocka_unit_test_setup_teardown(from_descriptor, start, stop),
          cmocka_unit_test_setup_teardown(made_once, start, stop),
          cmocka_unit_test_setup_teardown(faults, start, stop))
