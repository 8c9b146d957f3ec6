/*
 * json/walk.h - from one record to its cells: the path program run over block masks.
 */
#ifndef FC_JSON_WALK_H
#define FC_JSON_WALK_H

#include "kernels/kernels.h"
#include "json/program.h"

typedef struct fc_walk_frame {
    uint32_t node;       /* of the object being walked */
    uint32_t found_then; /* cells found when it was entered */
} fc_walk_frame;

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
} fc_walker;

typedef enum fc_walked {
    FC_WALKED,
    FC_WALK_BAD, /* not JSON after all: only where nothing has checked it before */
    FC_WALK_NOMEM,
} fc_walked;

fc_status fc_walker_init(fc_walker *walker, const fc_json_program *program, size_t cell_count);
void fc_walker_destroy(fc_walker *walker);

#endif
