# Records as Python objects.

cdef const char *_REQUIRED = b"a required value is missing"


cdef class ObjectReader(Reader):
    """Base of fastcore.json.Decoder. `plan`: see fastcore.json.select."""

    cdef fc_objects *_objects
    cdef int _shape
    cdef Py_ssize_t _count
    cdef tuple _names, _defaults
    cdef int *_types
    cdef uint8_t *_required
    cdef uint8_t *_many
    cdef bint _plain, _has_many, _mismatch_is_null

    def __init__(self, plan, options):
        cdef Py_ssize_t i
        self._shape = plan.shape
        self._count = len(plan.fields)
        self._names = plan.names
        self._objects = <fc_objects *>PyMem_Malloc(sizeof(fc_objects))
        self._types = <int *>PyMem_Malloc((self._count + 1) * sizeof(int))
        self._required = <uint8_t *>PyMem_Malloc(self._count + 1)
        self._many = <uint8_t *>PyMem_Malloc(self._count + 1)
        if NULL in (<void *>self._objects, <void *>self._types, <void *>self._required,
                    <void *>self._many):
            raise MemoryError("json decoder")
        memset(self._objects, 0, sizeof(fc_objects))
        self._plain = True
        for i in range(self._count):
            field = plan.fields[i]
            self._types[i] = -1 if field.type is None else COLUMN_TYPES.index(field.type)
            self._required[i] = field.required
            self._many[i] = field.many
            self._has_many = self._has_many or field.many
            if field.type is not None or field.required or field.many or field.default is not None:
                self._plain = False
        self._defaults = tuple([field.default for field in plan.fields])
        self._mismatch_is_null = options.on_mismatch == "null"
        if options.numbers == "decimal":
            Py_INCREF(Decimal)
            self._objects.decimal = <PyObject *>Decimal
        self._open(None if plan.shape == SHAPE_RECORD else Program(plan.paths), self._count, options)

    def __dealloc__(self):
        if self._objects != NULL:
            fc_objects_clear(self._objects)
        PyMem_Free(self._objects)
        PyMem_Free(self._types)
        PyMem_Free(self._required)
        PyMem_Free(self._many)

    def feed(self, chunk):
        """Take the next bytes of the stream; return the values that they complete.

        Parameters
        ----------
        chunk : bytes-like
            Any number of bytes, cut anywhere.

        Returns
        -------
        list
            The values of the records that end in `chunk`, in order.

        Raises
        ------
        DecodeError
            Not JSON, or past a limit, with ``on_error="raise"``. The values before it in
            this chunk are in the error's ``completed``; the decoder takes no more.
        RuntimeError
            Another thread is in this decoder.
        """
        if chunk is None:
            raise TypeError("chunk must be bytes-like, not NoneType")
        return self._feed(chunk)

    def close(self):
        """End the stream; return the values that only its end completes.

        Returns
        -------
        list
            A number at the very end, say, which more digits might have followed.

        Raises
        ------
        DecodeError
            The stream ends inside a value.
        """
        return self._feed(None)

    def _feed(self, chunk):
        values = []
        error = self._feed_into(chunk, values)
        if error is not None:
            error.completed = values
            raise error
        return values

    def _feed_into(self, chunk, list values not None):
        """Append what `chunk` completes; return the DecodeError to raise after these values."""
        self._enter()
        try:
            self._load(chunk)
            return self._drain(values)
        finally:
            self._unload()
            fc_busy_leave(&self._busy)

    cdef object _drain(self, list values):
        cdef int outcome
        while True:
            value = self._step(&outcome)
            if outcome == STEP_VALUE:
                PyList_Append(values, value)
            else:
                return value

    cdef object _step(self, int *outcome):
        """The next value; or the error to raise, or None where the chunk is used up."""
        cdef fc_json_event event
        cdef const char *wrong
        cdef const uint8_t *at
        while True:
            event = fc_json_step(self._reader)
            if event == FC_JSON_RECORD:
                wrong = NULL
                value = self._value(&wrong, &at)
                if wrong == NULL:
                    outcome[0] = STEP_VALUE
                    return value
                fc_json_reject(self._reader, at, wrong)
                error = self._handle(True)
            elif event == FC_JSON_BAD:
                error = self._handle(False)
            elif event == FC_JSON_MORE:
                outcome[0] = STEP_MORE
                return None
            else:
                raise MemoryError("json decoder")
            if error is not None:
                outcome[0] = STEP_ERROR
                return error

    cdef object _object(self, const fc_json_cell *cell, const char **wrong, const uint8_t **at):
        return _made(fc_object_of(self._objects, cell, wrong, at))

    cdef object _value(self, const char **wrong, const uint8_t **at):
        cdef const fc_json_cell *cells
        cdef Py_ssize_t i
        if self._shape == SHAPE_RECORD:
            return self._object(fc_json_record(self._reader), wrong, at)
        cells = fc_json_cells(self._reader)
        if self._shape == SHAPE_VALUE:
            return self._field(cells, 0, wrong, at)
        if self._shape == SHAPE_TUPLE:
            if self._plain:
                return _made(fc_tuple_of(self._objects, cells, self._count, wrong, at))
            made = PyTuple_New(self._count)
            for i in range(self._count):
                value = self._field(cells, i, wrong, at)
                Py_INCREF(value)
                PyTuple_SET_ITEM(made, i, value)
                if wrong[0] != NULL:
                    break
            return made
        named = {}
        for i in range(self._count):
            PyDict_SetItem(named, self._names[i], self._field(cells, i, wrong, at))
            if wrong[0] != NULL:
                break
        return named

    cdef object _field(self, const fc_json_cell *cells, Py_ssize_t i, const char **wrong,
                       const uint8_t **at):
        if self._plain:
            return self._object(&cells[i], wrong, at)
        if self._many[i]:
            return self._matches(i, wrong, at)
        if cells[i].kind == FC_JSON_MISSING:
            if self._required[i]:
                wrong[0] = _REQUIRED
                at[0] = fc_json_record(self._reader).text
            return self._defaults[i]
        return self._typed(&cells[i], i, wrong, at)

    cdef object _matches(self, Py_ssize_t i, const char **wrong, const uint8_t **at):
        cdef const fc_json_cell *matches
        cdef const uint32_t *cell_of
        cdef size_t count = fc_json_matches(self._reader, &matches, &cell_of), m
        found = []
        for m in range(count):
            if cell_of[m] == <uint32_t>i:
                found.append(self._typed(&matches[m], i, wrong, at))
                if wrong[0] != NULL:
                    return found
        if not found and self._required[i]:
            wrong[0] = _REQUIRED
            at[0] = fc_json_record(self._reader).text
        if not found and self._defaults[i] is not None:
            return self._defaults[i]
        return found

    cdef object _typed(self, const fc_json_cell *cell, Py_ssize_t i, const char **wrong,
                       const uint8_t **at):
        cdef const char *why = NULL
        if self._types[i] < 0:
            return self._object(cell, wrong, at)
        if cell.kind == FC_JSON_NULL and self._types[i] != FC_COLUMN_JSON:
            return None
        value = _convert(self, cell, self._types[i], &why)
        if why != NULL:
            if not self._mismatch_is_null:
                wrong[0] = why
                at[0] = cell.text
            return None
        return value


cdef extern from *:
    """
    /* A new reference; None for what has no value and set no exception but *wrong. */
    static PyObject *fc_made(PyObject *made)
    {
        if (made == NULL && !PyErr_Occurred())
            Py_RETURN_NONE;
        return made;
    }
    """
    object _made "fc_made" (PyObject *made)


cdef object _convert(ObjectReader reader, const fc_json_cell *cell, int type, const char **why):
    """A value that is neither missing nor null, as `type` wants it."""
    cdef fc_json_number number
    cdef const uint8_t *at
    cdef int64_t count
    cdef double real
    cdef size_t quotes
    if type == FC_COLUMN_JSON:
        quotes = cell.kind == FC_JSON_STRING
        return fc_text_of(cell.text - quotes, cell.length + 2 * quotes)
    if type == FC_COLUMN_BOOL:
        if cell.kind == FC_JSON_TRUE or cell.kind == FC_JSON_FALSE:
            return cell.kind == FC_JSON_TRUE
        why[0] = b"expected true or false"
        return None
    if type == FC_COLUMN_STRING or type == FC_COLUMN_BINARY:
        if cell.kind != FC_JSON_STRING:
            why[0] = b"expected a string"
            return None
        text = reader._object(cell, why, &at)
        return text.encode() if type == FC_COLUMN_BINARY else text
    if type >= FC_COLUMN_TIMESTAMP_S and type <= FC_COLUMN_DATE:
        why[0] = fc_time_read(<fc_column_type>type, cell, &count)
        if why[0] != NULL:
            return None
        import numpy
        dtype = fc_column_info_of(<fc_column_type>type).numpy.decode()
        return numpy.int64(count).astype(dtype)
    if cell.kind != FC_JSON_NUMBER:
        why[0] = b"expected a number"
        return None
    if type == FC_COLUMN_FLOAT64 or type == FC_COLUMN_FLOAT32:
        if not fc_json_number_double(cell.text, cell.length, type == FC_COLUMN_FLOAT32, &real):
            why[0] = b"number out of range"
            return None
        return real
    number = fc_json_number_read(cell.text, cell.length)
    if number.kind == FC_JSON_DOUBLE:
        why[0] = b"expected an integer, not a number with a fraction or an exponent"
        return None
    if number.kind == FC_JSON_UINT64 and type == FC_COLUMN_UINT64:
        return number.u
    if number.kind == FC_JSON_INT64:
        if type == FC_COLUMN_INT64:
            return number.i
        if type == FC_COLUMN_UINT64 and number.i >= 0:
            return number.i
        if type == FC_COLUMN_INT32 and <int64_t><int32_t>number.i == number.i:
            return number.i
    why[0] = b"integer out of range"
    return None


cdef class Counter(Reader):
    """Counts records, and checks them; makes nothing of them."""

    def __init__(self, options):
        self._open(None, 0, options)

    def _read(self, chunk):
        """Count the records that `chunk`, or where it is None the end, completes.

        Returns None, or the DecodeError to raise.
        """
        cdef fc_json_event event
        self._enter()
        try:
            self._load(chunk)
            while True:
                with nogil:
                    event = fc_json_step(self._reader)
                    while event == FC_JSON_RECORD:
                        event = fc_json_step(self._reader)
                if event == FC_JSON_MORE:
                    return None
                if event == FC_JSON_NOMEM:
                    raise MemoryError("json decoder")
                error = self._handle(False)
                if error is not None:
                    return error
        finally:
            self._unload()
            fc_busy_leave(&self._busy)


cdef class Stream:
    """Iterator over the values of a source. `chunks` is an iterator of bytes-like objects.

    Values are made one at a time: all of a chunk at once would be memory that is touched for the
    first time again and again, and work for the garbage collector.
    """

    cdef ObjectReader _decoder
    cdef object _chunks
    cdef bint _loaded, _ended

    def __init__(self, ObjectReader decoder not None, chunks):
        self._decoder = decoder
        self._chunks = chunks

    def __iter__(self):
        return self

    def __next__(self):
        cdef int outcome = STEP_MORE
        while not self._ended:
            if not self._loaded:
                self._load()
            self._decoder._enter()
            try:
                value = self._decoder._step(&outcome)
            except BaseException:
                self._ended = True
                raise
            finally:
                if self._ended or outcome != STEP_VALUE:
                    self._decoder._unload()
                    self._loaded = False
                fc_busy_leave(&self._decoder._busy)
            if outcome == STEP_VALUE:
                return value
            if outcome == STEP_ERROR:
                self.close()
                raise value
            self._ended = self._decoder._finished
        raise StopIteration

    cdef int _load(self) except -1:
        """Fetch the next chunk. Where that fails, a later call starts nowhere."""
        try:
            chunk = next(self._chunks, None)
            self._decoder._enter()
            try:
                self._decoder._load(chunk)
            finally:
                fc_busy_leave(&self._decoder._busy)
        except BaseException:
            self._ended = True
            raise
        self._loaded = True
        return 0

    @property
    def stats(self):
        """What has been read so far."""
        return self._decoder.stats

    def close(self):
        """Let go of the source. The iterator ends."""
        self._ended = True
        if fc_busy_enter(&self._decoder._busy):  # else the call that is under way does it
            self._decoder._unload()
            fc_busy_leave(&self._decoder._busy)
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
