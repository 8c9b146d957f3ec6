/*
 * text/automaton.h - Aho-Corasick over byte classes, dense at the top, sparse below.
 *
 * Aho and Corasick, "Efficient string matching", CACM 18(6), 1975. States are the nodes
 * of the patterns' trie in breadth-first order, so that the shallow ones, where a search
 * spends its time, come first: as many as fit DENSE_BYTES_MAX have a full row of
 * transitions; the others have their children (neighbours in that order) and a failure
 * link.
 *
 * A state is written as a 32-bit number that needs no arithmetic in the inner loop: for a
 * dense one it is the index of its row in `dense`, and its lowest bit says "a pattern
 * ends here" (rows are placed so that this comes true). Sparse ones go on from there:
 * sparse_base + 2 * (node - dense_count) + that bit.
 *
 *     dense:  | row of node 0            | row of node 1            | ...
 *             | next state per class, node number | pad?
 *
 * For the leftmost kinds the automaton is made of the patterns reversed and reads the
 * text from right to left. At each place it then knows, without following any link, the
 * best of all patterns that start there (`best`); a pass from left to right over those
 * picks the leftmost ones. So the time is linear whatever the patterns, where automata
 * that read forwards go back after each match.
 */
#ifndef FC_TEXT_AUTOMATON_H
#define FC_TEXT_AUTOMATON_H

#include "fastcore/text.h"

#define FC_NO_PATTERN UINT32_MAX
#define FC_OUTPUT_BIT 0x80000000u

/* The patterns of a matcher: bytes[offsets[i] .. offsets[i + 1]). */
typedef struct fc_patterns {
    const uint8_t *bytes;
    const uint64_t *offsets;
    size_t count, longest;
} fc_patterns;

typedef struct fc_automaton {
    uint8_t class_of[256];
    uint32_t classes;     /* a row's node number stands at [classes] */
    uint32_t sparse_base; /* states from here on are sparse */
    uint32_t dense_count; /* nodes with a row */
    uint32_t node_count;
    uint32_t *dense;
    uint32_t *first;     /* sparse only: a node's children are nodes first[n] .. first[n + 1],
                            and FC_OUTPUT_BIT says that a pattern ends at n */
    uint32_t *fail;      /* sparse only: state */
    uint8_t *label;      /* sparse only: class that leads to the node */
    uint32_t *own;       /* pattern that ends at the node, the lowest index among equals */
    uint32_t *link;      /* nearest node on the failure path with an `own`; 0 = none */
    uint32_t *best;      /* leftmost kinds: the best pattern of the node and its links */
    uint32_t *next_same; /* pattern -> the next one with the same bytes; NULL without any */
    size_t bytes;        /* of memory, all in all */
} fc_automaton;

/*
 * fold: ASCII letters of the text in either case (the patterns are in lower case).
 * FC_ENOMEM, or FC_ELIMIT when the states do not fit 31 bits.
 */
fc_status fc_automaton_create(fc_automaton **out, const fc_patterns *patterns, fc_match_kind kind,
                              int fold);
void fc_automaton_destroy(fc_automaton *automaton);

/*
 * Hits of the tile text[base .. base + lanes * lane_bytes), cut at `length`, one lane
 * after the other in hits[lane * (lane_bytes + 1)]; counts[lane] of each. Lanes are read
 * side by side, each from `context` bytes before (backward: behind) its own, so that the
 * waits of one for memory are filled by the others.
 *
 * backward: hits are starts, in descending order; else they are ends - 1, ascending, of
 * matches that do not begin before text[floor].
 */
void fc_automaton_hits(const fc_automaton *automaton, const uint8_t *text, size_t floor,
                       size_t length, size_t base, size_t lanes, size_t lane_bytes, size_t context,
                       int backward, fc_hit *hits, size_t counts[FC_LANES]);

static inline uint32_t fc_automaton_node(const fc_automaton *automaton, uint32_t state)
{
    return state < automaton->sparse_base
               ? automaton->dense[state + automaton->classes]
               : automaton->dense_count + ((state - automaton->sparse_base) >> 1);
}

/* matcher.c: a checked copy, in lower case with `fold_ascii`; errors as fc_matcher_create(). */
fc_status fc_patterns_copy(fc_patterns *out, const uint8_t *bytes, const uint64_t *offsets,
                           size_t count, int fold_ascii, fc_error *error);
void fc_patterns_free(fc_patterns *patterns);

/* patterns.c: sort[] becomes the patterns' indices by their bytes (read from the end when
 * `reversed`), equal ones by index. 0 for lack of memory. */
int fc_patterns_sort(const fc_patterns *patterns, int reversed, uint32_t *sorted);

#endif
