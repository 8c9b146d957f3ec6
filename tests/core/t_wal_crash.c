/*
 * t_wal_crash - every kind of crash at every step of a log's work, then recovery.
 *
 * A script of appends, marks, commits, truncations and sessions runs on a fake disk. Around
 * each call to the disk, and after each append, the crashes that could happen
 * there are built: the process killed, or the power cut with every subset of the
 * unsynced sectors kept (all subsets of a few, chosen and random ones of many)
 * and every prefix of the unsynced names. Of each the log is opened and must
 * hold the promise:
 *
 *   - it opens; its records are a prefix of what was appended, byte for byte
 *   - at least what was confirmed is there; the mark fits the records
 *   - what was truncated away may be gone, from the start on; nothing else is
 *   - opened again after another crash, it is the same
 *   - it can be appended to; after a crash of that, nothing of before comes back
 *
 * Run with a number it does more, with that seed.
 */
#include <pthread.h>

#include "core/check.h"
#include "core/fake_disk.h"
#include "fastcore/wal.h"

#define RECORDS_MAX 4096
#define MARKS_MAX   512
#define LOOSE_MAX   4096

typedef struct model {
    size_t length[RECORDS_MAX];
    uint8_t branch[RECORDS_MAX];
    uint64_t count;     /* appended, or being appended */
    uint64_t returned;  /* appended, the call has returned */
    uint64_t confirmed; /* all before were confirmed */
    uint64_t unwanted;  /* all before may have been removed */
    uint64_t mark_seq[MARKS_MAX];
    uint64_t mark_count; /* mark i has value i */
    uint64_t mark_confirmed;
} model;

static const fc_kernels *kernels;
static unsigned long states;
static bool deep = true;

static void fill(uint8_t *out, uint64_t seq, uint8_t branch, size_t length)
{
    uint64_t x = seq * 0x9E3779B97F4A7C15u + branch * 77 + 1;
    for (size_t i = 0; i < length; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(x >> 56);
    }
    if (length > 100) /* zeros too: a sector of them looks like a lost one */
        memset(out + length / 3, 0, length / 3);
}

static fc_wal *open_log(disk *d, uint64_t segment_bytes, fc_error *error)
{
    fc_wal *wal = NULL;
    const fc_wal_options options = {.path = "/log",
                                    .create = true,
                                    .segment_bytes = segment_bytes,
                                    .durability = FC_WAL_BATCH,
                                    .batch_bytes = 1u << 30,
                                    .batch_ms = 3600000,
                                    .io = &d->io};
    return fc_wal_open(&wal, &options, kernels, error) == FC_OK ? wal : NULL;
}

/* Throw the log away as a crash does, after the disk has been copied. */
static void drop(fc_wal *wal) { fc_wal_free(wal); }

static uint64_t check_records(fc_wal *wal, const model *m)
{
    static uint8_t buffer[DISK_FILE_BYTES], want[DISK_FILE_BYTES];
    static fc_wal_entry entries[512];
    fc_wal_reader *reader;
    fc_error error;
    uint64_t seq = fc_wal_first_seq(wal);
    const uint64_t end = fc_wal_next_seq(wal);

    CHECK_EQ(seq <= m->unwanted, 1, "records before %llu are gone", (unsigned long long)seq);
    CHECK_EQ(fc_wal_reader_open(&reader, wal, 0, end, &error), FC_OK, "%s", error.message);
    while (seq < end) {
        size_t count, wanted;
        const fc_status status =
            fc_wal_read(reader, buffer, sizeof buffer, entries, 512, &count, &wanted, &error);
        CHECK_EQ(status, FC_OK, "%s", error.message);
        CHECK_EQ(count > 0, 1, "records end at %llu", (unsigned long long)seq);
        for (size_t i = 0; i < count; i++, seq++) {
            CHECK_EQ(entries[i].seq, seq, "order");
            CHECK_EQ(seq < m->count, 1, "record %llu was never appended", (unsigned long long)seq);
            CHECK_EQ(entries[i].length, m->length[seq], "record %llu", (unsigned long long)seq);
            fill(want, seq, m->branch[seq], m->length[seq]);
            CHECK_EQ(memcmp(buffer + entries[i].offset, want, m->length[seq]), 0, "record %llu",
                     (unsigned long long)seq);
        }
    }
    fc_wal_reader_close(reader);
    return end;
}

static void check_mark(fc_wal *wal, const model *m, uint64_t end)
{
    uint64_t value = 0, seq = 0, least = m->mark_confirmed;
    size_t bytes = 0;
    bool found;
    fc_error error;

    CHECK_EQ(fc_wal_get_mark(wal, "m", 1, &value, sizeof value, &bytes, &seq, &found, &error),
             FC_OK, "mark");
    for (uint64_t i = least; i < m->mark_count; i++)
        if (m->mark_seq[i] < end)
            least = i + 1;
    if (!found) {
        CHECK_EQ(least, 0, "the mark is lost");
        return;
    }
    CHECK_EQ(value + 1 >= least, 1, "mark %llu is older than the records",
             (unsigned long long)value);
    CHECK_EQ(value < m->mark_count, 1, "a mark that was never set");
    CHECK_EQ(seq, m->mark_seq[value], "place of the mark");
    CHECK_EQ(seq <= end, 1, "a mark ahead of the records");
}

static void append(fc_wal *wal, model *m, size_t length, uint8_t branch)
{
    uint8_t *payload = malloc(length + 1); /* not static: crashes inside append() append too */
    uint64_t seq;
    fc_error error;

    m->length[m->count] = length;
    m->branch[m->count] = branch;
    fill(payload, m->count, branch, length);
    m->count++;
    CHECK_EQ(fc_wal_append(wal, 5, payload, length, &seq, &error), FC_OK, "%s", error.message);
    free(payload);
    CHECK_EQ(seq, m->count - 1, "number");
    m->returned = m->count;
}

static void commit(fc_wal *wal, model *m)
{
    uint64_t end;
    bool timed_out;
    fc_error error;
    CHECK_EQ(fc_wal_commit(wal, fc_wal_next_seq(wal), -1, &timed_out, &end, &error), FC_OK, "%s",
             error.message);
    CHECK_EQ(end, m->count, "commit");
    m->confirmed = m->count;
    m->mark_confirmed = m->mark_count;
}

/* Remove a part of the records, sometimes all. */
static void truncate_some(fc_wal *wal, model *m)
{
    uint64_t freed;
    fc_error error;
    const uint64_t first = fc_wal_first_seq(wal);
    const uint64_t seq =
        random_below(3) == 0 ? m->count : first + random_below(m->count - first + 1);

    if (seq > m->unwanted)
        m->unwanted = seq;
    CHECK_EQ(fc_wal_truncate_before(wal, seq, &freed, &error), FC_OK, "%s", error.message);
    CHECK_EQ(seq < m->count || fc_wal_first_seq(wal) == seq, 1, "all records can go");
    CHECK_EQ(fc_wal_first_seq(wal) > first, freed > 0, "what was freed");
}

/* Keep what was recovered as the new truth. */
static void settle(model *m, uint64_t end)
{
    while (m->mark_count > 0 && m->mark_seq[m->mark_count - 1] > end)
        m->mark_count--;
    m->count = m->returned = m->confirmed = end;
}

static void crash_some(disk *d, disk *out, unsigned mode)
{
    static disk_place loose[LOOSE_MAX];
    static bool kept[LOOSE_MAX];
    const size_t count = disk_loose(d, loose, LOOSE_MAX);
    for (size_t i = 0; i < count; i++)
        kept[i] = mode == 0 ? false : mode == 1 ? true : random_below(2);
    disk_crash(d, out, loose, count, kept, mode == 0 ? 0 : random_below(d->pending_count + 1),
               mode != 0);
}

/* Open what a crash left, check it, and go on from there through a second crash. */
static void check_state(disk *d, const model *before, uint64_t segment_bytes)
{
    model m = *before;
    disk second, third;
    fc_error error = {0};

    states++;
    fc_wal *wal = open_log(d, segment_bytes, &error);
    CHECK_EQ(wal != NULL, 1, "state %lu does not open: %s", states, error.message);
    const uint64_t end = check_records(wal, &m);
    CHECK_EQ(end >= m.confirmed, 1, "state %lu lost confirmed records: %llu of %llu", states,
             (unsigned long long)end, (unsigned long long)m.confirmed);
    check_mark(wal, &m, end);
    if (!deep) {
        drop(wal);
        return;
    }

    /* What open() gave is durable: a crash right now changes nothing. */
    crash_some(d, &second, states % 3);
    drop(wal);
    wal = open_log(&second, segment_bytes, &error);
    CHECK_EQ(wal != NULL, 1, "state %lu does not open twice: %s", states, error.message);
    CHECK_EQ(check_records(wal, &m), end, "state %lu, second recovery", states);
    check_mark(wal, &m, end);

    settle(&m, end);
    append(wal, &m, 30, 1);
    append(wal, &m, 600 + states % 500, 1);
    if (states % 2)
        commit(wal, &m);
    crash_some(&second, &third, 2);
    drop(wal);
    disk_free(&second);
    wal = open_log(&third, segment_bytes, &error);
    CHECK_EQ(wal != NULL, 1, "state %lu does not open after a second crash: %s", states,
             error.message);
    CHECK_EQ(check_records(wal, &m) >= m.confirmed, 1, "state %lu, after a second crash", states);
    drop(wal);
    disk_free(&third);
}

typedef struct run {
    model m;
    uint64_t segment_bytes;
    unsigned steps;
    bool on;
} run;

static void crash_and_check(disk *d, run *r, const disk_place *loose, size_t count,
                            const bool *kept, size_t names, bool sizes)
{
    disk out;
    disk_crash(d, &out, loose, count, kept, names, sizes);
    check_state(&out, &r->m, r->segment_bytes);
    disk_free(&out);
}

/* All the crashes that may happen at this moment. */
static void watch(disk *d, void *to)
{
    static disk_place loose[LOOSE_MAX];
    static bool kept[LOOSE_MAX];
    run *r = to;
    disk killed;

    if (!r->on)
        return;
    r->on = false;
    r->steps++;
    disk_kill(d, &killed);
    /* A killed process loses nothing that append() returned for. */
    model all = r->m;
    all.confirmed = all.returned;
    check_state(&killed, &all, r->segment_bytes);
    disk_free(&killed);

    const size_t count = disk_loose(d, loose, LOOSE_MAX);
    const size_t names = d->pending_count;
    if (count <= 5) {
        for (unsigned set = 0; set < 1u << count; set++) {
            for (size_t i = 0; i < count; i++)
                kept[i] = set >> i & 1;
            for (size_t n = 0; n <= names; n++)
                crash_and_check(d, r, loose, count, kept, n, (set + n) % 2);
        }
    } else {
        for (unsigned kind = 0; kind < 14; kind++) {
            const size_t at = random_below(count);
            for (size_t i = 0; i < count; i++)
                kept[i] = kind == 0   ? false
                          : kind == 1 ? true
                          : kind < 4  ? i != at
                          : kind < 6  ? i == at
                          : kind < 8  ? i < at
                          : kind < 10 ? i >= at
                                      : random_below(2);
            crash_and_check(d, r, loose, count, kept, random_below(names + 1), kind % 2);
        }
    }
    disk_write_back_some(d, 9);
    r->on = true;
}

static void set_mark(fc_wal *wal, model *m)
{
    fc_error error;
    const uint64_t value = m->mark_count;
    uint8_t big[1500] = {0};
    m->mark_seq[m->mark_count++] = m->count;
    memcpy(big, &value, sizeof value);
    CHECK_EQ(fc_wal_set_mark(wal, "m", 1, big, value % 3 ? 8 : sizeof big, &error), FC_OK, "%s",
             error.message);
}

static void work(uint64_t segment_bytes, unsigned sessions, unsigned steps, size_t longest)
{
    static run r;
    disk d;
    fc_error error;

    memset(&r, 0, sizeof r);
    r.segment_bytes = segment_bytes;
    disk_make(&d);
    d.watch = watch;
    d.watcher = &r;
    r.on = true;
    for (unsigned session = 0; session < sessions; session++) {
        fc_wal *wal = open_log(&d, segment_bytes, &error);
        CHECK_EQ(wal != NULL, 1, "%s", error.message);
        for (unsigned i = 0; i < steps; i++) {
            const size_t kind = random_below(10);
            append(wal, &r.m,
                   kind < 4   ? random_below(60)
                   : kind < 9 ? random_below(1500)
                              : longest,
                   0);
            disk_watch_now(&d);
            if (random_below(5) == 0)
                set_mark(wal, &r.m);
            if (random_below(4) == 0)
                commit(wal, &r.m);
            if (i % 4 == 3)
                truncate_some(wal, &r.m);
        }
        CHECK_EQ(fc_wal_close(wal, &error), FC_OK, "%s", error.message);
        r.m.confirmed = r.m.count;
        r.m.mark_confirmed = r.m.mark_count;
        disk_watch_now(&d);
        fc_wal_free(wal);
    }
    disk_free(&d);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        random_state ^= strtoull(argv[1], NULL, 0) * 0x9E3779B97F4A7C15u;
    kernels = fc_kernels_best();
    const unsigned more = argc > 1;
    work(16 * 1024, 2 + more, more ? 14 : 9, 8192);
    if (more)
        work(16 * 1024, 2, 25, 3000);
    work(64 * 1024, 1 + more, more ? 8 : 4, 40000); /* over half the ring: written directly */
    printf("t_wal_crash: %lu crashes, all recovered\n", states);
    return 0;
}
