/*
 * json/spine.h - where the reader is in a document whose records lie at a root path.
 *
 * The containers around the records are the spine: their members are looked at one by one as the
 * text comes, and forgotten. What the root does not lead into is passed over, however large. The
 * records themselves are found and walked as everywhere.
 *
 * So that a fault can be named exactly long after the text that led to it is gone, the reader keeps
 * an anchor: the last place in checked text that is between two tokens, with what was open there.
 */
#ifndef FC_JSON_SPINE_H
#define FC_JSON_SPINE_H

#include "json/checker.h"
#include "json/plain.h"
#include "json/sets.h"

typedef struct fc_spine_frame {
    size_t set, set_count; /* of the container, in `sets` */
    uint64_t index;        /* of the next element */
    uint64_t elements;     /* that may lead on */
    uint8_t kind;          /* { or [ */
} fc_spine_frame;

typedef struct fc_spine {
    fc_sets sets;
    fc_spine_frame *frames; /* frames[0 .. depth): containers open around `at`, from outside */
    size_t depth, capacity;
    fc_plain_want want; /* at `at` */
    size_t child_count; /* size of the set of the member whose value comes next */
    size_t behind;      /* the end of the last token taken, as far as it is in the window */

    size_t anchor;
    size_t anchor_depth, anchor_capacity;
    uint8_t *anchor_stack; /* as the checker's: from 1 */
    fc_plain_want anchor_want;
} fc_spine;

fc_status fc_spine_init(fc_spine *spine, const fc_json_program *root);
void fc_spine_destroy(fc_spine *spine);

/* Open a container of the set [set, set + count). 0: no memory. */
int fc_spine_push(fc_spine *spine, uint8_t kind, size_t set, size_t count);

/* The set of the next value in the innermost container, behind that container's. */
size_t fc_spine_next_set(const fc_spine *spine);

/* Whether a value of the set [set, set + count) is a record. */
int fc_spine_is_record(const fc_spine *spine, size_t set, size_t count);

/* The text's origin moves up by `bytes`. */
void fc_spine_slide(fc_spine *spine, size_t bytes);

/* Blocks [first, end) are masked and right: move the anchor into them. 0: no memory. */
int fc_spine_anchor(fc_spine *spine, const fc_checker *checker, const uint8_t *text,
                    const fc_json_block *blocks, size_t first, size_t end);

/* Masks and checks begin anew at text[0], between two tokens. 0: no memory. */
int fc_spine_restart(fc_spine *spine, fc_checker *checker);

#endif
