/* Streams of libsodium's secretstream, one message each. */
#include "io/seal.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { BOUND_BYTES = SEAL_NAME_BYTES + 8 };

void seal_put_number(unsigned char *to, uint64_t value, int bytes)
{
    for (int b = 0; b < bytes; b++) to[b] = (unsigned char)(value >> (8 * b));
}

uint64_t seal_get_number(const unsigned char *from, int bytes)
{
    uint64_t value = 0;
    for (int b = 0; b < bytes; b++) value |= (uint64_t)from[b] << (8 * b);
    return value;
}

enum status seal_room(struct seal_buffer *buffer, int64_t bytes)
{
    unsigned char *larger = NULL;
    if (buffer->data != NULL && buffer->bytes + bytes <= buffer->capacity) return OK;
    int64_t capacity = 2 * (buffer->bytes + bytes) + 1;
    enum status status = memory_new(&larger, capacity, 1);
    if (status != OK) return status;
    if (buffer->bytes > 0) memcpy(larger, buffer->data, (size_t)buffer->bytes);
    if (buffer->data != NULL) sodium_memzero(buffer->data, (size_t)buffer->capacity);
    free(buffer->data);
    buffer->data = larger;
    buffer->capacity = capacity;
    return OK;
}

void seal_clear(struct seal_buffer *buffer)
{
    if (buffer->data != NULL) sodium_memzero(buffer->data, (size_t)buffer->capacity);
    free(buffer->data);
    *buffer = (struct seal_buffer){0};
}

static void bind(const unsigned char *name, int64_t place, unsigned char bound[BOUND_BYTES])
{
    memcpy(bound, name, SEAL_NAME_BYTES);
    seal_put_number(bound + SEAL_NAME_BYTES, (uint64_t)place, 8);
}

enum status seal_append(const unsigned char *key, const unsigned char *name, int64_t place,
                        const unsigned char *plain, int64_t bytes, struct seal_buffer *out)
{
    crypto_secretstream_xchacha20poly1305_state state;
    unsigned char bound[BOUND_BYTES];
    enum status status = seal_room(out, bytes + SEAL_EXTRA);
    if (status != OK) return status;
    unsigned char *to = out->data + out->bytes;
    bind(name, place, bound);
    crypto_secretstream_xchacha20poly1305_init_push(&state, to, key);
    crypto_secretstream_xchacha20poly1305_push(&state, to + SEAL_HEADER_BYTES, NULL, plain,
                                               (unsigned long long)bytes, bound, sizeof bound,
                                               crypto_secretstream_xchacha20poly1305_TAG_FINAL);
    sodium_memzero(&state, sizeof state);
    out->bytes += bytes + SEAL_EXTRA;
    return OK;
}

bool seal_open(const unsigned char *key, const unsigned char *name, int64_t place,
               const unsigned char *stream, int64_t bytes, unsigned char *plain)
{
    crypto_secretstream_xchacha20poly1305_state state;
    unsigned char bound[BOUND_BYTES], tag = 0;
    bind(name, place, bound);
    bool good = crypto_secretstream_xchacha20poly1305_init_pull(&state, stream, key) == 0 &&
                crypto_secretstream_xchacha20poly1305_pull(
                    &state, plain, NULL, &tag, stream + SEAL_HEADER_BYTES,
                    (unsigned long long)(bytes - SEAL_HEADER_BYTES), bound, sizeof bound) == 0 &&
                tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    sodium_memzero(&state, sizeof state);
    return good;
}
