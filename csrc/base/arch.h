/*
 * base/arch.h - which compiler and which CPU family this is, asked in one place.
 */
#ifndef FC_ARCH_H
#define FC_ARCH_H

#if defined(__x86_64__) || defined(_M_X64)
#define FC_ARCH_X86_64 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#define FC_ARCH_AARCH64 1
#endif

#if (defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
#error "fastcore's block masks and file formats assume a little-endian machine"
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define FC_MSVC          1
#define FC_ALWAYS_INLINE __forceinline
#define FC_NOINLINE      __declspec(noinline)
#define FC_LIKELY(x)     (x)
#define FC_UNLIKELY(x)   (x)
#define FC_PREFETCH(at)  ((void)(at))
#define FC_UNUSED
#define FC_RESTRICT __restrict
#else
#define FC_ALWAYS_INLINE inline __attribute__((always_inline))
#define FC_NOINLINE      __attribute__((noinline))
#define FC_LIKELY(x)     __builtin_expect(!!(x), 1)
#define FC_UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define FC_PREFETCH(at)  __builtin_prefetch(at)
#define FC_UNUSED        __attribute__((unused))
#define FC_RESTRICT      restrict
#endif

/* Keep an integer in a general register: no vectors made out of the arithmetic around it. */
#if FC_MSVC
#define FC_KEEP_SCALAR(v) ((void)0)
#else
#define FC_KEEP_SCALAR(v) __asm__("" : "+r"(v))
#endif

#endif
