# fastcore/text.h, as Cython sees it.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastcore._native.c cimport fc_error, fc_kernels, fc_status

cdef extern from "fastcore/text.h" nogil:
    ctypedef enum fc_match_kind:
        FC_LEFTMOST_LONGEST
        FC_LEFTMOST_FIRST
        FC_OVERLAPPING
    ctypedef struct fc_matcher_options:
        fc_match_kind kind
        int fold_ascii
        int whole_words
        int unicode
    ctypedef struct fc_matcher:
        pass
    ctypedef struct fc_matches:
        uint32_t *pattern
        int64_t *start
        int64_t *end
        int64_t *row
    ctypedef struct fc_match_list:
        fc_matches at
        size_t count
        size_t capacity
    ctypedef struct fc_cursor:
        pass
    ctypedef struct fc_points:
        size_t at
        int64_t points
    ctypedef struct fc_prefixes:
        pass
    ctypedef struct fc_lines:
        int64_t *number
        int64_t *start
        int64_t *end
        size_t count
        size_t capacity

    fc_status fc_matcher_create(fc_matcher **out, const uint8_t *bytes, const uint64_t *offsets,
                                size_t count, const fc_matcher_options *options,
                                const fc_kernels *kernels, fc_error *error)
    void fc_matcher_destroy(fc_matcher *matcher)
    size_t fc_matcher_bytes(const fc_matcher *matcher)
    const char *fc_matcher_kernel(const fc_matcher *matcher)
    size_t fc_matcher_longest(const fc_matcher *matcher)

    void fc_cursor_open(fc_cursor *cursor, const fc_matcher *matcher, const uint8_t *text,
                        size_t length)
    fc_status fc_cursor_next(fc_cursor *cursor, const fc_matches *out, size_t capacity,
                             size_t *count)
    void fc_cursor_close(fc_cursor *cursor)

    int fc_matcher_contains(const fc_matcher *matcher, const uint8_t *text, size_t length)
    fc_status fc_matcher_find_all(const fc_matcher *matcher, const uint8_t *text, size_t length,
                                  const int64_t *rows, size_t row_count, fc_match_list *out)
    void fc_match_list_free(fc_match_list *list)
    fc_status fc_matcher_find_from(const fc_matcher *matcher, const uint8_t *text, size_t length,
                                   size_t floor, fc_match_list *out)
    fc_status fc_matcher_count(const fc_matcher *matcher, const uint8_t *text, size_t length,
                               const int64_t *rows, size_t row_count, int64_t *counts,
                               int64_t *total)
    fc_status fc_matcher_contains_rows(const fc_matcher *matcher, const uint8_t *text,
                                       size_t length, const int64_t *rows, size_t row_count,
                                       uint8_t *contains)
    void fc_matches_to_points(const fc_matcher *matcher, const uint8_t *text, fc_points *points,
                              const fc_matches *matches, size_t count)
    void fc_matches_to_rows(const fc_matcher *matcher, const uint8_t *text, const int64_t *rows,
                            const fc_matches *matches, size_t count, int in_points)
    size_t fc_fold_utf8(const uint8_t *text, size_t length, uint8_t *out)
    size_t fc_fold_bytes_max(size_t length)
    size_t fc_utf8_of_units1(const uint8_t *units, size_t count, uint8_t *out)
    size_t fc_utf8_of_units2(const uint16_t *units, size_t count, uint8_t *out)

    void fc_lines_open(fc_lines *lines, const fc_matcher *matcher, int invert, int fold_unicode)
    fc_status fc_lines_feed(fc_lines *lines, const uint8_t *text, size_t length, int last,
                            size_t *consumed)
    void fc_lines_close(fc_lines *lines)

    fc_status fc_prefixes_create(fc_prefixes **out, const uint8_t *bytes, const uint64_t *offsets,
                                 size_t count, int fold_ascii, fc_error *error)
    void fc_prefixes_destroy(fc_prefixes *prefixes)
    size_t fc_prefixes_bytes(const fc_prefixes *prefixes)
    int64_t fc_prefixes_longest(const fc_prefixes *prefixes, const uint8_t *text, size_t length)
    int64_t fc_prefixes_next(const fc_prefixes *prefixes, int64_t prefix)
