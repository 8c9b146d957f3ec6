/* json/spine.c - the containers around the records, and the anchor: see spine.h. */
#include "json/spine.h"

#include <stdlib.h>
#include <string.h>

#include "json/scan.h"

fc_status fc_spine_init(fc_spine *spine, const fc_json_program *root)
{
    memset(spine, 0, sizeof *spine);
    spine->anchor_want = FC_WANT_VALUE;
    return fc_sets_init(&spine->sets, root);
}

void fc_spine_destroy(fc_spine *spine)
{
    fc_sets_destroy(&spine->sets);
    free(spine->frames);
    free(spine->anchor_stack);
}

int fc_spine_push(fc_spine *spine, uint8_t kind, size_t set, size_t count)
{
    fc_spine_frame *frame;

    if (spine->depth == spine->capacity) {
        const size_t capacity = spine->depth == 0 ? 16 : spine->depth * 2;
        fc_spine_frame *const frames = realloc(spine->frames, capacity * sizeof *frames);
        if (frames == NULL)
            return 0;
        spine->frames = frames;
        spine->capacity = capacity;
    }
    frame = &spine->frames[spine->depth++];
    frame->set = set;
    frame->set_count = count;
    frame->index = 0;
    frame->elements = kind == '[' ? fc_sets_elements(&spine->sets, set, count) : 0;
    frame->kind = kind;
    spine->want = kind == '{' ? FC_WANT_KEY_OR_CLOSE : FC_WANT_VALUE_OR_CLOSE;
    return 1;
}

size_t fc_spine_next_set(const fc_spine *spine)
{
    const fc_spine_frame *const frame = &spine->frames[spine->depth - 1];
    return frame->set + frame->set_count;
}

int fc_spine_is_record(const fc_spine *spine, size_t set, size_t count)
{
    for (size_t i = set; i < set + count; i++)
        if (spine->sets.program->nodes[spine->sets.nodes[i]].cell_count > 0)
            return 1;
    return 0;
}

void fc_spine_slide(fc_spine *spine, size_t bytes)
{
    spine->anchor -= bytes < spine->anchor ? bytes : spine->anchor;
    spine->behind -= bytes < spine->behind ? bytes : spine->behind;
}

/* -- the anchor ---------------------------------------------------------------------------- */

static int reserve_anchor(fc_spine *spine, size_t depth)
{
    if (depth >= spine->anchor_capacity) {
        uint8_t *const stack = realloc(spine->anchor_stack, 2 * depth + 64);
        if (stack == NULL)
            return 0;
        spine->anchor_stack = stack;
        spine->anchor_capacity = 2 * depth + 64;
    }
    spine->anchor_depth = depth;
    return 1;
}

/* What may follow the bracket, comma or colon `c`, with `top` then the innermost container. */
static fc_plain_want want_after(uint8_t c, uint8_t top)
{
    switch (c) {
    case '{':
        return FC_WANT_KEY_OR_CLOSE;
    case '[':
        return FC_WANT_VALUE_OR_CLOSE;
    case ',':
        return top == FC_IN_OBJECT ? FC_WANT_KEY : FC_WANT_VALUE;
    case ':':
        return FC_WANT_VALUE;
    default:
        return top == FC_AT_TOP ? FC_WANT_VALUE : FC_WANT_COMMA_OR_CLOSE;
    }
}

/* The same behind what the checker took for the last token. */
static fc_plain_want want_now(const fc_checker *checker)
{
    const uint8_t top = checker->stack[checker->depth];

    if (checker->after.key && top == FC_IN_OBJECT) /* it is set for strings of arrays, too */
        return FC_WANT_COLON;
    return want_after(checker->after.open    ? (top == FC_IN_OBJECT ? '{' : '[')
                      : checker->after.comma ? ','
                      : checker->after.colon ? ':'
                                             : '}',
                      top);
}

int fc_spine_anchor(fc_spine *spine, const fc_checker *checker, const uint8_t *text,
                    const fc_json_block *blocks, size_t first, size_t end)
{
    const uint8_t last = text[end * 64 - 1];
    uint64_t marks = 0;
    size_t i = end;

    if (blocks[end - 1].string >> 63 == 0 && fc_is_space(last)) {
        spine->anchor = end * 64;
        spine->anchor_want = want_now(checker);
    } else {
        for (; i > first && marks == 0; i--)
            marks = blocks[i - 1].comma | blocks[i - 1].colon | blocks[i - 1].open |
                    blocks[i - 1].close;
        if (marks == 0)
            return 1; /* all of it is in one long token */
        spine->anchor = i * 64 + 63 - (size_t)fc_clz64(marks);
        spine->anchor_want = want_after(text[spine->anchor++], checker->stack[checker->depth]);
    }
    if (!reserve_anchor(spine, checker->depth))
        return 0;
    memcpy(spine->anchor_stack, checker->stack, checker->depth + 1);
    return 1;
}

int fc_spine_restart(fc_spine *spine, fc_checker *checker)
{
    fc_checker_restart(checker, 0, 0);
    if (!reserve_anchor(spine, spine->depth) || !fc_checker_grow(checker, spine->depth))
        return 0;
    checker->depth = spine->depth;
    spine->anchor_stack[0] = FC_AT_TOP;
    for (size_t d = 0; d < spine->depth; d++)
        spine->anchor_stack[d + 1] = checker->stack[d + 1] =
            spine->frames[d].kind == '{' ? FC_IN_OBJECT : FC_IN_ARRAY;
    spine->anchor = spine->behind = 0;
    spine->anchor_want = spine->depth > 0 ? spine->want : FC_WANT_VALUE;
    return 1;
}
