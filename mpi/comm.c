/* Starting and ending MPI, agreement, and the collectives with 64-bit counts. */
#include "mpi/comm.h"

#include "mpi/memory.h"
#include "mpi/scalapack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PIECE = 1 << 28, MESSAGE_BYTES = 1024 };

static struct comm_traffic traffic; /* part of the log */

static struct {
    int64_t seen;
    int64_t agreement;
    int rank;
    bool read;
} fault = {0, -1, 0, false};

/* ---- start and end ---- */

static long environment_number(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? 0 : strtol(text, NULL, 10);
}

static bool launched_by_mpi(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") != NULL || getenv("PMIX_RANK") != NULL;
}

/* N single-rank copies: srun started the tasks, but none of them was told about the others. One
 * task alone would not get through MPI_Init either. */
static enum status check_launch(int ranks)
{
    long tasks = environment_number("SLURM_STEP_NUM_TASKS");
    long pmi = environment_number("PMI_SIZE");
    if (ranks > 1 || getenv("OMPI_COMM_WORLD_SIZE") != NULL) return OK;
    if (tasks > 1 || (tasks == 1 && !launched_by_mpi()))
        return FAIL(ERR_LAUNCH,
                    "srun started %ld separate %s instead of one MPI job; "
                    "use `srun --mpi=pmix` or `mpirun`",
                    tasks, tasks > 1 ? "copies" : "process");
    if (pmi > 1)
        return FAIL(
            ERR_LAUNCH,
            "another MPI's launcher started %ld separate copies; use the mpirun of Open MPI", pmi);
    return OK;
}

static void set_default(const char *name, const char *value)
{
    setenv(name, value, 0);
}

/* Settings this stack needs before MPI_Init; what the user has set stays. */
static void set_environment(void)
{
    set_default("OMPI_MCA_fs_ufs_lock_algorithm", "3");
    /* sieving reads and rewrites the gaps between blocks: stray memory where the file is shorter */
    set_default("OMPI_MCA_fbtl_posix_write_datasieving", "0");
    /* shared file pointers, which nothing here uses, take a semaphore for each file's name, the
     * same for all jobs of a machine: after one that was killed within, all others wait for ever */
    set_default("OMPI_MCA_sharedfp", "individual");
    set_default("OMPI_MCA_mpi_yield_when_idle", "1");
}

enum status comm_start(struct comm *comm)
{
    int thread_level = 0;
    *comm = (struct comm){MPI_COMM_NULL, 0, 1};
    if (!launched_by_mpi()) {
        enum status status = check_launch(1);
        if (status != OK) return status;
    }
    set_environment();
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &thread_level);
    comm->handle = MPI_COMM_WORLD;
    MPI_Comm_rank(comm->handle, &comm->rank);
    MPI_Comm_size(comm->handle, &comm->ranks);
    enum status status = check_launch(comm->ranks);
    return status == OK ? comm_agree(comm, scalapack_open()) : status;
}

/* Aborting at once may cut off what was printed, and ranks that abort together get in each other's
 * way. So rank 0 aborts when its output had time to pass, the others only where it does not. */
static void wait_to_abort(const struct comm *comm)
{
    const struct timespec soon = {0, 200000000}, late = {5, 0};
    nanosleep(comm->rank == 0 ? &soon : &late, NULL);
}

_Noreturn void comm_end(const struct comm *comm, enum status status)
{
    int code = status_exit_code(status);
    fflush(NULL);
    if (comm->handle != MPI_COMM_NULL) {
        if (code != 0 && comm->ranks > 1) { /* alone nobody can hang */
            wait_to_abort(comm);
            MPI_Abort(comm->handle, code);
        }
        MPI_Finalize();
    }
    exit(code);
}

struct comm comm_self(void)
{
    return (struct comm){MPI_COMM_SELF, 0, 1};
}

struct comm comm_alone(void)
{
    return (struct comm){MPI_COMM_NULL, 0, 1};
}

static bool is_alone(const struct comm *comm)
{
    return comm->handle == MPI_COMM_NULL;
}

enum status comm_split(const struct comm *comm, int color, struct comm *part)
{
    *part = (struct comm){MPI_COMM_NULL, 0, 0};
    MPI_Comm_split(comm->handle, color < 0 ? MPI_UNDEFINED : color, comm->rank, &part->handle);
    if (part->handle == MPI_COMM_NULL) return OK;
    MPI_Comm_rank(part->handle, &part->rank);
    MPI_Comm_size(part->handle, &part->ranks);
    return OK;
}

void comm_free(struct comm *part)
{
    if (part->handle != MPI_COMM_NULL && part->handle != MPI_COMM_SELF)
        MPI_Comm_free(&part->handle);
    *part = (struct comm){MPI_COMM_NULL, 0, 0};
}

/* ---- agreement ---- */

void comm_inject_fault(int64_t agreement, int rank)
{
    fault.seen = 0;
    fault.agreement = agreement;
    fault.rank = rank;
    fault.read = true;
}

int64_t comm_agreements(void)
{
    return fault.seen;
}

static void read_fault(void)
{
    const char *text = getenv("REMISE_FAULT");
    long long agreement = -1;
    int rank = 0;
    fault.read = true;
    if (text != NULL && sscanf(text, "%lld:%d", &agreement, &rank) == 2) {
        fault.agreement = agreement;
        fault.rank = rank;
    }
}

static enum status inject(const struct comm *comm, enum status mine)
{
    if (!fault.read) read_fault();
    int64_t number = fault.seen++;
    if (number != fault.agreement || comm->rank != fault.rank || mine != OK) return mine;
    return FAIL(ERR_BUG, "injected fault at agreement %lld", (long long)number);
}

/* "rank 3: ..." already: the failure came up from a collective call inside this one. */
static bool names_rank(const char *message)
{
    int rank = 0, used = 0;
    return sscanf(message, "rank %d:%n", &rank, &used) == 1 && used > 0;
}

/* The failing rank's words, with its number in the world in front, on every rank. */
static void share_message(const struct comm *comm, int root, enum status status)
{
    bool everywhere = status == ERR_CONFIG || status == ERR_USAGE; /* no matter of one rank */
    char text[MESSAGE_BYTES] = "";
    if (comm->rank == root) {
        const char *message = status_message();
        int rank = root;
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
        if (comm->ranks > 1 && !everywhere && !names_rank(message))
            snprintf(text, sizeof text, "rank %d: %.1000s", rank, message);
        else
            snprintf(text, sizeof text, "%s", message);
    }
    MPI_Bcast(text, MESSAGE_BYTES, MPI_CHAR, root, comm->handle);
    status_set_message(text);
}

enum status comm_agree(const struct comm *comm, enum status mine)
{
    struct {
        int code;
        int rank;
    } in, out;
    if (is_alone(comm)) return mine;
    mine = inject(comm, mine);
    in.code = (int)mine;
    in.rank = comm->rank;
    MPI_Allreduce(&in, &out, 1, MPI_2INT, MPI_MAXLOC, comm->handle);
    traffic.collectives++;
    traffic.bytes += (int64_t)sizeof in;
    if (out.code != OK) share_message(comm, out.rank, (enum status)out.code);
    return (enum status)out.code;
}

/* ---- collectives ---- */

static void reduce(const struct comm *comm, void *x, int64_t count, size_t size, MPI_Datatype type,
                   MPI_Op op)
{
    char *at = x;
    if (is_alone(comm)) return;
    for (int64_t done = 0; done < count; done += PIECE) {
        int64_t piece = count - done < PIECE ? count - done : PIECE;
        MPI_Allreduce(MPI_IN_PLACE, at + (size_t)done * size, (int)piece, type, op, comm->handle);
        traffic.collectives++;
        traffic.bytes += piece * (int64_t)size;
    }
}

void comm_sum_int64(const struct comm *comm, int64_t *x, int64_t count)
{
    reduce(comm, x, count, sizeof *x, MPI_INT64_T, MPI_SUM);
}

void comm_max_int64(const struct comm *comm, int64_t *x, int64_t count)
{
    reduce(comm, x, count, sizeof *x, MPI_INT64_T, MPI_MAX);
}

void comm_min_int64(const struct comm *comm, int64_t *x, int64_t count)
{
    reduce(comm, x, count, sizeof *x, MPI_INT64_T, MPI_MIN);
}

void comm_max_double(const struct comm *comm, double *x, int64_t count)
{
    reduce(comm, x, count, sizeof *x, MPI_DOUBLE, MPI_MAX);
}

void comm_min_double(const struct comm *comm, double *x, int64_t count)
{
    reduce(comm, x, count, sizeof *x, MPI_DOUBLE, MPI_MIN);
}

void comm_sum_int64_begin(const struct comm *comm, int64_t *x, int count, MPI_Request *request)
{
    *request = MPI_REQUEST_NULL;
    if (is_alone(comm)) return;
    MPI_Iallreduce(MPI_IN_PLACE, x, count, MPI_INT64_T, MPI_SUM, comm->handle, request);
    traffic.collectives++;
    traffic.bytes += (int64_t)count * (int64_t)sizeof *x;
}

void comm_wait(MPI_Request *request)
{
    if (*request == MPI_REQUEST_NULL) return;
    MPI_Wait(request, MPI_STATUS_IGNORE);
}

int64_t comm_prefix_int64(const struct comm *comm, int64_t x)
{
    int64_t before = 0;
    if (is_alone(comm)) return 0;
    MPI_Exscan(&x, &before, 1, MPI_INT64_T, MPI_SUM, comm->handle);
    traffic.collectives++;
    traffic.bytes += (int64_t)sizeof x;
    return comm->rank == 0 ? 0 : before;
}

void comm_broadcast(const struct comm *comm, void *data, int64_t bytes, int root)
{
    char *at = data;
    if (is_alone(comm)) return;
    for (int64_t done = 0; done < bytes; done += PIECE) {
        int64_t piece = bytes - done < PIECE ? bytes - done : PIECE;
        MPI_Bcast(at + done, (int)piece, MPI_BYTE, root, comm->handle);
        traffic.collectives++;
        traffic.bytes += piece;
    }
}

/* The pieces lie apart in zeroed bytes, so that or puts them together: messages and memory do not
 * grow with the ranks, as they would by a message or an offset for each. */
enum status comm_gather_all(const struct comm *comm, const void *mine, int64_t bytes_mine,
                            void **all, int64_t *bytes_all)
{
    enum status status = OK;
    char *result = NULL;
    int64_t total = bytes_mine, first = comm_prefix_int64(comm, bytes_mine);
    *all = NULL;
    *bytes_all = 0;
    comm_sum_int64(comm, &total, 1);
    TRY_ALL(comm, memory_new(&result, total, 1));
    if (bytes_mine > 0) memcpy(result + first, mine, (size_t)bytes_mine);
    reduce(comm, result, total, 1, MPI_BYTE, MPI_BOR);
    *all = result;
    *bytes_all = total;
    result = NULL;
done:
    free(result);
    return status;
}

/* One neighbour at a time, in a shifted ring: no O(ranks) buffers, any message length. */
static void exchange_pieces(const struct comm *comm, const char *send, const int64_t *send_start,
                            char *receive, const int64_t *receive_start, size_t size)
{
    for (int step = 0; step < comm->ranks; step++) {
        int to = (comm->rank + step) % comm->ranks;
        int from = (comm->rank - step + comm->ranks) % comm->ranks;
        int64_t out = (send_start[to + 1] - send_start[to]) * (int64_t)size;
        int64_t in = (receive_start[from + 1] - receive_start[from]) * (int64_t)size;
        const char *out_at = send + (size_t)send_start[to] * size;
        char *in_at = receive + (size_t)receive_start[from] * size;
        if (to == comm->rank) {
            if (out > 0) memcpy(in_at, out_at, (size_t)out);
            continue;
        }
        while (out > 0 || in > 0) {
            int out_now = (int)(out < PIECE ? out : PIECE), in_now = (int)(in < PIECE ? in : PIECE);
            MPI_Sendrecv(out_at, out_now, MPI_BYTE, out_now > 0 ? to : MPI_PROC_NULL, 0, in_at,
                         in_now, MPI_BYTE, in_now > 0 ? from : MPI_PROC_NULL, 0, comm->handle,
                         MPI_STATUS_IGNORE);
            out_at += out_now, in_at += in_now, out -= out_now, in -= in_now;
            traffic.bytes += out_now;
        }
    }
    traffic.collectives++;
}

enum status comm_exchange(const struct comm *comm, const void *send, const int64_t *send_counts,
                          size_t record_bytes, void **received, int64_t *received_count)
{
    enum status status = OK;
    int64_t *starts = NULL, *counts = NULL;
    char *result = NULL;
    *received = NULL;
    *received_count = 0;
    TRY_ALL(comm, memory_new(&starts, 2 * ((int64_t)comm->ranks + 1), sizeof *starts));
    TRY_ALL(comm, memory_new(&counts, comm->ranks, sizeof *counts));
    counts[0] = send_counts[0];
    if (!is_alone(comm))
        MPI_Alltoall(send_counts, 1, MPI_INT64_T, counts, 1, MPI_INT64_T, comm->handle);
    traffic.collectives++;
    int64_t *send_start = starts, *receive_start = starts + comm->ranks + 1;
    for (int r = 0; r < comm->ranks; r++) {
        send_start[r + 1] = send_start[r] + send_counts[r];
        receive_start[r + 1] = receive_start[r] + counts[r];
    }
    int64_t total = receive_start[comm->ranks];
    TRY_ALL(comm, memory_new(&result, total, record_bytes));
    exchange_pieces(comm, send, send_start, result, receive_start, record_bytes);
    *received = result;
    *received_count = total;
    result = NULL;
done:
    free(starts);
    free(counts);
    free(result);
    return status;
}

void comm_barrier(const struct comm *comm)
{
    if (!is_alone(comm)) MPI_Barrier(comm->handle);
    traffic.collectives++;
}

struct comm_traffic comm_traffic(void)
{
    return traffic;
}
