/*
 * json_text.h - str objects of JSON strings, and a cache of the keys that records repeat.
 * For json_objects.h alone.
 *
 * The text is valid JSON, or what fc_json_unescape() made of it: its UTF-8 is well-formed.
 */
#ifndef FC_JSON_TEXT_H
#define FC_JSON_TEXT_H

#include <Python.h>

#include <string.h>

#include "base/bits.h"

#define FC_KEYS      1024 /* places of the key cache, a power of two */
#define FC_KEY_BYTES 64   /* longer keys are not kept */

/* A key of ASCII without escapes; `text` NULL: a free place. */
typedef struct fc_key {
    PyObject *text;
    uint64_t word, keep; /* its first 8 bytes, its closing quote being one; which bits count */
    uint32_t hash, bytes;
    uint32_t next[2]; /* places of the keys that came after it, the last one first; 0: none */
    uint32_t members; /* of the last object that began with it */
} fc_key;

typedef struct fc_keys {
    fc_key key[FC_KEYS]; /* place 0 stays free */
    uint32_t last;       /* the place of the key before this one */
} fc_keys;

/* -- str of UTF-8 ----------------------------------------------------------------------------- */

static PyObject *text_of_ascii(const uint8_t *text, size_t length)
{
    PyObject *const made = PyUnicode_New((Py_ssize_t)length, 127);

    if (made != NULL && length > 0)
        memcpy(PyUnicode_1BYTE_DATA(made), text, length);
    return made;
}

static FC_ALWAYS_INLINE int is_ascii(const uint8_t *text, size_t length)
{
    uint64_t high = 0;
    size_t at = 0;

    for (; at + 8 <= length; at += 8)
        high |= fc_load_le64(text + at);
    for (; at < length; at++)
        high |= (uint64_t)text[at];
    return (high & 0x8080808080808080u) == 0;
}

/* The code point whose lead is at *at, which moves behind it. */
static FC_ALWAYS_INLINE uint32_t take_point(const uint8_t **at)
{
    const uint8_t *const b = *at;

    if (b[0] < 0x80) {
        *at += 1;
        return b[0];
    }
    if (b[0] < 0xE0) {
        *at += 2;
        return (b[0] & 0x1Fu) << 6 | (b[1] & 0x3Fu);
    }
    if (b[0] < 0xF0) {
        *at += 3;
        return (b[0] & 0x0Fu) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu);
    }
    *at += 4;
    return (b[0] & 0x07u) << 18 | (b[1] & 0x3Fu) << 12 | (b[2] & 0x3Fu) << 6 | (b[3] & 0x3Fu);
}

/*
 * The leads say how wide the str must be, so it is made once at its size: CPython's decoder
 * widens what it has at the first character that asks for it.
 */
static PyObject *text_of_utf8(const uint8_t *text, size_t length)
{
    const uint8_t *at = text;
    size_t points = 0;
    uint8_t top = 0;
    PyObject *made;

    for (size_t i = 0; i < length; i++) {
        points += (text[i] & 0xC0) != 0x80;
        top = text[i] > top ? text[i] : top;
    }
    made = PyUnicode_New((Py_ssize_t)points, top >= 0xF0 ? 0x10FFFF : top >= 0xC4 ? 0xFFFF : 0xFF);
    if (made == NULL)
        return NULL;
    if (top >= 0xF0) {
        Py_UCS4 *const out = PyUnicode_4BYTE_DATA(made);
        for (size_t i = 0; i < points; i++)
            out[i] = take_point(&at);
    } else if (top >= 0xC4) {
        Py_UCS2 *const out = PyUnicode_2BYTE_DATA(made);
        for (size_t i = 0; i < points; i++)
            out[i] = (Py_UCS2)take_point(&at);
    } else {
        Py_UCS1 *const out = PyUnicode_1BYTE_DATA(made);
        for (size_t i = 0; i < points; i++)
            out[i] = (Py_UCS1)take_point(&at);
    }
    return made;
}

static PyObject *fc_text_of(const uint8_t *text, size_t length)
{
    return is_ascii(text, length) ? text_of_ascii(text, length) : text_of_utf8(text, length);
}

/* -- where a string ends ---------------------------------------------------------------------- */

typedef struct fc_string_end {
    const uint8_t *quote;
    int escaped, ascii; /* `ascii` means nothing where `escaped` */
} fc_string_end;

/* The end of the string whose first character is at `at`; 8 bytes behind it may be read. */
static FC_ALWAYS_INLINE fc_string_end string_end(const uint8_t *at)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    fc_string_end end = {at, 0, 1};
    uint64_t seen = 0;

    for (;;) {
        const uint64_t word = fc_load_le64(at);
        const uint64_t quotes = word ^ (ones * '"'), slashes = word ^ (ones * '\\');
        const uint64_t hit = (((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes)) & highs;
        if (hit == 0) {
            seen |= word;
            at += 8;
            continue;
        }
        seen |= word & (((hit & (0 - hit)) >> 7) - 1);
        at += fc_ctz64(hit) / 8;
        if (*at == '"')
            break;
        end.escaped = 1;
        at += 2;
    }
    end.quote = at;
    end.ascii = (seen & highs) == 0;
    return end;
}

/* -- keys ------------------------------------------------------------------------------------- */

static void fc_keys_clear(fc_keys *keys)
{
    for (size_t k = 0; k < FC_KEYS; k++)
        Py_CLEAR(keys->key[k].text);
}

/* `key` is what stands at `at`, closing quote included. */
static FC_ALWAYS_INLINE int is_key(const fc_key *key, const uint8_t *at)
{
    return ((fc_load_le64(at) ^ key->word) & key->keep) == 0 && key->text != NULL &&
           (key->bytes < 8 ||
            (memcmp(at + 8, PyUnicode_1BYTE_DATA(key->text) + 8, key->bytes - 8) == 0 &&
             at[key->bytes] == '"'));
}

static uint32_t hash_of(const uint8_t *text, size_t length)
{
    uint64_t hash = length * 0x9E3779B97F4A7C15u, rest = 0;
    size_t at = 0;

    for (; at + 8 <= length; at += 8)
        hash = (hash ^ fc_load_le64(text + at)) * 0x9E3779B97F4A7C15u;
    memcpy(&rest, text + at, length - at);
    hash = (hash ^ rest) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(hash >> 32);
}

/* The place of a key of up to FC_KEY_BYTES of ASCII, made if need be; 0 with an exception set. */
static uint32_t find_key(fc_keys *keys, const uint8_t *text, size_t length)
{
    const uint32_t hash = hash_of(text, length);
    const uint32_t place = hash % (FC_KEYS - 1) + 1;
    fc_key *const key = &keys->key[place];
    PyObject *made;

    if (key->text != NULL && key->hash == hash && key->bytes == length &&
        memcmp(PyUnicode_1BYTE_DATA(key->text), text, length) == 0)
        return place;
    made = text_of_ascii(text, length);
    if (made == NULL || PyObject_Hash(made) == -1) {
        Py_XDECREF(made);
        return 0;
    }
    Py_XSETREF(key->text, made);
    key->hash = hash;
    key->bytes = (uint32_t)length;
    if (length < 8) {
        key->keep = ~0ull >> (8 * (7 - length));
        key->word = fc_load_le64_part(text, length) | (uint64_t)'"' << (8 * length);
    } else {
        key->keep = ~0ull;
        key->word = fc_load_le64(text);
    }
    key->next[0] = key->next[1] = key->members = 0;
    return place;
}

/*
 * The place of the key at `at`, behind its opening quote: mostly the one that came after the
 * key before it last time, which a comparison tells without looking for the end. Returns 0 for
 * a key that is not kept, and with an exception set where memory runs out.
 */
static FC_ALWAYS_INLINE uint32_t next_key(fc_keys *keys, const uint8_t *at)
{
    fc_key *const before = &keys->key[keys->last];
    uint32_t place = before->next[0];

    if (is_key(&keys->key[place], at))
        return keys->last = place;
    place = before->next[1];
    if (!is_key(&keys->key[place], at)) {
        const fc_string_end end = string_end(at);
        const size_t length = (size_t)(end.quote - at);
        if (end.escaped || !end.ascii || length > FC_KEY_BYTES)
            return 0;
        place = find_key(keys, at, length);
    }
    before->next[1] = before->next[0];
    before->next[0] = place;
    return keys->last = place;
}

#endif
