/* The key of the pseudonyms. */
#include "jobs/secret.h"

#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/users.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 60000, FOLDER_BYTES = 3072, ORIGIN_BYTES = 4096 };

struct secret {
    unsigned char bytes[USER_SECRET_BYTES];
    char origin[ORIGIN_BYTES]; /* the file, or the descriptor in words */
};

/* ---- from a descriptor ---- */

/* Up to `limit` bytes until the end; -1 on an error. */
static int64_t read_all(int file, unsigned char *to, int64_t limit)
{
    int64_t bytes = 0;
    while (bytes < limit) {
        ssize_t got = read(file, to + bytes, (size_t)(limit - bytes));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        bytes += got;
    }
    return bytes;
}

/* Exactly 32 bytes, and not one that others can read where it is a file. */
static enum status take(int file, const char *name, unsigned char *secret)
{
    struct stat facts;
    unsigned char more[USER_SECRET_BYTES + 1];
    if (fstat(file, &facts) != 0)
        return FAIL(ERR_CONFIG, "cannot read the secret %s: %s", name, strerror(errno));
    if (S_ISREG(facts.st_mode) && facts.st_uid != geteuid())
        return FAIL(ERR_CONFIG, "the secret %s belongs to another user; take one of your own",
                    name);
    if (S_ISREG(facts.st_mode) && (facts.st_mode & 077) != 0)
        return FAIL(ERR_CONFIG, "others may read the secret %s; chmod 600 it", name);
    int64_t bytes = read_all(file, more, (int64_t)sizeof more);
    if (bytes == USER_SECRET_BYTES) memcpy(secret, more, USER_SECRET_BYTES);
    sodium_memzero(more, sizeof more);
    if (bytes == USER_SECRET_BYTES) return OK;
    if (bytes < 0) return FAIL(ERR_CONFIG, "cannot read the secret %s: %s", name, strerror(errno));
    return FAIL(ERR_CONFIG, "the secret %s has %s%lld bytes; it must have %d", name,
                bytes > USER_SECRET_BYTES ? "at least " : "", (long long)bytes, USER_SECRET_BYTES);
}

static enum status read_descriptor(int64_t number, struct secret *secret)
{
    int file = (int)number;
    struct pollfd ready = {.fd = file, .events = POLLIN};
    snprintf(secret->origin, sizeof secret->origin, "on descriptor %d", file);
    if (fcntl(file, F_GETFD) < 0 || isatty(file))
        return FAIL(ERR_CONFIG,
                    "privacy.secret_fd: nothing is handed over on descriptor %d; start the command "
                    "with %d<FILE or a pipe (launchers pass on 0, the standard input, alone)",
                    file, file);
    if (poll(&ready, 1, WAIT_MS) == 0)
        return FAIL(ERR_CONFIG, "privacy.secret_fd: no secret came on descriptor %d in %d seconds",
                    file, WAIT_MS / 1000);
    return take(file, secret->origin, secret->bytes);
}

/* ---- from a file ---- */

static enum status read_file(const char *path, struct secret *secret)
{
    snprintf(secret->origin, sizeof secret->origin, "%s", path);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return FAIL(ERR_CONFIG,
                    "cannot read the secret %s: %s; make one: head -c 32 /dev/urandom >FILE, chmod "
                    "600 FILE",
                    path, strerror(errno));
    enum status status = take(file, path, secret->bytes);
    close(file);
    return status;
}

/* ---- the user's own file ---- */

/* $XDG_CONFIG_HOME, or .config in the home. False where the user has no home. */
static bool settings_folder(char *folder)
{
    const char *settings = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    const struct passwd *user = NULL;
    if (settings != NULL && settings[0] == '/')
        return snprintf(folder, FOLDER_BYTES, "%s", settings) < FOLDER_BYTES;
    if (home == NULL || home[0] != '/') {
        user = getpwuid(geteuid());
        home = user != NULL ? user->pw_dir : NULL;
    }
    return home != NULL && snprintf(folder, FOLDER_BYTES, "%s/.config", home) < FOLDER_BYTES;
}

static enum status cannot_make(const char *path)
{
    return FAIL(ERR_CONFIG,
                "cannot make the secret %s: %s; make one elsewhere (head -c 32 /dev/urandom >FILE, "
                "chmod 600 FILE) and name it as privacy.secret_file",
                path, strerror(errno));
}

static bool folder_stands(const char *folder)
{
    return mkdir(folder, 0700) == 0 || errno == EEXIST;
}

/* Under its name at once and whole, unless another job was faster: then that one's stays. */
static bool put_in_place(const char *temporary, const char *path)
{
    if (link(temporary, path) == 0 || errno == EEXIST) return true;
    return renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0 || errno == EEXIST;
}

static enum status make_file(const char *folder, const char *path)
{
    char temporary[ORIGIN_BYTES];
    unsigned char fresh[USER_SECRET_BYTES];
    snprintf(temporary, sizeof temporary, "%s/.secret.XXXXXX", folder);
    int file = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    if (file < 0) return cannot_make(path);
    randombytes_buf(fresh, sizeof fresh);
    bool made = write(file, fresh, sizeof fresh) == (ssize_t)sizeof fresh && fsync(file) == 0 &&
                put_in_place(temporary, path);
    enum status status = made ? OK : cannot_make(path);
    sodium_memzero(fresh, sizeof fresh);
    close(file);
    unlink(temporary);
    return status;
}

static enum status read_own(struct secret *secret)
{
    char folder[FOLDER_BYTES + 16], path[FOLDER_BYTES + 32];
    if (!settings_folder(folder))
        return FAIL(ERR_CONFIG, "this user has no home for a secret; make one (head -c 32 "
                                "/dev/urandom >FILE, chmod 600 FILE) and name it as "
                                "privacy.secret_file");
    bool stands = folder_stands(folder);
    strcat(folder, "/remise");
    snprintf(path, sizeof path, "%s/secret.key", folder);
    if (access(path, F_OK) != 0) {
        if (!stands || !folder_stands(folder)) return cannot_make(path);
        enum status status = make_file(folder, path);
        if (status != OK) return status;
        log_info("made the secret of the pseudonyms, %s: keep a copy of it", path);
    }
    return read_file(path, secret);
}

/* ---- the run's secret ---- */

static enum status read_any(const struct config *config, struct secret *secret)
{
    const char *path = config_path(config, "privacy.secret_file");
    bool handed = config_has(config, "privacy.secret_fd");
    if (path != NULL && handed)
        return FAIL(ERR_CONFIG, "privacy.secret_file and privacy.secret_fd are both given; one is "
                                "enough, remove the other");
    if (handed) return read_descriptor(config_integer(config, "privacy.secret_fd"), secret);
    return path != NULL ? read_file(path, secret) : read_own(secret);
}

static enum status new_secret(struct secret **secret)
{
    if (sodium_init() < 0) return FAIL(ERR_BUG, "libsodium cannot start");
    *secret = sodium_malloc(sizeof **secret); /* locked, wiped when freed */
    if (*secret == NULL) return FAIL(ERR_MEMORY, "no memory for the secret");
    memset(*secret, 0, sizeof **secret);
    return OK;
}

enum status secret_open(const struct comm *comm, const struct config *config,
                        struct secret **secret)
{
    enum status status = OK;
    *secret = NULL;
    secret_guard();
    TRY_ALL(comm, new_secret(secret));
    TRY_ALL(comm, comm->rank == 0 ? read_any(config, *secret) : OK);
done:
    if (status != OK) secret_free(secret);
    return status;
}

enum status secret_read(const struct comm *comm, const struct run *run, unsigned char *secret)
{
    memcpy(secret, run->secret->bytes, USER_SECRET_BYTES);
    comm_broadcast(comm, secret, USER_SECRET_BYTES, 0);
    log_info("  pseudonyms are keyed by the secret %s; keep it, or users get new ones",
             run->secret->origin);
    return OK;
}

enum status secret_look(const char *path, unsigned char *secret)
{
    enum status status = OK;
    struct secret *held = NULL;
    char own[FOLDER_BYTES + 32] = "";
    if (path == NULL && settings_folder(own)) {
        strcat(own, "/remise/secret.key");
        path = own;
    }
    secret_guard();
    if (path == NULL || access(path, F_OK) != 0)
        TRY(FAIL(ERR_NO_INPUT,
                 "there is no secret %s, with which ids of users could be looked up; name the one "
                 "of the run with --secret, or give the pseudonym",
                 path != NULL ? path : "of this user"));
    TRY(new_secret(&held));
    TRY(read_file(path, held));
    memcpy(secret, held->bytes, USER_SECRET_BYTES);
done:
    secret_free(&held);
    return status;
}

void secret_derive(const unsigned char *secret, const char *purpose, unsigned char *key)
{
    crypto_generichash_blake2b(key, USER_SECRET_BYTES, (const unsigned char *)purpose,
                               strlen(purpose), secret, USER_SECRET_BYTES);
}

void secret_digest(const struct secret *secret, unsigned char *digest)
{
    unsigned char key[USER_SECRET_BYTES];
    secret_derive(secret->bytes, "remise fingerprint", key);
    memcpy(digest, key, SECRET_DIGEST_BYTES);
    sodium_memzero(key, sizeof key);
}

void secret_guard(void)
{
    /* 1 and not 0: the kernel takes it for "none" also where cores are piped to a program */
    struct rlimit limit = {1, 1};
    if (setrlimit(RLIMIT_CORE, &limit) == 0) return;
    limit = (struct rlimit){0, 0};
    setrlimit(RLIMIT_CORE, &limit);
}

void secret_free(struct secret **secret)
{
    if (*secret != NULL) sodium_free(*secret);
    *secret = NULL;
}
