/*
 * reference.h - what every kernel must compute, in the plainest C there is.
 *
 * One byte at a time, no tricks, no sharing with csrc/: this is the right
 * answer that all tables of kernels are compared with.
 */
#ifndef FC_TEST_REFERENCE_H
#define FC_TEST_REFERENCE_H

#include <string.h>

#include "kernels/kernels.h"

static inline size_t reference_find_byte(const uint8_t *text, size_t length, uint8_t byte)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == byte)
            return i;
    return length;
}

static inline size_t reference_find_any(const uint8_t *text, size_t length, const fc_byteset *set)
{
    for (size_t i = 0; i < length; i++)
        if (set->member[text[i]])
            return i;
    return length;
}

static inline size_t reference_count_byte(const uint8_t *text, size_t length, uint8_t byte)
{
    size_t total = 0;
    for (size_t i = 0; i < length; i++)
        total += text[i] == byte;
    return total;
}

/* All offsets at once: the callers give room for every byte. */
static inline size_t reference_offsets_any(const uint8_t *text, size_t length,
                                           const fc_byteset *set, int64_t base, int64_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        if (set->member[text[i]])
            out[count++] = base + (int64_t)i;
    return count;
}

static inline unsigned reference_json_blocks(const uint8_t *text, size_t blocks,
                                             fc_json_carry *carry, fc_json_block *out)
{
    int escaped = carry->escape != 0, in_string = carry->string != 0,
        in_scalar = carry->scalar != 0;
    unsigned flags = 0;

    memset(out, 0, blocks * sizeof *out);
    for (size_t i = 0; i < blocks * 64; i++) {
        fc_json_block *block = &out[i / 64];
        const uint64_t bit = 1ull << (i % 64);
        const uint8_t c = text[i];
        const int quote = c == '"' && !escaped;
        const int inside = quote ? !in_string : in_string;
        int scalar = 0;

        if (c == '\\')
            block->backslash |= bit;
        escaped = c == '\\' && !escaped;
        if (quote)
            block->quote |= bit;
        if (inside)
            block->string |= bit;
        if (!inside && !quote) {
            if (c == '{' || c == '[')
                block->open |= bit;
            else if (c == '}' || c == ']')
                block->close |= bit;
            else if (c == ',')
                block->comma |= bit;
            else if (c == ':')
                block->colon |= bit;
            else if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
                scalar = 1;
        }
        if (scalar && !in_scalar)
            block->scalar |= bit;
        if (inside && c < 0x20)
            flags |= FC_JSON_HAS_CONTROL;
        if (c >= 0x80)
            flags |= FC_JSON_HAS_NON_ASCII;
        in_string = inside;
        in_scalar = scalar;
    }
    carry->escape = (uint64_t)escaped;
    carry->string = in_string ? ~0ull : 0;
    carry->scalar = (uint64_t)in_scalar;
    return flags;
}

/* Unicode 16.0, table 3-7, row by row. Returns the bytes of one sequence, 0 when ill-formed. */
static inline size_t reference_utf8_sequence(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t first_low, first_high, second_low, second_high, bytes;
    } rows[] = {
        {0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };

    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        if (at[0] < rows[r].first_low || at[0] > rows[r].first_high)
            continue;
        if (left < rows[r].bytes)
            return 0;
        if (rows[r].bytes > 1 && (at[1] < rows[r].second_low || at[1] > rows[r].second_high))
            return 0;
        for (size_t i = 2; i < rows[r].bytes; i++)
            if (at[i] < 0x80 || at[i] > 0xBF)
                return 0;
        return rows[r].bytes;
    }
    return 0;
}

static inline size_t reference_utf8_prefix(const uint8_t *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        const size_t bytes = reference_utf8_sequence(text + at, length - at);
        if (bytes == 0)
            return at;
        at += bytes;
    }
    return length;
}

/* Bit by bit, the Castagnoli polynomial reflected. */
static inline uint32_t reference_crc32c(uint32_t crc, const uint8_t *data, size_t length)
{
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= data[i];
        for (int b = 0; b < 8; b++)
            crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
    }
    return ~crc;
}

#endif
