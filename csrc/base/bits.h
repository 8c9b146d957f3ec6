/*
 * base/bits.h - count and scan bits, little-endian loads and stores at any alignment.
 *
 * fc_ctz64 and fc_clz64 need a value that is not zero.
 */
#ifndef FC_BITS_H
#define FC_BITS_H

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

#endif
