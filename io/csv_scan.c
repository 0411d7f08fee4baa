/* The four states of a CSV reader and the maps between them. */
#include "io/csv_scan.h"

enum csv_state csv_state_text(enum csv_state state)
{
    return state == CSV_QUOTED ? CSV_QUOTED : CSV_UNQUOTED;
}

enum csv_state csv_state_quote(enum csv_state state)
{
    static const unsigned char behind[CSV_STATES] = {CSV_QUOTED, CSV_UNQUOTED, CSV_QUOTE_IN_QUOTED,
                                                     CSV_QUOTED};
    return (enum csv_state)behind[state];
}

struct csv_span csv_span_empty(void)
{
    return (struct csv_span){
        {CSV_FIELD_START, CSV_UNQUOTED, CSV_QUOTED, CSV_QUOTE_IN_QUOTED}, false, 0};
}

struct csv_span csv_span_fresh(void)
{
    return (struct csv_span){
        {CSV_FIELD_START, CSV_FIELD_START, CSV_FIELD_START, CSV_FIELD_START}, true, 0};
}

struct csv_span csv_span_join(struct csv_span first, struct csv_span second)
{
    struct csv_span both = {{0}, first.fresh, first.line_ends + second.line_ends};
    if (second.fresh) return second;
    for (int s = 0; s < CSV_STATES; s++) both.end[s] = second.end[first.end[s]];
    return both;
}

/* State at `to`, coming from `from` in `state` over bytes without quotes: outside quotes only the
 * last one matters. */
static inline enum csv_state step_over(enum csv_state state, const char *text, int64_t from,
                                       int64_t to, char delimiter)
{
    if (to == from || state == CSV_QUOTED) return state;
    char last = text[to - 1];
    return last == delimiter || last == '\n' || last == '\r' ? CSV_FIELD_START : CSV_UNQUOTED;
}

static enum csv_state walk(enum csv_state state, const char *text, int64_t bytes, char delimiter,
                           const uint32_t *quote, int64_t quotes)
{
    int64_t at = 0;
    for (int64_t i = 0; i < quotes; i++) {
        state = csv_state_quote(step_over(state, text, at, quote[i], delimiter));
        at = (int64_t)quote[i] + 1;
    }
    return step_over(state, text, at, bytes, delimiter);
}

void csv_span_extend(struct csv_span *span, const char *text, int64_t bytes, char delimiter,
                     uint32_t *index)
{
    unsigned char end[CSV_STATES];
    bool known[CSV_STATES] = {false};
    int64_t line_ends = 0;
    int64_t quotes = csv_index_quotes(csv_kernel_best(), text, bytes, index, &line_ends);
    for (int s = 0; s < CSV_STATES; s++) { /* states fall together soon: most walks are shared */
        unsigned char from = span->end[s];
        if (!known[from])
            end[from] = (unsigned char)walk(from, text, bytes, delimiter, index, quotes);
        known[from] = true;
        span->end[s] = end[from];
    }
    span->line_ends += line_ends;
}

void csv_span_skim(struct csv_span *span, const char *text, int64_t bytes, char delimiter,
                   bool *quoted)
{
    bool here = false;
    span->line_ends += csv_index_line_ends(csv_kernel_best(), text, bytes, &here);
    for (int s = 0; s < CSV_STATES; s++)
        span->end[s] =
            (unsigned char)step_over((enum csv_state)span->end[s], text, 0, bytes, delimiter);
    *quoted |= here;
}

bool csv_span_settled(const struct csv_span *span)
{
    for (int s = 1; s < CSV_STATES; s++)
        if (span->end[s] != span->end[0]) return false;
    return true;
}
