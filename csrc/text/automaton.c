/*
 * text/automaton.c - from patterns to states.
 *
 *     sort the patterns; where one differs from the one before, its trie nodes begin
 *     count the nodes of each depth        -> breadth-first numbers, without a queue
 *     go over the patterns again           -> children, labels, which pattern ends where
 *     go over the nodes in number order    -> failure links, then rows, each made of the
 *                                             row it fails to and its own children
 *
 * Every array is read and written in order but for the failure links, so that a million
 * patterns take seconds, not minutes.
 */
#include <stdlib.h>
#include <string.h>

#include "text/automaton.h"

/* Rows of transitions that stay in the second-level cache of a server's core. */
#define DENSE_BYTES_MAX     ((size_t)1 << 20)
/* All states get rows where that takes no more than this: no state then needs a test. */
#define ALL_DENSE_BYTES_MAX ((size_t)4 << 20)

#define UNSET UINT32_MAX

typedef struct builder {
    fc_automaton *a;
    const fc_patterns *patterns;
    int reversed;
    uint32_t *sorted;    /* patterns in order */
    uint32_t *shared;    /* bytes that sorted[i] begins with as sorted[i - 1] does */
    uint32_t *fail_node; /* node -> node */
    uint32_t *at_depth;  /* first node, then next free node, of each depth */
    uint32_t *path;      /* node at each depth of the pattern at hand */
    uint32_t *row_of;    /* dense node -> state */
    uint32_t row_end;
} builder;

static size_t pattern_length(const fc_patterns *patterns, uint32_t pattern)
{
    return (size_t)(patterns->offsets[pattern + 1] - patterns->offsets[pattern]);
}

static uint8_t byte_at(const builder *b, uint32_t pattern, size_t depth)
{
    const fc_patterns *const p = b->patterns;
    return p
        ->bytes[b->reversed ? p->offsets[pattern + 1] - 1 - depth : p->offsets[pattern] + depth];
}

/* Classes keep the bytes' order; class 0 is every byte that no pattern has, if there is one. */
static void make_classes(fc_automaton *a, const fc_patterns *patterns, int fold)
{
    uint8_t used[256] = {0};
    const uint64_t total = patterns->offsets[patterns->count] - patterns->offsets[0];
    uint32_t next = 0;
    int all = 1;

    for (uint64_t i = 0; i < total; i++)
        used[patterns->bytes[patterns->offsets[0] + i]] = 1;
    for (int byte = 0; byte < 256; byte++)
        all &= used[byte];
    next = all ? 0 : 1;
    for (int byte = 0; byte < 256; byte++)
        a->class_of[byte] = used[byte] ? (uint8_t)next++ : 0;
    a->classes = next;
    if (fold)
        for (int byte = 'A'; byte <= 'Z'; byte++)
            a->class_of[byte] = a->class_of[byte | 0x20];
}

static size_t shared_bytes(const builder *b, uint32_t x, uint32_t y)
{
    const size_t lx = pattern_length(b->patterns, x), ly = pattern_length(b->patterns, y);
    const size_t most = lx < ly ? lx : ly;
    size_t i = 0;
    while (i < most && byte_at(b, x, i) == byte_at(b, y, i))
        i++;
    return i;
}

/* Number the nodes by depth; how many there are, 0 when they do not fit. */
static size_t count_nodes(builder *b)
{
    const fc_patterns *const p = b->patterns;
    uint64_t total = 1;

    for (size_t i = 0; i < p->count; i++) {
        const size_t length = pattern_length(p, b->sorted[i]);
        b->shared[i] = i == 0 ? 0 : (uint32_t)shared_bytes(b, b->sorted[i - 1], b->sorted[i]);
        for (size_t d = b->shared[i] + 1; d <= length; d++)
            b->at_depth[d]++;
        total += length - b->shared[i];
    }
    if (total > UINT32_MAX / 4)
        return 0;
    uint32_t next = 1;
    for (size_t d = 1; d <= p->longest; d++) {
        const uint32_t count = b->at_depth[d];
        b->at_depth[d] = next;
        next += count;
    }
    return (size_t)total;
}

static void make_trie(builder *b)
{
    fc_automaton *const a = b->a;
    const fc_patterns *const p = b->patterns;

    for (uint32_t n = 0; n <= a->node_count; n++)
        a->first[n] = UNSET;
    for (uint32_t n = 0; n < a->node_count; n++)
        a->own[n] = FC_NO_PATTERN;
    b->path[0] = 0;
    for (size_t i = 0; i < p->count; i++) {
        const uint32_t pattern = b->sorted[i];
        const size_t length = pattern_length(p, pattern);

        for (size_t d = b->shared[i] + 1; d <= length; d++) {
            const uint32_t node = b->at_depth[d]++, parent = b->path[d - 1];
            a->label[node] = a->class_of[byte_at(b, pattern, d - 1)];
            if (a->first[parent] == UNSET)
                a->first[parent] = node;
            b->path[d] = node;
        }
        const uint32_t end = b->path[length];
        if (a->own[end] == FC_NO_PATTERN)
            a->own[end] = pattern;
        else /* equal patterns stand side by side, by index */
            a->next_same[b->sorted[i - 1]] = pattern;
    }
    a->first[a->node_count] = a->node_count;
    for (uint32_t n = a->node_count; n-- > 0;)
        if (a->first[n] == UNSET)
            a->first[n] = a->first[n + 1];
}

/* The child of `node` by `label`, or 0. */
static uint32_t child(const fc_automaton *a, uint32_t node, uint8_t label)
{
    uint32_t low = a->first[node], high = a->first[node + 1];
    while (high - low > 8) {
        const uint32_t middle = low + (high - low) / 2;
        if (a->label[middle] <= label)
            low = middle;
        else
            high = middle;
    }
    for (; low < high; low++)
        if (a->label[low] == label)
            return low;
    return 0;
}

static int has_output(const fc_automaton *a, uint32_t node)
{
    return a->own[node] != FC_NO_PATTERN || a->link[node] != 0;
}

static uint32_t state_of(const builder *b, uint32_t node)
{
    return node < b->a->dense_count ? b->row_of[node]
                                    : b->a->sparse_base + 2 * (node - b->a->dense_count) +
                                          (uint32_t)has_output(b->a, node);
}

/* The node reached from `node`, whose links are made already, by a byte of class `label`. */
static uint32_t go(const builder *b, uint32_t node, uint8_t label)
{
    for (;;) {
        if (node < b->a->dense_count)
            return fc_automaton_node(b->a, b->a->dense[b->row_of[node] + label]);
        const uint32_t next = child(b->a, node, label);
        if (next != 0)
            return next;
        node = b->fail_node[node];
    }
}

static uint32_t better(fc_match_kind kind, uint32_t own, uint32_t inherited)
{
    if (own == FC_NO_PATTERN)
        return inherited;
    return kind == FC_LEFTMOST_LONGEST || own < inherited ? own : inherited;
}

static void place_row(builder *b, uint32_t node)
{
    b->row_end += (b->row_end & 1) != (uint32_t)has_output(b->a, node);
    b->row_of[node] = b->row_end;
    b->a->dense[b->row_end + b->a->classes] = node;
    b->row_end += b->a->classes + 1;
}

static void make_links(builder *b, fc_match_kind kind)
{
    fc_automaton *const a = b->a;

    b->fail_node[0] = a->link[0] = 0;
    if (a->best)
        a->best[0] = FC_NO_PATTERN;
    place_row(b, 0);
    memset(a->dense, 0, a->classes * sizeof *a->dense);
    for (uint32_t n = 0; n < a->node_count; n++) {
        const uint32_t fail = b->fail_node[n], end = a->first[n + 1];

        for (uint32_t c = a->first[n]; c < end; c++) {
            const uint32_t to = n == 0 ? 0 : go(b, fail, a->label[c]);
            b->fail_node[c] = to;
            a->link[c] = a->own[to] != FC_NO_PATTERN ? to : a->link[to];
            if (a->best)
                a->best[c] = better(kind, a->own[c], a->best[to]);
            if (c < a->dense_count)
                place_row(b, c);
        }
        if (n < a->dense_count) {
            uint32_t *const row = a->dense + b->row_of[n];
            if (n != 0)
                memcpy(row, a->dense + b->row_of[fail], a->classes * sizeof *row);
            for (uint32_t c = a->first[n]; c < end; c++)
                row[a->label[c]] = state_of(b, c);
        }
    }
    if (a->dense_count < a->node_count)
        for (uint32_t n = 0; n < a->node_count; n++) {
            a->fail[n] = state_of(b, b->fail_node[n]);
            if (has_output(a, n))
                a->first[n] |= FC_OUTPUT_BIT;
        }
}

static int has_equals(const builder *b)
{
    for (size_t i = 1; i < b->patterns->count; i++)
        if (b->shared[i] == pattern_length(b->patterns, b->sorted[i]) &&
            b->shared[i] == pattern_length(b->patterns, b->sorted[i - 1]))
            return 1;
    return 0;
}

static void *words(fc_automaton *a, size_t count)
{
    a->bytes += count * sizeof(uint32_t);
    return malloc((count + 1) * sizeof(uint32_t));
}

/* How many nodes get a row, and where states without one begin. */
static void divide(fc_automaton *a)
{
    const size_t row_bytes = (a->classes + 2) * sizeof *a->dense;
    const size_t most = a->node_count * row_bytes <= ALL_DENSE_BYTES_MAX
                            ? a->node_count
                            : DENSE_BYTES_MAX / row_bytes;
    a->dense_count = (uint32_t)(most < a->node_count ? most : a->node_count);
    a->sparse_base = (a->dense_count * (a->classes + 2) + 1) & ~1u;
}

static fc_status build(builder *b, fc_match_kind kind)
{
    fc_automaton *const a = b->a;
    const size_t count = b->patterns->count, depths = b->patterns->longest + 1;

    b->sorted = malloc((count + 1) * sizeof *b->sorted);
    b->shared = malloc((count + 1) * sizeof *b->shared);
    b->at_depth = calloc(depths, sizeof *b->at_depth);
    b->path = malloc(depths * sizeof *b->path);
    if (!b->sorted || !b->shared || !b->at_depth || !b->path ||
        !fc_patterns_sort(b->patterns, b->reversed, b->sorted))
        return FC_ENOMEM;
    a->node_count = (uint32_t)count_nodes(b);
    if (a->node_count == 0)
        return FC_ELIMIT;
    divide(a);
    a->dense = words(a, a->sparse_base);
    a->first = words(a, (size_t)a->node_count + 1);
    a->own = words(a, a->node_count);
    a->link = words(a, a->node_count);
    a->label = malloc(a->node_count);
    a->bytes += sizeof *a + a->node_count;
    b->fail_node = malloc(a->node_count * sizeof *b->fail_node);
    b->row_of = malloc((a->dense_count + 1) * sizeof *b->row_of);
    if (b->reversed)
        a->best = words(a, a->node_count);
    if (a->dense_count < a->node_count)
        a->fail = words(a, a->node_count);
    if (!a->dense || !a->first || !a->own || !a->link || !a->label || !b->fail_node || !b->row_of ||
        (b->reversed && !a->best) || (a->dense_count < a->node_count && !a->fail))
        return FC_ENOMEM;
    if (has_equals(b)) {
        a->next_same = words(a, count);
        if (!a->next_same)
            return FC_ENOMEM;
        for (size_t i = 0; i < count; i++)
            a->next_same[i] = FC_NO_PATTERN;
    }
    make_trie(b);
    make_links(b, kind);
    if (a->fail == NULL) { /* every state has a row */
        a->bytes -= a->node_count + (a->node_count + (size_t)1) * sizeof *a->first;
        free(a->first);
        free(a->label);
        a->first = NULL;
        a->label = NULL;
    }
    return FC_OK;
}

fc_status fc_automaton_create(fc_automaton **out, const fc_patterns *patterns, fc_match_kind kind,
                              int fold)
{
    builder b = {.patterns = patterns, .reversed = kind != FC_OVERLAPPING};

    b.a = calloc(1, sizeof *b.a);
    if (b.a == NULL)
        return FC_ENOMEM;
    make_classes(b.a, patterns, fold);
    const fc_status status = build(&b, kind);
    free(b.sorted);
    free(b.shared);
    free(b.fail_node);
    free(b.at_depth);
    free(b.path);
    free(b.row_of);
    if (status != FC_OK)
        fc_automaton_destroy(b.a);
    else
        *out = b.a;
    return status;
}

void fc_automaton_destroy(fc_automaton *automaton)
{
    if (automaton == NULL)
        return;
    free(automaton->dense);
    free(automaton->first);
    free(automaton->fail);
    free(automaton->label);
    free(automaton->own);
    free(automaton->link);
    free(automaton->best);
    free(automaton->next_same);
    free(automaton);
}
