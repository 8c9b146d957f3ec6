/* cpu/dispatch.c - from isa.def to the kernel tables that this machine can run. */
#include "kernels/kernels.h"

static const struct {
    const fc_kernels *kernels;
    uint32_t needs;
} isa_table[] = {
#define FC_ISA_ROW(name, features) {&fc_kernels_##name, (uint32_t)(features)},
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
