/*
 * wal/ring.c - the mapped file that append() writes to.
 *
 * `ring.bin` is a header page and ring_bytes of data. A stream byte at (segment
 * number n, offset o) is at (n * stride + o) modulo ring_bytes, stride being
 * the segment's size rounded up to 8, plus 8. What a process wrote there is in
 * the page cache when the process is killed. After a power cut any page of it
 * may be of any age: frames and headers carry checksums under salts, and their
 * sequence numbers, so what still fits the end of the segments is genuine.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "wal/wal_internal.h"

static const uint8_t MAGIC[8] = {'F', 'C', 'R', 'I', 'N', 'G', 0x0A, 0x1A};

enum {
    VERSION_AT = 8,
    RING_BYTES_AT = 16,
    SEGMENT_BYTES_AT = 24,
    RING_CRC_AT = 32,
    DURABLE_END_AT = 512
};

static const char *const RING_NAME = "ring.bin";

static bool ring_header_decode(const uint8_t *page, fc_wal_ring_view *view, const fc_kernels *k)
{
    if (memcmp(page, MAGIC, sizeof MAGIC) != 0 ||
        fc_load_le32(page + VERSION_AT) != FC_WAL_VERSION ||
        fc_load_le32(page + RING_CRC_AT) != k->crc32c(0, page, RING_CRC_AT))
        return false;
    view->ring_bytes = fc_load_le64(page + RING_BYTES_AT);
    view->segment_bytes = fc_load_le64(page + SEGMENT_BYTES_AT);
    return view->ring_bytes >= FC_WAL_RING_BYTES_MIN &&
           (view->ring_bytes & (view->ring_bytes - 1)) == 0;
}

static void ring_header_encode(uint8_t *page, const fc_wal *wal)
{
    memset(page, 0, FC_WAL_PAGE_BYTES);
    memcpy(page, MAGIC, sizeof MAGIC);
    fc_store_le32(page + VERSION_AT, FC_WAL_VERSION);
    fc_store_le64(page + RING_BYTES_AT, wal->ring_bytes);
    fc_store_le64(page + SEGMENT_BYTES_AT, wal->segment_bytes);
    fc_store_le32(page + RING_CRC_AT, wal->k->crc32c(0, page, RING_CRC_AT));
}

/*
 * A ring that recovery could not read, or of other sizes, must be gone for good
 * before a new header makes it readable: it may hold records that are not in the
 * recovered log.
 */
static int discard_unusable(fc_wal *wal)
{
    const fc_io *io = wal->io;
    char path[FC_WAL_PATH_BYTES_MAX];
    fc_wal_ring_view view;

    fc_wal_ring_view_open(wal, &view);
    const bool usable = view.file >= 0 && view.ring_bytes == wal->ring_bytes &&
                        view.segment_bytes == wal->segment_bytes;
    fc_wal_ring_view_close(wal, &view);
    if (usable)
        return 0;
    fc_wal_file_path(wal, path, RING_NAME);
    const int failed = io->unlink(io->context, path);
    if (failed)
        return failed == ENOENT ? 0 : failed;
    return io->sync_directory(io->context, wal->path);
}

fc_status fc_wal_ring_open(fc_wal *wal, fc_error *error)
{
    const fc_io *io = wal->io;
    char path[FC_WAL_PATH_BYTES_MAX];
    int failed;

    wal->ring_bytes = FC_WAL_RING_BYTES_MIN;
    while (wal->ring_bytes < FC_WAL_RING_BYTES_MAX && wal->ring_bytes < wal->segment_bytes)
        wal->ring_bytes *= 2;
    const uint64_t bytes = FC_WAL_PAGE_BYTES + wal->ring_bytes;

    fc_wal_file_path(wal, path, RING_NAME);
    failed = discard_unusable(wal);
    if (failed)
        return fc_fail_os(error, failed, "removing an older %s", path);
    failed = io->open(io->context, path, FC_IO_CREATE, &wal->ring_file);
    if (failed)
        return fc_fail_os(error, failed, "opening %s", path);
    failed = io->allocate(io->context, wal->ring_file, bytes);
    if (failed)
        return fc_fail_os(error, failed, "giving %s its %llu bytes", path,
                          (unsigned long long)bytes);
    failed = io->map(io->context, wal->ring_file, (size_t)bytes, &wal->ring_map);
    if (failed) {
        wal->ring_map = NULL;
        return fc_fail_os(error, failed, "mapping %s", path);
    }
    ring_header_encode(wal->ring_map, wal);
    fc_wal_ring_publish(wal, atomic_load(&wal->durable_end));
    wal->ring = wal->ring_map + FC_WAL_PAGE_BYTES;
    return FC_OK;
}

void fc_wal_ring_close(fc_wal *wal)
{
    if (wal->ring_map != NULL)
        wal->io->unmap(wal->io->context, wal->ring_map, FC_WAL_PAGE_BYTES + wal->ring_bytes);
    if (wal->ring_file >= 0)
        wal->io->close(wal->io->context, wal->ring_file);
    wal->ring_map = wal->ring = NULL;
    wal->ring_file = -1;
}

void fc_wal_ring_remove(fc_wal *wal)
{
    char path[FC_WAL_PATH_BYTES_MAX];
    fc_wal_file_path(wal, path, RING_NAME);
    wal->io->unlink(wal->io->context, path);
}

void fc_wal_ring_put(fc_wal *wal, uint64_t at, const void *data, size_t bytes)
{
    const uint64_t start = at & (wal->ring_bytes - 1);
    const uint64_t first = wal->ring_bytes - start;
    if (bytes <= first) {
        memcpy(wal->ring + start, data, bytes);
    } else {
        memcpy(wal->ring + start, data, first);
        memcpy(wal->ring, (const uint8_t *)data + first, bytes - first);
    }
}

void fc_wal_ring_view_open(fc_wal *wal, fc_wal_ring_view *view)
{
    const fc_io *io = wal->io;
    char path[FC_WAL_PATH_BYTES_MAX];
    uint8_t page[RING_CRC_AT + 4];
    size_t got;

    fc_wal_file_path(wal, path, RING_NAME);
    if (io->open(io->context, path, FC_IO_READ, &view->file) != 0) {
        view->file = -1;
        return;
    }
    if (fc_io_read_all(io, view->file, page, sizeof page, 0, &got) != 0 || got != sizeof page ||
        !ring_header_decode(page, view, wal->k))
        fc_wal_ring_view_close(wal, view);
}

void fc_wal_ring_view_close(fc_wal *wal, fc_wal_ring_view *view)
{
    if (view->file >= 0)
        wal->io->close(wal->io->context, view->file);
    view->file = -1;
}

bool fc_wal_ring_view_read(fc_wal *wal, const fc_wal_ring_view *view, uint64_t number,
                           uint64_t offset, void *out, size_t bytes)
{
    const uint64_t start =
        (number * fc_wal_stride(view->segment_bytes) + offset) & (view->ring_bytes - 1);
    const uint64_t left = view->ring_bytes - start;
    const size_t first = bytes < left ? bytes : (size_t)left;
    size_t got;

    if (bytes > view->ring_bytes)
        return false;
    if (fc_io_read_all(wal->io, view->file, out, first, FC_WAL_PAGE_BYTES + start, &got) != 0 ||
        got != first)
        return false;
    return bytes == first || (fc_io_read_all(wal->io, view->file, (uint8_t *)out + first,
                                             bytes - first, FC_WAL_PAGE_BYTES, &got) == 0 &&
                              got == bytes - first);
}

fc_status fc_wal_ring_view_next(fc_wal *wal, const fc_wal_ring_view *view,
                                const fc_wal_place *place, uint8_t **buffer, size_t *capacity,
                                fc_wal_frame *frame, fc_wal_header *header,
                                fc_wal_ring_found *found, fc_error *error)
{
    uint8_t page[FC_WAL_PAGE_BYTES];

    *found = FC_WAL_RING_NOTHING;
    if (view->file < 0 || view->segment_bytes != place->segment_bytes)
        return FC_OK;
    if (place->offset + FC_WAL_FRAME_BYTES_MIN <= place->segment_bytes &&
        fc_wal_ring_view_read(wal, view, place->number, place->offset, page,
                              FC_WAL_FRAME_BYTES_MIN)) {
        fc_wal_frame_peek(page, frame);
        const uint64_t bytes = fc_wal_frame_bytes(frame->length);
        if (frame->seq_low == (uint32_t)place->seq && bytes <= view->ring_bytes &&
            bytes <= place->segment_bytes - place->offset) {
            if (bytes > *capacity) {
                uint8_t *larger = realloc(*buffer, (size_t)bytes);
                if (larger == NULL)
                    return fc_fail(error, FC_ENOMEM, "a record of %llu bytes",
                                   (unsigned long long)bytes);
                *buffer = larger;
                *capacity = (size_t)bytes;
            }
            if (fc_wal_ring_view_read(wal, view, place->number, place->offset, *buffer,
                                      (size_t)bytes) &&
                fc_wal_frame_decode(*buffer, (size_t)bytes, place->seq, place->seed, wal->k,
                                    frame)) {
                *found = FC_WAL_RING_FRAME;
                return FC_OK;
            }
        }
    }
    if (fc_wal_ring_view_read(wal, view, place->number + 1, 0, page, sizeof page) &&
        fc_wal_header_decode(page, place->number + 1, header, wal->k) == FC_WAL_HEADER_VALID &&
        fc_wal_continues(place, header))
        *found = FC_WAL_RING_SEGMENT;
    return FC_OK;
}

void fc_wal_ring_publish(fc_wal *wal, uint64_t durable_end)
{
    if (wal->ring_map != NULL)
        atomic_store_explicit((_Atomic uint64_t *)(void *)(wal->ring_map + DURABLE_END_AT),
                              durable_end, memory_order_relaxed);
}

bool fc_wal_ring_published(fc_wal *wal, uint64_t *durable_end)
{
    fc_wal_ring_view view;
    uint8_t bytes[8];
    size_t got = 0;

    fc_wal_ring_view_open(wal, &view);
    if (view.file < 0)
        return false;
    const int failed =
        fc_io_read_all(wal->io, view.file, bytes, sizeof bytes, DURABLE_END_AT, &got);
    fc_wal_ring_view_close(wal, &view);
    if (failed || got != sizeof bytes)
        return false;
    *durable_end = fc_load_le64(bytes);
    return true;
}
