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
#include "json_text.h"

#define FC_DIGITS_MAX 100000 /* of an integer: beyond, its conversion takes too long */

typedef struct fc_object_frame {
    PyObject *dict; /* NULL: a list, whose items lie on the value stack */
    PyObject *key;
    size_t first;        /* index of the list's first item on the value stack */
    uint32_t begun_with; /* place of the object's first key */
    uint32_t members;
} fc_object_frame;

typedef struct fc_objects {
    PyObject *decimal; /* decimal.Decimal, or NULL: floats */
    fc_keys keys;
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
    fc_keys_clear(&objects->keys);
    PyMem_Free(objects->values);
    PyMem_Free(objects->frames);
    PyMem_Free(objects->scratch);
    objects->values = NULL;
    objects->frames = NULL;
    objects->scratch = NULL;
    objects->value_capacity = objects->frame_capacity = objects->scratch_capacity = 0;
}

/* -- text ------------------------------------------------------------------------------------- */

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

/* The string behind the quote at *at, which moves behind its closing quote. */
static FC_ALWAYS_INLINE PyObject *string_at(fc_objects *objects, const uint8_t **at)
{
    const uint8_t *const first = *at + 1;
    const fc_string_end end = string_end(first);
    const size_t length = (size_t)(end.quote - first);

    *at = end.quote + 1;
    if (FC_UNLIKELY(end.escaped))
        return string_of(objects, first, length, 1);
    return end.ascii ? text_of_ascii(first, length) : text_of_utf8(first, length);
}

/* A key whose text is at hand. */
static PyObject *key_of(fc_objects *objects, const uint8_t *text, size_t length)
{
    uint32_t place;

    if (length > FC_KEY_BYTES || !is_ascii(text, length))
        return fc_text_of(text, length);
    place = find_key(&objects->keys, text, length);
    if (place == 0)
        return NULL;
    Py_INCREF(objects->keys.key[place].text);
    return objects->keys.key[place].text;
}

/*
 * The key behind the quote at *at, which moves behind its closing quote. *place is where the
 * cache has it, or 0.
 */
static FC_ALWAYS_INLINE PyObject *key_at(fc_objects *objects, const uint8_t **at, uint32_t *place)
{
    *place = next_key(&objects->keys, *at + 1);
    if (*place != 0) {
        const fc_key *const key = &objects->keys.key[*place];
        *at += 1 + key->bytes + 1;
        Py_INCREF(key->text);
        return key->text;
    }
    return PyErr_Occurred() ? NULL : string_at(objects, at);
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

/* Behind the last character at or after `at`, and before `end`, that a number may have. */
static FC_ALWAYS_INLINE const uint8_t *number_end(const uint8_t *at, const uint8_t *end)
{
    while (at < end && ((uint8_t)(*at - '0') < 10 || *at == '.' || *at == '+' || *at == '-' ||
                        (*at | 0x20) == 'e'))
        at++;
    return at;
}

/*
 * The number at *at, which moves behind it. Its form is known to be valid, so what no number has
 * ends it; so does `end`, as nothing need follow a number that is a whole record.
 */
static FC_ALWAYS_INLINE PyObject *number_at(fc_objects *objects, const uint8_t **at,
                                            const uint8_t *end, const char **wrong,
                                            const uint8_t **wrong_at)
{
    const uint8_t *const first = *at, *const whole = first + (*first == '-');
    const uint8_t *digit = whole;
    uint64_t value = 0;
    double real;

    while (digit < end && (uint8_t)(*digit - '0') < 10)
        value = value * 10 + (uint64_t)(*digit++ - '0');
    if (digit < end && (*digit == '.' || (*digit | 0x20) == 'e')) {
        digit = number_end(digit, end);
        *at = digit;
        if (objects->decimal == NULL &&
            fc_json_number_double(first, (size_t)(digit - first), 0, &real))
            return PyFloat_FromDouble(real);
    } else {
        *at = digit;
        if (digit - whole <= 18)
            return PyLong_FromLongLong(*first == '-' ? -(long long)value : (long long)value);
    }
    return number_of(objects, first, (size_t)(digit - first), wrong, wrong_at);
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

static FC_ALWAYS_INLINE PyObject *scalar_at(fc_objects *objects, const uint8_t **at,
                                            const char **wrong, const uint8_t **wrong_at)
{
    switch (**at) {
    case '"':
        return string_at(objects, at);
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
        return number_at(objects, at, (const uint8_t *)UINTPTR_MAX, wrong, wrong_at);
    }
}

/* A dict for an object that is like one of `members`. */
static FC_ALWAYS_INLINE PyObject *dict_for(uint32_t members)
{
#if PY_VERSION_HEX < 0x030E0000 && !defined(PYPY_VERSION)
    if (members > 5) /* what an ordinary one has room for */
        return _PyDict_NewPresized((Py_ssize_t)(members < 4096 ? members : 4096));
#endif
    (void)members;
    return PyDict_New();
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
    fc_object_frame *frame = NULL;
    size_t depth = 0;
    PyObject *value;
    uint32_t place;

    for (;;) {
        /* a value starts at `at` */
        if (*at == '{' || *at == '[') {
            const uint8_t close = (uint8_t)(*at + 2);
            frame = push_frame(objects, depth);
            if (frame == NULL)
                goto failed;
            frame->dict = frame->key = NULL;
            frame->first = objects->value_count;
            frame->members = 0;
            depth++;
            at = skip_space(at + 1);
            if (close == ']') {
                if (*at == ']')
                    goto closed;
                continue;
            }
            if (*at == '}') {
                if ((frame->dict = PyDict_New()) == NULL)
                    goto failed;
                frame->begun_with = 0;
                goto closed;
            }
            if ((frame->key = key_at(objects, &at, &frame->begun_with)) == NULL)
                goto failed;
            frame->dict = dict_for(objects->keys.key[frame->begun_with].members);
            if (frame->dict == NULL)
                goto failed;
            goto colon;
        }
        value = scalar_at(objects, &at, wrong, wrong_at);
        if (FC_UNLIKELY(value == NULL))
            goto failed;
    made:
        if (frame->dict == NULL) {
            if (!push_value(objects, value))
                goto failed;
        } else {
            const int status = PyDict_SetItem(frame->dict, frame->key, value);
            Py_DECREF(value);
            Py_CLEAR(frame->key);
            if (FC_UNLIKELY(status < 0))
                goto failed;
            frame->members++;
        }
        at = skip_space(at);
        if (*at == ',') {
            at = skip_space(at + 1);
            if (frame->dict == NULL)
                continue;
            if ((frame->key = key_at(objects, &at, &place)) == NULL)
                goto failed;
        colon:
            at = skip_space(skip_space(at) + 1);
            continue;
        }
    closed:
        at++;
        value = frame->dict;
        frame->dict = NULL;
        if (value == NULL) {
            if ((value = pop_list(objects, frame->first)) == NULL)
                goto failed;
        } else if (frame->begun_with != 0) {
            objects->keys.key[frame->begun_with].members = frame->members;
        }
        if (--depth == 0)
            return value;
        frame--;
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
    const uint8_t *text = cell->text;

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
        return number_at(objects, &text, text + cell->length, wrong, at);
    case FC_JSON_STRING:
        return string_of(objects, cell->text, cell->length, cell->escaped);
    default:
        return container_at(objects, cell->text, wrong, at);
    }
}

/* A tuple of the values of `count` cells; as fc_object_of(). */
static PyObject *fc_tuple_of(fc_objects *objects, const fc_json_cell *cells, Py_ssize_t count,
                             const char **wrong, const uint8_t **at)
{
    PyObject *const made = PyTuple_New(count);
    int holds_container = 0;

    for (Py_ssize_t i = 0; made != NULL && i < count; i++) {
        PyObject *const value = fc_object_of(objects, &cells[i], wrong, at);
        if (value == NULL) {
            Py_DECREF(made);
            return NULL;
        }
        PyTuple_SET_ITEM(made, i, value);
        holds_container |= cells[i].kind >= FC_JSON_ARRAY;
    }
    /* The garbage collector would find out by itself, one visit later. */
    if (made != NULL && !holds_container && count > 0)
        PyObject_GC_UnTrack(made);
    return made;
}

#endif
