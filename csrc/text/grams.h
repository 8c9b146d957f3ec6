/*
 * text/grams.h - many literals by a few bytes of each, looked for in every s-th place.
 *
 * A gram is `gram_bytes` bytes of a literal. An occurrence covers a sampled place at one of
 * its own offsets o, o + s, o + 2s ..., whichever residue modulo s that is. So for each
 * residue a literal registers one gram at such an offset, the one thought rarest, and
 * whatever the sampling's phase, every occurrence is met exactly once:
 *
 *     literal:   b r o k e n   p i p e          s = 3, grams of 4 bytes
 *     registers: "ken " at 3 (residue 0), "n pi" at 5 ... (2), " pip" at ... (1)
 *     text:      | . . | . . | . . | . .        only the marked places are looked at
 *
 * A place is hashed into a bitmap that fits a first- or second-level cache; the few that
 * pass go on to a table of (gram, literal, offset) and are compared in full there. The
 * sampling is that of Wu and Manber's shifts made constant ("A fast algorithm for
 * multi-pattern searching", 1994); the choice of rare grams is what makes it work on text.
 */
#ifndef FC_TEXT_GRAMS_H
#define FC_TEXT_GRAMS_H

#include <assert.h>

#include "text/automaton.h"

/* Literals at least this long: two places of four bytes. */
#define FC_GRAMS_SHORTEST 5

/* Ranks, which order the literals of one place, take this many bits of a key. */
#define FC_RANK_BITS 24
static_assert(FC_PATTERNS_MAX <= (size_t)1 << FC_RANK_BITS, "every pattern has a rank");

typedef struct fc_gram {
    uint32_t tag;   /* of the hash, so that few others look the same */
    uint32_t place; /* rank << 8 | offset in the literal */
} fc_gram;

typedef struct fc_grams {
    uint64_t *bitmap; /* bit hash >> bitmap_shift: some gram has this hash */
    uint32_t *first;  /* bucket hash >> bucket_shift has grams first[b] .. first[b + 1] */
    fc_gram *grams;
    uint64_t fold;      /* OR-ed to text: 0x20 in each byte, or 0 */
    unsigned skip_bits; /* of a word of text, beyond the gram */
    unsigned bitmap_shift, bucket_shift;
    size_t step, gram_bytes;
    size_t reach; /* the greatest offset of any gram */
    size_t bytes; /* of memory */
} fc_grams;

/*
 * order: rank -> pattern, or NULL where they are the same. None of the patterns is shorter
 * than FC_GRAMS_SHORTEST. rank_of_byte: how frequent bytes are, 255 the most.
 */
fc_status fc_grams_create(fc_grams **out, const fc_patterns *patterns, const uint32_t *order,
                          const uint8_t rank_of_byte[256], int fold);
void fc_grams_destroy(fc_grams *grams);

/*
 * Sample text[*at], text[*at + step] ... before `end`; write the places that pass the
 * bitmap, as distances from the first. Returns how many; *at becomes the next place.
 */
size_t fc_grams_places(const fc_grams *grams, const uint8_t *text, size_t length, size_t *at,
                       size_t end, uint32_t *places);

static inline uint64_t fc_gram_hash(const fc_grams *grams, uint64_t word)
{
    return ((word | grams->fold) << grams->skip_bits) * 0x9E3779B97F4A7C15u; /* 2^64 / golden */
}

static inline uint32_t fc_gram_tag(uint64_t hash) { return (uint32_t)(hash >> 32); }

#endif
