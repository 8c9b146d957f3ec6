/* kernels/crc32c.h - the one table that the CRC-32C kernels of all instruction sets read. */
#ifndef FC_CRC32C_H
#define FC_CRC32C_H

#include <stdint.h>

#include "kernels/crc32c_constants.inc.h"

/* [r] moves a register over r 64-bit words of message; see tools/crc32c_constants.py. */
extern const uint32_t fc_crc32c_shift[FC_CRC32C_SHIFT_COUNT];

#endif
