/*
 * fastcore/kernels.h - the innermost loops, and which instruction set they run on.
 *
 * A table of kernels is a constant of the library: take the best one once and hand it to
 * everything that asks for one. Every table gives the same results.
 *
 *     const fc_kernels *kernels = fc_kernels_best();
 *     size_t lines = fc_count_byte(kernels, text, length, '\n');
 *
 * Any thread may call anything here, on any memory that nobody writes meanwhile. Nothing is read
 * outside of what is passed.
 */
#ifndef FC_PUBLIC_KERNELS_H
#define FC_PUBLIC_KERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef struct fc_kernels fc_kernels;

/* -- which ----------------------------------------------------------------------------------- */

/* Tables that this machine can run, best first; the last is always "scalar". Returns how many. */
size_t fc_kernels_available(const fc_kernels **out, size_t capacity);
const fc_kernels *fc_kernels_best(void);

/* "avx512", "avx2", "sve2", "sve", "neon" or "scalar". */
const char *fc_kernels_level(const fc_kernels *kernels);

/* The table of this level, or NULL where it cannot run. */
const fc_kernels *fc_kernels_of_level(const char *level);

/* -- bytes ----------------------------------------------------------------------------------- */

/* Offset of the first `byte` in text[0 .. length), or `length`. */
size_t fc_find_byte(const fc_kernels *kernels, const uint8_t *text, size_t length, uint8_t byte);

/* How many bytes of the text equal `byte`. */
size_t fc_count_byte(const fc_kernels *kernels, const uint8_t *text, size_t length, uint8_t byte);

/*
 * Write the offsets of the bytes that equal `byte` to out[0 .. capacity), ascending, from text[*at]
 * on. Returns how many; *at becomes where to go on, `length` when all have been found.
 */
size_t fc_find_bytes(const fc_kernels *kernels, const uint8_t *text, size_t length, uint8_t byte,
                     size_t *at, int64_t *out, size_t capacity);

/* A set of byte values, made once and searched for with any table. NULL when memory runs out. */
typedef struct fc_byteset fc_byteset;
fc_byteset *fc_byteset_new(const uint8_t *bytes, size_t count);
void fc_byteset_free(fc_byteset *set);

/* Offset of the first member of `set`, or `length`. */
size_t fc_find_any(const fc_kernels *kernels, const uint8_t *text, size_t length,
                   const fc_byteset *set);

/* -- text and checksums ---------------------------------------------------------------------- */

/*
 * Length of the longest prefix that is well-formed UTF-8: `length`, or the offset where the first
 * ill-formed or cut-off sequence starts.
 */
size_t fc_utf8_prefix(const fc_kernels *kernels, const uint8_t *text, size_t length);

/* How many code points start in text[0 .. length), which is UTF-8. */
size_t fc_utf8_count(const fc_kernels *kernels, const uint8_t *text, size_t length);

/*
 * CRC-32C (RFC 3720, B.4) of the bytes already seen and of data[0 .. length): start with crc = 0,
 * pass the result on to continue.
 */
uint32_t fc_crc32c(const fc_kernels *kernels, uint32_t crc, const uint8_t *data, size_t length);

#endif
