/*
 * cpu/probe_arm.c - what the OS says of this aarch64 CPU.
 *
 * Linux hands the feature words over in the auxiliary vector (arch/arm64
 * elf_hwcaps documentation), macOS in sysctl nodes, Windows through
 * IsProcessorFeaturePresent. ASIMD is part of the aarch64 baseline everywhere.
 */
#include "cpu/cpu.h"

#include "cpu/probe.h"

#if FC_ARCH_AARCH64

#if defined(__linux__)
#include <sys/auxv.h>
#include <sys/prctl.h>

#ifndef PR_SVE_GET_VL
#define PR_SVE_GET_VL 51
#endif
#define HWCAP_BIT_PMULL (1ul << 4)
#define HWCAP_BIT_CRC32 (1ul << 7)
#define HWCAP_BIT_SVE   (1ul << 22)
#define HWCAP2_BIT_SVE2 (1ul << 1)
#define SVE_BYTES_MASK  0xFFFF

uint32_t fc_cpu_probe(void)
{
    const unsigned long cap = getauxval(AT_HWCAP), cap2 = getauxval(AT_HWCAP2);
    uint32_t found = FC_CPU_NEON;

    if (cap & HWCAP_BIT_PMULL)
        found |= FC_CPU_PMULL;
    if (cap & HWCAP_BIT_CRC32)
        found |= FC_CPU_CRC32;
    if (cap & HWCAP_BIT_SVE)
        found |= FC_CPU_SVE;
    if (cap2 & HWCAP2_BIT_SVE2)
        found |= FC_CPU_SVE2;
    return found;
}

unsigned fc_cpu_probe_sve_bits(void)
{
    if (!(fc_cpu_features() & FC_CPU_SVE))
        return 0;
    const int answer = prctl(PR_SVE_GET_VL, 0, 0, 0, 0);
    return answer < 0 ? 0 : 8u * (unsigned)(answer & SVE_BYTES_MASK);
}

#elif defined(__APPLE__)
#include <sys/sysctl.h>

static int has(const char *node)
{
    int value = 0;
    size_t bytes = sizeof value;
    return sysctlbyname(node, &value, &bytes, NULL, 0) == 0 && value != 0;
}

uint32_t fc_cpu_probe(void)
{
    uint32_t found = FC_CPU_NEON;

    if (has("hw.optional.arm.FEAT_PMULL"))
        found |= FC_CPU_PMULL;
    if (has("hw.optional.arm.FEAT_CRC32") || has("hw.optional.armv8_crc32"))
        found |= FC_CPU_CRC32;
    return found;
}

unsigned fc_cpu_probe_sve_bits(void) { return 0; }

#elif defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#ifndef PF_ARM_V8_CRYPTO_INSTRUCTIONS_AVAILABLE
#define PF_ARM_V8_CRYPTO_INSTRUCTIONS_AVAILABLE 30
#endif
#ifndef PF_ARM_V8_CRC32_INSTRUCTIONS_AVAILABLE
#define PF_ARM_V8_CRC32_INSTRUCTIONS_AVAILABLE 31
#endif

uint32_t fc_cpu_probe(void)
{
    uint32_t found = FC_CPU_NEON;

    if (IsProcessorFeaturePresent(PF_ARM_V8_CRYPTO_INSTRUCTIONS_AVAILABLE))
        found |= FC_CPU_PMULL;
    if (IsProcessorFeaturePresent(PF_ARM_V8_CRC32_INSTRUCTIONS_AVAILABLE))
        found |= FC_CPU_CRC32;
    return found;
}

unsigned fc_cpu_probe_sve_bits(void) { return 0; }

#else
uint32_t fc_cpu_probe(void) { return FC_CPU_NEON; }
unsigned fc_cpu_probe_sve_bits(void) { return 0; }
#endif

void fc_cpu_brand(char *out) { out[0] = '\0'; }

#endif
