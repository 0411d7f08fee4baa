/**
 * A board: several fitted scorers side by side, and what they say of a chunk of users.
 *
 * Those with panels come first. Where there is one that scores pairs alone, or a blend is wanted,
 * each user gets a pool, the best of all panels together, and every scorer ends with a whole
 * panel: behind its pool the first scorer's order goes on.
 */
#ifndef REMISE_JOBS_RECOMMEND_BOARD_H
#define REMISE_JOBS_RECOMMEND_BOARD_H

#include "jobs/recommend_blend.h"
#include "jobs/scorer.h"

enum { BOARD_MEMBERS = 8, BOARD_FEATURES = 2 * BOARD_MEMBERS };

struct board_member {
    const struct scorer *scorer;
    double knob[SCORER_KNOBS];
    void *model;
};

struct board {
    const struct scorer_data *data; /* not owned */
    int64_t members, panels;        /* the first `panels` of the members have panels */
    struct board_member member[BOARD_MEMBERS];
    int64_t chunk, stride; /* users and floats of a panel */
    int64_t each, slots;   /* of the pool: taken of each panel, and in all; 0: no pool */
    int64_t features;      /* two for each member */
    float *panel;          /* [members + 1][chunk][stride] the last is the blend's */
    int32_t *product;      /* [chunk][slots] the pool, -1 behind its end */
    float *feature;        /* [chunk][slots][features] */
    float *pair;           /* [chunk][slots] */
    float *value;          /* [slots] work */
    int32_t *order;        /* [slots] work */
    float *fall;           /* [slots] -log2(1 + place) */
    uint8_t *met;          /* [products] work */
};

/**
 * Fit a scorer and put it on the board; one that cannot learn from this shop is left out with a
 * line in the log. Scorers with panels must come first.
 * Collective. knob  in  NULL: the settings'
 * Errors: those of the scorer, but for ERR_DATA.
 */
enum status board_add(const struct comm *comm, const struct scorer *scorer, const double *knob,
                      struct board *board);

/**
 * Make room for panels, and for a pool of `pool` products where one is needed, which takes at least
 * `least` of each panel. Local, after the last board_add.
 */
enum status board_open(int64_t pool, int64_t least, bool blend, struct board *board);

/** Bytes that board_open takes with so many scorers. Local. */
int64_t board_bytes(const struct scorer_data *data, int64_t members, int64_t pool);

/** Free; accepts a zeroed struct. Local. */
void board_clear(struct board *board);

/**
 * Panels of up to `chunk` users; what may not be offered is -INFINITY. Local.
 * Errors: those of the scorers.
 */
enum status board_fill(struct board *board, const int64_t *user, int64_t users);

/** Take what the users bought before off all panels. Local. */
void board_leave_out_bought(struct board *board, const int64_t *user, int64_t users);

/**
 * Pools, their features, and the scorers of pairs; after board_fill. Local.
 * Without a pool nothing is done.
 */
enum status board_rank(struct board *board, const int64_t *user, int64_t users);

/** The blend's panel of one of the users: scores of the pool by weights of the features. Local. */
void board_blend(struct board *board, int64_t at, const double *weight);

/** Panel of a member, or of the blend (member == members), for one of the users. Local. */
float *board_panel(const struct board *board, int64_t member, int64_t at);

#endif
