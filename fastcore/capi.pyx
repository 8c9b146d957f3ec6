"""What other projects' Cython code may cimport: see capi.pxd. Python has nothing to call here."""

from fastcore._native.cpu cimport active_kernels


cdef size_t find_byte(const uint8_t *text, size_t length, uint8_t byte) noexcept nogil:
    return active_kernels().find_byte(text, length, byte)


cdef size_t count_byte(const uint8_t *text, size_t length, uint8_t byte) noexcept nogil:
    return active_kernels().count_byte(text, length, byte)


cdef size_t utf8_prefix(const uint8_t *text, size_t length) noexcept nogil:
    return active_kernels().utf8_prefix(text, length)


cdef size_t utf8_count(const uint8_t *text, size_t length) noexcept nogil:
    return active_kernels().utf8_count(text, length)


cdef uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t length) noexcept nogil:
    return active_kernels().crc32c(crc, data, length)
