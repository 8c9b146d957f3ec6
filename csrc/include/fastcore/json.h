/*
 * fastcore/json.h - JSON as a stream: records in, located values out.
 *
 * A reader takes bytes in chunks of any size (fc_json_feed), finds the records
 * in them and, for each, a cell per path of a program: where the value lies and
 * what kind it is. Cells point into the chunk or into the reader's own buffer
 * and hold until the next call. Nothing is decoded that no path asks for.
 *
 *     fc_json_feed(reader, chunk, length);
 *     while ((event = fc_json_step(reader)) != FC_JSON_MORE)
 *         use(reader->cells ...)
 *
 * One thread at a time per reader.
 */
#ifndef FC_JSON_H
#define FC_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "fastcore/status.h"

typedef struct fc_kernels fc_kernels;

typedef enum fc_json_kind {
    FC_JSON_MISSING = 0, /* the path leads to nothing */
    FC_JSON_NULL,
    FC_JSON_FALSE,
    FC_JSON_TRUE,
    FC_JSON_NUMBER,
    FC_JSON_STRING,
    FC_JSON_ARRAY,
    FC_JSON_OBJECT,
} fc_json_kind;

/* A located, undecoded value. Of a string, the bytes between its quotes. */
typedef struct fc_json_cell {
    const uint8_t *text;
    size_t length;
    uint8_t kind;    /* fc_json_kind */
    uint8_t escaped; /* a string that may hold a backslash */
} fc_json_cell;

/* -- paths -------------------------------------------------------------------------------- */

typedef enum fc_json_step_kind {
    FC_JSON_STEP_NAME,    /* members of this name */
    FC_JSON_STEP_ANY,     /* every member and every element */
    FC_JSON_STEP_SLICE,   /* elements start, start + step, ... below stop */
    FC_JSON_STEP_POINTER, /* members of this name, and the element `start` */
} fc_json_step_kind;

typedef struct fc_json_step_spec {
    fc_json_step_kind kind;
    int descend; /* look at all depths below, not only at the children */
    const uint8_t *name;
    size_t name_bytes; /* of the name, in UTF-8, not escaped */
    uint64_t start, stop, step;
} fc_json_step_spec;

typedef struct fc_json_program fc_json_program;

/* NULL when memory runs out. */
fc_json_program *fc_json_program_new(void);
void fc_json_program_free(fc_json_program *program);

/*
 * Add a path of `count` steps that reports to cell `cell`. Several paths may
 * report to one cell (a union). A `many` cell gathers every value that matches,
 * each once, in the order of the document; any other keeps the first.
 * FC_EINVAL: too many paths.
 */
fc_status fc_json_program_add(fc_json_program *program, const fc_json_step_spec *steps,
                              size_t count, size_t cell, int many);

/* -- readers ------------------------------------------------------------------------------ */

typedef struct fc_json_options {
    int validate;            /* check every byte, also of what is skipped */
    size_t depth_max;        /* containers inside containers */
    size_t record_bytes_max; /* of one record */

    /*
     * Where the records lie inside each top-level value; borrowed. NULL: each top-level value is
     * one. A record inside another one is part of that.
     */
    const fc_json_program *root;
} fc_json_options;

typedef enum fc_json_event {
    FC_JSON_MORE,   /* nothing left to do before the next chunk, or, after finish, at all */
    FC_JSON_RECORD, /* `cells` hold one record */
    FC_JSON_BAD,    /* `fault` says what and where: fc_json_resume() or give up */
    FC_JSON_NOMEM,
} fc_json_event;

typedef struct fc_json_fault {
    const char *message; /* static */
    uint64_t offset;     /* bytes from the start of the stream to the first wrong byte */
    uint64_t line;       /* from 1 */
    uint64_t column;     /* from 1, in bytes */
    uint64_t record;     /* index of the record, from 0 */
    char excerpt[48];    /* the bytes around `offset`, cut at character borders */
} fc_json_fault;

typedef struct fc_json_stats {
    uint64_t bytes;    /* taken from the chunks */
    uint64_t records;  /* good ones, delivered */
    uint64_t errors;   /* faults */
    uint64_t position; /* offset just after the last record or fault that is over with */
} fc_json_stats;

typedef struct fc_json_reader fc_json_reader;

/*
 * program   may be NULL: `record` alone is filled. Borrowed, not freed.
 */
fc_json_reader *fc_json_reader_new(const fc_kernels *kernels, const fc_json_options *options,
                                   const fc_json_program *program, size_t cell_count);
void fc_json_reader_free(fc_json_reader *reader);

/* Hand over the next chunk; it must stay until fc_json_step() says FC_JSON_MORE. */
void fc_json_feed(fc_json_reader *reader, const uint8_t *chunk, size_t length);

/* No chunk follows: what is held back becomes a record or a fault. */
void fc_json_finish(fc_json_reader *reader);

fc_json_event fc_json_step(fc_json_reader *reader);

/* After FC_JSON_BAD: go on after the line in which the bad record starts. */
void fc_json_resume(fc_json_reader *reader);

/* Of the last FC_JSON_RECORD. A `many` cell has kind MISSING here; see fc_json_matches(). */
const fc_json_cell *fc_json_cells(const fc_json_reader *reader);
const fc_json_cell *fc_json_record(const fc_json_reader *reader);

/* The matches of all `many` cells of the last record, in order; cell_of[i] owns match i. */
size_t fc_json_matches(const fc_json_reader *reader, const fc_json_cell **matches,
                       const uint32_t **cell_of);

const fc_json_fault *fc_json_fault_of(const fc_json_reader *reader);
fc_json_stats fc_json_stats_of(const fc_json_reader *reader);

/*
 * The last record is not what its reader wants: count it as a fault at the byte `at` of it. It is
 * over with, so fc_json_resume() is not called.
 */
void fc_json_reject(fc_json_reader *reader, const uint8_t *at, const char *message);

/*
 * Where a reader stands when it has said FC_JSON_MORE: as much as another one must know that is to
 * go on behind it.
 */
typedef struct fc_json_place {
    uint64_t offset;     /* bytes that have been fed */
    uint64_t lines;      /* newlines in them */
    uint64_t line_start; /* offset just behind the last of these */
    int idle;            /* no record has begun that is not over with */
} fc_json_place;

fc_json_place fc_json_place_of(const fc_json_reader *reader);

/* The first chunk is not the start of the stream: a byte order mark is not skipped. */
void fc_json_begin_inside(fc_json_reader *reader);

/* -- values ------------------------------------------------------------------------------- */

/*
 * Check that text[0 .. length) is one JSON value and nothing else, in the plainest way there
 * is, a byte at a time. Returns NULL, or what is wrong, with its offset in *at.
 */
const char *fc_json_check(const uint8_t *text, size_t length, size_t depth_max, size_t *at);

/*
 * Write the characters that the inside of a valid string stands for to out[0 .. length):
 * escapes only make text shorter. Returns the bytes written.
 */
size_t fc_json_unescape(const uint8_t *text, size_t length, uint8_t *out);

typedef enum fc_json_number_kind {
    FC_JSON_NOT_A_NUMBER,
    FC_JSON_INT64,  /* fits; `i` holds it */
    FC_JSON_UINT64, /* above INT64_MAX; `u` holds it */
    FC_JSON_BIGINT, /* an integer beyond both */
    FC_JSON_DOUBLE, /* has a fraction or an exponent */
} fc_json_number_kind;

typedef struct fc_json_number {
    fc_json_number_kind kind;
    int64_t i;
    uint64_t u;
} fc_json_number;

/* What text[0 .. length) is, by RFC 8259, with its value where it is an integer of 64 bits. */
fc_json_number fc_json_number_read(const uint8_t *text, size_t length);

/*
 * The double nearest to a valid number, ties to even; 0 with *out = +-inf when it is beyond the
 * largest double, else 1. `single` rounds to the nearest float instead (then widened).
 */
int fc_json_number_double(const uint8_t *text, size_t length, int single, double *out);

#endif
