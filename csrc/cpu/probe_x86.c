/*
 * cpu/probe_x86.c - cpuid says what the CPU has, xgetbv what the OS saves on a switch.
 *
 * Both are needed: AVX-512 registers that the kernel does not save are corrupted
 * at the next context switch (Intel SDM vol. 1, 14.3 and 15.2).
 */
#include "cpu/cpu.h"

#include "cpu/probe.h"

#if FC_ARCH_X86_64

#include <string.h>

#if FC_MSVC
#include <intrin.h>
static int cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    int r[4];
    __cpuid(r, (int)(leaf & 0x80000000u));
    if ((uint32_t)r[0] < leaf)
        return 0;
    __cpuidex(r, (int)leaf, (int)subleaf);
    memcpy(out, r, sizeof r);
    return 1;
}
static uint64_t enabled_states(void) { return _xgetbv(0); }
#else
#include <cpuid.h>
static int cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    return __get_cpuid_count(leaf, subleaf, &out[0], &out[1], &out[2], &out[3]);
}
/* The instruction by its bytes: the mnemonic needs -mxsave, which would be a flag of one file. */
static uint64_t enabled_states(void)
{
    uint32_t low, high;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}
#endif

enum { EAX, EBX, ECX, EDX };

#define XCR0_AVX    0x06u /* XMM and YMM state */
#define XCR0_AVX512 0xE0u /* mask registers, upper halves of ZMM0-15, ZMM16-31 */

static int bit(uint32_t word, int at) { return (word >> at) & 1; }

/* POPCNT and LZCNT came with BMI, but a hypervisor can hide each by itself. */
static int counts_bits(void)
{
    uint32_t base[4], extended[4];
    return cpuid(1, 0, base) && bit(base[ECX], 23) && cpuid(0x80000001u, 0, extended) &&
           bit(extended[ECX], 5);
}

uint32_t fc_cpu_probe(void)
{
    uint32_t r[4], found = 0;

    if (!cpuid(1, 0, r))
        return 0;
    if (bit(r[ECX], 20) && bit(r[ECX], 1))
        found |= FC_CPU_PCLMUL;
    if (!bit(r[ECX], 27))
        return found;
    const uint64_t saved = enabled_states();

    if ((saved & XCR0_AVX) != XCR0_AVX || !cpuid(7, 0, r))
        return found;
    if (bit(r[EBX], 5))
        found |= FC_CPU_AVX2;
    if (bit(r[EBX], 3) && bit(r[EBX], 8) && counts_bits())
        found |= FC_CPU_BMI2;
    if (bit(r[ECX], 10))
        found |= FC_CPU_VPCLMUL;
    if ((saved & XCR0_AVX512) != XCR0_AVX512)
        return found;
    if (bit(r[EBX], 16) && bit(r[EBX], 17) && bit(r[EBX], 30) && bit(r[EBX], 31))
        found |= FC_CPU_AVX512;
    if (bit(r[ECX], 1))
        found |= FC_CPU_AVX512VBMI;
    if (bit(r[ECX], 6))
        found |= FC_CPU_AVX512VBMI2;
    return found;
}

unsigned fc_cpu_probe_sve_bits(void) { return 0; }

void fc_cpu_brand(char *out)
{
    uint32_t r[4];

    for (uint32_t i = 0; i < 3; i++) {
        if (!cpuid(0x80000002u + i, 0, r)) {
            out[0] = '\0';
            return;
        }
        memcpy(out + 16 * i, r, 16);
    }
    out[48] = '\0';
}

#endif
