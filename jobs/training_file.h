/**
 * The file of a checkpoint within a training, and the fingerprint that says whose it is.
 */
#ifndef REMISE_JOBS_TRAINING_FILE_H
#define REMISE_JOBS_TRAINING_FILE_H

#include "algorithms/network.h"

struct training_fingerprint {
    char text[33]; /* of rows, options, layers and first weights; the same at any number of ranks */
};

/**
 * Fingerprint of a training that has not begun.
 * Collective. Cost: one pass over the rows. Errors: ERR_MEMORY.
 */
enum status training_fingerprint_make(const struct comm *comm, const struct network_data *data,
                                      const struct network_options *options,
                                      const struct network *model,
                                      struct training_fingerprint *fingerprint);

/**
 * Put the progress of a training into a file that is replaced as a whole.
 * Collective. Errors: those of io/store.h.
 */
enum status training_file_write(const struct comm *comm, const char *path,
                                const struct training_fingerprint *fingerprint,
                                const struct network_progress *progress);

/**
 * Read it back; progress is changed only if all is well, its arrays are those of this training.
 * Collective. Memory: the file's size.
 * Errors: ERR_DATA it belongs to another training or is damaged; ERR_IO, ERR_MEMORY.
 */
enum status training_file_read(const struct comm *comm, const char *path,
                               const struct training_fingerprint *fingerprint,
                               struct network_progress *progress);

#endif
