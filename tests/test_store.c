/* Columns in HDF5: every type there and back, also read by plain HDF5; the same bytes from any
 * number of ranks; nothing under the final name until it is whole. */
#include "tests/folders.h"

#include "io/file.h"
#include "io/store.h"
#include "mpi/memory.h"

#include <fcntl.h>
#include <hdf5.h>
#include <semaphore.h>
#include <sys/stat.h>

enum { ROWS = 23, WIDTH = 3, TYPES = 6, TEXT_BYTES = 5 };

static const struct store_column columns[TYPES] = {
    {"numbers/u8", STORE_U8, WIDTH, "", "bytes"},
    {"numbers/i32", STORE_I32, WIDTH, "cents", "whole numbers"},
    {"numbers/i64", STORE_I64, WIDTH, "s since 1970", "long ones"},
    {"numbers/deep/u64", STORE_U64, WIDTH, "", "without a sign"},
    {"f32", STORE_F32, WIDTH, "", "short fractions"},
    {"f64", STORE_F64, WIDTH, "currency", "long fractions"}};

/* Value (row, j) of a column, as bytes of its type. */
static void fill(enum store_type type, int64_t first, int64_t rows, int64_t width, char *to)
{
    for (int64_t i = 0; i < rows * width; i++) {
        int64_t n = (first * width + i) * 37 - 200;
        uint8_t u8 = (uint8_t)n;
        int32_t i32 = (int32_t)(n * 1000003);
        int64_t i64 = n * INT64_C(1000000000007);
        uint64_t u64 = (uint64_t)i64;
        float f32 = n == -163 ? NAN : (float)n / 8.0f;
        double f64 = (double)n / 3.0;
        const void *from[] = {&u8, &i32, &i64, &u64, &f32, &f64};
        memcpy(to + (size_t)i * store_type_bytes(type), from[type], store_type_bytes(type));
    }
}

static char *filled(enum store_type type, int64_t first, int64_t rows, int64_t width)
{
    char *data = NULL;
    if (memory_new(&data, rows * width, store_type_bytes(type)) != OK) abort();
    fill(type, first, rows, width, data);
    return data;
}

/* Rows of this rank, rank 0 having none of a few: rows r, 2 r, ... up to the total. */
static void share_of(const struct comm *comm, int64_t total, int64_t *first, int64_t *rows)
{
    int64_t weight = (int64_t)comm->ranks * (comm->ranks - 1) / 2, before = comm->rank;
    if (comm->ranks == 1) {
        *first = 0;
        *rows = total;
        return;
    }
    before = before * (before - 1) / 2;
    *first = total * before / weight;
    *rows = total * (before + comm->rank) / weight - *first;
}

static enum status names(const struct comm *comm, int count, struct dictionary *dictionary)
{
    static const char *const texts[] = {"", "a \"quoted\" name", "Zo\303\253", "b"};
    struct text_set *set = text_set_new();
    for (int i = 0; i < count; i++) text_set_code(set, texts[i], strlen(texts[i]));
    enum status status = dictionary_make(comm, set, dictionary, NULL);
    text_set_free(&set);
    return status;
}

static enum status write_all(const struct comm *comm, struct store *store, int64_t first,
                             int64_t rows)
{
    enum status status = OK;
    struct dictionary four = {0}, none = {0};
    const struct store_column text = {"text", STORE_TEXT, TEXT_BYTES, "", "short texts"};
    const struct store_column single = {"single", STORE_I32, 0, "", "one value a row"};
    const struct store_column empty = {"empty", STORE_F64, 2, "", "no rows"};
    char *data = NULL;
    TRY(names(comm, 4, &four));
    TRY(names(comm, 0, &none));
    for (int c = 0; c < TYPES; c++) {
        data = filled(columns[c].type, first, rows, WIDTH);
        TRY(store_write(comm, store, &columns[c], data, rows));
        free(data);
        data = NULL;
    }
    data = filled(STORE_U8, first, rows, TEXT_BYTES);
    for (int64_t i = 0; i < rows * TEXT_BYTES; i++) data[i] = (char)('a' + (data[i] & 15));
    TRY(store_write(comm, store, &text, data, rows));
    free(data);
    data = filled(STORE_I32, first, rows, 1);
    TRY(store_write(comm, store, &single, data, rows));
    TRY(store_write(comm, store, &empty, NULL, 0));
    TRY(store_write_dictionary(comm, store, "names", "four names", &four));
    TRY(store_write_dictionary(comm, store, "nothing/names", "no names", &none));
    TRY(store_write_note(comm, store, "note", "seed: 1\n"));
    TRY(store_write_note(comm, store, "silence", ""));
done:
    free(data);
    dictionary_clear(&four);
    dictionary_clear(&none);
    return status;
}

static enum status write_file(const struct comm *comm, const char *path, int64_t total)
{
    enum status status = OK;
    struct store *store = NULL;
    int64_t first = 0, rows = 0;
    share_of(comm, total, &first, &rows);
    TRY(store_create(comm, path, &store));
    TRY(write_all(comm, store, first, rows));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

static bool is_there(const char *path)
{
    comm_barrier(&world);
    bool there = access(path, F_OK) == 0;
    comm_barrier(&world);
    return there;
}

static int unlink_all(const char *path)
{
    comm_barrier(&world);
    return world.rank == 0 ? unlink(path) : 0;
}

static bool part_is_there(const char *path)
{
    char part[512];
    snprintf(part, sizeof part, "%s.part", path);
    return is_there(part);
}

/* ---- there and back ---- */

/* Every rank reads rows of its own choice, some of them all, some none. */
static void every_type_comes_back(void **state)
{
    (void)state;
    char *path = scratch_path("types.h5");
    struct store *store = NULL;
    assert_all(write_file(&world, path, ROWS) == OK);
    assert_all(is_there(path) && !part_is_there(path));
    assert_all(store_open(&world, path, &store) == OK);
    int64_t first = world.rank % 3 == 1 ? 7 : 0, rows = world.rank % 3 == 2 ? 0 : ROWS - first;
    for (int c = 0; c < TYPES; c++) {
        int64_t width = 0;
        size_t bytes = store_type_bytes(columns[c].type);
        char *wanted = filled(columns[c].type, first, rows, WIDTH), *got = NULL;
        assert_all(store_rows(&world, store, columns[c].name, &width) == ROWS && width == WIDTH);
        assert_all(memory_new(&got, rows * WIDTH, bytes) == OK);
        assert_all(store_read(&world, store, columns[c].name, columns[c].type, first, rows, got) ==
                   OK);
        assert_all(memcmp(got, wanted, (size_t)(rows * WIDTH) * bytes) == 0);
        free(wanted);
        free(got);
    }
    store_close(&world, &store);
    assert_all(store == NULL);
    free(path);
}

static void dictionaries_and_notes_come_back(void **state)
{
    (void)state;
    char *path = scratch_path("notes.h5"), *note = NULL;
    struct store *store = NULL;
    struct dictionary four = {0}, read = {0};
    assert_all(names(&world, 4, &four) == OK);
    assert_all(write_file(&world, path, 2) == OK);
    assert_all(store_open(&world, path, &store) == OK);
    assert_all(store_read_dictionary(&world, store, "names", &read) == OK);
    assert_all(read.count == 4);
    for (int64_t c = 0; c < 4; c++)
        assert_all(strcmp(dictionary_text(&read, c), dictionary_text(&four, c)) == 0);
    dictionary_clear(&read);
    assert_all(store_read_dictionary(&world, store, "nothing/names", &read) == OK);
    assert_all(read.count == 0);
    dictionary_clear(&read);
    static const char *const texts[3][2] = {{"note", "seed: 1\n"}, {"silence", ""}, {"no", ""}};
    for (int n = 0; n < 3; n++) {
        assert_all(store_read_note(&world, store, texts[n][0], &note) == OK);
        assert_all(strcmp(note, texts[n][1]) == 0);
        free(note);
    }
    assert_all(store_rows(&world, store, "empty", NULL) == 0);
    assert_all(store_rows(&world, store, "nobody/here", NULL) == -1);
    store_close(&world, &store);
    dictionary_clear(&four);
    free(path);
}

/* ---- what others see ---- */

static bool attribute_is(hid_t set, const char *name, const char *text)
{
    char held[64] = {0};
    hid_t attribute = H5Aopen(set, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    bool same = H5Aread(attribute, type, held) >= 0 && strcmp(held, text) == 0;
    H5Tclose(type);
    H5Aclose(attribute);
    return same;
}

/* Plain HDF5 on one process, with conversion to the machine's own types. */
static void plain_hdf5_reads_it(void **state)
{
    (void)state;
    char *path = scratch_path("plain.h5");
    int32_t numbers[ROWS][WIDTH], wanted[ROWS][WIDTH];
    bool good = true;
    assert_all(write_file(&world, path, ROWS) == OK);
    if (world.rank == 0) {
        hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
        hid_t set = H5Dopen2(file, "numbers/i32", H5P_DEFAULT), space = H5Dget_space(set);
        hsize_t shape[2] = {0, 0};
        good = H5Sget_simple_extent_dims(space, shape, NULL) == 2 && shape[0] == ROWS;
        good = good && shape[1] == WIDTH && attribute_is(set, "unit", "cents");
        good = good && attribute_is(set, "help", "whole numbers");
        good = good && H5Dread(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0;
        fill(STORE_I32, 0, ROWS, WIDTH, (char *)wanted);
        good = good && memcmp(numbers, wanted, sizeof wanted) == 0;
        H5Sclose(space);
        H5Dclose(set);
        H5Fclose(file);
    }
    assert_all(good);
    free(path);
}

/* The same as one rank alone writes it, also where there are more ranks than rows. */
static void same_bytes_on_any_ranks(void **state)
{
    (void)state;
    struct comm self = comm_self();
    static const int64_t totals[] = {0, 1, 2, ROWS};
    for (size_t n = 0; n < sizeof totals / sizeof *totals; n++) {
        char *path = scratch_path("all.h5"), *alone = scratch_path("one.h5");
        char digest[2][SHA256_TEXT_BYTES];
        assert_all(write_file(&world, path, totals[n]) == OK);
        assert_all((world.rank == 0 ? write_file(&self, alone, totals[n]) : OK) == OK);
        assert_all(file_sha256(path, digest[0]) == OK && file_sha256(alone, digest[1]) == OK);
        assert_all(strcmp(digest[0], digest[1]) == 0);
        free(path);
        free(alone);
    }
}

/* ---- piece by piece ---- */

/* All columns at once, in five pieces of which some are empty on a rank. */
static enum status write_pieces(const struct comm *comm, const char *path, int64_t missing)
{
    enum { PIECES = 5 };
    enum status status = OK;
    struct store *store = NULL;
    struct store_writer *writer[TYPES] = {0};
    int64_t first = 0, rows = 0, done = 0;
    char *data = NULL;
    share_of(comm, ROWS, &first, &rows);
    TRY(store_create(comm, path, &store));
    for (int c = 0; c < TYPES; c++)
        TRY(store_begin_column(comm, store, &columns[c], rows, &writer[c]));
    for (int i = 0; i < PIECES; i++) {
        int64_t next = i == PIECES - 1 ? rows - missing : rows * i * (comm->rank + i) / 32;
        for (int c = 0; c < TYPES; c++) {
            data = filled(columns[c].type, first + done, next - done, WIDTH);
            TRY(store_put(comm, writer[c], data, next - done));
            free(data);
            data = NULL;
        }
        done = next;
    }
    for (int c = 0; c < TYPES; c++) TRY(store_end_column(comm, &writer[c]));
    TRY(store_commit(comm, &store));
done:
    free(data);
    store_close(comm, &store);
    return status;
}

static void pieces_make_the_same_file(void **state)
{
    (void)state;
    struct comm self = comm_self();
    char *path = scratch_path("pieces.h5"), *other = scratch_path("whole.h5");
    char digest[2][SHA256_TEXT_BYTES];
    struct store *store = NULL;
    assert_all(write_pieces(&world, path, 0) == OK);
    assert_all((world.rank == 0 ? store_create(&self, other, &store) : OK) == OK);
    for (int c = 0; c < TYPES && world.rank == 0; c++) {
        char *data = filled(columns[c].type, 0, ROWS, WIDTH);
        if (store_write(&self, store, &columns[c], data, ROWS) != OK) abort();
        free(data);
    }
    assert_all((world.rank == 0 ? store_commit(&self, &store) : OK) == OK);
    assert_all(file_sha256(path, digest[0]) == OK && file_sha256(other, digest[1]) == OK);
    assert_all(strcmp(digest[0], digest[1]) == 0);
    free(path);
    free(other);
}

/* One row less or more than announced, on one rank: all hear of it, and no file comes of it. */
static void pieces_must_add_up(void **state)
{
    (void)state;
    char *path = scratch_path("short.h5");
    int64_t last = world.rank == world.ranks - 1;
    assert_all(write_pieces(&world, path, last) == ERR_BUG);
    assert_all(strstr(status_message(), "1 rows of numbers/u8 are missing") != NULL);
    assert_all(!is_there(path) && !part_is_there(path));
    assert_all(write_pieces(&world, path, -last) == ERR_BUG);
    assert_all(strstr(status_message(), "numbers/u8 gets") != NULL);
    assert_all(!is_there(path) && !part_is_there(path));
    free(path);
}

static void an_open_column_holds_up_the_file(void **state)
{
    (void)state;
    char *path = scratch_path("open.h5");
    struct store *store = NULL;
    struct store_writer *writer = NULL;
    assert_all(store_create(&world, path, &store) == OK);
    assert_all(store_begin_column(&world, store, &columns[0], 0, &writer) == OK);
    assert_all(store_commit(&world, &store) == ERR_BUG && store == NULL);
    assert_all(strstr(status_message(), "numbers/u8 is not ended") != NULL);
    assert_all(!is_there(path) && !part_is_there(path));
    free(path);
}

/* Its place on the disk is there before anything is written, also behind other columns. */
static void the_place_is_reserved(void **state)
{
    (void)state;
    enum { MANY = 1 << 20 };
    const struct store_column column[] = {{"first", STORE_F64, 1, "", "a long one"},
                                          {"second", STORE_F64, 1, "", "another"},
                                          {"third", STORE_F64, 1, "", "and another"}};
    char *path = scratch_path("reserved.h5"), part[4096];
    struct store *store = NULL;
    struct store_writer *writer = NULL;
    struct stat facts;
    snprintf(part, sizeof part, "%s.part", path);
    assert_all(store_create(&world, path, &store) == OK);
    for (int c = 0; c < 3; c++) {
        int64_t rows = world.rank == 0 ? MANY : 0;
        assert_all(store_begin_column(&world, store, &column[c], rows, &writer) == OK);
        assert_all(stat(part, &facts) == 0 && facts.st_blocks >= (c + 1) * (8 * MANY / 512));
    }
    store_close(&world, &store);
    assert_all(!part_is_there(path));
    free(path);
}

/* ---- the final name ---- */

static void only_a_whole_file_gets_its_name(void **state)
{
    (void)state;
    static const char before[] = "what was there before";
    char *path = scratch_share("final.h5", before, sizeof before), *text = NULL;
    struct store *store = NULL;
    struct stat facts;
    int64_t first = 0, rows = 0, bytes = 0;
    share_of(&world, ROWS, &first, &rows);
    assert_all(store_create(&world, path, &store) == OK);
    assert_all(write_all(&world, store, first, rows) == OK);
    assert_all(file_read(path, 100, &text, &bytes) == OK && strcmp(text, before) == 0);
    free(text);
    assert_all(part_is_there(path));
    store_close(&world, &store);
    assert_all(!part_is_there(path)); /* given up */
    assert_all(file_read(path, 100, &text, &bytes) == OK && strcmp(text, before) == 0);
    free(text);
    assert_all(write_file(&world, path, ROWS) == OK);
    assert_all(stat(path, &facts) == 0 && (facts.st_mode & 0777) == 0600);
    assert_all(facts.st_size > 1000);
    free(path);
}

/* ---- what can be wrong ---- */

static void a_missing_file_and_a_strange_one(void **state)
{
    (void)state;
    char *missing = scratch_path("nosuch.h5"), *strange = scratch_share("strange.h5", "abc", 3);
    char *nowhere = scratch_path("nosuch/folder.h5");
    struct store *store = NULL;
    assert_all(store_open(&world, missing, &store) == ERR_NO_INPUT && store == NULL);
    assert_all(strstr(status_message(), "nosuch.h5") != NULL);
    assert_all(store_open(&world, strange, &store) == ERR_DATA && store == NULL);
    assert_all(strstr(status_message(), "strange.h5") != NULL);
    assert_all(store_create(&world, nowhere, &store) == ERR_WRITE && store == NULL);
    free(missing);
    free(strange);
    free(nowhere);
}

static void a_column_that_is_not_as_expected(void **state)
{
    (void)state;
    char *path = scratch_path("columns.h5");
    struct store *store = NULL;
    double data[(ROWS + 1) * WIDTH];
    struct dictionary dictionary;
    assert_all(write_file(&world, path, ROWS) == OK);
    assert_all(store_open(&world, path, &store) == OK);
    assert_all(store_read(&world, store, "numbers/nosuch", STORE_F64, 0, 1, data) == ERR_IO);
    assert_all(strstr(status_message(), "numbers/nosuch") != NULL);
    assert_all(store_read(&world, store, "f32", STORE_F64, 0, 1, data) == ERR_IO);
    assert_all(strstr(status_message(), "another type") != NULL);
    assert_all(store_read(&world, store, "text", STORE_F64, 0, 1, data) == ERR_IO);
    /* one rank asks for too much, all hear of it */
    int64_t rows = world.rank == world.ranks - 1 ? ROWS + 1 : 1;
    assert_all(store_read(&world, store, "f64", STORE_F64, 0, rows, data) == ERR_IO);
    assert_all(strstr(status_message(), "f64 has 23 rows, 24 were expected") != NULL);
    assert_all(store_read_dictionary(&world, store, "nosuch", &dictionary) == ERR_IO);
    assert_all(dictionary.text == NULL);
    assert_all(store_read(&world, store, "f64", STORE_F64, 0, ROWS, data) == OK);
    store_close(&world, &store);
    free(path);
}

/* Agreement k fails on a rank: all get the failure, and neither name is left; only the last one
 * comes behind the rename. */
static void survives_faults(void **state)
{
    (void)state;
    char *path = scratch_path("faults.h5");
    comm_inject_fault(-1, 0);
    assert_all(write_file(&world, path, ROWS) == OK);
    int64_t last = comm_agreements() - 1;
    assert_all(last > 50 && unlink_all(path) == 0);
    for (int64_t k = 0; k <= last; k += k < 15 || k > last - 3 ? 1 : 3) {
        comm_inject_fault(k, (int)(k % world.ranks));
        enum status status = write_file(&world, path, ROWS);
        comm_inject_fault(-1, 0);
        assert_all(status == ERR_BUG && !part_is_there(path) && is_there(path) == (k == last));
    }
    free(path);
}

static int start(void **state)
{
    (void)state;
    scratch_open();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

/* A job that was killed in the midst of opening a file of this name left the semaphore taken that
 * MPI-IO makes of the name for shared file pointers: nobody waits for it. */
static void a_killed_job_holds_up_nobody(void **state)
{
    (void)state;
    char name[64], semaphore[80];
    int64_t number = getpid();
    comm_broadcast(&world, &number, sizeof number, 0);
    snprintf(name, sizeof name, "held-%lld.h5", (long long)number);
    snprintf(semaphore, sizeof semaphore, "/OMPIO_%s.part", name);
    sem_t *taken = sem_open(semaphore, O_CREAT, 0600, 0);
    char *path = scratch_path(name);
    struct store *store = NULL;
    comm_barrier(&world);
    assert_all(store_create(&world, path, &store) == OK);
    assert_all(store_commit(&world, &store) == OK);
    if (taken != SEM_FAILED) sem_close(taken);
    if (world.rank == 0) sem_unlink(semaphore);
    free(path);
}

TEST_MAIN(TEST(every_type_comes_back), TEST(dictionaries_and_notes_come_back),
          TEST(plain_hdf5_reads_it), TEST(same_bytes_on_any_ranks), TEST(pieces_make_the_same_file),
          TEST(pieces_must_add_up), TEST(an_open_column_holds_up_the_file),
          TEST(the_place_is_reserved), TEST(only_a_whole_file_gets_its_name),
          TEST(a_missing_file_and_a_strange_one), TEST(a_column_that_is_not_as_expected),
          TEST(a_killed_job_holds_up_nobody), TEST(survives_faults))
