/**
 * receipt.txt: the receipt for people who set discounts, made from receipt.json and nothing else.
 *
 * First what was asked and what came out, in sentences; then a line for each limit, rule, level and
 * group. Sections whose fields the receipt does not have are left out, and fields that no section
 * knows stand at the end as they are, so that the text says all that the JSON says (rounded to what
 * is read). All local.
 */
#ifndef REMISE_JOBS_RECEIPT_TEXT_H
#define REMISE_JOBS_RECEIPT_TEXT_H

#include "mpi/status.h"

#include <jansson.h>
#include <stdint.h>

/**
 * The text of a receipt; the same receipt gives the same bytes.
 * text  out  new [*bytes], the caller frees it
 * Errors: ERR_MEMORY.
 */
enum status receipt_text_make(const json_t *receipt, char **text, int64_t *bytes);

/** The same into a file that all may read. Errors: ERR_MEMORY, ERR_WRITE. */
enum status receipt_text_write(const json_t *receipt, const char *path);

#endif
