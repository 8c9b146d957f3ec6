/*
 * json/tokens.c - the window of the tokenizer, and its faults.
 *
 * The window is what is left of the caller's chunk. A token that the chunk cuts moves to `held`,
 * where bytes of the next chunk are added, little by little, until it is complete; the window is
 * then the chunk again, just behind it. How far a cut token has been looked at is remembered, so
 * that a stream in chunks of one byte takes no more than linear time.
 *
 *     chunk    ...,"name":"Ada Lo|            |velace","born":1815,...
 *     held                "Ada Lo              velace","born":1815   (then: the chunk, behind `"`)
 */
#include <stdlib.h>
#include <string.h>

#include "json/lexer.h"

#define HELD_STEP   64 /* bytes that are first added to a token that was cut */
#define KINDS_FIRST 64

fc_tokens *fc_tokens_new(const fc_kernels *kernels, const fc_tokens_options *options)
{
    fc_tokens *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->kernels = kernels;
    t->options = *options;
    t->loud = FC_LEX_LOUD;
    t->kinds = malloc(KINDS_FIRST);
    t->kinds_capacity = KINDS_FIRST;
    if (t->kinds == NULL) {
        free(t);
        return NULL;
    }
    return t;
}

void fc_tokens_free(fc_tokens *t)
{
    if (t == NULL)
        return;
    free(t->kinds);
    free(t->held);
    free(t);
}

void fc_tokens_feed(fc_tokens *t, const uint8_t *chunk, size_t length)
{
    t->chunk = chunk;
    t->chunk_end = chunk + length;
    if (t->held_length == 0) {
        t->start = t->at = t->origin = chunk;
        t->end = chunk + length;
    }
}

void fc_tokens_finish(fc_tokens *t) { t->finished = 1; }

void fc_tokens_pass_over(fc_tokens *t, size_t levels) { t->loud = t->depth - levels; }

const fc_json_fault *fc_tokens_fault(const fc_tokens *t) { return &t->fault; }

int fc_tokens_truncated(const fc_tokens *t) { return t->truncated; }

/* -- faults --------------------------------------------------------------------------------- */

/* Count the lines up to `to` in the window. */
static void count_lines(fc_tokens *t, const uint8_t *to)
{
    const size_t bytes = (size_t)(to - t->origin);
    const size_t lines = bytes == 0 ? 0 : t->kernels->count_byte(t->origin, bytes, '\n');

    if (lines > 0) {
        const uint8_t *behind = to;
        while (behind[-1] != '\n')
            behind--;
        t->lines += lines;
        t->line_start = t->base + (uint64_t)(behind - t->origin);
    }
    t->base += bytes;
    t->origin = to;
}

static void excerpt(fc_tokens *t, const uint8_t *at)
{
    const size_t room = sizeof t->fault.excerpt - 1;
    const uint8_t *from = (size_t)(at - t->start) > room / 2 ? at - room / 2 : t->start, *to;

    while (from < at && (*from & 0xC0) == 0x80)
        from++;
    to = (size_t)(t->end - from) > room ? from + room : t->end;
    while (to > from && to < t->end && (*to & 0xC0) == 0x80)
        to--;
    if (to > from)
        memcpy(t->fault.excerpt, from, (size_t)(to - from));
    t->fault.excerpt[to - from] = 0;
}

static fc_tokens_event blame(fc_tokens *t, const uint8_t *at, const char *message)
{
    count_lines(t, at);
    t->fault.message = message;
    t->fault.offset = t->base;
    t->fault.line = t->lines + 1;
    t->fault.column = t->base - t->line_start + 1;
    t->fault.record = t->records;
    excerpt(t, at);
    return FC_TOKENS_BAD;
}

/* Something is wrong with what stands at t->at: say what. */
static fc_tokens_event judge(fc_tokens *t)
{
    const size_t length = (size_t)(t->end - t->at);
    const char *wrong;
    size_t at = 0;

    if (t->wrong != NULL)
        return blame(t, t->at, t->wrong);
    wrong = fc_plain_judge(t->at, length, t->kinds, t->depth, t->options.depth_max, t->depth + 1,
                           t->want, &at);
    t->truncated = at == length;
    return blame(t, t->at + at, wrong == NULL ? "unexpected character" : wrong);
}

/* The stream is over, and nothing is left of the window. */
static fc_tokens_event end(fc_tokens *t)
{
    if (t->comment > COMMENT_LINE || t->comment == COMMENT_SLASH) {
        t->truncated = 1;
        return blame(t, t->at, "unterminated comment");
    }
    if (t->depth == 0 && t->want != FC_WANT_COLON && t->records >= t->options.values_min &&
        (t->done || t->options.multiple))
        return FC_TOKENS_MORE;
    t->truncated = 1;
    return blame(t, t->at, "unexpected end of input");
}

/* -- the window ----------------------------------------------------------------------------- */

static int reserve(fc_tokens *t, size_t bytes)
{
    uint8_t *held;

    if (bytes <= t->held_capacity)
        return 1;
    held = realloc(t->held, bytes * 2);
    if (held == NULL)
        return 0;
    t->held = held;
    t->held_capacity = bytes * 2;
    return 1;
}

/* Keep the token that the chunk cuts. */
static int hold(fc_tokens *t)
{
    const size_t length = (size_t)(t->end - t->at);

    if (!reserve(t, length + HELD_STEP))
        return 0;
    count_lines(t, t->at);
    memcpy(t->held, t->at, length);
    t->held_length = length;
    t->start = t->at = t->origin = t->held;
    t->end = t->held + length;
    t->chunk = t->chunk_end;
    return 1;
}

/* Add some of the chunk to the token that is held. 0: nothing is left; -1: no memory. */
static int extend(fc_tokens *t)
{
    const size_t left = (size_t)(t->chunk_end - t->chunk);
    size_t step = t->held_length > HELD_STEP ? t->held_length : HELD_STEP;

    step = step < left ? step : left;
    if (!reserve(t, t->held_length + step))
        return -1;
    if (step > 0)
        memcpy(t->held + t->held_length, t->chunk, step);
    t->chunk += step;
    t->held_length += step;
    t->start = t->at = t->origin = t->held;
    t->end = t->held + t->held_length;
    return step > 0;
}

/* The held token is complete: the rest of what is held lies in the chunk, too. */
static void return_to_chunk(fc_tokens *t)
{
    count_lines(t, t->at);
    t->at = t->chunk - (t->end - t->at);
    t->start = t->origin = t->at;
    t->end = t->chunk_end;
    t->held_length = 0;
}

/* 1: the byte order mark is behind, or there is none; 0: too early to tell; -1: neither. */
static int skip_mark(fc_tokens *t)
{
    static const uint8_t mark[3] = {0xEF, 0xBB, 0xBF};

    while (t->at < t->end && t->mark < sizeof mark && *t->at == mark[t->mark]) {
        t->at++;
        t->mark++;
    }
    if (t->mark == sizeof mark) {
        count_lines(t, t->at);
        t->line_start = t->base;
        t->begun = 1;
    } else if (t->mark == 0 && t->at < t->end) {
        t->begun = 1;
    } else if (t->at < t->end || t->finished) {
        return t->mark == 0 ? 1 : -1;
    }
    return t->begun;
}

/* Remember where the next batch lies: fc_tokens_reject() may have to find a token of it again. */
static void mark_batch(fc_tokens *t)
{
    t->batch_start = t->start;
    t->batch_end = t->end;
    t->batch_origin = t->origin;
    t->batch_base = t->base;
    t->batch_lines = t->lines;
    t->batch_line_start = t->line_start;
    t->batch_records = t->records;
    t->batch_depth = t->depth;
}

void fc_tokens_reject(fc_tokens *t, const fc_token *batch, size_t index, const char *message)
{
    size_t depth = t->batch_depth;

    t->start = t->batch_start;
    t->end = t->batch_end;
    t->origin = t->batch_origin;
    t->base = t->batch_base;
    t->lines = t->batch_lines;
    t->line_start = t->batch_line_start;
    t->records = t->batch_records;
    for (size_t i = 0; i < index; i++) {
        const int kind = batch[i].kind;
        depth += kind == FC_TOKEN_OPEN_MAP || kind == FC_TOKEN_OPEN_ARRAY;
        depth -= kind == FC_TOKEN_CLOSE_MAP || kind == FC_TOKEN_CLOSE_ARRAY;
        t->records += depth == 0 && kind != FC_TOKEN_OPEN_MAP && kind != FC_TOKEN_OPEN_ARRAY;
    }
    t->truncated = 0;
    (void)blame(t, batch[index].text, message);
}

fc_tokens_event fc_tokens_read(fc_tokens *t, fc_token *out, size_t capacity, size_t *count)
{
    *count = 0;
    if (t->fault.message != NULL)
        return FC_TOKENS_BAD;
    if (!t->begun) {
        const int marked = skip_mark(t);
        if (marked == 0) {
            count_lines(t, t->at);
            t->start = t->at;
            return FC_TOKENS_MORE;
        }
        if (marked < 0) {
            t->base = 0;
            t->origin = t->at;
            return blame(t, t->at, "expected a value");
        }
    }
    for (;;) {
        fc_stop stop;

        if (t->held_length > 0) {
            const int more = extend(t);
            if (more < 0)
                return FC_TOKENS_NOMEM;
            if (more == 0 && !t->finished)
                return FC_TOKENS_MORE;
            if (t->held_length / 2 > t->options.token_bytes_max) {
                t->wrong = "string or number longer than max_record_bytes";
                return judge(t);
            }
            if (*t->at != '"' && (uint8_t)(*t->at | 0x20) < 'a' && fc_lex_number_goes_on(t))
                continue;
        }
        mark_batch(t);
        stop = fc_lex(t, out, capacity, count);
        if (t->held_length > 0 && t->at > t->held)
            return_to_chunk(t);
        else if (stop == STOP_PARTIAL && t->finished)
            stop = STOP_WRONG;
        else if (stop == STOP_PARTIAL && t->held_length == 0 && !hold(t))
            return FC_TOKENS_NOMEM;
        if (*count > 0)
            return FC_TOKENS_SOME;
        if (stop == STOP_NOMEM)
            return FC_TOKENS_NOMEM;
        if (stop == STOP_WRONG)
            return judge(t);
        if (stop == STOP_END && t->at == t->end) {
            count_lines(t, t->at);
            t->start = t->at; /* the chunk will be gone */
            return t->finished ? end(t) : FC_TOKENS_MORE;
        }
    }
}
