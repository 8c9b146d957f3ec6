/*
 * json/lexer.c - the machine that reads tokens: every byte looked at once, in order, and checked.
 *
 * There is a label per state, which gives the branch predictor a place per kind of token. Strings
 * are looked at eight bytes at a time. What is wrong with a token is not said here: plain.c judges
 * the same bytes again.
 */
#include "json/lexer.h"

#include <stdlib.h>
#include <string.h>

#include "json/scan.h"

#define WORD(byte)     ((uint64_t)(byte)*0x0101010101010101u)
#define INTEGER_DIGITS 18 /* fit into 63 bits, whatever they are */

/* -- between tokens ------------------------------------------------------------------------- */

/* Behind spaces, of which indented documents have many in a row, tabs and line ends. */
static FC_ALWAYS_INLINE const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *const end)
{
    for (;;) {
        if (end - at >= 8) {
            const uint64_t others = fc_load_le64(at) ^ WORD(' ');
            if (others == 0) {
                at += 8;
                continue;
            }
            at += fc_ctz64(others) / 8;
        }
        if (at == end || !fc_is_space(*at))
            return at;
        at++;
    }
}

/* Inside a comment, which may go on in the next chunk: t->comment says what it is. */
static const uint8_t *skip_comment(fc_tokens *t, const uint8_t *at, const uint8_t *const end)
{
    for (; at < end && t->comment != COMMENT_NONE; at++) {
        const uint8_t c = *at;
        switch (t->comment) {
        case COMMENT_SLASH:
            if (c != '/' && c != '*') {
                t->wrong = "expected // or /* to begin a comment";
                return at;
            }
            t->comment = c == '/' ? COMMENT_LINE : COMMENT_BLOCK;
            break;
        case COMMENT_LINE:
            if (c == '\n')
                t->comment = COMMENT_NONE;
            break;
        case COMMENT_BLOCK:
            if (c == '*')
                t->comment = COMMENT_STAR;
            break;
        default:
            t->comment = c == '/' ? COMMENT_NONE : c == '*' ? COMMENT_STAR : COMMENT_BLOCK;
        }
    }
    return at;
}

/* Behind all that may stand between two tokens. */
static const uint8_t *skip_space(fc_tokens *t, const uint8_t *at, const uint8_t *const end,
                                 size_t depth)
{
    for (;;) {
        if (t->comment != COMMENT_NONE)
            at = skip_comment(t, at, end);
        at = skip_blanks(at, end);
        if (at == end || t->wrong != NULL)
            return at;
        if (*at == '/' && t->options.comments)
            t->comment = COMMENT_SLASH;
        else if (*at != 0x1E || depth > 0 || !t->options.multiple)
            return at;
        at++;
    }
}

/* What may follow a number or a literal. Anything else makes it something else. */
static int is_delimiter(const fc_tokens *t, uint8_t c)
{
    return fc_is_space(c) || c == ',' || c == '}' || c == ']' || c == ':' ||
           (c == '/' && t->options.comments);
}

static int push_kind(fc_tokens *t, size_t depth, uint8_t kind)
{
    if (depth == t->kinds_capacity) {
        uint8_t *kinds = realloc(t->kinds, depth * 2);
        if (kinds == NULL)
            return 0;
        t->kinds = kinds;
        t->kinds_capacity = depth * 2;
    }
    t->kinds[depth] = kind;
    return 1;
}

/* -- tokens --------------------------------------------------------------------------------- */

static int hex_value(uint8_t c)
{
    if ((uint8_t)(c - '0') < 10)
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX whose backslash is at `at`, or -1. */
static int unit_at(const uint8_t *at)
{
    const int a = hex_value(at[2]), b = hex_value(at[3]), c = hex_value(at[4]),
              d = hex_value(at[5]);
    return (a | b | c | d) < 0 ? -1 : a << 12 | b << 8 | c << 4 | d;
}

/* Bytes of the escape at `at`; 0: the text ends inside it; -1: it is not one. */
static int escape_bytes(const fc_tokens *t, const uint8_t *at, const uint8_t *end)
{
    int unit;

    if (end - at < 2)
        return 0;
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return 2;
    case 'u':
        break;
    default:
        return -1;
    }
    if (end - at < 6)
        return 0;
    unit = unit_at(at);
    if (unit < 0)
        return -1;
    if (unit >> 11 != 0xD800 >> 11 || t->options.lone_surrogates)
        return 6;
    if (unit >= 0xDC00)
        return -1;
    if (end - at < 12)
        return 0;
    if (at[6] != '\\' || at[7] != 'u')
        return -1;
    unit = unit_at(at + 6);
    return unit >> 10 == 0xDC00 >> 10 ? 12 : -1;
}

/*
 * First byte in [at, end) that is a quote, a backslash or a control character, or `end`; the bytes
 * before it are or-ed into *high. (x - 1) & ~x sets the top bit of a byte that is zero, and x - 32
 * that of one below 32; a borrow disturbs only bytes behind the first such.
 */
static FC_ALWAYS_INLINE const uint8_t *plain_run(const uint8_t *at, const uint8_t *end,
                                                 uint64_t *high)
{
    for (; end - at >= 8; at += 8) {
        const uint64_t word = fc_load_le64(at);
        const uint64_t quotes = word ^ WORD('"'), slashes = word ^ WORD('\\');
        const uint64_t hit = (((word - WORD(0x20)) & ~word) | ((quotes - WORD(1)) & ~quotes) |
                              ((slashes - WORD(1)) & ~slashes)) &
                             WORD(0x80);
        if (hit != 0) {
            *high |= word & ((hit & (0 - hit)) - 1);
            return at + fc_ctz64(hit) / 8;
        }
        *high |= word;
    }
    for (; at < end && *at >= 0x20 && *at != '"' && *at != '\\'; at++)
        *high |= *at;
    return at;
}

/*
 * The string whose opening quote is at `at`, looked at up to `scan` already. Returns behind its
 * closing quote, or NULL with t->wrong or the place to resume at.
 */
static FC_ALWAYS_INLINE const uint8_t *lex_string(fc_tokens *t, const uint8_t *at,
                                                  const uint8_t *scan, const uint8_t *end,
                                                  uint64_t high, int escaped, fc_token *out,
                                                  fc_stop *stop)
{
    *stop = STOP_WRONG;
    for (;;) {
        int bytes;
        scan = plain_run(scan, end, &high);
        if (scan < end && *scan == '"')
            break;
        if (scan < end && *scan < 0x20)
            return NULL;
        bytes = scan < end ? escape_bytes(t, scan, end) : 0;
        if (bytes < 0)
            return NULL;
        if (bytes == 0) {
            t->resume = (size_t)(scan - at);
            t->high = high;
            t->escaped = (uint8_t)escaped;
            *stop = STOP_PARTIAL;
            return NULL;
        }
        escaped = 1;
        scan += bytes;
    }
    out->text = at + 1;
    out->length = (size_t)(scan - at) - 1;
    out->escaped = (uint8_t)escaped;
    out->ascii = (high & WORD(0x80)) == 0;
    if (!out->ascii && t->kernels->utf8_prefix(out->text, out->length) != out->length)
        return NULL;
    if (out->length > t->options.token_bytes_max) {
        t->wrong = "string or number longer than max_record_bytes";
        return NULL;
    }
    return scan + 1;
}

static FC_ALWAYS_INLINE const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (uint8_t)(*at - '0') < 10)
        at++;
    return at;
}

/* The same for a number, which ends before the next byte that cannot be one of it. */
static FC_ALWAYS_INLINE const uint8_t *lex_number(fc_tokens *t, const uint8_t *at,
                                                  const uint8_t *end, fc_token *out, fc_stop *stop)
{
    const int negative = *at == '-';
    const uint8_t *const first = at + negative, *scan = first;
    uint64_t value = 0;

    *stop = STOP_WRONG;
    while (scan < end && (uint8_t)(*scan - '0') < 10)
        value = value * 10 + (uint64_t)(*scan++ - '0');
    out->kind = FC_TOKEN_NUMBER;
    if (scan == end && !t->finished)
        goto partial;
    if (scan == first || (*first == '0' && scan - first > 1))
        return NULL;
    if (scan - first <= INTEGER_DIGITS) {
        out->kind = FC_TOKEN_INTEGER;
        out->integer = negative ? -(int64_t)value : (int64_t)value;
    }
    if (scan < end && *scan == '.') {
        const uint8_t *const fraction = scan + 1;
        scan = skip_digits(fraction, end);
        out->kind = FC_TOKEN_NUMBER;
        if (scan == end && !t->finished)
            goto partial;
        if (scan == fraction)
            return NULL;
    }
    if (scan < end && (*scan | 0x20) == 'e') {
        const uint8_t *exponent = scan + 1;
        if (exponent < end && (*exponent == '+' || *exponent == '-'))
            exponent++;
        scan = skip_digits(exponent, end);
        out->kind = FC_TOKEN_NUMBER;
        if (scan == end && !t->finished)
            goto partial;
        if (scan == exponent)
            return NULL;
    }
    if (scan < end && !is_delimiter(t, *scan))
        return NULL;
    out->text = at;
    out->length = (size_t)(scan - at);
    if (out->length > t->options.token_bytes_max) {
        t->wrong = "string or number longer than max_record_bytes";
        return NULL;
    }
    return scan;
partial:
    t->resume = (size_t)(scan - at);
    *stop = STOP_PARTIAL;
    return NULL;
}

/* true, false or null, and the byte behind. */
static const uint8_t *lex_literal(fc_tokens *t, const uint8_t *at, const uint8_t *end,
                                  const char *word, fc_stop *stop)
{
    const size_t length = strlen(word), left = (size_t)(end - at);

    *stop = STOP_WRONG;
    if (memcmp(at, word, left < length ? left : length) != 0 || (left < length && t->finished))
        return NULL;
    if (left > length ? !is_delimiter(t, at[length]) : !t->finished) {
        *stop = left > length ? STOP_WRONG : STOP_PARTIAL;
        t->resume = left;
        return NULL;
    }
    return at + length;
}

int fc_lex_number_goes_on(fc_tokens *t)
{
    const uint8_t *scan = t->at + t->resume;

    while (scan < t->end && ((uint8_t)(*scan - '0') < 10 || *scan == '.' || *scan == '-' ||
                             *scan == '+' || (*scan | 0x20) == 'e'))
        scan++;
    t->resume = (size_t)(scan - t->at);
    return scan == t->end && !t->finished;
}

/* -- the machine ---------------------------------------------------------------------------- */

#define PAUSE(state, why)                                                                          \
    do {                                                                                           \
        t->want = (state);                                                                         \
        stop = (why);                                                                              \
        goto paused;                                                                               \
    } while (0)

#define SKIP_SPACE(state)                                                                          \
    do {                                                                                           \
        if (FC_UNLIKELY(at == end))                                                                \
            PAUSE(state, STOP_END);                                                                \
        if (*at <= ' ' || *at == '/') {                                                            \
            at = skip_space(t, at, end, depth);                                                    \
            if (at == end)                                                                         \
                PAUSE(state, STOP_END);                                                            \
            if (FC_UNLIKELY(t->wrong != NULL))                                                     \
                PAUSE(state, STOP_WRONG);                                                          \
        }                                                                                          \
        if (FC_UNLIKELY(count == capacity))                                                        \
            PAUSE(state, STOP_FULL);                                                               \
    } while (0)

/* The token out[count] is complete. */
#define REPORT(is)                                                                                 \
    do {                                                                                           \
        out[count].kind = (is);                                                                    \
        count += depth <= t->loud;                                                                 \
    } while (0)

fc_stop fc_lex(fc_tokens *t, fc_token *out, size_t capacity, size_t *reported)
{
    const uint8_t *at = t->at, *next;
    const uint8_t *const end = t->end;
    size_t depth = t->depth, count = 0;
    int map = depth > 0 && t->kinds[depth - 1] == '{';
    fc_stop stop;

    if (t->comment != COMMENT_NONE)
        at = skip_space(t, at, end, depth);
    if (t->wrong != NULL)
        PAUSE(t->want, STOP_WRONG);
    switch (t->want) {
    case FC_WANT_VALUE:
        goto value;
    case FC_WANT_VALUE_OR_CLOSE:
        goto value_or_close;
    case FC_WANT_KEY:
        goto key;
    case FC_WANT_KEY_OR_CLOSE:
        goto key_or_close;
    case FC_WANT_COLON:
        goto colon;
    default:
        goto comma_or_close;
    }

value_or_close:
    SKIP_SPACE(FC_WANT_VALUE_OR_CLOSE);
    if (*at == ']')
        goto close;
value:
    SKIP_SPACE(FC_WANT_VALUE);
    switch (*at) {
    case '"':
        next = lex_string(t, at, at + (t->resume ? t->resume : 1), end, t->high, t->escaped,
                          &out[count], &stop);
        if (next == NULL)
            PAUSE(FC_WANT_VALUE, stop);
        REPORT(FC_TOKEN_STRING);
        break;
    case '{':
    case '[':
        if (depth == t->options.depth_max)
            PAUSE(FC_WANT_VALUE, STOP_WRONG);
        if (!push_kind(t, depth, *at))
            PAUSE(FC_WANT_VALUE, STOP_NOMEM);
        out[count].text = at;
        map = *at++ == '{';
        REPORT(map ? FC_TOKEN_OPEN_MAP : FC_TOKEN_OPEN_ARRAY);
        depth++;
        if (map)
            goto key_or_close;
        goto value_or_close;
    case 't':
        if ((next = lex_literal(t, at, end, "true", &stop)) == NULL)
            PAUSE(FC_WANT_VALUE, stop);
        REPORT(FC_TOKEN_TRUE);
        break;
    case 'f':
        if ((next = lex_literal(t, at, end, "false", &stop)) == NULL)
            PAUSE(FC_WANT_VALUE, stop);
        REPORT(FC_TOKEN_FALSE);
        break;
    case 'n':
        if ((next = lex_literal(t, at, end, "null", &stop)) == NULL)
            PAUSE(FC_WANT_VALUE, stop);
        REPORT(FC_TOKEN_NULL);
        break;
    default:
        if (*at != '-' && (uint8_t)(*at - '0') >= 10)
            PAUSE(FC_WANT_VALUE, STOP_WRONG);
        if ((next = lex_number(t, at, end, &out[count], &stop)) == NULL)
            PAUSE(FC_WANT_VALUE, stop);
        REPORT(out[count].kind);
    }
    at = next;
    t->resume = 0;
    t->high = 0;
    t->escaped = 0;

comma_or_close:
    if (depth == 0) {
        t->records += !t->done;
        if (t->options.multiple)
            goto value;
        t->done = 1;
        SKIP_SPACE(FC_WANT_COMMA_OR_CLOSE);
        t->wrong = "unexpected data after the value";
        PAUSE(FC_WANT_COMMA_OR_CLOSE, STOP_WRONG);
    }
    SKIP_SPACE(FC_WANT_COMMA_OR_CLOSE);
    if (*at == ',') {
        at++;
        if (!map)
            goto value;
    } else if (*at == (map ? '}' : ']')) {
        goto close;
    } else {
        PAUSE(FC_WANT_COMMA_OR_CLOSE, STOP_WRONG);
    }

key:
    SKIP_SPACE(FC_WANT_KEY);
    if (*at != '"')
        PAUSE(FC_WANT_KEY, STOP_WRONG);
lex_key:
    next = lex_string(t, at, at + (t->resume ? t->resume : 1), end, t->high, t->escaped,
                      &out[count], &stop);
    if (next == NULL)
        PAUSE(FC_WANT_KEY, stop);
    REPORT(FC_TOKEN_KEY);
    at = next;
    t->resume = 0;
    t->high = 0;
    t->escaped = 0;
colon:
    if (FC_UNLIKELY(at == end))
        PAUSE(FC_WANT_COLON, STOP_END);
    if (*at != ':') {
        SKIP_SPACE(FC_WANT_COLON);
        if (*at != ':')
            PAUSE(FC_WANT_COLON, STOP_WRONG);
    }
    at++;
    goto value;

key_or_close:
    SKIP_SPACE(FC_WANT_KEY_OR_CLOSE);
    if (*at == '"')
        goto lex_key;
    if (*at != '}')
        PAUSE(FC_WANT_KEY_OR_CLOSE, STOP_WRONG);
close:
    at++;
    depth--;
    REPORT(map ? FC_TOKEN_CLOSE_MAP : FC_TOKEN_CLOSE_ARRAY);
    if (depth <= t->loud)
        t->loud = FC_LEX_LOUD;
    map = depth > 0 && t->kinds[depth - 1] == '{';
    goto comma_or_close;

paused:
    t->at = at;
    t->depth = depth;
    *reported = count;
    return stop;
}
