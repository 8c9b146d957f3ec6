/* json/string.c - what stands between the quotes, as characters. */
#include <string.h>

#include "fastcore/json.h"

static uint32_t hex4(const uint8_t *at)
{
    uint32_t unit = 0;
    for (int k = 0; k < 4; k++) {
        const uint8_t c = at[k];
        unit = unit << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return unit;
}

static uint8_t *put_utf8(uint8_t *out, uint32_t point)
{
    if (point < 0x80) {
        *out++ = (uint8_t)point;
    } else if (point < 0x800) {
        *out++ = (uint8_t)(0xC0 | point >> 6);
        *out++ = (uint8_t)(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        *out++ = (uint8_t)(0xE0 | point >> 12);
        *out++ = (uint8_t)(0x80 | (point >> 6 & 0x3F));
        *out++ = (uint8_t)(0x80 | (point & 0x3F));
    } else {
        *out++ = (uint8_t)(0xF0 | point >> 18);
        *out++ = (uint8_t)(0x80 | (point >> 12 & 0x3F));
        *out++ = (uint8_t)(0x80 | (point >> 6 & 0x3F));
        *out++ = (uint8_t)(0x80 | (point & 0x3F));
    }
    return out;
}

size_t fc_json_unescape(const uint8_t *text, size_t length, uint8_t *out)
{
    static const uint8_t plain[256] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };
    const uint8_t *at = text, *const end = text + length;
    uint8_t *to = out;

    while (at < end) {
        const uint8_t *const slash = memchr(at, '\\', (size_t)(end - at));
        const size_t run = slash == NULL ? (size_t)(end - at) : (size_t)(slash - at);

        memcpy(to, at, run);
        to += run;
        at += run;
        if (at == end)
            break;
        /* a string that nobody has checked may end in half an escape: it is kept as it is */
        if (end - at >= 6 && at[1] == 'u') {
            uint32_t point = hex4(at + 2);
            at += 6;
            if (point >> 10 == 0xD800 >> 10 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
                const uint32_t low = hex4(at + 2);
                if (low >> 10 == 0xDC00 >> 10) {
                    point = 0x10000 + ((point & 0x3FF) << 10) + (low & 0x3FF);
                    at += 6;
                }
            }
            to = put_utf8(to, point & 0x1FFFFF);
        } else if (end - at >= 2) {
            *to++ = plain[at[1]];
            at += 2;
        } else {
            *to++ = *at++;
        }
    }
    return (size_t)(to - out);
}
