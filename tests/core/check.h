/*
 * check.h - what the C tests share: checks that say what differed, random numbers
 * that are the same everywhere, memory between unreadable pages, the tables to test.
 */
#ifndef FC_TEST_CHECK_H
#define FC_TEST_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/kernels.h"

/* Unlike assert() it also holds in builds with NDEBUG, and it shows the numbers. */
#define CHECK_EQ(got, want, ...)                                                                   \
    do {                                                                                           \
        const unsigned long long got_ = (unsigned long long)(got);                                 \
        const unsigned long long want_ = (unsigned long long)(want);                               \
        if (got_ != want_) {                                                                       \
            fprintf(stderr, "%s:%d: %s is %#llx, should be %#llx; ", __FILE__, __LINE__, #got,     \
                    got_, want_);                                                                  \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016. */
static uint64_t random_state = 0x9E3779B97F4A7C15u;
static inline uint64_t random64(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Du;
}
static inline size_t random_below(size_t bound) { return (size_t)((random64() >> 32) % bound); }

/* `bytes` (whole pages) that end at, and start right after, a page that may not be touched. */
static inline uint8_t *guarded_pages(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *const all =
        mmap(NULL, bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (all == MAP_FAILED || bytes % page != 0 ||
        mprotect(all + page, bytes, PROT_READ | PROT_WRITE) != 0) {
        perror("guarded_pages");
        exit(1);
    }
    return all + page;
}

/* The tables this program tests: all that can run here, or the emulated one. */
#define TABLES_MAX 16
static inline size_t tables_to_test(const fc_kernels **out)
{
#if FC_TEST_EMULATED_AVX512
    out[0] = &fc_kernels_avx512;
    return 1;
#else
    return fc_kernels_available(out, TABLES_MAX);
#endif
}

static inline void print_ok(const char *test, const fc_kernels *const *tables, size_t count)
{
    printf("ok %s", test);
    for (size_t i = 0; i < count; i++)
        printf(" %s", tables[i]->isa);
    putchar('\n');
}

#endif
