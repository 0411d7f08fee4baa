/**
 * A text of 4 KiB in which CSV readers that cut files into ranges go wrong, made of small pieces
 * that each hold one difficulty.
 *
 * The text has three columns and a byte order mark; its last row has a quote that is never closed.
 * Read it by corpus_options: the limits are small, so that some rows exceed them.
 */
#ifndef REMISE_TESTS_CSV_CORPUS_H
#define REMISE_TESTS_CSV_CORPUS_H

#include "io/csv.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum { CORPUS_BYTES = 4096, CORPUS_LONG = 1100, CORPUS_FIELD_MAX = 40, CORPUS_ROW_MAX = 1060 };

#define CORPUS_HEAD "\xef\xbb\xbf\n\r\n\"a\",b ,\"c\"\r\n"
#define CORPUS_TAIL "7,8,9\r\nend,\"never \"\"closed\"\"\r\n,x\n\r\n\"\""

struct corpus_piece {
    const char *text;
    size_t bytes;
};

#define PIECE(text)            \
    {                          \
        text, sizeof(text) - 1 \
    }
static const struct corpus_piece corpus_pieces[] = {
    PIECE("1,2,3\n"),
    PIECE("4,5,6\r\n"),
    PIECE("7,8,9\r"),
    /* line ends inside quotes, CRLF cut in two, CR before CRLF */
    PIECE("\"x\ny\",\"\r\n\",\"\r\"\n"),
    PIECE("\"\n\",\"\n\n\",\"\r\r\n\"\r\n"),
    PIECE("a,b,c\r\r\nd,e,f\r\r\n"),
    PIECE("a,b,c\n\rd,e,f\n\r"),
    PIECE("\"a\r\",\"\nb\",\"c\r\n\"\r"),
    PIECE("\"1,2,3\n4,5,6\n\",\"7,8,9\r\n\",x\n"),
    /* doubled quotes at every boundary */
    PIECE("\"\"\"\",\"\"\"\"\"\",\"\"\"x\"\"\"\n"),
    PIECE("\"\"\"\n\"\"\",\",\"\",\",\"\"\"\r\n\"\r\n"),
    PIECE("\"\",\"\",\"\"\r"),
    PIECE("\"a\"\"\",\"\"\"b\",\"c\"\"d\"\n"),
    PIECE("\"\"\",\"\"\",\"\"\"\"\"\n\"\"\",z\n"),
    /* quotes in mid-field are text */
    PIECE("5\" pipe,x \"y\" z,6\"\n"),
    PIECE("a\"\",b\"\"\"c,d\"e\"\"f\"\r\n"),
    PIECE(" \"a\", \"b,c\"\r"),
    PIECE("it\"s\n\"\",x,y\n"),
    /* text behind a closing quote */
    PIECE("\"a\"b,c,d\n"),
    PIECE("1,\"2\" ,3\r\n"),
    PIECE("1,2,\"3\"4\"5\",6\"\r"),
    PIECE("\"a\nb\"c\"\n\"d\"e\r\n"),
    /* ragged rows, empty lines, empty fields */
    PIECE("1,2\n"),
    PIECE("1,2,3,4\r\n"),
    PIECE("1\r"),
    PIECE(",\n,,\r,,,\r\n"),
    PIECE("\n\n\r\n\r\n\r\r\n"),
    PIECE("\"only\"\n"),
    PIECE("\"a\",\"b\"\r\n\r\n,,\"\"\n"),
    /* bytes */
    PIECE("nul\0,b,c\n"),
    PIECE("a,\"\0\",c\r\n"),
    PIECE("\xef\xbb\xbf"
          "bom,b,c\n"),
    PIECE("\xc3\xa9,\"\xe2\x82\xac\",\xf0\x9f\x98\x80\n"),
    PIECE("latin \xe9,b,c\r\n"),
    PIECE("a,\xc0\x80,c\ra,b,\"\xed\xa0\x80\"\n"),
    PIECE("a,b,\xf0\x9f\x98\n\x80,b,c\r"),
    PIECE("\xff,1,2,3\n"),
    /* long fields */
    PIECE("a,0123456789012345678901234567890123456789,c\n"),
    PIECE("a,01234567890123456789012345678901234567890,c\n"),
    PIECE("a,\"0123456789\n0123456789\r\n0123456789\"\"0123456789\",c\r\n"),
    PIECE("a,\"01234567890123456789012345678901234567890\"x,c\r"),
    /* other delimiters are text */
    PIECE("a;b,c\td,e|f\n"),
    PIECE("\";\",\"\t\",\"\n;\"\r\n"),
};
#undef PIECE

enum { CORPUS_PIECES = sizeof corpus_pieces / sizeof *corpus_pieces };

static inline struct csv_options corpus_options(char delimiter)
{
    struct csv_options options = CSV_DEFAULTS;
    options.delimiter = delimiter;
    options.field_bytes_max = CORPUS_FIELD_MAX;
    options.row_bytes_max = CORPUS_ROW_MAX;
    return options;
}

static inline int64_t corpus_put(char *text, int64_t at, const char *piece, size_t bytes)
{
    memcpy(text + at, piece, bytes);
    return at + (int64_t)bytes;
}

/* A row beyond the limit, with line ends and quotes in it. */
static inline int64_t corpus_put_long(char *text, int64_t at)
{
    int64_t end = at + CORPUS_LONG;
    at = corpus_put(text, at, "long,\"", 6);
    while (at < end - 8) at = corpus_put(text, at, at % 3 == 0 ? "\r\n,12" : "\"\"xyz", 5);
    at = corpus_put(text, at, "\",z\n", 4);
    return at;
}

/* All pieces, a long row, pieces drawn at random, and the tail; commas, or another delimiter. */
static inline void corpus_text(char delimiter, char *text)
{
    const size_t tail = sizeof CORPUS_TAIL - 1;
    const int64_t room = CORPUS_BYTES - (int64_t)tail;
    int64_t at = corpus_put(text, 0, CORPUS_HEAD, sizeof CORPUS_HEAD - 1);
    for (int64_t i = 0; i < CORPUS_PIECES; i++)
        at = corpus_put(text, at, corpus_pieces[i].text, corpus_pieces[i].bytes);
    at = corpus_put_long(text, at);
    for (uint64_t i = 0; at < room; i++) {
        const struct corpus_piece *piece =
            &corpus_pieces[random_below(7, RANDOM_TEST, i, 0, CORPUS_PIECES)];
        if (at + (int64_t)piece->bytes <= room)
            at = corpus_put(text, at, piece->text, piece->bytes);
        else
            at = corpus_put(text, at, "\n", 1);
    }
    corpus_put(text, at, CORPUS_TAIL, tail);
    for (int64_t i = 0; i < CORPUS_BYTES && delimiter != ','; i++)
        text[i] = text[i] == ',' ? delimiter : text[i] == delimiter ? ',' : text[i];
}

#endif
