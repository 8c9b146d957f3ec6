/*
 * t_tokens.c - the tokenizer on damaged documents, cut in every way, each chunk in memory of
 * exactly its size: the same tokens as in one piece, and the judge's verdict where they end. Under
 * the sanitizers this is the proof that no text makes it read where it may not.
 */
#include <string.h>

#include "check.h"
#include "fastcore/tokens.h"
#include "json/plain.h"

#define DOCUMENT_BYTES 512
#define DEPTH_MAX      5

static uint8_t document[DOCUMENT_BYTES * 2];
static size_t length;

static void put(const char *text)
{
    memcpy(document + length, text, strlen(text));
    length += strlen(text);
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
        "1e5",
        "\"\\u00e9\\\\\\\"\"",
        "12345678",
        "\"{[,\"",
        "7",
        "\"\\ud83d\\ude00\"",
        "\"\xe2\x82\xac \xf0\x9f\x98\x80 and some more text\"",
    };
    const size_t kind = length > DOCUMENT_BYTES || depth > 4 ? 9 : random_below(10);
    const int map = kind < 3;

    if (kind >= 5) {
        put(scalars[random_below(sizeof scalars / sizeof *scalars)]);
        return;
    }
    put(map ? "{" : "[");
    for (size_t i = random_below(5); i > 0; i--) {
        if (map)
            put(random_below(3) ? "\"key\":" : "\"\\u0061 longer key\" :  ");
        put_value(depth + 1);
        if (i > 1)
            put(random_below(3) ? "," : ",\n        ");
    }
    put(map ? "}" : "]");
}

/* What a run gave: a digest of the tokens, and the fault, if any. */
typedef struct outcome {
    uint64_t digest, count, offset, line, column;
    int bad;
} outcome;

static void add(outcome *seen, const fc_token *token)
{
    uint64_t hash = token->kind * 31u;
    if (token->kind >= FC_TOKEN_NUMBER && token->kind <= FC_TOKEN_KEY)
        for (size_t i = 0; i < token->length; i++)
            hash = hash * 0x100000001B3u + token->text[i];
    if (token->kind == FC_TOKEN_STRING || token->kind == FC_TOKEN_KEY)
        hash += token->escaped * 3u + token->ascii;
    if (token->kind == FC_TOKEN_INTEGER)
        hash += (uint64_t)token->integer * 7919;
    seen->digest = seen->digest * 0x9E3779B97F4A7C15u + hash;
    seen->count++;
}

static int read_all(fc_tokens *tokens, outcome *seen, size_t capacity, size_t pass_over)
{
    fc_token batch[FC_TOKENS_BATCH];
    fc_tokens_event event;
    size_t count;

    while ((event = fc_tokens_read(tokens, batch, capacity, &count)) == FC_TOKENS_SOME)
        for (size_t i = 0; i < count; i++) {
            add(seen, &batch[i]);
            if (pass_over && i + 1 == count &&
                (batch[i].kind == FC_TOKEN_OPEN_MAP || batch[i].kind == FC_TOKEN_OPEN_ARRAY))
                fc_tokens_pass_over(tokens, 1);
        }
    if (event == FC_TOKENS_MORE)
        return 1;
    CHECK_EQ(event, FC_TOKENS_BAD, "event");
    seen->bad = 1;
    seen->offset = fc_tokens_fault(tokens)->offset;
    seen->line = fc_tokens_fault(tokens)->line;
    seen->column = fc_tokens_fault(tokens)->column;
    return 0;
}

static outcome run(const fc_kernels *k, size_t chunk_max, size_t capacity, size_t pass_over)
{
    const fc_tokens_options options = {.depth_max = DEPTH_MAX, .token_bytes_max = 1000};
    fc_tokens *const tokens = fc_tokens_new(k, &options);
    outcome seen = {0};
    size_t at = 0;
    int good = 1;

    while (good && at < length) {
        const size_t left = length - at, most = chunk_max < left ? chunk_max : left;
        const size_t bytes = 1 + random_below(most);
        uint8_t *const chunk = malloc(bytes);
        memcpy(chunk, document + at, bytes);
        fc_tokens_feed(tokens, chunk, bytes);
        good = read_all(tokens, &seen, capacity, pass_over);
        free(chunk);
        at += bytes;
    }
    if (good) {
        fc_tokens_finish(tokens);
        (void)read_all(tokens, &seen, capacity, pass_over);
    }
    fc_tokens_free(tokens);
    return seen;
}

static void check_document(const fc_kernels *k)
{
    const outcome whole = run(k, length, FC_TOKENS_BATCH, 0);
    const size_t chunks[] = {1, 3, 70, 1000};
    const char *wrong;
    size_t at;

    wrong = fc_json_check(document, length, DEPTH_MAX, &at);
    CHECK_EQ(whole.bad, wrong != NULL, "%s: %.*s", k->isa, (int)length, (const char *)document);
    if (wrong != NULL)
        CHECK_EQ(whole.offset, at, "%s: %.*s", k->isa, (int)length, (const char *)document);
    for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
        const outcome cut = run(k, chunks[c], 1 + random_below(FC_TOKENS_BATCH), 0);
        const outcome passed = run(k, chunks[c], 1, 1);
        CHECK_EQ(cut.digest, whole.digest, "chunks of %zu: %.*s", chunks[c], (int)length,
                 (const char *)document);
        CHECK_EQ(cut.count, whole.count, "chunks of %zu", chunks[c]);
        CHECK_EQ(cut.bad, whole.bad, "chunks of %zu", chunks[c]);
        CHECK_EQ(cut.offset, whole.offset, "chunks of %zu", chunks[c]);
        CHECK_EQ(cut.line, whole.line, "chunks of %zu", chunks[c]);
        CHECK_EQ(cut.column, whole.column, "chunks of %zu", chunks[c]);
        CHECK_EQ(passed.bad, whole.bad, "passing over, chunks of %zu", chunks[c]);
        CHECK_EQ(passed.offset, whole.offset, "passing over, chunks of %zu", chunks[c]);
    }
}

/* What lies in the outermost container is checked, and its two brackets alone are reported. */
static void check_passing_over(const fc_kernels *k)
{
    outcome seen;

    length = 0;
    put(" [1,{\"a\":[[]],\"b\":2},\"c\"] ");
    seen = run(k, 3, 1, 1);
    CHECK_EQ(seen.count, 2, "%s", k->isa);
    CHECK_EQ(seen.bad, 0, "%s", k->isa);
    length = 0;
    put("[1,{\"a\":[[x]]}]");
    seen = run(k, 3, 1, 1);
    CHECK_EQ(seen.count, 1, "%s", k->isa);
    CHECK_EQ(seen.offset, 10, "%s", k->isa);
}

static void check_comments(const fc_kernels *k)
{
    static const char text[] = "/* a ** / */[1 // one\n,/**/2]//";
    const fc_tokens_options options = {.depth_max = 9, .token_bytes_max = 9, .comments = 1};

    for (size_t cut = 0; cut < sizeof text; cut++) {
        fc_tokens *const tokens = fc_tokens_new(k, &options);
        outcome seen = {0};
        fc_tokens_feed(tokens, (const uint8_t *)text, cut);
        CHECK_EQ(read_all(tokens, &seen, 4, 0), 1, "cut at %zu", cut);
        fc_tokens_feed(tokens, (const uint8_t *)text + cut, sizeof text - 1 - cut);
        CHECK_EQ(read_all(tokens, &seen, 4, 0), 1, "cut at %zu", cut);
        fc_tokens_finish(tokens);
        CHECK_EQ(read_all(tokens, &seen, 4, 0), 1, "cut at %zu", cut);
        CHECK_EQ(seen.count, 4, "cut at %zu", cut);
        fc_tokens_free(tokens);
    }
}

int main(void)
{
    const fc_kernels *tables[TABLES_MAX];
    const size_t count = tables_to_test(tables);

    for (size_t t = 0; t < count; t++) {
        check_passing_over(tables[t]);
        check_comments(tables[t]);
        for (int round = 0; round < 2000; round++) {
            static const uint8_t noise[] = "\"\\{}[]:,0-.eu \n/tfn\x1e\x80\xff\x00";
            length = 0;
            put_value(0);
            for (size_t damage = random_below(3); damage > 0 && length > 0; damage--)
                document[random_below(length)] = noise[random_below(sizeof noise - 1)];
            if (random_below(8) == 0)
                length = random_below(length + 1);
            check_document(tables[t]);
        }
    }
    return 0;
}
