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

#include "kernels/kernels.h"
#include "text/automaton.h"

/* Literals at least this long: two places of four bytes. */
#define FC_GRAMS_SHORTEST 5

/* Ranks, which order the literals of one place, take this many bits of a key. */
#define FC_RANK_BITS 24
static_assert(FC_PATTERNS_MAX <= (size_t)1 << FC_RANK_BITS, "every pattern has a rank");

typedef struct fc_gram {
    uint32_t window; /* hash of bytes around the gram, more than it where the literal has them */
    uint32_t place;  /* rank << 8 | offset of the gram in the literal */
    uint8_t before;  /* the window begins so many bytes before the gram */
    uint8_t bytes;   /* and has this many, at most 8 */
} fc_gram;

typedef struct fc_grams {
    fc_gram_filter filter;
    uint64_t *bitmap; /* the filter's */
    uint32_t *first;  /* bucket hash >> bucket_shift has grams first[b] .. first[b + 1] */
    fc_gram *grams;
    unsigned bucket_shift;
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

static inline uint64_t fc_gram_hash(const fc_grams *grams, uint64_t word)
{
    return ((word | grams->filter.fold) & grams->filter.mask) * FC_GRAM_MULTIPLIER;
}

/* Of the first `bytes` bytes of the word. */
static inline uint32_t fc_window_hash(const fc_grams *grams, uint64_t word, size_t bytes)
{
    const uint64_t mask = UINT64_MAX >> (64 - 8 * bytes);
    return (uint32_t)((((word | grams->filter.fold) & mask) * FC_GRAM_MULTIPLIER) >> 32);
}

#endif
