/* kernels/crc32c.c - the table behind crc32c.h. */
#include "kernels/crc32c.h"

const uint32_t fc_crc32c_shift[FC_CRC32C_SHIFT_COUNT] = {FC_CRC32C_SHIFTS};
