/* base/memory.c - see memory.h. Only Linux is asked; elsewhere there is no such request. */
#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "base/memory.h"

#include <stdint.h>

#if defined(__linux__)
#include <sys/mman.h>

enum { PAGE_BYTES = 4096, HUGE_BYTES = 2 << 20 };
#endif

void fc_prefer_huge_pages(void *at, size_t bytes)
{
#if defined(__linux__)
    const uintptr_t first = ((uintptr_t)at + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);
    const uintptr_t end = (uintptr_t)at + bytes;

    if (bytes >= 2 * (size_t)HUGE_BYTES)
        (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
#else
    (void)at;
    (void)bytes;
#endif
}
