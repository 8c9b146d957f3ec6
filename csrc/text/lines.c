/*
 * text/lines.c - which lines have a match.
 *
 * The matcher runs over the whole piece and not line by line: after a match, newlines up
 * to its line are counted, the line's end is found, and the search goes on behind it.
 *
 *     piece:  [context | rest of the line at hand \n line \n line \n begin of a line]
 *
 * A line that the piece does not end is kept only as far as a match could still begin in
 * it; that it had one already is a flag. So memory does not grow with a line's length.
 *
 * Simple folding moves bytes but keeps newlines: a match in the folded piece is in the
 * line of the original that has as many newlines before it.
 */
#include <stdlib.h>
#include <string.h>

#include "text/matcher.h"

enum {
    CHARACTER_BYTES = 4,   /* what tells whether a word starts or ends takes no more */
    FOLDED_BYTES_RATIO = 3 /* U+212A, three bytes, folds to "k" */
};

/* A piece, as given and as searched: the same, or folded. */
typedef struct piece {
    const uint8_t *text, *search;
    size_t length, search_length;
    size_t at, search_at; /* begin of the first line not done, or 0 */
} piece;

void fc_lines_open(fc_lines *lines, const fc_matcher *matcher, int invert, int fold_unicode)
{
    memset(lines, 0, sizeof *lines);
    lines->matcher = matcher;
    lines->invert = invert;
    lines->fold_unicode = fold_unicode;
}

void fc_lines_close(fc_lines *lines)
{
    free(lines->number);
    free(lines->start);
    free(lines->end);
    free(lines->folded);
    memset(lines, 0, sizeof *lines);
}

static int grow(int64_t **array, size_t capacity)
{
    int64_t *const larger = realloc(*array, capacity * sizeof **array);
    if (larger != NULL)
        *array = larger;
    return larger != NULL;
}

/* The line at hand ends at `end` (in the stream), its newline not counted. */
static fc_status end_line(fc_lines *l, int64_t end)
{
    if (l->has_match != l->invert) {
        if (l->count == l->capacity) {
            const size_t capacity = l->capacity ? 2 * l->capacity : 256;
            if (!grow(&l->number, capacity) || !grow(&l->start, capacity) ||
                !grow(&l->end, capacity))
                return FC_ENOMEM;
            l->capacity = capacity;
        }
        l->number[l->count] = l->line;
        l->start[l->count] = l->begin;
        l->end[l->count] = end;
        l->count++;
    }
    l->line++;
    l->begin = end + 1;
    l->has_match = 0;
    return FC_OK;
}

static size_t newline(const fc_kernels *k, const uint8_t *text, size_t from, size_t length)
{
    return from + k->find_byte(text + from, length - from, '\n');
}

/* End the next `count` lines of the piece, none of which has a match in this piece. */
static fc_status pass_lines(fc_lines *l, piece *p, size_t count, size_t search_to)
{
    const fc_kernels *const k = l->matcher->kernels;

    p->search_at = search_to;
    if (count != 0 && !l->invert && !l->has_match && p->search == p->text) {
        l->line += (int64_t)count;
        p->at = search_to;
        l->begin = l->offset + (int64_t)p->at;
        return FC_OK;
    }
    for (; count != 0; count--) {
        const size_t end = newline(k, p->text, p->at, p->length);
        const fc_status status = end_line(l, l->offset + (int64_t)end);
        if (status != FC_OK)
            return status;
        p->at = end + 1;
    }
    return FC_OK;
}

/* Begin of the line that holds search[at], not before `least`. */
static size_t line_begin(const uint8_t *search, size_t at, size_t least)
{
    while (at > least && search[at - 1] != '\n')
        at--;
    return at;
}

static fc_status pass_to_match(fc_lines *l, piece *p, size_t match)
{
    const size_t begin = line_begin(p->search, match, p->search_at);
    const size_t count =
        l->matcher->kernels->count_byte(p->search + p->search_at, begin - p->search_at, '\n');
    return pass_lines(l, p, count, begin);
}

/* Do all lines that end in the piece. */
static fc_status match_lines(fc_lines *l, piece *p, size_t floor, int last)
{
    const fc_kernels *const k = l->matcher->kernels;
    const size_t sure =
        l->matcher->options.whole_words && !last
            ? p->search_length -
                  (p->search_length < CHARACTER_BYTES ? p->search_length : CHARACTER_BYTES)
            : p->search_length;
    uint32_t pattern;
    int64_t start, end;
    const fc_matches out = {&pattern, &start, &end, NULL};
    fc_cursor cursor;
    fc_status status = FC_OK;

    fc_cursor_open(&cursor, l->matcher, p->search, p->search_length);
    fc_cursor_skip(&cursor, floor);
    if (l->has_match) /* nothing more to learn about it */
        fc_cursor_skip(&cursor, newline(k, p->search, 0, p->search_length));
    while (status == FC_OK) {
        size_t count;
        status = fc_cursor_next(&cursor, &out, 1, &count);
        if (status != FC_OK || count == 0)
            break;
        const size_t search_end = newline(k, p->search, (size_t)end, p->search_length);
        if ((size_t)end > sure && search_end == p->search_length)
            continue; /* what follows it is not here yet; it will be searched again */
        status = pass_to_match(l, p, (size_t)start);
        l->has_match = 1;
        fc_cursor_skip(&cursor, search_end);
        if (search_end < p->search_length && status == FC_OK)
            status = pass_lines(l, p, 1, search_end + 1);
    }
    fc_cursor_close(&cursor);
    return status == FC_OK ? pass_to_match(l, p, p->search_length) : status;
}

/* Where in the folded text a search may begin: what lies before text[floor] was searched. */
static size_t fold_piece(fc_lines *l, piece *p, size_t floor, size_t *folded_floor)
{
    const size_t most = fc_fold_bytes_max(p->length);

    if (most > l->folded_capacity) {
        free(l->folded);
        l->folded = malloc(most);
        l->folded_capacity = l->folded ? most : 0;
        if (l->folded == NULL)
            return 0;
    }
    while (floor < p->length && (p->text[floor] & 0xC0) == 0x80)
        floor++;
    *folded_floor = fc_fold_utf8(p->text, floor, l->folded);
    p->search = l->folded;
    p->search_length =
        *folded_floor + fc_fold_utf8(p->text + floor, p->length - floor, l->folded + *folded_floor);
    return 1;
}

fc_status fc_lines_feed(fc_lines *lines, const uint8_t *text, size_t length, int last,
                        size_t *consumed)
{
    const fc_kernels *const k = lines->matcher->kernels;
    piece p = {.text = text, .search = text, .length = length, .search_length = length};
    size_t floor = lines->context;

    if (lines->fold_unicode && k->utf8_count(text, length) != length &&
        !fold_piece(lines, &p, floor, &floor))
        return FC_ENOMEM;
    fc_status status = match_lines(lines, &p, floor, last);
    if (status == FC_OK && last && lines->begin < lines->offset + (int64_t)length)
        status = end_line(lines, lines->offset + (int64_t)length);

    /* Of the line at hand, what a match may still begin in, and a character before that. */
    const size_t longest = fc_matcher_longest(lines->matcher);
    const size_t keep =
        2 * CHARACTER_BYTES + (lines->fold_unicode ? FOLDED_BYTES_RATIO * longest : longest);
    const size_t left = last ? 0 : length - p.at;
    *consumed = left > keep ? length - keep : p.at;
    lines->context = left > keep ? CHARACTER_BYTES : 0;
    if (last || lines->has_match) {
        *consumed = length;
        lines->context = 0;
    }
    lines->offset += (int64_t)*consumed;
    return status;
}
