/*
 * fuzz_text.c - the matcher against memcmp at every place, on every instruction set.
 *
 * Input: a byte of options, then patterns that each begin with their length, a zero, and the text.
 * How many overlapping matches there are, and whether there is any, must be what the obvious loop
 * over all places and patterns says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastcore.h"

enum { PATTERNS_MAX = 64, TABLES_MAX = 16 };

static uint8_t folded(uint8_t byte, int fold)
{
    return fold && byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static int equal(const uint8_t *a, const uint8_t *b, size_t length, int fold)
{
    for (size_t i = 0; i < length; i++)
        if (folded(a[i], fold) != folded(b[i], fold))
            return 0;
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const fc_kernels *tables[TABLES_MAX];
    uint8_t bytes[1 << 13];
    uint64_t offsets[PATTERNS_MAX + 1] = {0};
    size_t patterns = 0, at = 1;
    int64_t wanted = 0;

    if (size < 4 || size > 1 << 14)
        return 0;
    const int fold = data[0] & 1;
    while (patterns < PATTERNS_MAX && at < size && data[at] != 0) {
        const size_t length = data[at++];
        if (at + length > size || offsets[patterns] + length > sizeof bytes)
            return 0;
        memcpy(bytes + offsets[patterns], data + at, length);
        offsets[patterns + 1] = offsets[patterns] + length;
        patterns++;
        at += length;
    }
    if (patterns == 0 || at >= size)
        return 0;
    const size_t length = size - ++at;
    uint8_t *text = malloc(length + !length); /* its own, so that reading past it is seen */
    memcpy(text, data + at, length);

    for (size_t p = 0; p < patterns; p++) {
        const size_t wide = (size_t)(offsets[p + 1] - offsets[p]);
        for (size_t i = 0; i + wide <= length; i++)
            wanted += equal(text + i, bytes + offsets[p], wide, fold);
    }
    const fc_matcher_options how = {.kind = FC_OVERLAPPING, .fold_ascii = fold};
    const size_t count = fc_kernels_available(tables, TABLES_MAX);
    for (size_t k = 0; k < count; k++) {
        fc_matcher *matcher = NULL;
        fc_error error;
        int64_t found = -1;
        if (fc_matcher_create(&matcher, bytes, offsets, patterns, &how, tables[k], &error) ||
            fc_matcher_count(matcher, text, length, NULL, 0, NULL, &found))
            abort();
        const int any = fc_matcher_contains(matcher, text, length);
        if (found != wanted || any != (wanted > 0)) {
            fprintf(stderr, "%s, %s: %lld matches and contains %d, should be %lld\n",
                    fc_kernels_level(tables[k]), fc_matcher_kernel(matcher), (long long)found, any,
                    (long long)wanted);
            abort();
        }
        fc_matcher_destroy(matcher);
    }
    free(text);
    return 0;
}
