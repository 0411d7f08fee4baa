/**
 * Small files read and replaced as a whole, checksums of files of any size, and the disk told to
 * keep them. All local.
 */
#ifndef REMISE_IO_FILE_H
#define REMISE_IO_FILE_H

#include "mpi/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_TEXT_BYTES = 65 };

/**
 * SHA-256 of a file's bytes as 64 lower case hexadecimal digits.
 * text  out  [SHA256_TEXT_BYTES], ended by 0
 * Cost: one pass, 1 MiB of memory.
 * Errors: ERR_NO_INPUT it cannot be opened; ERR_IO it cannot be read; ERR_MEMORY.
 */
enum status file_sha256(const char *path, char *text);

/**
 * Read a small file as a whole.
 * limit  in   the largest size accepted, in bytes
 * data   out  new [*bytes + 1], ended by 0; the caller frees it; NULL unless OK
 * Errors: ERR_NO_INPUT; ERR_DATA larger than the limit; ERR_IO; ERR_MEMORY.
 */
enum status file_read(const char *path, int64_t limit, char **data, int64_t *bytes);

/**
 * Put bytes under a name, whole or not at all: a temporary file beside it, fsync, rename, fsync of
 * the folder.
 * mode  in  permissions of the new file, e.g. 0600, exactly
 * Errors: ERR_WRITE with the reason; what was there before stays then.
 */
enum status file_replace(const char *path, const void *data, int64_t bytes, unsigned mode);

/** Whether something exists under this name. */
bool file_exists(const char *path);

/** Remember that this process reads the file, so that no result takes its place. */
void file_mark_input(const char *path);

/**
 * Refuse to write a result over a file that was read, by whatever name it goes.
 * Errors: ERR_USAGE with the remedy.
 */
enum status file_refuse_input(const char *path);

/**
 * fsync the folder that holds `path`, so that a rename in it survives a crash.
 * Errors: ERR_WRITE.
 */
enum status file_sync_folder(const char *path);

/**
 * Write all bytes at an offset of an open file.
 * name  in  for the message
 * Errors: ERR_WRITE with the reason.
 */
enum status file_write_at(int file, const char *name, const void *data, int64_t bytes,
                          int64_t offset);

/**
 * The name under which `path` is written until it is whole: a hidden one in the same folder, always
 * the same.
 * temporary  out  new, the caller frees it; NULL unless OK
 * Errors: ERR_MEMORY.
 */
enum status file_temporary_name(const char *path, char **temporary);

/**
 * Create an empty file with exactly these permissions, in place of one left behind.
 * file  out  open for writing
 * Errors: ERR_WRITE.
 */
enum status file_create(const char *path, unsigned mode, int *file);

#endif
