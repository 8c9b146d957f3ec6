/* text/matcher.h - what a matcher holds, and the checks that its engines share. */
#ifndef FC_TEXT_MATCHER_H
#define FC_TEXT_MATCHER_H

#include <stdatomic.h>

#include "base/byteset.h"
#include "fastcore/text.h"
#include "kernels/kernels.h"
#include "text/automaton.h"
#include "text/grams.h"

typedef enum fc_engine {
    FC_ENGINE_NONE,      /* no patterns */
    FC_ENGINE_BYTE,      /* one pattern of one byte */
    FC_ENGINE_LITERAL,   /* one pattern, or equal ones */
    FC_ENGINE_BUCKETS,   /* a few, none shorter than three bytes */
    FC_ENGINE_GRAMS,     /* many, none shorter than FC_GRAMS_SHORTEST */
    FC_ENGINE_AUTOMATON, /* the rest, and every text that makes the others slow */
} fc_engine;

#define FC_BUCKETS             8
#define FC_BUCKET_PATTERNS_MAX 64

/* The literals of buckets: those of bucket k are each[first[k]] .. each[first[k + 1]]. */
typedef struct fc_bucket_list {
    size_t first[FC_BUCKETS + 1];
    size_t reach; /* the greatest offset */
    struct {
        uint64_t head, mask; /* its first bytes, 8 at most, and which of a word these are */
        uint32_t rank;
        uint32_t offset; /* of the bytes that buckets are about */
    } each[FC_BUCKET_PATTERNS_MAX];
} fc_bucket_list;

struct fc_matcher {
    const fc_kernels *kernels;
    fc_matcher_options options;
    fc_patterns patterns; /* in lower case with fold_ascii */
    fc_engine engine;
    fc_literal literal;
    fc_byteset byte_set;
    fc_buckets buckets;
    fc_bucket_list bucket_list;
    fc_grams *grams;
    /* Patterns in the order in which those of one start (overlapping: end) are reported or
     * preferred; NULL where it is their own. */
    uint32_t *order;
    size_t shortest;
    /* Made at once for FC_ENGINE_AUTOMATON, else by the first search that needs it. */
    _Atomic(fc_automaton *) automaton;
};

/* The automaton, made if need be; NULL for lack of memory. Any thread. */
const fc_automaton *fc_matcher_automaton(const fc_matcher *matcher);

/* Is there a word character right before text[at], or right at it, within [begin, end)? */
int fc_word_before(const uint8_t *text, size_t begin, size_t at, int unicode);
int fc_word_at(const uint8_t *text, size_t at, size_t end, int unicode);

#endif
