/*
 * text/unicode.c - simple case folding and word characters, for UTF-8.
 *
 * Simple folding maps one code point to one code point, so that offsets counted in code
 * points are the same before and after: that is why the full folding of str.casefold()
 * ("ß" to "ss") is not what a matcher that reports offsets uses.
 *
 * Ill-formed bytes pass through folding unchanged and are no word characters. Surrogates
 * encoded as three bytes, as Python's "surrogatepass" does, are ordinary code points here.
 */
#include "base/bits.h"
#include "text/matcher.h"
#include "text/unicode_tables.h"

static uint32_t fold_point(uint32_t point)
{
    size_t low = 0, high = sizeof fc_fold_ranges / sizeof fc_fold_ranges[0];

    if (point < FC_FOLD_NEAR)
        return fc_fold_near[point];
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const fc_fold_range *const range = &fc_fold_ranges[middle];
        if (point < range->first)
            high = middle;
        else if (point > range->last)
            low = middle + 1;
        else
            return (point - range->first) % (uint32_t)range->step == 0
                       ? (uint32_t)((int32_t)point + range->difference)
                       : point;
    }
    return point;
}

/* Decode the sequence at text[0 .. left); its bytes, or 0 when it is ill-formed. */
static size_t decode(const uint8_t *text, size_t left, uint32_t *point)
{
    const uint8_t lead = text[0];
    const size_t bytes = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    if (bytes == 0 || bytes > left || lead > 0xF4)
        return 0;
    *point = bytes == 1 ? lead : lead & (0x7Fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        *point = *point << 6 | (text[i] & 0x3F);
    }
    if ((bytes == 3 && *point < 0x800) || (bytes == 4 && (*point < 0x10000 || *point > 0x10FFFF)))
        return 0;
    return bytes;
}

static size_t encode(uint32_t point, uint8_t *out)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xC0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xE0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (point & 0x3F));
    return 4;
}

/* Eight ASCII bytes in lower case: 'A' .. 'Z' are where adding reaches the high bit in one sum
 * only. */
static uint64_t lower_ascii8(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t from_a = word + ones * (0x80 - 'A'), past_z = word + ones * (0x80 - 'Z' - 1);
    return word | ((from_a & ~past_z & ones * 0x80) >> 2);
}

/* U+023A and U+023E, two bytes, fold to three; nothing grows more. */
size_t fc_fold_bytes_max(size_t length) { return length + length / 2 + 16; }

size_t fc_fold_utf8(const uint8_t *text, size_t length, uint8_t *out)
{
    size_t at = 0, written = 0;

    while (at < length) {
        uint32_t point;

        if (at + 8 <= length) {
            const uint64_t word = fc_load_le64(text + at);
            if ((word & 0x8080808080808080u) == 0) {
                fc_store_le64(out + written, lower_ascii8(word));
                at += 8;
                written += 8;
                continue;
            }
        }
        const size_t bytes = decode(text + at, length - at, &point);
        if (bytes == 0) {
            out[written++] = text[at++];
            continue;
        }
        written += encode(fold_point(point), out + written);
        at += bytes;
    }
    return written;
}

static int is_word_point(uint32_t point)
{
    size_t low = 0, high = sizeof fc_word_runs / sizeof fc_word_runs[0];

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (point < fc_word_runs[middle][0])
            high = middle;
        else if (point > fc_word_runs[middle][1])
            low = middle + 1;
        else
            return 1;
    }
    return 0;
}

static int is_word_ascii(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
           byte == '_';
}

int fc_word_at(const uint8_t *text, size_t at, size_t end, int unicode)
{
    uint32_t point;

    if (at >= end)
        return 0;
    if (text[at] < 0x80 || !unicode)
        return is_word_ascii(text[at]);
    return decode(text + at, end - at, &point) != 0 && is_word_point(point);
}

int fc_word_before(const uint8_t *text, size_t begin, size_t at, int unicode)
{
    uint32_t point;

    if (at == begin)
        return 0;
    if (text[at - 1] < 0x80 || !unicode)
        return is_word_ascii(text[at - 1]);
    for (size_t back = 2; back <= 4 && back <= at - begin; back++)
        if ((text[at - back] & 0xC0) != 0x80)
            return decode(text + at - back, back, &point) == back && is_word_point(point);
    return 0;
}

/*
 * One byte or two, both stored whichever it is: words and spaces alternate too often for a
 * branch to be predicted.
 */
static size_t put_short(uint8_t *out, uint32_t point)
{
    const uint32_t lead = 0xC0 | point >> 6;
    out[0] = (uint8_t)(point < 0x80 ? point : lead);
    out[1] = (uint8_t)(0x80 | (point & 0x3F));
    return 1 + (point >= 0x80);
}

size_t fc_utf8_of_units1(const uint8_t *units, size_t count, uint8_t *out)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        used += put_short(out + used, units[i]);
    return used;
}

size_t fc_utf8_of_units2(const uint16_t *units, size_t count, uint8_t *out)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t point = units[i];
        if (point < 0x800) {
            used += put_short(out + used, point);
        } else {
            out[used++] = (uint8_t)(0xE0 | point >> 12);
            out[used++] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
            out[used++] = (uint8_t)(0x80 | (point & 0x3F));
        }
    }
    return used;
}
