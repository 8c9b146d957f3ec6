/*
 * json/reader.h - the window that slides over the stream, shared by reader.c and the engines.
 *
 *     stream   ........|=====================================|..........
 *                      text                      length ^
 *                        at: all before is over with
 *                          |record|record|rec
 *                      [ masked blocks: done ]   [ not yet masked ]
 *
 * The text lies in the caller's chunk as long as whole blocks are left there, and in `held`
 * where a record crosses from one chunk to the next. Offsets count from the text's origin,
 * which moves up, by whole blocks, with everything that is over with.
 */
#ifndef FC_JSON_READER_H
#define FC_JSON_READER_H

#include "json/spine.h"
#include "json/walk.h"

typedef enum fc_phase {
    FC_BETWEEN,      /* records: looking for the start of the next one */
    FC_IN_SPINE,     /* between two tokens of the spine */
    FC_IN_CONTAINER, /* looking for the bracket that ends it */
    FC_IN_STRING,    /* ... the quote */
    FC_IN_SCALAR,    /* ... the byte after it */
} fc_phase;

struct fc_json_reader {
    const fc_kernels *kernels;
    const struct fc_json_engine *engine;
    fc_json_options options;
    const fc_json_program *program;
    fc_walker walker;
    fc_checker checker;

    /* the window */
    const uint8_t *text;
    size_t length;
    uint64_t base;       /* stream offset of text[0] */
    uint64_t lines;      /* newlines before text[0] */
    uint64_t line_start; /* stream offset of the line that text[0] is in */
    fc_json_block *blocks;
    size_t block_capacity, done;
    fc_json_carry carry;
    unsigned flags; /* of all blocks in the window */
    size_t piece;   /* blocks to mask at once */

    /* the record in sight */
    fc_phase phase;
    uint8_t separated; /* the byte before `scan` is a record separator: no bit marks what follows */
    size_t at, start, scan, depth;
    size_t end;   /* of the record found, behind it */
    size_t wrong; /* what the checker found, or FC_NOWHERE */
    uint8_t *kinds;

    /* where the records lie inside each top-level value */
    uint8_t rooted;
    uint8_t skipping; /* the value in sight is not a record */
    fc_spine spine;

    /* where the text comes from */
    const uint8_t *chunk;
    size_t chunk_left;
    uint8_t *held;
    size_t held_capacity;
    size_t chunk_in_held; /* offset in text of the first byte copied from this chunk */
    uint8_t in_place;
    uint8_t too_long; /* the record in sight passes record_bytes_max */
    uint8_t finished;
    uint8_t begun;      /* the byte order mark, if any, is behind */
    uint8_t discarding; /* up to the next newline */
    uint8_t restart;    /* the next record starts the masks anew, at `at` */
    uint8_t no_memory;

    fc_json_cell record;
    fc_json_fault fault;
    fc_json_stats stats;
};

/* faults.c: fill `fault` for text[at]; find out what is wrong with the record in sight. */
void fc_reader_blame(fc_json_reader *reader, size_t at, const char *message);
fc_json_event fc_reader_fault(fc_json_reader *reader);

#endif
