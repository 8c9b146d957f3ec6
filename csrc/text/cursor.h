/*
 * text/cursor.h - what the parts of a search share: which place is allowed, what a match is.
 */
#ifndef FC_TEXT_CURSOR_H
#define FC_TEXT_CURSOR_H

#include "text/matcher.h"

/* What is in a cursor's buffer. */
enum {
    FC_HOLDS_STARTS, /* of one literal, ascending */
    FC_HOLDS_KEYS,   /* occurrences, in the order in which they are reported; see keys.c */
    FC_HOLDS_HITS,   /* of an automaton */
};

/* Texts up to this length have keys for their places. */
#define FC_KEY_PLACE_MAX (((uint64_t)1 << (64 - FC_RANK_BITS)) - 1)

static inline int fc_has_keys(int engine)
{
    return engine == FC_ENGINE_BUCKETS || engine == FC_ENGINE_GRAMS;
}

/* keys.c: fill the buffer of an engine that has keys, from c->at on; how many can be read. */
size_t fc_fill_keys(fc_cursor *c, fc_status *status);
size_t fc_read_keys(fc_cursor *c, const fc_matches *out, size_t count, size_t capacity);

static inline size_t fc_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t fc_max(size_t a, size_t b) { return a > b ? a : b; }

/* Move to the row that text[at] lies in; `at` never goes back. */
static inline void fc_find_row(fc_cursor *c, size_t at)
{
    size_t low = c->row, reach = 1;

    while (low + reach < c->row_count && (size_t)c->rows[low + reach] <= at)
        low += reach, reach *= 2;
    while (reach > 1) { /* rows[low] <= at; the answer is before low + reach */
        reach /= 2;
        if (low + reach < c->row_count && (size_t)c->rows[low + reach] <= at)
            low += reach;
    }
    c->row = low;
}

/* The part of the text that a match around text[at] must keep within. */
static inline void fc_bounds(fc_cursor *c, size_t at, size_t *begin, size_t *end)
{
    *begin = 0;
    *end = c->length;
    if (c->rows != NULL) {
        fc_find_row(c, at);
        *begin = (size_t)c->rows[c->row];
        *end = (size_t)c->rows[c->row + 1];
    }
}

static inline size_t fc_length_of(const fc_cursor *c, uint32_t pattern)
{
    const fc_patterns *const p = &c->matcher->patterns;
    return (size_t)(p->offsets[pattern + 1] - p->offsets[pattern]);
}

static inline int fc_is_filtered(const fc_cursor *c)
{
    return c->rows != NULL || c->matcher->options.whole_words;
}

static inline int fc_is_word_start(const fc_cursor *c, size_t begin, size_t at)
{
    const fc_matcher_options *const o = &c->matcher->options;
    return !o->whole_words || !fc_word_before(c->text, begin, at, o->unicode);
}

static inline int fc_is_word_end(const fc_cursor *c, size_t at, size_t end)
{
    const fc_matcher_options *const o = &c->matcher->options;
    return !o->whole_words || !fc_word_at(c->text, at, end, o->unicode);
}

/*
 * May the pattern stand at text[start .. end)? `at` is one of these places, and never goes
 * back from one call to the next: start, or end - 1, whichever the search is in order of.
 */
static inline int fc_allowed(fc_cursor *c, size_t start, size_t end, size_t at)
{
    size_t row_begin, row_end;

    if (start < c->floor)
        return 0;
    if (!fc_is_filtered(c))
        return 1;
    fc_bounds(c, at, &row_begin, &row_end);
    return start >= row_begin && end <= row_end && fc_is_word_start(c, row_begin, start) &&
           fc_is_word_end(c, end, row_end);
}

static inline void fc_emit(const fc_cursor *c, const fc_matches *out, size_t index,
                           uint32_t pattern, size_t start, size_t end)
{
    out->pattern[index] = pattern;
    out->start[index] = (int64_t)start;
    out->end[index] = (int64_t)end;
    if (out->row != NULL)
        out->row[index] = (int64_t)c->row;
}

#endif
