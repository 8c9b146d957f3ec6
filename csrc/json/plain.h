/*
 * json/plain.h - RFC 8259 a byte at a time: the judge.
 *
 * The fast checker only says that something is wrong; this machine, run over the same bytes
 * again, says what and exactly where. It is also what the tests hold the fast checker to.
 */
#ifndef FC_JSON_PLAIN_H
#define FC_JSON_PLAIN_H

#include <stddef.h>
#include <stdint.h>

typedef enum fc_plain_want {
    FC_WANT_VALUE,          /* a value, and nothing else */
    FC_WANT_VALUE_OR_CLOSE, /* just after [ */
    FC_WANT_KEY,            /* just after , in an object */
    FC_WANT_KEY_OR_CLOSE,   /* just after { */
    FC_WANT_COLON,
    FC_WANT_COMMA_OR_CLOSE,
} fc_plain_want;

/*
 * Judge text[0 .. length) from a place between two tokens where `depth` containers are open,
 * kinds[i] being '{' or '[' for the i-th from outside (kinds has room for depth_max), to the end
 * of the value that brings the depth back to `floor` with nothing wanted, or to the first error.
 *
 * Returns NULL and the end of the value in *at, or what is wrong with *at at the first wrong
 * byte; *at == length there means that the text ends too early.
 */
const char *fc_plain_judge(const uint8_t *text, size_t length, uint8_t *kinds, size_t depth,
                           size_t depth_max, size_t floor, fc_plain_want want, size_t *at);

#endif
