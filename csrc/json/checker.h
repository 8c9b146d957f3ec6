/*
 * json/checker.h - the grammar of RFC 8259 over block masks, many bytes at a time.
 *
 * It answers one question: up to which byte is the text certainly right? What is wrong beyond,
 * plain.h says. See docs/design/json-skipper.md for how and why.
 */
#ifndef FC_JSON_CHECKER_H
#define FC_JSON_CHECKER_H

#include "fastcore/status.h"
#include "kernels/kernels.h"

/* What the innermost open container is, and so what may stand between two brackets. */
enum { FC_IN_ARRAY = 0, FC_IN_OBJECT = 1, FC_AT_TOP = 2 };

/* Brackets in a block: how far a wrong block can walk past either end of the stack. */
#define FC_CHECKER_GUARD 64

/* 1 when the last token before the next block is of this class. */
typedef struct fc_after {
    uint64_t open, comma, colon, key;
} fc_after;

typedef struct fc_checker {
    const fc_kernels *kernels;
    uint8_t *stack;   /* stack[1 .. depth]: containers open, from outside; stack[0]: FC_AT_TOP */
    uint8_t *storage; /* stack with a guard of 64 entries below and above */
    size_t storage_depth;
    size_t depth, depth_max;

    fc_after after;

    uint64_t skip_escape; /* 1 when the next block's first byte belongs to an escape */
    size_t utf8_at;       /* text before it is well-formed */
    size_t number_at;     /* a number not yet ended goes on here, or FC_NOWHERE */
    size_t number_start;  /* where it starts */
    unsigned number_state;
    size_t escape_at; /* an escape that waits for more text, or FC_NOWHERE */
    size_t pair_at;   /* the second half of a surrogate pair already checked, or FC_NOWHERE */
} fc_checker;

fc_status fc_checker_init(fc_checker *checker, const fc_kernels *kernels, size_t depth_max);
void fc_checker_destroy(fc_checker *checker);

/* Start over at text offset `at`, just after a value, with `depth` containers still open. */
void fc_checker_restart(fc_checker *checker, size_t at, size_t depth);

/* The text's origin moves up by `bytes`. */
void fc_checker_slide(fc_checker *checker, size_t bytes);

/* Room for `levels` more containers. 0: no memory. */
int fc_checker_grow(fc_checker *checker, size_t levels);

#endif
