/* json/plain.c - the judge: see plain.h. One function per token, no recursion, no tricks. */
#include "json/plain.h"

#include <stdlib.h>
#include <string.h>

#include "fastcore/json.h"
#include "json/scan.h"

static const char ends_early[] = "unexpected end of input";

static int is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static int hex_value(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Four hex digits at text[*at]; moves *at behind them, or to the first that is none. */
static const char *judge_hex(const uint8_t *text, size_t length, size_t *at, unsigned *unit)
{
    *unit = 0;
    for (int k = 0; k < 4; k++, ++*at) {
        if (*at >= length)
            return ends_early;
        if (hex_value(text[*at]) < 0)
            return "invalid \\u escape: expected four hexadecimal digits";
        *unit = *unit * 16 + (unsigned)hex_value(text[*at]);
    }
    return NULL;
}

/* An escape whose backslash is at text[*at]. */
static const char *judge_escape(const uint8_t *text, size_t length, size_t *at)
{
    const size_t start = *at;
    unsigned unit;
    const char *wrong;

    if (++*at >= length)
        return ends_early;
    if (text[*at] != 'u') {
        if (text[*at] == 0 || strchr("\"\\/bfnrt", text[*at]) == NULL)
            return "invalid escape in string";
        ++*at;
        return NULL;
    }
    ++*at;
    if ((wrong = judge_hex(text, length, at, &unit)) != NULL)
        return wrong;
    if (unit >= 0xDC00 && unit <= 0xDFFF) {
        *at = start;
        return "lone low surrogate in string";
    }
    if (unit < 0xD800 || unit > 0xDBFF)
        return NULL;
    if (*at >= length || (text[*at] == '\\' && *at + 1 >= length)) {
        *at = length;
        return ends_early;
    }
    if (text[*at] == '\\' && text[*at + 1] == 'u') {
        size_t low = *at + 2;
        wrong = judge_hex(text, length, &low, &unit);
        if (wrong != NULL) {
            *at = low;
            return wrong;
        }
        if (unit >= 0xDC00 && unit <= 0xDFFF) {
            *at = low;
            return NULL;
        }
    }
    *at = start;
    return "lone high surrogate in string";
}

/* One UTF-8 sequence of two bytes or more at text[*at] (Unicode 16, table 3-7). */
static const char *judge_utf8(const uint8_t *text, size_t length, size_t *at)
{
    const uint8_t lead = text[*at];
    uint8_t low = 0x80, high = 0xBF;
    size_t more;

    if (lead >= 0xC2 && lead <= 0xDF)
        more = 1;
    else if (lead >= 0xE0 && lead <= 0xEF)
        more = 2;
    else if (lead >= 0xF0 && lead <= 0xF4)
        more = 3;
    else
        return "invalid UTF-8 in string";
    if (lead == 0xE0)
        low = 0xA0;
    else if (lead == 0xED)
        high = 0x9F;
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    for (size_t k = 1; k <= more; k++, low = 0x80, high = 0xBF) {
        if (*at + k >= length) {
            *at = length;
            return ends_early;
        }
        if (text[*at + k] < low || text[*at + k] > high)
            return "invalid UTF-8 in string";
    }
    *at += more + 1;
    return NULL;
}

static const char *judge_string(const uint8_t *text, size_t length, size_t *at)
{
    ++*at;
    while (*at < length) {
        const uint8_t c = text[*at];
        const char *wrong = NULL;
        if (c == '"') {
            ++*at;
            return NULL;
        }
        if (c < 0x20)
            return "control character in string must be escaped";
        if (c == '\\')
            wrong = judge_escape(text, length, at);
        else if (c >= 0x80)
            wrong = judge_utf8(text, length, at);
        else
            ++*at;
        if (wrong != NULL)
            return wrong;
    }
    return "unterminated string";
}

static const char *judge_digits(const uint8_t *text, size_t length, size_t *at)
{
    if (*at >= length)
        return ends_early;
    if (!is_digit(text[*at]))
        return "invalid number: expected a digit";
    while (*at < length && is_digit(text[*at]))
        ++*at;
    return NULL;
}

static const char *judge_number(const uint8_t *text, size_t length, size_t *at)
{
    const char *wrong;

    if (text[*at] == '-')
        ++*at;
    if (*at < length && text[*at] == '0') {
        ++*at;
        if (*at < length && is_digit(text[*at]))
            return "invalid number: leading zero";
    } else if ((wrong = judge_digits(text, length, at)) != NULL) {
        return wrong;
    }
    if (*at < length && text[*at] == '.') {
        ++*at;
        if ((wrong = judge_digits(text, length, at)) != NULL)
            return wrong;
    }
    if (*at < length && (text[*at] == 'e' || text[*at] == 'E')) {
        ++*at;
        if (*at < length && (text[*at] == '+' || text[*at] == '-'))
            ++*at;
        if ((wrong = judge_digits(text, length, at)) != NULL)
            return wrong;
    }
    return NULL;
}

static const char *judge_word(const uint8_t *text, size_t length, const char *word, size_t *at)
{
    for (; *word != 0; word++, ++*at) {
        if (*at >= length)
            return ends_early;
        if (text[*at] != (uint8_t)*word)
            return "invalid literal: expected true, false or null";
    }
    return NULL;
}

static const char *judge_scalar(const uint8_t *text, size_t length, size_t *at)
{
    const uint8_t c = text[*at];
    const char *wrong;

    if (c == '"')
        return judge_string(text, length, at);
    if (c == 't')
        wrong = judge_word(text, length, "true", at);
    else if (c == 'f')
        wrong = judge_word(text, length, "false", at);
    else if (c == 'n')
        wrong = judge_word(text, length, "null", at);
    else if (c == '-' || is_digit(c))
        wrong = judge_number(text, length, at);
    else
        return "expected a value";
    if (wrong == NULL && *at < length && !fc_is_space(text[*at]) &&
        (text[*at] == 0 || strchr(",:]}", text[*at]) == NULL))
        return "unexpected character after a value";
    return wrong;
}

const char *fc_plain_judge(const uint8_t *text, size_t length, uint8_t *kinds, size_t depth,
                           size_t depth_max, size_t floor, fc_plain_want want, size_t *at)
{
    const char *wrong;

    for (;;) {
        const uint8_t kind = depth > 0 ? kinds[depth - 1] : 0;
        uint8_t c;

        if (want == FC_WANT_COMMA_OR_CLOSE && depth == floor)
            return NULL;
        while (*at < length && fc_is_space(text[*at]))
            ++*at;
        if (*at >= length)
            return ends_early;
        c = text[*at];

        if ((want == FC_WANT_VALUE_OR_CLOSE && c == ']') ||
            (want == FC_WANT_KEY_OR_CLOSE && c == '}') ||
            (want == FC_WANT_COMMA_OR_CLOSE && c == (kind == '{' ? '}' : ']'))) {
            ++*at;
            depth--;
            want = FC_WANT_COMMA_OR_CLOSE;
        } else if (want == FC_WANT_COMMA_OR_CLOSE) {
            if (c != ',')
                return kind == '{' ? "expected ',' or '}'" : "expected ',' or ']'";
            ++*at;
            want = kind == '{' ? FC_WANT_KEY : FC_WANT_VALUE;
        } else if (want == FC_WANT_COLON) {
            if (c != ':')
                return "expected ':' after a key";
            ++*at;
            want = FC_WANT_VALUE;
        } else if (want == FC_WANT_KEY || want == FC_WANT_KEY_OR_CLOSE) {
            if (c != '"')
                return "expected a key in double quotes";
            if ((wrong = judge_string(text, length, at)) != NULL)
                return wrong;
            want = FC_WANT_COLON;
        } else if (c == '{' || c == '[') {
            if (depth >= depth_max)
                return "nested deeper than max_depth";
            kinds[depth++] = c;
            ++*at;
            want = c == '{' ? FC_WANT_KEY_OR_CLOSE : FC_WANT_VALUE_OR_CLOSE;
        } else {
            if ((wrong = judge_scalar(text, length, at)) != NULL)
                return wrong;
            want = FC_WANT_COMMA_OR_CLOSE;
        }
    }
}

const char *fc_json_check(const uint8_t *text, size_t length, size_t depth_max, size_t *at)
{
    uint8_t *kinds = malloc(depth_max < length ? depth_max + 1 : length + 1);
    const char *wrong;

    *at = 0;
    if (kinds == NULL)
        return "out of memory";
    wrong = fc_plain_judge(text, length, kinds, 0, depth_max, 0, FC_WANT_VALUE, at);
    free(kinds);
    while (wrong == NULL && *at < length && fc_is_space(text[*at]))
        ++*at;
    return wrong == NULL && *at < length ? "unexpected character after the value" : wrong;
}
