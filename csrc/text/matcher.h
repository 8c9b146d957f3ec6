/* text/matcher.h - what a matcher holds, and the checks that its engines share. */
#ifndef FC_TEXT_MATCHER_H
#define FC_TEXT_MATCHER_H

#include <stdatomic.h>

#include "base/byteset.h"
#include "fastcore/text.h"
#include "kernels/kernels.h"
#include "text/automaton.h"

typedef enum fc_engine {
    FC_ENGINE_NONE,      /* no patterns */
    FC_ENGINE_BYTE,      /* one pattern of one byte */
    FC_ENGINE_LITERAL,   /* one pattern, or equal ones */
    FC_ENGINE_BUCKETS,   /* a few, none shorter than three bytes, of a leftmost kind */
    FC_ENGINE_AUTOMATON, /* the rest, and every text that makes the others slow */
} fc_engine;

struct fc_matcher {
    const fc_kernels *kernels;
    fc_matcher_options options;
    fc_patterns patterns; /* in lower case with fold_ascii */
    fc_engine engine;
    fc_literal literal;
    fc_byteset byte_set;
    fc_buckets buckets;
    fc_prefixes *prefixes; /* of FC_ENGINE_BUCKETS: which pattern starts at a place */
    /* Made at once for FC_ENGINE_AUTOMATON, else by the first search that needs it. */
    _Atomic(fc_automaton *) automaton;
};

/* The automaton, made if need be; NULL for lack of memory. Any thread. */
const fc_automaton *fc_matcher_automaton(const fc_matcher *matcher);

/* Is there a word character right before text[at], or right at it, within [begin, end)? */
int fc_word_before(const uint8_t *text, size_t begin, size_t at, int unicode);
int fc_word_at(const uint8_t *text, size_t at, size_t end, int unicode);

#endif
