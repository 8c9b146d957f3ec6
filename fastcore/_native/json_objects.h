/*
 * json_objects.h - from located JSON values to Python objects. C rather than Cython: this is the
 * innermost loop of every selection, and counts references by hand. For one includer, json.pyx.
 *
 * Whole values are read again here, a byte at a time: they are known to be valid, so nothing is
 * checked, and the time goes into making objects. No recursion; the open containers are frames,
 * the items of open lists lie on one stack of values, so that each list is made at its size.
 */
#ifndef FC_JSON_OBJECTS_H
#define FC_JSON_OBJECTS_H

#include <Python.h>

#include <string.h>

#include "base/bits.h"
#include "fastcore/json.h"

#define FC_KEYS       2048   /* places of the key cache, a power of two */
#define FC_KEY_BYTES  64     /* longer keys are not kept */
#define FC_DIGITS_MAX 100000 /* of an integer: beyond, its conversion takes too long */

typedef struct fc_object_frame {
    PyObject *dict; /* NULL: a list, whose items lie on the value stack */
    PyObject *key;
    size_t first; /* index of the list's first item on the value stack */
} fc_object_frame;

typedef struct fc_objects {
    PyObject *decimal; /* decimal.Decimal, or NULL: floats */
    PyObject *keys[FC_KEYS];
    uint32_t key_hash[FC_KEYS];
    PyObject **values;
    size_t value_count, value_capacity;
    fc_object_frame *frames;
    size_t frame_capacity;
    uint8_t *scratch;
    size_t scratch_capacity;
} fc_objects;

static void fc_objects_clear(fc_objects *objects)
{
    Py_CLEAR(objects->decimal);
    for (size_t k = 0; k < FC_KEYS; k++)
        Py_CLEAR(objects->keys[k]);
    PyMem_Free(objects->values);
    PyMem_Free(objects->frames);
    PyMem_Free(objects->scratch);
    objects->values = NULL;
    objects->frames = NULL;
    objects->scratch = NULL;
    objects->value_capacity = objects->frame_capacity = objects->scratch_capacity = 0;
}

/* -- text ------------------------------------------------------------------------------------- */

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

/* A new str of UTF-8 that is known to be well-formed. */
static PyObject *fc_text_of(const uint8_t *text, size_t length)
{
    PyObject *made;

    if (!is_ascii(text, length))
        return PyUnicode_DecodeUTF8((const char *)text, (Py_ssize_t)length, "strict");
    made = PyUnicode_New((Py_ssize_t)length, 127);
    if (made != NULL && length > 0)
        memcpy(PyUnicode_1BYTE_DATA(made), text, length);
    return made;
}

static uint8_t *scratch(fc_objects *objects, size_t bytes)
{
    if (bytes > objects->scratch_capacity) {
        uint8_t *grown = PyMem_Realloc(objects->scratch, bytes * 2);
        if (grown == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        objects->scratch = grown;
        objects->scratch_capacity = bytes * 2;
    }
    return objects->scratch;
}

static PyObject *string_of(fc_objects *objects, const uint8_t *text, size_t length, int escaped)
{
    uint8_t *plain;

    if (!escaped)
        return fc_text_of(text, length);
    plain = scratch(objects, length + 1);
    return plain == NULL ? NULL : fc_text_of(plain, fc_json_unescape(text, length, plain));
}

/* The same for a key: records repeat theirs. */
static PyObject *key_of(fc_objects *objects, const uint8_t *text, size_t length, int escaped)
{
    uint64_t hash = length * 0x9E3779B97F4A7C15u;
    size_t at = 0, place;
    PyObject *key;

    if (escaped || length > FC_KEY_BYTES)
        return string_of(objects, text, length, escaped);
    for (; at + 8 <= length; at += 8)
        hash = (hash ^ fc_load_le64(text + at)) * 0x9E3779B97F4A7C15u;
    if (at < length) {
        uint64_t rest = 0;
        memcpy(&rest, text + at, length - at);
        hash = (hash ^ rest) * 0x9E3779B97F4A7C15u;
    }
    hash ^= hash >> 32;
    place = hash & (FC_KEYS - 1);
    key = objects->keys[place];
    if (key != NULL && objects->key_hash[place] == (uint32_t)(hash >> 11) &&
        (size_t)PyUnicode_GET_LENGTH(key) == length &&
        memcmp(PyUnicode_1BYTE_DATA(key), text, length) == 0) {
        Py_INCREF(key);
        return key;
    }
    key = fc_text_of(text, length);
    if (key != NULL && PyUnicode_IS_COMPACT_ASCII(key) && PyObject_Hash(key) != -1) {
        Py_INCREF(key);
        Py_XSETREF(objects->keys[place], key);
        objects->key_hash[place] = (uint32_t)(hash >> 11);
    }
    return key;
}

/* -- numbers ---------------------------------------------------------------------------------- */

/*
 * Halves, quarters, ... of the digits, put together again: quicker than all at once, and not
 * subject to the interpreter's own limit, which is there for texts of any length.
 */
static PyObject *integer_of_digits(const char *digits, size_t count)
{
    char small[1025];
    PyObject *high, *low, *ten, *power, *scale, *scaled, *sum = NULL;
    size_t half;

    if (count < sizeof small) {
        memcpy(small, digits, count);
        small[count] = 0;
        return PyLong_FromString(small, NULL, 10);
    }
    half = count / 2;
    high = integer_of_digits(digits, count - half);
    low = integer_of_digits(digits + (count - half), half);
    ten = PyLong_FromLong(10);
    power = PyLong_FromSize_t(half);
    scale = ten == NULL || power == NULL ? NULL : PyNumber_Power(ten, power, Py_None);
    scaled = scale == NULL || high == NULL ? NULL : PyNumber_Multiply(high, scale);
    if (scaled != NULL && low != NULL)
        sum = PyNumber_Add(scaled, low);
    Py_XDECREF(high);
    Py_XDECREF(low);
    Py_XDECREF(ten);
    Py_XDECREF(power);
    Py_XDECREF(scale);
    Py_XDECREF(scaled);
    return sum;
}

static PyObject *big_integer_of(const uint8_t *text, size_t length)
{
    const size_t sign = text[0] == '-';
    PyObject *positive = integer_of_digits((const char *)text + sign, length - sign), *negative;

    if (!sign || positive == NULL)
        return positive;
    negative = PyNumber_Negative(positive);
    Py_DECREF(positive);
    return negative;
}

static PyObject *number_of(fc_objects *objects, const uint8_t *text, size_t length,
                           const char **wrong, const uint8_t **at)
{
    const fc_json_number number = fc_json_number_read(text, length);
    double value;

    switch (number.kind) {
    case FC_JSON_INT64:
        return PyLong_FromLongLong(number.i);
    case FC_JSON_UINT64:
        return PyLong_FromUnsignedLongLong(number.u);
    case FC_JSON_BIGINT:
        if (length <= FC_DIGITS_MAX)
            return big_integer_of(text, length);
        *wrong = "integer of more than 100000 digits";
        break;
    default:
        if (objects->decimal != NULL)
            return PyObject_CallFunction(objects->decimal, "s#", (const char *)text,
                                         (Py_ssize_t)length);
        if (fc_json_number_double(text, length, 0, &value))
            return PyFloat_FromDouble(value);
        *wrong = "number out of range for a float";
    }
    *at = text;
    return NULL;
}

/* -- containers ------------------------------------------------------------------------------- */

static int push_value(fc_objects *objects, PyObject *value)
{
    if (objects->value_count == objects->value_capacity) {
        const size_t capacity = objects->value_capacity == 0 ? 256 : objects->value_capacity * 2;
        PyObject **values = PyMem_Realloc(objects->values, capacity * sizeof *values);
        if (values == NULL) {
            Py_DECREF(value);
            PyErr_NoMemory();
            return 0;
        }
        objects->values = values;
        objects->value_capacity = capacity;
    }
    objects->values[objects->value_count++] = value;
    return 1;
}

static fc_object_frame *push_frame(fc_objects *objects, size_t depth)
{
    if (depth == objects->frame_capacity) {
        const size_t capacity = depth == 0 ? 32 : depth * 2;
        fc_object_frame *frames = PyMem_Realloc(objects->frames, capacity * sizeof *frames);
        if (frames == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        objects->frames = frames;
        objects->frame_capacity = capacity;
    }
    return &objects->frames[depth];
}

static PyObject *pop_list(fc_objects *objects, size_t first)
{
    const size_t count = objects->value_count - first;
    PyObject *list = PyList_New((Py_ssize_t)count);

    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        PyList_SET_ITEM(list, (Py_ssize_t)i, objects->values[first + i]);
    objects->value_count = first;
    return list;
}

static FC_ALWAYS_INLINE const uint8_t *skip_space(const uint8_t *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
        at++;
    return at;
}

/* The closing quote of the string whose first character is at `at`. */
static FC_ALWAYS_INLINE const uint8_t *string_end(const uint8_t *at, int *escaped)
{
    *escaped = 0;
    for (;;) {
        const uint64_t word = fc_load_le64(at);
        const uint64_t quotes = word ^ 0x2222222222222222u, slashes = word ^ 0x5C5C5C5C5C5C5C5Cu;
        const uint64_t hit = (((quotes - 0x0101010101010101u) & ~quotes) |
                              ((slashes - 0x0101010101010101u) & ~slashes)) &
                             0x8080808080808080u;
        if (hit == 0) {
            at += 8;
            continue;
        }
        at += fc_ctz64(hit) / 8;
        if (*at == '"')
            return at;
        *escaped = 1;
        at += 2;
    }
}

static const uint8_t *number_end(const uint8_t *at)
{
    for (;; at++) {
        const uint8_t c = *at;
        if ((uint8_t)(c - '0') >= 10 && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E')
            return at;
    }
}

static PyObject *scalar_at(fc_objects *objects, const uint8_t **at, const char **wrong,
                           const uint8_t **wrong_at)
{
    const uint8_t *const first = *at;
    int escaped;

    switch (*first) {
    case '"':
        *at = string_end(first + 1, &escaped) + 1;
        return string_of(objects, first + 1, (size_t)(*at - first) - 2, escaped);
    case 't':
        *at += 4;
        Py_RETURN_TRUE;
    case 'f':
        *at += 5;
        Py_RETURN_FALSE;
    case 'n':
        *at += 4;
        Py_RETURN_NONE;
    default:
        *at = number_end(first);
        return number_of(objects, first, (size_t)(*at - first), wrong, wrong_at);
    }
}

static void unwind(fc_objects *objects, size_t depth)
{
    while (depth-- > 0) {
        Py_XDECREF(objects->frames[depth].dict);
        Py_XDECREF(objects->frames[depth].key);
    }
    while (objects->value_count > 0)
        Py_DECREF(objects->values[--objects->value_count]);
}

/* The container that opens at `at`. */
static PyObject *container_at(fc_objects *objects, const uint8_t *at, const char **wrong,
                              const uint8_t **wrong_at)
{
    size_t depth = 0;
    PyObject *value;
    int escaped;

    for (;;) {
        /* a value starts at `at` */
        if (*at == '{' || *at == '[') {
            fc_object_frame *frame = push_frame(objects, depth);
            const uint8_t close = (uint8_t)(*at + 2);
            if (frame == NULL)
                goto failed;
            frame->dict = NULL;
            frame->key = NULL;
            frame->first = objects->value_count;
            if (*at == '{' && (frame->dict = PyDict_New()) == NULL)
                goto failed;
            depth++;
            at = skip_space(at + 1);
            if (*at != close) {
                if (close == ']')
                    continue;
                goto key;
            }
            goto closed;
        }
        value = scalar_at(objects, &at, wrong, wrong_at);
    made:
        if (value == NULL)
            goto failed;
        {
            fc_object_frame *const frame = &objects->frames[depth - 1];
            if (frame->dict == NULL) {
                if (!push_value(objects, value))
                    goto failed;
            } else {
                const int status = PyDict_SetItem(frame->dict, frame->key, value);
                Py_DECREF(value);
                Py_CLEAR(frame->key);
                if (status < 0)
                    goto failed;
            }
            at = skip_space(at);
            if (*at != ',')
                goto closed;
            at = skip_space(at + 1);
            if (frame->dict == NULL)
                continue;
        }
    key : {
        const uint8_t *const start = at + 1;
        at = string_end(start, &escaped);
        objects->frames[depth - 1].key = key_of(objects, start, (size_t)(at - start), escaped);
        if (objects->frames[depth - 1].key == NULL)
            goto failed;
        at = skip_space(at + 1);
        at = skip_space(at + 1); /* the colon */
        continue;
    }
    closed:
        at++;
        depth--;
        value = objects->frames[depth].dict;
        objects->frames[depth].dict = NULL;
        if (value == NULL && (value = pop_list(objects, objects->frames[depth].first)) == NULL)
            goto failed;
        if (depth == 0)
            return value;
        goto made;
    }
failed:
    unwind(objects, depth);
    return NULL;
}

/*
 * A new reference to the Python value of a valid, located value. NULL with an exception set, or
 * with *wrong set and *at where a valid number has no value here: the caller raises.
 */
static PyObject *fc_object_of(fc_objects *objects, const fc_json_cell *cell, const char **wrong,
                              const uint8_t **at)
{
    *wrong = NULL;
    switch (cell->kind) {
    case FC_JSON_MISSING:
    case FC_JSON_NULL:
        Py_RETURN_NONE;
    case FC_JSON_FALSE:
        Py_RETURN_FALSE;
    case FC_JSON_TRUE:
        Py_RETURN_TRUE;
    case FC_JSON_NUMBER:
        return number_of(objects, cell->text, cell->length, wrong, at);
    case FC_JSON_STRING:
        return string_of(objects, cell->text, cell->length, cell->escaped);
    default:
        return container_at(objects, cell->text, wrong, at);
    }
}

#endif
