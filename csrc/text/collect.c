/*
 * text/collect.c - whole answers: all matches of a text, how many, in which rows.
 *
 * Offsets in code points come from counting between one match and the next, so that the
 * text is read once more, by vectors, and no map of it is made. Ends never go back,
 * whatever the match kind; starts of overlapping matches do, but a match has as many
 * code points as its pattern.
 */
#include <stdlib.h>
#include <string.h>

#include "text/matcher.h"

enum { BATCH = 512 };

void fc_match_list_free(fc_match_list *list)
{
    free(list->at.pattern);
    free(list->at.start);
    free(list->at.end);
    free(list->at.row);
    memset(list, 0, sizeof *list);
}

/* array: the address of a pointer, of whatever type. */
static int grow(void *array, size_t capacity, size_t item_bytes)
{
    void *items;
    memcpy(&items, array, sizeof items);
    items = realloc(items, capacity * item_bytes);
    if (items == NULL)
        return 0;
    memcpy(array, &items, sizeof items);
    return 1;
}

static fc_status make_room(fc_match_list *list, int with_rows)
{
    if (list->capacity - list->count >= BATCH)
        return FC_OK;
    const size_t capacity = list->capacity ? 2 * list->capacity : BATCH;
    if (!grow(&list->at.pattern, capacity, sizeof *list->at.pattern) ||
        !grow(&list->at.start, capacity, sizeof *list->at.start) ||
        !grow(&list->at.end, capacity, sizeof *list->at.end) ||
        (with_rows && !grow(&list->at.row, capacity, sizeof *list->at.row)))
        return FC_ENOMEM;
    list->capacity = capacity;
    return FC_OK;
}

static fc_status collect(const fc_matcher *matcher, const uint8_t *text, size_t length,
                         size_t floor, const int64_t *rows, size_t row_count, fc_match_list *out)
{
    fc_cursor cursor;
    fc_status status;
    size_t count;

    memset(out, 0, sizeof *out);
    fc_cursor_open(&cursor, matcher, text, length);
    fc_cursor_skip(&cursor, floor);
    if (rows != NULL)
        fc_cursor_rows(&cursor, rows, row_count);
    do {
        count = 0;
        status = make_room(out, rows != NULL);
        if (status != FC_OK)
            break;
        const fc_matches free_part = {out->at.pattern + out->count, out->at.start + out->count,
                                      out->at.end + out->count,
                                      rows == NULL ? NULL : out->at.row + out->count};
        status = fc_cursor_next(&cursor, &free_part, out->capacity - out->count, &count);
        out->count += count;
    } while (count != 0 && status == FC_OK);
    fc_cursor_close(&cursor);
    if (status != FC_OK)
        fc_match_list_free(out);
    return status;
}

fc_status fc_matcher_find_all(const fc_matcher *matcher, const uint8_t *text, size_t length,
                              const int64_t *rows, size_t row_count, fc_match_list *out)
{
    return collect(matcher, text, length, 0, rows, row_count, out);
}

fc_status fc_matcher_find_from(const fc_matcher *matcher, const uint8_t *text, size_t length,
                               size_t floor, fc_match_list *out)
{
    return collect(matcher, text, length, floor, NULL, 0, out);
}

fc_status fc_matcher_count(const fc_matcher *matcher, const uint8_t *text, size_t length,
                           const int64_t *rows, size_t row_count, int64_t *counts, int64_t *total)
{
    uint32_t pattern[BATCH];
    int64_t start[BATCH], end[BATCH], row[BATCH];
    const fc_matches out = {pattern, start, end, counts == NULL ? NULL : row};
    fc_cursor cursor;
    fc_status status;
    size_t count;

    *total = 0;
    fc_cursor_open(&cursor, matcher, text, length);
    if (rows != NULL)
        fc_cursor_rows(&cursor, rows, row_count);
    if (counts != NULL)
        memset(counts, 0, row_count * sizeof *counts);
    do {
        status = fc_cursor_next(&cursor, &out, BATCH, &count);
        *total += (int64_t)count;
        for (size_t i = 0; counts != NULL && i < count; i++)
            counts[row[i]]++;
    } while (count != 0 && status == FC_OK);
    fc_cursor_close(&cursor);
    return status;
}

fc_status fc_matcher_contains_rows(const fc_matcher *matcher, const uint8_t *text, size_t length,
                                   const int64_t *rows, size_t row_count, uint8_t *contains)
{
    uint32_t pattern;
    int64_t start, end, row;
    const fc_matches out = {&pattern, &start, &end, &row};
    fc_cursor cursor;
    fc_status status;
    size_t count;

    memset(contains, 0, row_count);
    fc_cursor_open(&cursor, matcher, text, length);
    fc_cursor_rows(&cursor, rows, row_count);
    while ((status = fc_cursor_next(&cursor, &out, 1, &count)) == FC_OK && count != 0) {
        contains[row] = 1;
        fc_cursor_skip(&cursor, (size_t)rows[row + 1]);
    }
    fc_cursor_close(&cursor);
    return status;
}

void fc_matches_to_points(const fc_matcher *matcher, const uint8_t *text, fc_points *points,
                          const fc_matches *matches, size_t count)
{
    const fc_kernels *const k = matcher->kernels;
    const fc_patterns *const p = &matcher->patterns;

    for (size_t i = 0; i < count; i++) {
        const uint32_t pattern = matches->pattern[i];
        const size_t end = (size_t)matches->end[i];
        const size_t pattern_bytes = (size_t)(p->offsets[pattern + 1] - p->offsets[pattern]);

        points->points += (int64_t)k->utf8_count(text + points->at, end - points->at);
        points->at = end;
        matches->end[i] = points->points;
        matches->start[i] =
            points->points - (int64_t)k->utf8_count(p->bytes + p->offsets[pattern], pattern_bytes);
    }
}

void fc_matches_to_rows(const fc_matcher *matcher, const uint8_t *text, const int64_t *rows,
                        const fc_matches *matches, size_t count, int in_points)
{
    for (size_t i = 0; i < count;) {
        const int64_t row = matches->row[i], begin = rows[row];
        size_t next = i;

        for (; next < count && matches->row[next] == row; next++) {
            matches->start[next] -= begin;
            matches->end[next] -= begin;
        }
        if (in_points) {
            const fc_matches part = {matches->pattern + i, matches->start + i, matches->end + i,
                                     NULL};
            fc_points points = {0, 0};
            fc_matches_to_points(matcher, text + begin, &points, &part, next - i);
        }
        i = next;
    }
}
