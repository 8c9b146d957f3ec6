/*
 * json/engine.h - the loops over block masks, compiled for more than one instruction set.
 *
 * They are plain C on 64-bit words, but live on counting bits, which costs a dozen instructions
 * on the x86-64 that compilers assume, and one on those that the vector kernels ask for anyway.
 */
#ifndef FC_JSON_ENGINE_H
#define FC_JSON_ENGINE_H

#include "json/reader.h"

typedef struct fc_json_engine {
    /*
     * Check blocks [first, end); text[0 .. length) may be looked at, and text[length .. length + 8)
     * read. Returns the offset of something wrong or just past it, or FC_NOWHERE. `flags` are those
     * of json_blocks for these blocks; `complete` says that nothing follows text[0 .. length).
     */
    size_t (*check)(fc_checker *checker, const uint8_t *text, size_t length,
                    const fc_json_block *blocks, size_t first, size_t end, unsigned flags,
                    int complete);

    /* Find the next record by blocks[0 .. limit). 1: [start, end); 0: more first; -1: `wrong`. */
    int (*find_record)(fc_json_reader *reader, size_t limit);

    /* The same where the reader has a root. -2: no memory. */
    int (*find_rooted)(fc_json_reader *reader, size_t limit);

    /*
     * Fill the cells from the record text[start .. end), a whole value by its brackets and
     * quotes, over masks blocks[0 .. limit) that cover it.
     */
    fc_walked (*walk)(fc_walker *walker, const uint8_t *text, const fc_json_block *blocks,
                      size_t limit, size_t start, size_t end);

    /* The cell of the value text[start .. end). */
    fc_json_cell (*whole_value)(const uint8_t *text, const fc_json_block *blocks, size_t start,
                                size_t end);
} fc_json_engine;

extern const fc_json_engine fc_json_engine_plain;
#if FC_ARCH_X86_64
extern const fc_json_engine fc_json_engine_bmi2;
#endif

#endif
