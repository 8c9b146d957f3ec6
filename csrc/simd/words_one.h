/*
 * simd/words_one.h - the masks of one block, in a general register.
 *
 * For ISAs whose integer side does this as fast as their vectors would: NEON (and SVE),
 * where EOR takes a shifted operand for free, and plain C.
 */
#ifndef FC_WORDS_H
#define FC_WORDS_H

typedef uint64_t words;
#define WORDS 1

FC_OP words words_load(const uint64_t *at) { return *at; }
FC_OP void words_store(uint64_t *at, words a) { *at = a; }
FC_OP words words_splat(uint64_t a) { return a; }
FC_OP words words_and(words a, words b) { return a & b; }
FC_OP words words_or(words a, words b) { return a | b; }
FC_OP words words_xor(words a, words b) { return a ^ b; }
FC_OP words words_and_not(words a, words b) { return a & ~b; }
FC_OP words words_sub(words a, words b) { return a - b; }
FC_OP words words_shl(words a, int n) { return a << n; }
FC_OP words words_bit63(words a) { return a >> 63; }
FC_OP int words_any(words a) { return a != 0; }
FC_OP words words_full(words a) { return 0 - (uint64_t)(a == ~(uint64_t)0); }
FC_OP words words_sign(words a) { return 0 - (a >> 63); }
FC_OP words words_from_below(words a, words before)
{
    (void)a;
    return before;
}
FC_OP words words_prefix_xor(words a) { return a; }
FC_OP void words_store_columns(uint64_t *out, const words a[8])
{
    for (int k = 0; k < 8; k++)
        out[k] = a[k];
}

#endif
