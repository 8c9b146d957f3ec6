/*
 * json/walk.h - from one record to its cells: the path program run over block masks.
 */
#ifndef FC_JSON_WALK_H
#define FC_JSON_WALK_H

#include "kernels/kernels.h"
#include "json/sets.h"

typedef struct fc_walk_frame {
    uint32_t node;       /* of the object being walked */
    uint32_t found_then; /* cells found when it was entered */
} fc_walk_frame;

/* A container that is being walked, where values are at sets of nodes. */
typedef struct fc_walk_open {
    size_t start; /* of its text */
    size_t set, set_count;
    size_t match, match_count; /* that are the container itself, and get their length at its end */
    uint64_t index, elements;  /* of the next element; of those that may lead on */
    uint8_t reported;          /* some cell is the container */
} fc_walk_open;

typedef struct fc_walker {
    const fc_json_program *program;
    fc_json_cell *cells;
    size_t cell_count;
    uint32_t found; /* cells filled in this record */
    fc_walk_frame *frames;
    size_t frame_capacity;

    fc_json_cell *matches; /* of `many` cells */
    uint32_t *cell_of;
    size_t match_count, match_capacity;

    fc_sets sets;
    fc_walk_open *open;
    size_t open_capacity, depth_max;
} fc_walker;

typedef enum fc_walked {
    FC_WALKED,
    FC_WALK_BAD, /* not JSON after all: only where nothing has checked it before */
    FC_WALK_NOMEM,
} fc_walked;

fc_status fc_walker_init(fc_walker *walker, const fc_json_program *program, size_t cell_count,
                         size_t depth_max);
void fc_walker_destroy(fc_walker *walker);

#endif
