/* wal/recover.h - what the two halves of recovery share: finding the end, and looking behind it. */
#ifndef FC_WAL_RECOVER_H
#define FC_WAL_RECOVER_H

#include "wal/wal_internal.h"

#define FC_WAL_CHUNK_BYTES (1u << 20)

typedef struct recovery {
    fc_wal *wal;
    fc_wal_place end; /* of the records in segments */
    fc_file file;     /* the segment `end` is in, for reading; negative: none */
    uint8_t *buffer;  /* of segment bytes */
    size_t capacity;
    uint8_t *frame; /* of one frame out of the ring */
    size_t frame_capacity;
    uint64_t last_frame; /* offset of the last record or mark in the segment of `end` */
    uint64_t durable;    /* what the last stamp there says */
} recovery;

/* The stretch of the segment that is in recovery.buffer. */
typedef struct window {
    uint64_t offset;
    size_t bytes;
} window;

/* Have at least `bytes` bytes of the segment from `offset` on in the buffer, or what there is. */
fc_status fc_wal_recovery_load(recovery *r, window *w, uint64_t offset, uint64_t bytes,
                               fc_error *error);

/* What stands behind the end of the frames. */
typedef struct behind {
    uint64_t garbage_end; /* behind the last byte that is not zero */
    uint64_t next; /* the first frame that would continue after one that is damaged; 0: none */
    bool stamped;  /* a stamp says that the place of the end was durable */
} behind;

/* Go over all that stands behind the end of the frames. */
fc_status fc_wal_look_behind(recovery *r, behind *b, fc_error *error);

/*
 * Is there proof that what failed at the end had been durable? A stamp further
 * on says so. Or, where the file held zeros before: the frame after it is there,
 * and none of the sectors in between is all zeros, so no lost write explains it.
 */
fc_status fc_wal_prove_damage(recovery *r, const behind *b, bool fresh, bool *proof,
                              fc_error *error);

#endif
