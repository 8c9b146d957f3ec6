/*
 * text/patterns.c - patterns in the order of their bytes, forwards or backwards.
 *
 * Multikey quicksort (Bentley and Sedgewick, "Fast algorithms for sorting and searching
 * strings", 1997), seven bytes at a time: a key holds seven bytes, the first one highest,
 * and in its lowest byte how many of them are real, 8 for "and more follow". So keys that
 * differ order the strings, and equal keys mean either equal strings or the next seven
 * bytes. The largest of the three parts is done in the loop, which bounds the recursion
 * by the logarithm of the count.
 */
#include <stdlib.h>

#include "text/automaton.h"

enum { KEY_BYTES = 7, KEY_MORE = 8, FEW = 16 };

typedef struct item {
    uint64_t key;
    uint32_t pattern;
} item;

typedef struct sorter {
    const fc_patterns *patterns;
    int reversed;
    uint32_t random;
} sorter;

static uint64_t key_at(const sorter *s, uint32_t pattern, size_t depth)
{
    const uint8_t *const bytes = s->patterns->bytes + s->patterns->offsets[pattern];
    const size_t length =
        (size_t)(s->patterns->offsets[pattern + 1] - s->patterns->offsets[pattern]);
    const size_t left = length - depth;
    const size_t count = left < KEY_BYTES ? left : KEY_BYTES;
    uint64_t key = 0;

    for (size_t i = 0; i < count; i++)
        key |= (uint64_t)(s->reversed ? bytes[length - 1 - depth - i] : bytes[depth + i])
               << (56 - 8 * i);
    return key | (left > KEY_BYTES ? KEY_MORE : left);
}

static int by_pattern(const void *a, const void *b)
{
    const uint32_t x = ((const item *)a)->pattern, y = ((const item *)b)->pattern;
    return (x > y) - (x < y);
}

static void swap_items(item *a, item *b)
{
    const item held = *a;
    *a = *b;
    *b = held;
}

static uint64_t pivot_of(sorter *s, const item *items, size_t count)
{
    uint64_t keys[3];
    for (int i = 0; i < 3; i++) {
        s->random = s->random * 1664525u + 1013904223u; /* Knuth, TAOCP 2, 3.3.4 */
        keys[i] = items[((uint64_t)s->random * count) >> 32].key;
    }
    const uint64_t low = keys[0] < keys[1] ? keys[0] : keys[1];
    const uint64_t high = keys[0] < keys[1] ? keys[1] : keys[0];
    return keys[2] < low ? low : keys[2] > high ? high : keys[2];
}

static void insertion_sort(item *items, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && items[j].key < items[j - 1].key; j--)
            swap_items(&items[j], &items[j - 1]);
}

static void sort_part(sorter *s, item *items, size_t count, size_t depth)
{
    while (count > 1) {
        size_t low = 0, at = 0, high = count; /* below: [0, low), above: [high, count) */

        if (count <= FEW) {
            insertion_sort(items, count);
            if (items[0].key != items[count - 1].key) {
                for (size_t run; low < count; low += run) {
                    for (run = 1; low + run < count && items[low + run].key == items[low].key;)
                        run++;
                    sort_part(s, items + low, run, depth);
                }
                return;
            }
        } else {
            const uint64_t pivot = pivot_of(s, items, count);
            while (at < high) {
                if (items[at].key < pivot)
                    swap_items(&items[low++], &items[at++]);
                else if (items[at].key > pivot)
                    swap_items(&items[at], &items[--high]);
                else
                    at++;
            }
        }

        const size_t below = low, equal = high - low, above = count - high;
        const int more = (items[low].key & 0xFF) == KEY_MORE;
        if (!more)
            qsort(items + low, equal, sizeof *items, by_pattern);
        else
            for (size_t i = low; i < high; i++)
                items[i].key = key_at(s, items[i].pattern, depth + KEY_BYTES);

        const size_t deeper = more ? equal : 0;
        if (deeper >= below && deeper >= above) {
            sort_part(s, items, below, depth);
            sort_part(s, items + high, above, depth);
            items += low;
            count = deeper;
            depth += KEY_BYTES;
        } else if (below >= above) {
            sort_part(s, items + low, deeper, depth + KEY_BYTES);
            sort_part(s, items + high, above, depth);
            count = below;
        } else {
            sort_part(s, items, below, depth);
            sort_part(s, items + low, deeper, depth + KEY_BYTES);
            items += high;
            count = above;
        }
    }
}

int fc_patterns_sort(const fc_patterns *patterns, int reversed, uint32_t *sorted)
{
    sorter s = {.patterns = patterns, .reversed = reversed, .random = 1};
    item *const items = malloc((patterns->count + 1) * sizeof *items);

    if (items == NULL)
        return 0;
    for (size_t i = 0; i < patterns->count; i++)
        items[i] = (item){key_at(&s, (uint32_t)i, 0), (uint32_t)i};
    sort_part(&s, items, patterns->count, 0);
    for (size_t i = 0; i < patterns->count; i++)
        sorted[i] = items[i].pattern;
    free(items);
    return 1;
}
