# Records as columns.

import numpy as _numpy


cdef class ColumnReader(Reader):
    """Base of fastcore.json.ColumnDecoder. `plan`: see fastcore.json.select."""

    cdef fc_batch *_batch
    cdef bint _mismatch_is_null
    cdef object _schema, _defaults

    def __init__(self, plan, options):
        cdef Py_ssize_t count = len(plan.fields), i
        cdef fc_column_type *types
        cdef const char **names
        kept = [name.encode() for name in plan.names]
        types = <fc_column_type *>PyMem_Malloc((count + 1) * sizeof(fc_column_type))
        names = <const char **>PyMem_Malloc((count + 1) * sizeof(char *))
        try:
            if types == NULL or names == NULL:
                raise MemoryError("json columns")
            for i in range(count):
                types[i] = <fc_column_type><int>COLUMN_TYPES.index(plan.fields[i].type)
                names[i] = kept[i]
            self._batch = fc_batch_new(types, names, count)
        finally:
            PyMem_Free(types)
            PyMem_Free(names)
        if self._batch == NULL:
            raise MemoryError("json columns")
        self._defaults = plan.default_texts
        for i in range(count):
            self._batch.required[i] = plan.fields[i].required
            if self._defaults[i] is not None:
                self._set_default(i, self._defaults[i])
        self._mismatch_is_null = options.on_mismatch == "null"
        self._schema = {name: field.type for name, field in zip(plan.names, plan.fields)}
        self._open(Program(plan.paths), count, options)

    def __dealloc__(self):
        fc_batch_free(self._batch)

    cdef int _set_default(self, Py_ssize_t i, bytes text) except -1:
        cdef fc_json_cell *cell = &self._batch.defaults[i]
        cdef const uint8_t *start = <const uint8_t *><const char *>text
        cdef size_t length = len(text)
        first = text[:1]
        cell.kind = {b'"': FC_JSON_STRING, b"{": FC_JSON_OBJECT, b"[": FC_JSON_ARRAY,
                     b"t": FC_JSON_TRUE, b"f": FC_JSON_FALSE, b"n": FC_JSON_NULL,
                     }.get(first, FC_JSON_NUMBER)
        cell.text = start
        cell.length = length
        if cell.kind == FC_JSON_STRING:
            cell.text += 1
            cell.length -= 2
            cell.escaped = 1
        return 0

    def feed(self, chunk):
        """Take the next bytes of the stream; return how many rows are ready for `take`.

        Raises
        ------
        DecodeError
            Not JSON, a mismatch, or past a limit, with ``on_error="raise"``. The rows before
            it are still there for `take`; the decoder accepts no more bytes.
        RuntimeError
            Another thread is in this decoder.
        """
        if chunk is None:
            raise TypeError("chunk must be bytes-like, not NoneType")
        error = self._read(chunk, True, <size_t>-1)
        if error is not None:
            raise error
        return self._batch.rows

    def take(self):
        """Return the rows that are ready as a `Batch`, and start a new one."""
        self._enter()
        try:
            return self._take()
        finally:
            fc_busy_leave(&self._busy)

    def close(self):
        """End the stream; return the last rows.

        Raises
        ------
        DecodeError
            The stream ends inside a value.
        """
        error = self._read(None, True, <size_t>-1)
        if error is not None:
            raise error
        return self.take()

    @property
    def rows(self):
        """Rows ready for `take`."""
        return self._batch.rows

    def _read(self, chunk, bint fresh, size_t rows_max):
        """Fill up to `rows_max` rows from `chunk`, or from what is left of it where not `fresh`.

        Returns None, or the DecodeError to raise once the rows before it are taken.
        """
        self._enter()
        try:
            if fresh:
                self._load(chunk)
            return self._fill(rows_max)
        finally:
            fc_busy_leave(&self._busy)

    cdef object _fill(self, size_t rows_max):
        cdef fc_json_event event
        cdef int mismatched
        while True:
            with nogil:
                event = fc_batch_read(self._batch, self._reader, rows_max,
                                      self._mismatch_is_null, &mismatched)
            if event == FC_JSON_RECORD:
                return None
            if event == FC_JSON_MORE:
                self._unload()
                return None
            if event == FC_JSON_NOMEM:
                self._unload()
                raise MemoryError("json columns")
            try:
                error = self._handle(mismatched)
            except BaseException:
                self._unload()
                raise
            if error is not None:
                return error

    cdef Batch _take(self):
        cdef Batch batch = Batch.__new__(Batch)
        cdef fc_batch *fresh = fc_batch_like(self._batch)
        if fresh == NULL:
            raise MemoryError("json columns")
        batch._batch = self._batch
        batch._schema = self._schema
        batch._owner = self._defaults
        self._batch = fresh
        return batch


cdef class _Memory:
    """Read-only bytes of a batch, for numpy.frombuffer."""

    cdef Batch _batch
    cdef const void *_start
    cdef Py_ssize_t _bytes

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        if flags & PyBUF_WRITABLE:
            raise BufferError("a batch is read-only")
        buffer.buf = <void *>self._start
        buffer.obj = self
        buffer.len = self._bytes
        buffer.itemsize = 1
        buffer.readonly = 1
        buffer.ndim = 1
        buffer.format = "B"
        buffer.shape = &self._bytes
        buffer.strides = NULL
        buffer.suboffsets = NULL
        buffer.internal = NULL


cdef object _array(Batch batch, const void *start, size_t bytes, str dtype):
    cdef _Memory memory
    if bytes == 0:
        return _numpy.empty(0, dtype)
    memory = _Memory.__new__(_Memory)
    memory._batch = batch
    memory._start = start
    memory._bytes = bytes
    return _numpy.frombuffer(memory, dtype)


cdef object _bits(Batch batch, const void *start, size_t count):
    """`count` bits as an array of bool."""
    packed = _array(batch, start, (count + 7) // 8, "uint8")
    return _numpy.unpackbits(packed, count=count, bitorder="little").view("bool")


cdef void _free_schema(object capsule) noexcept:
    cdef fc_arrow_schema *schema = <fc_arrow_schema *>PyCapsule_GetPointer(capsule, "arrow_schema")
    fc_arrow_schema_drop(schema)
    PyMem_Free(schema)


cdef void _free_array(object capsule) noexcept:
    cdef fc_arrow_array *array = <fc_arrow_array *>PyCapsule_GetPointer(capsule, "arrow_array")
    fc_arrow_array_drop(array)
    PyMem_Free(array)


cdef void _free_stream(object capsule) noexcept:
    cdef fc_arrow_stream *stream = <fc_arrow_stream *>PyCapsule_GetPointer(
        capsule, "arrow_array_stream")
    fc_arrow_stream_drop(stream)
    PyMem_Free(stream)


cdef object _schema_capsule(fc_batch *batch, int64_t column):
    cdef fc_arrow_schema *schema = <fc_arrow_schema *>PyMem_Malloc(sizeof(fc_arrow_schema))
    if schema == NULL or fc_batch_export_schema(batch, column, schema) != FC_OK:
        PyMem_Free(schema)
        raise MemoryError("arrow schema")
    return PyCapsule_New(schema, "arrow_schema", _free_schema)


cdef object _array_capsule(fc_batch *batch, int64_t column):
    cdef fc_arrow_array *array = <fc_arrow_array *>PyMem_Malloc(sizeof(fc_arrow_array))
    if array == NULL or fc_batch_export_array(batch, column, array) != FC_OK:
        PyMem_Free(array)
        raise MemoryError("arrow array")
    return PyCapsule_New(array, "arrow_array", _free_array)


cdef object _stream_capsule(fc_batch *batch, int64_t column):
    cdef fc_arrow_stream *stream = <fc_arrow_stream *>PyMem_Malloc(sizeof(fc_arrow_stream))
    if stream == NULL or fc_batch_export_stream(batch, column, stream) != FC_OK:
        PyMem_Free(stream)
        raise MemoryError("arrow stream")
    return PyCapsule_New(stream, "arrow_array_stream", _free_stream)


cdef class Batch:
    """Columns of one length. Any thread may read it; its buffers live as long as any view."""

    cdef fc_batch *_batch
    cdef dict _schema
    cdef object _owner

    def __init__(self):
        raise TypeError("batches come from fastcore.json.columns and ColumnDecoder")

    def __dealloc__(self):
        fc_batch_free(self._batch)

    def __len__(self):
        return self._batch.rows

    def __repr__(self):
        columns = ", ".join(f"{name}: {type}" for name, type in self._schema.items())
        return f"<Batch of {self._batch.rows} rows ({columns})>"

    @property
    def schema(self):
        """dict of column name to type name."""
        return dict(self._schema)

    @property
    def names(self):
        """tuple of the column names."""
        return tuple(self._schema)

    def __iter__(self):
        return iter(self._schema)

    def __contains__(self, name):
        return name in self._schema

    def __getitem__(self, name):
        cdef Column column
        if name not in self._schema:
            raise KeyError(name)
        column = Column.__new__(Column)
        column._batch = self
        column._index = self.names.index(name)
        column._column = &self._batch.columns[column._index]
        return column

    def to_dict(self):
        """dict of column name to NumPy array; see `Column.to_numpy`."""
        return {name: self[name].to_numpy() for name in self._schema}

    def __arrow_c_schema__(self):
        """Arrow PyCapsule of the schema, a struct."""
        return _schema_capsule(self._batch, -1)

    def __arrow_c_array__(self, requested_schema=None):
        """Arrow PyCapsules of schema and data, a struct array. No copy."""
        return _schema_capsule(self._batch, -1), _array_capsule(self._batch, -1)

    def __arrow_c_stream__(self, requested_schema=None):
        """Arrow PyCapsule of a stream with this one batch. No copy."""
        return _stream_capsule(self._batch, -1)


cdef class Column:
    """One column of a `Batch`."""

    cdef Batch _batch
    cdef fc_column *_column
    cdef Py_ssize_t _index

    def __init__(self):
        raise TypeError("columns come from a Batch")

    def __len__(self):
        return self._batch._batch.rows

    def __repr__(self):
        return f"<Column {self.name!r}: {self.type}, {len(self)} rows, {self.null_count} null>"

    @property
    def name(self):
        """Name in the schema."""
        return self._column.name.decode()

    @property
    def type(self):
        """Type name, as in the schema."""
        return COLUMN_TYPES[self._column.type]

    @property
    def null_count(self):
        """How many rows are null."""
        return self._column.null_count

    def is_null(self):
        """Array of bool, True where the row is null."""
        if self._column.null_count == 0:
            return _numpy.zeros(len(self), "bool")
        return ~_bits(self._batch, self._column.valid, len(self))

    @property
    def offsets(self):
        """int64[n + 1]: where each string starts in `data`; None for fixed-width types."""
        if fc_column_info_of(self._column.type).bytes >= 0:
            return None
        if len(self) == 0:
            return _numpy.zeros(1, "int64")
        return _array(self._batch, self._column.offsets, (len(self) + 1) * 8, "int64")

    @property
    def data(self):
        """The values as they lie in memory: uint8 for strings, else one element a row."""
        cdef const fc_column_info *info = fc_column_info_of(self._column.type)
        if info.bytes == 0:
            return _bits(self._batch, self._column.values, len(self))
        if info.bytes < 0:
            return _array(self._batch, self._column.values, self._column.values_bytes, "uint8")
        dtype = "int32" if self._column.type == FC_COLUMN_DATE else info.numpy.decode()
        return _array(self._batch, self._column.values, len(self) * info.bytes, dtype)

    def to_numpy(self):
        """The column as an array.

        A view, read-only, where the width is fixed (a copy for ``bool`` and ``date``). Null rows
        hold 0, 0.0, False, 1970-01-01 in a timestamp, NaT in a date: ask `is_null`. Strings come as ``numpy.dtypes.StringDType`` with
        None for null where NumPy has it, else as objects; ``binary`` as objects.
        """
        if fc_column_info_of(self._column.type).bytes >= 0:
            if self._column.type != FC_COLUMN_DATE:
                return self.data
            days = self.data.astype("datetime64[D]")
            days[self.is_null()] = _numpy.datetime64("NaT", "D")
            return days
        values = self._strings()
        if self._column.type != FC_COLUMN_BINARY and hasattr(_numpy.dtypes, "StringDType"):
            return _numpy.array(values, _numpy.dtypes.StringDType(na_object=None))
        made = _numpy.empty(len(values), object)
        made[:] = values
        return made

    def to_pylist(self):
        """The column as a list, None for null."""
        if fc_column_info_of(self._column.type).bytes < 0:
            return self._strings()
        values = self.to_numpy()
        if self._column.type < FC_COLUMN_TIMESTAMP_S:
            values = values.tolist()
        nulls = self.is_null().tolist()
        return [None if null else value for value, null in zip(values, nulls)]

    cdef list _strings(self):
        cdef const fc_column *column = self._column
        cdef Py_ssize_t row, rows = self._batch._batch.rows
        cdef const uint8_t *start
        cdef size_t length
        cdef list values = []
        for row in range(rows):
            if not column.valid[row // 8] >> row % 8 & 1:
                values.append(None)
                continue
            start = column.values + column.offsets[row]
            length = column.offsets[row + 1] - column.offsets[row]
            if column.type == FC_COLUMN_BINARY:
                values.append((<const char *>start)[:length])
            else:
                values.append(fc_text_of(start, length))
        return values

    def __arrow_c_schema__(self):
        """Arrow PyCapsule of the column's field."""
        return _schema_capsule(self._batch._batch, self._index)

    def __arrow_c_array__(self, requested_schema=None):
        """Arrow PyCapsules of field and data. No copy."""
        return (_schema_capsule(self._batch._batch, self._index),
                _array_capsule(self._batch._batch, self._index))

    def __arrow_c_stream__(self, requested_schema=None):
        """Arrow PyCapsule of a stream with this one array. No copy."""
        return _stream_capsule(self._batch._batch, self._index)
