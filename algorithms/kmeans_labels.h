/**
 * Which centroid each row belongs to, and the sums of the clusters, kept up to date from one
 * iteration to the next.
 *
 * Only rows that change their cluster are taken from one sum and added to another; sums are exact,
 * so they are what adding all rows anew would give. Once the centroids move little, most rows need
 * not even be looked at: for each row a bound is kept of how much the two nearest centroids may
 * move before its label could change (Hamerly 2010), rounded such that float32 scores would have
 * given the same label, ties and all. The others are labelled together, a tile at a time. While
 * bounds would spare less than half of the rows, none are kept. Labels, sums and so models are the
 * same bits with and without.
 */
#ifndef REMISE_ALGORITHMS_KMEANS_LABELS_H
#define REMISE_ALGORITHMS_KMEANS_LABELS_H

#include "algorithms/kmeans_kernel.h"
#include "algorithms/kmeans_sums.h"
#include "algorithms/rows.h"

enum kmeans_pass { KMEANS_PASS_NONE, KMEANS_PASS_PLAIN, KMEANS_PASS_JUDGE, KMEANS_PASS_PRUNE };

struct kmeans_labels {
    const struct rows *x;         /* not owned, as the next two */
    struct kmeans_panels *panels; /* of the centroids of the last pass */
    struct kmeans_sums *sums;     /* of the rows by their labels on this rank */
    uint8_t *narrow;              /* [rows_local] labels; NULL for k > 255 */
    uint16_t *wide;               /* [rows_local] then; NULL for k > 65535, when none are kept */
    uint16_t *bound;              /* [rows_local] in units, beside the drift of the label */
    double *grid;                 /* [kmeans_pitch(columns)] what rows are rounded to, for move() */
    double *place;                /* [k][columns] centroids of the last pass, as scores see them */
    double *shift;                /* [k] how far they moved to it */
    double *drift;                /* [k] how much gaps may have shrunk since the unit was chosen */
    uint16_t *need;               /* [k] bounds above this hold */
    double unit;                  /* of bounds; 0: there are none */
    float reach;                  /* bounds hold while no centroid is farther out */
    bool fresh;                   /* there was no pass yet */
    int64_t wait, pause;          /* passes without bounds: the next time, and still to come */
    int64_t visited, weak;        /* rows of the last pass: labelled, and with small bounds */
    struct kmeans_move *moves;    /* [KMEANS_STRIP] work space, as the next */
    int32_t *list;
};

/**
 * Make room. Local. Clear with kmeans_labels_clear.
 * sums  in  initialised; emptied
 * Memory: 4 bytes a row, 3 for k < 256.
 * Errors: ERR_MEMORY.
 */
enum status kmeans_labels_init(struct kmeans_labels *labels, const struct rows *x,
                               struct kmeans_panels *panels, struct kmeans_sums *sums);
/** Free; accepts a zeroed struct. Local. */
void kmeans_labels_clear(struct kmeans_labels *labels);

/**
 * Label all local rows by these centroids, and bring the sums up to date. Local.
 * centroids  in  [k][columns] within KMEANS_LIMIT
 * Returns what was done.
 */
enum kmeans_pass kmeans_labels_pass(struct kmeans_labels *labels, const double *centroids);

/** Is there a label for each row? Local. */
static inline bool kmeans_labels_kept(const struct kmeans_labels *labels)
{
    return labels->narrow != NULL || labels->wide != NULL;
}

/** The labels that the last pass gave to rows [first, first + rows). Local. */
void kmeans_labels_get(const struct kmeans_labels *labels, int64_t first, int64_t rows,
                       int32_t *out);

#endif
