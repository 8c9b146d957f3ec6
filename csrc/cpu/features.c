/*
 * cpu/features.c - the probe's answer, remembered, and the names of its bits.
 *
 * Two threads that race here compute the same value and store it twice: harmless,
 * and cheaper than a lock. The top bit says "probed", as a CPU may have no feature.
 */
#include "cpu/cpu.h"

#include "cpu/probe.h"

#if FC_MSVC
#include <intrin.h>
static volatile long cached;
static uint32_t load_cached(void) { return (uint32_t)_InterlockedOr(&cached, 0); }
static void store_cached(uint32_t v) { (void)_InterlockedExchange(&cached, (long)v); }
#else
#include <stdatomic.h>
static _Atomic uint32_t cached;
static uint32_t load_cached(void) { return atomic_load_explicit(&cached, memory_order_relaxed); }
static void store_cached(uint32_t v) { atomic_store_explicit(&cached, v, memory_order_relaxed); }
#endif

#define PROBED (1u << 31)

uint32_t fc_cpu_features(void)
{
    uint32_t known = load_cached();
    if (!(known & PROBED)) {
        known = fc_cpu_probe() | PROBED;
        store_cached(known);
    }
    return known & ~PROBED;
}

const char *fc_cpu_arch(void)
{
#if FC_ARCH_X86_64
    return "x86_64";
#elif FC_ARCH_AARCH64
    return "aarch64";
#else
    return "";
#endif
}

unsigned fc_cpu_sve_bits(void) { return fc_cpu_probe_sve_bits(); }

static const struct {
    uint32_t bit;
    const char *name;
} feature_names[] = {
    {FC_CPU_AVX2, "avx2"},
    {FC_CPU_BMI2, "bmi2"},
    {FC_CPU_PCLMUL, "pclmulqdq"},
    {FC_CPU_AVX512, "avx512"},
    {FC_CPU_AVX512VBMI, "avx512vbmi"},
    {FC_CPU_AVX512VBMI2, "avx512vbmi2"},
    {FC_CPU_VPCLMUL, "vpclmulqdq"},
    {FC_CPU_NEON, "neon"},
    {FC_CPU_CRC32, "crc32"},
    {FC_CPU_PMULL, "pmull"},
    {FC_CPU_SVE, "sve"},
    {FC_CPU_SVE2, "sve2"},
};

size_t fc_cpu_feature_names(const char **out, size_t capacity)
{
    const uint32_t have = fc_cpu_features();
    size_t count = 0;

    for (size_t i = 0; i < sizeof feature_names / sizeof feature_names[0]; i++) {
        if (!(have & feature_names[i].bit))
            continue;
        if (count < capacity)
            out[count] = feature_names[i].name;
        count++;
    }
    return count;
}

#if !FC_ARCH_X86_64 && !FC_ARCH_AARCH64
uint32_t fc_cpu_probe(void) { return 0; }
unsigned fc_cpu_probe_sve_bits(void) { return 0; }
void fc_cpu_brand(char *out) { out[0] = '\0'; }
#endif
