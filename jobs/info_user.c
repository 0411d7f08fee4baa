/* The rows of one user, by the index of discounts.h5. */
#include "jobs/info.h"

#include "io/csv.h"
#include "io/parse.h"
#include "io/store.h"
#include "jobs/secret.h"
#include "mpi/memory.h"
#include "partition/users.h"

#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 256, HEX_BYTES = 32, COLUMNS_MOST = 96 };

struct table {
    struct comm comm;
    struct store *store;
    int64_t rows, users;
};

/* ---- the user's key ---- */

/* 32 hexadecimal digits in lower case are a pseudonym. */
static bool is_pseudonym(const char *text, struct user_key *key)
{
    if (strlen(text) != HEX_BYTES || strspn(text, "0123456789abcdef") != HEX_BYTES) return false;
    return sscanf(text, "%16" SCNx64 "%16" SCNx64, &key->high, &key->low) == 2;
}

static enum status key_of(const char *user, const char *path, struct user_key *key)
{
    unsigned char secret[USER_SECRET_BYTES] = {0};
    enum status status = secret_look(path, secret);
    if (status == OK) *key = user_key_of(secret, user, strlen(user));
    sodium_memzero(secret, sizeof secret);
    return status;
}

/* ---- the index ---- */

static enum status read_keys(const struct table *t, int64_t first, int64_t count,
                             struct user_key *key)
{
    return store_read(&t->comm, t->store, "users/key", STORE_U64, first, count, key);
}

/* Keys are hashes and so lie evenly: where one of this size is to be expected. */
static int64_t guess(struct user_key key, int64_t users)
{
    int64_t at = (int64_t)(ldexp((double)key.high, -64) * (double)users);
    return at < users ? at : users - 1;
}

/* Windows around the guess, and then halves of what is left. place out -1: not there */
static enum status find(const struct table *t, struct user_key key, int64_t *place)
{
    enum status status = OK;
    struct user_key window[WINDOW];
    int64_t low = 0, high = t->users, at = t->users > 0 ? guess(key, t->users) : 0;
    *place = -1;
    while (low < high) {
        int64_t first = at - WINDOW / 2 < low ? low : at - WINDOW / 2;
        int64_t count = high - first < WINDOW ? high - first : WINDOW;
        TRY(read_keys(t, first, count, window));
        if (user_key_compare(key, window[0]) < 0) {
            high = first;
        } else if (user_key_compare(key, window[count - 1]) > 0) {
            low = first + count;
        } else {
            for (int64_t i = 0; i < count; i++)
                if (user_key_compare(key, window[i]) == 0) *place = first + i;
            break;
        }
        /* first some windows on either side, as the guess is seldom far off */
        bool near = high - low > 32 * WINDOW && llabs(at - guess(key, t->users)) < 8 * WINDOW;
        at = !near ? low + (high - low) / 2 : high == first ? first - WINDOW / 2 : low + WINDOW / 2;
    }
done:
    return status;
}

static enum status rows_of(const struct table *t, int64_t place, int64_t *first, int64_t *rows)
{
    int64_t row[2] = {0, t->rows};
    int64_t count = place + 1 < t->users ? 2 : 1;
    enum status status = store_read(&t->comm, t->store, "users/row", STORE_I64, place, count, row);
    *first = row[0];
    *rows = row[1] - row[0];
    if (status == OK && (*first < 0 || *rows < 0 || *first + *rows > t->rows))
        return FAIL(ERR_DATA, "discounts.h5: its index is damaged; `remise verify` tells more");
    return status;
}

/* ---- rows ---- */

struct columns {
    int64_t count, width[COLUMNS_MOST];
    const char *name[COLUMNS_MOST];
    bool text[COLUMNS_MOST];
    void *data[COLUMNS_MOST];
};

/* Columns of the CSV are those before `level`. */
static enum status read_columns(const struct table *t, const struct dictionary *names,
                                int64_t first, int64_t rows, struct columns *c)
{
    enum status status = OK;
    for (int64_t i = 0; i < names->count && c->count < COLUMNS_MOST; i++) {
        const char *name = dictionary_text(names, i);
        int64_t *width = &c->width[c->count];
        if (strcmp(name, "level") == 0) break;
        if (store_rows(&t->comm, t->store, name, width) < 0)
            TRY(FAIL(ERR_DATA, "discounts.h5 has no column %s", name));
        void **data = &c->data[c->count];
        c->name[c->count++] = name;
        TRY(memory_new(data, rows * *width, sizeof(double)));
        c->text[c->count - 1] = *width > 1;
        status = store_read(&t->comm, t->store, name, *width > 1 ? STORE_TEXT : STORE_F64, first,
                            rows, *data);
        if (status != OK && *width == 1) { /* a text of one byte */
            c->text[c->count - 1] = true;
            status = store_read(&t->comm, t->store, name, STORE_TEXT, first, rows, *data);
        }
        TRY(status);
    }
done:
    return status;
}

static void print_field(const struct columns *c, int64_t i, int64_t row)
{
    char number[NUMBER_TEXT_BYTES + 1];
    const char *text = (const char *)c->data[i] + row * c->width[i];
    if (!c->text[i]) {
        size_t bytes = format_number(((const double *)c->data[i])[row], number);
        fwrite(number, 1, bytes, stdout);
        return;
    }
    size_t bytes = strnlen(text, (size_t)c->width[i]);
    char *quoted = malloc(2 * bytes + 3);
    if (quoted == NULL) return;
    fwrite(quoted, 1, csv_guard(text, bytes, ',', quoted), stdout);
    free(quoted);
}

static enum status print_rows(const struct table *t, int64_t first, int64_t rows)
{
    enum status status = OK;
    struct dictionary names = {0};
    struct columns columns = {0};
    TRY(store_read_dictionary(&t->comm, t->store, "checksums/column", &names));
    TRY(read_columns(t, &names, first, rows, &columns));
    for (int64_t i = 0; i < columns.count; i++) printf("%s%s", i > 0 ? "," : "", columns.name[i]);
    putchar('\n');
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t i = 0; i < columns.count; i++) {
            if (i > 0) putchar(',');
            print_field(&columns, i, r);
        }
        putchar('\n');
    }
done:
    for (int64_t i = 0; i < columns.count; i++) free(columns.data[i]);
    dictionary_clear(&names);
    return status;
}

/* ---- the command ---- */

static enum status open_table(const char *folder, struct table *t)
{
    char path[INFO_PATH_BYTES + 32];
    t->comm = comm_alone();
    snprintf(path, sizeof path, "%s/discounts.h5", folder);
    enum status status = store_open(&t->comm, path, &t->store);
    if (status != OK) return status;
    t->rows = store_rows(&t->comm, t->store, "user_id", NULL);
    t->users = store_rows(&t->comm, t->store, "users/key", NULL);
    if (t->rows >= 0 && t->users >= 0) return OK;
    return FAIL(ERR_DATA, "%s has no index of users; publish it again", path);
}

enum status info_user(const char *folder, const char *user, const char *secret)
{
    enum status status = OK;
    struct table table = {0};
    struct user_key key = {0, 0};
    int64_t place = -1, first = 0, rows = 0;
    TRY(open_table(folder, &table));
    if (is_pseudonym(user, &key)) TRY(find(&table, key, &place));
    if (place < 0) {
        TRY(key_of(user, secret, &key));
        TRY(find(&table, key, &place));
    }
    if (place < 0)
        TRY(FAIL(ERR_NO_INPUT,
                 "the table has no user of this pseudonym or id; an id must stand as in the shop's "
                 "tables, and --secret name the secret of the run where it is not your own"));
    TRY(rows_of(&table, place, &first, &rows));
    TRY(print_rows(&table, first, rows));
done:
    store_close(&table.comm, &table.store);
    return status;
}
