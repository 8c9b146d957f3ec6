/* t_vec.c - the vector vocabulary of each ISA, operation by operation; see vec_checks.inc.h. */
#include "core/check.h"

#define FC_ISA_ROW(name, arch, features) void vec_checks_##name(uint8_t *pages, size_t bytes);
#include "cpu/isa.def"
#undef FC_ISA_ROW

static const struct {
    const fc_kernels *kernels;
    void (*run)(uint8_t *pages, size_t bytes);
} checks[] = {
#if FC_TEST_EMULATED_AVX512
    {&fc_kernels_avx512, vec_checks_avx512},
#else
#define FC_ISA_ROW(name, arch, features) {&fc_kernels_##name, vec_checks_##name},
#include "cpu/isa.def"
#undef FC_ISA_ROW
#endif
};

int main(void)
{
    const size_t bytes = 1 << 16;
    const fc_kernels *tables[TABLES_MAX];
    const size_t count = tables_to_test(tables);
    uint8_t *const pages = guarded_pages(bytes);

    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
            if (checks[i].kernels == tables[t])
                checks[i].run(pages, bytes);
    print_ok("t_vec", tables, count);
    return 0;
}
