/* POSIX shared memory, named by the first rank of a node and unlinked as soon as all have it: it
 * goes when the last of them ends, however it ends. A window of MPI cannot be freed by one rank
 * alone, and hangs where a node has no room for it. */
#include "mpi/shared.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NAME_BYTES = 64 };

static int node_ranks_most; /* for tests */

/* ---- nodes ---- */

void nodes_limit(int ranks)
{
    node_ranks_most = ranks;
}

static void split(const struct comm *comm, int limit, struct nodes *nodes)
{
    struct comm whole = {MPI_COMM_NULL, 0, 1};
    MPI_Comm_split_type(comm->handle, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL,
                        &whole.handle);
    MPI_Comm_rank(whole.handle, &whole.rank);
    MPI_Comm_size(whole.handle, &whole.ranks);
    comm_split(&whole, limit > 0 ? whole.rank / limit : 0, &nodes->node);
    comm_free(&whole);
    comm_split(comm, nodes->node.rank == 0 ? 0 : -1, &nodes->leaders);
}

static enum status find(const struct comm *comm, int limit, struct nodes *nodes)
{
    enum status status = OK;
    void *all = NULL;
    int64_t bytes = 0;
    *nodes = (struct nodes){{MPI_COMM_NULL, 0, 1}, {MPI_COMM_NULL, 0, 1}, NULL};
    if (comm->ranks == 1) return OK;
    split(comm, limit, nodes);
    int leader = nodes->leaders.rank;
    comm_broadcast(&nodes->node, &leader, sizeof leader, 0);
    TRY(comm_gather_all(comm, &leader, sizeof leader, &all, &bytes));
    nodes->leader = all;
done:
    return status;
}

enum status nodes_find(const struct comm *comm, struct nodes *nodes)
{
    return find(comm, node_ranks_most, nodes);
}

void nodes_free(struct nodes *nodes)
{
    if (nodes->node.ranks > 0) comm_free(&nodes->node);
    if (nodes->leaders.ranks > 0) comm_free(&nodes->leaders);
    free(nodes->leader);
    *nodes = (struct nodes){0};
}

/* ---- memory ---- */

static enum status refuse(int64_t bytes)
{
    return FAIL(ERR_MEMORY, "%" PRId64 " bytes of memory shared by a node: %s", bytes,
                strerror(errno));
}

/* The first rank of a node: a new segment that is really there, not only promised. */
static enum status create(int64_t bytes, char name[NAME_BYTES], int *file)
{
    static int number;
    snprintf(name, NAME_BYTES, "/remise-%ld-%d", (long)getpid(), number++);
    *file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (*file < 0) return refuse(bytes);
    errno = posix_fallocate(*file, 0, bytes);
    return errno == 0 ? OK : refuse(bytes);
}

static enum status map(int file, int64_t bytes, struct shared *shared)
{
    void *data = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (data == MAP_FAILED) return refuse(bytes);
    *shared = (struct shared){data, bytes, true};
    return OK;
}

static enum status make_common(const struct comm *comm, const struct nodes *nodes, int64_t bytes,
                               struct shared *shared)
{
    enum status status = OK;
    char name[NAME_BYTES] = "";
    bool first = nodes->node.rank == 0;
    int file = -1;
    TRY_ALL(comm, first ? create(bytes, name, &file) : OK);
    comm_broadcast(&nodes->node, name, sizeof name, 0);
    if (!first) file = shm_open(name, O_RDWR, 0600);
    TRY_ALL(comm, file < 0 ? refuse(bytes) : map(file, bytes, shared));
done:
    if (first && name[0] != '\0') shm_unlink(name);
    if (file >= 0) close(file);
    if (status != OK) shared_free(shared);
    return status;
}

enum status shared_new(const struct comm *comm, struct nodes *nodes, int64_t bytes,
                       struct shared *shared)
{
    enum status status = OK;
    int64_t alone = nodes->node.ranks == 1;
    *shared = (struct shared){0};
    comm_min_int64(comm, &alone, 1);
    if (!alone && bytes > 0) {
        if ((status = make_common(comm, nodes, bytes, shared)) != ERR_MEMORY) return status;
        log_warning("%s; each rank keeps a copy of its own", status_message());
        nodes_free(nodes);
        TRY(find(comm, 1, nodes));
    }
    shared->bytes = bytes;
    TRY_ALL(comm, memory_new(&shared->data, bytes, 1));
done:
    return status;
}

void shared_free(struct shared *shared)
{
    if (shared->mapped)
        munmap(shared->data, (size_t)shared->bytes);
    else
        free(shared->data);
    *shared = (struct shared){0};
}

/* ---- parts ---- */

struct part {
    int64_t first, bytes;
};

enum status shared_publish(const struct comm *comm, const struct nodes *nodes,
                           struct shared *shared, int64_t first_mine, int64_t bytes_mine)
{
    enum status status = OK;
    const struct part mine = {first_mine, bytes_mine};
    void *all = NULL;
    int64_t bytes = 0;
    if (comm->ranks == 1) return OK;
    atomic_thread_fence(memory_order_seq_cst);
    TRY(comm_gather_all(comm, &mine, sizeof mine, &all, &bytes));
    const struct part *part = all;
    for (int r = 0, next; r < comm->ranks && nodes->leaders.ranks > 1; r = next) {
        int64_t end = part[r].first + part[r].bytes;
        for (next = r + 1; next < comm->ranks && nodes->leader[next] == nodes->leader[r] &&
                           part[next].first == end;
             next++)
            end += part[next].bytes;
        comm_broadcast(&nodes->leaders, (char *)shared->data + part[r].first, end - part[r].first,
                       nodes->leader[r]);
    }
    comm_barrier(&nodes->node);
    atomic_thread_fence(memory_order_seq_cst);
done:
    free(all);
    return status;
}
