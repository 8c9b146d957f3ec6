/*
 * keep.c - the main job in C: keep the JSON records with a word in one field, and log them durably.
 *
 *     make -C csrc
 *     cc -std=c11 -Icsrc/include examples/c/keep.c csrc/build/cc/libfastcore.a -pthread -o keep
 *     zcat examples/data/wiki-edits.ndjson.gz | ./keep page Berlin log/
 *
 * Reads standard input, however long, in one window of memory. Says how many records it read and
 * kept, once those are on stable storage.
 */
#include <stdio.h>
#include <string.h>

#include "fastcore.h"

static int fail(const char *doing, const fc_error *error)
{
    fprintf(stderr, "keep: %s: %s\n", doing, error ? error->message : "out of memory");
    return 2;
}

typedef struct job {
    fc_json_reader *reader;
    fc_matcher *matcher;
    fc_wal *log;
    uint64_t kept;
} job;

/* Append the record if its field has the word in it, as JSON spells it: escapes stay as they are.
 */
static fc_status look_at_record(job *job, fc_error *error)
{
    const fc_json_cell *field = fc_json_cells(job->reader);
    const fc_json_cell *record = fc_json_record(job->reader);
    uint64_t seq;

    if (field->kind != FC_JSON_STRING ||
        fc_matcher_contains(job->matcher, field->text, field->length) != 1)
        return FC_OK;
    job->kept++;
    return fc_wal_append(job->log, fc_wal_now_ns(job->log), record->text, record->length, &seq,
                         error);
}

/* Everything that this chunk completes. */
static int look_at_chunk(job *job)
{
    fc_error error;

    for (;;) {
        switch (fc_json_step(job->reader)) {
        case FC_JSON_MORE:
            return 0;
        case FC_JSON_NOMEM:
            return fail("read", NULL);
        case FC_JSON_BAD: {
            const fc_json_fault *fault = fc_json_fault_of(job->reader);
            fprintf(stderr, "keep: line %llu column %llu: %s\n", (unsigned long long)fault->line,
                    (unsigned long long)fault->column, fault->message);
            return 1;
        }
        case FC_JSON_RECORD:
            if (look_at_record(job, &error) != FC_OK)
                return fail("append", &error);
        }
    }
}

static int run(job *job)
{
    static uint8_t chunk[1 << 20];
    fc_error error;
    bool timed_out;
    uint64_t durable;
    size_t length;
    int code = 0;

    while (code == 0 && (length = fread(chunk, 1, sizeof chunk, stdin)) > 0) {
        fc_json_feed(job->reader, chunk, length);
        code = look_at_chunk(job);
    }
    if (code == 0) {
        fc_json_finish(job->reader);
        code = look_at_chunk(job);
    }
    if (fc_wal_commit(job->log, fc_wal_next_seq(job->log), -1, &timed_out, &durable, &error) !=
        FC_OK)
        return fail("commit", &error);
    printf("read %llu, kept %llu\n", (unsigned long long)fc_json_stats_of(job->reader).records,
           (unsigned long long)job->kept);
    return code;
}

int main(int count, char **argument)
{
    const fc_kernels *kernels = fc_kernels_best();
    const fc_json_options how = {.validate = 1, .depth_max = 1024, .record_bytes_max = 64u << 20};
    const fc_matcher_options literally = {.kind = FC_LEFTMOST_FIRST};
    fc_json_program *program = fc_json_program_new();
    job job = {0};
    fc_error error;
    int code = 2;

    if (count != 4) {
        fprintf(stderr, "usage: keep FIELD WORD DIRECTORY <records.ndjson\n");
        fc_json_program_free(program);
        return 2;
    }
    const fc_json_step_spec path = {.kind = FC_JSON_STEP_NAME,
                                    .name = (const uint8_t *)argument[1],
                                    .name_bytes = strlen(argument[1])};
    const uint64_t word[] = {0, strlen(argument[2])};
    const fc_wal_options log = {.path = argument[3],
                                .create = true,
                                .segment_bytes = 64u << 20,
                                .durability = FC_WAL_BATCH,
                                .batch_bytes = 1u << 20,
                                .batch_ms = 5};

    if (program == NULL || fc_json_program_add(program, &path, 1, 0, 0) != FC_OK ||
        (job.reader = fc_json_reader_new(kernels, &how, program, 1)) == NULL)
        fail("prepare", NULL);
    else if (fc_matcher_create(&job.matcher, (const uint8_t *)argument[2], word, 1, &literally,
                               kernels, &error) != FC_OK)
        fail("take the word", &error);
    else if (fc_wal_open(&job.log, &log, kernels, &error) != FC_OK)
        fail("open the log", &error);
    else
        code = run(&job);

    if (job.log != NULL) {
        if (fc_wal_close(job.log, &error) != FC_OK)
            code = fail("close the log", &error);
        fc_wal_free(job.log);
    }
    fc_matcher_destroy(job.matcher);
    fc_json_reader_free(job.reader);
    fc_json_program_free(program);
    return code;
}
