/* base/status.c - messages of failures, cut to the room there is. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(fc_error *error, fc_status status, int os_errno, const char *format, va_list rest)
{
    if (error == NULL)
        return;
    memset(error, 0, sizeof *error);
    error->status = status;
    error->os_errno = os_errno;
    vsnprintf(error->message, sizeof error->message, format, rest);
}

fc_status fc_fail(fc_error *error, fc_status status, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    fill(error, status, 0, format, rest);
    va_end(rest);
    return status;
}

fc_status fc_fail_os(fc_error *error, int os_errno, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    fill(error, FC_EIO, os_errno, format, rest);
    va_end(rest);
    return FC_EIO;
}
