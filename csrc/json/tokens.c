/*
 * json/tokens.c - the tokenizer: every byte looked at once, in order, and checked on the way.
 *
 * The window is what is left of the caller's chunk. lex() runs over it as one machine with a label
 * per state, which gives the branch predictor a place per kind of token. A token that the chunk
 * cuts moves to `held`, where bytes of the next chunk are added, little by little, until it is
 * complete; the window is then the chunk again, just behind it. How far a cut token has been looked
 * at is remembered, so that a stream in chunks of one byte takes no more than linear time.
 *
 *     chunk    ...,"name":"Ada Lo|            |velace","born":1815,...
 *     held                "Ada Lo              velace","born":1815   (then: the chunk, behind `"`)
 *
 * What is wrong with a token is not said here: plain.c judges the same bytes again.
 */
#include "fastcore/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "json/plain.h"
#include "json/scan.h"

#define HELD_STEP      64 /* bytes that are first added to a token that was cut */
#define WORD(byte)     ((uint64_t)(byte)*0x0101010101010101u)
#define LOUD           ((size_t)-1)
#define INTEGER_DIGITS 18 /* fit into 63 bits, whatever they are */
#define KINDS_FIRST    64

/* Why lex() stopped. */
typedef enum fc_stop {
    STOP_END,     /* of the window, between two tokens */
    STOP_PARTIAL, /* the window ends inside the token at `at` */
    STOP_FULL,    /* no room for more tokens */
    STOP_WRONG,   /* the token at `at` is not one, or not one that may stand there */
    STOP_NOMEM,
} fc_stop;

typedef enum fc_comment {
    COMMENT_NONE,
    COMMENT_SLASH,
    COMMENT_LINE,
    COMMENT_BLOCK,
    COMMENT_STAR
} fc_comment;

struct fc_tokens {
    const fc_kernels *kernels;
    fc_tokens_options options;

    const uint8_t *start, *at, *end; /* the window, in the chunk or in `held` */
    const uint8_t *origin;           /* lines are counted up to here, */
    uint64_t base;                   /* which is this offset in the stream */
    uint64_t lines, line_start, records;

    /* the grammar */
    uint8_t *kinds; /* of the open containers, '{' or '[' */
    size_t depth, kinds_capacity;
    size_t loud; /* what lies deeper is not reported */
    fc_plain_want want;
    fc_comment comment;
    uint8_t done;     /* the only value there may be is complete */
    uint8_t finished; /* no chunk follows */
    uint8_t mark;     /* bytes of the byte order mark that have been seen */
    uint8_t begun;

    /* a token that was cut */
    uint8_t *held;
    size_t held_length, held_capacity;
    const uint8_t *chunk, *chunk_end; /* what is left of the chunk meanwhile */
    size_t resume;                    /* how much of the token has been looked at */
    uint64_t high;                    /* the bytes of that, or-ed together */
    uint8_t escaped;

    /* where the last batch came from */
    const uint8_t *batch_start, *batch_end, *batch_origin;
    uint64_t batch_base, batch_lines, batch_line_start, batch_records;
    size_t batch_depth;

    const char *wrong; /* what the judge does not know about */
    uint8_t truncated;
    fc_json_fault fault;
};

fc_tokens *fc_tokens_new(const fc_kernels *kernels, const fc_tokens_options *options)
{
    fc_tokens *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->kernels = kernels;
    t->options = *options;
    t->loud = LOUD;
    t->kinds = malloc(KINDS_FIRST);
    t->kinds_capacity = KINDS_FIRST;
    if (t->kinds == NULL) {
        free(t);
        return NULL;
    }
    return t;
}

void fc_tokens_free(fc_tokens *t)
{
    if (t == NULL)
        return;
    free(t->kinds);
    free(t->held);
    free(t);
}

void fc_tokens_feed(fc_tokens *t, const uint8_t *chunk, size_t length)
{
    t->chunk = chunk;
    t->chunk_end = chunk + length;
    if (t->held_length == 0) {
        t->start = t->at = t->origin = chunk;
        t->end = chunk + length;
    }
}

void fc_tokens_finish(fc_tokens *t) { t->finished = 1; }

void fc_tokens_pass_over(fc_tokens *t, size_t levels) { t->loud = t->depth - levels; }

const fc_json_fault *fc_tokens_fault(const fc_tokens *t) { return &t->fault; }

int fc_tokens_truncated(const fc_tokens *t) { return t->truncated; }

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

/* A number that was cut may still go on: 1, with t->resume moved on. */
static int number_goes_on(fc_tokens *t)
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

/* Up to `capacity` tokens of the window; t->at moves behind what has been used. */
static fc_stop lex(fc_tokens *t, fc_token *out, size_t capacity, size_t *reported)
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
        t->loud = LOUD;
    map = depth > 0 && t->kinds[depth - 1] == '{';
    goto comma_or_close;

paused:
    t->at = at;
    t->depth = depth;
    *reported = count;
    return stop;
}

/* -- faults --------------------------------------------------------------------------------- */

/* Count the lines up to `to` in the window. */
static void count_lines(fc_tokens *t, const uint8_t *to)
{
    const size_t bytes = (size_t)(to - t->origin);
    const size_t lines = bytes == 0 ? 0 : t->kernels->count_byte(t->origin, bytes, '\n');

    if (lines > 0) {
        const uint8_t *behind = to;
        while (behind[-1] != '\n')
            behind--;
        t->lines += lines;
        t->line_start = t->base + (uint64_t)(behind - t->origin);
    }
    t->base += bytes;
    t->origin = to;
}

static void excerpt(fc_tokens *t, const uint8_t *at)
{
    const size_t room = sizeof t->fault.excerpt - 1;
    const uint8_t *from = (size_t)(at - t->start) > room / 2 ? at - room / 2 : t->start, *to;

    while (from < at && (*from & 0xC0) == 0x80)
        from++;
    to = (size_t)(t->end - from) > room ? from + room : t->end;
    while (to > from && to < t->end && (*to & 0xC0) == 0x80)
        to--;
    if (to > from)
        memcpy(t->fault.excerpt, from, (size_t)(to - from));
    t->fault.excerpt[to - from] = 0;
}

static fc_tokens_event blame(fc_tokens *t, const uint8_t *at, const char *message)
{
    count_lines(t, at);
    t->fault.message = message;
    t->fault.offset = t->base;
    t->fault.line = t->lines + 1;
    t->fault.column = t->base - t->line_start + 1;
    t->fault.record = t->records;
    excerpt(t, at);
    return FC_TOKENS_BAD;
}

/* Something is wrong with what stands at t->at: say what. */
static fc_tokens_event judge(fc_tokens *t)
{
    const size_t length = (size_t)(t->end - t->at);
    const char *wrong;
    size_t at = 0;

    if (t->wrong != NULL)
        return blame(t, t->at, t->wrong);
    wrong = fc_plain_judge(t->at, length, t->kinds, t->depth, t->options.depth_max, t->depth + 1,
                           t->want, &at);
    t->truncated = at == length;
    return blame(t, t->at + at, wrong == NULL ? "unexpected character" : wrong);
}

/* The stream is over, and nothing is left of the window. */
static fc_tokens_event end(fc_tokens *t)
{
    if (t->comment > COMMENT_LINE || t->comment == COMMENT_SLASH) {
        t->truncated = 1;
        return blame(t, t->at, "unterminated comment");
    }
    if (t->depth == 0 && t->want != FC_WANT_COLON && t->records >= t->options.values_min &&
        (t->done || t->options.multiple))
        return FC_TOKENS_MORE;
    t->truncated = 1;
    return blame(t, t->at, "unexpected end of input");
}

/* -- the window ----------------------------------------------------------------------------- */

static int reserve(fc_tokens *t, size_t bytes)
{
    uint8_t *held;

    if (bytes <= t->held_capacity)
        return 1;
    held = realloc(t->held, bytes * 2);
    if (held == NULL)
        return 0;
    t->held = held;
    t->held_capacity = bytes * 2;
    return 1;
}

/* Keep the token that the chunk cuts. */
static int hold(fc_tokens *t)
{
    const size_t length = (size_t)(t->end - t->at);

    if (!reserve(t, length + HELD_STEP))
        return 0;
    count_lines(t, t->at);
    memcpy(t->held, t->at, length);
    t->held_length = length;
    t->start = t->at = t->origin = t->held;
    t->end = t->held + length;
    t->chunk = t->chunk_end;
    return 1;
}

/* Add some of the chunk to the token that is held. 0: nothing is left; -1: no memory. */
static int extend(fc_tokens *t)
{
    const size_t left = (size_t)(t->chunk_end - t->chunk);
    size_t step = t->held_length > HELD_STEP ? t->held_length : HELD_STEP;

    step = step < left ? step : left;
    if (!reserve(t, t->held_length + step))
        return -1;
    if (step > 0)
        memcpy(t->held + t->held_length, t->chunk, step);
    t->chunk += step;
    t->held_length += step;
    t->start = t->at = t->origin = t->held;
    t->end = t->held + t->held_length;
    return step > 0;
}

/* The held token is complete: the rest of what is held lies in the chunk, too. */
static void return_to_chunk(fc_tokens *t)
{
    count_lines(t, t->at);
    t->at = t->chunk - (t->end - t->at);
    t->start = t->origin = t->at;
    t->end = t->chunk_end;
    t->held_length = 0;
}

/* 1: the byte order mark is behind, or there is none; 0: too early to tell; -1: neither. */
static int skip_mark(fc_tokens *t)
{
    static const uint8_t mark[3] = {0xEF, 0xBB, 0xBF};

    while (t->at < t->end && t->mark < sizeof mark && *t->at == mark[t->mark]) {
        t->at++;
        t->mark++;
    }
    if (t->mark == sizeof mark) {
        count_lines(t, t->at);
        t->line_start = t->base;
        t->begun = 1;
    } else if (t->mark == 0 && t->at < t->end) {
        t->begun = 1;
    } else if (t->at < t->end || t->finished) {
        return t->mark == 0 ? 1 : -1;
    }
    return t->begun;
}

/* Remember where the next batch lies: fc_tokens_reject() may have to find a token of it again. */
static void mark_batch(fc_tokens *t)
{
    t->batch_start = t->start;
    t->batch_end = t->end;
    t->batch_origin = t->origin;
    t->batch_base = t->base;
    t->batch_lines = t->lines;
    t->batch_line_start = t->line_start;
    t->batch_records = t->records;
    t->batch_depth = t->depth;
}

void fc_tokens_reject(fc_tokens *t, const fc_token *batch, size_t index, const char *message)
{
    size_t depth = t->batch_depth;

    t->start = t->batch_start;
    t->end = t->batch_end;
    t->origin = t->batch_origin;
    t->base = t->batch_base;
    t->lines = t->batch_lines;
    t->line_start = t->batch_line_start;
    t->records = t->batch_records;
    for (size_t i = 0; i < index; i++) {
        const int kind = batch[i].kind;
        depth += kind == FC_TOKEN_OPEN_MAP || kind == FC_TOKEN_OPEN_ARRAY;
        depth -= kind == FC_TOKEN_CLOSE_MAP || kind == FC_TOKEN_CLOSE_ARRAY;
        t->records += depth == 0 && kind != FC_TOKEN_OPEN_MAP && kind != FC_TOKEN_OPEN_ARRAY;
    }
    t->truncated = 0;
    (void)blame(t, batch[index].text, message);
}

fc_tokens_event fc_tokens_read(fc_tokens *t, fc_token *out, size_t capacity, size_t *count)
{
    *count = 0;
    if (t->fault.message != NULL)
        return FC_TOKENS_BAD;
    if (!t->begun) {
        const int marked = skip_mark(t);
        if (marked == 0) {
            count_lines(t, t->at);
            return FC_TOKENS_MORE;
        }
        if (marked < 0) {
            t->base = 0;
            t->origin = t->at;
            return blame(t, t->at, "expected a value");
        }
    }
    for (;;) {
        fc_stop stop;

        if (t->held_length > 0) {
            const int more = extend(t);
            if (more < 0)
                return FC_TOKENS_NOMEM;
            if (more == 0 && !t->finished)
                return FC_TOKENS_MORE;
            if (t->held_length / 2 > t->options.token_bytes_max) {
                t->wrong = "string or number longer than max_record_bytes";
                return judge(t);
            }
            if (*t->at != '"' && (uint8_t)(*t->at | 0x20) < 'a' && number_goes_on(t))
                continue;
        }
        mark_batch(t);
        stop = lex(t, out, capacity, count);
        if (t->held_length > 0 && t->at > t->held)
            return_to_chunk(t);
        else if (stop == STOP_PARTIAL && t->finished)
            stop = STOP_WRONG;
        else if (stop == STOP_PARTIAL && t->held_length == 0 && !hold(t))
            return FC_TOKENS_NOMEM;
        if (*count > 0)
            return FC_TOKENS_SOME;
        if (stop == STOP_NOMEM)
            return FC_TOKENS_NOMEM;
        if (stop == STOP_WRONG)
            return judge(t);
        if (stop == STOP_END && t->at == t->end) {
            count_lines(t, t->at);
            return t->finished ? end(t) : FC_TOKENS_MORE;
        }
    }
}
