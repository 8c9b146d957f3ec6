/*
 * json/number.c - integers of 64 bits, and the double nearest to a decimal.
 *
 * Up to 19 digits w and a power q of ten decide the double: w * 5^q is multiplied out to 128 bits
 * with a table of powers of five, which settles the rounding for every w and q (Lemire, SPE 51(8),
 * 2021; that no fallback is needed is Mushtak and Lemire, SPE 53(7), 2023). A number of more digits
 * lies between w and w + 1: where those two round apart, its digits are compared exactly, as big
 * integers, with the point halfway between the two doubles.
 */
#include <string.h>

#include "base/bits.h"
#include "fastcore/json.h"
#include "json/number_tables.h"

#if FC_MSVC
static FC_ALWAYS_INLINE uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low)
{
    uint64_t high;
    *low = _umul128(a, b, &high);
    return high;
}
#else
__extension__ typedef unsigned __int128 fc_uint128;
static FC_ALWAYS_INLINE uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low)
{
    const fc_uint128 product = (fc_uint128)a * b;
    *low = (uint64_t)product;
    return (uint64_t)(product >> 64);
}
#endif

/* -- the text ----------------------------------------------------------------------------- */

typedef struct decimal {
    const uint8_t *digits; /* the first digit */
    const uint8_t *end;    /* after the last digit of whole and fraction */
    uint64_t w;            /* the first 19 significant digits */
    int64_t q;             /* value = w * 10^q, and something below w + 1 when `cut` */
    int64_t written;       /* the exponent as it is written */
    uint8_t negative, whole, cut;
} decimal;

static int is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

/* Eight ASCII digits to their value (the usual three multiplications, as in Lemire 2021, 3). */
static FC_ALWAYS_INLINE uint64_t eight_digits(uint64_t word)
{
    word -= 0x3030303030303030u;
    word = word * 10 + (word >> 8);
    return ((word & 0x000000FF000000FFu) * (100 + (1000000ull << 32)) +
            (word >> 16 & 0x000000FF000000FFu) * (1 + (10000ull << 32))) >>
           32;
}

static FC_ALWAYS_INLINE int all_digits(uint64_t word)
{
    return ((word & 0xF0F0F0F0F0F0F0F0u) |
            ((word + 0x0606060606060606u) & 0xF0F0F0F0F0F0F0F0u) >> 4) == 0x3333333333333333u;
}

/* Digits from `at` on, added to *value modulo 2^64. */
static FC_ALWAYS_INLINE const uint8_t *take_digits(const uint8_t *at, const uint8_t *end,
                                                   uint64_t *value)
{
    uint64_t sum = *value;
    for (; end - at >= 8 && all_digits(fc_load_le64(at)); at += 8)
        sum = sum * 100000000 + eight_digits(fc_load_le64(at));
    for (; at < end && is_digit(*at); at++)
        sum = sum * 10 + (uint64_t)(*at - '0');
    *value = sum;
    return at;
}

/* More than 19 digits: read the first 19 that count again. */
static void cut_digits(decimal *d)
{
    int64_t exponent = 0;
    int point = 0, count = 0;

    d->w = 0;
    for (const uint8_t *at = d->digits; at < d->end; at++) {
        if (*at == '.') {
            point = 1;
        } else if (count < 19) {
            d->w = d->w * 10 + (uint64_t)(*at - '0');
            count += d->w != 0;
            exponent -= point;
        } else {
            d->cut |= *at != '0';
            exponent += !point;
        }
    }
    d->q += exponent;
}

#define EXPONENT_MAX 1000000000 /* beyond any that matters for text shorter than that */

/* 0 when text[0 .. length) is not a number by RFC 8259. */
static int read_decimal(decimal *d, const uint8_t *text, size_t length)
{
    const uint8_t *at = text, *const end = text + length, *whole, *fraction;
    int64_t digits;

    memset(d, 0, sizeof *d);
    d->whole = 1;
    if (at < end && *at == '-') {
        d->negative = 1;
        at++;
    }
    whole = d->digits = at;
    at = take_digits(at, end, &d->w);
    digits = at - whole;
    if (digits == 0 || (*whole == '0' && digits > 1))
        return 0;
    if (at < end && *at == '.') {
        d->whole = 0;
        fraction = ++at;
        at = take_digits(at, end, &d->w);
        if (at == fraction)
            return 0;
        digits += at - fraction;
        d->q = -(at - fraction);
    }
    d->end = at;
    if (digits > 19) {
        d->q = 0;
        cut_digits(d);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        int64_t exponent = 0;
        int negative = 0;
        const uint8_t *first;
        d->whole = 0;
        if (++at < end && (*at == '+' || *at == '-'))
            negative = *at++ == '-';
        for (first = at; at < end && is_digit(*at); at++)
            if (exponent < EXPONENT_MAX)
                exponent = exponent * 10 + (*at - '0');
        if (at == first)
            return 0;
        d->written = negative ? -exponent : exponent;
        d->q += d->written;
    }
    return at == end;
}

fc_json_number fc_json_number_read(const uint8_t *text, size_t length)
{
    fc_json_number number = {FC_JSON_NOT_A_NUMBER, 0, 0};
    const size_t negative = length > 0 && text[0] == '-', digits = length - negative;
    decimal d;

    if (FC_LIKELY(digits > 0 && digits < 19 && (text[negative] != '0' || digits == 1))) {
        const uint8_t *const end = text + length;
        uint64_t value = 0;
        if (take_digits(text + negative, end, &value) == end) {
            number.kind = FC_JSON_INT64;
            number.i = negative ? -(int64_t)value : (int64_t)value;
            number.u = (uint64_t)number.i;
            return number;
        }
    }
    if (!read_decimal(&d, text, length))
        return number;
    if (!d.whole) {
        number.kind = FC_JSON_DOUBLE;
        return number;
    }
    number.kind = FC_JSON_BIGINT;
    if (digits > 20)
        return number;
    if (digits == 20) {
        /* cut_digits() kept 19; the last one may still fit */
        const uint64_t last = (uint64_t)(text[length - 1] - '0');
        if (d.w > (UINT64_MAX - last) / 10)
            return number;
        d.w = d.w * 10 + last;
    }
    if (!d.negative) {
        number.kind = d.w <= INT64_MAX ? FC_JSON_INT64 : FC_JSON_UINT64;
        number.u = d.w;
        number.i = (int64_t)d.w;
    } else if (d.w <= (uint64_t)INT64_MAX + 1) {
        number.kind = FC_JSON_INT64;
        number.i = (int64_t)(0 - d.w);
    }
    return number;
}

/* -- 128 bits ------------------------------------------------------------------------------ */

typedef struct format {
    int bits;                /* of the fraction that is stored */
    int bias;                /* least exponent, as stored minus one */
    int infinity;            /* stored exponent of inf */
    int even_low, even_high; /* powers of ten for which a product can lie exactly halfway */
    int smallest, largest;   /* below: zero; above: infinity */
} format;

static const format double_format = {52, -1023, 0x7FF, -4, 23, -342, 308};
static const format single_format = {23, -127, 0xFF, -17, 10, -65, 38};

/* The stored bits of the positive number nearest to w * 10^q. */
static uint64_t nearest(uint64_t w, int64_t q, const format *f)
{
    const uint64_t undecided = ~0ull >> (f->bits + 3);
    const uint64_t *power;
    uint64_t high, low, second, second_low, mantissa;
    int64_t exponent;
    int zeros, top, shift;

    if (w == 0 || q < f->smallest)
        return 0;
    if (q > f->largest)
        return (uint64_t)f->infinity << f->bits;
    power = fc_power_of_five[q - FC_FIVE_SMALLEST];
    zeros = fc_clz64(w);
    w <<= zeros;
    high = multiply(w, power[0], &low);
    if ((high & undecided) == undecided) {
        second = multiply(w, power[1], &second_low);
        low += second;
        high += low < second;
    }
    top = (int)(high >> 63);
    shift = top + 64 - f->bits - 3;
    mantissa = high >> shift;
    /* 217706 / 2^16 is log2(10), near enough for every q of the table */
    exponent = ((217706 * q) >> 16) + 63 + top - zeros - f->bias;
    if (exponent <= 0) {
        if (1 - exponent >= 64)
            return 0;
        mantissa >>= 1 - exponent;
        mantissa += mantissa & 1;
        return mantissa >> 1; /* a carry into the exponent's bits makes it a normal number */
    }
    if (low <= 1 && q >= f->even_low && q <= f->even_high && (mantissa & 3) == 1 &&
        mantissa << shift == high)
        mantissa &= ~1ull; /* exactly halfway: to even */
    mantissa += mantissa & 1;
    mantissa >>= 1;
    if (mantissa >= 2ull << f->bits) {
        mantissa = 1ull << f->bits;
        exponent++;
    }
    if (exponent >= f->infinity)
        return (uint64_t)f->infinity << f->bits;
    return (mantissa & ~(1ull << f->bits)) | (uint64_t)exponent << f->bits;
}

/* -- big integers --------------------------------------------------------------------------- */

/*
 * 770 digits decide any double (the longest halfway point has 767 significant ones); with the
 * powers of five and two that the comparison multiplies in, 6,144 bits hold both sides.
 */
#define DIGITS_MAX 770
#define WORDS_MAX  192

typedef struct big {
    uint32_t word[WORDS_MAX]; /* least significant first */
    int count;
} big;

static void big_multiply_add(big *b, uint32_t factor, uint32_t term)
{
    uint64_t carry = term;
    for (int i = 0; i < b->count; i++) {
        carry += (uint64_t)b->word[i] * factor;
        b->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0 && b->count < WORDS_MAX)
        b->word[b->count++] = (uint32_t)carry;
}

static void big_multiply_five(big *b, int64_t power)
{
    for (; power >= 13; power -= 13)
        big_multiply_add(b, 1220703125, 0); /* 5^13, the largest in 32 bits */
    for (; power > 0; power--)
        big_multiply_add(b, 5, 0);
}

static void big_shift(big *b, int64_t bits)
{
    for (; bits >= 31; bits -= 31)
        big_multiply_add(b, 1u << 31, 0);
    if (bits > 0)
        big_multiply_add(b, 1u << bits, 0);
}

static int big_compare(const big *a, const big *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (int i = a->count - 1; i >= 0; i--)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

/* The digits of `d` as an integer; *q becomes the power of ten that goes with it. */
static void big_digits(big *b, const decimal *d, int64_t *q)
{
    int point = 0, count = 0, more = 0;
    int64_t exponent = d->written;

    b->count = 0;
    for (const uint8_t *at = d->digits; at < d->end; at++) {
        if (*at == '.') {
            point = 1;
        } else if (count < DIGITS_MAX) {
            big_multiply_add(b, 10, (uint32_t)(*at - '0'));
            count += b->count != 0;
            exponent -= point;
        } else {
            more |= *at != '0';
            exponent += !point;
        }
    }
    if (more) {
        /* what follows is less than one unit of this digit, and more than nothing */
        big_multiply_add(b, 10, 1);
        exponent--;
    }
    *q = exponent;
}

/* Of the neighbours `below` and below + 1 (stored bits), the one nearer to the digits of `d`. */
static uint64_t nearer(const decimal *d, uint64_t below, const format *f)
{
    const uint64_t stored = below >> f->bits, fraction = below & ((1ull << f->bits) - 1);
    const uint64_t mantissa = stored == 0 ? fraction : fraction | 1ull << f->bits;
    const int64_t exponent = (int64_t)(stored == 0 ? 1 : stored) + f->bias - f->bits;
    const uint64_t halfway = 2 * mantissa + 1;
    big left, right = {{(uint32_t)halfway, (uint32_t)(halfway >> 32)}, halfway >> 32 != 0 ? 2 : 1};
    int64_t q, twos;
    int order;

    big_digits(&left, d, &q);
    /* digits * 10^q  against  (2 * mantissa + 1) * 2^(exponent - 1) */
    twos = q - (exponent - 1);
    big_multiply_five(q >= 0 ? &left : &right, q >= 0 ? q : -q);
    big_shift(twos >= 0 ? &left : &right, twos >= 0 ? twos : -twos);
    order = big_compare(&left, &right);
    return order > 0 || (order == 0 && (below & 1) != 0) ? below + 1 : below;
}

/* -- all together ---------------------------------------------------------------------------- */

int fc_json_number_double(const uint8_t *text, size_t length, int single, double *out)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const format *const f = single ? &single_format : &double_format;
    decimal d;
    uint64_t bits, above;
    int finite;

    if (!read_decimal(&d, text, length)) {
        *out = 0;
        return 0;
    }
    if (!single && !d.cut && d.w <= 1ull << 53 && d.q >= -22 && d.q <= 22) {
        /* both factors are exact doubles, so one rounding is all there is (Clinger, 1990) */
        const double value = (double)d.w;
        *out = d.q < 0 ? value / tens[-d.q] : value * tens[d.q];
        if (d.negative)
            *out = -*out;
        return 1;
    }
    bits = nearest(d.w, d.q, f);
    if (d.cut) {
        above = nearest(d.w + 1, d.q, f);
        if (above != bits)
            bits = nearer(&d, bits, f);
    }
    finite = bits >> f->bits != (uint64_t)f->infinity;
    if (single) {
        const uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, sizeof value);
        *out = value;
    } else {
        memcpy(out, &bits, sizeof *out);
    }
    if (d.negative)
        *out = -*out;
    return finite;
}
