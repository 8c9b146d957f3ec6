/*
 * base/status.h - fill an fc_error and return its status in one expression.
 */
#ifndef FC_BASE_STATUS_H
#define FC_BASE_STATUS_H

#include "base/arch.h"
#include "fastcore/status.h"

#if FC_MSVC
#define FC_PRINTF(at, first)
#else
#define FC_PRINTF(at, first) __attribute__((format(printf, at, first)))
#endif

/* Returns `status`; fills *error (unless NULL) with it and the formatted message. */
FC_PRINTF(3, 4)
fc_status fc_fail(fc_error *error, fc_status status, const char *format, ...);

/* The same for a refusal of the operating system: FC_EIO and its errno. */
FC_PRINTF(3, 4)
fc_status fc_fail_os(fc_error *error, int os_errno, const char *format, ...);

#endif
