/*
 * json/lexer.h - the tokenizer's state, shared by the machine (lexer.c) and the window that slides
 * over the chunks (tokens.c).
 */
#ifndef FC_JSON_LEXER_H
#define FC_JSON_LEXER_H

#include "fastcore/tokens.h"
#include "kernels/kernels.h"
#include "json/plain.h"

#define FC_LEX_LOUD ((size_t)-1)

/* Why fc_lex() stopped. */
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

/* Up to `capacity` tokens of the window; t->at moves behind what has been used. */
fc_stop fc_lex(fc_tokens *t, fc_token *out, size_t capacity, size_t *reported);

/* The window holds more of a number that was cut: 1 when it may still go on. */
int fc_lex_number_goes_on(fc_tokens *t);

#endif
