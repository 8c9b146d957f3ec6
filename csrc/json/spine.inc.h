/*
 * json/spine.inc.h - the next record of a document with a root, by block masks; compiled once per
 * engine. See spine.h.
 *
 * The state is kept from call to call and moves only over tokens that are there whole, so that no
 * byte is looked at twice, however the stream is cut. What is wrong between tokens is the
 * checker's to find; here, where nothing is checked, only what cannot be followed.
 */
/* The value at `at` is over with at `stop`. */
static void spine_past(fc_json_reader *reader, size_t stop)
{
    reader->at = reader->scan = reader->spine.behind = stop;
    reader->phase = reader->spine.depth == 0 ? FC_BETWEEN : FC_IN_SPINE;
    reader->spine.want = FC_WANT_COMMA_OR_CLOSE;
}

/* A value of the set [set, set + count) starts at `at`: open it, or look for its end. */
static int spine_value(fc_json_reader *reader, size_t at, size_t set, size_t count)
{
    fc_spine *const spine = &reader->spine;
    const uint8_t first = reader->text[at];

    reader->start = reader->at = at;
    reader->depth = 1;
    reader->scan = first == '"' || first == '{' || first == '[' ? at + 1 : at;
    reader->phase = first == '"'                   ? FC_IN_STRING
                    : first == '{' || first == '[' ? FC_IN_CONTAINER
                                                   : FC_IN_SCALAR;
    reader->skipping = 1;
    spine->behind = at;
    spine->want = FC_WANT_COMMA_OR_CLOSE;
    if (count == 0)
        return 0;
    if (fc_spine_is_record(spine, set, count)) {
        reader->skipping = 0;
        return 0;
    }
    if (first == '{' ? fc_sets_enter_object(&spine->sets, set, count)
                     : first == '[' && fc_sets_elements(&spine->sets, set, count) > 0) {
        if (spine->depth >= reader->options.depth_max)
            return -1;
        if (!fc_spine_push(spine, first, set, count))
            return -2;
        reader->phase = FC_IN_SPINE;
        reader->at = reader->scan = spine->behind = at + 1;
        reader->skipping = 0;
    }
    return 0;
}

/* The key that starts at `at`, its first quote, as soon as all of it is there. */
static int spine_key(fc_json_reader *reader, size_t limit, size_t edge, size_t at)
{
    fc_spine *const spine = &reader->spine;
    const fc_spine_frame *const frame = &spine->frames[spine->depth - 1];
    const size_t from = reader->scan > at ? reader->scan : at + 1;
    const size_t quote = fc_next(reader->blocks, limit, from, FC_AT_QUOTE);

    reader->at = at;
    if (quote >= edge) {
        reader->scan = edge > from ? edge : from;
        return 0;
    }
    spine->child_count =
        fc_sets_member(&spine->sets, frame->set, frame->set_count, reader->text + at + 1,
                       quote - at - 1, fc_has_backslash(reader->blocks, at, quote));
    if (spine->child_count == FC_SETS_NOMEM)
        return -2;
    reader->at = reader->scan = spine->behind = quote + 1;
    spine->want = FC_WANT_COLON;
    return 0;
}

/* The next token of the spine, if it is there whole. -1: not JSON; -2: no memory. */
static int spine_step(fc_json_reader *reader, size_t limit, size_t edge)
{
    fc_spine *const spine = &reader->spine;
    fc_spine_frame *const frame = &spine->frames[spine->depth - 1];
    const uint8_t close = (uint8_t)(frame->kind + 2);
    const fc_plain_want want = spine->want;
    size_t at = reader->at;

    while (at < edge && fc_is_space(reader->text[at]))
        at++;
    reader->at = at;
    if (reader->scan < at)
        reader->scan = at;
    if (at >= edge)
        return 0;
    if (want == FC_WANT_COLON) {
        if (reader->text[at] != ':')
            return -1;
        spine->want = FC_WANT_VALUE;
    } else if (reader->text[at] == close && want != FC_WANT_VALUE && want != FC_WANT_KEY) {
        spine->depth--;
        spine_past(reader, at + 1);
        return 0;
    } else if (want == FC_WANT_COMMA_OR_CLOSE) {
        if (reader->text[at] != ',')
            return -1;
        spine->want = frame->kind == '{' ? FC_WANT_KEY : FC_WANT_VALUE;
    } else if (want == FC_WANT_KEY || want == FC_WANT_KEY_OR_CLOSE) {
        if (reader->text[at] != '"')
            return -1;
        return spine_key(reader, limit, edge, at);
    } else {
        if (frame->kind == '[') {
            if (frame->index >= frame->elements) {
                /* pass over the rest of the array, as if it were one value */
                spine->depth--;
                spine_past(reader, at);
                reader->depth = 1;
                reader->start = at;
                reader->phase = FC_IN_CONTAINER;
                reader->skipping = 1;
                return 0;
            }
            spine->child_count =
                fc_sets_element(&spine->sets, frame->set, frame->set_count, frame->index++);
            if (spine->child_count == FC_SETS_NOMEM)
                return -2;
        }
        return spine_value(reader, at, fc_spine_next_set(spine), spine->child_count);
    }
    reader->at = reader->scan = spine->behind = at + 1;
    return 0;
}

/* Nothing more to take before `edge`: is what must be kept of the text within its limit? */
static int spine_wait(fc_json_reader *reader, size_t edge)
{
    size_t from = reader->at;
    if (reader->options.validate && reader->spine.anchor < from)
        from = reader->spine.anchor;
    return edge > from && edge - from > reader->options.record_bytes_max ? too_long(reader) : 0;
}

/* As find_record, in a document with a root. -2: no memory. */
static int FC_SYM(find_rooted)(fc_json_reader *reader, size_t limit)
{
    fc_spine *const spine = &reader->spine;
    const size_t edge = edge_of(reader, limit);

    for (;;) {
        int found;

        if (reader->phase == FC_BETWEEN) {
            if (!find_start(reader, limit))
                return 0;
            found = spine_value(reader, reader->start, 0, fc_sets_start(&spine->sets));
        } else if (reader->phase == FC_IN_SPINE) {
            const size_t before = reader->at, depth = spine->depth;
            const fc_plain_want want = spine->want;
            found = spine_step(reader, limit, edge);
            if (found == 0 && reader->phase == FC_IN_SPINE && reader->at == before &&
                spine->want == want && spine->depth == depth)
                return spine_wait(reader, edge);
        } else {
            found = find_end(reader, limit);
            if (found == 0 && reader->skipping) {
                reader->at = edge > reader->at ? edge : reader->at;
                return spine_wait(reader, edge);
            }
            if (found <= 0 || !reader->skipping)
                return found;
            spine_past(reader, reader->end);
            reader->skipping = 0;
            found = 0;
        }
        if (found < 0)
            return found;
    }
}
