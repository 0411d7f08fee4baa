/**
 * Bytes encrypted and authenticated under a secret key (XChaCha20-Poly1305), in buffers that leave
 * nothing behind in memory. All local; libsodium must have been started (sodium_init).
 */
#ifndef REMISE_IO_SEAL_H
#define REMISE_IO_SEAL_H

#include "mpi/status.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SEAL_KEY_BYTES = crypto_secretstream_xchacha20poly1305_KEYBYTES,
    SEAL_NAME_BYTES = 16,
    SEAL_HEADER_BYTES = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    SEAL_EXTRA = SEAL_HEADER_BYTES + crypto_secretstream_xchacha20poly1305_ABYTES /* a stream's */
};

/* Bytes that grow at their end; what is freed is wiped. */
struct seal_buffer {
    unsigned char *data;
    int64_t bytes, capacity;
};

/** Make room for `bytes` more. Errors: ERR_MEMORY. */
enum status seal_room(struct seal_buffer *buffer, int64_t bytes);
/** Wipe and free; accepts a zeroed struct. */
void seal_clear(struct seal_buffer *buffer);

/**
 * Append a stream that holds `plain`: SEAL_EXTRA bytes more, with a random nonce.
 * name, place  in  [SEAL_NAME_BYTES] of the file and where in it: the stream opens with the same
 *                  ones only, so that none can be exchanged for another
 * Errors: ERR_MEMORY.
 */
enum status seal_append(const unsigned char *key, const unsigned char *name, int64_t place,
                        const unsigned char *plain, int64_t bytes, struct seal_buffer *out);

/**
 * Decrypt a stream of `bytes` bytes, at least SEAL_EXTRA; false if any bit of it, the key or the
 * place is not the one it was made with.
 * plain  out  [bytes - SEAL_EXTRA]
 */
bool seal_open(const unsigned char *key, const unsigned char *name, int64_t place,
               const unsigned char *stream, int64_t bytes, unsigned char *plain);

/** A number of `bytes` bytes, 1 to 8, lowest first. */
void seal_put_number(unsigned char *to, uint64_t value, int bytes);
/** The number put there. */
uint64_t seal_get_number(const unsigned char *from, int bytes);

#endif
