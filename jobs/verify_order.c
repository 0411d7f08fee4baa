/* The order of rows, and the index of users. */
#include "jobs/verify.h"

#include "mpi/memory.h"
#include "partition/users.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USERS_AT_ONCE = 1 << 13, HEX_BYTES = 33 };

/* Some users and their rows. */
struct share {
    int64_t users, user_first, rows, row_first;
    struct user_key *key; /* [users + 1] the one before, where there is one, at 0 */
    int64_t *row;         /* [users + 1] the last is where the rows end */
    char *user, *product; /* [rows][width] */
    int64_t user_width, product_width;
    bool before; /* there is a user before the first */
};

static void clear(struct share *s)
{
    free(s->key);
    free(s->row);
    free(s->user);
    free(s->product);
    s->key = NULL;
    s->row = NULL;
    s->user = s->product = NULL;
}

/* The index of users first .. first + count - 1, which may be none. */
static enum status read_index(const struct comm *comm, const struct verify *verify, int64_t total,
                              int64_t first, int64_t count, struct share *s)
{
    enum status status = OK;
    bool end = first + count == total;
    s->users = count;
    s->user_first = first;
    s->before = first > 0 && count > 0;
    TRY_ALL(comm, memory_new(&s->key, count + 1, sizeof *s->key));
    TRY_ALL(comm, memory_new(&s->row, count + 1, sizeof *s->row));
    TRY(store_read(comm, verify->store, "users/key", STORE_U64, first - s->before,
                   count + s->before, s->key + !s->before));
    TRY(store_read(comm, verify->store, "users/row", STORE_I64, first, count > 0 ? count + !end : 0,
                   s->row));
    if (end || count == 0) s->row[count] = verify->rows;
done:
    return status;
}

static void check_index(const struct verify *verify, struct share *s, struct finding *finding)
{
    int64_t wrong = -1;
    for (int64_t u = 0; u < s->users && wrong < 0; u++) {
        bool first = s->user_first + u == 0;
        if (s->row[u] < 0 || s->row[u + 1] > verify->rows || s->row[u] >= s->row[u + 1] ||
            (first && s->row[u] != 0))
            wrong = u;
        else if (!first && user_key_compare(s->key[u], s->key[u + 1]) >= 0)
            wrong = u;
    }
    if (wrong >= 0) {
        finding_add(finding, s->row[wrong], "discounts.h5: users/ is out of order at user %lld",
                    (long long)(s->user_first + wrong));
        s->users = 0; /* its rows are nobody's */
    }
    s->row_first = s->users > 0 ? s->row[0] : 0;
    s->rows = s->users > 0 ? s->row[s->users] - s->row_first : 0;
}

static enum status read_ids(const struct comm *comm, const struct verify *verify, struct share *s)
{
    enum status status = OK;
    store_rows(comm, verify->store, "user_id", &s->user_width);
    store_rows(comm, verify->store, "product_id", &s->product_width);
    TRY_ALL(comm, memory_new(&s->user, s->rows, (size_t)s->user_width));
    TRY_ALL(comm, memory_new(&s->product, s->rows, (size_t)s->product_width));
    TRY(store_read(comm, verify->store, "user_id", STORE_TEXT, s->row_first, s->rows, s->user));
    TRY(store_read(comm, verify->store, "product_id", STORE_TEXT, s->row_first, s->rows,
                   s->product));
done:
    return status;
}

static void check_user(const struct share *s, int64_t u, bool pseudonyms, struct finding *finding)
{
    char hex[HEX_BYTES];
    size_t user = (size_t)s->user_width, product = (size_t)s->product_width;
    int64_t from = s->row[u] - s->row_first, to = s->row[u + 1] - s->row_first;
    const char *mine = s->user + (size_t)from * user;
    snprintf(hex, sizeof hex, "%016" PRIx64 "%016" PRIx64, s->key[u + 1].high, s->key[u + 1].low);
    if (pseudonyms && (user != HEX_BYTES - 1 || memcmp(mine, hex, user) != 0))
        finding_add(finding, s->row[u], "discounts.h5 row %lld: user_id %.*s, the index has %s",
                    (long long)s->row[u], (int)user, mine, hex);
    if (from > 0 && memcmp(mine, mine - user, user) == 0)
        finding_add(finding, s->row[u], "discounts.h5 row %lld: the index begins a user within one",
                    (long long)s->row[u]);
    for (int64_t r = from + 1; r < to; r++) {
        const char *one = s->product + (size_t)r * product;
        if (memcmp(s->user + (size_t)r * user, mine, user) != 0)
            finding_add(finding, s->row_first + r,
                        "discounts.h5 row %lld: user_id %.*s among the rows of %.*s",
                        (long long)(s->row_first + r), (int)user, s->user + (size_t)r * user,
                        (int)user, mine);
        if (memcmp(one - product, one, product) >= 0)
            finding_add(finding, s->row_first + r,
                        "discounts.h5 row %lld: product_id %.*s does not come behind %.*s",
                        (long long)(s->row_first + r), (int)product, one, (int)product,
                        one - product);
    }
}

static enum status check_share(const struct comm *comm, const struct verify *verify, int64_t total,
                               int64_t first, int64_t count, struct finding *finding)
{
    enum status status = OK;
    struct share s = {0};
    const char *ids = json_string_value(json_object_get(verify->manifest, "user_ids"));
    bool pseudonyms = ids == NULL || strcmp(ids, "pseudonym") == 0;
    TRY(read_index(comm, verify, total, first, count, &s));
    check_index(verify, &s, finding);
    TRY(read_ids(comm, verify, &s));
    for (int64_t u = 0; u < s.users; u++) check_user(&s, u, pseudonyms, finding);
done:
    clear(&s);
    return status;
}

enum status verify_order(const struct comm *comm, struct verify *verify)
{
    enum status status = OK;
    struct finding finding = {0};
    int64_t total = store_rows(comm, verify->store, "users/key", NULL);
    if (total < 0 || store_rows(comm, verify->store, "users/row", NULL) != total ||
        (total == 0) != (verify->rows == 0)) {
        if (comm->rank == 0) finding_add(&finding, -1, "discounts.h5 has no index of its users");
        total = 0;
    }
    int64_t first = total * comm->rank / comm->ranks;
    int64_t end = total * (comm->rank + 1) / comm->ranks;
    int64_t rounds = (end - first + USERS_AT_ONCE - 1) / USERS_AT_ONCE;
    comm_max_int64(comm, &rounds, 1);
    for (int64_t r = 0; r < rounds; r++) {
        int64_t count = end - first < USERS_AT_ONCE ? end - first : USERS_AT_ONCE;
        TRY(check_share(comm, verify, total, first, count, &finding));
        first += count;
    }
    verify_tell(comm, verify, "order", &finding, "%lld rows of %lld users, by user and product",
                (long long)verify->rows, (long long)total);
done:
    return status;
}
