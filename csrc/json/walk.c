/* json/walk.c - what walk.inc.h works on. */
#include "json/walk.h"

#include <stdlib.h>
#include <string.h>

fc_status fc_walker_init(fc_walker *walker, const fc_json_program *program, size_t cell_count,
                         size_t depth_max)
{
    memset(walker, 0, sizeof *walker);
    walker->program = program;
    walker->cell_count = cell_count;
    walker->frame_capacity = FC_STEPS_MAX + 1;
    walker->cells = calloc(cell_count + 1, sizeof *walker->cells);
    walker->frames = malloc(walker->frame_capacity * sizeof *walker->frames);
    walker->depth_max = depth_max;
    if (walker->cells == NULL || walker->frames == NULL)
        return FC_ENOMEM;
    return fc_sets_init(&walker->sets, program);
}

void fc_walker_destroy(fc_walker *walker)
{
    free(walker->cells);
    free(walker->frames);
    free(walker->matches);
    free(walker->cell_of);
    free(walker->open);
    fc_sets_destroy(&walker->sets);
}
