/*
 * api/kernels.c - the public functions of fastcore/kernels.h: one step from a table to its kernel.
 *
 * The struct of pointers itself is not public, so that kernels can come, go and move in it without
 * breaking a program that was built with an older header.
 */
#include "fastcore/kernels.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

const char *fc_kernels_level(const fc_kernels *kernels) { return kernels->isa; }

const fc_kernels *fc_kernels_of_level(const char *level)
{
    const fc_kernels *found[16];
    const size_t count = fc_kernels_available(found, sizeof found / sizeof found[0]);

    for (size_t i = 0; i < count; i++)
        if (strcmp(found[i]->isa, level) == 0)
            return found[i];
    return NULL;
}

size_t fc_find_byte(const fc_kernels *kernels, const uint8_t *text, size_t length, uint8_t byte)
{
    return kernels->find_byte(text, length, byte);
}

size_t fc_count_byte(const fc_kernels *kernels, const uint8_t *text, size_t length, uint8_t byte)
{
    return kernels->count_byte(text, length, byte);
}

/* The kernel wants room beyond what it writes: what does not leave it is found one by one. */
size_t fc_find_bytes(const fc_kernels *kernels, const uint8_t *text, size_t length, uint8_t byte,
                     size_t *at, int64_t *out, size_t capacity)
{
    size_t found = 0;

    if (capacity >= FC_OFFSETS_SLACK) {
        size_t consumed = 0;
        found = kernels->offsets_byte(text + *at, length - *at, byte, (int64_t)*at, out, capacity,
                                      &consumed);
        *at += consumed;
    }
    while (found < capacity && *at < length) {
        *at += kernels->find_byte(text + *at, length - *at, byte);
        if (*at < length)
            out[found++] = (int64_t)(*at)++;
    }
    return found;
}

fc_byteset *fc_byteset_new(const uint8_t *bytes, size_t count)
{
    fc_byteset *set = malloc(sizeof *set);

    if (set != NULL)
        fc_byteset_make(set, bytes, count);
    return set;
}

void fc_byteset_free(fc_byteset *set) { free(set); }

size_t fc_find_any(const fc_kernels *kernels, const uint8_t *text, size_t length,
                   const fc_byteset *set)
{
    return kernels->find_any(text, length, set);
}

size_t fc_utf8_prefix(const fc_kernels *kernels, const uint8_t *text, size_t length)
{
    return kernels->utf8_prefix(text, length);
}

size_t fc_utf8_count(const fc_kernels *kernels, const uint8_t *text, size_t length)
{
    return kernels->utf8_count(text, length);
}

uint32_t fc_crc32c(const fc_kernels *kernels, uint32_t crc, const uint8_t *data, size_t length)
{
    return kernels->crc32c(crc, data, length);
}
