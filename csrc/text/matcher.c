/*
 * text/matcher.c - from a list of patterns to a matcher, and which engine it gets.
 *
 * One pattern is searched for by its two rarest bytes (kernels/find_literal.inc.h), by
 * the order below; a single byte, by the byte kernels; a few, by three bytes of each
 * (kernels/bucket_starts.inc.h); more, by grams of them (grams.h), or by an automaton where
 * some are too short for that.
 */
#include "text/matcher.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

/*
 * Bytes from rare (0) to frequent (255), as counted in a mix of server logs, JSON records
 * and prose in English, Russian and Chinese, each source weighing the same.
 */
static const uint8_t frequency_rank[256] = {
    227, 0,   1,   2,   3,   4,   5,   6,   7,   52,  239, 46,  47,  200, 8,   9,   10,  11,  12,
    13,  14,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  255, 103, 253, 91,  171, 88,
    86,  174, 178, 179, 96,  128, 246, 216, 229, 220, 254, 248, 240, 235, 238, 234, 232, 233, 230,
    245, 244, 143, 89,  185, 90,  132, 97,  219, 203, 209, 202, 205, 211, 169, 167, 198, 161, 149,
    186, 187, 192, 190, 170, 162, 176, 196, 195, 160, 118, 159, 120, 124, 154, 226, 204, 214, 60,
    212, 83,  249, 218, 228, 236, 252, 217, 221, 225, 242, 189, 210, 237, 224, 243, 250, 222, 155,
    241, 247, 251, 231, 206, 208, 199, 213, 151, 215, 164, 201, 68,  72,  177, 191, 183, 157, 144,
    116, 129, 139, 163, 133, 117, 150, 156, 137, 126, 145, 119, 148, 92,  102, 109, 98,  105, 123,
    136, 115, 141, 111, 140, 121, 95,  138, 131, 108, 100, 99,  101, 135, 112, 107, 114, 93,  110,
    94,  104, 106, 122, 147, 181, 134, 153, 127, 152, 180, 113, 130, 184, 142, 166, 173, 165, 182,
    188, 158, 48,  26,  76,  85,  70,  66,  62,  61,  55,  45,  27,  59,  28,  29,  71,  65,  223,
    207, 51,  44,  56,  67,  58,  74,  82,  81,  64,  69,  30,  31,  32,  33,  63,  77,  87,  175,
    193, 197, 194, 172, 168, 146, 73,  78,  80,  75,  84,  125, 79,  34,  35,  36,  53,  37,  38,
    39,  40,  41,  49,  42,  54,  43,  50,  57,
};

static uint8_t lower_ascii(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static fc_status fail(fc_error *error, fc_status status, uint64_t offset, const char *message)
{
    if (error != NULL) {
        error->status = status;
        error->os_errno = 0;
        error->offset = offset;
        snprintf(error->message, sizeof error->message, "%s", message);
    }
    return status;
}

static fc_status check(const uint64_t *offsets, size_t count, fc_error *error)
{
    if (count > FC_PATTERNS_MAX)
        return fail(error, FC_ELIMIT, count, "more than 16,777,216 patterns");
    for (size_t i = 0; i < count; i++)
        if (offsets[i] == offsets[i + 1])
            return fail(error, FC_EINVAL, i, "a pattern is empty");
    if (count != 0 && offsets[count] - offsets[0] > FC_PATTERN_BYTES_MAX)
        return fail(error, FC_ELIMIT, count, "the patterns have more than 1 GiB together");
    return FC_OK;
}

fc_status fc_patterns_copy(fc_patterns *out, const uint8_t *bytes, const uint64_t *offsets,
                           size_t count, int fold_ascii, fc_error *error)
{
    const fc_status status = check(offsets, count, error);
    if (status != FC_OK)
        return status;

    const size_t total = count == 0 ? 0 : (size_t)(offsets[count] - offsets[0]);
    uint64_t *const starts = malloc((count + 1) * sizeof *starts);
    uint8_t *const copy = malloc(total + 1);

    *out = (fc_patterns){.bytes = copy, .offsets = starts, .count = count};
    if (starts == NULL || copy == NULL)
        return fail(error, FC_ENOMEM, 0, "no memory for the patterns");
    starts[0] = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t length = (size_t)(offsets[i + 1] - offsets[i]);
        starts[i + 1] = starts[i] + length;
        if (length > out->longest)
            out->longest = length;
    }
    for (size_t i = 0; i < total; i++)
        copy[i] = fold_ascii ? lower_ascii(bytes[offsets[0] + i]) : bytes[offsets[0] + i];
    return FC_OK;
}

void fc_patterns_free(fc_patterns *patterns)
{
    free((void *)patterns->bytes);
    free((void *)patterns->offsets);
}

static int all_equal(const fc_patterns *p)
{
    const size_t length = (size_t)(p->offsets[1] - p->offsets[0]);
    for (size_t i = 1; i < p->count; i++)
        if (p->offsets[i + 1] - p->offsets[i] != length ||
            memcmp(p->bytes, p->bytes + p->offsets[i], length) != 0)
            return 0;
    return 1;
}

/* The two rarest bytes: of different values where there are any, the first of each. */
static void choose_pair(fc_literal *literal)
{
    size_t best = 0, second = literal->length;

    for (size_t i = 1; i < literal->length; i++)
        if (frequency_rank[literal->bytes[i]] < frequency_rank[literal->bytes[best]])
            best = i;
    for (size_t i = 0; i < literal->length; i++)
        if (literal->bytes[i] != literal->bytes[best] &&
            (second == literal->length ||
             frequency_rank[literal->bytes[i]] < frequency_rank[literal->bytes[second]]))
            second = i;
    if (second == literal->length)
        second = literal->length - 1;
    literal->pair[0] = best;
    literal->pair[1] = second;
}

/*
 * Literals that three bytes can tell apart: beyond, too many places may start one, and
 * grams are quicker where the literals are long enough for them.
 */
enum { BUCKET_PATTERNS = 12, BUCKET_REACH_MAX = 48, ORDERED_BYTES_MAX = 1 << 16 };

static size_t shortest(const fc_patterns *p)
{
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < p->count; i++)
        if (p->offsets[i + 1] - p->offsets[i] < least)
            least = (size_t)(p->offsets[i + 1] - p->offsets[i]);
    return least;
}

/* From long to short, equally long ones by index: a counting sort. 0 for lack of memory. */
static int make_order(fc_matcher *m)
{
    const fc_patterns *const p = &m->patterns;
    uint32_t *const next = calloc(p->longest + 2, sizeof *next);

    m->order = malloc((p->count + 1) * sizeof *m->order);
    if (next == NULL || m->order == NULL) {
        free(next);
        return 0;
    }
    for (size_t i = 0; i < p->count; i++)
        next[p->longest - (p->offsets[i + 1] - p->offsets[i]) + 1]++;
    for (size_t i = 1; i <= p->longest; i++)
        next[i] += next[i - 1];
    for (size_t i = 0; i < p->count; i++)
        m->order[next[p->longest - (p->offsets[i + 1] - p->offsets[i])]++] = (uint32_t)i;
    free(next);
    return 1;
}

/* Where in a literal its three rarest neighbours stand. */
static size_t rarest_window(const uint8_t *bytes, size_t length)
{
    size_t best = 0;
    unsigned least = UINT_MAX;
    for (size_t at = 0; at + FC_BUCKET_BYTES <= length && at <= BUCKET_REACH_MAX; at++) {
        unsigned rank = 0;
        for (size_t i = 0; i < FC_BUCKET_BYTES; i++)
            rank += frequency_rank[bytes[at + i]];
        if (rank < least) {
            least = rank;
            best = at;
        }
    }
    return best;
}

/* Neighbours in the order of their windows share a bucket: common bytes do not widen it. */
static void make_buckets(fc_matcher *m)
{
    const fc_patterns *const p = &m->patterns;
    fc_bucket_list *const list = &m->bucket_list;
    uint32_t windows[FC_BUCKET_PATTERNS_MAX];

    for (size_t rank = 0; rank < p->count; rank++) {
        const uint32_t pattern = m->order == NULL ? (uint32_t)rank : m->order[rank];
        const uint8_t *const bytes = p->bytes + p->offsets[pattern];
        const size_t length = (size_t)(p->offsets[pattern + 1] - p->offsets[pattern]);
        const size_t offset = rarest_window(bytes, length);
        const uint8_t *const at = bytes + offset;
        const uint32_t window = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
        size_t i = rank;

        for (; i > 0 && windows[i - 1] > window; i--) {
            windows[i] = windows[i - 1];
            list->each[i] = list->each[i - 1];
        }
        windows[i] = window;
        list->each[i].head = fc_load_le64_part(bytes, length < 8 ? length : 8);
        list->each[i].mask = length < 8 ? fc_low_bits64(8 * length) : UINT64_MAX;
        list->each[i].rank = (uint32_t)rank;
        list->each[i].offset = (uint32_t)offset;
        if (offset > list->reach)
            list->reach = offset;
    }
    for (size_t i = 0; i < p->count; i++) {
        const size_t bucket = i * FC_BUCKETS / p->count;
        const uint8_t bit = (uint8_t)(1u << bucket);

        list->first[bucket + 1] = i + 1;
        for (size_t at = 0; at < FC_BUCKET_BYTES; at++) {
            const uint8_t byte = (uint8_t)(windows[i] >> (16 - 8 * at));
            const int letter = m->options.fold_ascii && byte >= 'a' && byte <= 'z';
            m->buckets.low[at][byte & 15] |= bit;
            m->buckets.high[at][byte >> 4] |= bit;
            if (letter)
                m->buckets.high[at][(byte & ~0x20) >> 4] |= bit;
        }
    }
    for (size_t bucket = 0; bucket < FC_BUCKETS; bucket++) /* empty ones, of few patterns */
        if (list->first[bucket + 1] < list->first[bucket])
            list->first[bucket + 1] = list->first[bucket];
}

/* The tables of the engine chosen. */
static fc_status make_engine(fc_matcher *m)
{
    fc_automaton *automaton = NULL;
    fc_status status = FC_OK;

    if (m->engine == FC_ENGINE_AUTOMATON) {
        status =
            fc_automaton_create(&automaton, &m->patterns, m->options.kind, m->options.fold_ascii);
        atomic_init(&m->automaton, automaton);
        return status;
    }
    if (m->engine != FC_ENGINE_BUCKETS && m->engine != FC_ENGINE_GRAMS)
        return FC_OK;
    if (m->options.kind != FC_LEFTMOST_FIRST && !make_order(m))
        return FC_ENOMEM;
    if (m->engine == FC_ENGINE_BUCKETS) {
        make_buckets(m);
        return FC_OK;
    }
    return fc_grams_create(&m->grams, &m->patterns, m->order, frequency_rank,
                           m->options.fold_ascii);
}

static fc_engine engine_of_many(const fc_matcher *m)
{
    const fc_patterns *const p = &m->patterns;
    const int has_grams = m->shortest >= FC_GRAMS_SHORTEST;

    if (p->longest > ORDERED_BYTES_MAX)
        return FC_ENGINE_AUTOMATON;
    if (m->shortest >= FC_BUCKET_BYTES &&
        p->count <= (has_grams ? (size_t)BUCKET_PATTERNS : FC_BUCKET_PATTERNS_MAX))
        return FC_ENGINE_BUCKETS;
    return has_grams ? FC_ENGINE_GRAMS : FC_ENGINE_AUTOMATON;
}

static void choose_engine(fc_matcher *m)
{
    const fc_patterns *const p = &m->patterns;

    if (p->count == 0) {
        m->engine = FC_ENGINE_NONE;
    } else if (!all_equal(p)) {
        m->shortest = shortest(p);
        m->engine = engine_of_many(m);
    } else if (p->longest == 1) {
        const uint8_t byte = p->bytes[0];
        const int letter = m->options.fold_ascii && byte >= 'a' && byte <= 'z';
        const uint8_t members[2] = {byte, letter ? (uint8_t)(byte & ~0x20) : byte};
        m->engine = FC_ENGINE_BYTE;
        fc_byteset_make(&m->byte_set, members, 2);
    } else {
        m->engine = FC_ENGINE_LITERAL;
        m->literal =
            (fc_literal){.bytes = p->bytes, .length = p->longest, .fold = m->options.fold_ascii};
        choose_pair(&m->literal);
    }
}

fc_status fc_matcher_create(fc_matcher **out, const uint8_t *bytes, const uint64_t *offsets,
                            size_t count, const fc_matcher_options *options,
                            const fc_kernels *kernels, fc_error *error)
{
    fc_matcher *const m = calloc(1, sizeof *m);
    if (m == NULL)
        return fail(error, FC_ENOMEM, 0, "no memory for a matcher");
    m->kernels = kernels;
    m->options = *options;
    atomic_init(&m->automaton, NULL);
    fc_status status =
        fc_patterns_copy(&m->patterns, bytes, offsets, count, options->fold_ascii, error);
    if (status != FC_OK) {
        fc_matcher_destroy(m);
        return status;
    }
    choose_engine(m);
    status = make_engine(m);
    if (status != FC_OK) {
        fc_matcher_destroy(m);
        return fail(error, status, 0,
                    status == FC_ELIMIT ? "the patterns need more than 2^30 automaton states"
                                        : "no memory for a matcher");
    }
    *out = m;
    return FC_OK;
}

void fc_matcher_destroy(fc_matcher *matcher)
{
    if (matcher == NULL)
        return;
    fc_automaton_destroy(atomic_load(&matcher->automaton));
    fc_patterns_free(&matcher->patterns);
    fc_grams_destroy(matcher->grams);
    free(matcher->order);
    free(matcher);
}

const fc_automaton *fc_matcher_automaton(const fc_matcher *matcher)
{
    /* Threads that come here together may each make one: the first to be done is kept. */
    fc_matcher *const m = (fc_matcher *)matcher;
    fc_automaton *present = atomic_load_explicit(&m->automaton, memory_order_acquire);
    fc_automaton *made;

    if (present != NULL)
        return present;
    if (fc_automaton_create(&made, &m->patterns, m->options.kind, m->options.fold_ascii) != FC_OK)
        return NULL;
    if (atomic_compare_exchange_strong(&m->automaton, &present, made))
        return made;
    fc_automaton_destroy(made);
    return present;
}

size_t fc_matcher_bytes(const fc_matcher *matcher)
{
    const fc_automaton *const a =
        atomic_load_explicit(&((fc_matcher *)matcher)->automaton, memory_order_acquire);
    const fc_patterns *const p = &matcher->patterns;
    return sizeof *matcher + (size_t)p->offsets[p->count] + (p->count + 1) * sizeof *p->offsets +
           (a == NULL ? 0 : a->bytes) +
           (matcher->order == NULL ? 0 : p->count * sizeof *matcher->order) +
           (matcher->grams == NULL ? 0 : matcher->grams->bytes);
}

const char *fc_matcher_kernel(const fc_matcher *matcher)
{
    static const char *const names[] = {
        [FC_ENGINE_NONE] = "none",       [FC_ENGINE_BYTE] = "byte",
        [FC_ENGINE_LITERAL] = "literal", [FC_ENGINE_BUCKETS] = "buckets",
        [FC_ENGINE_GRAMS] = "grams",     [FC_ENGINE_AUTOMATON] = "automaton",
    };
    return names[matcher->engine];
}

size_t fc_matcher_longest(const fc_matcher *matcher) { return matcher->patterns.longest; }
