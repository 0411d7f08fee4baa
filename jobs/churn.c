/* An earlier table beside today's. */
#include "jobs/churn.h"

#include "jobs/earlier.h"
#include "jobs/versions.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/users.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A row of the earlier table, on its way to whoever has its user today. */
struct earlier_row {
    struct user_key user;
    int64_t product; /* today's code */
    double discount;
};

/* ---- the earlier table ---- */

/* This rank's run of its users and rows. */
struct piece {
    int64_t users, rows, width;
    struct user_key *key; /* [users] ascending */
    int64_t *start;       /* [users + 1] first row of each, counted from this rank's first */
    char *product;        /* [rows][width] */
    double *discount;     /* [rows] */
};

static void piece_clear(struct piece *p)
{
    free(p->key);
    free(p->start);
    free(p->product);
    free(p->discount);
}

static enum status read_users(const struct comm *comm, const struct store *store, struct piece *p,
                              int64_t *first_row)
{
    enum status status = OK;
    struct blocks cut = {0};
    int64_t users = store_rows(comm, store, "users/key", NULL);
    int64_t rows = store_rows(comm, store, "product_id", &p->width);
    TRY_ALL(comm, users >= 0 && rows >= 0
                      ? blocks_cut(comm, users, BLOCK_ROWS, &cut)
                      : FAIL(ERR_IO, "allocate.previous: its table has no users/key; publish it "
                                     "again with this version"));
    p->users = cut.rows_local;
    int64_t more = cut.row_first + p->users < users; /* whose first row ends the last user's */
    TRY_ALL(comm, memory_new(&p->key, p->users, sizeof *p->key));
    TRY_ALL(comm, memory_new(&p->start, p->users + 1, sizeof *p->start));
    TRY(store_read(comm, store, "users/key", STORE_U64, cut.row_first, p->users, p->key));
    TRY(store_read(comm, store, "users/row", STORE_I64, cut.row_first, p->users + more, p->start));
    if (!more) p->start[p->users] = rows;
    *first_row = p->users > 0 ? p->start[0] : 0;
    p->rows = p->users > 0 ? p->start[p->users] - *first_row : 0;
    for (int64_t u = 0; u <= p->users; u++) p->start[u] -= *first_row;
done:
    blocks_clear(&cut);
    return status;
}

static enum status read_piece(const struct comm *comm, const char *path, struct piece *p)
{
    enum status status = OK;
    struct store *store = NULL;
    int64_t first = 0;
    TRY(store_open(comm, path, &store));
    TRY(read_users(comm, store, p, &first));
    TRY_ALL(comm, memory_new(&p->product, p->rows * p->width, 1));
    TRY_ALL(comm, memory_new(&p->discount, p->rows, sizeof *p->discount));
    TRY(store_read(comm, store, "product_id", STORE_TEXT, first, p->rows, p->product));
    TRY(store_read(comm, store, "discount", STORE_F64, first, p->rows, p->discount));
done:
    store_close(comm, &store);
    return status;
}

/* ---- to the ranks that have the users today ---- */

/* The first key of each rank that has users; of others that of the next one. first [ranks] */
static enum status first_keys(const struct comm *comm, const struct users *users,
                              struct user_key *first)
{
    enum status status = OK;
    void *all = NULL;
    int64_t bytes = 0;
    struct user_key mine = {UINT64_MAX, UINT64_MAX};
    if (users->blocks.rows_local > 0) mine = users->key[0];
    TRY(comm_gather_all(comm, &mine, sizeof mine, &all, &bytes));
    memcpy(first, all, (size_t)bytes);
    for (int r = comm->ranks - 2; r >= 0; r--)
        if (first[r].high == UINT64_MAX && first[r].low == UINT64_MAX) first[r] = first[r + 1];
done:
    free(all);
    return status;
}

/* The last rank whose first key is not beyond this one. */
static int owner_of(const struct comm *comm, const struct user_key *first, struct user_key key)
{
    int owner = 0;
    for (int r = 1; r < comm->ranks; r++)
        if (user_key_compare(first[r], key) <= 0) owner = r;
    return owner;
}

/* Keys ascend, and ranks own ascending runs of them, so the rows leave in order. */
static int64_t pack(const struct comm *comm, const struct dictionary *ids, const struct piece *p,
                    const struct user_key *first, struct earlier_row *row, int64_t *count)
{
    int64_t packed = 0;
    for (int64_t u = 0; u < p->users; u++) {
        int owner = owner_of(comm, first, p->key[u]);
        for (int64_t r = p->start[u]; r < p->start[u + 1]; r++) {
            const char *id = p->product + r * p->width;
            int64_t product = dictionary_find(ids, id, strnlen(id, (size_t)p->width));
            if (product < 0) continue;
            row[packed++] = (struct earlier_row){p->key[u], product, p->discount[r]};
            count[owner]++;
        }
    }
    return packed;
}

static enum status send_rows(const struct comm *comm, const struct dataset *dataset,
                             const struct piece *p, struct earlier_row **received, int64_t *rows)
{
    enum status status = OK;
    struct user_key *first = NULL;
    struct earlier_row *row = NULL;
    int64_t *count = NULL;
    void *all = NULL;
    TRY_ALL(comm, memory_new(&first, comm->ranks, sizeof *first));
    TRY_ALL(comm, memory_new(&count, comm->ranks, sizeof *count));
    TRY_ALL(comm, memory_new(&row, p->rows, sizeof *row));
    TRY(first_keys(comm, &dataset->users, first));
    pack(comm, &dataset->products.id, p, first, row, count);
    TRY(comm_exchange(comm, row, count, sizeof *row, &all, rows));
    *received = all;
done:
    free(first);
    free(count);
    free(row);
    return status;
}

/* ---- beside today's slots ---- */

static int64_t find_slot(const struct candidates *candidates, int64_t user, int64_t product)
{
    for (int64_t s = user * candidates->slots; s < (user + 1) * candidates->slots; s++)
        if (candidates->product[s] == product) return s;
    return -1;
}

/* Both ascend by user. Returns the users that are in both. */
static int64_t match(const struct users *users, const struct candidates *candidates,
                     const struct earlier_row *row, int64_t rows, struct churn *churn)
{
    int64_t user = 0, both = 0, last = -1;
    for (int64_t r = 0; r < rows; r++) {
        while (user < users->blocks.rows_local &&
               user_key_compare(users->key[user], row[r].user) < 0)
            user++;
        if (user == users->blocks.rows_local) break;
        if (user_key_compare(users->key[user], row[r].user) != 0) continue;
        both += last != user;
        last = user;
        int64_t slot = find_slot(candidates, user, row[r].product);
        if (slot < 0) continue;
        churn->before[slot] = row[r].discount;
        churn->met++;
    }
    return both;
}

/* The folder of the version that holds now: resolved once, whatever is published meanwhile. */
static enum status find_earlier(const struct comm *comm, const char *folder,
                                char found[RUN_PATH_BYTES])
{
    enum status status = OK;
    TRY_ALL(comm, comm->rank > 0 || version_find(folder, found) == OK
                      ? OK
                      : FAIL(ERR_NO_INPUT,
                             "allocate.previous: %s holds no published table; name the run folder "
                             "of the table that holds until now, or leave it out",
                             folder));
    comm_broadcast(comm, found, RUN_PATH_BYTES, 0);
done:
    return status;
}

static enum status read_earlier(const struct comm *comm, const struct run *run,
                                const struct dataset *dataset, const struct candidates *candidates,
                                struct churn *churn)
{
    enum status status = OK;
    struct piece piece = {0};
    struct earlier_row *row = NULL;
    int64_t rows = 0;
    char found[RUN_PATH_BYTES] = "", path[RUN_PATH_BYTES + 16];
    const char *folder = config_path(run->config, "allocate.previous");
    TRY(find_earlier(comm, folder, found));
    snprintf(path, sizeof path, "%s/discounts.h5", found);
    TRY(read_piece(comm, path, &piece));
    TRY(send_rows(comm, dataset, &piece, &row, &rows));
    int64_t total[] = {match(&dataset->users, candidates, row, rows, churn), piece.users,
                       churn->met};
    comm_sum_int64(comm, total, 3);
    churn->met = total[2];
    if (total[0] == 0 && total[1] > 0)
        TRY(FAIL(ERR_DATA,
                 "no user of %s is among today's: the pseudonyms of that run are keyed by another "
                 "secret; use the same privacy.secret_file, or drop allocate.previous",
                 folder));
done:
    piece_clear(&piece);
    free(row);
    return status;
}

/* ---- the limit ---- */

static bool is_changed(const struct problem *problem, const struct churn *churn, int64_t slot,
                       int k)
{
    return fabs(problem->level[k] - churn->before[slot]) > 1e-12;
}

static enum status add_limit(const struct candidates *candidates, struct problem *problem,
                             const struct churn *churn)
{
    enum status status = OK;
    int measure = 0;
    struct problem_kind *kind = NULL;
    TRY(problem_add_measure(problem, "changed", 1.0, "rows", &measure));
    TRY(problem_add_kind(problem, "churn", "churn", measure, 1, &kind));
    kind->limit[0] = (int64_t)floor(churn->most * (double)churn->rows + 1e-9);
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        for (int k = 0; candidates->product[i] >= 0 && k < problem->levels; k++)
            problem->measure[measure].use[i * problem->levels + k] =
                is_changed(problem, churn, i, k);
done:
    return status;
}

/* The run's own folder before its first table: there is nothing yet to hold today's against. */
static bool is_first(const struct comm *comm, const struct run *run)
{
    const char *folder = config_path(run->config, "allocate.previous");
    int64_t first = comm->rank == 0 && version_is_first(run->folder, folder);
    comm_max_int64(comm, &first, 1);
    if (first > 0)
        log_info("  allocate.previous: this is the first table of %s; nothing is held against it",
                 folder);
    return first > 0;
}

enum status churn_open(const struct comm *comm, const struct run *run,
                       const struct dataset *dataset, const struct candidates *candidates,
                       struct problem *problem, struct churn *churn)
{
    enum status status = OK;
    const struct config *config = run->config;
    bool limited = config_has(config, "allocate.churn_most");
    *churn = (struct churn){.known = config_has(config, "allocate.previous")};
    churn->most = limited ? config_number(config, "allocate.churn_most") : (double)NAN;
    if (churn->known && is_first(comm, run)) churn->known = false;
    if (!churn->known) goto done;
    log_need(comm, problem->blocks.rows_local * 8 * (1 + (limited ? problem->levels : 0)));
    TRY_ALL(comm, memory_new(&churn->before, problem->blocks.rows_local, sizeof *churn->before));
    TRY(read_earlier(comm, run, dataset, candidates, churn));
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        churn->rows += candidates->product[i] >= 0;
    comm_sum_int64(comm, &churn->rows, 1);
    if (limited) TRY_ALL(comm, add_limit(candidates, problem, churn));
done:
    return status;
}

uint64_t churn_fingerprint(const struct run *run)
{
    char earlier[RUN_PATH_BYTES], own[RUN_PATH_BYTES], version[VERSION_ID_BYTES];
    const char *folder = config_path(run->config, "allocate.previous");
    if (folder == NULL || version_find(folder, earlier) != OK) return 0;
    if (version_find(run->folder, own) == OK && strcmp(own, earlier) == 0) return 0;
    earlier_version(earlier, version);
    return version[0] != 0 ? XXH3_64bits(version, strlen(version)) : 0;
}

void churn_clear(struct churn *churn)
{
    free(churn->before);
    *churn = (struct churn){0};
}

void churn_look(const struct comm *comm, const struct problem *problem,
                const struct candidates *candidates, const uint8_t *level, struct churn *churn)
{
    churn->changed = 0;
    if (!churn->known) return;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        churn->changed += candidates->product[i] >= 0 && is_changed(problem, churn, i, level[i]);
    comm_sum_int64(comm, &churn->changed, 1);
}

json_t *churn_json(const struct churn *churn)
{
    if (!churn->known) return NULL;
    return json_pack("{s:o, s:I, s:f, s:I}", "most",
                     isnan(churn->most) ? json_null() : json_real(churn->most), "rows_changed",
                     (json_int_t)churn->changed, "share_changed",
                     (double)churn->changed / fmax(1.0, (double)churn->rows), "rows_met",
                     (json_int_t)churn->met);
}
