/*
 * json/records.inc.h - where one record ends and the next begins, by block masks alone;
 * compiled once per engine.
 *
 * Each top-level value is a record. Between them stand whitespace and record separators
 * (RFC 7464), or nothing. The state is kept from call to call, so that no block is looked at
 * twice, however the stream is cut.
 */
/* Where the masked text ends: behind the state, where that has seen a last, partial block. */
static size_t edge_of(const fc_json_reader *reader, size_t limit)
{
    return limit * 64 < reader->length ? limit * 64 : reader->length;
}

static int find_start(fc_json_reader *reader, size_t limit)
{
    const uint8_t *const text = reader->text;
    const size_t edge = edge_of(reader, limit);

    for (;;) {
        const size_t token = reader->separated
                                 ? reader->scan
                                 : fc_next(reader->blocks, limit, reader->scan,
                                           FC_AT_QUOTE | FC_AT_OPEN | FC_AT_CLOSE | FC_AT_COMMA |
                                               FC_AT_COLON | FC_AT_SCALAR);
        size_t at = token;

        if (token >= reader->length || token >= limit * 64) {
            if (reader->at < edge)
                reader->at = reader->scan = edge;
            return 0;
        }
        while (at < reader->length && text[at] == 0x1E)
            at++;
        if ((at > token || reader->separated) &&
            (at == reader->length || text[at] == '"' || text[at] == '{' || text[at] == '[' ||
             fc_is_space(text[at]))) {
            reader->at = reader->scan = at;
            reader->separated = at == reader->length;
            if (at == reader->length)
                return 0;
            continue;
        }
        if (at >= limit * 64) {
            /* the run goes on behind the masks: look at it again with them */
            reader->at = reader->scan = token;
            return 0;
        }
        reader->separated = 0;
        reader->start = reader->at = at;
        reader->depth = 1;
        reader->scan = at + 1;
        if (text[at] == '{' || text[at] == '[')
            reader->phase = FC_IN_CONTAINER;
        else if (text[at] == '"')
            reader->phase = FC_IN_STRING;
        else {
            reader->phase = FC_IN_SCALAR;
            reader->scan = at;
        }
        return 1;
    }
}

static size_t end_of_scalar(fc_json_reader *reader)
{
    size_t at = reader->scan;
    for (; at < reader->length; at++) {
        const uint8_t c = reader->text[at];
        if (fc_is_space(c) || c == ',' || c == ']' || c == '}' || c == ':')
            break;
    }
    reader->scan = at;
    if (at < reader->length)
        return at;
    return reader->finished && reader->chunk_left == 0 ? at : FC_NOWHERE;
}

static int too_long(fc_json_reader *reader)
{
    reader->too_long = 1;
    return -1;
}

/* The end of the value in sight. 1: `end`; 0: more text first; -1: wrong. */
static int find_end(fc_json_reader *reader, size_t limit)
{
    const size_t edge = edge_of(reader, limit);
    const size_t seen = edge > reader->start ? edge - reader->start : 0;
    size_t end;

    if (reader->phase == FC_IN_SCALAR) {
        end = end_of_scalar(reader);
        if (end == reader->start && end != FC_NOWHERE) {
            reader->wrong = end; /* a comma, a colon or a closing bracket */
            return -1;
        }
    } else if (reader->phase == FC_IN_STRING) {
        end = fc_next(reader->blocks, limit, reader->scan, FC_AT_QUOTE);
        end = end == FC_NOWHERE ? end : end + 1;
    } else {
        end = fc_closing(reader->blocks, limit, reader->scan, &reader->depth);
        end = end == FC_NOWHERE ? end : end + 1;
        if (end == FC_NOWHERE && reader->spine.depth + reader->depth > reader->options.depth_max) {
            reader->wrong = edge;
            return -1;
        }
    }
    if (!reader->skipping &&
        (end <= edge ? end - reader->start : seen) > reader->options.record_bytes_max)
        return too_long(reader);
    if (end > edge) {
        if (reader->phase != FC_IN_SCALAR && reader->scan < edge)
            reader->scan = edge;
        return 0;
    }
    reader->end = end;
    return 1;
}

static int FC_SYM(find_record)(fc_json_reader *reader, size_t limit)
{
    if (reader->phase == FC_BETWEEN && !find_start(reader, limit))
        return 0;
    return find_end(reader, limit);
}
