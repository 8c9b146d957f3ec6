# Reading a whole log for damage, and closing the holes.

cdef tuple _KINDS = ("frames", "header", "segments", "file", "end")


def check(path, bint repair):
    """(figures, whether it ends torn, damage) of the log in `path`; with `repair` it is whole afterwards."""
    cdef fc_wal_options options
    cdef fc_wal_report report
    cdef fc_wal_damage *damage = NULL
    cdef size_t count = 0, i
    cdef fc_error error
    cdef fc_status status

    encoded = _encoded_path(path)
    memset(&options, 0, sizeof(options))
    options.path = encoded
    options.segment_bytes = 64 * 1024 * 1024
    options.batch_bytes = 1
    options.batch_ms = 1
    options.read_only = not repair
    options.recovery = FC_WAL_SALVAGE
    try:
        with nogil:
            status = fc_wal_verify(&options, repair, active_kernels(), &report, &damage, &count,
                                   &error)
        raise_status(status, &error, f"{'repair' if repair else 'verify'} {os.fsdecode(path)}")
        found = [
            (_KINDS[damage[i].kind], damage[i].segment, damage[i].offset, damage[i].seq,
             damage[i].records, damage[i].next_segment, damage[i].next_offset)
            for i in range(count)
        ]
        return {
            "segments": report.segments,
            "bytes": report.bytes,
            "records": report.records,
            "first_seq": report.first_seq,
            "next_seq": report.next_seq,
            "lost": report.lost,
            "lost_before": report.lost_before,
        }, bool(report.torn), found
    finally:
        free(damage)
