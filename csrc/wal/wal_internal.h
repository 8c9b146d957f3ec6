/*
 * wal/wal_internal.h - the open log: what its parts share, and which lock guards what.
 *
 * The stream. All bytes that a session writes have a place in one line of
 * numbers: segment number * stride + offset in the segment. The ring holds the
 * stretch [written, head) of it, each byte at its place modulo the ring's size,
 * so that after a crash the ring needs no bookkeeping to be read:
 *
 *      segments on disk                      ring                 not written yet
 *     ------------------+--------------+-----------------------+------------------
 *                    durable        written                  head
 *
 * `append` moves head, the flusher moves written (pwrite) and then durable
 * (sync). A segment is synced to its end before a byte of the next is written,
 * so only the last segment with frames can hold anything that is not durable.
 *
 * Locks, in the order they are taken: append_lock, flush_lock; append_lock,
 * prepare_lock; list_lock last of all. Only one thread at a time is "the
 * flusher", whichever set `flushing`; it alone uses out_*.
 */
#ifndef FC_WAL_INTERNAL_H
#define FC_WAL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/status.h"
#include "fastcore/wal.h"
#include "wal/format.h"
#include "wal/io.h"

#define FC_WAL_RING_BYTES_MAX    (8u * 1024 * 1024)
#define FC_WAL_RING_BYTES_MIN    (64u * 1024)
#define FC_WAL_ROLLS_MAX         64 /* segments that may be begun and not yet written */
#define FC_WAL_MARKS_MAX         256
#define FC_WAL_STAMP_EVERY_BYTES 8192u
#define FC_WAL_PATH_BYTES_MAX    4096

typedef struct fc_wal_segment {
    uint64_t number;
    uint64_t base_seq;
    uint64_t bytes;
    int64_t created_ns;
    bool marks_before; /* FC_WAL_HEADER_MARKS_BEFORE */
} fc_wal_segment;

typedef struct fc_wal_mark {
    char name[FC_WAL_MARK_NAME_BYTES_MAX];
    uint8_t name_bytes;
    uint64_t seq;
    size_t value_bytes;
    uint8_t *value;
} fc_wal_mark;

typedef struct fc_wal_marks {
    fc_wal_mark *at[FC_WAL_MARKS_MAX];
    size_t count;
    uint64_t frame_bytes; /* of all of them, as frames */
} fc_wal_marks;

/* Where a walk over frames is, and what it must find there. */
typedef struct fc_wal_place {
    uint64_t number; /* of the segment; 0: before the first */
    uint64_t offset; /* of the next frame */
    uint64_t seq;    /* of the next record */
    uint64_t salt;   /* in force */
    uint64_t header_salt;
    uint32_t seed; /* of salt */
    uint32_t flags;
    uint64_t segment_bytes;
} fc_wal_place;

/* A stretch of the log that does not verify, from `place` on; it goes on at `next`. */
typedef struct fc_wal_hole {
    fc_wal_place place;
    fc_wal_place next;
    uint64_t salt_before_next; /* what the header of next's segment asks for */
    fc_wal_hole_kind kind;
} fc_wal_hole;

typedef struct fc_wal_holes {
    fc_wal_hole *at;
    size_t count;
    size_t capacity;
} fc_wal_holes;

/* The ring file as others see it: its geometry, and a copy of its bytes. */
typedef struct fc_wal_ring_view {
    fc_file file; /* negative: no ring */
    uint64_t ring_bytes;
    uint64_t segment_bytes;
} fc_wal_ring_view;

enum { FC_WAL_RUNNING = 0, FC_WAL_CLOSED, FC_WAL_FORKED };

struct fc_wal {
    const fc_io *io;
    const fc_kernels *k;
    char *path;
    bool read_only;
    fc_wal_durability durability;
    fc_wal_recovery recovery;
    uint64_t segment_bytes;
    uint64_t stride;
    uint64_t batch_bytes;
    uint32_t batch_ms;
    uint64_t max_bytes;
    int64_t max_age_ns;
    fc_file lock_file;

    _Atomic int state;  /* FC_WAL_RUNNING, ... */
    _Atomic int poison; /* errno of the flush that failed, else 0 */

    pthread_mutex_t list_lock;
    fc_wal_segment *segments; /* begun segments, ascending, without gaps */
    size_t segment_count;
    size_t segment_capacity;

    /* The appending side, under append_lock; head and next_seq are read without it. */
    pthread_mutex_t append_lock;
    fc_wal_place tail; /* number, salts and seed in force; offset and seq live in the two below */
    _Atomic uint64_t head;
    _Atomic uint64_t next_seq;
    uint64_t end;        /* first place of the stream behind the segment's room */
    bool stamp_due;      /* the session has not written its first stamp */
    uint64_t stamped_at; /* place of the last stamp, or of the segment's start */
    uint64_t stamped;    /* what it said is durable */
    uint64_t last_frame; /* place of the last record or mark, 0 when not in this segment */
    uint64_t notify_at;  /* place of the head at which the flusher thread is told next */
    fc_wal_marks marks;

    uint8_t *ring; /* NULL when read-only */
    uint64_t ring_bytes;
    uint8_t *ring_map;
    fc_file ring_file;

    /* Making segment files ahead of need. */
    pthread_mutex_t prepare_lock;
    _Atomic uint64_t prepared;         /* the highest number whose file is ready */
    _Atomic uint64_t directory_synced; /* files up to this number are there after a power cut */
    bool used[FC_WAL_ROLLS_MAX];       /* the file of this number, modulo, held other records */

    /* The flushing side, under flush_lock; written, durable and durable_end are read without it. */
    pthread_mutex_t flush_lock;
    pthread_cond_t flushed; /* flushing ended, or the state changed */
    pthread_cond_t wanted;  /* the flusher thread has something to do */
    pthread_cond_t gathering_done;
    bool flushing;
    bool gathering;    /* somebody who will flush waits for others to join */
    unsigned waiters;  /* threads in fc_wal_commit() */
    unsigned gathered; /* of them, when the last flush began */
    bool flush_wanted;
    bool stop;
    _Atomic bool idle; /* the flusher thread sleeps until it is told */
    _Atomic uint64_t written;
    _Atomic uint64_t durable;
    _Atomic uint64_t durable_end;
    fc_file out_file;
    uint64_t out_number;
    bool out_dirty;
    uint64_t out_zeroed; /* offset in the file up to which zeros were written ahead; 0: used file */
    uint64_t ends[FC_WAL_ROLLS_MAX]; /* where segments that were left end, by number modulo */
    pthread_t thread;
    bool thread_started;

    /* What fc_wal_get_stats() tells; only ever added to. */
    _Atomic uint64_t written_bytes, syncs, sync_ns, sync_ns_max, rolls, recycled, removed;

    fc_wal_holes holes; /* FC_WAL_SALVAGE: what fc_wal_check() found, to be stepped over */

    /* Read-only: how far the records were last seen to go. */
    fc_wal_reader *tail_reader;
};

/* A segment's share of the stream: its size rounded up to 8, and a little, so that its end is not
 * the next one's start. */
static inline uint64_t fc_wal_stride(uint64_t segment_bytes)
{
    return ((segment_bytes + 7) & ~7ull) + 8;
}

static inline uint64_t fc_wal_place_number(const fc_wal *wal, uint64_t at)
{
    return at / wal->stride;
}

/* segment.c */
void fc_wal_file_path(const fc_wal *wal, char *out, const char *name);
void fc_wal_segment_path(const fc_wal *wal, char *out, uint64_t number);
fc_status fc_wal_list(fc_wal *wal, uint64_t **numbers, size_t *count, fc_error *error);
int fc_wal_segments_add(fc_wal *wal, const fc_wal_segment *segment);
void fc_wal_segment_of(const fc_wal_header *header, fc_wal_segment *out);
/* The last segment begun with base_seq <= seq; false when there is none. */
bool fc_wal_segments_find(fc_wal *wal, uint64_t seq, fc_wal_segment *out);
bool fc_wal_segments_get(fc_wal *wal, uint64_t number, fc_wal_segment *out);
uint64_t fc_wal_first_number(fc_wal *wal); /* 0 without segments */
/* Whether a segment that was read from has not been removed since. */
bool fc_wal_segment_is_there(fc_wal *wal, uint64_t number, uint64_t header_salt);
/* In a log opened for reading: learn of segments begun or removed since. */
void fc_wal_refresh(fc_wal *wal);
int fc_wal_make_file(fc_wal *wal, uint64_t number, uint64_t bytes);
int fc_wal_prepare(fc_wal *wal, uint64_t number);
int fc_wal_new_salt(fc_wal *wal, uint64_t *salt);
fc_status fc_wal_read_header(fc_wal *wal, uint64_t number, fc_wal_header *header,
                             fc_wal_header_state *state, fc_file *file, fc_error *error);

/* ring.c */
fc_status fc_wal_ring_open(fc_wal *wal, fc_error *error);
void fc_wal_ring_close(fc_wal *wal);
void fc_wal_ring_remove(fc_wal *wal);
void fc_wal_ring_put(fc_wal *wal, uint64_t at, const void *data, size_t bytes);
void fc_wal_ring_view_open(fc_wal *wal, fc_wal_ring_view *view);
void fc_wal_ring_view_close(fc_wal *wal, fc_wal_ring_view *view);
/* Copy stream bytes at (number, offset); false when they cannot be in this ring. */
bool fc_wal_ring_view_read(fc_wal *wal, const fc_wal_ring_view *view, uint64_t number,
                           uint64_t offset, void *out, size_t bytes);
/*
 * Look in the ring for what comes at `place`: a frame into *buffer, which grows
 * to hold it, or the header page of the next segment, which moves `place` there
 * and fills *header.
 */
typedef enum { FC_WAL_RING_NOTHING, FC_WAL_RING_FRAME, FC_WAL_RING_SEGMENT } fc_wal_ring_found;
fc_status fc_wal_ring_view_next(fc_wal *wal, const fc_wal_ring_view *view,
                                const fc_wal_place *place, uint8_t **buffer, size_t *capacity,
                                fc_wal_frame *frame, fc_wal_header *header,
                                fc_wal_ring_found *found, fc_error *error);

/* Let other processes know what is durable, and read what the last writer let know. */
void fc_wal_ring_publish(fc_wal *wal, uint64_t durable_end);
bool fc_wal_ring_published(fc_wal *wal, uint64_t *durable_end);

/* walk.c */
void fc_wal_place_begin(const fc_wal *wal, fc_wal_place *place, const fc_wal_header *header);
/* True when at[0 .. available) starts with the frame due at `place`; moves `place` behind it. */
bool fc_wal_step(const fc_wal *wal, fc_wal_place *place, const uint8_t *at, size_t available,
                 fc_wal_frame *frame);
/* True when `header` continues the stream that has come to `place`. */
bool fc_wal_continues(const fc_wal_place *place, const fc_wal_header *header);

/* marks.c */
/* A mark for the table; NULL without memory. */
fc_wal_mark *fc_wal_mark_make(const fc_wal_mark_view *view);
void fc_wal_mark_free(fc_wal_mark *mark);
/* Put it in, in place of the one of its name. False when the table is full. */
bool fc_wal_marks_put(fc_wal_marks *marks, fc_wal_mark *mark);
void fc_wal_marks_remove(fc_wal_marks *marks, const char *name, size_t name_bytes);
const fc_wal_mark *fc_wal_marks_find(const fc_wal_marks *marks, const char *name,
                                     size_t name_bytes);
void fc_wal_marks_clear(fc_wal_marks *marks);

/* truncate.c */
/* Remove the segments before `keep`, which are durable and not needed for their marks. */
fc_status fc_wal_drop_before(fc_wal *wal, uint64_t keep, uint64_t *freed, fc_error *error);
/* Remove what passes max_bytes or max_age_ns, with `more` files about to be made. */
void fc_wal_keep_limits(fc_wal *wal, unsigned more);

/* check.c */
fc_status fc_wal_check(fc_wal *wal, fc_wal_report *report, fc_error *error);
const fc_wal_hole *fc_wal_hole_at(const fc_wal *wal, const fc_wal_place *place);

/* repair.c */
fc_status fc_wal_fill_holes(fc_wal *wal, fc_error *error); /* needs the lock */

/* wal.c */
fc_status fc_wal_make(fc_wal **out, const fc_wal_options *options, const fc_kernels *k,
                      fc_error *error);
fc_status fc_wal_take_lock(fc_wal *wal, fc_error *error);
fc_status fc_wal_require_log(fc_wal *wal, fc_error *error); /* FC_EIO, ENOENT: no segment there */

/* append.c */
bool fc_wal_takes_records(const fc_wal *wal);
/* All under append_lock, which the last lets go of. */
fc_status fc_wal_roll(fc_wal *wal, fc_error *error); /* begin the next segment, or the first */
/* Append one frame. FC_ELIMIT stands for "would wait" where may_wait is false. */
fc_status fc_wal_append_frame(fc_wal *wal, int64_t timestamp, const uint8_t *payload, size_t length,
                              bool control, bool may_wait, fc_error *error);
uint64_t fc_wal_stamp_due_bytes(const fc_wal *wal, uint64_t head);
void fc_wal_publish(fc_wal *wal, uint64_t head, uint64_t next_seq);
bool fc_wal_should_notify(fc_wal *wal);
void fc_wal_append_unlock(fc_wal *wal, bool notify);
void fc_wal_stamp_close(fc_wal *wal);

/* flush.c */
fc_status fc_wal_flush_start(fc_wal *wal, fc_error *error);
void fc_wal_flush_stop(fc_wal *wal);
void fc_wal_notify(fc_wal *wal, bool now);   /* now: do not wait for batch_ms */
void fc_wal_poison(fc_wal *wal, int failed); /* nothing is taken any more, unless failed is 0 */
fc_status fc_wal_wait_room(fc_wal *wal, uint64_t head_after, uint64_t number_after,
                           fc_error *error);
void fc_wal_skip_to(fc_wal *wal, uint64_t place);
fc_status fc_wal_write_direct(fc_wal *wal, const uint8_t *frame_header, const void *payload,
                              size_t length, fc_error *error);

/* read.c */
void fc_wal_reader_seat(fc_wal_reader *reader, const fc_wal_place *place);
uint64_t fc_wal_reader_seq(const fc_wal_reader *reader);

/* recover.c */
fc_status fc_wal_recover(fc_wal *wal, fc_error *error);

#endif
