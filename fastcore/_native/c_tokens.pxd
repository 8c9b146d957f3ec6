# The tokenizer of the core, as Cython sees it, and what json_events.h makes of its tokens.
from cpython.object cimport PyObject
from libc.stddef cimport size_t
from libc.stdint cimport uint8_t

from fastcore._native.c cimport fc_kernels
from fastcore._native.c_json cimport fc_json_fault

cdef extern from "fastcore/tokens.h" nogil:
    ctypedef struct fc_tokens:
        pass
    ctypedef struct fc_tokens_options:
        size_t depth_max
        size_t token_bytes_max
        size_t values_min
        int multiple
        int comments
        int lone_surrogates
    fc_tokens *fc_tokens_new(const fc_kernels *kernels, const fc_tokens_options *options)
    void fc_tokens_feed(fc_tokens *tokens, const uint8_t *chunk, size_t length)
    void fc_tokens_finish(fc_tokens *tokens)
    const fc_json_fault *fc_tokens_fault(const fc_tokens *tokens)
    int fc_tokens_truncated(const fc_tokens *tokens)

cdef extern from "json_events.h":
    ctypedef enum fc_events_result:
        FC_EVENTS_GOT
        FC_EVENTS_MORE
        FC_EVENTS_BAD
        FC_EVENTS_RAISED
    ctypedef struct fc_events:
        fc_tokens *tokens
        int busy
    bint fc_events_open(fc_events *e, fc_tokens *tokens, int mode, int surrogates,
                        PyObject *prefix, PyObject *decimal, PyObject *map_type) except 0
    void fc_events_close(fc_events *e)
    fc_events_result fc_events_next(fc_events *e, PyObject **event)
