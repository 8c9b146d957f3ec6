/* base/byteset.h - a set of byte values, in the forms that kernels want. */
#ifndef FC_BYTESET_H
#define FC_BYTESET_H

#include <stddef.h>
#include <stdint.h>

/*
 * A plain table, and pairs of tables by nibble. Of any set: bit (high nibble & 7) of
 * rows_low[low nibble] (high nibble 0-7) or rows_high[low nibble] (8-15) says "member".
 * Of most sets, those whose high nibbles have at most 8 different sets of low nibbles
 * (all sets of up to 8 members, and of ASCII): bucket_low[low nibble] and
 * bucket_high[high nibble] have a bit in common, and `bucketed` is 1.
 */
typedef struct fc_byteset {
    uint8_t member[256]; /* 0 or 1 */
    uint8_t rows_low[16];
    uint8_t rows_high[16];
    uint8_t bucket_low[16];
    uint8_t bucket_high[16];
    uint8_t
        bytes[16];  /* the members, when there are 16 or fewer; the last one repeated to the end */
    uint32_t count; /* of different members */
    uint8_t bucketed;
} fc_byteset;

/* The set of the values in bytes[0 .. count), which may repeat. */
void fc_byteset_make(fc_byteset *set, const uint8_t *bytes, size_t count);

#endif
