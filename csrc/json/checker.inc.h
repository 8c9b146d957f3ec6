/*
 * json/checker.inc.h - see checker.h; compiled once per engine.
 *
 * Tokens are the brackets, commas and colons outside strings, the opening quotes, and the first
 * byte of every other run. Nearly all of the grammar says which token may follow which, and that
 * is answered for all tokens of a block at once: with N the bytes that are no token, adding
 * X << 1 to N lets a carry run from behind each token of class X over the bytes that are none
 * and stop at the next token, so
 *
 *     follow(X) = ((X << 1) + N) & tokens
 *
 * are the tokens whose predecessor is an X. What depends on the container (a comma leads to a
 * key in an object, to a value in an array) holds for whole spans between brackets: one pass
 * over the brackets picks the mask that applies to each span and matches closing to opening.
 *
 * Numbers, literals and escapes are looked at one by one; control characters and UTF-8 have
 * kernels of their own.
 */
/* -- tokens ------------------------------------------------------------------------------- */

static FC_ALWAYS_INLINE uint64_t follow(uint64_t class, uint64_t others, uint64_t *pending)
{
    const uint64_t start = class << 1 | *pending;
    uint64_t sum;
    /* what carries out of the block is either a class bit in front of it, or the run behind one */
    *pending = class >> 63 | fc_add_carry(start, others, &sum);
    return sum & ~others;
}

/* 64 bytes of grammar. Returns a mask of tokens that may not stand where they stand. */
static FC_ALWAYS_INLINE uint64_t check_tokens(fc_checker *checker, fc_after *after,
                                              const uint8_t *text, const fc_json_block *block)
{
    const uint64_t strings = block->quote & block->string;
    const uint64_t open = block->open, close = block->close;
    const uint64_t comma = block->comma, colon = block->colon;
    const uint64_t starts = open | strings | block->scalar;
    const uint64_t tokens = starts | close | comma | colon;
    const uint64_t others = ~tokens;
    const uint64_t after_open = follow(open, others, &after->open);
    const uint64_t after_comma = follow(comma, others, &after->comma);
    const uint64_t after_colon = follow(colon, others, &after->colon);
    const uint64_t may_be_key = strings & (after_open | after_comma);
    const uint64_t after_key = follow(may_be_key, others, &after->key);
    const uint64_t after_value = tokens & ~(after_open | after_comma | after_colon);
    const uint64_t juxtaposed = starts & after_value;
    const uint64_t wrong = (comma & ~after_value) | (colon & ~after_key) |
                           (close & (after_comma | after_colon)) | (after_colon & ~starts);
    const uint64_t wrong_in[3] = {
        [FC_IN_ARRAY] = juxtaposed | colon,
        [FC_IN_OBJECT] = juxtaposed | (after_key & ~colon) | (after_comma & ~strings) |
                         (after_open & ~(strings | close)),
        [FC_AT_TOP] = comma | colon,
    };
    uint8_t *const stack = checker->stack;
    uint8_t *top = stack + checker->depth;
    uint64_t brackets = open | close, bad = wrong, live = ~0ull;

    while (brackets != 0) {
        const uint64_t bracket = brackets & (0 - brackets);
        const uint64_t upto = bracket | (bracket - 1);
        const size_t opens = (open & bracket) != 0;
        const uint8_t kind = text[fc_ctz64(brackets)] >> 5 & 1; /* { } 1, [ ] 0 */

        bad |= wrong_in[*top] & live & upto;
        if (opens) {
            *++top = kind;
        } else {
            if (*top != kind)
                bad |= bracket;
            top--;
        }
        live = ~upto;
        brackets &= brackets - 1;
    }
    checker->depth = (size_t)(top - stack);
    return bad | (wrong_in[*top] & live);
}

/* The first bracket of the block that opens more than depth_max containers, or 64. */
static unsigned too_deep(size_t depth, size_t depth_max, const fc_json_block *block)
{
    uint64_t brackets = block->open | block->close;
    for (; brackets != 0; brackets &= brackets - 1) {
        if ((block->close & brackets & (0 - brackets)) != 0)
            depth -= depth > 0;
        else if (++depth > depth_max)
            return (unsigned)fc_ctz64(brackets);
    }
    return 64;
}

/* -- numbers and literals ----------------------------------------------------------------- */

/* States of a number read a byte at a time; those marked may be its last. */
enum {
    AT_SIGN,
    AT_ZERO /* end */,
    AT_WHOLE /* end */,
    AT_POINT,
    AT_FRACTION /* end */,
    AT_E,
    AT_E_SIGN,
    AT_EXPONENT /* end */,
    NOT_A_NUMBER,
    IN_WORD,          /* not a number at all: true, false or null, cut off */
    BEHIND_SEPARATOR, /* whatever follows has no bit of its own */
};

static unsigned number_step(unsigned state, uint8_t c)
{
    const int digit = c >= '0' && c <= '9', e = (c | 0x20) == 'e';
    switch (state) {
    case AT_SIGN:
        return c == '0' ? AT_ZERO : digit ? AT_WHOLE : NOT_A_NUMBER;
    case AT_ZERO:
        return c == '.' ? AT_POINT : e ? AT_E : NOT_A_NUMBER;
    case AT_WHOLE:
        return digit ? AT_WHOLE : c == '.' ? AT_POINT : e ? AT_E : NOT_A_NUMBER;
    case AT_POINT:
        return digit ? AT_FRACTION : NOT_A_NUMBER;
    case AT_FRACTION:
        return digit ? AT_FRACTION : e ? AT_E : NOT_A_NUMBER;
    case AT_E:
        return digit ? AT_EXPONENT : c == '+' || c == '-' ? AT_E_SIGN : NOT_A_NUMBER;
    case AT_E_SIGN:
        return digit ? AT_EXPONENT : NOT_A_NUMBER;
    default:
        return digit ? AT_EXPONENT : NOT_A_NUMBER;
    }
}

static int number_may_end(unsigned state)
{
    return state == AT_ZERO || state == AT_WHOLE || state == AT_FRACTION || state == AT_EXPONENT;
}

/* 1: ends a scalar. */
static const uint8_t ends_scalar[256] = {
    [' '] = 1, ['\t'] = 1, ['\n'] = 1, ['\r'] = 1, [','] = 1, [']'] = 1, ['}'] = 1, [':'] = 1,
};

/* true, false or null at checker->number_at, near the end of the text. 1: right so far. */
static int check_word(fc_checker *checker, const uint8_t *text, size_t length, int complete)
{
    const size_t at = checker->number_at, left = length - at;
    const char *const word = text[at] == 't' ? "true" : text[at] == 'n' ? "null" : "false";
    const size_t bytes = strlen(word);

    if (memcmp(text + at, word, bytes < left ? bytes : left) != 0)
        return 0;
    if (left <= bytes && !complete)
        return 1;
    checker->number_at = FC_NOWHERE;
    return left == bytes || (left > bytes && ends_scalar[text[at + bytes]]);
}

static int check_separated(fc_checker *checker, const uint8_t *text, size_t length, size_t at,
                           size_t depth, int complete);

/* Go on with the number at checker->number_at. 1: right so far. */
static int check_number(fc_checker *checker, const uint8_t *text, size_t length, int complete)
{
    size_t at = checker->number_at;
    unsigned state = checker->number_state;

    if (state == IN_WORD)
        return check_word(checker, text, length, complete);
    if (state == BEHIND_SEPARATOR) {
        checker->number_at = FC_NOWHERE;
        return check_separated(checker, text, length, at, 0, complete);
    }
    while (at < length && !ends_scalar[text[at]]) {
        state = number_step(state, text[at++]);
        if (state == NOT_A_NUMBER)
            return 0;
    }
    if (at == length && !complete) {
        checker->number_at = at;
        checker->number_state = state;
        return 1;
    }
    checker->number_at = FC_NOWHERE;
    return number_may_end(state);
}

static FC_ALWAYS_INLINE unsigned leading_digits(uint64_t word)
{
    /* a byte is a digit when its high nibble is 3, also after adding 6 to it */
    const uint64_t odd =
        ((word & 0xF0F0F0F0F0F0F0F0u) ^ 0x3030303030303030u) |
        (((word + 0x0606060606060606u) & 0xF0F0F0F0F0F0F0F0u) ^ 0x3030303030303030u);
    return odd == 0 ? 8 : (unsigned)fc_ctz64(odd) / 8;
}

/* The scalar that starts at `at`. 1: right so far. */
static FC_ALWAYS_INLINE int check_scalar(fc_checker *checker, const uint8_t *text, size_t length,
                                         size_t at, int complete)
{
    const uint64_t word = fc_load_le64(text + at);
    const uint8_t first = (uint8_t)word;
    const unsigned digits = leading_digits(word);

    if (FC_LIKELY(digits > 0 && digits < 8 && at + digits < length &&
                  ends_scalar[(uint8_t)(word >> 8 * digits)]))
        return first != '0' || digits == 1;
    if (digits == 8 && first != '0' && at + 17 < length) {
        const unsigned more = leading_digits(fc_load_le64(text + at + 8));
        const unsigned rest = more < 8 ? 0 : leading_digits(fc_load_le64(text + at + 16));
        if (rest < 8 && at + 8 + more + rest < length && ends_scalar[text[at + 8 + more + rest]])
            return 1;
    }
    if (at + 5 < length) {
        if ((uint32_t)word == 0x65757274u) /* true */
            return ends_scalar[(uint8_t)(word >> 32)];
        if ((uint32_t)word == 0x6C6C756Eu) /* null */
            return ends_scalar[(uint8_t)(word >> 32)];
        if ((word & 0xFFFFFFFFFFu) == 0x65736C6166u) /* false */
            return ends_scalar[(uint8_t)(word >> 40)];
    } else if (first == 't' || first == 'n' || first == 'f') {
        checker->number_start = checker->number_at = at;
        checker->number_state = IN_WORD;
        return check_word(checker, text, length, complete);
    }
    if (first != '-' && digits == 0)
        return 0;
    checker->number_start = checker->number_at = at;
    checker->number_state = AT_SIGN;
    if (first == '-')
        checker->number_at++;
    return check_number(checker, text, length, complete);
}

/* A run that starts with a record separator (RFC 7464): fine between top-level values. */
static int check_separated(fc_checker *checker, const uint8_t *text, size_t length, size_t at,
                           size_t depth, int complete)
{
    if (depth != 0)
        return 0;
    while (at < length && text[at] == 0x1E)
        at++;
    if (at == length && !complete) {
        checker->number_start = checker->number_at = at;
        checker->number_state = BEHIND_SEPARATOR;
        return 1;
    }
    if (at == length || text[at] == '"' || text[at] == '{' || text[at] == '[' ||
        ends_scalar[text[at]])
        return 1;
    return check_scalar(checker, text, length, at, complete);
}

/* Every scalar of the block. Returns 64, or the bit of one that is wrong. */
static FC_ALWAYS_INLINE unsigned check_scalars(fc_checker *checker, const uint8_t *text,
                                               size_t length, const fc_json_block *block,
                                               size_t base, size_t depth, int complete)
{
    for (uint64_t left = block->scalar; left != 0; left &= left - 1) {
        const unsigned bit = (unsigned)fc_ctz64(left);
        if (FC_UNLIKELY(text[base + bit] == 0x1E)) {
            const uint64_t before = (1ull << bit) - 1;
            const size_t here = depth + (size_t)fc_popcount64(block->open & before) -
                                (size_t)fc_popcount64(block->close & before);
            if (!check_separated(checker, text, length, base + bit, here, complete))
                return bit;
        } else if (FC_UNLIKELY(!check_scalar(checker, text, length, base + bit, complete))) {
            return bit;
        }
    }
    return 64;
}

/* -- escapes ------------------------------------------------------------------------------ */

static const uint8_t hex_of[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static const uint8_t escape_char[256] = {
    ['"'] = 1, ['\\'] = 1, ['/'] = 1, ['b'] = 1, ['f'] = 1,
    ['n'] = 1, ['r'] = 1,  ['t'] = 1, ['u'] = 2,
};

/* Value of the four hex digits at `at`, or -1. */
static int32_t hex4(const uint8_t *at)
{
    const int32_t a = hex_of[at[0]], b = hex_of[at[1]], c = hex_of[at[2]], d = hex_of[at[3]];
    if (a == 0 || b == 0 || c == 0 || d == 0)
        return -1;
    return (a - 1) << 12 | (b - 1) << 8 | (c - 1) << 4 | (d - 1);
}

#define ESCAPE_BYTES 12 /* \uD83D\uDE00 */

/*
 * The escape at `at`, of which `left` bytes are there. Returns its bytes, 0 when it is wrong, or
 * ESCAPE_BYTES + 1 when more text must come first.
 */
static size_t check_escape(const uint8_t *text, size_t at, size_t left)
{
    int32_t unit;

    if (left < 2)
        return ESCAPE_BYTES + 1;
    if (escape_char[text[at + 1]] != 2)
        return escape_char[text[at + 1]] ? 2 : 0;
    if (left < 6)
        return ESCAPE_BYTES + 1;
    unit = hex4(text + at + 2);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
        return 0;
    if (unit < 0xD800 || unit > 0xDBFF)
        return 6;
    if (left < ESCAPE_BYTES)
        return ESCAPE_BYTES + 1;
    if (text[at + 6] != '\\' || text[at + 7] != 'u')
        return 0;
    unit = hex4(text + at + 8);
    return unit >= 0xDC00 && unit <= 0xDFFF ? ESCAPE_BYTES : 0;
}

/* Every escape that starts in the block. Returns 64, or the bit of one that is wrong. */
static unsigned check_escapes(fc_checker *checker, const uint8_t *text, size_t length,
                              const fc_json_block *block, size_t base, int complete)
{
    uint64_t left = block->backslash & ~checker->skip_escape;

    checker->skip_escape = 0;
    while (left != 0) {
        const unsigned bit = (unsigned)fc_ctz64(left);
        const size_t bytes = base + bit == checker->pair_at
                                 ? ESCAPE_BYTES / 2
                                 : check_escape(text, base + bit, length - base - bit);
        if (bytes == 0 || (bytes > ESCAPE_BYTES && complete))
            return bit;
        if (bytes > ESCAPE_BYTES && checker->escape_at == FC_NOWHERE)
            checker->escape_at = base + bit;
        /* the second half of a pair is an escape of its own kind: pass over both */
        const unsigned covers = bytes == ESCAPE_BYTES ? ESCAPE_BYTES : 2;
        if (bit + covers >= 64) {
            checker->skip_escape = (1ull << (bit + covers - 64)) - 1;
            break;
        }
        left &= ~0ull << (bit + covers);
    }
    return 64;
}

/* The escape that had to wait. 1: right so far. */
static int check_waiting_escape(fc_checker *checker, const uint8_t *text, size_t length,
                                int complete)
{
    const size_t bytes = check_escape(text, checker->escape_at, length - checker->escape_at);
    if (bytes > ESCAPE_BYTES)
        return !complete;
    if (bytes == ESCAPE_BYTES)
        checker->pair_at = checker->escape_at + ESCAPE_BYTES / 2;
    checker->escape_at = FC_NOWHERE;
    return bytes != 0;
}

/* -- bytes of strings --------------------------------------------------------------------- */

static size_t first_control(const uint8_t *text, const fc_json_block *blocks, size_t first,
                            size_t end)
{
    for (size_t at = first * 64; at < end * 64; at++)
        if (text[at] < 0x20 && (blocks[at / 64].string >> (at % 64) & 1) != 0)
            return at;
    return FC_NOWHERE;
}

/* 1: the bytes may be the beginning of a sequence, of which more follows. */
static int cut_off(const uint8_t *at, size_t left)
{
    const size_t bytes = *at >= 0xF0 ? 4 : *at >= 0xE0 ? 3 : *at >= 0xC2 ? 2 : 1;

    for (size_t k = 1; k < left; k++)
        if ((at[k] & 0xC0) != 0x80)
            return 0;
    return left < bytes;
}

static size_t check_utf8(fc_checker *checker, const uint8_t *text, size_t upto, int complete)
{
    size_t at = checker->utf8_at;

    if (at >= upto)
        return FC_NOWHERE;
    at += checker->kernels->utf8_prefix(text + at, upto - at);
    checker->utf8_at = at;
    return at == upto || (!complete && cut_off(text + at, upto - at)) ? FC_NOWHERE : at;
}

/* -- all together ------------------------------------------------------------------------- */

static size_t FC_SYM(checker_run)(fc_checker *checker, const uint8_t *text, size_t length,
                                  const fc_json_block *blocks, size_t first, size_t end,
                                  unsigned flags, int complete)
{
    const size_t upto = end * 64 < length ? end * 64 : length;
    fc_after after = checker->after; /* here the stores to the stack cannot change it */
    size_t wrong = FC_NOWHERE, at, shallow;

    if (checker->number_at != FC_NOWHERE && !check_number(checker, text, length, complete))
        return checker->number_start;
    if (checker->escape_at != FC_NOWHERE && !check_waiting_escape(checker, text, length, complete))
        return checker->escape_at == FC_NOWHERE ? first * 64 : checker->escape_at;
    if (flags & FC_JSON_HAS_CONTROL)
        wrong = first_control(text, blocks, first, end);
    if ((flags & FC_JSON_HAS_NON_ASCII) || checker->utf8_at < first * 64) {
        at = check_utf8(checker, text, upto, complete);
        wrong = at < wrong ? at : wrong;
    } else {
        checker->utf8_at = upto;
    }

    if (wrong / 64 < end)
        end = wrong / 64 + 1;
    shallow =
        checker->storage_depth < checker->depth_max ? checker->storage_depth : checker->depth_max;
    for (size_t i = first; i < end; i++) {
        const fc_json_block *const block = &blocks[i];
        const size_t base = i * 64, depth = checker->depth;
        unsigned bit = 64;
        uint64_t bad;

        if ((block->quote | block->open | block->close | block->comma | block->colon |
             block->scalar | block->backslash | checker->skip_escape) == 0)
            continue; /* inside a string, a number or whitespace: what came before still did */
        if (FC_UNLIKELY(depth + FC_CHECKER_GUARD > shallow)) {
            if (!fc_checker_grow(checker, FC_CHECKER_GUARD))
                return base;
            if (depth + FC_CHECKER_GUARD > checker->depth_max)
                bit = too_deep(depth, checker->depth_max, block);
        }
        bad = check_tokens(checker, &after, text + base, block);
        if (FC_UNLIKELY(bad != 0))
            bit = (unsigned)fc_ctz64(bad) < bit ? (unsigned)fc_ctz64(bad) : bit;
        at = check_scalars(checker, text, length, block, base, depth, complete);
        bit = at < bit ? (unsigned)at : bit;
        if (block->backslash != 0 || checker->skip_escape != 0) {
            at = check_escapes(checker, text, length, block, base, complete);
            bit = at < bit ? (unsigned)at : bit;
        }
        if (FC_UNLIKELY(bit < 64))
            return base + bit < wrong ? base + bit : wrong;
    }
    checker->after = after;
    return wrong;
}
