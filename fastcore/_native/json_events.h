/*
 * json_events.h - from tokens to the events and objects that Python programs iterate over. C for
 * the same reason as json_objects.h, which it builds on. For one includer, json.pyx.
 *
 * Events that carry no value of their own are made once and handed out again and again, and so is
 * the event of each key. Prefixes ("docs.item.id") are strings that a small table finds again by
 * the addresses of what they are joined from, since keys come out of a cache as well.
 */
#ifndef FC_JSON_EVENTS_H
#define FC_JSON_EVENTS_H

#include <Python.h>

#include "fastcore/tokens.h"
#include "json_objects.h"

#define FC_KEY_EVENTS   512   /* places of the table of keys, a power of two */
#define FC_PATHS        1024  /* places of the prefix table, a power of two */
#define FC_PREFIX_CHARS 65536 /* of a joined prefix: beyond, nested long keys would fill memory */
#define FC_EVENT_KINDS  11    /* of fc_token_kind */
#define FC_NO_MATCH     ((size_t)-1)

typedef enum fc_events_mode {
    FC_EVENTS_BASIC,   /* (event, value) */
    FC_EVENTS_PARSE,   /* (prefix, event, value) */
    FC_EVENTS_ITEMS,   /* values whose path is the prefix */
    FC_EVENTS_KVITEMS, /* (key, value) of the objects whose path is the prefix */
} fc_events_mode;

typedef enum fc_events_result {
    FC_EVENTS_GOT,
    FC_EVENTS_MORE,   /* no event before the next chunk, or at all */
    FC_EVENTS_BAD,    /* fc_tokens_fault() says what */
    FC_EVENTS_RAISED, /* a Python exception */
} fc_events_result;

/* ("map_key", key) of a key that has come before. */
typedef struct fc_key_event {
    PyObject *event;
    struct fc_key_event *next; /* what came after it */
    size_t length;
    uint8_t bytes[40];
} fc_key_event;

/* A prefix that was joined: of the container's own and a key, or "item" in an array. */
typedef struct fc_path {
    PyObject *own, *key, *joined;
    PyObject *event; /* (own, "map_key", key), or NULL */
    uint8_t top;     /* the key is not in a container of a container: no dot */
} fc_path;

/* An open container. Of the two ways to know its path, a mode uses one. */
typedef struct fc_level {
    PyObject *own, *child;   /* prefixes: of it, and of the value that comes next in it */
    size_t own_at, child_at; /* how much of the wanted prefix they match, or FC_NO_MATCH */
    uint8_t map;
    uint8_t wanted; /* an object whose members are */
} fc_level;

typedef struct fc_events {
    fc_tokens *tokens;
    fc_token batch[FC_TOKENS_BATCH];
    size_t next, count;
    fc_events_mode mode;
    int busy;
    const char *wrong; /* with the value of the last token, or with its place */

    PyObject *names[FC_EVENT_KINDS]; /* "null", "boolean", ... of each kind of token */
    PyObject *fixed[FC_EVENT_KINDS]; /* ("null", None), ... where the kind says all */
    fc_key_event *keys;              /* found by the key's address */
    fc_key_event *last_key;
    fc_path *paths;
    PyObject *item, *dot, *empty;
    PyObject *spare; /* the last event with a value of its own */
    fc_objects objects;
    int surrogates;

    fc_level *levels;
    size_t level_count, level_capacity;
    char *prefix;
    size_t prefix_bytes;
    size_t passing; /* open containers of which nothing is wanted */
    int quiet;      /* the tokenizer knows that */

    size_t building; /* open containers of the value that is being built */
    PyObject *map_type, *pair_key;
} fc_events;

static PyObject *event_pair(PyObject *name, PyObject *value)
{
    PyObject *event;

    if (value == NULL || (event = PyTuple_New(2)) == NULL) {
        Py_XDECREF(value);
        return NULL;
    }
    Py_INCREF(name);
    PyTuple_SET_ITEM(event, 0, name);
    PyTuple_SET_ITEM(event, 1, value);
    return event;
}

/*
 * A loop that unpacks each event has no reference to the last one by now: then that is filled anew,
 * as zip() and enumerate() do it. Only with text and numbers, which no cycle can lead through.
 */
static int spare_is_free(const fc_events *e)
{
#ifdef Py_GIL_DISABLED
    (void)e;
    return 0;
#else
    return e->spare != NULL && Py_REFCNT(e->spare) == 1;
#endif
}

static void refill(PyObject *event, Py_ssize_t place, PyObject *value)
{
    PyObject *const old = PyTuple_GET_ITEM(event, place);
    PyTuple_SET_ITEM(event, place, value);
    Py_DECREF(old);
}

static PyObject *keep_spare(fc_events *e, PyObject *event)
{
    Py_XINCREF(event);
    Py_XSETREF(e->spare, event);
    return event;
}

static PyObject *scalar_pair(fc_events *e, PyObject *name, PyObject *value)
{
    if (value == NULL || !spare_is_free(e))
        return keep_spare(e, event_pair(name, value));
    Py_INCREF(e->spare);
    Py_INCREF(name);
    refill(e->spare, 0, name);
    refill(e->spare, 1, value);
    return e->spare;
}

/* Returns 0 with an exception. Takes over `tokens`, keeps `map_type` (or NULL: dict). */
static int fc_events_open(fc_events *e, fc_tokens *tokens, int mode, int surrogates,
                          PyObject *prefix, PyObject *decimal, PyObject *map_type)
{
    static const char *const names[FC_EVENT_KINDS] = {
        "null",    "boolean",   "boolean",     "number",  "number",    "string",
        "map_key", "start_map", "start_array", "end_map", "end_array",
    };
    Py_ssize_t bytes;
    const char *text;

    e->tokens = tokens;
    e->mode = (fc_events_mode)mode;
    e->surrogates = surrogates;
    for (int kind = 0; kind < FC_EVENT_KINDS; kind++) {
        PyObject *const value = kind == FC_TOKEN_TRUE    ? Py_True
                                : kind == FC_TOKEN_FALSE ? Py_False
                                                         : Py_None;
        if ((e->names[kind] = PyUnicode_InternFromString(names[kind])) == NULL)
            return 0;
        Py_INCREF(value);
        if ((e->fixed[kind] = event_pair(e->names[kind], value)) == NULL)
            return 0;
    }
    e->item = PyUnicode_InternFromString("item");
    e->dot = PyUnicode_InternFromString(".");
    e->empty = PyUnicode_InternFromString("");
    if (e->item == NULL || e->dot == NULL || e->empty == NULL)
        return 0;
    Py_XINCREF(decimal);
    e->objects.decimal = decimal;
    Py_XINCREF(map_type);
    e->map_type = map_type;
    e->last_key = e->keys = PyMem_Calloc(FC_KEY_EVENTS, sizeof *e->keys);
    if (e->mode == FC_EVENTS_PARSE)
        e->paths = PyMem_Calloc(FC_PATHS, sizeof *e->paths);
    if (e->keys == NULL || (e->mode == FC_EVENTS_PARSE && e->paths == NULL)) {
        PyErr_NoMemory();
        return 0;
    }
    if (prefix == NULL)
        return 1;
    if ((text = PyUnicode_AsUTF8AndSize(prefix, &bytes)) == NULL)
        return 0;
    if ((e->prefix = PyMem_Malloc((size_t)bytes + 1)) == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    memcpy(e->prefix, text, (size_t)bytes);
    e->prefix_bytes = (size_t)bytes;
    return 1;
}

static void fc_events_close(fc_events *e)
{
    unwind(&e->objects, e->building);
    e->building = 0;
    for (size_t i = 0; i < e->level_count; i++) {
        Py_XDECREF(e->levels[i].own);
        Py_XDECREF(e->levels[i].child);
    }
    e->level_count = 0;
    for (size_t i = 0; e->paths != NULL && i < FC_PATHS; i++) {
        Py_CLEAR(e->paths[i].own);
        Py_CLEAR(e->paths[i].key);
        Py_CLEAR(e->paths[i].joined);
        Py_CLEAR(e->paths[i].event);
    }
    for (size_t i = 0; e->keys != NULL && i < FC_KEY_EVENTS; i++)
        Py_CLEAR(e->keys[i].event);
    for (int kind = 0; kind < FC_EVENT_KINDS; kind++) {
        Py_CLEAR(e->names[kind]);
        Py_CLEAR(e->fixed[kind]);
    }
    Py_CLEAR(e->spare);
    Py_CLEAR(e->item);
    Py_CLEAR(e->dot);
    Py_CLEAR(e->empty);
    Py_CLEAR(e->map_type);
    Py_CLEAR(e->pair_key);
    PyMem_Free(e->keys);
    PyMem_Free(e->paths);
    PyMem_Free(e->levels);
    PyMem_Free(e->prefix);
    e->keys = NULL;
    e->paths = NULL;
    e->levels = NULL;
    e->prefix = NULL;
    fc_objects_clear(&e->objects);
    fc_tokens_free(e->tokens);
    e->tokens = NULL;
}

/* -- values ---------------------------------------------------------------------------------- */

static PyObject *event_text(fc_events *e, const fc_token *token)
{
    const uint8_t *text = token->text;
    size_t length = token->length;

    if (token->escaped) {
        uint8_t *const plain = scratch(&e->objects, length + 1);
        if (plain == NULL)
            return NULL;
        length = fc_json_unescape(text, length, plain);
        text = plain;
        if (e->surrogates)
            return PyUnicode_DecodeUTF8((const char *)text, (Py_ssize_t)length, "surrogatepass");
    }
    return fc_text_of(text, length);
}

static PyObject *new_key(fc_events *e, const fc_token *token)
{
    return token->escaped ? event_text(e, token) : key_of(&e->objects, token->text, token->length);
}

/* The value of a token that opens nothing. NULL: an exception, or e->wrong. */
static PyObject *event_value(fc_events *e, const fc_token *token)
{
    const uint8_t *at;

    switch (token->kind) {
    case FC_TOKEN_TRUE:
        Py_RETURN_TRUE;
    case FC_TOKEN_FALSE:
        Py_RETURN_FALSE;
    case FC_TOKEN_INTEGER:
        return PyLong_FromLongLong(token->integer);
    case FC_TOKEN_NUMBER:
        return number_of(&e->objects, token->text, token->length, &e->wrong, &at);
    case FC_TOKEN_STRING:
        return event_text(e, token);
    default:
        Py_RETURN_NONE;
    }
}

/* -- (event, value) -------------------------------------------------------------------------- */

/* Whether the key of `token` is that of `event`; short, as most are. */
static FC_ALWAYS_INLINE int same_key(const fc_key_event *known, const fc_token *token)
{
    const uint8_t *const a = known->bytes, *const b = token->text;
    size_t at = 0;

    if (known->length != token->length)
        return 0;
    for (; at + 8 <= token->length; at += 8)
        if (fc_load_le64(a + at) != fc_load_le64(b + at))
            return 0;
    return fc_load_le64_part(a + at, token->length - at) ==
           fc_load_le64_part(b + at, token->length - at);
}

/*
 * ("map_key", key), the same tuple for the same key as long as the table lasts. The key that came
 * after the last one the time before is tried first: most objects look like their neighbours.
 */
static PyObject *key_event(fc_events *e, const fc_token *token)
{
    fc_key_event *const last = e->last_key;
    fc_key_event *known = last->next;
    PyObject *key, *event;

    if (known == NULL || !same_key(known, token) || token->escaped) {
        if ((key = new_key(e, token)) == NULL)
            return NULL;
        known = &e->keys[((uintptr_t)key >> 4) & (FC_KEY_EVENTS - 1)];
        if (known->event != NULL && PyTuple_GET_ITEM(known->event, 1) == key) {
            Py_DECREF(key);
        } else {
            if ((event = event_pair(e->names[FC_TOKEN_KEY], key)) == NULL)
                return NULL;
            if (token->escaped || token->length > sizeof known->bytes)
                return event;
            memcpy(known->bytes, token->text, token->length);
            known->length = token->length;
            Py_XSETREF(known->event, event);
        }
        last->next = known;
    }
    e->last_key = known;
    Py_INCREF(known->event);
    return known->event;
}

static PyObject *event_key(fc_events *e, const fc_token *token)
{
    PyObject *const event = key_event(e, token), *key;

    if (event == NULL)
        return NULL;
    key = PyTuple_GET_ITEM(event, 1);
    Py_INCREF(key);
    Py_DECREF(event);
    return key;
}

static PyObject *basic_event(fc_events *e, const fc_token *token)
{
    PyObject *event;

    switch (token->kind) {
    case FC_TOKEN_KEY:
        return key_event(e, token);
    case FC_TOKEN_NUMBER:
    case FC_TOKEN_INTEGER:
    case FC_TOKEN_STRING:
        return scalar_pair(e, e->names[token->kind], event_value(e, token));
    default:
        event = e->fixed[token->kind];
        Py_INCREF(event);
        return event;
    }
}

/* -- (prefix, event, value) ------------------------------------------------------------------ */

static PyObject *event_triple(PyObject *prefix, PyObject *name, PyObject *value)
{
    PyObject *event;

    if (value == NULL || (event = PyTuple_New(3)) == NULL) {
        Py_XDECREF(value);
        return NULL;
    }
    Py_INCREF(prefix);
    PyTuple_SET_ITEM(event, 0, prefix);
    Py_INCREF(name);
    PyTuple_SET_ITEM(event, 1, name);
    PyTuple_SET_ITEM(event, 2, value);
    return event;
}

static PyObject *scalar_triple(fc_events *e, PyObject *prefix, PyObject *name, PyObject *value)
{
    if (value == NULL || !spare_is_free(e))
        return keep_spare(e, event_triple(prefix, name, value));
    Py_INCREF(e->spare);
    Py_INCREF(prefix);
    Py_INCREF(name);
    refill(e->spare, 0, prefix);
    refill(e->spare, 1, name);
    refill(e->spare, 2, value);
    return e->spare;
}

static PyObject *join(fc_events *e, PyObject *own, PyObject *key)
{
    PyObject *dotted, *joined;

    if (e->level_count == 1) {
        Py_INCREF(key);
        return key;
    }
    if (PyUnicode_GET_LENGTH(own) + PyUnicode_GET_LENGTH(key) > FC_PREFIX_CHARS) {
        e->wrong = "prefix longer than 65536 characters";
        return NULL;
    }
    if ((dotted = PyUnicode_Concat(own, e->dot)) == NULL)
        return NULL;
    joined = PyUnicode_Concat(dotted, key);
    Py_DECREF(dotted);
    return joined;
}

/* The table's place for what `key` leads to in the innermost container; NULL with an exception. */
static fc_path *path_of(fc_events *e, PyObject *own, PyObject *key)
{
    const size_t hash = ((uintptr_t)own >> 4) * 31 + ((uintptr_t)key >> 4);
    const uint8_t top = e->level_count == 1;
    fc_path *const path = &e->paths[(hash ^ hash >> 10) & (FC_PATHS - 1)];
    PyObject *joined;

    if (path->own == own && path->key == key && path->top == top)
        return path;
    if ((joined = join(e, own, key)) == NULL)
        return NULL;
    Py_INCREF(own);
    Py_INCREF(key);
    Py_XSETREF(path->own, own);
    Py_XSETREF(path->key, key);
    Py_XSETREF(path->joined, joined);
    path->top = top;
    Py_CLEAR(path->event);
    return path;
}

static fc_level *push_level(fc_events *e)
{
    fc_level *level;

    if (e->level_count == e->level_capacity) {
        const size_t capacity = e->level_capacity == 0 ? 32 : e->level_capacity * 2;
        fc_level *levels = PyMem_Realloc(e->levels, capacity * sizeof *levels);
        if (levels == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        e->levels = levels;
        e->level_capacity = capacity;
    }
    level = &e->levels[e->level_count++];
    memset(level, 0, sizeof *level);
    return level;
}

static PyObject *prefixed_key(fc_events *e, const fc_token *token)
{
    fc_level *const level = &e->levels[e->level_count - 1];
    PyObject *const key = event_key(e, token);
    fc_path *path;

    if (key == NULL)
        return NULL;
    if ((path = path_of(e, level->own, key)) == NULL) {
        Py_DECREF(key);
        return NULL;
    }
    Py_INCREF(path->joined);
    Py_XSETREF(level->child, path->joined);
    if (path->event == NULL)
        path->event = event_triple(level->own, e->names[FC_TOKEN_KEY], key);
    else
        Py_DECREF(key);
    Py_XINCREF(path->event);
    return path->event;
}

static PyObject *prefixed_open(fc_events *e, const fc_token *token, PyObject *prefix)
{
    fc_level *const level = push_level(e);

    if (level == NULL)
        return NULL;
    level->map = token->kind == FC_TOKEN_OPEN_MAP;
    Py_INCREF(prefix);
    level->own = prefix;
    if (!level->map) {
        const fc_path *const path = path_of(e, prefix, e->item);
        if (path == NULL)
            return NULL;
        Py_INCREF(path->joined);
        level->child = path->joined;
    }
    Py_INCREF(Py_None);
    return event_triple(prefix, e->names[token->kind], Py_None);
}

static PyObject *prefixed_event(fc_events *e, const fc_token *token)
{
    PyObject *prefix = e->level_count == 0 ? e->empty : e->levels[e->level_count - 1].child, *event;

    switch (token->kind) {
    case FC_TOKEN_KEY:
        return prefixed_key(e, token);
    case FC_TOKEN_OPEN_MAP:
    case FC_TOKEN_OPEN_ARRAY:
        return prefixed_open(e, token, prefix);
    case FC_TOKEN_CLOSE_MAP:
    case FC_TOKEN_CLOSE_ARRAY:
        prefix = e->levels[--e->level_count].own;
        Py_XDECREF(e->levels[e->level_count].child);
        Py_INCREF(Py_None);
        event = event_triple(prefix, e->names[token->kind], Py_None);
        Py_DECREF(prefix);
        return event;
    default:
        return scalar_triple(e, prefix, e->names[token->kind], event_value(e, token));
    }
}

#include "json_items.h"

/* -- the loop --------------------------------------------------------------------------------- */

/* The next batch of tokens. Where most of a chunk may be passed over other threads can run. */
static fc_tokens_event read_batch(fc_events *e)
{
    fc_tokens_event event;

    e->next = 0;
    if (e->passing == 0)
        return fc_tokens_read(e->tokens, e->batch, FC_TOKENS_BATCH, &e->count);
    if (!e->quiet)
        fc_tokens_pass_over(e->tokens, e->passing);
    e->quiet = 1;
    e->passing = 1;
    Py_BEGIN_ALLOW_THREADS;
    event = fc_tokens_read(e->tokens, e->batch, FC_TOKENS_BATCH, &e->count);
    Py_END_ALLOW_THREADS;
    if (event == FC_TOKENS_SOME)
        e->quiet = 0;
    return event;
}

static fc_events_result next_event(fc_events *e, PyObject **event)
{
    for (;;) {
        if (e->next == e->count) {
            switch (read_batch(e)) {
            case FC_TOKENS_SOME:
                break;
            case FC_TOKENS_MORE:
                return FC_EVENTS_MORE;
            case FC_TOKENS_BAD:
                return FC_EVENTS_BAD;
            default:
                PyErr_NoMemory();
                return FC_EVENTS_RAISED;
            }
        }
        if (e->mode == FC_EVENTS_BASIC)
            *event = basic_event(e, &e->batch[e->next++]);
        else if (e->mode == FC_EVENTS_PARSE)
            *event = prefixed_event(e, &e->batch[e->next++]);
        else
            *event = next_value(e);
        if (*event != NULL)
            return FC_EVENTS_GOT;
        if (e->wrong != NULL) {
            fc_tokens_reject(e->tokens, e->batch, e->next - 1, e->wrong);
            e->next = e->count;
            return FC_EVENTS_BAD;
        }
        if (PyErr_Occurred())
            return FC_EVENTS_RAISED;
    }
}

/* The next event, a new reference, in *event. */
static fc_events_result fc_events_next(fc_events *e, PyObject **event)
{
    fc_events_result result;

    if (e->busy || e->tokens == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "these events are in use: they serve one thread at a time");
        return FC_EVENTS_RAISED;
    }
    e->busy = 1;
    result = next_event(e, event);
    e->busy = 0;
    return result;
}

#endif
