/*
 * text/keys.c - engines that propose places: what stands there, in the order of the matches.
 *
 * A place that buckets or grams propose is compared with the few literals that it may
 * belong to. Each occurrence becomes a key, a number whose order is that of the matches:
 *
 *     leftmost kinds   start << 24 | rank    of one start, the literal to be preferred first
 *     overlapping      end   << 24 | rank    of one end, the longest literal first
 *
 * Places come in order, occurrences nearly so: a key is inserted from the end. Those that
 * no later place can come before are ready; the others wait for the next tile.
 *
 * Looking at places takes time that the text, or whoever made it, decides on: work is
 * counted, and when it outweighs the scan the automaton goes on from where all is ready.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "text/cursor.h"

enum {
    TILE_BYTES_FIRST = 256,
    TILE_BYTES_MAX = 1 << 14,
    PLACES_FIRST = 64,
    PLACES_MAX = 2048,
    KEYS_FIRST = 64,
    TABLES_NEAR_BYTES = 1 << 18,
    /* Work is counted in comparisons. */
    WORK_FREE = 512,
    WORK_BYTES = 4,    /* bytes of text that pay for one */
    AGREED_BYTES = 16, /* of a literal, that cost another */
    KEYS_MOVED = 8,    /* likewise */
    GRAMS_PASSED = 8,  /* and grams of a bucket */
};

static int is_hard(const fc_cursor *c) { return c->work > WORK_FREE + c->at / WORK_BYTES; }

static uint64_t lower_ascii8(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    const uint64_t low7 = word & ~high;
    const uint64_t from_a = low7 + ones * (0x80 - 'A');
    const uint64_t past_z = low7 + ones * (0x80 - 'Z' - 1);
    return word | ((from_a & ~past_z & ~word & high) >> 2);
}

static uint64_t word_at(const uint8_t *text, int fold)
{
    const uint64_t word = fc_load_le64(text);
    return fold ? lower_ascii8(word) : word;
}

/* How many bytes the text and a literal have in common, rounded down to a word unless all. */
static size_t agrees(const uint8_t *text, const uint8_t *bytes, size_t length, int fold)
{
    size_t i = 0;

    if (length < 8) {
        const uint64_t word = fc_load_le64_part(text, length);
        return (fold ? lower_ascii8(word) : word) == fc_load_le64_part(bytes, length) ? length : 0;
    }
    for (; i + 8 < length; i += 8)
        if (word_at(text + i, fold) != fc_load_le64(bytes + i))
            return i;
    return word_at(text + length - 8, fold) == fc_load_le64(bytes + length - 8) ? length : i;
}

static int reserve_keys(fc_cursor *c, size_t capacity)
{
    if (capacity <= c->buffer_capacity)
        return 1;
    uint64_t *const larger = realloc(c->buffer, capacity * sizeof *larger);
    if (larger == NULL)
        return 0;
    c->buffer = larger;
    c->buffer_capacity = capacity;
    return 1;
}

static int reserve_places(fc_cursor *c, size_t bytes)
{
    if (bytes <= c->places_bytes)
        return 1;
    free(c->places);
    c->places = malloc(bytes);
    c->places_bytes = c->places ? bytes : 0;
    return c->places != NULL;
}

static int add_key(fc_cursor *c, size_t place, uint32_t rank)
{
    const uint64_t key = (uint64_t)place << FC_RANK_BITS | rank;
    size_t i = c->keys;

    if (i == c->buffer_capacity && !reserve_keys(c, 2 * i))
        return 0;
    uint64_t *const keys = c->buffer;
    for (; i > 0 && keys[i - 1] > key; i--)
        keys[i] = keys[i - 1];
    keys[i] = key;
    c->work += (c->keys - i) / KEYS_MOVED;
    c->keys++;
    return 1;
}

/* Does the literal of this rank stand at text[start]? 0 for lack of memory. */
static int look(fc_cursor *c, uint32_t rank, size_t start)
{
    const fc_matcher *const m = c->matcher;
    const fc_patterns *const p = &m->patterns;
    const uint32_t pattern = m->order == NULL ? rank : m->order[rank];
    const size_t length = (size_t)(p->offsets[pattern + 1] - p->offsets[pattern]);

    c->work++;
    if (length > c->length - start)
        return 1;
    const size_t common =
        agrees(c->text + start, p->bytes + p->offsets[pattern], length, m->options.fold_ascii);
    c->work += common / AGREED_BYTES;
    return common != length ||
           add_key(c, m->options.kind == FC_OVERLAPPING ? start + length : start, rank);
}

static uint64_t word_from(const fc_cursor *c, size_t place)
{
    return FC_LIKELY(place + 8 <= c->length)
               ? fc_load_le64(c->text + place)
               : fc_load_le64_part(c->text + place, c->length - place);
}

static size_t bucket_at(const fc_cursor *c, size_t place)
{
    const fc_grams *const g = c->matcher->grams;
    return (size_t)(fc_gram_hash(g, word_from(c, place)) >> g->bucket_shift);
}

static int look_at_grams(fc_cursor *c, size_t place, size_t bucket)
{
    const fc_grams *const g = c->matcher->grams;
    const uint32_t end = g->first[bucket + 1];

    c->work += (end - g->first[bucket]) / GRAMS_PASSED;
    for (uint32_t i = g->first[bucket]; i < end; i++) {
        const fc_gram gram = g->grams[i];
        const size_t offset = gram.place & 0xFF;

        if (place < offset || place - offset < c->floor)
            continue;
        const size_t window = place - gram.before;
        const uint64_t word = word_from(c, window);
        if (fc_window_hash(g, word, gram.bytes) == gram.window &&
            !look(c, gram.place >> 8, place - offset))
            return 0;
    }
    return 1;
}

static int look_at_bucket(fc_cursor *c, size_t place)
{
    const fc_buckets *const b = &c->matcher->buckets;
    const fc_bucket_list *const list = &c->matcher->bucket_list;
    const int fold = c->matcher->options.fold_ascii;
    const uint8_t *const text = c->text + place;
    unsigned bits = 0xFF;

    for (size_t i = 0; i < FC_BUCKET_BYTES; i++)
        bits &= b->low[i][text[i] & 15] & b->high[i][text[i] >> 4];
    c->work++;
    for (; bits != 0; bits &= bits - 1) {
        const size_t bucket = (size_t)fc_ctz64(bits);
        for (size_t i = list->first[bucket]; i < list->first[bucket + 1]; i++) {
            const size_t offset = list->each[i].offset, start = place - offset;
            if (place < offset || start < c->floor)
                continue;
            const uint64_t word = word_from(c, start);
            if (((fold ? lower_ascii8(word) : word) & list->each[i].mask) == list->each[i].head &&
                !look(c, list->each[i].rank, start))
                return 0;
        }
    }
    return 1;
}

/*
 * Ask for what is about to be needed: tables of many literals do not fit a cache, and one
 * wait for all of a tile's places is shorter than one for each.
 */
static void prefetch(const fc_cursor *c, size_t begin, const uint32_t *places, size_t count,
                     uint32_t *buckets)
{
    const fc_grams *const g = c->matcher->grams;

    for (size_t i = 0; i < count; i++) {
        buckets[i] = (uint32_t)bucket_at(c, begin + places[i]);
        FC_PREFETCH(g->first + buckets[i]);
    }
    for (size_t i = 0; g->bytes > TABLES_NEAR_BYTES && i < count; i++)
        FC_PREFETCH(g->grams + g->first[buckets[i]]);
}

/* Propose places and look at them; c->at becomes where to go on. 0 for lack of memory. */
static int scan_grams(fc_cursor *c)
{
    const fc_matcher *const m = c->matcher;
    const fc_gram_filter *const f = &m->grams->filter;
    const size_t begin = c->at;
    const size_t tile = fc_min(fc_max(4 * c->tile_bytes, TILE_BYTES_FIRST), TILE_BYTES_MAX);
    const size_t room = tile / f->step + 2;

    c->tile_bytes = tile;
    if (!reserve_places(c, 2 * room * sizeof(uint32_t)))
        return 0;
    uint32_t *const places = c->places, *const buckets = places + room;
    const size_t count =
        m->kernels->gram_places(c->text, c->length, f, &c->at, begin + tile, places);
    if (c->at + f->bytes > c->length)
        c->at = c->length;
    prefetch(c, begin, places, count, buckets);
    for (size_t i = 0; i < count; i++) {
        if (!look_at_grams(c, begin + places[i], buckets[i]))
            return 0;
        if (is_hard(c)) {
            c->at = fc_min(c->at, begin + places[i] + f->step);
            break;
        }
    }
    return 1;
}

static int scan_buckets(fc_cursor *c)
{
    const fc_matcher *const m = c->matcher;
    const size_t held = c->places_bytes / sizeof(int64_t);
    const size_t capacity = fc_min(fc_max(4 * held, PLACES_FIRST), PLACES_MAX);

    if (!reserve_places(c, capacity * sizeof(int64_t)))
        return 0;
    const int64_t *const places = c->places;
    const size_t count =
        m->kernels->bucket_starts(c->text, c->length, &m->buckets, &c->at, c->places, capacity);
    if (count < capacity)
        c->at = c->length;
    for (size_t i = 0; i < count; i++) {
        if (!look_at_bucket(c, (size_t)places[i]))
            return 0;
        if (is_hard(c)) {
            c->at = fc_min(c->at, (size_t)places[i] + 1);
            break;
        }
    }
    return 1;
}

/*
 * Keys of places below this one are all there. An occurrence is met within `reach` of its
 * start, and not later than the bytes it is met by still fit before its end.
 */
static size_t sure_place(const fc_cursor *c)
{
    const fc_matcher *const m = c->matcher;
    const int has_grams = c->engine == FC_ENGINE_GRAMS;
    const size_t reach = has_grams ? m->grams->reach : m->bucket_list.reach;

    if (c->at >= c->length)
        return SIZE_MAX;
    if (m->options.kind == FC_OVERLAPPING)
        return c->at + (has_grams ? m->grams->filter.bytes : FC_BUCKET_BYTES);
    return c->at > reach ? c->at - reach : 0;
}

size_t fc_fill_keys(fc_cursor *c, fc_status *status)
{
    uint64_t *keys = c->buffer;

    if (c->ready != 0)
        memmove(keys, keys + c->ready, (c->keys - c->ready) * sizeof *keys);
    c->keys -= c->ready;
    c->ready = 0;
    if (!reserve_keys(c, KEYS_FIRST) ||
        !(c->engine == FC_ENGINE_GRAMS ? scan_grams(c) : scan_buckets(c))) {
        *status = FC_ENOMEM;
        return 0;
    }
    const size_t sure = sure_place(c);
    keys = c->buffer;
    for (c->ready = c->keys; c->ready > 0 && keys[c->ready - 1] >> FC_RANK_BITS >= sure;)
        c->ready--;
    if (is_hard(c) && c->at < c->length) {
        c->keys = c->ready;
        c->engine = FC_ENGINE_AUTOMATON;
        c->at = c->matcher->options.kind == FC_OVERLAPPING ? sure - 1 : sure;
    }
    return c->ready;
}

size_t fc_read_keys(fc_cursor *c, const fc_matches *out, size_t count, size_t capacity)
{
    const uint64_t *const keys = c->buffer;
    const uint32_t *const order = c->matcher->order;
    const int overlapping = c->matcher->options.kind == FC_OVERLAPPING;

    for (; c->next < c->counts[0] && count < capacity; c->next++) {
        const size_t place = (size_t)(keys[c->next] >> FC_RANK_BITS);
        const uint32_t rank = (uint32_t)(keys[c->next] & (((uint32_t)1 << FC_RANK_BITS) - 1));
        const uint32_t pattern = order == NULL ? rank : order[rank];
        const size_t length = fc_length_of(c, pattern);
        const size_t start = overlapping ? place - length : place;

        if (!fc_allowed(c, start, start + length, overlapping ? place - 1 : place))
            continue;
        fc_emit(c, out, count++, pattern, start, start + length);
        if (!overlapping)
            c->floor = start + length;
    }
    return count;
}
