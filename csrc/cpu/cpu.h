/*
 * cpu/cpu.h - feature bits of the machine, and which instruction sets this build carries.
 *
 * FC_COMPILED_* switch a whole kernels/isa_*.c file on or off: an older compiler
 * loses a level, never the build.
 */
#ifndef FC_CPU_H
#define FC_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "base/arch.h"

#if FC_ARCH_X86_64
#define FC_COMPILED_AVX2   1
#define FC_COMPILED_AVX512 1
#elif FC_ARCH_AARCH64
#define FC_COMPILED_NEON 1
#if !defined(__APPLE__) && !FC_MSVC &&                                                             \
    ((defined(__clang__) && __clang_major__ >= 16) ||                                              \
     (!defined(__clang__) && defined(__GNUC__) && __GNUC__ >= 10))
#define FC_COMPILED_SVE 1
#endif
#endif

/* Features that some kernel needs. A bit is set only when the OS also saves the registers. */
enum {
    FC_CPU_AVX2 = 1 << 0,
    FC_CPU_BMI2 = 1 << 1,   /* with BMI1, POPCNT and LZCNT */
    FC_CPU_PCLMUL = 1 << 2, /* with SSE4.2, for CRC-32C */
    FC_CPU_AVX512 = 1 << 3, /* F, BW, VL, DQ */
    FC_CPU_AVX512VBMI = 1 << 4,
    FC_CPU_AVX512VBMI2 = 1 << 5,
    FC_CPU_VPCLMUL = 1 << 6,
    FC_CPU_NEON = 1 << 8,
    FC_CPU_CRC32 = 1 << 9,
    FC_CPU_PMULL = 1 << 10,
    FC_CPU_SVE = 1 << 11,
    FC_CPU_SVE2 = 1 << 12,
};

/* Probed on the first call, then remembered. Any thread. Starts no process, reads no file. */
uint32_t fc_cpu_features(void);

/* Bits in one SVE vector, 0 without SVE. */
unsigned fc_cpu_sve_bits(void);

/* Names of the set bits, in a fixed order; returns how many there are. */
size_t fc_cpu_feature_names(const char **out, size_t capacity);

/* "x86_64", "aarch64" as in isa.def, or "" elsewhere. */
const char *fc_cpu_arch(void);

/* The processor's name, or "" where neither it nor the OS tells. FC_CPU_BRAND_BYTES, at least. */
#define FC_CPU_BRAND_BYTES 64
void fc_cpu_brand(char *out);

#endif
