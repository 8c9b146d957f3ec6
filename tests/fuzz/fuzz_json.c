/*
 * fuzz_json.c - libFuzzer target for the JSON room: tokens, records, paths and columns.
 *
 * The first two bytes of an input choose how the rest is cut and which options it meets. The rest
 * must get one verdict from the tokenizer, the reader, and the judge that reads a byte at a time.
 * `make fuzz` builds and runs it; tests/fuzz/json holds a few inputs to start from.
 */
#include <stdlib.h>
#include <string.h>

#include "fastcore/columns.h"
#include "fastcore/json.h"
#include "fastcore/tokens.h"
#include "kernels/kernels.h"

#define DEPTH_MAX 20

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

typedef struct verdict {
    int bad;
    uint64_t offset, values;
} verdict;

/* A copy of exactly these bytes, so that a read past them is seen. */
static uint8_t *exact(const uint8_t *text, size_t bytes)
{
    uint8_t *const copy = malloc(bytes > 0 ? bytes : 1);
    memcpy(copy, text, bytes);
    return copy;
}

static int drain_tokens(fc_tokens *tokens, verdict *seen, size_t *depth, int pass_over)
{
    fc_token batch[16];
    fc_tokens_event event;
    size_t count;

    while ((event = fc_tokens_read(tokens, batch, 16, &count)) == FC_TOKENS_SOME) {
        for (size_t i = 0; i < count; i++) {
            const int kind = batch[i].kind;
            *depth += kind == FC_TOKEN_OPEN_MAP || kind == FC_TOKEN_OPEN_ARRAY;
            *depth -= kind == FC_TOKEN_CLOSE_MAP || kind == FC_TOKEN_CLOSE_ARRAY;
            seen->values += *depth == 0;
        }
        if (pass_over && *depth > 0) {
            fc_tokens_pass_over(tokens, 1);
            pass_over = 0;
        }
    }
    REQUIRE(event == FC_TOKENS_MORE || event == FC_TOKENS_BAD);
    if (event == FC_TOKENS_MORE)
        return 1;
    seen->bad = 1;
    seen->offset = fc_tokens_fault(tokens)->offset;
    return 0;
}

static verdict run_tokens(const uint8_t *text, size_t length, size_t step, int pass_over)
{
    const fc_tokens_options options = {
        .depth_max = DEPTH_MAX, .token_bytes_max = 1 << 20, .multiple = 1};
    fc_tokens *const tokens = fc_tokens_new(fc_kernels_best(), &options);
    verdict seen = {0};
    size_t depth = 0;
    int good = 1;

    for (size_t at = 0; good && at < length; at += step) {
        const size_t bytes = length - at < step ? length - at : step;
        uint8_t *const chunk = exact(text + at, bytes);
        fc_tokens_feed(tokens, chunk, bytes);
        good = drain_tokens(tokens, &seen, &depth, pass_over && at == 0);
        free(chunk);
    }
    if (good) {
        fc_tokens_finish(tokens);
        (void)drain_tokens(tokens, &seen, &depth, 0);
    }
    fc_tokens_free(tokens);
    return seen;
}

static int add_path(fc_json_program *program, size_t cell, int descend, const char *name, int many)
{
    const fc_json_step_spec steps[2] = {
        {.kind = FC_JSON_STEP_NAME,
         .descend = descend,
         .name = (const uint8_t *)name,
         .name_bytes = strlen(name)},
        {.kind = FC_JSON_STEP_SLICE, .start = 0, .stop = 2, .step = 1},
    };
    return fc_json_program_add(program, steps, many ? 2 : 1, cell, many) == FC_OK;
}

/* Records to columns; with `skip`, faults are gone past. */
static int drain_reader(fc_batch *batch, fc_json_reader *reader, verdict *seen, int skip)
{
    for (;;) {
        int mismatched;
        const fc_json_event event = fc_batch_read(batch, reader, (size_t)-1, 1, &mismatched);
        if (event == FC_JSON_MORE)
            return 1;
        REQUIRE(event == FC_JSON_BAD && !mismatched);
        if (!skip) {
            seen->bad = 1;
            seen->offset = fc_json_fault_of(reader)->offset;
            return 0;
        }
        fc_json_resume(reader);
    }
}

static verdict run_reader(const uint8_t *text, size_t length, size_t step, int validate, int skip)
{
    static const fc_column_type types[] = {FC_COLUMN_INT64, FC_COLUMN_STRING, FC_COLUMN_FLOAT64,
                                           FC_COLUMN_TIMESTAMP_US, FC_COLUMN_JSON};
    static const char *const names[] = {"n", "s", "x", "t", "j"};
    const fc_json_options options = {
        .validate = validate, .depth_max = DEPTH_MAX, .record_bytes_max = 1 << 20};
    fc_json_program *const program = fc_json_program_new();
    fc_batch *const batch = fc_batch_new(types, names, 5);
    fc_json_reader *reader;
    verdict seen = {0};
    int good = 1;

    for (size_t cell = 0; cell < 5; cell++)
        REQUIRE(add_path(program, cell, cell == 2, names[cell], 0));
    REQUIRE(add_path(program, 5, 1, "a", 1));
    reader = fc_json_reader_new(fc_kernels_best(), &options, program, 6);
    for (size_t at = 0; good && at < length; at += step) {
        const size_t bytes = length - at < step ? length - at : step;
        uint8_t *const chunk = exact(text + at, bytes);
        fc_json_feed(reader, chunk, bytes);
        good = drain_reader(batch, reader, &seen, skip);
        free(chunk);
    }
    if (good) {
        fc_json_finish(reader);
        (void)drain_reader(batch, reader, &seen, skip);
    }
    seen.values = batch->rows;
    fc_json_reader_free(reader);
    fc_batch_free(batch);
    fc_json_program_free(program);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1, 2, 3, 7, 63, 64, 65, 1 << 20};
    size_t step, length;
    const uint8_t *text;
    verdict tokens, whole, cut;

    if (size < 2)
        return 0;
    step = steps[data[0] & 7];
    text = data + 2;
    length = size - 2;
    tokens = run_tokens(text, length, step, 0);
    whole = run_reader(text, length, 1 << 20, 1, 0);
    cut = run_reader(text, length, step, 1, 0);
    REQUIRE(whole.bad == cut.bad && whole.offset == cut.offset && whole.values == cut.values);
    REQUIRE(tokens.bad == whole.bad && tokens.values == whole.values);
    REQUIRE(tokens.offset == whole.offset);
    if (data[1] & 1) {
        const verdict passed = run_tokens(text, length, step, 1);
        REQUIRE(passed.bad == tokens.bad && passed.offset == tokens.offset);
    }
    if (data[1] & 2) {
        const verdict a = run_reader(text, length, step, 1, 1);
        const verdict b = run_reader(text, length, 1 << 20, 1, 1);
        REQUIRE(a.values == b.values);
    }
    if (data[1] & 4)
        (void)run_reader(text, length, step, 0, 1);
    return 0;
}
