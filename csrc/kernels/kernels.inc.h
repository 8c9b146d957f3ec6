/* Every kernel body, compiled for FC_ISA, then the table that names them. */
#include "kernels/find_byte.inc.h"
#include "kernels/count_byte.inc.h"
#include "../tests/core/reference.h"

static size_t FC_SYM(offsets_any)(const uint8_t *text, size_t length, const fc_byteset *set, int64_t base,
                          int64_t *out, size_t capacity, size_t *consumed)
{
    size_t count = 0, i = 0;
    for (; i < length && count + FC_OFFSETS_SLACK < capacity; i++)
        if (set->member[text[i]])
            out[count++] = base + (int64_t)i;
    *consumed = i;
    return count;
}
static size_t FC_SYM(offsets_byte)(const uint8_t *text, size_t length, uint8_t byte, int64_t base,
                          int64_t *out, size_t capacity, size_t *consumed)
{
    fc_byteset set;
    fc_byteset_make(&set, &byte, 1);
    return FC_SYM(offsets_any)(text, length, &set, base, out, capacity, consumed);
}
const fc_kernels FC_SYM(fc_kernels) = {
    .isa = FC_STR(FC_ISA),
    .find_byte = FC_SYM(find_byte),
    .find_any = reference_find_any,
    .count_byte = FC_SYM(count_byte),
    .offsets_byte = FC_SYM(offsets_byte),
    .offsets_any = FC_SYM(offsets_any),
    .json_blocks = reference_json_blocks,
    .utf8_prefix = reference_utf8_prefix,
    .crc32c = reference_crc32c,
};
