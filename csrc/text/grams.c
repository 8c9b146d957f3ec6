/*
 * text/grams.c - which grams stand for a literal, and the tables that find them again.
 *
 * A gram is the rarer the rarer its bytes are in text, and the fewer other literals have
 * it: a thousand paths all begin with "/usr/", and registering that would compare each of
 * them wherever it stands. Grams are counted over all literals, by a hash.
 */
#include "text/grams.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

enum {
    STEP_MAX = 12,
    STEP_MAX_MANY = 8, /* with each step a literal registers one gram more */
    REACH_MAX = 48,    /* offsets beyond are not used: what a place finds starts near it */
    COUNT_BITS = 16,
    FEW = 1024,     /* literals whose grams of 4 bytes are selective enough */
    MANY = 1 << 14, /* beyond, 5 bytes are not */
    SHARED_COST = 3 * 16,
    /* Of the bitmap: so many that few places pass by accident, as far as it stays in a cache. */
    BITS_PER_GRAM = 64,
    BITS_PER_GRAM_MANY = 32,
    BITS_PER_GRAM_MOST = 16,
    BITMAP_LOG_MIN = 10,
    BITMAP_LOG_NEAR = 18, /* 32 KiB: a first-level cache */
    BITMAP_LOG_FAR = 21,  /* 256 KiB: a second-level one */
    BITMAP_LOG_MAX = 25,
    BUCKETS_LOG_MIN = 6,
};

typedef struct builder {
    fc_grams *g;
    const fc_patterns *patterns;
    const uint32_t *order;
    const uint8_t *rank_of_byte;
    uint16_t *counts; /* gram -> how many there are, by COUNT_BITS of the hash; NULL for few */
    uint64_t *chosen; /* `step` hashes of each pattern, in order of rank */
    uint8_t *offsets; /* their offsets */
} builder;

static uint64_t hash_at(const builder *b, const uint8_t *bytes, size_t left)
{
    return fc_gram_hash(b->g, fc_load_le64_part(bytes, left < 8 ? left : 8));
}

static size_t last_offset(const builder *b, size_t length)
{
    const size_t last = length - b->g->filter.bytes;
    return last < REACH_MAX ? last : REACH_MAX;
}

static void count_grams(builder *b)
{
    const fc_patterns *const p = b->patterns;
    for (size_t i = 0; i < p->count; i++) {
        const size_t length = (size_t)(p->offsets[i + 1] - p->offsets[i]);
        const size_t last = last_offset(b, length);
        for (size_t o = 0; o <= last; o++) {
            uint16_t *const count =
                &b->counts[hash_at(b, p->bytes + p->offsets[i] + o, length - o) >>
                           (64 - COUNT_BITS)];
            *count += *count != UINT16_MAX;
        }
    }
}

/*
 * How rare a gram is, in sixteenths of a bit: a byte of rank r is taken to be one in
 * 2^(3 + (255 - r) / 16) of all.
 */
static unsigned rarity(const builder *b, const uint8_t *bytes, uint64_t hash)
{
    unsigned bits = 16 * SHARED_COST; /* so that it stays above 0: counts have 16 bits */
    for (size_t i = 0; i < b->g->filter.bytes; i++)
        bits += 3 * 16 + 255u - b->rank_of_byte[bytes[i]];
    if (b->counts != NULL)
        for (unsigned count = b->counts[hash >> (64 - COUNT_BITS)]; count > 1; count >>= 1)
            bits -= SHARED_COST;
    return bits;
}

/* For each residue the rarest gram. */
static void choose(builder *b, size_t rank, uint32_t pattern)
{
    const fc_patterns *const p = b->patterns;
    const uint8_t *const bytes = p->bytes + p->offsets[pattern];
    const size_t length = (size_t)(p->offsets[pattern + 1] - p->offsets[pattern]);
    const size_t step = b->g->filter.step, last = last_offset(b, length);
    unsigned best[STEP_MAX] = {0};
    size_t residue = 0;

    for (size_t o = 0; o <= last; o++) {
        const uint64_t hash = hash_at(b, bytes + o, length - o);
        const unsigned bits = rarity(b, bytes + o, hash);
        if (bits > best[residue]) {
            best[residue] = bits;
            b->chosen[rank * step + residue] = hash;
            b->offsets[rank * step + residue] = (uint8_t)o;
            if (o > b->g->reach)
                b->g->reach = o;
        }
        residue = residue + 1 == step ? 0 : residue + 1;
    }
}

static unsigned log2_of(size_t least, unsigned from, unsigned to)
{
    while (from < to && (size_t)1 << from < least)
        from++;
    return from;
}

/* The i-th of those chosen, with eight bytes around it that begin and end in the literal. */
static fc_gram gram_of(const builder *b, size_t i)
{
    const fc_patterns *const p = b->patterns;
    const uint32_t rank = (uint32_t)(i / b->g->filter.step);
    const uint32_t pattern = b->order == NULL ? rank : b->order[rank];
    const size_t length = (size_t)(p->offsets[pattern + 1] - p->offsets[pattern]);
    const size_t bytes = length < 8 ? length : 8, offset = b->offsets[i];
    const size_t begin = offset + bytes <= length ? offset : length - bytes;
    const uint64_t word = fc_load_le64_part(p->bytes + p->offsets[pattern] + begin, bytes);

    return (fc_gram){.window = fc_window_hash(b->g, word, bytes),
                     .place = rank << 8 | (uint32_t)offset,
                     .before = (uint8_t)(offset - begin),
                     .bytes = (uint8_t)bytes};
}

static int make_tables(builder *b)
{
    fc_grams *const g = b->g;
    const size_t total = b->patterns->count * g->filter.step;
    const unsigned buckets_log = log2_of(2 * total, BUCKETS_LOG_MIN, 31);
    const unsigned near_log = log2_of(BITS_PER_GRAM * total, BITMAP_LOG_MIN, BITMAP_LOG_NEAR);
    const unsigned far_log = log2_of(BITS_PER_GRAM_MANY * total, near_log, BITMAP_LOG_FAR);
    const unsigned bitmap_log = log2_of(BITS_PER_GRAM_MOST * total, far_log, BITMAP_LOG_MAX);
    const size_t buckets = (size_t)1 << buckets_log, words = ((size_t)1 << bitmap_log) / 64;

    g->filter.shift = 64 - bitmap_log;
    g->bucket_shift = 64 - buckets_log;
    g->bitmap = calloc(words, sizeof *g->bitmap);
    g->first = calloc(buckets + 1, sizeof *g->first);
    g->grams = malloc(total * sizeof *g->grams);
    g->bytes = sizeof *g + words * sizeof *g->bitmap + (buckets + 1) * sizeof *g->first +
               total * sizeof *g->grams;
    if (!g->bitmap || !g->first || !g->grams)
        return 0;
    for (size_t i = 0; i < total; i++) {
        const uint64_t bit = b->chosen[i] >> g->filter.shift;
        g->bitmap[bit / 64] |= (uint64_t)1 << bit % 64;
        g->first[b->chosen[i] >> g->bucket_shift]++;
    }
    uint32_t end = 0;
    for (size_t bucket = 0; bucket <= buckets; bucket++) {
        end += g->first[bucket];
        g->first[bucket] = end;
    }
    /* Backwards, so that a bucket's grams come in order of rank. */
    for (size_t i = total; i-- > 0;)
        g->grams[--g->first[b->chosen[i] >> g->bucket_shift]] = gram_of(b, i);
    g->filter.bitmap = g->bitmap;
    return 1;
}

fc_status fc_grams_create(fc_grams **out, const fc_patterns *patterns, const uint32_t *order,
                          const uint8_t rank_of_byte[256], int fold)
{
    fc_grams *const g = calloc(1, sizeof *g);
    builder b = {.g = g, .patterns = patterns, .order = order, .rank_of_byte = rank_of_byte};
    size_t shortest = SIZE_MAX;

    if (g == NULL)
        return FC_ENOMEM;
    for (size_t i = 0; i < patterns->count; i++)
        if (patterns->offsets[i + 1] - patterns->offsets[i] < shortest)
            shortest = (size_t)(patterns->offsets[i + 1] - patterns->offsets[i]);
    const size_t step_max = patterns->count <= FEW ? STEP_MAX : STEP_MAX_MANY;
    g->filter.bytes = patterns->count <= FEW || shortest < 8    ? 4
                      : patterns->count <= MANY || shortest < 9 ? 5
                                                                : 6;
    g->filter.step =
        shortest - g->filter.bytes + 1 < step_max ? shortest - g->filter.bytes + 1 : step_max;
    g->filter.mask = UINT64_MAX >> (64 - 8 * g->filter.bytes);
    g->filter.fold = fold ? 0x2020202020202020u : 0;

    const size_t total = patterns->count * g->filter.step;
    b.chosen = malloc(total * sizeof *b.chosen);
    b.offsets = malloc(total);
    if (patterns->count > 1)
        b.counts = calloc((size_t)1 << COUNT_BITS, sizeof *b.counts);
    int made = b.chosen && b.offsets && (b.counts || patterns->count == 1);
    if (made) {
        if (b.counts != NULL)
            count_grams(&b);
        for (size_t rank = 0; rank < patterns->count; rank++)
            choose(&b, rank, order == NULL ? (uint32_t)rank : order[rank]);
        made = make_tables(&b);
    }
    free(b.chosen);
    free(b.offsets);
    free(b.counts);
    if (!made) {
        fc_grams_destroy(g);
        return FC_ENOMEM;
    }
    *out = g;
    return FC_OK;
}

void fc_grams_destroy(fc_grams *grams)
{
    if (grams == NULL)
        return;
    free(grams->bitmap);
    free(grams->first);
    free(grams->grams);
    free(grams);
}
