# The prefix table's object. Part of text.pyx.

cdef class PrefixTable:
    """What fastcore.text.PrefixTable inherits; see there."""

    cdef fc_prefixes *table
    cdef readonly tuple prefixes
    cdef readonly bint ignore_case
    cdef readonly bint is_text

    def __cinit__(self, prefixes, *, ignore_case=False):
        cdef Patterns made = Patterns(prefixes, "prefixes", bool(ignore_case))
        cdef const uint64_t[::1] offsets = made.offsets
        cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(made.joined)
        cdef size_t count = len(made.given)
        cdef bint fold = bool(ignore_case)
        cdef fc_error error
        cdef fc_status status
        self.prefixes = made.given
        self.is_text = made.is_text
        self.ignore_case = fold
        with nogil:
            status = fc_prefixes_create(&self.table, start, &offsets[0], count, fold, &error)
        raise_status(status, &error, "making a PrefixTable")

    def __dealloc__(self):
        fc_prefixes_destroy(self.table)

    @property
    def nbytes(self):
        """Bytes of memory that the table takes."""
        return fc_prefixes_bytes(self.table)

    def __len__(self):
        return len(self.prefixes)

    cdef Haystack hold(self, object text):
        return hold(text, "s", self.is_text, not self.prefixes, self.ignore_case)

    def longest(self, s):
        """Return the index of the longest prefix of `s`, the lowest among equals; -1 for none."""
        cdef Haystack held = self.hold(s)
        return fc_prefixes_longest(self.table, held.text, held.length)

    def all(self, s):
        """Return the indices of all prefixes of `s`, the shortest first."""
        cdef Haystack held = self.hold(s)
        cdef int64_t at = fc_prefixes_longest(self.table, held.text, held.length)
        found = []
        while at >= 0:
            found.append(at)
            at = fc_prefixes_next(self.table, at)
        return sorted(found, key=lambda index: (len(self.prefixes[index]), index))

    def longest_each(self, column):
        """Return, for each row of `column`, the index that `longest` gives; -1 for nulls.

        Parameters
        ----------
        column
            As in `Matcher.contains_each`.

        Returns
        -------
        ndarray of int64
        """
        cdef Strings chunk, rows
        cdef int64_t[::1] out_view
        cdef size_t i
        parts = []
        for chunk in chunks_of(column, self.is_text, not self.prefixes):
            rows = folded_rows(chunk) if self.is_text and self.ignore_case else chunk
            out = np.full(chunk.count, -1, np.int64)
            out_view = out
            with nogil:
                for i in range(chunk.count):
                    if chunk.nulls == NULL or not chunk.nulls[i]:
                        out_view[i] = fc_prefixes_longest(
                            self.table, rows.data + rows.offsets[i],
                            rows.offsets[i + 1] - rows.offsets[i])
            parts.append(out)
        return parts[0] if len(parts) == 1 else np.concatenate([*parts, np.zeros(0, np.int64)])
