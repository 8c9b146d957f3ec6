/*
 * wal/flush.c - from the ring to stable storage, once for everybody who waits.
 *
 * flush():  take next_seq, then head         (so that all records before the number are below head)
 *           pwrite ring[written, head) to the segments      written = head: the ring has room again
 *           sync the last file, and the directory if the file is new
 *           durable = head, durable_end = next_seq
 *
 * One thread at a time flushes. A committer that finds nobody at it does it
 * itself, which saves the hand-over to the thread; all others wait for the end
 * of the flush in progress, and the first of them whose record came too late
 * for it starts the next, with all that has gathered (group commit).
 *
 * When a write or a sync fails, the log is poisoned. Trying again would be
 * wrong: the kernel may have marked the pages clean and dropped them (Rebello
 * and others, "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
 */
#include <errno.h>
#include <string.h>

#include "base/port.h"
#include "wal/wal_internal.h"

#define NS_PER_MS 1000000

/* Rounds without work before the flusher thread sleeps until it is told. A notice costs the
 * appender a system call, so the thread looks by itself while records keep coming. */
#define QUIET_ROUNDS 20

#define GATHER_NS_MAX 1000000

#define ZERO_BYTES           (256u * 1024)
#define ZERO_FLUSH_BYTES_MAX (16u * 1024)

static uint64_t acquire(const _Atomic uint64_t *at)
{
    return atomic_load_explicit(at, memory_order_acquire);
}

/* The sync of the file, and how long it took. */
static int timed_sync(fc_wal *wal)
{
    const int64_t start = fc_clock_ns();
    const int failed = wal->io->sync(wal->io->context, wal->out_file);
    const uint64_t took = (uint64_t)(fc_clock_ns() - start);
    if (took > atomic_load_explicit(&wal->sync_ns_max, memory_order_relaxed))
        atomic_store_explicit(&wal->sync_ns_max, took, memory_order_relaxed);
    atomic_fetch_add_explicit(&wal->sync_ns, took, memory_order_relaxed);
    atomic_fetch_add_explicit(&wal->syncs, 1, memory_order_relaxed);
    return failed;
}

static int sync_out(fc_wal *wal)
{
    const fc_io *io = wal->io;
    int failed = 0;

    if (acquire(&wal->directory_synced) < wal->out_number) {
        const uint64_t ready = acquire(&wal->prepared);
        failed = io->sync_directory(io->context, wal->path);
        if (!failed)
            atomic_store_explicit(&wal->directory_synced, ready, memory_order_release);
    }
    if (!failed && wal->out_dirty) {
        failed = timed_sync(wal);
        if (!failed)
            wal->out_dirty = false;
    }
    return failed;
}

/* Make segment `number` the one to write to. The one before is synced first: see wal_internal.h. */
static int switch_out(fc_wal *wal, uint64_t number)
{
    const fc_io *io = wal->io;
    char path[FC_WAL_PATH_BYTES_MAX];

    if (wal->out_number == number)
        return 0;
    if (wal->out_file >= 0) {
        const int failed = wal->out_dirty ? sync_out(wal) : 0;
        if (failed)
            return failed;
        io->close(io->context, wal->out_file);
        wal->out_file = -1;
    }
    fc_wal_segment_path(wal, path, number);
    const int failed = io->open(io->context, path, FC_IO_WRITE, &wal->out_file);
    if (failed) {
        wal->out_file = -1;
        wal->out_number = 0;
        return failed;
    }
    wal->out_number = number;
    wal->out_zeroed = 0;
    return 0;
}

static int write_stretch(fc_wal *wal, uint64_t number, uint64_t at, uint64_t to)
{
    int failed = switch_out(wal, number);
    while (!failed && at < to) {
        const uint64_t start = at & (wal->ring_bytes - 1);
        const uint64_t left = wal->ring_bytes - start;
        const uint64_t bytes = to - at < left ? to - at : left;
        wal->out_dirty = true;
        failed = fc_io_write_all(wal->io, wal->out_file, wal->ring + start, (size_t)bytes,
                                 at - number * wal->stride);
        atomic_fetch_add_explicit(&wal->written_bytes, bytes, memory_order_relaxed);
        at += bytes;
    }
    return failed;
}

/*
 * Write zeros behind what a small flush wrote. In a file that holds none yet,
 * the first write to a block makes the file system note that it is in use, and
 * a sync then waits for its journal: a third more time, and two more blocks.
 * With zeros for ZERO_BYTES ahead, one sync in many pays for that.
 */
static int zero_ahead(fc_wal *wal, uint64_t head, uint64_t flushed)
{
    static const uint8_t zeros[16 * 1024] = {0};
    const uint64_t at = head - wal->out_number * wal->stride;
    const uint64_t start = (at + FC_WAL_PAGE_BYTES - 1) & ~(uint64_t)(FC_WAL_PAGE_BYTES - 1);
    int failed = 0;

    if (flushed > ZERO_FLUSH_BYTES_MAX || at <= wal->out_zeroed ||
        wal->used[wal->out_number % FC_WAL_ROLLS_MAX] ||
        fc_wal_place_number(wal, head) != wal->out_number)
        return 0;
    uint64_t end = start + ZERO_BYTES;
    if (end > wal->segment_bytes)
        end = wal->segment_bytes;
    for (uint64_t from = start; from < end && !failed; from += sizeof zeros) {
        const uint64_t left = end - from;
        failed = fc_io_write_all(wal->io, wal->out_file, zeros,
                                 left < sizeof zeros ? (size_t)left : sizeof zeros, from);
    }
    wal->out_zeroed = end;
    return failed;
}

static int write_out(fc_wal *wal, uint64_t to)
{
    uint64_t at = atomic_load_explicit(&wal->written, memory_order_relaxed);
    while (at < to) {
        const uint64_t number = fc_wal_place_number(wal, at);
        const bool left = number < fc_wal_place_number(wal, to);
        const uint64_t last = left ? wal->ends[number % FC_WAL_ROLLS_MAX] : to;
        if (at < last) {
            const int failed = write_stretch(wal, number, at, last);
            if (failed)
                return failed;
        }
        at = left ? (number + 1) * wal->stride : last;
        atomic_store_explicit(&wal->written, at, memory_order_release);
    }
    return 0;
}

static int flush(fc_wal *wal, bool sync)
{
    const uint64_t seq_end = acquire(&wal->next_seq);
    const uint64_t head = acquire(&wal->head);
    const uint64_t durable = acquire(&wal->durable);
    if (head <= durable) {
        /* The flush before may have seen the bytes of a record, and not its number yet. */
        if (sync && seq_end > acquire(&wal->durable_end)) {
            atomic_store_explicit(&wal->durable_end, seq_end, memory_order_release);
            fc_wal_ring_publish(wal, seq_end);
        }
        return 0;
    }
    int failed = write_out(wal, head);
    if (!failed && sync) {
        failed = zero_ahead(wal, head, head - durable);
        if (!failed)
            failed = sync_out(wal);
        if (!failed) {
            atomic_store_explicit(&wal->durable_end, seq_end, memory_order_release);
            atomic_store_explicit(&wal->durable, head, memory_order_release);
            fc_wal_ring_publish(wal, seq_end);
        }
    }
    return failed;
}

void fc_wal_poison(fc_wal *wal, int failed)
{
    int expected = 0;
    if (failed)
        atomic_compare_exchange_strong(&wal->poison, &expected, failed);
}

/* Under flush_lock, nobody flushing: do it, with the lock open meanwhile. */
static void flush_now(fc_wal *wal, bool sync)
{
    wal->flushing = true;
    if (sync)
        wal->gathered = wal->waiters;
    pthread_mutex_unlock(&wal->flush_lock);
    const int failed = flush(wal, sync);
    pthread_mutex_lock(&wal->flush_lock);
    fc_wal_poison(wal, failed);
    wal->flushing = false;
    pthread_cond_broadcast(&wal->flushed);
}

/*
 * Under flush_lock, about to flush: those whom the last flush let go are likely
 * to come back soon, each with a record. Without waiting for them, the first one
 * back would take the disk for its record alone, and the others would wait for
 * two flushes; so flushes would carry half of the records on average. Whoever
 * does not come back in half the time of a flush is not waited for again.
 */
static void gather(fc_wal *wal)
{
    const uint64_t syncs = atomic_load_explicit(&wal->syncs, memory_order_relaxed);
    const uint64_t sync_ns = atomic_load_explicit(&wal->sync_ns, memory_order_relaxed);
    const int64_t mean = syncs > 0 ? (int64_t)(sync_ns / syncs) : 0;
    const int64_t patience = mean / 2 < GATHER_NS_MAX ? mean / 2 : GATHER_NS_MAX;
    const int64_t deadline = fc_clock_ns() + patience;

    wal->gathering = true;
    while (wal->waiters < wal->gathered && !wal->stop && !wal->flushing &&
           fc_condition_wait_until(&wal->gathering_done, &wal->flush_lock, deadline)) {
    }
    wal->gathering = false;
    if (wal->waiters < wal->gathered)
        wal->gathered = wal->waiters;
}

static fc_status poisoned(fc_wal *wal, fc_error *error)
{
    return fc_fail_os(error, atomic_load(&wal->poison),
                      "an earlier flush failed; close the log and open it anew");
}

fc_status fc_wal_commit(fc_wal *wal, uint64_t seq_end, int64_t timeout_ns, bool *timed_out,
                        uint64_t *durable_end, fc_error *error)
{
    fc_status status = FC_OK;
    const int64_t deadline = timeout_ns < 0 ? -1 : fc_clock_ns() + timeout_ns;
    const uint64_t next_seq = acquire(&wal->next_seq);
    /* With all records asked for, what was set after the last of them is meant too. */
    const uint64_t place = seq_end >= next_seq ? acquire(&wal->head) : 0;

    bool gathered = false;

    *timed_out = false;
    if (wal->read_only)
        return fc_wal_refused(wal, error);
    if (seq_end > next_seq)
        return fc_fail(error, FC_EINVAL, "record %llu is not in the log yet: the next is %llu",
                       (unsigned long long)(seq_end - 1), (unsigned long long)next_seq);

    pthread_mutex_lock(&wal->flush_lock);
    if (++wal->waiters == wal->gathered && wal->gathering)
        pthread_cond_signal(&wal->gathering_done);
    if (atomic_load(&wal->poison) != 0)
        status = poisoned(wal, error); /* even where the records asked for are durable */
    while (status == FC_OK &&
           (acquire(&wal->durable_end) < seq_end || acquire(&wal->durable) < place)) {
        if (atomic_load(&wal->poison) != 0) {
            status = poisoned(wal, error);
        } else if (wal->stop) {
            status = fc_fail(error, FC_ECLOSED, "the log is closed");
        } else if (deadline < 0) {
            if (wal->flushing || wal->gathering) {
                pthread_cond_wait(&wal->flushed, &wal->flush_lock);
            } else if (wal->waiters < wal->gathered) {
                gather(wal);
                gathered = true;
            } else {
                flush_now(wal, true);
                gathered = false;
            }
        } else {
            /* Who has a time limit cannot be the one in the system call. */
            wal->flush_wanted = true;
            pthread_cond_signal(&wal->wanted);
            if (!fc_condition_wait_until(&wal->flushed, &wal->flush_lock, deadline) &&
                fc_clock_ns() >= deadline) {
                *timed_out = acquire(&wal->durable_end) < seq_end || acquire(&wal->durable) < place;
                break;
            }
        }
    }
    wal->waiters--;
    if (gathered) /* and did not flush after that: the others still wait for it */
        pthread_cond_broadcast(&wal->flushed);
    pthread_mutex_unlock(&wal->flush_lock);
    *durable_end = acquire(&wal->durable_end);
    return status;
}

fc_status fc_wal_write_out(fc_wal *wal, fc_error *error)
{
    const uint64_t head = acquire(&wal->head);
    fc_status status = FC_OK;

    pthread_mutex_lock(&wal->flush_lock);
    while (status == FC_OK && acquire(&wal->written) < head) {
        if (atomic_load(&wal->poison) != 0)
            status = poisoned(wal, error);
        else if (wal->stop)
            status = fc_fail(error, FC_ECLOSED, "the log is closed");
        else if (wal->flushing)
            pthread_cond_wait(&wal->flushed, &wal->flush_lock);
        else
            flush_now(wal, false);
    }
    pthread_mutex_unlock(&wal->flush_lock);
    return status;
}

/*
 * Wait until the ring can hold the stream up to `head_after`, which is in
 * segment `number_after`, or is empty. The caller holds append_lock.
 */
fc_status fc_wal_wait_room(fc_wal *wal, uint64_t head_after, uint64_t number_after, fc_error *error)
{
    const uint64_t head = acquire(&wal->head);
    fc_status status = FC_OK;

    pthread_mutex_lock(&wal->flush_lock);
    while (status == FC_OK) {
        const uint64_t written = acquire(&wal->written);
        if (written >= head ||
            (head_after <= written + wal->ring_bytes &&
             number_after - fc_wal_place_number(wal, written) < FC_WAL_ROLLS_MAX))
            break;
        if (atomic_load(&wal->poison) != 0)
            status = poisoned(wal, error);
        else if (wal->flushing)
            pthread_cond_wait(&wal->flushed, &wal->flush_lock);
        else
            flush_now(wal, false);
    }
    pthread_mutex_unlock(&wal->flush_lock);
    return status;
}

/* With all written, go to a place further on: the rest of a segment that is left. */
void fc_wal_skip_to(fc_wal *wal, uint64_t place)
{
    pthread_mutex_lock(&wal->flush_lock);
    while (wal->flushing)
        pthread_cond_wait(&wal->flushed, &wal->flush_lock);
    if (acquire(&wal->written) >= acquire(&wal->head))
        atomic_store_explicit(&wal->written, place, memory_order_release);
    pthread_mutex_unlock(&wal->flush_lock);
}

/* Write the frame due at head straight to its file, behind everything in the ring. */
fc_status fc_wal_write_direct(fc_wal *wal, const uint8_t *frame_header, const void *payload,
                              size_t length, fc_error *error)
{
    static const uint8_t zeros[8] = {0};
    const uint64_t head = acquire(&wal->head);
    const uint64_t number = fc_wal_place_number(wal, head);
    const uint64_t at = head - number * wal->stride;
    const uint64_t bytes = fc_wal_frame_bytes(length);
    fc_status status = FC_OK;

    pthread_mutex_lock(&wal->flush_lock);
    while (wal->flushing)
        pthread_cond_wait(&wal->flushed, &wal->flush_lock);
    if (atomic_load(&wal->poison) != 0) {
        pthread_mutex_unlock(&wal->flush_lock);
        return poisoned(wal, error);
    }
    wal->flushing = true;
    pthread_mutex_unlock(&wal->flush_lock);

    int failed = write_out(wal, head);
    if (!failed)
        failed = switch_out(wal, number);
    if (!failed) {
        wal->out_dirty = true;
        atomic_fetch_add_explicit(&wal->written_bytes, bytes, memory_order_relaxed);
        failed = fc_io_write_all(wal->io, wal->out_file, frame_header, FC_WAL_FRAME_BYTES, at);
    }
    if (!failed)
        failed = fc_io_write_all(wal->io, wal->out_file, payload, length, at + FC_WAL_FRAME_BYTES);
    if (!failed)
        failed = fc_io_write_all(wal->io, wal->out_file, zeros,
                                 (size_t)(bytes - FC_WAL_FRAME_BYTES - length),
                                 at + FC_WAL_FRAME_BYTES + length);

    pthread_mutex_lock(&wal->flush_lock);
    fc_wal_poison(wal, failed);
    if (failed)
        status = fc_fail_os(error, failed, "writing a record to segment %llu",
                            (unsigned long long)number);
    else
        atomic_store_explicit(&wal->written, head + bytes, memory_order_release);
    wal->flushing = false;
    pthread_cond_broadcast(&wal->flushed);
    pthread_mutex_unlock(&wal->flush_lock);
    return status;
}

void fc_wal_notify(fc_wal *wal, bool now)
{
    pthread_mutex_lock(&wal->flush_lock);
    wal->flush_wanted |= now;
    atomic_store_explicit(&wal->idle, false, memory_order_relaxed);
    pthread_cond_signal(&wal->wanted);
    pthread_mutex_unlock(&wal->flush_lock);
}

/* Remove what is over the limits, and make the next segment's file once half of this one is used.
 * Without room it stays undone, and the append that needs it says so. */
static void keep_house(fc_wal *wal)
{
    const uint64_t head = acquire(&wal->head);
    const uint64_t number = fc_wal_place_number(wal, head);
    const bool due =
        acquire(&wal->prepared) <= number && head - number * wal->stride >= wal->segment_bytes / 2;
    fc_wal_keep_limits(wal, due); /* which may make it, out of an old one */
    if (due)
        (void)fc_wal_prepare(wal, number + 1);
}

static bool pending(const fc_wal *wal)
{
    if (wal->durability == FC_WAL_ASYNC)
        return acquire(&wal->head) > acquire(&wal->written);
    return acquire(&wal->head) > acquire(&wal->durable) ||
           acquire(&wal->next_seq) > acquire(&wal->durable_end);
}

/* How often to look whether segments have come of age. */
static int64_t look_for_age_ns(const fc_wal *wal)
{
    const int64_t often = 10 * NS_PER_MS, seldom = (int64_t)60000 * NS_PER_MS;
    const int64_t part = wal->max_age_ns / 8;
    return part < often ? often : part > seldom ? seldom : part;
}

/* Under flush_lock: sleep until there is something to flush, or it is time to look. */
static void rest(fc_wal *wal, unsigned *quiet)
{
    if (*quiet >= QUIET_ROUNDS) {
        /* Under append_lock, so that an append comes before the last look at head, or sees `idle`.
         */
        pthread_mutex_unlock(&wal->flush_lock);
        pthread_mutex_lock(&wal->append_lock);
        atomic_store_explicit(&wal->idle, !pending(wal), memory_order_relaxed);
        pthread_mutex_unlock(&wal->append_lock);
        pthread_mutex_lock(&wal->flush_lock);
        while (!wal->stop && !wal->flush_wanted &&
               atomic_load_explicit(&wal->idle, memory_order_relaxed)) {
            if (wal->max_age_ns == 0)
                pthread_cond_wait(&wal->wanted, &wal->flush_lock);
            else if (!fc_condition_wait_until(&wal->wanted, &wal->flush_lock,
                                              fc_clock_ns() + look_for_age_ns(wal)))
                break;
        }
        atomic_store_explicit(&wal->idle, false, memory_order_relaxed);
        *quiet = 0;
    }
    const int64_t deadline = fc_clock_ns() + (int64_t)wal->batch_ms * NS_PER_MS;
    while (!wal->stop && !wal->flush_wanted &&
           fc_condition_wait_until(&wal->wanted, &wal->flush_lock, deadline)) {
    }
}

static void *flusher(void *argument)
{
    fc_wal *wal = argument;
    unsigned quiet = 0;

    pthread_mutex_lock(&wal->flush_lock);
    while (!wal->stop) {
        rest(wal, &quiet);
        if (wal->stop)
            break;
        const bool asked = wal->flush_wanted;
        wal->flush_wanted = false;
        quiet = asked || pending(wal) ? 0 : quiet + 1;
        if (atomic_load(&wal->poison) != 0)
            continue;
        pthread_mutex_unlock(&wal->flush_lock);
        keep_house(wal);
        pthread_mutex_lock(&wal->flush_lock);
        if (quiet > 0)
            continue;
        if (wal->flushing) {
            /* It may have begun before what was asked for came; look again after it. */
            wal->flush_wanted |= asked;
            if (asked)
                pthread_cond_wait(&wal->flushed, &wal->flush_lock);
        } else {
            flush_now(wal, asked || wal->durability != FC_WAL_ASYNC);
        }
    }
    pthread_mutex_unlock(&wal->flush_lock);
    return NULL;
}

fc_status fc_wal_flush_start(fc_wal *wal, fc_error *error)
{
    const int failed = pthread_create(&wal->thread, NULL, flusher, wal);
    if (failed)
        return fc_fail_os(error, failed, "starting the flusher thread");
    wal->thread_started = true;
    return FC_OK;
}

void fc_wal_flush_stop(fc_wal *wal)
{
    pthread_mutex_lock(&wal->flush_lock);
    wal->stop = true;
    pthread_cond_broadcast(&wal->wanted);
    pthread_cond_broadcast(&wal->flushed);
    pthread_cond_broadcast(&wal->gathering_done);
    pthread_mutex_unlock(&wal->flush_lock);
    if (wal->thread_started)
        pthread_join(wal->thread, NULL);
    wal->thread_started = false;
}
