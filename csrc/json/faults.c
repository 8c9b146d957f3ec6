/*
 * json/faults.c - what is wrong and where: the judge of plain.h run again over the text from the
 * last place where it is known what is open.
 */
#include <stdlib.h>
#include <string.h>

#include "json/plain.h"
#include "json/reader.h"
#include "json/scan.h"

static void excerpt(fc_json_reader *reader, size_t at)
{
    const size_t room = sizeof reader->fault.excerpt - 1;
    size_t from = at > room / 2 ? at - room / 2 : 0, to;

    while (from < at && (reader->text[from] & 0xC0) == 0x80)
        from++;
    to = from + room < reader->length ? from + room : reader->length;
    while (to > from && to < reader->length && (reader->text[to] & 0xC0) == 0x80)
        to--;
    memcpy(reader->fault.excerpt, reader->text + from, to - from);
    reader->fault.excerpt[to - from] = 0;
}

void fc_reader_blame(fc_json_reader *reader, size_t at, const char *message)
{
    fc_json_fault *const fault = &reader->fault;
    const size_t before = at < reader->length ? at : reader->length;
    uint64_t line_start = reader->line_start;

    fault->message = message;
    fault->offset = reader->base + at;
    fault->record = reader->stats.records + reader->stats.errors;
    fault->line = reader->lines + 1;
    for (size_t i = 0; i < before; i++)
        if (reader->text[i] == '\n') {
            fault->line++;
            line_start = reader->base + i + 1;
        }
    fault->column = fault->offset - line_start + 1;
    excerpt(reader, before);
}

/* What the judge starts from. */
typedef struct start {
    size_t at, depth;
    fc_plain_want want;
    const uint8_t *stack; /* FC_IN_* of what is open, from 1; NULL: the spine */
} start;

/* The last place before the fault where it is known what is open. */
static start known_place(const fc_json_reader *reader)
{
    const fc_spine *const spine = &reader->spine;
    start from = {reader->phase == FC_BETWEEN ? reader->at : reader->start, spine->depth,
                  FC_WANT_VALUE, NULL};

    if (reader->rooted && reader->options.validate) {
        from.at = spine->anchor;
        from.depth = spine->anchor_depth;
        from.want = spine->anchor_want;
        from.stack = spine->anchor_stack;
    } else if (reader->phase == FC_IN_SPINE) {
        from.at = reader->at;
        from.want = spine->want;
    }
    return from;
}

/* Judge what follows `from`: one value, or, with a root, one after the other. */
static const char *judge(fc_json_reader *reader, start from, size_t room, size_t *at)
{
    uint8_t *const kinds = reader->kinds;
    const char *wrong;

    for (size_t d = 0; d < from.depth; d++)
        kinds[d] = from.stack == NULL                  ? reader->spine.frames[d].kind
                   : from.stack[d + 1] == FC_IN_OBJECT ? '{'
                                                       : '[';
    *at = from.at;
    for (;;) {
        while (from.depth == 0 && *at < reader->length &&
               (reader->text[*at] == 0x1E || fc_is_space(reader->text[*at])))
            ++*at;
        if (reader->rooted && from.depth == 0 && *at == reader->length)
            return NULL;
        wrong =
            fc_plain_judge(reader->text, reader->length, kinds, from.depth, room, 0, from.want, at);
        if (wrong != NULL || !reader->rooted)
            return wrong;
        from.depth = 0;
        from.want = FC_WANT_VALUE;
    }
}

static fc_json_event too_much(fc_json_reader *reader)
{
    const int record = reader->phase != FC_IN_SPINE && !reader->skipping;
    const size_t at = record ? reader->start : known_place(reader).at;

    reader->too_long = 0;
    fc_reader_blame(reader, at,
                    record ? "record longer than max_record_bytes"
                           : "key or value beside the records longer than max_record_bytes");
    return FC_JSON_BAD;
}

/* The record in sight, or what lies before it, is wrong: say how. */
fc_json_event fc_reader_fault(fc_json_reader *reader)
{
    const size_t depth_max = reader->options.depth_max;
    start from = known_place(reader);
    const size_t room =
        from.depth + reader->length < depth_max ? from.depth + reader->length : depth_max;
    size_t at;
    const char *wrong;
    uint8_t *kinds;

    if (reader->too_long)
        return too_much(reader);
    if (reader->skipping && !reader->options.validate) {
        /* text that nobody looked at is gone, and with it what it opened */
        const int deep = reader->wrong != FC_NOWHERE;
        fc_reader_blame(reader, deep ? reader->wrong : reader->length,
                        deep ? "nested deeper than max_depth" : "unexpected end of input");
        return FC_JSON_BAD;
    }
    kinds = realloc(reader->kinds, (room > from.depth ? room : from.depth) + 1);
    if (kinds == NULL)
        return FC_JSON_NOMEM;
    reader->kinds = kinds;
    wrong = judge(reader, from, room, &at);
    if (wrong == NULL) {
        at = reader->wrong < reader->length ? reader->wrong : at;
        wrong = "unexpected character";
    }
    fc_reader_blame(reader, at, wrong);
    return FC_JSON_BAD;
}

void fc_json_reject(fc_json_reader *reader, const uint8_t *at, const char *message)
{
    reader->stats.records--;
    fc_reader_blame(reader, (size_t)(at - reader->text), message);
    reader->stats.errors++;
}
