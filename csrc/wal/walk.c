/* wal/walk.c - one step from frame to frame: the rules of order that all readers share. */
#include "wal/wal_internal.h"

void fc_wal_place_begin(const fc_wal *wal, fc_wal_place *place, const fc_wal_header *header)
{
    place->number = header->number;
    place->offset = FC_WAL_PAGE_BYTES;
    place->seq = header->base_seq;
    place->salt = header->salt;
    place->header_salt = header->salt;
    place->seed = fc_wal_seed(wal->k, header->salt);
    place->flags = header->flags;
    place->segment_bytes = header->segment_bytes;
}

bool fc_wal_continues(const fc_wal_place *place, const fc_wal_header *header)
{
    return header->number == place->number + 1 && header->base_seq == place->seq &&
           header->previous_salt == place->salt;
}

bool fc_wal_step(const fc_wal *wal, fc_wal_place *place, const uint8_t *at, size_t available,
                 fc_wal_frame *frame)
{
    if (!fc_wal_frame_decode(at, available, place->seq, place->seed, wal->k, frame))
        return false;
    if (!frame->control) {
        place->seq++;
    } else {
        fc_wal_stamp stamp;
        uint32_t missing;
        if (fc_wal_gap_decode(frame->payload, frame->length, &missing))
            place->seq += missing;
        if (fc_wal_stamp_decode(frame->payload, frame->length, place->offset, place->header_salt,
                                wal->k, &stamp) &&
            stamp.salt != place->salt) {
            place->salt = stamp.salt;
            place->seed = fc_wal_seed(wal->k, stamp.salt);
        }
    }
    place->offset += fc_wal_frame_bytes(frame->length);
    return true;
}
