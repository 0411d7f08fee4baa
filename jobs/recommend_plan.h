/**
 * Which scorers compete, on what they are judged, and which of them is to choose the candidates.
 */
#ifndef REMISE_JOBS_RECOMMEND_PLAN_H
#define REMISE_JOBS_RECOMMEND_PLAN_H

#include "jobs/recommend_judge.h"

enum { PLAN_SPLITS = 20, PLAN_LEAST_USERS = 50 };

struct recommend_trial {
    const struct scorer *scorer;
    double knob[SCORER_KNOBS];
    double ndcg, error; /* mean over users judged, and its standard error; NaN: could not learn */
    int64_t users;
};

struct recommend_plan {
    struct recommend_contest contest;
    enum marks_mode mode; /* MARKS_NEW: nothing bought before is offered again */
    int64_t splits;       /* 0: nothing to be judged by */
    struct recommend_split split[PLAN_SPLITS];
    bool tuned; /* trials were made on the purchases before those that are judged by */
    struct recommend_split tune_split;
    int64_t trials;
    struct recommend_trial *trial; /* [trials] */
    bool judged;
    struct recommend_judgement judgement;
    bool blend;      /* the blend chooses */
    int64_t chosen;  /* else this entrant */
    const char *why; /* a few words */
};

/**
 * Take the settings: who competes, and how time is split. Local.
 * plan  out  the caller frees it with recommend_plan_clear
 */
void recommend_plan_make(const struct scorer_shop *shop, struct recommend_plan *plan);

/** Free; accepts a zeroed struct. Local. */
void recommend_plan_clear(struct recommend_plan *plan);

/**
 * Judge by the plan, where at least PLAN_LEAST_USERS can be judged, and choose: what
 * recommend.scorer names, or the one with the highest NDCG, or a simpler one that is not behind it
 * by more than one standard error of the difference.
 * Collective. Logs the table.
 * Errors: those of recommend_judge.
 */
enum status recommend_plan_choose(const struct comm *comm, const struct scorer_shop *shop,
                                  struct recommend_plan *plan);

/** Name of an entry of the judgement. Local. */
const char *recommend_plan_name(const struct recommend_plan *plan, int64_t entry);

/** Name of what was chosen. Local. */
const char *recommend_plan_chosen(const struct recommend_plan *plan);

#endif
