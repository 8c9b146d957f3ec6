/*
 * fastcore/tokens.h - JSON as a stream of tokens: chunks in, checked tokens out, a batch at a time.
 *
 *     fc_tokens_feed(tokens, chunk, length);
 *     while ((event = fc_tokens_read(tokens, batch, FC_TOKENS_BATCH, &count)) == FC_TOKENS_SOME)
 *         use(batch[0 .. count))
 *
 * Tokens point into the chunk or into the tokenizer's own buffer and hold until the next call.
 * Memory is that of the longest single token, and a byte for each open container.
 *
 * One thread at a time per tokenizer.
 */
#ifndef FC_TOKENS_H
#define FC_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "fastcore/json.h"

typedef enum fc_token_kind {
    FC_TOKEN_NULL,
    FC_TOKEN_FALSE,
    FC_TOKEN_TRUE,
    FC_TOKEN_NUMBER,  /* `text` as it is written */
    FC_TOKEN_INTEGER, /* a number that fits; `integer` holds it */
    FC_TOKEN_STRING,  /* `text` is what lies between the quotes */
    FC_TOKEN_KEY,
    FC_TOKEN_OPEN_MAP,
    FC_TOKEN_OPEN_ARRAY,
    FC_TOKEN_CLOSE_MAP,
    FC_TOKEN_CLOSE_ARRAY,
} fc_token_kind;

typedef struct fc_token {
    const uint8_t *text;
    size_t length;
    int64_t integer;
    uint8_t kind;    /* fc_token_kind */
    uint8_t escaped; /* a string or key that holds a backslash */
    uint8_t ascii;   /* a string or key without a byte of 0x80 or more */
} fc_token;

#define FC_TOKENS_BATCH 256 /* tokens that make a batch of 10 KiB, which stays in the L1 cache */

typedef struct fc_tokens_options {
    size_t depth_max;       /* containers inside containers */
    size_t token_bytes_max; /* of one string, key, number or comment */
    size_t values_min;      /* 1: a stream without any value is cut short */
    int multiple;           /* any number of values, with whitespace, RS or nothing between them */
    int comments;           /* as C and C++ write them, wherever whitespace may stand */
    int lone_surrogates;    /* let \ud800 through; it is then up to the reader of the string */
} fc_tokens_options;

typedef enum fc_tokens_event {
    FC_TOKENS_SOME, /* `count` tokens, at least one */
    FC_TOKENS_MORE, /* nothing left before the next chunk, or, after finish, at all */
    FC_TOKENS_BAD,  /* the fault says what and where; there is no going on */
    FC_TOKENS_NOMEM,
} fc_tokens_event;

typedef struct fc_tokens fc_tokens;

/* NULL when memory runs out. */
fc_tokens *fc_tokens_new(const fc_kernels *kernels, const fc_tokens_options *options);
void fc_tokens_free(fc_tokens *tokens);

/* Hand over the next chunk; it must stay until fc_tokens_read() says FC_TOKENS_MORE. */
void fc_tokens_feed(fc_tokens *tokens, const uint8_t *chunk, size_t length);

/* No chunk follows: a number at the very end becomes a token, an open value a fault. */
void fc_tokens_finish(fc_tokens *tokens);

fc_tokens_event fc_tokens_read(fc_tokens *tokens, fc_token *out, size_t capacity, size_t *count);

/*
 * Check, but do not report, what is left of the innermost `levels` containers that are open after
 * the tokens read so far; the outermost one's closing token is reported.
 */
void fc_tokens_pass_over(fc_tokens *tokens, size_t levels);

/* The number batch[index], of the batch that was read last, is not one that its reader can use. */
void fc_tokens_reject(fc_tokens *tokens, const fc_token *batch, size_t index, const char *message);

/* After FC_TOKENS_BAD or a rejection. `record` is the index of the top-level value. */
const fc_json_fault *fc_tokens_fault(const fc_tokens *tokens);

/* After FC_TOKENS_BAD: nothing is wrong but that the stream ends too early. */
int fc_tokens_truncated(const fc_tokens *tokens);

#endif
