/*
 * text/cursor.c - a search: an engine fills a buffer, a reader picks the matches out of it.
 *
 *     leftmost kinds                          overlapping
 *     fill: starts, ascending                 fill: ends, ascending
 *     take a start unless it lies before      take all patterns that end there, longest
 *     the end of the last match; of the       first, which is in order of their starts
 *     patterns there, the best
 *
 * An engine never decides what overlaps what: it offers every place where a pattern
 * starts (ends), and the reader knows the match kind, the words and the rows. An engine
 * that finds the text too hard stops where it is, and the automaton, to which nothing is
 * hard, goes on from there.
 *
 * Tiles start small, so that a search for the first match does not read far beyond it,
 * and grow until the buffer fills a second-level cache.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "text/cursor.h"

enum {
    STARTS_FIRST = 128, /* of a literal, in the first buffer; room for FC_OFFSETS_SLACK in it */
    STARTS_MAX = 4096,
    LANE_BYTES_FIRST = 256,
    LANE_BYTES_MAX = 4096,
    /* Beyond this share of a lane, reading the context costs more than lanes bring. */
    CONTEXT_SHARE = 4,
};

void fc_cursor_open(fc_cursor *cursor, const fc_matcher *matcher, const uint8_t *text,
                    size_t length)
{
    memset(cursor, 0, sizeof *cursor);
    cursor->matcher = matcher;
    cursor->text = text;
    cursor->length = length;
    cursor->engine = matcher->engine;
    cursor->lane = FC_LANES; /* nothing in the buffer */
    if (length > FC_KEY_PLACE_MAX && fc_has_keys(matcher->engine))
        cursor->engine = FC_ENGINE_AUTOMATON;
}

void fc_cursor_rows(fc_cursor *cursor, const int64_t *rows, size_t count)
{
    cursor->rows = rows;
    cursor->row_count = count;
}

void fc_cursor_skip(fc_cursor *cursor, size_t position)
{
    if (position > cursor->floor)
        cursor->floor = position;
}

void fc_cursor_close(fc_cursor *cursor)
{
    free(cursor->buffer);
    free(cursor->places);
    cursor->buffer = cursor->places = NULL;
}

size_t fc_cursor_row(const fc_cursor *cursor) { return cursor->row; }

static int reserve(fc_cursor *c, size_t capacity)
{
    static_assert(sizeof(fc_hit) == sizeof(int64_t), "the buffer holds either");
    if (capacity <= c->buffer_capacity)
        return 1;
    free(c->buffer);
    c->buffer = malloc(capacity * sizeof(fc_hit));
    c->buffer_capacity = c->buffer ? capacity : 0;
    return c->buffer != NULL;
}

/* ---- engines: fill the buffer with what lies at or after c->at; 0 at the end of the text ---- */

static size_t fill_starts(fc_cursor *c, fc_status *status)
{
    const fc_matcher *const m = c->matcher;
    const size_t capacity = fc_min(fc_max(4 * c->buffer_capacity, STARTS_FIRST), STARTS_MAX);
    size_t count, consumed;

    if (!reserve(c, capacity)) {
        *status = FC_ENOMEM;
        return 0;
    }
    if (c->engine == FC_ENGINE_BYTE) {
        count = m->kernels->offsets_any(c->text + c->at, c->length - c->at, &m->byte_set,
                                        (int64_t)c->at, c->buffer, c->buffer_capacity, &consumed);
        c->at += consumed;
        return count;
    }
    count = m->kernels->literal_offsets(c->text, c->length, &m->literal, &c->at, c->buffer,
                                        c->buffer_capacity);
    if (c->length < m->literal.length || c->at > c->length - m->literal.length)
        c->at = c->length;
    else if (count < c->buffer_capacity)
        c->engine = FC_ENGINE_AUTOMATON; /* gave up at c->at */
    return count;
}

static size_t tile_hits(fc_cursor *c, const fc_automaton *automaton)
{
    const size_t context = c->matcher->patterns.longest - 1;
    const int backward = c->matcher->options.kind != FC_OVERLAPPING;
    size_t total = 0, lanes = FC_LANES;
    /* A tile of a backward search is at least as long as what is read behind it for context. */
    size_t least = LANE_BYTES_FIRST;

    if (context > LANE_BYTES_MAX / CONTEXT_SHARE) {
        lanes = 1;
        least = context;
    }
    c->lane_bytes = fc_max(fc_min(4 * c->lane_bytes, LANE_BYTES_MAX), least);
    const size_t left = c->length - c->at;
    if (left < c->lane_bytes)
        lanes = 1;
    c->lane_bytes = fc_min(c->lane_bytes, left);
    if (!reserve(c, lanes * (c->lane_bytes + 1)))
        return SIZE_MAX;
    c->base = c->at;
    fc_automaton_hits(automaton, c->text, c->floor, c->length, c->base, lanes, c->lane_bytes,
                      context, backward, c->buffer, c->counts);
    c->at += fc_min(left, lanes * c->lane_bytes);
    for (size_t lane = 0; lane < FC_LANES; lane++)
        total += c->counts[lane];
    return total;
}

/* Fill until there is something to read: 0 at the end of the text, or of memory. */
static size_t fill(fc_cursor *c, fc_status *status)
{
    size_t count = 0;

    c->at = fc_max(c->at, c->floor);
    c->lane = c->next = 0;
    memset(c->counts, 0, sizeof c->counts);
    while (count == 0 && c->at < c->length && c->engine != FC_ENGINE_NONE && *status == FC_OK) {
        if (fc_has_keys(c->engine)) {
            c->holds = FC_HOLDS_KEYS;
            c->counts[0] = count = fc_fill_keys(c, status);
            continue;
        }
        if (c->engine != FC_ENGINE_AUTOMATON) {
            c->holds = FC_HOLDS_STARTS;
            c->counts[0] = count = fill_starts(c, status);
            continue;
        }
        const fc_automaton *const automaton = fc_matcher_automaton(c->matcher);
        /* The first tile: what starts before it has been read; of an overlapping search's keys,
         * what ends before it. */
        if (c->holds == FC_HOLDS_STARTS ||
            (c->holds == FC_HOLDS_KEYS && c->matcher->options.kind != FC_OVERLAPPING))
            c->floor = fc_max(c->floor, c->at);
        if (automaton == NULL)
            *status = FC_ENOMEM;
        else if ((count = tile_hits(c, automaton)) == SIZE_MAX)
            *status = FC_ENOMEM;
        c->holds = FC_HOLDS_HITS;
    }
    return *status == FC_OK ? count : 0;
}

/* ---- the reader ---- */

/* The best pattern that starts at `start` and ends where it may, in the state's chain. */
static uint32_t best_allowed(fc_cursor *c, const fc_automaton *a, uint32_t node, size_t start)
{
    size_t begin, end;
    uint32_t best = FC_NO_PATTERN;

    fc_bounds(c, start, &begin, &end);
    if (!fc_is_word_start(c, begin, start))
        return FC_NO_PATTERN;
    for (; node != 0; node = a->link[node]) {
        const uint32_t pattern = a->own[node];
        if (pattern == FC_NO_PATTERN || pattern >= best)
            continue;
        const size_t length = fc_length_of(c, pattern);
        if (length > end - start || !fc_is_word_end(c, start + length, end))
            continue;
        best = pattern;
        if (c->matcher->options.kind == FC_LEFTMOST_LONGEST)
            break; /* chains go from long to short */
    }
    return best;
}

/* Starts of one literal: of equal patterns, the first. */
static size_t read_starts(fc_cursor *c, const fc_matches *out, size_t count, size_t capacity)
{
    const int64_t *const starts = c->buffer;
    const size_t length = c->matcher->patterns.longest;

    for (; c->next < c->counts[0] && count < capacity; c->next++) {
        const size_t start = (size_t)starts[c->next];
        if (!fc_allowed(c, start, start + length, start))
            continue;
        fc_emit(c, out, count++, 0, start, start + length);
        c->floor = start + length;
    }
    return count;
}

/* The same for an overlapping search: of equal patterns, each. */
static size_t read_all_starts(fc_cursor *c, const fc_matches *out, size_t count, size_t capacity)
{
    const int64_t *const starts = c->buffer;
    const size_t length = c->matcher->patterns.longest;

    for (; c->next < c->counts[0] && count < capacity; c->next++) {
        const size_t start = (size_t)starts[c->next];
        if (!fc_allowed(c, start, start + length, start))
            continue;
        while (c->chain_pattern < c->matcher->patterns.count && count < capacity)
            fc_emit(c, out, count++, c->chain_pattern++, start, start + length);
        if (c->chain_pattern < c->matcher->patterns.count)
            return count;
        c->chain_pattern = 0;
    }
    return count;
}

/* One lane of a backward automaton; its hits are starts, the last one first. */
static size_t read_backward(fc_cursor *c, const fc_automaton *a, const fc_matches *out,
                            size_t count, size_t capacity)
{
    const fc_hit *const hits = (const fc_hit *)c->buffer + c->lane * (c->lane_bytes + 1);
    const size_t total = c->counts[c->lane];
    const int filtered = fc_is_filtered(c);

    for (; c->next < total && count < capacity; c->next++) {
        const fc_hit hit = hits[total - 1 - c->next];
        const size_t start = c->base + hit.at;
        if (start < c->floor)
            continue;
        const uint32_t node = fc_automaton_node(a, hit.state);
        const uint32_t pattern = filtered ? best_allowed(c, a, node, start) : a->best[node];
        if (pattern == FC_NO_PATTERN)
            continue;
        c->floor = start + fc_length_of(c, pattern);
        fc_emit(c, out, count++, pattern, start, c->floor);
    }
    return count;
}

/* One lane of a forward automaton; its hits are ends. A full `out` may stop amid a chain. */
static size_t read_forward(fc_cursor *c, const fc_automaton *a, const fc_matches *out, size_t count,
                           size_t capacity)
{
    const fc_hit *const hits = (const fc_hit *)c->buffer + c->lane * (c->lane_bytes + 1);

    for (; c->next < c->counts[c->lane]; c->next++) {
        const fc_hit hit = hits[c->next];
        const size_t end = c->base + hit.at + 1;

        if (c->chain_state == 0) {
            c->chain_state = fc_automaton_node(a, hit.state);
            c->chain_pattern = a->own[c->chain_state];
        }
        while (c->chain_state != 0) {
            while (c->chain_pattern != FC_NO_PATTERN) {
                const size_t start = end - fc_length_of(c, c->chain_pattern);
                if (fc_allowed(c, start, end, end - 1)) {
                    if (count == capacity)
                        return count;
                    fc_emit(c, out, count++, c->chain_pattern, start, end);
                }
                c->chain_pattern =
                    a->next_same == NULL ? FC_NO_PATTERN : a->next_same[c->chain_pattern];
            }
            c->chain_state = a->link[c->chain_state];
            c->chain_pattern = c->chain_state == 0 ? FC_NO_PATTERN : a->own[c->chain_state];
        }
    }
    return count;
}

static size_t read_buffer(fc_cursor *c, const fc_matches *out, size_t count, size_t capacity)
{
    const int overlapping = c->matcher->options.kind == FC_OVERLAPPING;

    if (c->holds == FC_HOLDS_KEYS)
        return fc_read_keys(c, out, count, capacity);
    if (c->holds == FC_HOLDS_STARTS)
        return overlapping ? read_all_starts(c, out, count, capacity)
                           : read_starts(c, out, count, capacity);
    const fc_automaton *const a = fc_matcher_automaton(c->matcher);
    return overlapping ? read_forward(c, a, out, count, capacity)
                       : read_backward(c, a, out, count, capacity);
}

fc_status fc_cursor_next(fc_cursor *c, const fc_matches *out, size_t capacity, size_t *count)
{
    fc_status status = FC_OK;

    *count = 0;
    while (*count < capacity) {
        while (c->lane < FC_LANES && c->next == c->counts[c->lane]) {
            c->lane++;
            c->next = 0;
        }
        if (c->lane == FC_LANES && fill(c, &status) == 0)
            break;
        if (c->lane < FC_LANES)
            *count = read_buffer(c, out, *count, capacity);
    }
    return status;
}

int fc_matcher_contains(const fc_matcher *matcher, const uint8_t *text, size_t length)
{
    uint32_t pattern;
    int64_t start, end;
    fc_cursor cursor;
    size_t count;

    fc_cursor_open(&cursor, matcher, text, length);
    const fc_status status =
        fc_cursor_next(&cursor, &(fc_matches){&pattern, &start, &end, NULL}, 1, &count);
    fc_cursor_close(&cursor);
    return status == FC_OK ? count != 0 : -1;
}
