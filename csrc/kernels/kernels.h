/*
 * kernels/kernels.h - the innermost loops, as one table per instruction set.
 *
 * Every table gives bit-identical results; tests/core and tests/kernels hold
 * each of them against one plain reference. No kernel reads outside
 * text[0 .. length) or keeps state between calls, so any thread may call any
 * of them on any memory.
 */
#ifndef FC_KERNELS_H
#define FC_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/byteset.h"
#include "cpu/cpu.h"
#include "fastcore/kernels.h" /* which tables there are, and the loops as public functions */

/*
 * One literal to search for, of 2 bytes or more, with the offsets of the two of its
 * bytes that are thought rarest. With `fold`, `bytes` has no upper-case ASCII letter and
 * a letter is found in either case.
 */
typedef struct fc_literal {
    const uint8_t *bytes;
    size_t length;
    size_t pair[2];
    int fold;
} fc_literal;

/*
 * Many literals, dealt into 8 buckets, by their first three bytes: bit k of low[i][n] says
 * that bucket k has a literal whose byte i has n as its low nibble; high[i] likewise.
 */
#define FC_BUCKET_BYTES 3
typedef struct fc_buckets {
    uint8_t low[FC_BUCKET_BYTES][16], high[FC_BUCKET_BYTES][16];
} fc_buckets;

/*
 * Some bytes of a text, hashed, and a bitmap of the hashes that are looked for. The hash of
 * the `bytes` bytes (4 to 8) at a place: let w be the 8 bytes from there on, little-endian,
 * zeros behind the text's end; then ((w | fold) & mask) * FC_GRAM_MULTIPLIER, of which the
 * bitmap is indexed by the bits from `shift` on.
 */
typedef struct fc_gram_filter {
    const uint64_t *bitmap;
    uint64_t fold, mask;
    unsigned shift;
    size_t step, bytes;
} fc_gram_filter;

#define FC_GRAM_MULTIPLIER 0x9E3779B97F4A7C15u /* 2^64 / golden ratio: Knuth, TAOCP 3, 6.4 */

/*
 * Bit i of each mask speaks of byte i of the 64-byte block.
 *
 * A "string" here runs from its opening quote (included) to its closing quote
 * (excluded), so quote & string are the opening quotes and quote & ~string the
 * closing ones.
 */
typedef struct fc_json_block {
    uint64_t quote;     /* quotes that open or close a string: those not escaped */
    uint64_t string;    /* bytes of strings, as above */
    uint64_t backslash; /* every backslash */
    uint64_t open;      /* { [ outside strings */
    uint64_t close;     /* } ] outside strings */
    uint64_t comma;     /* , outside strings */
    uint64_t colon;     /* : outside strings */
    uint64_t scalar;    /* first byte of each run of other bytes outside strings (numbers, literals,
                           garbage): not whitespace, not one of the above, not a continuation */
} fc_json_block;

/* Carried from one call of json_blocks to the next; all zero at the start of a stream. */
typedef struct fc_json_carry {
    uint64_t escape; /* 1 when the previous block ends in an odd run of backslashes */
    uint64_t string; /* all ones when the previous block ends inside a string */
    uint64_t scalar; /* 1 when the previous block ends in a scalar's byte */
} fc_json_carry;

enum {
    FC_JSON_HAS_CONTROL = 1,  /* a byte below 0x20 inside a string, somewhere in the blocks */
    FC_JSON_HAS_NON_ASCII = 2 /* a byte of 0x80 or more, somewhere in the blocks */
};

typedef struct fc_kernels {
    const char *isa; /* "avx2", "sve2", ... */

    /* Offset of the first `byte` in text[0 .. length), or `length`. */
    size_t (*find_byte)(const uint8_t *text, size_t length, uint8_t byte);

    /* Offset of the first member of `set`, or `length`. */
    size_t (*find_any)(const uint8_t *text, size_t length, const fc_byteset *set);

    /* How many bytes of the text equal `byte`. */
    size_t (*count_byte)(const uint8_t *text, size_t length, uint8_t byte);

    /*
     * Write base + offset of every `byte` to out[], ascending, until the text
     * ends or fewer than FC_OFFSETS_SLACK places of out[0 .. capacity) are left.
     * Returns how many were written; *consumed says how much of the text they
     * cover (all of it, or a place to go on from). Places of out[] beyond those
     * written may be overwritten with anything.
     */
    size_t (*offsets_byte)(const uint8_t *text, size_t length, uint8_t byte, int64_t base,
                           int64_t *out, size_t capacity, size_t *consumed);

    /* The same for every member of `set`. */
    size_t (*offsets_any)(const uint8_t *text, size_t length, const fc_byteset *set, int64_t base,
                          int64_t *out, size_t capacity, size_t *consumed);

    /*
     * Write the start of every occurrence (those that overlap too) that starts at or
     * after *at, ascending. Returns how many; *at becomes where to go on. That is short
     * of the last possible start, with room left in out[], when the text makes this way
     * of searching slow: the rest is then better left to an automaton.
     */
    size_t (*literal_offsets)(const uint8_t *text, size_t length, const fc_literal *literal,
                              size_t *at, int64_t *out, size_t capacity);

    /*
     * Write every start at or after *at where the nibbles of three bytes have a bucket in
     * common, ascending: a literal of the buckets starts nowhere else. Returns how many;
     * *at becomes where to go on, which is short of length - 2 when out[] is full.
     */
    size_t (*bucket_starts)(const uint8_t *text, size_t length, const fc_buckets *buckets,
                            size_t *at, int64_t *out, size_t capacity);

    /*
     * Of the places *at, *at + step, ... below `end` that have `bytes` bytes of text, write
     * those that pass the filter, as distances from the first. Returns how many; *at becomes
     * the place after the last one. places[] has room for one more than there are places.
     */
    size_t (*gram_places)(const uint8_t *text, size_t length, const fc_gram_filter *filter,
                          size_t *at, size_t end, uint32_t *places);

    /* How many code points start in text[0 .. length), which is UTF-8: the bytes but 10xxxxxx. */
    size_t (*utf8_count)(const uint8_t *text, size_t length);

    /*
     * Masks of `blocks` blocks of 64 bytes at `text`; `carry` is read and
     * updated. Returns the FC_JSON_HAS_* flags of these blocks.
     */
    unsigned (*json_blocks)(const uint8_t *text, size_t blocks, fc_json_carry *carry,
                            fc_json_block *out);

    /*
     * Length of the longest prefix of the text that is well-formed UTF-8
     * (Unicode 16, table 3-7): `length`, or the offset where the first
     * ill-formed or cut-off sequence starts.
     */
    size_t (*utf8_prefix)(const uint8_t *text, size_t length);

    /*
     * CRC-32C (RFC 3720, B.4) of the bytes already seen and of data[0 .. length):
     * start with crc = 0, pass the result on to continue.
     */
    uint32_t (*crc32c)(uint32_t crc, const uint8_t *data, size_t length);
} fc_kernels;

/* Room that offsets_* keep free at the end of out[]: a block of hits, and what is stored beyond. */
#define FC_OFFSETS_SLACK 72

#define FC_ISA_ROW(name, arch, features) extern const fc_kernels fc_kernels_##name;
#include "cpu/isa.def"
#undef FC_ISA_ROW

/* Names of the kernels, in the order of the struct. Returns how many there are. */
size_t fc_kernel_names(const char **out, size_t capacity);

/* A row of isa.def, whether or not this build carries it. */
typedef struct fc_isa {
    const char *name;         /* "avx2", "sve2", ... */
    const char *architecture; /* "x86_64", "aarch64", "any" */
} fc_isa;

/* Every instruction set that fastcore knows, best first. Returns how many there are. */
size_t fc_isa_every(fc_isa *out, size_t capacity);

#endif
