/*
 * t_json.c - the reader on damaged documents: every kernel table, every way to cut the stream,
 * validating and not, against the judge that reads a byte at a time. Under the sanitizers this
 * is the proof that no text, however wrong, makes it read or write where it may not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastcore/columns.h"
#include "fastcore/json.h"
#include "kernels/kernels.h"

#undef NDEBUG
#include <assert.h>

static uint64_t state = 0x9E3779B97F4A7C15u;

static unsigned draw(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 20) % below);
}

/* -- documents -------------------------------------------------------------------------------- */

#define DOCUMENT_BYTES 2048

static char document[DOCUMENT_BYTES * 2];
static size_t length;

static void put(const char *text)
{
    const size_t bytes = strlen(text);
    memcpy(document + length, text, bytes);
    length += bytes;
}

static void put_value(int depth)
{
    static const char *const scalars[] = {
        "0",
        "-1.5e+10",
        "123456789012345678901",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        "\"\\u00e9\\\\\\\"\"",
        "\"\\ud83d\\ude00\"",
        "1e5",
        "\"\xe2\x82\xac \xf0\x9f\x98\x80\"",
        "\"{[,:]}\"",
        "12345678",
    };
    static const char *const keys[] = {"\"a\"", "\"b\"", "\"\\u0061\"", "\"long key number one\"",
                                       "\"\""};
    const unsigned kind = length > DOCUMENT_BYTES || depth > 6 ? 9 : draw(10);

    if (kind < 3) {
        put("{");
        for (unsigned i = draw(5); i > 0; i--) {
            put(keys[draw(5)]);
            put(draw(4) ? ":" : " : ");
            put_value(depth + 1);
            if (i > 1)
                put(draw(4) ? "," : ",\n ");
        }
        put("}");
    } else if (kind < 5) {
        put("[");
        for (unsigned i = draw(6); i > 0; i--) {
            put_value(depth + 1);
            if (i > 1)
                put(draw(4) ? "," : " ,");
        }
        put("]");
    } else {
        put(scalars[draw(sizeof scalars / sizeof scalars[0])]);
    }
}

static void damage(void)
{
    static const char bytes[] = "{}[],:\"\\ \n0123eE+-.truefalsn\x01\xc3\xa9\xf0\x9f\x98\x80u\x1e";
    for (unsigned i = draw(3); i > 0 && length > 0; i--) {
        const size_t at = draw((unsigned)length);
        if (draw(2))
            document[at] = bytes[draw(sizeof bytes)];
        else
            length = at + 1;
    }
}

/* -- the two sides ----------------------------------------------------------------------------- */

typedef struct outcome {
    size_t records;
    int bad;
    uint64_t offset;
} outcome;

/* What a reader says of the document in chunks of `step` bytes, each in memory of its own. */
static outcome read_in_chunks(const fc_kernels *kernels, size_t step, int validate,
                              const fc_json_program *root)
{
    const fc_json_options options = {
        .validate = validate, .depth_max = 64, .record_bytes_max = 1 << 20, .root = root};
    const fc_json_step_spec a = {.name = (const uint8_t *)"a", .name_bytes = 1};
    const fc_json_step_spec key = {.name = (const uint8_t *)"long key number one",
                                   .name_bytes = 19};
    const fc_json_step_spec both[2] = {a, key};
    const fc_column_type types[] = {FC_COLUMN_JSON, FC_COLUMN_STRING, FC_COLUMN_FLOAT64,
                                    FC_COLUMN_JSON, FC_COLUMN_JSON};
    const char *const names[] = {"a", "key", "both", "whole", "any"};
    const fc_json_step_spec any[2] = {
        {.kind = FC_JSON_STEP_ANY, .descend = 1},
        {.kind = FC_JSON_STEP_SLICE, .start = 1, .stop = 9, .step = 3}};
    fc_json_program *const program = fc_json_program_new();
    fc_batch *const batch = fc_batch_new(types, names, 5);
    fc_json_reader *reader;
    outcome seen = {0, 0, 0};
    int mismatched;

    assert(program != NULL && batch != NULL);
    assert(fc_json_program_add(program, &a, 1, 0, 0) == FC_OK);
    assert(fc_json_program_add(program, &key, 1, 1, 0) == FC_OK);
    assert(fc_json_program_add(program, both, 2, 2, 0) == FC_OK);
    assert(fc_json_program_add(program, NULL, 0, 3, 0) == FC_OK);
    if (draw(2))
        assert(fc_json_program_add(program, any, 2, 4, 0) == FC_OK);
    reader = fc_json_reader_new(kernels, &options, program, 5);
    assert(reader != NULL);
    for (size_t at = 0; at <= length && !seen.bad; at += step) {
        const size_t bytes = at + step < length ? step : length - at;
        uint8_t *const chunk = malloc(bytes + 1); /* a sanitizer sees a read past its end */
        uint8_t *const exact = realloc(chunk, bytes > 0 ? bytes : 1);
        assert(exact != NULL);
        memcpy(exact, document + at, bytes);
        fc_json_feed(reader, exact, bytes);
        if (at + step > length)
            fc_json_finish(reader);
        switch (fc_batch_read(batch, reader, (size_t)-1, 1, &mismatched)) {
        case FC_JSON_MORE:
            break;
        case FC_JSON_BAD:
            seen.bad = 1;
            seen.offset = fc_json_fault_of(reader)->offset;
            break;
        default:
            assert(!"out of memory");
        }
        free(exact);
    }
    seen.records = batch->rows;
    fc_json_reader_free(reader);
    fc_json_program_free(program);
    fc_batch_free(batch);
    return seen;
}

/* What the judge says: values one after the other until the end or the first wrong byte. */
static outcome judge(void)
{
    outcome seen = {0, 0, 0};
    size_t start = 0;

    for (;;) {
        size_t at, end;
        const char *wrong;

        while (start < length && strchr(" \n\r\t\x1e", document[start]) != NULL &&
               document[start] != 0)
            start++;
        if (start == length)
            return seen;
        /* the value ends where the judge finds something behind it, or at the end */
        wrong = fc_json_check((const uint8_t *)document + start, length - start, 64, &at);
        if (wrong == NULL) {
            seen.records++;
            return seen;
        }
        end = start + at;
        if (strcmp(wrong, "unexpected character after the value") != 0) {
            seen.bad = 1;
            seen.offset = end;
            return seen;
        }
        seen.records++;
        start = end;
    }
}

/* With a root the records are others, the first wrong byte is the same. */
static void check_rooted(const fc_kernels *kernels, size_t step, outcome wanted)
{
    const fc_json_step_spec deep = {
        .kind = FC_JSON_STEP_NAME, .descend = 1, .name = (const uint8_t *)"a", .name_bytes = 1};
    const fc_json_step_spec some[2] = {{.kind = FC_JSON_STEP_ANY},
                                       {.kind = FC_JSON_STEP_SLICE, .stop = 3, .step = 2}};
    fc_json_program *const root = fc_json_program_new();
    outcome seen;

    assert(root != NULL);
    assert((draw(2) ? fc_json_program_add(root, &deep, 1, 0, 0)
                    : fc_json_program_add(root, some, 2, 0, 0)) == FC_OK);
    seen = read_in_chunks(kernels, step, 1, root);
    if (seen.bad != wanted.bad || (seen.bad && seen.offset != wanted.offset)) {
        fprintf(stderr, "%s, rooted, chunks of %zu: bad %d at %llu; wanted %d at %llu\n",
                kernels->isa, step, seen.bad, (unsigned long long)seen.offset, wanted.bad,
                (unsigned long long)wanted.offset);
        fwrite(document, 1, length, stderr);
        abort();
    }
    (void)read_in_chunks(kernels, step, 0, root);
    fc_json_program_free(root);
}

int main(void)
{
    static const size_t steps[] = {1, 7, 63, 64, 65, 600, DOCUMENT_BYTES * 4};
    const fc_kernels *tables[16];
    const size_t count = fc_kernels_available(tables, 16);

    for (int round = 0; round < 1500; round++) {
        outcome wanted;
        length = draw(70);
        memset(document, ' ', length);
        for (unsigned values = draw(3) + 1; values > 0; values--) {
            put_value(0);
            put("\n");
        }
        damage();
        wanted = judge();
        for (size_t k = 0; k < count; k++) {
            const size_t step = steps[(size_t)round % (sizeof steps / sizeof steps[0])];
            const outcome seen = read_in_chunks(tables[k], step, 1, NULL);
            if (seen.records != wanted.records || seen.bad != wanted.bad ||
                (seen.bad && seen.offset != wanted.offset)) {
                fprintf(stderr,
                        "%s, chunks of %zu: %zu records, bad %d at %llu; wanted %zu, %d at %llu\n",
                        tables[k]->isa, step, seen.records, seen.bad,
                        (unsigned long long)seen.offset, wanted.records, wanted.bad,
                        (unsigned long long)wanted.offset);
                fwrite(document, 1, length, stderr);
                return 1;
            }
            check_rooted(tables[k], step, wanted);
            /* what it makes of damage is its own affair */
            (void)read_in_chunks(tables[k], step, 0, NULL);
        }
    }
    printf("t_json: ok\n");
    return 0;
}
