/*
 * fastcore.h - the C core of fastcore, all of it: plain C11, no Python.
 *
 * Link with libfastcore.a (`make -C csrc`) and -pthread. The headers can be included one by one
 * too; each says what its part promises. What holds everywhere:
 *
 * - functions that can fail return fc_status; detail goes to an optional fc_error;
 * - whoever creates frees, with the function of the same name;
 * - nothing prints, aborts, or keeps state between calls, but for what it learned about the CPU;
 * - an object belongs to one thread at a time, unless its header says otherwise.
 *
 * Versions are semantic: docs/howto/embed.md says what may change in which.
 */
#ifndef FASTCORE_H
#define FASTCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FC_VERSION_MAJOR 0
#define FC_VERSION_MINOR 1
#define FC_VERSION_PATCH 0

#include "fastcore/kernels.h"
#include "fastcore/status.h"

#include "fastcore/json.h"

#include "fastcore/columns.h"
#include "fastcore/text.h"
#include "fastcore/tokens.h"
#include "fastcore/wal.h"

/* Of the library that is linked, "0.1.0"; the macros above are those of the headers. */
const char *fc_version(void);

#ifdef __cplusplus
}
#endif

#endif
