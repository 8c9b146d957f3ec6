/* wal/segment.c - the files of the log: names, headers, and making them ahead of need. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wal/wal_internal.h"

void fc_wal_file_path(const fc_wal *wal, char *out, const char *name)
{
    snprintf(out, FC_WAL_PATH_BYTES_MAX, "%s/%s", wal->path, name);
}

void fc_wal_segment_path(const fc_wal *wal, char *out, uint64_t number)
{
    snprintf(out, FC_WAL_PATH_BYTES_MAX, "%s/wal_%06llu.bin", wal->path,
             (unsigned long long)number);
}

/* The number in "wal_000001.bin"; 0 for every other name. */
static uint64_t number_of(const char *name)
{
    static const char before[] = "wal_", after[] = ".bin";
    uint64_t number = 0;
    size_t digits = 0;

    if (strncmp(name, before, sizeof before - 1) != 0)
        return 0;
    for (name += sizeof before - 1; *name >= '0' && *name <= '9' && digits < 18; name++, digits++)
        number = number * 10 + (uint64_t)(*name - '0');
    return digits >= 6 && strcmp(name, after) == 0 ? number : 0;
}

typedef struct found_numbers {
    uint64_t *at;
    size_t count;
    size_t capacity;
    bool failed;
} found_numbers;

static bool note_number(void *to, const char *name)
{
    found_numbers *found = to;
    const uint64_t number = number_of(name);
    if (number == 0)
        return true;
    if (found->count == found->capacity) {
        const size_t capacity = found->capacity ? found->capacity * 2 : 64;
        uint64_t *larger = realloc(found->at, capacity * sizeof *larger);
        if (larger == NULL) {
            found->failed = true;
            return false;
        }
        found->at = larger;
        found->capacity = capacity;
    }
    found->at[found->count++] = number;
    return true;
}

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

fc_status fc_wal_list(fc_wal *wal, uint64_t **numbers, size_t *count, fc_error *error)
{
    found_numbers found = {0};
    const int failed = wal->io->list(wal->io->context, wal->path, note_number, &found);
    if (failed || found.failed) {
        free(found.at);
        return found.failed ? fc_fail(error, FC_ENOMEM, "the list of segments")
                            : fc_fail_os(error, failed, "listing %s", wal->path);
    }
    if (found.count > 0)
        qsort(found.at, found.count, sizeof *found.at, ascending);
    *numbers = found.at;
    *count = found.count;
    return FC_OK;
}

int fc_wal_segments_add(fc_wal *wal, const fc_wal_segment *segment)
{
    int failed = 0;
    pthread_mutex_lock(&wal->list_lock);
    if (wal->segment_count == wal->segment_capacity) {
        const size_t capacity = wal->segment_capacity ? wal->segment_capacity * 2 : 16;
        fc_wal_segment *larger = realloc(wal->segments, capacity * sizeof *larger);
        if (larger == NULL) {
            failed = ENOMEM;
        } else {
            wal->segments = larger;
            wal->segment_capacity = capacity;
        }
    }
    if (!failed)
        wal->segments[wal->segment_count++] = *segment;
    pthread_mutex_unlock(&wal->list_lock);
    return failed;
}

void fc_wal_segment_of(const fc_wal_header *header, fc_wal_segment *out)
{
    *out = (fc_wal_segment){.number = header->number,
                            .base_seq = header->base_seq,
                            .bytes = header->segment_bytes,
                            .created_ns = header->created_ns,
                            .marks_before = (header->flags & FC_WAL_HEADER_MARKS_BEFORE) != 0};
}

bool fc_wal_segments_find(fc_wal *wal, uint64_t seq, fc_wal_segment *out)
{
    pthread_mutex_lock(&wal->list_lock);
    size_t low = 0, high = wal->segment_count; /* the answer is at[low - 1] once they meet */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (wal->segments[middle].base_seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0)
        *out = wal->segments[low - 1];
    pthread_mutex_unlock(&wal->list_lock);
    return low > 0;
}

bool fc_wal_segments_get(fc_wal *wal, uint64_t number, fc_wal_segment *out)
{
    bool found = false;
    pthread_mutex_lock(&wal->list_lock);
    if (wal->segment_count > 0 && number >= wal->segments[0].number &&
        number - wal->segments[0].number < wal->segment_count) {
        *out = wal->segments[number - wal->segments[0].number];
        found = true;
    }
    pthread_mutex_unlock(&wal->list_lock);
    return found;
}

uint64_t fc_wal_first_number(fc_wal *wal)
{
    pthread_mutex_lock(&wal->list_lock);
    const uint64_t number = wal->segment_count > 0 ? wal->segments[0].number : 0;
    pthread_mutex_unlock(&wal->list_lock);
    return number;
}

int fc_wal_new_salt(fc_wal *wal, uint64_t *salt)
{
    do {
        const int failed = wal->io->random(wal->io->context, salt, sizeof *salt);
        if (failed)
            return failed;
    } while (!fc_wal_salt_usable(wal->k, *salt));
    return 0;
}

/*
 * Make the file of segment `number`, whole, under its final name. It counts as
 * a segment only once it has a valid header, so a crash leaves nothing to undo.
 */
int fc_wal_make_file(fc_wal *wal, uint64_t number, uint64_t bytes)
{
    const fc_io *io = wal->io;
    char path[FC_WAL_PATH_BYTES_MAX];
    fc_file file;

    fc_wal_segment_path(wal, path, number);
    int failed = io->open(io->context, path, FC_IO_CREATE, &file);
    if (failed)
        return failed;
    /* What stands there was never begun; its bytes may be of a session that did not get so far. */
    failed = io->resize(io->context, file, 0);
    if (!failed)
        failed = io->allocate(io->context, file, bytes);
    io->close(io->context, file);
    if (failed)
        io->unlink(io->context, path);
    return failed;
}

int fc_wal_prepare(fc_wal *wal, uint64_t number)
{
    int failed = 0;
    pthread_mutex_lock(&wal->prepare_lock);
    while (!failed && atomic_load_explicit(&wal->prepared, memory_order_relaxed) < number) {
        const uint64_t next = atomic_load_explicit(&wal->prepared, memory_order_relaxed) + 1;
        failed = fc_wal_make_file(wal, next, wal->segment_bytes);
        if (!failed) {
            wal->used[next % FC_WAL_ROLLS_MAX] = false;
            atomic_store_explicit(&wal->prepared, next, memory_order_release);
        }
    }
    pthread_mutex_unlock(&wal->prepare_lock);
    return failed;
}

/* Open segment `number` for reading and decode its header. *file is closed unless it is VALID. */
fc_status fc_wal_read_header(fc_wal *wal, uint64_t number, fc_wal_header *header,
                             fc_wal_header_state *state, fc_file *file, fc_error *error)
{
    const fc_io *io = wal->io;
    char path[FC_WAL_PATH_BYTES_MAX];
    uint8_t page[FC_WAL_PAGE_BYTES] = {0};
    uint64_t size = 0;
    size_t got;

    fc_wal_segment_path(wal, path, number);
    int failed = io->open(io->context, path, FC_IO_READ, file);
    if (failed) {
        *file = -1;
        return fc_fail_os(error, failed, "opening %s", path);
    }
    failed = fc_io_read_all(io, *file, page, sizeof page, 0, &got);
    if (!failed)
        failed = io->size(io->context, *file, &size);
    if (failed) {
        io->close(io->context, *file);
        *file = -1;
        return fc_fail_os(error, failed, "reading the header of %s", path);
    }
    *state = fc_wal_header_decode(page, number, header, wal->k);
    if (*state == FC_WAL_HEADER_VALID && (header->segment_bytes < FC_WAL_SEGMENT_BYTES_MIN ||
                                          header->segment_bytes > FC_WAL_SEGMENT_BYTES_MAX))
        *state = FC_WAL_HEADER_DAMAGED;
    if (*state != FC_WAL_HEADER_VALID) {
        io->close(io->context, *file);
        *file = -1;
    }
    return FC_OK;
}

static bool header_of(fc_wal *wal, uint64_t number, fc_wal_header *header)
{
    fc_wal_header_state state;
    fc_file file;
    if (fc_wal_read_header(wal, number, header, &state, &file, NULL) != FC_OK ||
        state != FC_WAL_HEADER_VALID)
        return false;
    wal->io->close(wal->io->context, file);
    return true;
}

bool fc_wal_segment_is_there(fc_wal *wal, uint64_t number, uint64_t header_salt)
{
    fc_wal_header header;
    if (!wal->read_only)
        return number >= fc_wal_first_number(wal);
    return header_of(wal, number, &header) && header.salt == header_salt;
}

/* The first of the directory's segments that has been begun. */
static void find_first(fc_wal *wal)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    fc_wal_header header;
    fc_wal_segment segment;

    if (fc_wal_list(wal, &numbers, &count, NULL) == FC_OK)
        for (size_t i = 0; i < count; i++)
            if (header_of(wal, numbers[i], &header)) {
                fc_wal_segment_of(&header, &segment);
                fc_wal_segments_add(wal, &segment);
                break;
            }
    free(numbers);
}

void fc_wal_refresh(fc_wal *wal)
{
    fc_wal_segment segment;
    fc_wal_header header;

    pthread_mutex_lock(&wal->prepare_lock); /* nothing is prepared in a log opened for reading */
    while (fc_wal_segments_get(wal, fc_wal_first_number(wal), &segment) &&
           (!header_of(wal, segment.number, &header) || header.base_seq != segment.base_seq)) {
        pthread_mutex_lock(&wal->list_lock);
        if (wal->segment_count > 0 && wal->segments[0].number == segment.number) {
            wal->segment_count--;
            for (size_t i = 0; i < wal->segment_count; i++)
                wal->segments[i] = wal->segments[i + 1];
        }
        pthread_mutex_unlock(&wal->list_lock);
    }
    if (fc_wal_first_number(wal) == 0)
        find_first(wal);
    while (fc_wal_segments_find(wal, UINT64_MAX, &segment) &&
           header_of(wal, segment.number + 1, &header)) {
        fc_wal_segment next;
        fc_wal_segment_of(&header, &next);
        if (fc_wal_segments_add(wal, &next) != 0)
            break;
    }
    pthread_mutex_unlock(&wal->prepare_lock);
}
