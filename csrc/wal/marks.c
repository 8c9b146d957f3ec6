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
