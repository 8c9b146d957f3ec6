from fastcore._native.c cimport fc_kernels

# The table in use. Objects take it once, when they are made, and keep it.
cdef const fc_kernels *active_kernels() noexcept nogil
