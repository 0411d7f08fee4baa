/* Allocation with a message on failure, and the process's own peak. */
#include "mpi/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { ALIGNMENT = 64, LARGE_BYTES = 1 << 18, IDLE_BYTES = 1 << 20 };

void memory_start(void)
{
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES); /* once set, it no longer grows by itself */
    mallopt(M_TRIM_THRESHOLD, IDLE_BYTES);
#endif
}

static enum status too_large(int64_t count, size_t size)
{
    return FAIL(ERR_MEMORY,
                "cannot allocate %lld x %zu bytes; use more ranks or nodes with more memory",
                (long long)count, size);
}

static size_t padded_bytes(int64_t count, size_t size)
{
    size_t padded = ((size_t)count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return padded == 0 ? ALIGNMENT : padded;
}

enum status memory_room(void *pointer_out, int64_t count, size_t size)
{
    void *fresh = NULL;
    memcpy(pointer_out, &fresh, sizeof fresh);
    if (count < 0) return FAIL(ERR_BUG, "allocation of %lld elements", (long long)count);
    if (size != 0 && (uint64_t)count > (SIZE_MAX - ALIGNMENT) / size) return too_large(count, size);
    fresh = aligned_alloc(ALIGNMENT, padded_bytes(count, size));
    if (fresh == NULL) return too_large(count, size);
    memcpy(pointer_out, &fresh, sizeof fresh);
    return OK;
}

enum status memory_new(void *pointer_out, int64_t count, size_t size)
{
    void *fresh = NULL;
    enum status status = memory_room(pointer_out, count, size);
    if (status != OK) return status;
    memcpy(&fresh, pointer_out, sizeof fresh);
    memset(fresh, 0, padded_bytes(count, size));
    return OK;
}

enum status memory_grow(void *pointer_inout, int64_t old_count, int64_t count, size_t size)
{
    void *old = NULL, *fresh = NULL;
    memcpy(&old, pointer_inout, sizeof old);
    enum status status = memory_new(&fresh, count, size);
    if (status != OK) return status;
    int64_t kept = old_count < count ? old_count : count;
    if (old != NULL && kept > 0) memcpy(fresh, old, (size_t)kept * size);
    free(old);
    memcpy(pointer_inout, &fresh, sizeof fresh);
    return OK;
}

int64_t memory_peak_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    return (int64_t)usage.ru_maxrss * 1024;
}
