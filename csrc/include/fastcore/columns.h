/*
 * fastcore/columns.h - located values into typed columns, laid out as Arrow asks.
 *
 * A batch is a set of columns of one length. It is filled by one thread, then only read; it is
 * counted, so that exported arrays may outlive whoever made it.
 */
#ifndef FC_COLUMNS_H
#define FC_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "fastcore/json.h"
#include "fastcore/status.h"

typedef enum fc_column_type {
#define FC_COLUMN_ROW(id, name, bytes, arrow, numpy) FC_COLUMN_##id,
#include "fastcore/column_types.def"
#undef FC_COLUMN_ROW
    FC_COLUMN_TYPES
} fc_column_type;

typedef struct fc_column_info {
    const char *name;
    int bytes; /* of a value; 0: a bit, -1: any */
    const char *arrow;
    const char *numpy;
} fc_column_info;

const fc_column_info *fc_column_info_of(fc_column_type type);

typedef struct fc_column {
    fc_column_type type;
    char *name;       /* UTF-8, owned */
    uint8_t *valid;   /* a bit per row, least significant first */
    uint8_t *values;  /* fixed-width values, bits, or the bytes of strings */
    int64_t *offsets; /* rows + 1 of them, where values are of any length */
    size_t null_count, values_bytes, values_capacity;
} fc_column;

typedef struct fc_batch {
    size_t rows, row_capacity, column_count;
    fc_column *columns;
    fc_json_cell *defaults; /* of missing values; kind FC_JSON_MISSING: null */
    uint8_t *required;      /* columns that may not miss a value */
    const char *mismatch;   /* why the last append failed */
    size_t mismatch_column;
    void *count; /* of owners */
} fc_batch;

/* NULL when memory runs out. `names` are copied. */
fc_batch *fc_batch_new(const fc_column_type *types, const char *const *names, size_t count);

/* A new batch without rows, of the same columns, defaults (borrowed text) and demands. */
fc_batch *fc_batch_like(const fc_batch *batch);
fc_batch *fc_batch_share(fc_batch *batch);
void fc_batch_free(fc_batch *batch);

/*
 * Add one row from a cell per column. A value that its column cannot hold becomes null where
 * `mismatch_is_null`, else the row is taken back and FC_EINVAL says so; batch->mismatch and
 * batch->mismatch_column say why.
 */
fc_status fc_batch_append(fc_batch *batch, const fc_json_cell *cells, int mismatch_is_null);

/*
 * Move records from `reader` to `batch` until the batch has `rows_max` rows or something else
 * than a good record comes up. FC_JSON_RECORD: the batch is full. After FC_JSON_BAD for a
 * mismatch the record is over with: fc_json_resume() is not for it, `*mismatched` says so.
 */
fc_json_event fc_batch_read(fc_batch *batch, fc_json_reader *reader, size_t rows_max,
                            int mismatch_is_null, int *mismatched);

/*
 * Add rows [first, first + count) of another batch of the same columns. FC_ENOMEM leaves the rows
 * of `batch` as they were.
 */
fc_status fc_batch_splice(fc_batch *batch, const fc_batch *other, size_t first, size_t count);

/* Forget the rows; their memory is used again. */
void fc_batch_clear(fc_batch *batch);

/* The count of a timestamp or date column for one value. Returns NULL, or why there is none. */
const char *fc_time_read(fc_column_type type, const fc_json_cell *cell, int64_t *count);

/* -- Arrow C data interface (https://arrow.apache.org/docs/format/CDataInterface.html) ------- */

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_NULLABLE 2

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

typedef struct ArrowSchema fc_arrow_schema;
typedef struct ArrowArray fc_arrow_array;
typedef struct ArrowArrayStream fc_arrow_stream;

/* Release, where it has not been moved out of. */
void fc_arrow_schema_drop(fc_arrow_schema *schema);
void fc_arrow_array_drop(fc_arrow_array *array);
void fc_arrow_stream_drop(fc_arrow_stream *stream);

/* Fill the caller's structs; FC_ENOMEM leaves them released. column < 0: all, as a struct. */
fc_status fc_batch_export_schema(fc_batch *batch, int64_t column, fc_arrow_schema *out);
fc_status fc_batch_export_array(fc_batch *batch, int64_t column, fc_arrow_array *out);
fc_status fc_batch_export_stream(fc_batch *batch, int64_t column, fc_arrow_stream *out);

#endif
