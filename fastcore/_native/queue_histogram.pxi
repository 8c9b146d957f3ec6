# A histogram of durations: eight steps to every doubling, so that a percentile is within 13 % of
# the true one, in 4 KiB, whatever is recorded.

cdef enum:
    STEP_BITS = 3
    STEPS = 8
    BUCKETS = 62 * STEPS


@cython.final
cdef class Histogram:
    """Durations in nanoseconds, counted by size."""

    cdef uint64_t _counts[BUCKETS]
    cdef readonly uint64_t count
    cdef readonly int64_t largest

    def record(self, int64_t duration_ns):
        """Count one duration."""
        self._record(duration_ns)

    cdef void _record(self, int64_t duration_ns) noexcept:
        cdef uint64_t value = <uint64_t>duration_ns if duration_ns > 0 else 0
        cdef int shift = 0
        cdef uint64_t rest = value
        while rest >= 2 * STEPS:
            rest >>= 1
            shift += 1
        # Below 16 every value has its own bucket; above, the top four bits and their place.
        self._counts[shift * STEPS + <int>rest] += 1
        self.count += 1
        if duration_ns > self.largest:
            self.largest = duration_ns

    def percentile(self, double percent):
        """Return the duration in nanoseconds that `percent` of the recorded ones do not pass."""
        cdef uint64_t wanted, seen = 0
        cdef int bucket
        cdef uint64_t top
        if not 0 <= percent <= 100:
            raise ValueError(f"percent must be 0 to 100, not {percent!r}")
        if self.count == 0:
            return 0
        wanted = <uint64_t>(self.count * percent / 100)
        for bucket in range(BUCKETS):
            seen += self._counts[bucket]
            if seen > wanted or seen == self.count:
                if bucket < 2 * STEPS:
                    return bucket
                top = STEPS + bucket % STEPS + 1
                return min((top << (bucket // STEPS - 1)) - 1, <uint64_t>self.largest)
        return self.largest
