/*
 * text/prefixes.c - the longest of many strings that a text begins with.
 *
 * The strings are sorted, and each knows its `parent`, the longest other one that it
 * begins with. The last string not above the text is the longest one, or begins with it
 * as the text does: its ancestors are then tried, by length, against the number of bytes
 * that it shares with the text.
 *
 *     sorted:  a   ab   abc   abd   b        text "abcz": not above it: abc, which it is
 *     parent:  -   a    ab    ab    -        text "abz":  not above it: abd, shares 2: ab
 *
 * The search is by the first eight bytes, packed side by side, and by the strings only
 * where those are equal.
 */
#include <stdlib.h>
#include <string.h>

#include "text/automaton.h"

struct fc_prefixes {
    fc_patterns patterns; /* as given */
    int fold;
    uint32_t *sorted; /* rank -> pattern; of equal ones, the first */
    uint64_t *keys;   /* rank -> its first bytes, the first one highest, zeros behind */
    uint32_t *parent; /* pattern -> pattern, or FC_NO_PATTERN */
    uint32_t *same;   /* pattern -> the next equal one, or FC_NO_PATTERN */
    size_t distinct;
};

static const uint8_t *bytes_of(const fc_prefixes *p, uint32_t pattern)
{
    return p->patterns.bytes + p->patterns.offsets[pattern];
}

static size_t length_of(const fc_prefixes *p, uint32_t pattern)
{
    return (size_t)(p->patterns.offsets[pattern + 1] - p->patterns.offsets[pattern]);
}

static uint8_t lower_ascii(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static uint64_t key_of(const uint8_t *text, size_t length, int fold)
{
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++)
        key = key << 8 | (i >= length ? 0u : fold ? lower_ascii(text[i]) : text[i]);
    return key;
}

/* How many bytes the text and the pattern begin with in common. */
static size_t shared(const fc_prefixes *p, uint32_t pattern, const uint8_t *text, size_t length)
{
    const uint8_t *const bytes = bytes_of(p, pattern);
    const size_t own = length_of(p, pattern), most = own < length ? own : length;
    size_t i = 0;
    while (i < most && bytes[i] == (p->fold ? lower_ascii(text[i]) : text[i]))
        i++;
    return i;
}

/* Is the pattern above the text in byte order? A text is above what it begins with. */
static int is_above(const fc_prefixes *p, uint32_t pattern, const uint8_t *text, size_t length)
{
    const size_t i = shared(p, pattern, text, length);
    if (i == length_of(p, pattern))
        return 0;
    if (i == length)
        return 1;
    return bytes_of(p, pattern)[i] > (p->fold ? lower_ascii(text[i]) : text[i]);
}

static void link_up(fc_prefixes *p)
{
    size_t distinct = 0;
    uint32_t before = FC_NO_PATTERN;

    for (size_t i = 0; i < p->patterns.count; i++) {
        const uint32_t pattern = p->sorted[i];
        const uint8_t *const bytes = bytes_of(p, pattern);
        const size_t length = length_of(p, pattern);
        /* The one before and its ancestors: whatever `pattern` begins with is among them. */
        uint32_t up = distinct == 0 ? FC_NO_PATTERN : p->sorted[distinct - 1];

        p->same[pattern] = FC_NO_PATTERN;
        while (up != FC_NO_PATTERN &&
               (length_of(p, up) > length || memcmp(bytes_of(p, up), bytes, length_of(p, up)) != 0))
            up = p->parent[up];
        if (up != FC_NO_PATTERN && length_of(p, up) == length) {
            p->same[before] = pattern; /* equal ones stand side by side, by index */
            p->parent[pattern] = p->parent[up];
            before = pattern;
            continue;
        }
        before = pattern;
        p->parent[pattern] = up;
        p->keys[distinct] = key_of(bytes, length, 0);
        p->sorted[distinct++] = pattern;
    }
    p->distinct = distinct;
}

fc_status fc_prefixes_create(fc_prefixes **out, const uint8_t *bytes, const uint64_t *offsets,
                             size_t count, int fold_ascii, fc_error *error)
{
    fc_prefixes *const p = calloc(1, sizeof *p);
    if (p == NULL)
        return FC_ENOMEM;

    fc_status status = fc_patterns_copy(&p->patterns, bytes, offsets, count, fold_ascii, error);
    p->fold = fold_ascii;
    if (status == FC_OK) {
        p->sorted = malloc((count + 1) * sizeof *p->sorted);
        p->keys = malloc((count + 1) * sizeof *p->keys);
        p->parent = malloc((count + 1) * sizeof *p->parent);
        p->same = malloc((count + 1) * sizeof *p->same);
        if (!p->sorted || !p->keys || !p->parent || !p->same ||
            !fc_patterns_sort(&p->patterns, 0, p->sorted))
            status = FC_ENOMEM;
    }
    if (status != FC_OK) {
        fc_prefixes_destroy(p);
        return status;
    }
    link_up(p);
    *out = p;
    return FC_OK;
}

void fc_prefixes_destroy(fc_prefixes *prefixes)
{
    if (prefixes == NULL)
        return;
    fc_patterns_free(&prefixes->patterns);
    free(prefixes->sorted);
    free(prefixes->keys);
    free(prefixes->parent);
    free(prefixes->same);
    free(prefixes);
}

size_t fc_prefixes_bytes(const fc_prefixes *prefixes)
{
    const size_t each = sizeof *prefixes->sorted + sizeof *prefixes->keys +
                        sizeof *prefixes->parent + sizeof *prefixes->same +
                        sizeof *prefixes->patterns.offsets;
    return sizeof *prefixes + (prefixes->patterns.count + 1) * each +
           (size_t)prefixes->patterns.offsets[prefixes->patterns.count];
}

int64_t fc_prefixes_longest(const fc_prefixes *p, const uint8_t *text, size_t length)
{
    const uint64_t key = key_of(text, length, p->fold);
    size_t low = 0, high = p->distinct; /* ranks below low are not above the text */

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (p->keys[middle] < key ||
            (p->keys[middle] == key && !is_above(p, p->sorted[middle], text, length)))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return -1;
    uint32_t best = p->sorted[low - 1];
    const size_t agrees = shared(p, best, text, length);
    while (best != FC_NO_PATTERN && length_of(p, best) > agrees)
        best = p->parent[best];
    return best == FC_NO_PATTERN ? -1 : (int64_t)best;
}

int64_t fc_prefixes_next(const fc_prefixes *p, int64_t prefix)
{
    const uint32_t same = p->same[prefix];
    const uint32_t next = same != FC_NO_PATTERN ? same : p->parent[prefix];
    return next == FC_NO_PATTERN ? -1 : (int64_t)next;
}
