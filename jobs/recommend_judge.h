/**
 * Scorers judged by purchases that they have not seen.
 *
 * All are fitted to the same earlier events and rank all products that may be offered for the same
 * users; what these bought afterwards says how well. A blend takes its weights from the purchases
 * of one half of the users and is judged by the other half's, and the other way round.
 */
#ifndef REMISE_JOBS_RECOMMEND_JUDGE_H
#define REMISE_JOBS_RECOMMEND_JUDGE_H

#include "jobs/recommend_board.h"
#include "jobs/recommend_marks.h"
#include "jobs/recommend_split.h"

struct recommend_entrant {
    const struct scorer *scorer;
    double knob[SCORER_KNOBS];
};

struct recommend_contest {
    int64_t entrants;
    struct recommend_entrant entrant[BOARD_MEMBERS]; /* those with panels first */
    bool blend;                                      /* judge a blend of them too */
    int64_t best;  /* products that count: those a user will be offered */
    int64_t pool;  /* products scored by pairs */
    int64_t users; /* judged at most, about */
};

struct recommend_judgement {
    int64_t entries;                 /* entrants that could be fitted, and the blend */
    int64_t entrant[BOARD_MEMBERS];  /* [entries] which; the blend has none */
    bool blend;                      /* the last entry is the blend */
    int64_t users, eligible, wanted; /* judged, who could have been, purchases; all ranks */
    struct marks_result result;
    /* Of the blend for each mode, from all users judged: weights of each entry's score and place */
    int64_t blend_users[MARKS_MODES];
    double weight[MARKS_MODES][BOARD_FEATURES];
};

/**
 * Judge by one split, or by `splits` of them together (folds).
 *
 * Collective.
 * Cost: for each split a fit of each entrant and panels of the judged users, twice with a blend.
 * Memory: scorer_data_make's, the scorers', and about 10 KiB for each of at most about 3,000 users.
 * Same bytes for any number of ranks.
 * Errors: those of the scorers but ERR_DATA; ERR_MEMORY.
 */
enum status recommend_judge(const struct comm *comm, const struct scorer_shop *shop,
                            const struct recommend_contest *contest,
                            const struct recommend_split *split, int64_t splits,
                            struct recommend_judgement *judgement);

#endif
