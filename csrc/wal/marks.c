/* wal/marks.c - the table of marks, and its public face. */
#include <stdlib.h>
#include <string.h>

#include "wal/wal_internal.h"

static size_t find(const fc_wal_marks *marks, const void *name, size_t name_bytes)
{
    for (size_t i = 0; i < marks->count; i++)
        if (marks->at[i]->name_bytes == name_bytes &&
            memcmp(marks->at[i]->name, name, name_bytes) == 0)
            return i;
    return marks->count;
}

static uint64_t frame_bytes(const fc_wal_mark *mark)
{
    return fc_wal_frame_bytes(fc_wal_mark_bytes(mark->name_bytes, mark->value_bytes));
}

void fc_wal_mark_free(fc_wal_mark *mark)
{
    if (mark != NULL)
        free(mark->value);
    free(mark);
}

fc_wal_mark *fc_wal_mark_make(const fc_wal_mark_view *view)
{
    fc_wal_mark *mark = malloc(sizeof *mark);
    uint8_t *value = malloc(view->value_bytes + 1);
    if (mark == NULL || value == NULL) {
        free(mark);
        free(value);
        return NULL;
    }
    memcpy(mark->name, view->name, view->name_bytes);
    mark->name_bytes = (uint8_t)view->name_bytes;
    mark->seq = view->seq;
    mark->value_bytes = view->value_bytes;
    mark->value = value;
    if (view->value_bytes > 0)
        memcpy(value, view->value, view->value_bytes);
    return mark;
}

static void remove_at(fc_wal_marks *marks, size_t i)
{
    marks->frame_bytes -= frame_bytes(marks->at[i]);
    fc_wal_mark_free(marks->at[i]);
    marks->at[i] = marks->at[--marks->count];
}

bool fc_wal_marks_put(fc_wal_marks *marks, fc_wal_mark *mark)
{
    fc_wal_marks_remove(marks, mark->name, mark->name_bytes);
    if (marks->count == FC_WAL_MARKS_MAX)
        return false;
    marks->at[marks->count++] = mark;
    marks->frame_bytes += frame_bytes(mark);
    return true;
}

void fc_wal_marks_remove(fc_wal_marks *marks, const char *name, size_t name_bytes)
{
    const size_t i = find(marks, name, name_bytes);
    if (i < marks->count)
        remove_at(marks, i);
}

const fc_wal_mark *fc_wal_marks_find(const fc_wal_marks *marks, const char *name, size_t name_bytes)
{
    const size_t i = find(marks, name, name_bytes);
    return i < marks->count ? marks->at[i] : NULL;
}

void fc_wal_marks_clear(fc_wal_marks *marks)
{
    while (marks->count > 0)
        remove_at(marks, marks->count - 1);
}

fc_status fc_wal_set_mark(fc_wal *wal, const char *name, size_t name_bytes, const void *value,
                          size_t value_bytes, fc_error *error)
{
    uint8_t body[FC_WAL_MARK_BYTES + FC_WAL_MARK_NAME_BYTES_MAX + FC_WAL_MARK_VALUE_BYTES_MAX];

    if (name_bytes == 0 || name_bytes > FC_WAL_MARK_NAME_BYTES_MAX)
        return fc_fail(error, FC_ELIMIT, "a mark's name of %zu bytes; it takes 1 to %u", name_bytes,
                       FC_WAL_MARK_NAME_BYTES_MAX);
    if (value_bytes > FC_WAL_MARK_VALUE_BYTES_MAX)
        return fc_fail(error, FC_ELIMIT, "a mark's value of %zu bytes; it takes at most %u",
                       value_bytes, FC_WAL_MARK_VALUE_BYTES_MAX);
    if (!fc_wal_takes_records(wal))
        return fc_wal_refused(wal, error);

    const bool removed = value == NULL;
    const uint32_t length = fc_wal_mark_bytes(name_bytes, removed ? 0 : value_bytes);
    pthread_mutex_lock(&wal->append_lock);
    fc_status status = fc_wal_refused(wal, error);
    const fc_wal_mark *old = fc_wal_marks_find(&wal->marks, name, name_bytes);
    const uint64_t freed =
        old == NULL ? 0 : fc_wal_frame_bytes(fc_wal_mark_bytes(old->name_bytes, old->value_bytes));
    if (status == FC_OK && !removed &&
        ((old == NULL && wal->marks.count == FC_WAL_MARKS_MAX) ||
         wal->marks.frame_bytes - freed + fc_wal_frame_bytes(length) >
             (wal->segment_bytes - FC_WAL_PAGE_BYTES) / 2))
        status = fc_fail(error, FC_ELIMIT,
                         "no room for another mark: %d at most, and half a segment for all",
                         FC_WAL_MARKS_MAX);
    if (status == FC_OK && !(removed && old == NULL)) {
        /* A roll on the way there carries the old value over; the new one follows. */
        const fc_wal_mark_view view = {
            .seq = atomic_load_explicit(&wal->next_seq, memory_order_relaxed),
            .removed = removed,
            .name = (const uint8_t *)name,
            .name_bytes = name_bytes,
            .value = value,
            .value_bytes = removed ? 0 : value_bytes};
        fc_wal_mark *mark = removed ? NULL : fc_wal_mark_make(&view);
        if (!removed && mark == NULL)
            status = fc_fail(error, FC_ENOMEM, "a mark");
        fc_wal_mark_encode(body, &view);
        if (status == FC_OK)
            status = fc_wal_append_frame(wal, wal->io->now_ns(wal->io->context), body, length, true,
                                         true, error);
        if (status != FC_OK)
            fc_wal_mark_free(mark);
        else if (removed)
            fc_wal_marks_remove(&wal->marks, name, name_bytes);
        else
            fc_wal_marks_put(&wal->marks, mark); /* there is room: it was checked above */
    }
    fc_wal_append_unlock(wal, true);
    return status;
}

fc_status fc_wal_get_mark(fc_wal *wal, const char *name, size_t name_bytes, void *value,
                          size_t capacity, size_t *value_bytes, uint64_t *seq, bool *found,
                          fc_error *error)
{
    if (atomic_load_explicit(&wal->state, memory_order_acquire) != FC_WAL_RUNNING)
        return fc_wal_refused(wal, error);
    pthread_mutex_lock(&wal->append_lock);
    const fc_wal_mark *mark = fc_wal_marks_find(&wal->marks, name, name_bytes);
    *found = mark != NULL;
    if (mark != NULL) {
        *seq = mark->seq;
        *value_bytes = mark->value_bytes;
        memcpy(value, mark->value, mark->value_bytes < capacity ? mark->value_bytes : capacity);
    }
    pthread_mutex_unlock(&wal->append_lock);
    return FC_OK;
}
