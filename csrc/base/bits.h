/*
 * base/bits.h - count and scan bits, little-endian loads and stores at any alignment.
 *
 * fc_ctz64 and fc_clz64 need a value that is not zero.
 */
#ifndef FC_BITS_H
#define FC_BITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arch.h"

#if FC_MSVC
#include <intrin.h>
static FC_ALWAYS_INLINE int fc_ctz64(uint64_t v)
{
    unsigned long at;
    _BitScanForward64(&at, v);
    return (int)at;
}
static FC_ALWAYS_INLINE int fc_clz64(uint64_t v)
{
    unsigned long at;
    _BitScanReverse64(&at, v);
    return 63 - (int)at;
}
#else
static FC_ALWAYS_INLINE int fc_ctz64(uint64_t v) { return __builtin_ctzll(v); }
static FC_ALWAYS_INLINE int fc_clz64(uint64_t v) { return __builtin_clzll(v); }
#endif

#if FC_MSVC
/* Hacker's Delight, 2nd ed., 5-1: MSVC's intrinsic would need POPCNT at compile time. */
static FC_ALWAYS_INLINE int fc_popcount64(uint64_t v)
{
    v -= (v >> 1) & 0x5555555555555555u;
    v = (v & 0x3333333333333333u) + ((v >> 2) & 0x3333333333333333u);
    v = (v + (v >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
    return (int)((v * 0x0101010101010101u) >> 56);
}
#else
static FC_ALWAYS_INLINE int fc_popcount64(uint64_t v) { return __builtin_popcountll(v); }
#endif

/* *sum = a + b modulo 2^64; returns the carry, 0 or 1. */
static FC_ALWAYS_INLINE uint64_t fc_add_carry(uint64_t a, uint64_t b, uint64_t *sum)
{
#if FC_MSVC
    *sum = a + b;
    return *sum < a;
#else
    unsigned long long total;
    const uint64_t carry = __builtin_uaddll_overflow(a, b, &total);
    *sum = total;
    return carry;
#endif
}

static FC_ALWAYS_INLINE uint32_t fc_load_le32(const uint8_t *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return v;
}
static FC_ALWAYS_INLINE uint64_t fc_load_le64(const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return v;
}
static FC_ALWAYS_INLINE void fc_store_le32(uint8_t *at, uint32_t v) { memcpy(at, &v, sizeof v); }
static FC_ALWAYS_INLINE void fc_store_le64(uint8_t *at, uint64_t v) { memcpy(at, &v, sizeof v); }

/*
 * The first `count` (0..8) bytes, the rest zero; touches no other byte. Loads that
 * overlap stand in for a loop: where two of them meet they bring the same bits.
 */
static FC_ALWAYS_INLINE uint64_t fc_load_le64_part(const uint8_t *at, size_t count)
{
    if (count >= 8)
        return fc_load_le64(at);
    if (count >= 4)
        return fc_load_le32(at) | (uint64_t)fc_load_le32(at + count - 4) << (8 * (count - 4));
    if (count == 0)
        return 0;
    return at[0] | (uint64_t)at[count / 2] << (8 * (count / 2)) |
           (uint64_t)at[count - 1] << (8 * (count - 1));
}

/* The low `count` (0..64) bits set. */
static FC_ALWAYS_INLINE uint64_t fc_low_bits64(size_t count)
{
    return count >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1;
}

#endif
