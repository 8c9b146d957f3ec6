/*
 * json_items.h - the values under a prefix, and the members of the objects there, out of tokens.
 * A part of json_events.h.
 *
 * No prefix is joined to find them: each open container knows how much of the wanted one its own
 * path has matched, and a container that cannot lead there is checked and passed over.
 */
#ifndef FC_JSON_ITEMS_H
#define FC_JSON_ITEMS_H

/* -- whole values ----------------------------------------------------------------------------- */

/* Put `value` (taken over) where it belongs in the containers that are open. */
static int place_value(fc_events *e, PyObject *value)
{
    fc_object_frame *const frame = &e->objects.frames[e->building - 1];
    int status;

    if (frame->dict == NULL)
        return push_value(&e->objects, value);
    status = e->map_type == NULL ? PyDict_SetItem(frame->dict, frame->key, value)
                                 : PyObject_SetItem(frame->dict, frame->key, value);
    Py_DECREF(value);
    Py_CLEAR(frame->key);
    return status == 0;
}

static int build_open(fc_events *e, int map)
{
    fc_object_frame *const frame = push_frame(&e->objects, e->building);

    if (frame == NULL)
        return 0;
    frame->dict = NULL;
    frame->key = NULL;
    frame->first = e->objects.value_count;
    if (map) {
        frame->dict = e->map_type == NULL ? PyDict_New() : PyObject_CallNoArgs(e->map_type);
        if (frame->dict == NULL)
            return 0;
    }
    e->building++;
    return 1;
}

/* One token more of a value. 1: *value is complete; 0: go on; -1: an exception, or e->wrong. */
static int build(fc_events *e, const fc_token *token, PyObject **value)
{
    fc_object_frame *frame;

    switch (token->kind) {
    case FC_TOKEN_KEY:
        frame = &e->objects.frames[e->building - 1];
        frame->key = event_key(e, token);
        return frame->key == NULL ? -1 : 0;
    case FC_TOKEN_OPEN_MAP:
    case FC_TOKEN_OPEN_ARRAY:
        return build_open(e, token->kind == FC_TOKEN_OPEN_MAP) ? 0 : -1;
    case FC_TOKEN_CLOSE_MAP:
    case FC_TOKEN_CLOSE_ARRAY:
        frame = &e->objects.frames[--e->building];
        *value = frame->dict;
        frame->dict = NULL;
        if (*value == NULL)
            *value = pop_list(&e->objects, frame->first);
        break;
    default:
        *value = event_value(e, token);
    }
    if (*value == NULL)
        return -1;
    if (e->building == 0)
        return 1;
    return place_value(e, *value) ? 0 : -1;
}

/*
 * How much of the wanted prefix is matched when `name` follows what has been matched up to `at`;
 * FC_NO_MATCH when that differs.
 */
static size_t match_name(const fc_events *e, size_t at, const void *name, size_t bytes)
{
    if (at == FC_NO_MATCH)
        return at;
    if (e->level_count > 1) {
        if (at == e->prefix_bytes || e->prefix[at] != '.')
            return FC_NO_MATCH;
        at++;
    }
    return e->prefix_bytes - at >= bytes && memcmp(e->prefix + at, name, bytes) == 0 ? at + bytes
                                                                                     : FC_NO_MATCH;
}

static int match_key(fc_events *e, fc_level *level, const fc_token *token)
{
    const uint8_t *name = token->text;
    size_t bytes = token->length;

    if (token->escaped) {
        uint8_t *const plain = scratch(&e->objects, bytes + 1);
        if (plain == NULL)
            return 0;
        bytes = fc_json_unescape(name, bytes, plain);
        name = plain;
    }
    level->child_at = match_name(e, level->own_at, name, bytes);
    return 1;
}

/* A token outside the values that are wanted: 1 when one of those starts with it; -1: raised. */
static int seek(fc_events *e, const fc_token *token)
{
    fc_level *const level = e->level_count == 0 ? NULL : &e->levels[e->level_count - 1];
    const size_t at = level == NULL ? 0 : level->child_at;
    const int opens = token->kind == FC_TOKEN_OPEN_MAP || token->kind == FC_TOKEN_OPEN_ARRAY;

    if (token->kind == FC_TOKEN_CLOSE_MAP || token->kind == FC_TOKEN_CLOSE_ARRAY) {
        e->level_count--;
        return 0;
    }
    if (token->kind == FC_TOKEN_KEY) {
        if (!level->wanted)
            return match_key(e, level, token) ? 0 : -1;
        Py_XSETREF(e->pair_key, event_key(e, token));
        return e->pair_key == NULL ? -1 : 0;
    }
    if (level != NULL && level->wanted)
        return 1;
    if (e->mode == FC_EVENTS_ITEMS && at == e->prefix_bytes)
        return 1;
    if (!opens)
        return 0;
    if (at == FC_NO_MATCH || (at == e->prefix_bytes && token->kind == FC_TOKEN_OPEN_ARRAY)) {
        e->passing = 1;
        return 0;
    }
    {
        fc_level *const inner = push_level(e);
        if (inner == NULL)
            return -1;
        inner->own_at = at;
        inner->map = token->kind == FC_TOKEN_OPEN_MAP;
        inner->wanted = inner->map && e->mode == FC_EVENTS_KVITEMS && at == e->prefix_bytes;
        inner->child_at = inner->map ? FC_NO_MATCH : match_name(e, at, "item", 4);
    }
    return 0;
}

/* The next value in the batch, or NULL: none, an exception, or e->wrong. */
static PyObject *next_value(fc_events *e)
{
    PyObject *value = NULL;
    int made;

    while (e->next < e->count) {
        const fc_token *const token = &e->batch[e->next++];
        if (e->passing > 0) {
            e->passing += token->kind == FC_TOKEN_OPEN_MAP || token->kind == FC_TOKEN_OPEN_ARRAY;
            e->passing -= token->kind == FC_TOKEN_CLOSE_MAP || token->kind == FC_TOKEN_CLOSE_ARRAY;
            continue;
        }
        if (e->building == 0) {
            made = seek(e, token);
            if (made < 0)
                return NULL;
            if (made == 0)
                continue;
        }
        made = build(e, token, &value);
        if (made < 0)
            return NULL;
        if (made == 0)
            continue;
        if (e->pair_key == NULL)
            return value;
        value = event_pair(e->pair_key, value);
        Py_CLEAR(e->pair_key);
        return value;
    }
    return NULL;
}

#endif
