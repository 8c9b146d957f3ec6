/* base/byteset.c - see byteset.h. */
#include "base/byteset.h"

#include <string.h>

void fc_byteset_make(fc_byteset *set, const uint8_t *bytes, size_t count)
{
    memset(set, 0, sizeof *set);
    for (size_t i = 0; i < count; i++)
        set->member[bytes[i]] = 1;
    for (unsigned b = 0; b < 256; b++) {
        if (!set->member[b])
            continue;
        uint8_t *rows = b < 128 ? set->rows_low : set->rows_high;
        rows[b & 15] |= (uint8_t)(1u << ((b >> 4) & 7));
        if (set->count < sizeof set->bytes)
            set->bytes[set->count] = (uint8_t)b;
        set->count++;
    }
    if (set->count)
        for (size_t i = set->count; i < sizeof set->bytes; i++)
            set->bytes[i] = set->bytes[set->count - 1];
}
