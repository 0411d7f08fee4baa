/**
 * What a stretch of CSV text does to the reader's state, whatever that state is when the stretch
 * begins.
 *
 * A reader is in one of four states, and a stretch maps each of them to another. Such maps compose,
 * so each rank can describe its own range without knowing what came before, and the composition up
 * to a range is the exact state at its start, for every input: also quotes in mid-field, which
 * counting quotes modulo two gets wrong.
 */
#ifndef REMISE_IO_CSV_SCAN_H
#define REMISE_IO_CSV_SCAN_H

#include "io/csv_index.h"

enum csv_state {
    CSV_FIELD_START, /* behind a delimiter or a row's end */
    CSV_UNQUOTED, /* inside a field without quotes, or behind text that follows a closing quote */
    CSV_QUOTED,   /* inside quotes */
    CSV_QUOTE_IN_QUOTED, /* behind a quote inside quotes: the end of them, or the first of two */
    CSV_STATES
};

struct csv_span {
    unsigned char end[CSV_STATES]; /* state at the end for each state at the start */
    bool fresh;                    /* begins with a file: what comes before it does not matter */
    int64_t line_ends;             /* in the text, or since the file began */
};

/** The span of no text. Local. */
struct csv_span csv_span_empty(void);

/** The span of no text where the rows of a file begin. Local. */
struct csv_span csv_span_fresh(void);

/** The span of a text followed by another. Local. */
struct csv_span csv_span_join(struct csv_span first, struct csv_span second);

/**
 * Extend a span by more text. Local.
 * text   in   [bytes], text[-1] and CSV_INDEX_SLACK more readable
 * index  out  work space for bytes + CSV_INDEX_SLACK
 * Cost: one pass at memory speed, and one step per quote.
 */
void csv_span_extend(struct csv_span *span, const char *text, int64_t bytes, char delimiter,
                     uint32_t *index);

/**
 * Extend a span as if the text held no quote: faster, and line_ends is right in any case. Local.
 * quoted  inout  set if the text holds a quote: then `end` is not known
 */
void csv_span_skim(struct csv_span *span, const char *text, int64_t bytes, char delimiter,
                   bool *quoted);

/** Whether the state at the end is the same, whatever it was at the start. Local. */
bool csv_span_settled(const struct csv_span *span);

/** State behind text that holds no delimiter, quote or line end (at least one byte). Local. */
enum csv_state csv_state_text(enum csv_state state);

/** State behind a quote. Local. */
enum csv_state csv_state_quote(enum csv_state state);

#endif
