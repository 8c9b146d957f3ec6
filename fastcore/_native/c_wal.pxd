# fastcore/wal.h, as Cython sees it.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from fastcore._native.c cimport fc_error, fc_kernels, fc_status

cdef extern from "<stdbool.h>" nogil:
    ctypedef bint bool

cdef extern from "fastcore/wal.h" nogil:
    ctypedef struct fc_wal:
        pass
    ctypedef struct fc_wal_reader:
        pass
    ctypedef enum fc_wal_durability:
        FC_WAL_SYNC
        FC_WAL_BATCH
        FC_WAL_ASYNC
    ctypedef enum fc_wal_recovery:
        FC_WAL_TAIL
        FC_WAL_STRICT
        FC_WAL_SALVAGE
    ctypedef struct fc_wal_options:
        const char *path
        bint read_only
        bint create
        uint64_t segment_bytes
        fc_wal_durability durability
        uint64_t batch_bytes
        uint32_t batch_ms
        fc_wal_recovery recovery
        uint64_t max_bytes
        int64_t max_age_ns
        const void *io
    ctypedef struct fc_wal_payload:
        const void *data
        size_t length
    ctypedef struct fc_wal_stats:
        uint64_t segments
        uint64_t segment_bytes
        uint64_t ring_bytes
        uint64_t ring_used
        uint64_t written_bytes
        uint64_t syncs
        uint64_t sync_ns
        uint64_t sync_ns_max
        uint64_t rolls
        uint64_t recycled
        uint64_t removed
    ctypedef struct fc_wal_position:
        uint64_t seq
        uint64_t segment
        uint64_t offset
        uint64_t header_salt
        uint64_t salt
    ctypedef enum fc_wal_hole_kind:
        FC_WAL_HOLE_FRAMES
        FC_WAL_HOLE_HEADER
        FC_WAL_HOLE_SEGMENTS
        FC_WAL_HOLE_FILE
        FC_WAL_HOLE_CUT
    ctypedef struct fc_wal_damage:
        fc_wal_hole_kind kind
        uint64_t segment
        uint64_t offset
        uint64_t seq
        uint64_t records
        uint64_t next_segment
        uint64_t next_offset
    ctypedef struct fc_wal_report:
        uint64_t segments
        uint64_t bytes
        uint64_t records
        uint64_t first_seq
        uint64_t next_seq
        uint64_t lost
        uint64_t lost_before
        uint64_t cut
        bint torn
    ctypedef struct fc_wal_entry:
        uint64_t seq
        int64_t timestamp
        size_t offset
        size_t length

    fc_status fc_wal_open(fc_wal **out, const fc_wal_options *options, const fc_kernels *k,
                          fc_error *error)
    fc_status fc_wal_verify(const fc_wal_options *options, bool repair, const fc_kernels *k,
                            fc_wal_report *report, fc_wal_damage **damage, size_t *count,
                            fc_error *error)
    fc_status fc_wal_close(fc_wal *wal, fc_error *error)
    void fc_wal_abandon(fc_wal *wal)
    void fc_wal_free(fc_wal *wal)
    fc_status fc_wal_append(fc_wal *wal, int64_t timestamp, const void *payload, size_t length,
                            uint64_t *seq, fc_error *error)
    bool fc_wal_try_append(fc_wal *wal, int64_t timestamp, const void *payload, size_t length,
                           uint64_t *seq)
    fc_status fc_wal_append_many(fc_wal *wal, const int64_t *timestamps,
                                 const fc_wal_payload *payloads, size_t count, uint64_t *seq,
                                 size_t *done, fc_error *error)
    fc_status fc_wal_append_rows(fc_wal *wal, const int64_t *timestamps, const uint8_t *rows,
                                 size_t row_bytes, size_t count, uint64_t *seq, size_t *done,
                                 fc_error *error)
    fc_status fc_wal_truncate_before(fc_wal *wal, uint64_t seq, uint64_t *freed, fc_error *error)
    void fc_wal_get_stats(fc_wal *wal, fc_wal_stats *stats)
    fc_status fc_wal_commit(fc_wal *wal, uint64_t seq_end, int64_t timeout_ns, bool *timed_out,
                            uint64_t *durable_end, fc_error *error)
    fc_status fc_wal_write_out(fc_wal *wal, fc_error *error)
    fc_status fc_wal_refused(fc_wal *wal, fc_error *error)
    bool fc_wal_running(const fc_wal *wal)
    bool fc_wal_is_read_only(const fc_wal *wal)
    uint64_t fc_wal_first_seq(fc_wal *wal)
    uint64_t fc_wal_next_seq(fc_wal *wal)
    uint64_t fc_wal_durable_end(fc_wal *wal)
    uint64_t fc_wal_payload_bytes_max(const fc_wal *wal)
    int64_t fc_wal_now_ns(const fc_wal *wal)
    fc_status fc_wal_set_mark(fc_wal *wal, const char *name, size_t name_bytes, const void *value,
                              size_t value_bytes, fc_error *error)
    fc_status fc_wal_get_mark(fc_wal *wal, const char *name, size_t name_bytes, void *value,
                              size_t capacity, size_t *value_bytes, uint64_t *seq, bool *found,
                              fc_error *error)
    fc_status fc_wal_reader_open(fc_wal_reader **out, fc_wal *wal, uint64_t start, uint64_t stop,
                                 fc_error *error)
    void fc_wal_reader_close(fc_wal_reader *reader)
    bool fc_wal_reader_position(const fc_wal_reader *reader, fc_wal_position *position)
    bool fc_wal_reader_jump(fc_wal_reader *reader, const fc_wal_position *position)
    fc_status fc_wal_read(fc_wal_reader *reader, uint8_t *buffer, size_t capacity,
                          fc_wal_entry *entries, size_t entries_max, size_t *count,
                          size_t *wanted, fc_error *error)
    fc_status fc_wal_read_rows(fc_wal_reader *reader, size_t row_bytes, int64_t *timestamps,
                               uint8_t *rows, size_t count, size_t *done, fc_error *error)
