# The kernels, for the Cython code of other projects:
#
#     from fastcore.capi cimport crc32c
#
# An installed fastcore is all this needs, when the code is compiled and when it runs: no header, no
# library to link. Functions use the instruction set in use at the time, as fastcore.cpu says. They
# may be called from any thread, without the GIL, on memory that nobody writes meanwhile.
#
# A function that is here keeps its name, its arguments and its meaning within a major version;
# Cython compares the types when the importing module is loaded (docs/howto/embed.md).
from libc.stdint cimport uint8_t, uint32_t

# Offset of the first `byte` in text[0 .. length), or `length`.
cdef size_t find_byte(const uint8_t *text, size_t length, uint8_t byte) noexcept nogil

# How many bytes of the text equal `byte`.
cdef size_t count_byte(const uint8_t *text, size_t length, uint8_t byte) noexcept nogil

# Length of the longest prefix that is well-formed UTF-8: `length`, or where it first goes wrong.
cdef size_t utf8_prefix(const uint8_t *text, size_t length) noexcept nogil

# How many code points start in text[0 .. length), which is UTF-8.
cdef size_t utf8_count(const uint8_t *text, size_t length) noexcept nogil

# CRC-32C (RFC 3720, B.4) of what gave `crc` and of data[0 .. length): start with 0.
cdef uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t length) noexcept nogil
