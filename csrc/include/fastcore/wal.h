/*
 * fastcore/wal.h - a write-ahead log: append, commit, read, recover.
 *
 * A log is a directory. One process at a time writes to it, any number read.
 * Any thread may call any function on an open log; a reader belongs to one
 * thread at a time. After fork() the child must call fc_wal_abandon() before
 * anything else. What survives which crash: docs/guide/wal.md.
 */
#ifndef FC_WAL_H
#define FC_WAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fastcore/status.h"

typedef struct fc_kernels fc_kernels;
typedef struct fc_io fc_io;
typedef struct fc_wal fc_wal;
typedef struct fc_wal_reader fc_wal_reader;

typedef enum fc_wal_durability {
    FC_WAL_SYNC,  /* the caller waits for each append to be on stable storage */
    FC_WAL_BATCH, /* a thread syncs after batch_bytes or batch_ms */
    FC_WAL_ASYNC, /* the same thread hands over to the kernel, and syncs nothing by itself */
} fc_wal_durability;

typedef enum fc_wal_recovery {
    FC_WAL_TAIL,    /* cut a torn tail; refuse other damage */
    FC_WAL_STRICT,  /* refuse a torn tail too */
    FC_WAL_SALVAGE, /* step over damage; opened for writing, repair it first */
} fc_wal_recovery;

typedef struct fc_wal_options {
    const char *path;
    bool read_only;
    bool create;            /* make the directory where there is none */
    uint64_t segment_bytes; /* of segments begun from now on */
    fc_wal_durability durability;
    uint64_t batch_bytes;
    uint32_t batch_ms;
    fc_wal_recovery recovery;
    uint64_t max_bytes; /* of segment files: the oldest go when there are more; 0: no limit */
    int64_t max_age_ns; /* segments go when their last record is older; 0: no limit */
    const fc_io *io;    /* NULL: the operating system's */
} fc_wal_options;

/*
 * Open the log, recover what a crash left, and start the flusher. For writing,
 * everything recovered is on stable storage when this returns.
 *
 * FC_EINVAL, FC_ELIMIT: an option; FC_EWAL_LOCKED: another writer has it;
 * FC_EWAL_CORRUPT: damage that `recovery` does not allow for; FC_EIO; FC_ENOMEM.
 */
fc_status fc_wal_open(fc_wal **out, const fc_wal_options *options, const fc_kernels *k,
                      fc_error *error);

/* What is damaged about a log. */
typedef enum fc_wal_hole_kind {
    FC_WAL_HOLE_FRAMES,   /* frames in a segment */
    FC_WAL_HOLE_HEADER,   /* a segment's header alone: its frames are there */
    FC_WAL_HOLE_SEGMENTS, /* whole segments, between others */
    FC_WAL_HOLE_FILE,     /* a file before the first or behind the last segment that can be read */
    FC_WAL_HOLE_CUT,      /* the end: bytes that had been durable, and nothing good behind them */
} fc_wal_hole_kind;

typedef struct fc_wal_damage {
    fc_wal_hole_kind kind;
    uint64_t segment;
    uint64_t offset;
    uint64_t seq;          /* the record that should be there */
    uint64_t records;      /* how many are lost; 0 where that cannot be known */
    uint64_t next_segment; /* where it goes on */
    uint64_t next_offset;
} fc_wal_damage;

typedef struct fc_wal_report {
    uint64_t segments;
    uint64_t bytes; /* of their files */
    uint64_t records;
    uint64_t first_seq;
    uint64_t next_seq;
    uint64_t lost;        /* records in holes */
    uint64_t lost_before; /* records in holes that an earlier repair closed */
    uint64_t cut;         /* stretches of which nothing is known */
    bool torn;            /* ends in an incomplete record, as after a crash */
} fc_wal_report;

/*
 * Read the whole log in options->path and tell what is damaged; with `repair`,
 * also make it whole: what does not verify becomes a gap that readers step over,
 * and everything else stays. *damage is to be freed.
 *
 * FC_EWAL_LOCKED: to repair, nobody may write to it meanwhile.
 */
fc_status fc_wal_verify(const fc_wal_options *options, bool repair, const fc_kernels *k,
                        fc_wal_report *report, fc_wal_damage **damage, size_t *count,
                        fc_error *error);

/* Commit, stop the flusher and let go of the directory. Later calls on the log give FC_ECLOSED;
 * closing twice is FC_OK. The memory stays until fc_wal_free(). */
fc_status fc_wal_close(fc_wal *wal, fc_error *error);
void fc_wal_abandon(fc_wal *wal);
void fc_wal_free(fc_wal *wal);

/*
 * Add a record; *seq is its number. Returns when the record is in the ring
 * file, which survives the end of the process; never syncs. May wait for the
 * flusher when the ring is full.
 *
 * FC_ELIMIT: longer than fc_wal_payload_bytes_max(). FC_EIO with ENOSPC: there
 * is no room for another segment; the log is as before. FC_EIO otherwise, or
 * after a failed flush: the log takes no more records until it is opened anew.
 */
fc_status fc_wal_append(fc_wal *wal, int64_t timestamp, const void *payload, size_t length,
                        uint64_t *seq, fc_error *error);

/* The same when it can be done at once; false when it would wait or fail, and nothing is changed.
 */
bool fc_wal_try_append(fc_wal *wal, int64_t timestamp, const void *payload, size_t length,
                       uint64_t *seq);

typedef struct fc_wal_payload {
    const void *data;
    size_t length;
} fc_wal_payload;

/*
 * Add `count` records with consecutive numbers, the first in *seq. `timestamps`
 * may be NULL: then all get now. *done says how many were added: all, or those
 * before the one that failed.
 */
fc_status fc_wal_append_many(fc_wal *wal, const int64_t *timestamps, const fc_wal_payload *payloads,
                             size_t count, uint64_t *seq, size_t *done, fc_error *error);

/*
 * Return when every record before `seq_end`, and every mark set so far, is on
 * stable storage. One sync serves all who wait at the time. *durable_end is the
 * number after the last durable record.
 *
 * timeout_ns < 0 waits as long as it takes; *timed_out tells of a wait given up.
 */
fc_status fc_wal_commit(fc_wal *wal, uint64_t seq_end, int64_t timeout_ns, bool *timed_out,
                        uint64_t *durable_end, fc_error *error);

/*
 * Add `count` records of row_bytes each, which stand one behind the other at
 * `rows`. Else as fc_wal_append_many().
 */
fc_status fc_wal_append_rows(fc_wal *wal, const int64_t *timestamps, const uint8_t *rows,
                             size_t row_bytes, size_t count, uint64_t *seq, size_t *done,
                             fc_error *error);

/*
 * Remove the segments all of whose records come before `seq`, after making the
 * rest durable. With seq = fc_wal_next_seq() all records go. *freed is how many
 * bytes of files: those kept to be used again count, as they replace new ones.
 *
 * FC_EINVAL: seq is past the end.
 */
fc_status fc_wal_truncate_before(fc_wal *wal, uint64_t seq, uint64_t *freed, fc_error *error);

typedef struct fc_wal_stats {
    uint64_t segments;      /* with records, or begun */
    uint64_t segment_bytes; /* of all files, those made ready too */
    uint64_t ring_bytes;
    uint64_t ring_used; /* of them, not in a segment yet */
    /* Since the log was opened: */
    uint64_t written_bytes; /* to segments */
    uint64_t syncs;
    uint64_t sync_ns;     /* time in them */
    uint64_t sync_ns_max; /* of one */
    uint64_t rolls;       /* segments begun */
    uint64_t recycled;    /* of them, in files used before */
    uint64_t removed;     /* segments truncated away */
} fc_wal_stats;

void fc_wal_get_stats(fc_wal *wal, fc_wal_stats *stats);

/* Hand everything appended to the kernel, so that readers of the files see it; no sync. */
fc_status fc_wal_write_out(fc_wal *wal, fc_error *error);

/* FC_OK while records are taken, else why not. */
fc_status fc_wal_refused(fc_wal *wal, fc_error *error);
bool fc_wal_running(const fc_wal *wal); /* neither closed nor left behind by a fork */
bool fc_wal_is_read_only(const fc_wal *wal);
uint64_t fc_wal_first_seq(fc_wal *wal);
uint64_t fc_wal_next_seq(fc_wal *wal);    /* of the next append */
uint64_t fc_wal_durable_end(fc_wal *wal); /* all before it are on stable storage */
uint64_t fc_wal_payload_bytes_max(const fc_wal *wal);
int64_t fc_wal_now_ns(const fc_wal *wal);

/*
 * Durable named values, ordered with the records: a mark is recovered if and
 * only if every record appended before it is. Setting replaces; a NULL value
 * removes. At most 255 bytes of name, 4096 of value, 256 marks, and half a
 * segment for all of them.
 */
fc_status fc_wal_set_mark(fc_wal *wal, const char *name, size_t name_bytes, const void *value,
                          size_t value_bytes, fc_error *error);

/*
 * Read a mark into value[0 .. capacity); *value_bytes is its full length.
 * *seq is the number that the next record had when it was set. *found is false
 * when there is none of this name.
 */
fc_status fc_wal_get_mark(fc_wal *wal, const char *name, size_t name_bytes, void *value,
                          size_t capacity, size_t *value_bytes, uint64_t *seq, bool *found,
                          fc_error *error);

/* A record found by a reader: payload at `offset` of the buffer it was read into. */
typedef struct fc_wal_entry {
    uint64_t seq;
    int64_t timestamp;
    size_t offset;
    size_t length;
} fc_wal_entry;

/*
 * A reader of the records with start <= number < stop, in order. It holds its
 * own file and no lock. UINT64_MAX as `stop` means: all that there are, also
 * those that come later.
 */
fc_status fc_wal_reader_open(fc_wal_reader **out, fc_wal *wal, uint64_t start, uint64_t stop,
                             fc_error *error);
void fc_wal_reader_close(fc_wal_reader *reader);

/* Where a reader is: what an index keeps of a record, to start a reader there later. */
typedef struct fc_wal_position {
    uint64_t seq;     /* of the next record */
    uint64_t segment; /* its number, and in that file */
    uint64_t offset;
    uint64_t header_salt; /* tells this segment from any other of its number */
    uint64_t salt;
} fc_wal_position;

/* False when it has not read anything yet. */
bool fc_wal_reader_position(const fc_wal_reader *reader, fc_wal_position *position);

/* Start from there instead of from the segment's first record; false when that segment is not, or
 * no longer, the one that the position was taken in. Records are verified as ever. */
bool fc_wal_reader_jump(fc_wal_reader *reader, const fc_wal_position *position);

/*
 * Read whole records into buffer[0 .. capacity) and describe them in entries[].
 * *count is 0 when there are none (yet), or when the next one needs a larger
 * buffer: then *wanted says how large. Every record is verified.
 *
 * FC_EWAL_CORRUPT: the bytes at error->segment, error->offset are not the
 * record error->sequence. FC_EWAL_TRUNCATED: the reader's place was removed.
 */
fc_status fc_wal_read(fc_wal_reader *reader, uint8_t *buffer, size_t capacity,
                      fc_wal_entry *entries, size_t entries_max, size_t *count, size_t *wanted,
                      fc_error *error);

/*
 * Read up to `count` records of row_bytes each: their times to timestamps[], their
 * payloads one behind the other to `rows`. *done is less than `count` where
 * there are no more. FC_EINVAL: a record of another size. Else as fc_wal_read().
 */
fc_status fc_wal_read_rows(fc_wal_reader *reader, size_t row_bytes, int64_t *timestamps,
                           uint8_t *rows, size_t count, size_t *done, fc_error *error);

#endif
