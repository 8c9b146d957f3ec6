/* cpu/dispatch.c - from isa.def to the kernel tables that this machine can run. */
#include <assert.h>

#include "kernels/kernels.h"

static const struct {
    const fc_kernels *kernels;
    uint32_t needs;
} isa_table[] = {
#define FC_ISA_ROW(name, arch, features) {&fc_kernels_##name, (uint32_t)(features)},
#include "cpu/isa.def"
#undef FC_ISA_ROW
};

size_t fc_kernels_available(const fc_kernels **out, size_t capacity)
{
    const uint32_t have = fc_cpu_features();
    size_t count = 0;

    for (size_t i = 0; i < sizeof isa_table / sizeof isa_table[0]; i++) {
        if ((have & isa_table[i].needs) != isa_table[i].needs)
            continue;
        if (count < capacity)
            out[count] = isa_table[i].kernels;
        count++;
    }
    return count;
}

const fc_kernels *fc_kernels_best(void)
{
    const fc_kernels *best = NULL;
    (void)fc_kernels_available(&best, 1);
    return best;
}

size_t fc_isa_every(fc_isa *out, size_t capacity)
{
    static const fc_isa every[] = {
#define FC_ISA_EVERY
#define FC_ISA_ROW(name, arch, features) {#name, #arch},
#include "cpu/isa.def"
#undef FC_ISA_ROW
#undef FC_ISA_EVERY
    };
    const size_t count = sizeof every / sizeof every[0];

    for (size_t i = 0; i < count && i < capacity; i++)
        out[i] = every[i];
    return count;
}

static const char *const kernel_names[] = {
#define FC_KERNEL_ROW(name) #name,
#include "kernels/kernels.def"
#undef FC_KERNEL_ROW
};

/* Function pointers and the name before them are all of one size. */
static_assert(sizeof(fc_kernels) == sizeof kernel_names + sizeof(const char *),
              "kernels.def names every kernel of struct fc_kernels");

size_t fc_kernel_names(const char **out, size_t capacity)
{
    const size_t count = sizeof kernel_names / sizeof kernel_names[0];

    for (size_t i = 0; i < count && i < capacity; i++)
        out[i] = kernel_names[i];
    return count;
}
