/*
 * json/reader.c - chunks in, records out: moves the window of reader.h over the stream.
 *
 * Whole blocks of a chunk are masked and checked where they lie, a piece at a time so that the
 * masks stay in the nearest caches, and never the last SLACK bytes, which may be read past. What
 * is left of the chunk moves to `held`; the next chunk is added there, little by little, until
 * the record that crossed is complete, and from its end on the text is the chunk again.
 *
 * The end of what is held seldom fills a block. It is masked as if spaces followed, and a record
 * that ends there is checked and delivered at once; then the blocks start anew behind it.
 */
#include "fastcore/json.h"

#include <stdlib.h>
#include <string.h>

#include "json/engine.h"
#include "json/scan.h"

#define SLACK              64   /* bytes behind the text that may be read */
#define PIECE_BLOCKS       256  /* 16 KiB of text and as much of masks */
#define PIECE_BLOCKS_MIN   8    /* just after a fault */
#define IN_PLACE_BYTES_MIN 512  /* shorter rests of a chunk are not worth a change of text */
#define HELD_STEP          4096 /* of a chunk that is added to `held` at once */

/* Every x86-64 level above scalar has the instructions of the bmi2 engine. */
static const fc_json_engine *engine_for(const fc_kernels *kernels)
{
#if FC_ARCH_X86_64
    if (strcmp(kernels->isa, "scalar") != 0)
        return &fc_json_engine_bmi2;
#endif
    (void)kernels;
    return &fc_json_engine_plain;
}

fc_json_reader *fc_json_reader_new(const fc_kernels *kernels, const fc_json_options *options,
                                   const fc_json_program *program, size_t cell_count)
{
    static const fc_json_program empty;
    fc_json_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return NULL;
    reader->kernels = kernels;
    reader->engine = engine_for(kernels);
    reader->options = *options;
    reader->program = program;
    reader->piece = PIECE_BLOCKS;
    reader->wrong = FC_NOWHERE;
    reader->rooted = options->root != NULL;
    if (fc_spine_init(&reader->spine, reader->rooted ? options->root : &empty) != FC_OK ||
        fc_walker_init(&reader->walker, program == NULL ? &empty : program, cell_count,
                       options->depth_max) != FC_OK ||
        fc_checker_init(&reader->checker, kernels, options->depth_max) != FC_OK) {
        fc_json_reader_free(reader);
        return NULL;
    }
    return reader;
}

void fc_json_reader_free(fc_json_reader *reader)
{
    if (reader == NULL)
        return;
    fc_walker_destroy(&reader->walker);
    fc_checker_destroy(&reader->checker);
    fc_spine_destroy(&reader->spine);
    free(reader->blocks);
    free(reader->held);
    free(reader->kinds);
    free(reader);
}

const fc_json_cell *fc_json_cells(const fc_json_reader *reader) { return reader->walker.cells; }
const fc_json_cell *fc_json_record(const fc_json_reader *reader) { return &reader->record; }
const fc_json_fault *fc_json_fault_of(const fc_json_reader *reader) { return &reader->fault; }

size_t fc_json_matches(const fc_json_reader *reader, const fc_json_cell **matches,
                       const uint32_t **cell_of)
{
    *matches = reader->walker.matches;
    *cell_of = reader->walker.cell_of;
    return reader->walker.match_count;
}

fc_json_stats fc_json_stats_of(const fc_json_reader *reader)
{
    fc_json_stats stats = reader->stats;
    stats.position = reader->base + reader->at;
    return stats;
}

/* -- the window ------------------------------------------------------------------------------ */

#define NEWLINE_STRIDE 512

/* Offset behind the last newline of text[0 .. length), which holds one. */
static size_t behind_last_newline(const fc_kernels *kernels, const uint8_t *text, size_t length)
{
    while (length > NEWLINE_STRIDE &&
           kernels->count_byte(text + length - NEWLINE_STRIDE, NEWLINE_STRIDE, '\n') == 0)
        length -= NEWLINE_STRIDE;
    while (length >= 8) {
        const uint64_t zeros = fc_load_le64(text + length - 8) ^ 0x0A0A0A0A0A0A0A0Au;
        if (((zeros - 0x0101010101010101u) & ~zeros & 0x8080808080808080u) != 0)
            break;
        length -= 8;
    }
    while (text[length - 1] != '\n')
        length--;
    return length;
}

/* Move the text's origin up by `bytes`; the masks are the caller's business. */
static void advance(fc_json_reader *reader, size_t bytes)
{
    const uint8_t *const text = reader->text;
    const size_t newlines = bytes == 0 ? 0 : reader->kernels->count_byte(text, bytes, '\n');

    if (newlines > 0) {
        const size_t last = behind_last_newline(reader->kernels, text, bytes);
        reader->lines += newlines;
        reader->line_start = reader->base + last;
    }
    if (bytes > 0)
        reader->text += bytes;
    reader->base += bytes;
    reader->length -= bytes;
    reader->at -= bytes;
    reader->start -= bytes;
    reader->scan -= bytes;
    reader->end -= bytes;
    reader->chunk_in_held = reader->chunk_in_held > bytes ? reader->chunk_in_held - bytes : 0;
    fc_spine_slide(&reader->spine, bytes);
}

/* Forget the blocks that lie wholly before `at`. */
static void slide(fc_json_reader *reader)
{
    const int anchored = reader->rooted && reader->options.validate;
    const size_t at =
        anchored && reader->spine.anchor < reader->at ? reader->spine.anchor : reader->at;
    const size_t over = at / 64 < reader->done ? at / 64 : reader->done;

    if (over == 0)
        return;
    memmove(reader->blocks, reader->blocks + over, (reader->done - over) * sizeof *reader->blocks);
    reader->done -= over;
    if (reader->done == 0)
        reader->flags = 0;
    advance(reader, over * 64);
    fc_checker_slide(&reader->checker, over * 64);
    if (reader->wrong != FC_NOWHERE)
        reader->wrong -= over * 64;
}

/* Begin anew at `at`, which is not in a record. */
static void restart(fc_json_reader *reader)
{
    advance(reader, reader->at);
    reader->at = reader->start = reader->scan = 0;
    reader->phase = reader->spine.depth > 0 ? FC_IN_SPINE : FC_BETWEEN;
    reader->skipping = reader->separated = 0;
    reader->depth = 0;
    reader->done = 0;
    reader->flags = 0;
    reader->wrong = FC_NOWHERE;
    reader->restart = 0;
    memset(&reader->carry, 0, sizeof reader->carry);
    if (reader->rooted)
        reader->no_memory |= !fc_spine_restart(&reader->spine, &reader->checker);
    else
        fc_checker_restart(&reader->checker, 0, 0);
}

static int reserve_blocks(fc_json_reader *reader, size_t count)
{
    fc_json_block *blocks;
    size_t capacity = reader->block_capacity;

    if (count <= capacity)
        return 1;
    while (capacity < count)
        capacity = capacity < 2 * PIECE_BLOCKS ? 2 * PIECE_BLOCKS : capacity * 2;
    blocks = realloc(reader->blocks, capacity * sizeof *blocks);
    if (blocks == NULL)
        return 0;
    reader->blocks = blocks;
    reader->block_capacity = capacity;
    return 1;
}

/* Mask, and check, the next piece of whole blocks. 0: none is left; -1: no memory. */
static int mask_piece(fc_json_reader *reader)
{
    const size_t keep = reader->in_place ? SLACK : 0;
    const size_t whole = reader->length > keep ? (reader->length - keep) / 64 : 0;
    size_t count;
    unsigned flags;

    if (reader->done >= whole)
        return 0;
    slide(reader);
    count = (reader->length - keep) / 64 - reader->done;
    count = count < reader->piece ? count : reader->piece;
    if (!reserve_blocks(reader, reader->done + count + 1))
        return -1;
    flags = reader->kernels->json_blocks(reader->text + reader->done * 64, count, &reader->carry,
                                         reader->blocks + reader->done);
    reader->flags |= flags;
    if (reader->options.validate && reader->wrong == FC_NOWHERE)
        reader->wrong =
            reader->engine->check(&reader->checker, reader->text, reader->length, reader->blocks,
                                  reader->done, reader->done + count, flags, 0);
    if (reader->rooted && reader->options.validate && reader->wrong == FC_NOWHERE &&
        !fc_spine_anchor(&reader->spine, &reader->checker, reader->text, reader->blocks,
                         reader->done, reader->done + count))
        return -1;
    reader->done += count;
    reader->piece = reader->piece * 2 < PIECE_BLOCKS ? reader->piece * 2 : PIECE_BLOCKS;
    return 1;
}

/* -- chunks ------------------------------------------------------------------------------------ */

void fc_json_feed(fc_json_reader *reader, const uint8_t *chunk, size_t length)
{
    reader->chunk = chunk;
    reader->chunk_left = length;
    reader->stats.bytes += length;
    reader->chunk_in_held = reader->length;
}

void fc_json_finish(fc_json_reader *reader) { reader->finished = 1; }

/* Let the text be held[], with room for `more` bytes and the slack. */
static int hold(fc_json_reader *reader, size_t more)
{
    const size_t need = reader->length + more + SLACK;

    if (need > reader->held_capacity) {
        const size_t capacity = need + need / 2 + 4096;
        uint8_t *held = malloc(capacity);
        if (held == NULL)
            return 0;
        if (reader->length > 0)
            memcpy(held, reader->text, reader->length);
        free(reader->held);
        reader->held = held;
        reader->held_capacity = capacity;
        reader->text = held;
    } else if (reader->in_place || reader->text + need > reader->held + reader->held_capacity) {
        if (reader->length > 0)
            memmove(reader->held, reader->text, reader->length);
        reader->text = reader->held;
    }
    reader->in_place = 0;
    return 1;
}

static int append(fc_json_reader *reader, size_t bytes)
{
    if (!hold(reader, bytes))
        return 0;
    memcpy(reader->held + (reader->text - reader->held) + reader->length, reader->chunk, bytes);
    reader->length += bytes;
    reader->chunk += bytes;
    reader->chunk_left -= bytes;
    return 1;
}

/* Bring more text into the window. 0: the chunk is used up; -1: no memory. */
static int more_text(fc_json_reader *reader)
{
    if (reader->in_place) {
        slide(reader);
        return hold(reader, 0) ? 1 : -1;
    }
    if (reader->chunk_left == 0)
        return 0;
    if (reader->rooted) {
        slide(reader);
        if (reader->chunk_in_held == 0 && reader->chunk_left >= IN_PLACE_BYTES_MIN) {
            /* the same text lies in the chunk: go on there, with the masks made so far */
            reader->text = reader->chunk - reader->length;
            reader->length += reader->chunk_left;
            reader->chunk_left = 0;
            reader->in_place = 1;
            return 1;
        }
    } else if (reader->phase == FC_BETWEEN && reader->at >= reader->chunk_in_held &&
               reader->length - reader->at + reader->chunk_left >= IN_PLACE_BYTES_MIN) {
        /* all that is left lies in the chunk, too: go on there */
        const size_t copied = reader->length - reader->at;
        restart(reader);
        reader->text = reader->chunk - copied;
        reader->length = copied + reader->chunk_left;
        reader->chunk_left = 0;
        reader->in_place = 1;
        return 1;
    }
    return append(reader, reader->chunk_left < HELD_STEP ? reader->chunk_left : HELD_STEP) ? 1 : -1;
}

/* -- after faults ------------------------------------------------------------------------------ */

/* Drop what is left of the bad record's line. 1: the newline was there. */
static int discard(fc_json_reader *reader)
{
    const uint8_t *const from = reader->text + reader->at;
    const uint8_t *const newline =
        reader->length > reader->at ? memchr(from, '\n', reader->length - reader->at) : NULL;

    reader->at = newline == NULL ? reader->length : (size_t)(newline - reader->text) + 1;
    restart(reader);
    reader->discarding = newline == NULL;
    return newline != NULL;
}

void fc_json_resume(fc_json_reader *reader)
{
    reader->stats.errors++;
    reader->piece = PIECE_BLOCKS_MIN;
    if (reader->rooted) {
        /* the line of the first that is wrong, or of what lacks its end */
        const uint64_t bad = reader->fault.offset - reader->base;
        reader->at = bad < reader->spine.behind ? (size_t)bad : reader->spine.behind;
        reader->spine.depth = 0;
    } else if (reader->phase != FC_BETWEEN) {
        reader->at = reader->start;
    }
    (void)discard(reader);
}

/* -- records ------------------------------------------------------------------------------------
 */

/* 1: a scalar of the common kinds, certainly right; 0: ask the judge. */
static int is_plain(const fc_json_cell *cell)
{
    const uint8_t *const text = cell->text;
    const size_t length = cell->length;
    uint64_t odd = 0;
    size_t at = 0;

    switch (cell->kind) {
    case FC_JSON_STRING:
        if (cell->escaped)
            return 0;
        /* a bit for a byte below 0x20, or of 0x80 or more; the borrow of one may set another's */
        for (; at + 8 <= length; at += 8) {
            const uint64_t word = fc_load_le64(text + at);
            odd |= word | (word - 0x2020202020202020u);
        }
        for (; at < length; at++)
            odd |= text[at] < 0x20 || text[at] >= 0x80 ? ~0ull : 0;
        return (odd & 0x8080808080808080u) == 0;
    case FC_JSON_NUMBER:
        at = text[0] == '-';
        if (at == length || length > 18 || (text[at] == '0' && length > at + 1))
            return 0;
        while (at < length && (uint8_t)(text[at] - '0') < 10)
            at++;
        return at == length;
    case FC_JSON_TRUE:
    case FC_JSON_NULL:
        return length == 4 && memcmp(text, cell->kind == FC_JSON_TRUE ? "true" : "null", 4) == 0;
    case FC_JSON_FALSE:
        return length == 5 && memcmp(text, "false", 5) == 0;
    default:
        return 0;
    }
}

/*
 * The values that were selected from a record that nobody has checked. Returns NULL, or what is
 * wrong, and where.
 */
static const char *check_cells(fc_json_reader *reader, size_t *at)
{
    for (size_t c = 0; c < reader->walker.cell_count + reader->walker.match_count; c++) {
        const fc_json_cell *const cell =
            c < reader->walker.cell_count ? &reader->walker.cells[c]
                                          : &reader->walker.matches[c - reader->walker.cell_count];
        const int quotes = cell->kind == FC_JSON_STRING;
        const char *wrong;

        if (cell->kind == FC_JSON_MISSING || is_plain(cell))
            continue;
        wrong = fc_json_check(cell->text - quotes, cell->length + 2 * (size_t)quotes,
                              reader->options.depth_max, at);
        if (wrong != NULL) {
            *at += (size_t)(cell->text - quotes - reader->text);
            return wrong;
        }
    }
    return NULL;
}

/* text[start .. end) is a record by its brackets: deliver it. */
static fc_json_event deliver(fc_json_reader *reader, size_t limit)
{
    const char *wrong;
    size_t at;

    /* a scalar that ends with the masks has been looked at only as far as the text went then */
    if (reader->checker.number_at != FC_NOWHERE && reader->checker.number_start < reader->end &&
        reader->wrong == FC_NOWHERE)
        reader->wrong = reader->engine->check(&reader->checker, reader->text, reader->end,
                                              reader->blocks, limit, limit, 0, 1);
    if (reader->wrong < reader->end)
        return fc_reader_fault(reader);
    reader->record =
        reader->engine->whole_value(reader->text, reader->blocks, reader->start, reader->end);
    if (reader->program != NULL) {
        switch (reader->engine->walk(&reader->walker, reader->text, reader->blocks, limit,
                                     reader->start, reader->end)) {
        case FC_WALK_NOMEM:
            return FC_JSON_NOMEM;
        case FC_WALK_BAD:
            return fc_reader_fault(reader);
        default:
            break;
        }
    }
    if (!reader->options.validate && (wrong = check_cells(reader, &at)) != NULL) {
        fc_reader_blame(reader, at, wrong);
        return FC_JSON_BAD;
    }
    reader->stats.records++;
    reader->phase = reader->spine.depth > 0 ? FC_IN_SPINE : FC_BETWEEN;
    reader->at = reader->scan = reader->spine.behind = reader->end;
    return FC_JSON_RECORD;
}

static int find(fc_json_reader *reader, size_t limit)
{
    return reader->rooted ? reader->engine->find_rooted(reader, limit)
                          : reader->engine->find_record(reader, limit);
}

/* The stream ends, and no record with it. What is left may be the end of a document. */
static fc_json_event end_of_stream(fc_json_reader *reader, unsigned flags)
{
    if (reader->phase != FC_BETWEEN)
        return fc_reader_fault(reader);
    if (reader->rooted && reader->options.validate) {
        if (reader->wrong == FC_NOWHERE)
            reader->wrong =
                reader->engine->check(&reader->checker, reader->text, reader->length,
                                      reader->blocks, reader->done, reader->done + 1, flags, 1);
        if (reader->wrong != FC_NOWHERE)
            return fc_reader_fault(reader);
        reader->at = reader->length;
        reader->restart = 1;
    }
    return FC_JSON_MORE;
}

/* A record that ends within the last, partial block of what is held. */
static fc_json_event step_tail(fc_json_reader *reader)
{
    const size_t from = reader->done * 64;
    const int complete = reader->finished && reader->chunk_left == 0;
    uint8_t padded[64];
    fc_json_carry carry = reader->carry;
    fc_json_event event;
    unsigned flags;
    int found;

    if (!reserve_blocks(reader, reader->done + 1))
        return FC_JSON_NOMEM;
    memset(padded, ' ', sizeof padded);
    if (reader->length > from)
        memcpy(padded, reader->text + from, reader->length - from);
    flags = reader->kernels->json_blocks(padded, 1, &carry, &reader->blocks[reader->done]);
    found = find(reader, reader->done + 1);
    if (found < 0)
        return found == -2 ? FC_JSON_NOMEM : fc_reader_fault(reader);
    if (found == 0)
        return complete ? end_of_stream(reader, flags) : FC_JSON_MORE;
    if (reader->options.validate && reader->wrong == FC_NOWHERE) {
        memset(padded + (reader->end - from), ' ', sizeof padded - (reader->end - from));
        carry = reader->carry;
        flags = reader->kernels->json_blocks(padded, 1, &carry, &reader->blocks[reader->done]);
        reader->wrong =
            reader->engine->check(&reader->checker, reader->text, reader->end, reader->blocks,
                                  reader->done, reader->done + 1, flags, 1);
    }
    event = deliver(reader, reader->done + 1);
    reader->restart = event == FC_JSON_RECORD;
    return event;
}

/* 1: the byte order mark is behind, or there is none; 0: too early to tell. */
static int skip_mark(fc_json_reader *reader)
{
    static const uint8_t mark[3] = {0xEF, 0xBB, 0xBF};
    const size_t have = reader->length < 3 ? reader->length : 3;

    if (have > 0 && memcmp(reader->text, mark, have) == 0) {
        if (have < 3)
            return reader->finished;
        reader->at = reader->scan = 3;
        restart(reader);
        reader->line_start = 3;
    }
    return have > 0;
}

fc_json_event fc_json_step(fc_json_reader *reader)
{
    for (;;) {
        int found;

        if (reader->restart)
            restart(reader);
        if (reader->no_memory)
            return FC_JSON_NOMEM;
        if (!reader->begun) {
            if (reader->length < 3 && reader->chunk_left > 0) {
                const size_t want = 3 - reader->length;
                if (!append(reader, reader->chunk_left < want ? reader->chunk_left : want))
                    return FC_JSON_NOMEM;
                continue;
            }
            if (!skip_mark(reader))
                return FC_JSON_MORE;
            reader->begun = 1;
        }
        if (reader->discarding) {
            if (!reader->in_place && reader->chunk_left > 0) {
                reader->text = reader->chunk;
                reader->length = reader->chunk_left;
                reader->chunk_left = 0;
                reader->in_place = 1;
            }
            if (!discard(reader)) {
                reader->in_place = 0;
                reader->text = reader->held;
                if (reader->chunk_left == 0)
                    return FC_JSON_MORE;
            }
            continue;
        }
        found = find(reader, reader->done);
        if (found > 0)
            return deliver(reader, reader->done);
        if (found == -2)
            return FC_JSON_NOMEM;
        if (found < 0 || reader->wrong != FC_NOWHERE)
            return fc_reader_fault(reader);
        found = mask_piece(reader);
        if (found == 0)
            found = more_text(reader);
        if (found < 0)
            return FC_JSON_NOMEM;
        if (found == 0)
            return step_tail(reader);
    }
}
