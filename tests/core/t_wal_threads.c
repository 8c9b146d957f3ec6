/*
 * t_wal_threads - sixteen threads append, commit and read at the same time, on a real file system.
 *
 * Build it with -fsanitize=thread to have the locking checked too. The log rolls
 * every few records, so that preparing, flushing and reading meet.
 */
#include <pthread.h>
#include <stdio.h>

#include "core/check.h"
#include "fastcore/wal.h"

#define THREADS 16
#define EACH    200

static fc_wal *wal;

static void *run(void *argument)
{
    const uint64_t id = (uint64_t)(uintptr_t)argument;
    uint8_t payload[600];
    uint64_t last = 0;

    memset(payload, (int)id, sizeof payload);
    for (uint64_t i = 0; i < EACH; i++) {
        uint64_t seq, end;
        bool timed_out;
        fc_error error;
        const size_t length = (size_t)(8 + (id * 31 + i * 17) % 590);
        CHECK_EQ(fc_wal_append(wal, (int64_t)i, payload, length, &seq, &error), FC_OK, "%s",
                 error.message);
        CHECK_EQ(i == 0 || seq > last, 1, "numbers of a thread rise");
        last = seq;
        if (i % 8 == id % 8) {
            const int64_t timeout = i % 16 < 8 ? -1 : 60000000000;
            CHECK_EQ(fc_wal_commit(wal, seq + 1, timeout, &timed_out, &end, &error), FC_OK, "%s",
                     error.message);
            CHECK_EQ(timed_out, 0, "a minute is enough");
            CHECK_EQ(end > seq, 1, "durable");
        }
        if (i % 50 == 0)
            CHECK_EQ(fc_wal_set_mark(wal, "thread", 6, &id, sizeof id, &error), FC_OK, "%s",
                     error.message);
    }
    return NULL;
}

int main(void)
{
    static uint8_t buffer[65536];
    static fc_wal_entry entries[4096];
    char directory[] = "/tmp/t_wal_threads.XXXXXX", command[64];
    pthread_t threads[THREADS];
    fc_wal_reader *reader;
    fc_error error;
    uint64_t seq = 0;
    unsigned seen[THREADS] = {0};

    CHECK_EQ(mkdtemp(directory) != NULL, 1, "a directory for the log");
    const fc_wal_options options = {.path = directory,
                                    .create = true,
                                    .segment_bytes = 32 * 1024,
                                    .durability = FC_WAL_BATCH,
                                    .batch_bytes = 4096,
                                    .batch_ms = 1};
    CHECK_EQ(fc_wal_open(&wal, &options, fc_kernels_best(), &error), FC_OK, "%s", error.message);
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, run, (void *)i), 0, "a thread");
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(fc_wal_write_out(wal, &error), FC_OK, "%s", error.message);
    CHECK_EQ(fc_wal_reader_open(&reader, wal, 0, THREADS * EACH, &error), FC_OK, "%s",
             error.message);
    while (seq < THREADS * EACH) {
        size_t count, wanted;
        CHECK_EQ(fc_wal_read(reader, buffer, sizeof buffer, entries, 4096, &count, &wanted, &error),
                 FC_OK, "%s", error.message);
        for (size_t i = 0; i < count; i++, seq++) {
            const uint8_t id = buffer[entries[i].offset];
            CHECK_EQ(entries[i].seq, seq, "order");
            CHECK_EQ(entries[i].timestamp, seen[id]++, "the order of thread %u", id);
        }
    }
    fc_wal_reader_close(reader);
    CHECK_EQ(fc_wal_close(wal, &error), FC_OK, "%s", error.message);
    fc_wal_free(wal);
    snprintf(command, sizeof command, "rm -r %s", directory);
    CHECK_EQ(system(command), 0, "%s", command);
    printf("t_wal_threads: %d records of %d threads\n", THREADS * EACH, THREADS);
    return 0;
}
