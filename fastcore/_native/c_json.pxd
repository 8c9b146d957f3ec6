# The core's JSON headers, as Cython sees them.
from cpython.object cimport PyObject
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from fastcore._native.c cimport fc_kernels, fc_status

cdef extern from "fastcore/json.h" nogil:
    ctypedef enum fc_json_kind:
        FC_JSON_MISSING
        FC_JSON_NULL
        FC_JSON_FALSE
        FC_JSON_TRUE
        FC_JSON_NUMBER
        FC_JSON_STRING
        FC_JSON_ARRAY
        FC_JSON_OBJECT
    ctypedef struct fc_json_cell:
        const uint8_t *text
        size_t length
        uint8_t kind
        uint8_t escaped
    ctypedef enum fc_json_step_kind:
        FC_JSON_STEP_NAME
        FC_JSON_STEP_ANY
        FC_JSON_STEP_SLICE
    ctypedef struct fc_json_step_spec:
        fc_json_step_kind kind
        int descend
        const uint8_t *name
        size_t name_bytes
        uint64_t start
        uint64_t stop
        uint64_t step
    ctypedef struct fc_json_program:
        pass
    fc_json_program *fc_json_program_new()
    void fc_json_program_free(fc_json_program *program)
    fc_status fc_json_program_add(fc_json_program *program, const fc_json_step_spec *steps,
                                  size_t count, size_t cell, int many)
    ctypedef struct fc_json_options:
        int validate
        size_t depth_max
        size_t record_bytes_max
        const fc_json_program *root
    ctypedef enum fc_json_event:
        FC_JSON_MORE
        FC_JSON_RECORD
        FC_JSON_BAD
        FC_JSON_NOMEM
    ctypedef struct fc_json_fault:
        const char *message
        uint64_t offset
        uint64_t line
        uint64_t column
        uint64_t record
        char excerpt[48]
    ctypedef struct fc_json_stats:
        uint64_t bytes
        uint64_t records
        uint64_t errors
        uint64_t position
    ctypedef struct fc_json_reader:
        pass
    fc_json_reader *fc_json_reader_new(const fc_kernels *kernels, const fc_json_options *options,
                                       const fc_json_program *program, size_t cell_count)
    void fc_json_reader_free(fc_json_reader *reader)
    void fc_json_feed(fc_json_reader *reader, const uint8_t *chunk, size_t length)
    void fc_json_finish(fc_json_reader *reader)
    fc_json_event fc_json_step(fc_json_reader *reader)
    void fc_json_resume(fc_json_reader *reader)
    const fc_json_cell *fc_json_cells(const fc_json_reader *reader)
    const fc_json_cell *fc_json_record(const fc_json_reader *reader)
    size_t fc_json_matches(const fc_json_reader *reader, const fc_json_cell **matches,
                           const uint32_t **cell_of)
    const fc_json_fault *fc_json_fault_of(const fc_json_reader *reader)
    fc_json_stats fc_json_stats_of(const fc_json_reader *reader)
    void fc_json_reject(fc_json_reader *reader, const uint8_t *at, const char *message)
    ctypedef struct fc_json_place:
        uint64_t offset
        uint64_t lines
        uint64_t line_start
        int idle
    fc_json_place fc_json_place_of(const fc_json_reader *reader)
    void fc_json_begin_inside(fc_json_reader *reader)
    const char *fc_json_check(const uint8_t *text, size_t length, size_t depth_max, size_t *at)
    size_t fc_json_unescape(const uint8_t *text, size_t length, uint8_t *out)
    ctypedef enum fc_json_number_kind:
        FC_JSON_NOT_A_NUMBER
        FC_JSON_INT64
        FC_JSON_UINT64
        FC_JSON_BIGINT
        FC_JSON_DOUBLE
    ctypedef struct fc_json_number:
        fc_json_number_kind kind
        int64_t i
        uint64_t u
    fc_json_number fc_json_number_read(const uint8_t *text, size_t length)
    int fc_json_number_double(const uint8_t *text, size_t length, int single, double *out)

cdef extern from "fastcore/columns.h" nogil:
    ctypedef enum fc_column_type:
        FC_COLUMN_BOOL
        FC_COLUMN_INT64
        FC_COLUMN_UINT64
        FC_COLUMN_INT32
        FC_COLUMN_FLOAT64
        FC_COLUMN_FLOAT32
        FC_COLUMN_STRING
        FC_COLUMN_BINARY
        FC_COLUMN_TIMESTAMP_S
        FC_COLUMN_TIMESTAMP_MS
        FC_COLUMN_TIMESTAMP_US
        FC_COLUMN_TIMESTAMP_NS
        FC_COLUMN_DATE
        FC_COLUMN_JSON
        FC_COLUMN_TYPES
    ctypedef struct fc_column_info:
        const char *name
        int bytes
        const char *arrow
        const char *numpy
    const fc_column_info *fc_column_info_of(fc_column_type type)
    ctypedef struct fc_column:
        fc_column_type type
        char *name
        uint8_t *valid
        uint8_t *values
        int64_t *offsets
        size_t null_count
        size_t values_bytes
    ctypedef struct fc_batch:
        size_t rows
        size_t column_count
        fc_column *columns
        fc_json_cell *defaults
        uint8_t *required
        const char *mismatch
        size_t mismatch_column
    fc_batch *fc_batch_new(const fc_column_type *types, const char *const *names, size_t count)
    fc_batch *fc_batch_like(const fc_batch *batch)
    fc_batch *fc_batch_share(fc_batch *batch)
    void fc_batch_free(fc_batch *batch)
    fc_json_event fc_batch_read(fc_batch *batch, fc_json_reader *reader, size_t rows_max,
                                int mismatch_is_null, int *mismatched)
    fc_status fc_batch_splice(fc_batch *batch, const fc_batch *other, size_t first,
                              size_t count)
    void fc_batch_clear(fc_batch *batch)
    const char *fc_time_read(fc_column_type type, const fc_json_cell *cell, int64_t *count)
    ctypedef struct fc_arrow_schema:
        pass
    ctypedef struct fc_arrow_array:
        pass
    ctypedef struct fc_arrow_stream:
        pass
    void fc_arrow_schema_drop(fc_arrow_schema *schema)
    void fc_arrow_array_drop(fc_arrow_array *array)
    void fc_arrow_stream_drop(fc_arrow_stream *stream)
    fc_status fc_batch_export_schema(fc_batch *batch, int64_t column, fc_arrow_schema *out)
    fc_status fc_batch_export_array(fc_batch *batch, int64_t column, fc_arrow_array *out)
    fc_status fc_batch_export_stream(fc_batch *batch, int64_t column, fc_arrow_stream *out)

cdef extern from "json_objects.h":
    ctypedef struct fc_objects:
        PyObject *decimal
    void fc_objects_clear(fc_objects *objects)
    PyObject *fc_object_of(fc_objects *objects, const fc_json_cell *cell, const char **wrong,
                           const uint8_t **at)
    PyObject *fc_tuple_of(fc_objects *objects, const fc_json_cell *cells, Py_ssize_t count,
                          const char **wrong, const uint8_t **at)
    object fc_text_of(const uint8_t *text, size_t length)
