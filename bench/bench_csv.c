/**
 * How fast a CSV table becomes typed columns: read on all ranks, chunk by chunk, nothing of the
 * table's size held.
 *
 * mpirun -np 2 bench_csv [FILE] prints one line of JSON. The table is made first if FILE does not
 * exist (or none is given: then in a temporary file): REMISE_BENCH_CSV_BYTES (1e9) of sales, eight
 * columns, one field in ten quoted, some of these with delimiters, quotes and line ends inside.
 * bench/peer_csv.py reads the same file into columns of the same types and comes to the same sums.
 */
#include "io/csv.h"
#include "io/parse.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/dictionary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TURNS = 3, CHUNK_ROWS = 8192, ROW_BYTES_MAX = 512, PRODUCTS = 20000, SUMS = 8 };
enum column { ID, USER, PRODUCT, TIME, QUANTITY, PRICE, KIND, NOTE, COLUMNS };

/* ---- the table ---- */

/* Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators */
static uint64_t bits(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Two to nine words; if quoted, sometimes with a delimiter, a quote or a line end between them. */
static size_t write_note(uint64_t random, char *text)
{
    static const char *const words[] = {
        "blue",    "large", "with",    "handle", "set of", "gift", "paper",  "wood",
        "vintage", "lamp",  "kitchen", "small",  "glass",  "red",  "holder", "caf\xc3\xa9"};
    static const char *const joints[] = {", ", " \"\"new\"\" ", " ", "\n", ", ", " ", " ", " "};
    bool quoted = random % 2 == 0;
    uint64_t count = 2 + random / 2 % 8, joint = random / 16 % 32;
    size_t at = 0;
    if (quoted) text[at++] = '"';
    for (uint64_t w = 0; w < count; w++) {
        const char *before = w == 0 ? "" : w == 1 && quoted && joint < 8 ? joints[joint] : " ";
        at += (size_t)sprintf(text + at, "%s%s", before, words[random >> (12 + 4 * w) & 15]);
    }
    if (quoted) text[at++] = '"';
    return at;
}

static size_t write_row(uint64_t row, char *text)
{
    static const char *const kinds[] = {"view", "cart", "purchase", "return"};
    char time[TIME_TEXT_BYTES];
    uint64_t a = bits(3 * row), b = bits(3 * row + 1);
    const char *kind_quote = b % 5 == 0 ? "\"" : "", *price_quote = b / 5 % 10 == 0 ? "\"" : "";
    format_time(INT64_C(1577836800) + (int64_t)(row / 4 % 100000000), time);
    time[10] = ' ', time[19] = 0; /* 2020-01-01 00:00:00 */
    int used = sprintf(text, "%llu,U%07llu,P-%05llu,%s,%llu,%s%llu.%02llu%s,%s%s%s,",
                       (unsigned long long)(1000000 + row), (unsigned long long)(a % 3000000),
                       (unsigned long long)((a >> 32) * (a >> 48) % PRODUCTS), time,
                       (unsigned long long)(1 + b / 50 % 12), price_quote,
                       (unsigned long long)(b / 600 % 200), (unsigned long long)(b >> 32) % 100,
                       price_quote, kind_quote, kinds[b >> 40 & 3], kind_quote);
    size_t at = (size_t)used + write_note(bits(3 * row + 2), text + used);
    text[at] = '\n';
    return at + 1;
}

static enum status make_table(const char *path)
{
    const char *setting = getenv("REMISE_BENCH_CSV_BYTES");
    double wanted = setting != NULL ? strtod(setting, NULL) : 1e9, bytes = 0.0;
    if (access(path, R_OK) == 0) return OK;
    FILE *file = fopen(path, "w");
    if (file == NULL) return FAIL(ERR_WRITE, "cannot write %s", path);
    fputs("id,user,product,time,quantity,price,kind,note\n", file);
    for (uint64_t row = 0; bytes < wanted; row++) {
        char text[ROW_BYTES_MAX];
        size_t length = write_row(row, text);
        bytes += (double)fwrite(text, 1, length, file);
    }
    return fclose(file) == 0 ? OK : FAIL(ERR_WRITE, "cannot write %s", path);
}

/* ---- reading ---- */

/* Texts one behind the other. */
struct texts {
    char *text;
    int64_t bytes, capacity;
    int64_t start[CHUNK_ROWS + 1];
};

/* What is held of the table at a time; used up by adding it to the sums. */
struct chunk {
    int64_t rows;
    int64_t id[CHUNK_ROWS], time[CHUNK_ROWS], quantity[CHUNK_ROWS];
    double price[CHUNK_ROWS];
    int32_t product[CHUNK_ROWS], kind[CHUNK_ROWS];
    struct texts user, note;
    struct text_set *products, *kinds;
    int64_t sums[SUMS];
};

static int64_t add_texts(struct texts *texts)
{
    const unsigned char *text = (const unsigned char *)texts->text;
    uint64_t sum = 0;
    for (int64_t at = 0; at < texts->bytes; at += 4096) {
        int64_t end = texts->bytes - at < 4096 ? texts->bytes : at + 4096;
        uint32_t part = 0; /* narrow sums are wide vectors */
        for (int64_t i = at; i < end; i++) part += text[i];
        sum += part;
    }
    texts->bytes = 0;
    return (int64_t)sum;
}

static void use_up(struct chunk *chunk)
{
    int64_t *sums = chunk->sums;
    sums[0] += chunk->rows;
    for (int64_t i = 0; i < chunk->rows; i++) {
        sums[1] += chunk->id[i];
        sums[2] += chunk->time[i];
        sums[3] += chunk->quantity[i];
        sums[4] += (int64_t)(chunk->price[i] * 100.0 + 0.5);
        sums[5] += chunk->product[i] + chunk->kind[i] >= 0;
    }
    sums[6] += add_texts(&chunk->user);
    sums[7] += add_texts(&chunk->note);
    chunk->rows = 0;
}

static enum status keep_text(struct texts *texts, int64_t row, const struct csv_field *field)
{
    int64_t bytes = field->bytes;
    if (texts->bytes + bytes > texts->capacity) {
        int64_t capacity = 2 * (texts->capacity + bytes);
        enum status status = memory_grow(&texts->text, texts->capacity, capacity, 1);
        if (status != OK) return status;
        texts->capacity = capacity;
    }
    memcpy(texts->text + texts->bytes, field->text, (size_t)bytes);
    texts->bytes += bytes;
    texts->start[row + 1] = texts->bytes;
    return OK;
}

static enum status take_row(void *context, const struct csv_row *row)
{
    enum status status = OK;
    struct chunk *chunk = context;
    const struct csv_field *field = row->field;
    int64_t i = chunk->rows++;
    double id = 0, quantity = 0;
    bool good = parse_number(field[ID].text, field[ID].bytes, &id) &&
                parse_time(field[TIME].text, field[TIME].bytes, &chunk->time[i]) &&
                parse_number(field[QUANTITY].text, field[QUANTITY].bytes, &quantity) &&
                parse_number(field[PRICE].text, field[PRICE].bytes, &chunk->price[i]);
    if (!good)
        return FAIL(ERR_DATA, "line %lld does not hold what was written", (long long)row->line);
    chunk->id[i] = (int64_t)id;
    chunk->quantity[i] = (int64_t)quantity;
    chunk->product[i] =
        (int32_t)text_set_code(chunk->products, field[PRODUCT].text, field[PRODUCT].bytes);
    chunk->kind[i] = (int32_t)text_set_code(chunk->kinds, field[KIND].text, field[KIND].bytes);
    TRY(keep_text(&chunk->user, i, &field[USER]));
    TRY(keep_text(&chunk->note, i, &field[NOTE]));
    if (chunk->rows == CHUNK_ROWS) use_up(chunk);
done:
    return status;
}

static enum status chunk_new(struct chunk **chunk)
{
    enum status status = memory_new(chunk, 1, sizeof **chunk);
    if (status != OK) return status;
    (*chunk)->products = text_set_new();
    (*chunk)->kinds = text_set_new();
    return (*chunk)->products != NULL && (*chunk)->kinds != NULL ? OK
                                                                 : FAIL(ERR_MEMORY, "no memory");
}

static void chunk_free(struct chunk *chunk)
{
    if (chunk == NULL) return;
    free(chunk->user.text);
    free(chunk->note.text);
    text_set_free(&chunk->products);
    text_set_free(&chunk->kinds);
    free(chunk);
}

/* Read all of the table once; sums over all ranks. */
static enum status turn(const struct comm *comm, const char *path, int64_t *sums)
{
    enum status status = OK;
    struct csv *csv = NULL;
    struct chunk *chunk = NULL;
    struct dictionary products = {0}, kinds = {0};
    TRY_ALL(comm, chunk_new(&chunk));
    TRY(csv_open(comm, path, NULL, &csv));
    TRY(csv_read(comm, csv, take_row, NULL, chunk));
    use_up(chunk);
    TRY(dictionary_make(comm, chunk->products, &products, NULL));
    TRY(dictionary_make(comm, chunk->kinds, &kinds, NULL));
    memcpy(sums, chunk->sums, sizeof chunk->sums);
    comm_sum_int64(comm, sums, SUMS);
    sums[5] = products.count + kinds.count;
done:
    csv_free(&csv);
    chunk_free(chunk);
    dictionary_clear(&products);
    dictionary_clear(&kinds);
    return status;
}

/* ---- results ---- */

static enum status bytes_of(const char *path, double *bytes)
{
    FILE *file = fopen(path, "r");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) return FAIL(ERR_IO, "cannot read %s", path);
    *bytes = (double)ftell(file);
    fclose(file);
    return OK;
}

/* Of all ranks since they started, waiting for each other included. */
static double processor_seconds(const struct comm *comm)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    int64_t microseconds = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) +
                           used.ru_utime.tv_usec + used.ru_stime.tv_usec;
    comm_sum_int64(comm, &microseconds, 1);
    return (double)microseconds / 1e6;
}

static void print_result(const struct comm *comm, double bytes, const int64_t *sums,
                         const double *best)
{
    int64_t peak = memory_peak_bytes();
    comm_max_int64(comm, &peak, 1);
    if (comm->rank != 0) return;
    printf("{\"bench\": \"csv\", \"does\": \"typed columns, chunk by chunk\", \"bytes\": %.0f, "
           "\"rows\": %lld, \"ranks\": %d, \"seconds\": %.4f, \"cpu_seconds\": %.3f, "
           "\"rows_per_second\": %.4g, "
           "\"gigabytes_per_second\": %.3f, \"peak_mib_per_rank\": %.1f, \"sums\": [",
           bytes, (long long)sums[0], comm->ranks, best[0], best[1], (double)sums[0] / best[0],
           bytes / best[0] / 1e9, (double)peak / 1048576.0);
    for (int s = 0; s < SUMS; s++) printf("%s%lld", s > 0 ? ", " : "", (long long)sums[s]);
    printf("]}\n");
}

static enum status run(const struct comm *comm, const char *path)
{
    enum status status = OK;
    double best[2] = {1e30, 0.0}, bytes = 0.0;
    int64_t sums[SUMS];
    TRY_ALL(comm, comm->rank == 0 ? make_table(path) : OK);
    TRY_ALL(comm, bytes_of(path, &bytes));
    for (int t = 0; t < TURNS; t++) {
        comm_barrier(comm);
        double used = processor_seconds(comm), start = clock_seconds();
        TRY(turn(comm, path, sums));
        double seconds = clock_seconds() - start;
        comm_max_double(comm, &seconds, 1);
        used = processor_seconds(comm) - used;
        if (seconds >= best[0]) continue;
        best[0] = seconds;
        best[1] = used;
    }
    print_result(comm, bytes, sums, best);
done:
    return status;
}

int main(int argc, char **argv)
{
    struct comm comm;
    char path[4096];
    const char *folder = getenv("TMPDIR");
    enum status status = comm_start(&comm);
    log_start(&comm, LOG_WARNING);
    snprintf(path, sizeof path, "%s/remise-bench-csv-%d", folder != NULL ? folder : "/tmp",
             (int)getpid());
    if (argc > 1) snprintf(path, sizeof path, "%s", argv[1]);
    comm_broadcast(&comm, path, (int64_t)sizeof path, 0);
    if (status == OK) status = run(&comm, path);
    if (status != OK) log_line(LOG_ERROR, "%s", status_message());
    if (argc <= 1 && comm.rank == 0) unlink(path);
    comm_end(&comm, status);
}
