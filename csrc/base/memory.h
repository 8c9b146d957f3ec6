/*
 * base/memory.h - hints about memory to the system; all may be ignored by it.
 */
#ifndef FC_MEMORY_H
#define FC_MEMORY_H

#include <stddef.h>

/*
 * Back what lies in [at, at + bytes) by huge pages as it is first touched, where it is
 * large enough to gain by that: a large result is otherwise faulted in 4 KiB at a time,
 * which takes longer than finding what is in it.
 */
void fc_prefer_huge_pages(void *at, size_t bytes);

#endif
