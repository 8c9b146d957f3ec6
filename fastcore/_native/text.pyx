"""The matcher's object, and its searches over a str, a buffer, a column or a stream of lines.

Text of type str is searched as UTF-8 (its own bytes where it is ASCII); lone surrogates are
encoded as any other code point. Offsets are turned back into code points at the end.
"""

import numpy as np

cimport cython
from cpython.buffer cimport (
    PyBUF_SIMPLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_Check
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

from fastcore._native.c cimport FC_OK, fc_error, fc_kernels, fc_status
from fastcore._native.c_text cimport (
    FC_LEFTMOST_FIRST, FC_LEFTMOST_LONGEST, FC_OVERLAPPING, fc_cursor,
    fc_cursor_close, fc_cursor_next, fc_cursor_open, fc_fold_bytes_max, fc_fold_utf8, fc_lines, fc_lines_close,
    fc_lines_feed, fc_lines_open, fc_match_kind, fc_match_list, fc_matcher,
    fc_matcher_bytes, fc_matcher_contains, fc_matcher_contains_rows, fc_matcher_count,
    fc_matcher_create, fc_matcher_destroy, fc_matcher_find_all, fc_matcher_find_from,
    fc_matcher_kernel, fc_matcher_longest,
    fc_matcher_options, fc_matches, fc_matches_to_points, fc_matches_to_rows, fc_points,
    fc_prefixes, fc_prefixes_bytes, fc_prefixes_create, fc_prefixes_destroy, fc_prefixes_longest,
    fc_prefixes_next, fc_utf8_of_units1, fc_utf8_of_units2,
)
from fastcore._native.cpu cimport active_kernels
from fastcore._native.errors cimport raise_status
from fastcore._native.strings cimport Strings, strings_of

from fastcore._matches import Match, Matches

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    void *PyUnicode_DATA(object text)
    int PyUnicode_KIND(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    int PySlice_AdjustIndices(Py_ssize_t length, Py_ssize_t *start, Py_ssize_t *stop,
                              Py_ssize_t step)

cdef enum:
    GIL_RELEASE_BYTES = 4096  # releasing it costs as much as searching a few KiB
    BATCH = 256  # matches that an iterator looks for at a time, at most

_KINDS = {
    "leftmost-longest": FC_LEFTMOST_LONGEST,
    "leftmost-first": FC_LEFTMOST_FIRST,
    "overlapping": FC_OVERLAPPING,
}


include "text_input.pxi"
include "text_stream.pxi"
include "text_prefixes.pxi"


cdef class Matcher:
    """What fastcore.text.Matcher inherits; see there."""

    cdef fc_matcher *matcher
    cdef const fc_kernels *kernels
    cdef readonly tuple patterns
    cdef readonly bint ignore_case
    cdef readonly bint whole_words
    cdef readonly str match
    cdef readonly bint is_text

    def __cinit__(self, patterns, *, ignore_case=False, match="leftmost-longest",
                  whole_words=False):
        cdef fc_matcher_options options
        cdef fc_error error
        cdef Patterns made
        cdef const uint64_t[::1] offsets
        cdef fc_status status
        if match not in _KINDS:
            raise ValueError(f"match must be one of {', '.join(map(repr, _KINDS))}, not {match!r}")
        made = Patterns(patterns, "patterns", bool(ignore_case))
        offsets = made.offsets
        self.patterns = made.given
        self.is_text = made.is_text
        self.ignore_case = bool(ignore_case)
        self.whole_words = bool(whole_words)
        self.match = str(match)
        self.kernels = active_kernels()
        options.kind = _KINDS[match]
        options.fold_ascii = self.ignore_case
        options.whole_words = self.whole_words
        options.unicode = self.is_text
        cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(made.joined)
        cdef size_t count = len(made.given)
        with nogil:
            status = fc_matcher_create(&self.matcher, start, &offsets[0], count, &options,
                                       self.kernels, &error)
        raise_status(status, &error, "making a Matcher")

    def __dealloc__(self):
        fc_matcher_destroy(self.matcher)

    cdef Haystack hold(self, object haystack):
        return hold(haystack, "haystack", self.is_text, not self.patterns, self.ignore_case)

    @property
    def kernel(self):
        """How it searches, and with which instruction set: ``"literal/avx2"``, say."""
        return (fc_matcher_kernel(self.matcher) + b"/" + self.kernels.isa).decode("ascii")

    @property
    def nbytes(self):
        """Bytes of memory that the compiled patterns take."""
        return fc_matcher_bytes(self.matcher)

    def __len__(self):
        return len(self.patterns)

    def find(self, haystack, start=0, end=None):
        """Return the first match in ``haystack[start:end]``, or None.

        Parameters
        ----------
        haystack : str or bytes-like
        start, end : int, optional
            As in a slice. What lies outside is not looked at, not even to tell whether a
            word ends there.

        Returns
        -------
        Match or None
            With offsets into `haystack`. In an overlapping matcher, the match that ends first.
        """
        cdef Py_ssize_t first = start
        cdef Py_ssize_t last = len(haystack) if end is None else end
        cdef Py_ssize_t shift
        cdef Haystack held
        cdef fc_cursor cursor
        cdef fc_points points
        cdef fc_matches out
        cdef uint32_t pattern
        cdef int64_t begin, stop
        cdef size_t count = 0
        cdef fc_status status
        if PyUnicode_Check(haystack) and not PyUnicode_IS_ASCII(haystack):
            PySlice_AdjustIndices(len(haystack), &first, &last, 1)
            if first > 0 or last < len(haystack):
                haystack = haystack[first:last]
            held = self.hold(haystack)
        else:
            held = self.hold(haystack)
            PySlice_AdjustIndices(<Py_ssize_t>held.length, &first, &last, 1)
            last = max(first, last)
            held.text += first
            held.length = last - first
        shift = first
        out.pattern, out.start, out.end, out.row = &pattern, &begin, &stop, NULL
        with nogil:
            fc_cursor_open(&cursor, self.matcher, held.text, held.length)
            status = fc_cursor_next(&cursor, &out, 1, &count)
            fc_cursor_close(&cursor)
            if count and held.in_points:
                points.at = points.points = 0
                fc_matches_to_points(self.matcher, held.text, &points, &out, 1)
        raise_status(status, NULL, "searching")
        return Match(pattern, begin + shift, stop + shift) if count else None

    def finditer(self, haystack):
        """Iterate over the matches, found as they are asked for.

        `haystack` must not change meanwhile. One thread at a time.
        """
        return MatchIterator(self, haystack)

    def findall(self, haystack):
        """Return all matches.

        Parameters
        ----------
        haystack : str or bytes-like

        Returns
        -------
        Matches
        """
        cdef Haystack held = self.hold(haystack)
        cdef fc_match_list found
        cdef fc_points points
        cdef fc_status status
        points.at = points.points = 0
        with nogil:
            status = fc_matcher_find_all(self.matcher, held.text, held.length, NULL, 0, &found)
            if status == FC_OK and held.in_points:
                fc_matches_to_points(self.matcher, held.text, &points, &found.at, found.count)
        raise_status(status, NULL, "searching")
        return matches_of(&found)

    def count(self, haystack):
        """Return how many matches `findall` would give."""
        cdef Haystack held = self.hold(haystack)
        cdef int64_t total
        cdef fc_status status
        with nogil:
            status = fc_matcher_count(self.matcher, held.text, held.length, NULL, 0, NULL, &total)
        raise_status(status, NULL, "searching")
        return total

    def contains(self, haystack):
        """Return whether there is a match in `haystack`."""
        cdef Haystack held = self.hold(haystack)
        cdef int found
        if held.length < GIL_RELEASE_BYTES:
            found = fc_matcher_contains(self.matcher, held.text, held.length)
        else:
            with nogil:
                found = fc_matcher_contains(self.matcher, held.text, held.length)
        if found < 0:
            raise MemoryError("searching")
        return found == 1

    def contains_each(self, column):
        """Return, for each row of `column`, whether there is a match in it; False for nulls.

        Parameters
        ----------
        column : list of str or bytes, NumPy array, fastcore column, or Arrow array
            NumPy arrays may be of dtype ``S``, ``U``, ``StringDType`` or object. Anything with
            ``__arrow_c_array__`` or ``__arrow_c_stream__`` is taken as Arrow.

        Returns
        -------
        ndarray of bool
        """
        cdef Strings chunk
        parts = []
        for chunk in self.chunks_of(column):
            out = np.zeros(chunk.count, np.bool_)
            self.search_rows(chunk, out, None)
            parts.append(out)
        return parts[0] if len(parts) == 1 else np.concatenate([*parts, np.zeros(0, np.bool_)])

    def count_each(self, column):
        """Return, for each row of `column`, how many matches are in it; 0 for nulls."""
        cdef Strings chunk
        parts = []
        for chunk in self.chunks_of(column):
            out = np.zeros(chunk.count, np.int64)
            self.search_rows(chunk, None, out)
            parts.append(out)
        return parts[0] if len(parts) == 1 else np.concatenate([*parts, np.zeros(0, np.int64)])

    def find_each(self, column):
        """Return all matches of all rows; their ``.row`` says where, offsets count from its start.

        Parameters
        ----------
        column
            As in `contains_each`.

        Returns
        -------
        Matches
        """
        cdef Strings chunk
        cdef int64_t row = 0
        parts = []
        for chunk in self.chunks_of(column):
            found = self.search_rows(chunk, None, None)
            np.add(found.row, row, out=found.row)
            row += chunk.count
            parts.append(found)
        return parts[0] if len(parts) == 1 else Matches.concatenate(parts)

    cdef list chunks_of(self, object column):
        return chunks_of(column, self.is_text, not self.patterns)

    cdef object search_rows(self, Strings chunk, object contains, object counts):
        """Fill whichever of the two arrays is given; without one, return the matches."""
        cdef const uint8_t *text = chunk.data
        cdef int64_t *rows = chunk.offsets
        cdef size_t length = rows[chunk.count], count = chunk.count, i
        cdef uint8_t[::1] contains_view
        cdef int64_t[::1] counts_view
        cdef fc_match_list found
        cdef int64_t total
        cdef bint plain = True
        cdef Strings copy
        cdef fc_status status = FC_OK
        if self.is_text and length:
            with nogil:
                plain = self.kernels.utf8_count(text, length) == length
            if not plain and self.ignore_case:
                copy = folded_rows(chunk)
                text, rows, length = copy.data, copy.offsets, copy.offsets[count]
        if contains is None and counts is None:
            with nogil:
                status = fc_matcher_find_all(self.matcher, text, length, rows, count, &found)
                if status == FC_OK:
                    fc_matches_to_rows(self.matcher, text, rows, &found.at, found.count, not plain)
            raise_status(status, NULL, "searching a column")
            matches = matches_of(&found)
            if chunk.nulls != NULL:
                matches = matches.where(np.asarray(<uint8_t[:count]>chunk.nulls)[matches.row] == 0)
            return matches
        if count and contains is not None:
            contains_view = contains.view(np.uint8)
            with nogil:
                status = fc_matcher_contains_rows(self.matcher, text, length, rows, count,
                                                  &contains_view[0])
                for i in range(count if chunk.nulls != NULL else 0):
                    contains_view[i] &= chunk.nulls[i] ^ 1
        elif count:
            counts_view = counts
            with nogil:
                status = fc_matcher_count(self.matcher, text, length, rows, count,
                                          &counts_view[0], &total)
                for i in range(count if chunk.nulls != NULL else 0):
                    if chunk.nulls[i]:
                        counts_view[i] = 0
        raise_status(status, NULL, "searching a column")
        return None


cdef class MatchIterator:
    """Matches, one after the other; what `Matcher.finditer` returns."""

    cdef Matcher matcher
    cdef Haystack held
    cdef fc_cursor cursor
    cdef fc_points points
    cdef uint32_t pattern[BATCH]
    cdef int64_t start[BATCH]
    cdef int64_t end[BATCH]
    cdef size_t batch, count, next
    cdef bint is_open

    def __cinit__(self, Matcher matcher, haystack):
        self.matcher = matcher
        self.held = matcher.hold(haystack)
        self.points.at = self.points.points = 0
        self.batch = 1
        fc_cursor_open(&self.cursor, matcher.matcher, self.held.text, self.held.length)
        self.is_open = True

    def __dealloc__(self):
        if self.is_open:
            fc_cursor_close(&self.cursor)

    def __iter__(self):
        return self

    def __next__(self):
        cdef fc_matches out
        cdef fc_status status
        if self.next == self.count:
            out.pattern, out.start, out.end, out.row = self.pattern, self.start, self.end, NULL
            self.next = self.count = 0
            with nogil:
                status = fc_cursor_next(&self.cursor, &out, self.batch, &self.count)
                if status == FC_OK and self.held.in_points:
                    fc_matches_to_points(self.matcher.matcher, self.held.text, &self.points, &out,
                                         self.count)
            raise_status(status, NULL, "searching")
            self.batch = min(4 * self.batch, <size_t>BATCH)
            if self.count == 0:
                raise StopIteration
        self.next += 1
        return Match(self.pattern[self.next - 1], self.start[self.next - 1],
                     self.end[self.next - 1])
