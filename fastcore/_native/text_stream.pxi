# Searches of a text that comes in chunks. Part of text.pyx.

cdef class Stream:
    """A matcher's searches of a text that comes in chunks: what `Scanner` is made of.

    Holds the bytes that are still needed. `offset` counts from the stream's start to the first of
    them, in bytes; `points` does so in code points for str.
    """

    cdef Matcher matcher
    cdef bytearray held
    cdef readonly int64_t offset
    cdef readonly int64_t points

    def __cinit__(self, Matcher matcher):
        self.matcher = matcher
        self.held = bytearray()

    @property
    def longest(self):
        """Bytes of the longest pattern."""
        return fc_matcher_longest(self.matcher.matcher)

    def append(self, chunk):
        """Add the next chunk; return how many bytes are held."""
        cdef Haystack more = hold(chunk, "chunk", self.matcher.is_text,
                                  not self.matcher.patterns, self.matcher.ignore_case)
        self.held += more.text[:more.length]
        return len(self.held)

    def search(self, int64_t floor):
        """Matches from stream offset `floor` on, in bytes of the stream."""
        cdef const uint8_t[::1] text = self.held
        cdef size_t length = len(text)
        cdef const uint8_t *start = &text[0] if length else NULL
        cdef size_t begin = <size_t>max(<int64_t>0, floor - self.offset)
        cdef fc_match_list found
        cdef fc_status status
        with nogil:
            status = fc_matcher_find_from(self.matcher.matcher, start, length, begin, &found)
        raise_status(status, NULL, "searching a stream")
        matches = matches_of(&found)
        np.add(matches.start, self.offset, out=matches.start)
        np.add(matches.end, self.offset, out=matches.end)
        return matches

    def to_points(self, matches):
        """The same matches with offsets in code points, if the text is str."""
        cdef const uint8_t[::1] text = self.held
        cdef const uint32_t[::1] pattern
        cdef int64_t[::1] start, end
        cdef fc_points points
        cdef fc_matches part
        if not self.matcher.is_text or len(matches) == 0:
            return matches
        np.subtract(matches.start, self.offset, out=matches.start)
        np.subtract(matches.end, self.offset, out=matches.end)
        pattern, start, end = matches.pattern, matches.start, matches.end
        points.at, points.points = 0, self.points
        part.pattern, part.start, part.end, part.row = (
            <uint32_t *>&pattern[0], &start[0], &end[0], NULL)
        with nogil:
            fc_matches_to_points(self.matcher.matcher, &text[0], &points, &part, len(start))
        return matches

    def drop(self, int64_t until):
        """Let go of what lies before stream offset `until`."""
        cdef const uint8_t[::1] text = self.held
        cdef size_t count = <size_t>max(<int64_t>0, min(until - self.offset, <int64_t>len(text)))
        if count == 0:
            return
        self.points += self.matcher.kernels.utf8_count(&text[0], count)
        self.offset += count
        text = None
        del self.held[:count]


cdef class LineScan:
    """Lines with a match, of a text that comes in chunks; what `Matcher.lines` is made of."""

    cdef Matcher matcher
    cdef fc_lines lines
    cdef bytearray kept

    def __cinit__(self, Matcher matcher, invert):
        self.matcher = matcher
        self.kept = bytearray()
        fc_lines_open(&self.lines, matcher.matcher, bool(invert),
                      matcher.is_text and matcher.ignore_case)

    def __dealloc__(self):
        fc_lines_close(&self.lines)

    @property
    def kept_bytes(self):
        """Bytes of the chunks so far that are still needed."""
        return len(self.kept)

    cdef size_t feed_piece(self, const uint8_t *text, size_t length, bint last) except? 0:
        cdef size_t consumed = 0
        cdef fc_status status
        with nogil:
            status = fc_lines_feed(&self.lines, text, length, last, &consumed)
        raise_status(status, NULL, "searching lines")
        return consumed

    def feed(self, const uint8_t[::1] chunk not None, bint last=False):
        """Look at the next chunk; after the `last` one only `result` may be called."""
        cdef const uint8_t *text = &chunk[0] if len(chunk) else NULL
        cdef size_t length = len(chunk), joined, consumed
        cdef uint8_t[::1] piece
        if self.kept and length:
            # Join what was kept with the chunk up to its first line's end; the rest stays in place.
            joined = min(self.matcher.kernels.find_byte(text, length, c"\n") + 1, length)
            self.kept += chunk[:joined]
            text += joined
            length -= joined
        if self.kept:
            piece = self.kept
            consumed = self.feed_piece(&piece[0], len(piece), last and length == 0)
            piece = None
            del self.kept[:consumed]
            if length == 0:
                return
        if length or last:
            if self.kept:
                raise AssertionError("a line that has ended was kept")
            consumed = self.feed_piece(text, length, last)
            self.kept += <bytes>text[consumed:length]

    def result(self):
        """Numbers, starts and ends of the lines found so far; none are left to be asked for."""
        cdef int64_t *number = self.lines.number
        cdef int64_t *start = self.lines.start
        cdef int64_t *end = self.lines.end
        cdef size_t count = self.lines.count
        self.lines.number = self.lines.start = self.lines.end = NULL
        self.lines.count = self.lines.capacity = 0
        return (
            array_of(number, count, "i8", 8),
            array_of(start, count, "i8", 8),
            array_of(end, count, "i8", 8),
        )
