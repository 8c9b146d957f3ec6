/* kernels/kernels.inc.h - every kernel body, compiled for FC_ISA, then their table. */
#include "kernels/count_byte.inc.h"
#include "kernels/crc32c.inc.h"
#include "kernels/find_any.inc.h"
#include "kernels/find_byte.inc.h"
#include "kernels/json_blocks.inc.h"
#include "kernels/offsets.inc.h"
#include "kernels/utf8_prefix.inc.h"

const fc_kernels FC_SYM(fc_kernels) = {
    .isa = FC_STR(FC_ISA),
    .find_byte = FC_SYM(find_byte),
    .find_any = FC_SYM(find_any),
    .count_byte = FC_SYM(count_byte),
    .offsets_byte = FC_SYM(offsets_byte),
    .offsets_any = FC_SYM(offsets_any),
    .json_blocks = FC_SYM(json_blocks),
    .utf8_prefix = FC_SYM(utf8_prefix),
    .crc32c = FC_SYM(crc32c),
};
