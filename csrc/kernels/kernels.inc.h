/* kernels/kernels.inc.h - every kernel body, compiled for FC_ISA, then their table. */
#include "kernels/bucket_starts.inc.h"
#include "kernels/count_byte.inc.h"
#include "kernels/crc32c.inc.h"
#include "kernels/find_any.inc.h"
#include "kernels/find_byte.inc.h"
#include "kernels/find_literal.inc.h"
#include "kernels/gram_places.inc.h"
#include "kernels/json_blocks.inc.h"
#include "kernels/offsets.inc.h"
#include "kernels/utf8_count.inc.h"
#include "kernels/utf8_prefix.inc.h"

const fc_kernels FC_SYM(fc_kernels) = {
    .isa = FC_STR(FC_ISA),
#define FC_KERNEL_ROW(name) .name = FC_SYM(name),
#include "kernels/kernels.def"
#undef FC_KERNEL_ROW
};
