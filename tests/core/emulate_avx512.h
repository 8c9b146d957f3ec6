/*
 * emulate_avx512.h - AVX-512 in portable C, by SIMDe, for machines that have none.
 *
 * Put before isa_avx512.c with -include. The real intrinsics come in first, so that
 * SIMDe's names for them cannot rewrite their declarations. Below are those that
 * SIMDe 0.7.4 lacks, as plain loops.
 */
#ifndef FC_TEST_EMULATE_AVX512_H
#define FC_TEST_EMULATE_AVX512_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/clmul.h>

static inline simde__m512i emulated_maskz_loadu_epi8(simde__mmask64 live, const void *from)
{
    uint8_t lanes[64] = {0};
    for (int i = 0; i < 64; i++)
        if (live >> i & 1) /* a lane that is off is not read */
            lanes[i] = ((const uint8_t *)from)[i];
    return simde_mm512_loadu_si512(lanes);
}

static inline simde__m512i emulated_maskz_compress_epi8(simde__mmask64 live, simde__m512i a)
{
    uint8_t lanes[64], packed[64] = {0};
    int count = 0;
    simde_mm512_storeu_si512(lanes, a);
    for (int i = 0; i < 64; i++)
        if (live >> i & 1)
            packed[count++] = lanes[i];
    return simde_mm512_loadu_si512(packed);
}

static inline simde__m512i emulated_cvtepu8_epi64(simde__m128i a)
{
    uint8_t narrow[16];
    uint64_t wide[8];
    simde_mm_storeu_si128(narrow, a);
    for (int i = 0; i < 8; i++)
        wide[i] = narrow[i];
    return simde_mm512_loadu_si512(wide);
}

static inline long long emulated_reduce_add_epi64(simde__m512i a)
{
    uint64_t lanes[8], sum = 0;
    simde_mm512_storeu_si512(lanes, a);
    for (int i = 0; i < 8; i++)
        sum += lanes[i];
    return (long long)sum;
}

static inline simde__m512i emulated_srai_epi64(simde__m512i a, unsigned n)
{
    uint64_t lanes[8];
    simde_mm512_storeu_si512(lanes, a);
    for (int i = 0; i < 8; i++) {
        const uint64_t sign = 0 - (lanes[i] >> 63);
        lanes[i] = n == 0 ? lanes[i] : lanes[i] >> n | sign << (64 - n);
    }
    return simde_mm512_loadu_si512(lanes);
}

static inline simde__m512i emulated_alignr_epi64(simde__m512i high, simde__m512i low, int n)
{
    uint64_t lanes[16];
    simde_mm512_storeu_si512(lanes, low);
    simde_mm512_storeu_si512(lanes + 8, high);
    return simde_mm512_loadu_si512(lanes + n);
}

#define _mm512_maskz_loadu_epi8    emulated_maskz_loadu_epi8
#define _mm512_maskz_compress_epi8 emulated_maskz_compress_epi8
#define _mm512_cvtepu8_epi64       emulated_cvtepu8_epi64
#define _mm512_srai_epi64          emulated_srai_epi64
#define _mm512_alignr_epi64        emulated_alignr_epi64
#define _mm512_reduce_add_epi64    emulated_reduce_add_epi64

#endif
