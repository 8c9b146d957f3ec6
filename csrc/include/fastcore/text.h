/*
 * fastcore/text.h - find one literal, or a million, in bytes.
 *
 * A matcher is made once and never changes: any number of threads may search with it.
 * A search is a cursor, of one thread, that writes matches into the caller's arrays,
 * a batch at a time.
 */
#ifndef FC_TEXT_H
#define FC_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "fastcore/status.h"

typedef struct fc_kernels fc_kernels;
typedef struct fc_matcher fc_matcher;

/* Match kinds, as the Rust crate aho-corasick defines them. */
typedef enum fc_match_kind {
    FC_LEFTMOST_LONGEST, /* at the first start: the longest; the lower index among equals */
    FC_LEFTMOST_FIRST,   /* at the first start: the pattern listed first */
    FC_OVERLAPPING,      /* every occurrence of every pattern, in order of end, then start */
} fc_match_kind;

typedef struct fc_matcher_options {
    fc_match_kind kind;
    int fold_ascii;  /* ASCII letters match in either case */
    int whole_words; /* no word character just before a match, nor just after it */
    int unicode;     /* text is UTF-8: word characters are alphanumerics of Unicode, and `_` */
} fc_matcher_options;

#define FC_PATTERNS_MAX      ((size_t)1 << 24)
#define FC_PATTERN_BYTES_MAX ((uint64_t)1 << 30) /* of all patterns of a matcher together */

/*
 * Make a matcher of the patterns bytes[offsets[i] .. offsets[i + 1]), i < count. Copies them.
 *
 * FC_EINVAL: pattern error->offset is empty. FC_ELIMIT: more than the above.
 */
fc_status fc_matcher_create(fc_matcher **out, const uint8_t *bytes, const uint64_t *offsets,
                            size_t count, const fc_matcher_options *options,
                            const fc_kernels *kernels, fc_error *error);
void fc_matcher_destroy(fc_matcher *matcher);

/* Bytes of memory that the matcher holds now; an automaton made during a search counts too. */
size_t fc_matcher_bytes(const fc_matcher *matcher);

/* How it searches: "none" (no patterns), "byte", "literal", "buckets", "grams",
 * "automaton". */
const char *fc_matcher_kernel(const fc_matcher *matcher);

/* Bytes of the longest pattern, 0 without patterns. */
size_t fc_matcher_longest(const fc_matcher *matcher);

/* Where a cursor writes: arrays of one length each; `row` may be NULL. */
typedef struct fc_matches {
    uint32_t *pattern;
    int64_t *start, *end; /* bytes from text[0] */
    int64_t *row;         /* which of the rows given to fc_cursor_rows() */
} fc_matches;

typedef struct fc_hit {
    uint32_t at;    /* from the tile's first byte */
    uint32_t state; /* of the automaton */
} fc_hit;

enum { FC_LANES = 4 };

/* One search. Everything in it is private; it lives wherever the caller likes. */
typedef struct fc_cursor {
    const fc_matcher *matcher;
    const uint8_t *text;
    size_t length;
    size_t at;    /* what starts (overlapping: ends) before it has been looked at */
    size_t floor; /* no match may start before it */
    const int64_t *rows;
    size_t row_count, row;
    int engine;
    void *buffer; /* starts of a literal (int64_t), keys (uint64_t), or fc_hit of an automaton */
    int holds;    /* which of them */
    size_t buffer_capacity;
    void *places; /* that an engine proposes, before they are looked at */
    size_t places_bytes;
    size_t keys, ready;                  /* in the buffer; of these, to be read now */
    size_t work;                         /* spent on looking at places */
    size_t base, lane_bytes, lane, next; /* of the tile in the buffer; where its reader is */
    size_t tile_bytes;
    size_t counts[FC_LANES];
    uint32_t chain_state, chain_pattern; /* an overlapping search amid the matches of one end */
} fc_cursor;

/*
 * Begin a search of text[0 .. length), which must stay as it is until fc_cursor_close().
 * Allocates nothing yet.
 */
void fc_cursor_open(fc_cursor *cursor, const fc_matcher *matcher, const uint8_t *text,
                    size_t length);

/*
 * Split the text into rows: row i is text[rows[i] .. rows[i + 1]), i < count, rows[0] = 0 and
 * rows[count] = length. No match crosses from one into the next, and words end with them.
 * The array must outlive the cursor. Call it before the first fc_cursor_next().
 */
void fc_cursor_rows(fc_cursor *cursor, const int64_t *rows, size_t count);

/*
 * Write the next matches, at most `capacity`; *count says how many, 0 at the end of the text.
 * FC_ENOMEM is the only error; the cursor can then only be closed.
 */
fc_status fc_cursor_next(fc_cursor *cursor, const fc_matches *out, size_t capacity, size_t *count);

/* Leave out what starts before text[position]. */
void fc_cursor_skip(fc_cursor *cursor, size_t position);

void fc_cursor_close(fc_cursor *cursor);

/* The row that the last match was in, when rows were given. */
size_t fc_cursor_row(const fc_cursor *cursor);

/* Is there a match in text[0 .. length)? 1 or 0, or -1 for lack of memory. */
int fc_matcher_contains(const fc_matcher *matcher, const uint8_t *text, size_t length);

/* Matches of a whole text, in arrays that grow; free it with fc_match_list_free(). */
typedef struct fc_match_list {
    fc_matches at;
    size_t count, capacity;
} fc_match_list;

/* Every match of text[0 .. length), with rows as in fc_cursor_rows(), or NULL. */
fc_status fc_matcher_find_all(const fc_matcher *matcher, const uint8_t *text, size_t length,
                              const int64_t *rows, size_t row_count, fc_match_list *out);
void fc_match_list_free(fc_match_list *list);

/* Every match that starts at or after text[floor]; what is before it tells words apart. */
fc_status fc_matcher_find_from(const fc_matcher *matcher, const uint8_t *text, size_t length,
                               size_t floor, fc_match_list *out);

/* How many there are; counts[i], unless NULL, becomes how many of them are in row i. */
fc_status fc_matcher_count(const fc_matcher *matcher, const uint8_t *text, size_t length,
                           const int64_t *rows, size_t row_count, int64_t *counts, int64_t *total);

/* contains[i] becomes whether row i has a match. */
fc_status fc_matcher_contains_rows(const fc_matcher *matcher, const uint8_t *text, size_t length,
                                   const int64_t *rows, size_t row_count, uint8_t *contains);

/* How far the code points of a UTF-8 text have been counted; all zero at its start. */
typedef struct fc_points {
    size_t at;
    int64_t points;
} fc_points;

/*
 * From offsets in bytes to offsets in code points, for matches that came in this order
 * and text that is UTF-8.
 */
void fc_matches_to_points(const fc_matcher *matcher, const uint8_t *text, fc_points *points,
                          const fc_matches *matches, size_t count);

/*
 * The same for matches with rows, whose offsets then count from their row's begin: in
 * code points, or in bytes.
 */
void fc_matches_to_rows(const fc_matcher *matcher, const uint8_t *text, const int64_t *rows,
                        const fc_matches *matches, size_t count, int in_points);

/*
 * Unicode simple case folding (CaseFolding.txt, status C and S) of UTF-8; ill-formed
 * bytes stay. Code points become code points one by one. Returns the bytes written to
 * out, which must have room for fc_fold_bytes_max(length).
 */
size_t fc_fold_utf8(const uint8_t *text, size_t length, uint8_t *out);
size_t fc_fold_bytes_max(size_t length);

/*
 * UTF-8 of text in units of one byte (Latin-1) or of two. A unit is a code point, a
 * surrogate too. Returns the bytes written to out, which must have room for 2 or 3 bytes a
 * unit, and one more.
 */
size_t fc_utf8_of_units1(const uint8_t *units, size_t count, uint8_t *out);
size_t fc_utf8_of_units2(const uint16_t *units, size_t count, uint8_t *out);

/*
 * Which of many strings a text begins with. Made once, read by any number of threads.
 */
typedef struct fc_prefixes fc_prefixes;

/* As fc_matcher_create(); fold_ascii as in fc_matcher_options. */
fc_status fc_prefixes_create(fc_prefixes **out, const uint8_t *bytes, const uint64_t *offsets,
                             size_t count, int fold_ascii, fc_error *error);
void fc_prefixes_destroy(fc_prefixes *prefixes);

/* Bytes of memory that it holds. */
size_t fc_prefixes_bytes(const fc_prefixes *prefixes);

/* The longest prefix of text[0 .. length), the lowest index among equals; -1 for none. */
int64_t fc_prefixes_longest(const fc_prefixes *prefixes, const uint8_t *text, size_t length);

/* The next shorter prefix of the same text after `prefix`, then equal ones; -1 after the last. */
int64_t fc_prefixes_next(const fc_prefixes *prefixes, int64_t prefix);

/*
 * Lines with a match (or without: `invert`), of a text that comes in pieces.
 *
 * Lines are counted from 0 and end at '\n', which belongs to none; a last line without it
 * counts when it is not empty. A pattern with '\n' in it must not be in the matcher.
 */
typedef struct fc_lines {
    const fc_matcher *matcher;
    int invert;
    int fold_unicode;              /* fold the text as fc_fold_utf8() does before the search */
    int64_t line;                  /* number of the line at hand */
    int64_t offset;                /* in the stream, of the next piece's first byte */
    int64_t begin;                 /* in the stream, of the line at hand */
    int has_match;                 /* it has one in pieces already seen */
    size_t context;                /* bytes at the start of the next piece that were seen before */
    int64_t *number, *start, *end; /* the result: `count` of each, owned by this struct */
    size_t count, capacity;
    uint8_t *folded;
    size_t folded_capacity;
} fc_lines;

void fc_lines_open(fc_lines *lines, const fc_matcher *matcher, int invert, int fold_unicode);

/*
 * Look at the next piece; `last` if no other follows. *consumed bytes of it are done with:
 * the next piece has to begin with the others, which are no more than a few of the
 * longest pattern. FC_ENOMEM is the only error.
 */
fc_status fc_lines_feed(fc_lines *lines, const uint8_t *text, size_t length, int last,
                        size_t *consumed);
void fc_lines_close(fc_lines *lines);

#endif
