/*
 * json_objects.h - from located JSON values to Python objects. C rather than Cython: this is the
 * innermost loop of every selection, and counts references by hand.
 */
#ifndef FC_JSON_OBJECTS_H
#define FC_JSON_OBJECTS_H

#include <Python.h>

#include "fastcore/json.h"

#define FC_KEYS 2048     /* places of the key cache, a power of two */
#define FC_KEY_BYTES 64  /* longer keys are not kept */
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

void fc_objects_clear(fc_objects *objects);

/*
 * A new reference to the Python value of a valid, located value. NULL with an exception set, or
 * with *wrong set and *at where a valid number has no value here: the caller raises.
 */
PyObject *fc_object_of(fc_objects *objects, const fc_json_cell *cell, const char **wrong,
                       const uint8_t **at);

/* A new str of UTF-8 that is known to be well-formed. */
PyObject *fc_text_of(const uint8_t *text, size_t length);

#endif
