/*
 * columns/arrow.c - a batch as Arrow sees it, by the C data and stream interfaces.
 *
 * Arrays point into the batch and own a share of it; nothing is copied.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fastcore/columns.h"

/* -- schemas --------------------------------------------------------------------------------- */

static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t c = 0; c < schema->n_children; c++) {
        if (schema->children[c]->release != NULL)
            schema->children[c]->release(schema->children[c]);
        free(schema->children[c]);
    }
    free(schema->children);
    free(schema->private_data); /* the name */
    schema->release = NULL;
}

static fc_status schema_of(const char *format, const char *name, struct ArrowSchema *out)
{
    const size_t bytes = strlen(name) + 1;
    char *copy = malloc(bytes);

    memset(out, 0, sizeof *out);
    if (copy == NULL)
        return FC_ENOMEM;
    memcpy(copy, name, bytes);
    out->format = format;
    out->name = copy;
    out->private_data = copy;
    out->release = release_schema;
    return FC_OK;
}

static fc_status export_column_schema(const fc_column *column, struct ArrowSchema *out)
{
    const fc_status status = schema_of(fc_column_info_of(column->type)->arrow, column->name, out);
    out->flags = ARROW_FLAG_NULLABLE;
    return status;
}

fc_status fc_batch_export_schema(fc_batch *batch, int64_t column, struct ArrowSchema *out)
{
    if (column >= 0)
        return export_column_schema(&batch->columns[column], out);
    if (schema_of("+s", "", out) != FC_OK)
        return FC_ENOMEM;
    out->children = calloc(batch->column_count + 1, sizeof *out->children);
    for (size_t c = 0; out->children != NULL && c < batch->column_count; c++) {
        struct ArrowSchema *child = malloc(sizeof *child);
        if (child == NULL)
            break;
        out->children[out->n_children++] = child;
        if (export_column_schema(&batch->columns[c], child) != FC_OK)
            break;
    }
    if (out->children == NULL || out->n_children < (int64_t)batch->column_count) {
        release_schema(out);
        return FC_ENOMEM;
    }
    return FC_OK;
}

/* -- arrays ---------------------------------------------------------------------------------- */

static void release_array(struct ArrowArray *array)
{
    for (int64_t c = 0; c < array->n_children; c++) {
        if (array->children[c]->release != NULL)
            array->children[c]->release(array->children[c]);
        free(array->children[c]);
    }
    free(array->children);
    free((void *)array->buffers);
    fc_batch_free(array->private_data);
    array->release = NULL;
}

static fc_status array_of(fc_batch *batch, struct ArrowArray *out)
{
    memset(out, 0, sizeof *out);
    out->buffers = calloc(3, sizeof *out->buffers);
    if (out->buffers == NULL)
        return FC_ENOMEM;
    out->length = (int64_t)batch->rows;
    out->n_buffers = 1;
    out->private_data = fc_batch_share(batch);
    out->release = release_array;
    return FC_OK;
}

static fc_status export_column(fc_batch *batch, const fc_column *column, struct ArrowArray *out)
{
    static const int64_t no_rows[1] = {0};

    if (array_of(batch, out) != FC_OK)
        return FC_ENOMEM;
    out->null_count = (int64_t)column->null_count;
    out->buffers[0] = column->null_count == 0 ? NULL : column->valid;
    if (fc_column_info_of(column->type)->bytes >= 0) {
        out->n_buffers = 2;
        out->buffers[1] = column->values;
    } else {
        out->n_buffers = 3;
        out->buffers[1] = column->offsets == NULL ? no_rows : column->offsets;
        out->buffers[2] = column->values;
    }
    return FC_OK;
}

fc_status fc_batch_export_array(fc_batch *batch, int64_t column, struct ArrowArray *out)
{
    if (column >= 0)
        return export_column(batch, &batch->columns[column], out);
    if (array_of(batch, out) != FC_OK)
        return FC_ENOMEM;
    out->children = calloc(batch->column_count + 1, sizeof *out->children);
    for (size_t c = 0; out->children != NULL && c < batch->column_count; c++) {
        struct ArrowArray *child = malloc(sizeof *child);
        if (child == NULL)
            break;
        out->children[out->n_children++] = child;
        if (export_column(batch, &batch->columns[c], child) != FC_OK)
            break;
    }
    if (out->children == NULL || out->n_children < (int64_t)batch->column_count) {
        release_array(out);
        return FC_ENOMEM;
    }
    return FC_OK;
}

/* -- streams --------------------------------------------------------------------------------- */

typedef struct one_batch {
    fc_batch *batch;
    int64_t column;
    int given;
} one_batch;

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    const one_batch *const source = stream->private_data;
    return fc_batch_export_schema(source->batch, source->column, out) == FC_OK ? 0 : ENOMEM;
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    one_batch *const source = stream->private_data;

    if (source->given) {
        memset(out, 0, sizeof *out);
        return 0;
    }
    if (fc_batch_export_array(source->batch, source->column, out) != FC_OK)
        return ENOMEM;
    source->given = 1;
    return 0;
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "out of memory";
}

static void release_stream(struct ArrowArrayStream *stream)
{
    one_batch *const source = stream->private_data;
    fc_batch_free(source->batch);
    free(source);
    stream->release = NULL;
}

fc_status fc_batch_export_stream(fc_batch *batch, int64_t column, struct ArrowArrayStream *out)
{
    one_batch *source = malloc(sizeof *source);

    memset(out, 0, sizeof *out);
    if (source == NULL)
        return FC_ENOMEM;
    source->batch = fc_batch_share(batch);
    source->column = column;
    source->given = 0;
    out->get_schema = stream_schema;
    out->get_next = stream_next;
    out->get_last_error = stream_error;
    out->release = release_stream;
    out->private_data = source;
    return FC_OK;
}

/* -- drops ----------------------------------------------------------------------------------- */

void fc_arrow_schema_drop(fc_arrow_schema *schema)
{
    if (schema->release != NULL)
        schema->release(schema);
}

void fc_arrow_array_drop(fc_arrow_array *array)
{
    if (array->release != NULL)
        array->release(array);
}

void fc_arrow_stream_drop(fc_arrow_stream *stream)
{
    if (stream->release != NULL)
        stream->release(stream);
}
