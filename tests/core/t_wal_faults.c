/*
 * t_wal_faults - every call that a log makes to the disk fails once, each in turn.
 *
 * The same script runs again and again; in run n the n-th call fails with EIO,
 * ENOSPC or EINTR, or writes half of what it should. Whatever happens then: no
 * call says "durable" of what is not; what was refused for want of space works
 * once there is some; after a failed flush nothing is taken any more; and what
 * was confirmed is there when the log is opened after a power cut.
 */
#include "core/check.h"
#include "core/fake_disk.h"
#include "fastcore/wal.h"

#define STEPS 40

static const fc_kernels *kernels;

static fc_status open_log(disk *d, fc_wal **wal, fc_error *error)
{
    const fc_wal_options options = {.path = "/log",
                                    .create = true,
                                    .segment_bytes = 16 * 1024,
                                    .durability = FC_WAL_BATCH,
                                    .batch_bytes = 1u << 30,
                                    .batch_ms = 3600000,
                                    .io = &d->io};
    return fc_wal_open(wal, &options, kernels, error);
}

typedef struct outcome {
    uint64_t appended;
    uint64_t confirmed;
} outcome;

static void payload_of(uint64_t seq, uint8_t *out, size_t *length)
{
    *length = (size_t)(seq * 397 % 1900);
    for (size_t i = 0; i < *length; i++)
        out[i] = (uint8_t)(seq + i * 7);
}

/* Append and commit; a refused append is tried again. */
static void work(fc_wal *wal, const disk *d, outcome *o)
{
    static uint8_t payload[2000];
    size_t length;

    for (unsigned step = 0; step < STEPS; step++) {
        uint64_t seq, end;
        bool timed_out;
        fc_error error = {0};
        payload_of(o->appended, payload, &length);
        fc_status status = fc_wal_append(wal, 1, payload, length, &seq, &error);
        const bool poisoned = fc_wal_refused(wal, NULL) != FC_OK;
        if (status != FC_OK) {
            CHECK_EQ(status, FC_EIO, "%s", error.message);
            CHECK_EQ(d->failed, 1, "an append fails only when the disk did: %s", error.message);
            if (poisoned)
                continue;
            status = fc_wal_append(wal, 1, payload, length, &seq, &error);
            CHECK_EQ(status, FC_OK, "the next append works: %s", error.message);
        }
        CHECK_EQ(poisoned, 0, "a poisoned log took a record");
        CHECK_EQ(seq, o->appended, "number");
        o->appended++;
        if (step % 10 == 9) {
            uint64_t freed;
            status = fc_wal_truncate_before(wal, o->appended - 5, &freed, &error);
            if (status != FC_OK)
                CHECK_EQ(d->failed, 1, "truncation fails only when the disk did: %s",
                         error.message);
            else if (freed > 0)
                o->confirmed = o->appended; /* it commits first */
        }
        if (step % 3 == 0) {
            status = fc_wal_commit(wal, fc_wal_next_seq(wal), -1, &timed_out, &end, &error);
            if (status == FC_OK)
                o->confirmed = end;
            else
                CHECK_EQ(fc_wal_refused(wal, NULL), FC_EIO, "a failed commit poisons");
            CHECK_EQ(!d->failed_sync || status != FC_OK, 1, "confirmed after a failed sync");
        }
    }
}

static void check_after(disk *d, const outcome *o, bool power_cut)
{
    static uint8_t buffer[DISK_FILE_BYTES], want[2000];
    static fc_wal_entry entries[512];
    disk left;
    fc_wal *wal;
    fc_wal_reader *reader;
    fc_error error = {0};
    uint64_t seq;

    if (power_cut)
        disk_crash(d, &left, NULL, 0, NULL, 0, false);
    else
        disk_kill(d, &left);
    CHECK_EQ(open_log(&left, &wal, &error), FC_OK, "call %lu: %s", d->fail_at, error.message);
    const uint64_t end = fc_wal_next_seq(wal);
    seq = fc_wal_first_seq(wal);
    CHECK_EQ(seq <= o->appended, 1, "call %lu: the first record", d->fail_at);
    CHECK_EQ(end >= o->confirmed, 1, "call %lu: lost confirmed records", d->fail_at);
    CHECK_EQ(end <= o->appended + 1, 1, "call %lu: records never appended", d->fail_at);
    CHECK_EQ(fc_wal_reader_open(&reader, wal, 0, end, &error), FC_OK, "%s", error.message);
    while (seq < end) {
        size_t count, wanted;
        CHECK_EQ(fc_wal_read(reader, buffer, sizeof buffer, entries, 512, &count, &wanted, &error),
                 FC_OK, "%s", error.message);
        for (size_t i = 0; i < count; i++, seq++) {
            size_t length;
            payload_of(seq, want, &length);
            CHECK_EQ(entries[i].length, length, "record %llu", (unsigned long long)seq);
            CHECK_EQ(memcmp(buffer + entries[i].offset, want, length), 0, "record");
        }
    }
    fc_wal_reader_close(reader);
    CHECK_EQ(fc_wal_append(wal, 1, "x", 1, &seq, &error), FC_OK, "%s", error.message);
    CHECK_EQ(fc_wal_close(wal, &error), FC_OK, "%s", error.message);
    fc_wal_free(wal);
    disk_free(&left);
}

/* Where the log ends for the process that comes next. */
static uint64_t end_of(const disk *d)
{
    disk left;
    fc_wal *wal;
    fc_error error;
    disk_kill(d, &left);
    CHECK_EQ(open_log(&left, &wal, &error), FC_OK, "%s", error.message);
    const uint64_t end = fc_wal_next_seq(wal);
    fc_wal_free(wal);
    disk_free(&left);
    return end;
}

/* One run with call number `fail_at` failing; false when there is no such call. */
static bool fails_at(unsigned long fail_at, int fail_with)
{
    disk d;
    outcome o = {0};
    fc_wal *wal;
    fc_error error = {0};

    disk_make(&d);
    d.fail_at = fail_at;
    d.fail_with = fail_with;
    for (unsigned session = 0; session < 2; session++) {
        fc_status status = open_log(&d, &wal, &error);
        if (status != FC_OK) {
            CHECK_EQ(status, FC_EIO, "%s", error.message);
            CHECK_EQ(d.failed, 1, "open fails only when the disk did");
            d.failed_sync = false;
            continue;
        }
        work(wal, &d, &o);
        status = fc_wal_close(wal, &error);
        if (status == FC_OK)
            o.confirmed = o.appended;
        fc_wal_free(wal);
        d.failed_sync = false; /* open() writes again what it cannot be sure of */
        o.appended = end_of(&d);
    }
    check_after(&d, &o, true);
    check_after(&d, &o, false);
    const bool reached = d.failed || (fail_with == 0 && d.calls >= fail_at);
    disk_free(&d);
    return reached;
}

int main(void)
{
    static const int kinds[] = {EIO, ENOSPC, EINTR, 0};
    unsigned long calls = 0;

    kernels = fc_kernels_best();
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (unsigned long n = 1; fails_at(n, kinds[k]); n++)
            calls++;
    printf("t_wal_faults: %lu failed calls\n", calls);
    return 0;
}
