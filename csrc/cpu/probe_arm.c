/*
 * cpu/probe_arm.c - what the OS says of this aarch64 CPU.
 *
 * Linux hands the feature words over in the auxiliary vector (arch/arm64
 * elf_hwcaps documentation), macOS in sysctl nodes, Windows through
 * IsProcessorFeaturePresent. ASIMD is part of the aarch64 baseline everywhere.
 *
 * The Linux part is tested under emulation. The macOS and Windows parts follow
 * their vendors' documentation and have not run anywhere yet.
 */
#include "cpu/cpu.h"

#include "cpu/probe.h"

#if FC_ARCH_AARCH64

#if defined(__linux__)
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#ifndef PR_SVE_GET_VL
#define PR_SVE_GET_VL 51
#endif
#define HWCAP_BIT_PMULL (1ul << 4)
#define HWCAP_BIT_CRC32 (1ul << 7)
#define HWCAP_BIT_CPUID (1ul << 11) /* reading MIDR_EL1 is emulated by the kernel */
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

/*
 * The main ID register names the core that runs this: implementer in bits 31-24, part
 * in 15-4 (Arm Architecture Reference Manual, "MIDR_EL1"; parts from Arm's technical reference
 * manuals and the kernel's cputype.h). What is not in the list is shown by its numbers.
 */
void fc_cpu_brand(char *out)
{
    static const struct {
        uint32_t implementer, part;
        const char *name;
    } cores[] = {
        {0x41, 0xD03, "Arm Cortex-A53"},  {0x41, 0xD07, "Arm Cortex-A57"},
        {0x41, 0xD08, "Arm Cortex-A72"},  {0x41, 0xD0B, "Arm Cortex-A76"},
        {0x41, 0xD0C, "Arm Neoverse N1"}, {0x41, 0xD40, "Arm Neoverse V1"},
        {0x41, 0xD49, "Arm Neoverse N2"}, {0x41, 0xD4F, "Arm Neoverse V2"},
        {0x41, 0xD84, "Arm Neoverse V3"}, {0x41, 0xD8E, "Arm Neoverse N3"},
        {0x46, 0x001, "Fujitsu A64FX"},   {0x48, 0xD01, "HiSilicon TSV110"},
        {0xC0, 0xAC3, "Ampere-1"},        {0xC0, 0xAC4, "Ampere-1a"},
    };
    uint64_t midr;

    out[0] = '\0';
    if (!(getauxval(AT_HWCAP) & HWCAP_BIT_CPUID))
        return;
    __asm__("mrs %0, MIDR_EL1" : "=r"(midr));
    const uint32_t implementer = (uint32_t)(midr >> 24) & 0xFF,
                   part = (uint32_t)(midr >> 4) & 0xFFF;

    for (size_t i = 0; i < sizeof cores / sizeof cores[0]; i++)
        if (cores[i].implementer == implementer && cores[i].part == part) {
            (void)snprintf(out, FC_CPU_BRAND_BYTES, "%s", cores[i].name);
            return;
        }
    (void)snprintf(out, FC_CPU_BRAND_BYTES, "implementer 0x%02x, part 0x%03x", implementer, part);
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

void fc_cpu_brand(char *out)
{
    size_t bytes = FC_CPU_BRAND_BYTES;
    if (sysctlbyname("machdep.cpu.brand_string", out, &bytes, NULL, 0) != 0)
        out[0] = '\0';
}

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
void fc_cpu_brand(char *out) { out[0] = '\0'; }

#else
uint32_t fc_cpu_probe(void) { return FC_CPU_NEON; }
unsigned fc_cpu_probe_sve_bits(void) { return 0; }
void fc_cpu_brand(char *out) { out[0] = '\0'; }
#endif

#endif
