# The core's shared headers, as Cython sees them: status, features, kernels.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "fastcore/status.h" nogil:
    ctypedef enum fc_status:
        FC_OK
        FC_ENOMEM
        FC_EINVAL
        FC_ELIMIT
        FC_EIO
        FC_EJSON
        FC_EWAL_CORRUPT
        FC_EWAL_LOCKED
        FC_EWAL_READONLY
        FC_EWAL_TRUNCATED
        FC_ECLOSED
    ctypedef struct fc_error:
        fc_status status
        int os_errno
        uint64_t offset
        uint64_t segment
        uint64_t sequence
        char message[240]

cdef extern from "cpu/cpu.h" nogil:
    uint32_t fc_cpu_features()
    unsigned fc_cpu_sve_bits()
    size_t fc_cpu_feature_names(const char **out, size_t capacity)
    enum:
        FC_CPU_BRAND_BYTES
    const char *fc_cpu_arch()
    void fc_cpu_brand(char *out)

cdef extern from "base/byteset.h" nogil:
    ctypedef struct fc_byteset:
        uint8_t member[256]
        uint32_t count
    void fc_byteset_make(fc_byteset *set, const uint8_t *bytes, size_t count)

cdef extern from "kernels/kernels.h" nogil:
    const size_t FC_OFFSETS_SLACK
    ctypedef struct fc_json_block:
        uint64_t quote
        uint64_t string
        uint64_t backslash
        uint64_t open
        uint64_t close
        uint64_t comma
        uint64_t colon
        uint64_t scalar
    ctypedef struct fc_json_carry:
        uint64_t escape
        uint64_t string
        uint64_t scalar
    ctypedef struct fc_kernels:
        const char *isa
        size_t (*find_byte)(const uint8_t *text, size_t length, uint8_t byte) noexcept nogil
        size_t (*find_any)(const uint8_t *text, size_t length, const fc_byteset *set) noexcept nogil
        size_t (*count_byte)(const uint8_t *text, size_t length, uint8_t byte) noexcept nogil
        size_t (*offsets_byte)(const uint8_t *text, size_t length, uint8_t byte, int64_t base,
                               int64_t *out, size_t capacity, size_t *consumed) noexcept nogil
        size_t (*offsets_any)(const uint8_t *text, size_t length, const fc_byteset *set,
                              int64_t base, int64_t *out, size_t capacity,
                              size_t *consumed) noexcept nogil
        unsigned (*json_blocks)(const uint8_t *text, size_t blocks, fc_json_carry *carry,
                                fc_json_block *out) noexcept nogil
        size_t (*utf8_count)(const uint8_t *text, size_t length) noexcept nogil
        size_t (*utf8_prefix)(const uint8_t *text, size_t length) noexcept nogil
        uint32_t (*crc32c)(uint32_t crc, const uint8_t *data, size_t length) noexcept nogil
    size_t fc_kernel_names(const char **out, size_t capacity)
    ctypedef struct fc_isa:
        const char *name
        const char *architecture
    size_t fc_isa_every(fc_isa *out, size_t capacity)

cdef extern from "fastcore/kernels.h" nogil:
    size_t fc_kernels_available(const fc_kernels **out, size_t capacity)
    const fc_kernels *fc_kernels_best()
