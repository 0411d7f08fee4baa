/* The key of the pseudonyms. */
#include "jobs/secret.h"

#include "mpi/log.h"
#include "partition/users.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void derive_from_seed(uint64_t seed, unsigned char *secret)
{
    char text[64];
    int bytes = snprintf(text, sizeof text, "remise seed %llu", (unsigned long long)seed);
    crypto_generichash_blake2b(secret, USER_SECRET_BYTES, (const unsigned char *)text,
                               (unsigned long long)bytes, NULL, 0);
}

static enum status read_file(const char *path, unsigned char *secret)
{
    struct stat facts;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return FAIL(ERR_NO_INPUT, "cannot open the secret %s; make one: head -c 32 /dev/urandom",
                    path);
    bool known = fstat(file, &facts) == 0;
    bool whole = read(file, secret, USER_SECRET_BYTES) == USER_SECRET_BYTES;
    close(file);
    if (!known || (facts.st_mode & 077) != 0)
        return FAIL(ERR_CONFIG, "others may read the secret %s; chmod 600 it", path);
    if (!whole || facts.st_size != USER_SECRET_BYTES)
        return FAIL(ERR_CONFIG, "the secret %s has %lld bytes; it must have %d", path,
                    (long long)facts.st_size, USER_SECRET_BYTES);
    return OK;
}

enum status secret_read(const struct comm *comm, const struct run *run, unsigned char *secret)
{
    enum status status = OK;
    const char *path = config_path(run->config, "privacy.secret_file");
    TRY_ALL(comm, sodium_init() >= 0 ? OK : FAIL(ERR_BUG, "libsodium cannot start"));
    if (path == NULL) {
        derive_from_seed(run->seed, secret);
        log_info(
            "  pseudonyms follow from the seed; to keep them secret name a file of 32 random bytes "
            "as privacy.secret_file");
        goto done;
    }
    TRY_ALL(comm, comm->rank == 0 ? read_file(path, secret) : OK);
    comm_broadcast(comm, secret, USER_SECRET_BYTES, 0);
done:
    return status;
}
