/* json/program.c - from steps to the tree: see program.h. */
#include "json/program.h"

#include <stdlib.h>
#include <string.h>

fc_json_program *fc_json_program_new(void)
{
    fc_json_program *program = calloc(1, sizeof *program);
    if (program == NULL)
        return NULL;
    program->nodes = calloc(1, sizeof *program->nodes);
    if (program->nodes == NULL) {
        free(program);
        return NULL;
    }
    program->node_count = 1;
    program->plain_names = 1;
    return program;
}

void fc_json_program_free(fc_json_program *program)
{
    if (program == NULL)
        return;
    for (uint32_t n = 0; n < program->node_count; n++) {
        fc_node *node = &program->nodes[n];
        for (uint32_t e = 0; e < node->name_count; e++)
            free((void *)node->names[e].name);
        free(node->names);
        free(node->slices);
        free(node->cells);
    }
    free(program->nodes);
    free(program->many);
    free(program);
}

/* A new node; 0 when there is no room. */
static uint32_t add_node(fc_json_program *program)
{
    fc_node *nodes;

    if (program->node_count >= FC_NODES_MAX)
        return 0;
    nodes = realloc(program->nodes, (program->node_count + 1) * sizeof *nodes);
    if (nodes == NULL)
        return 0;
    program->nodes = nodes;
    memset(&nodes[program->node_count], 0, sizeof *nodes);
    return program->node_count++;
}

/* An edge for a name; `pointer` keeps those of JSON Pointers, which lead elsewhere, apart. */
static uint32_t add_name(fc_json_program *program, uint32_t from, const fc_json_step_spec *step,
                         uint32_t to, int pointer)
{
    fc_node *const node = &program->nodes[from];
    fc_name_edge *edges, *edge;
    uint8_t *name;
    uint8_t head[8];
    size_t kept;

    edges = realloc(node->names, (node->name_count + 1) * sizeof *edges);
    if (edges == NULL)
        return 0;
    node->names = edges;
    name = malloc(step->name_bytes + 1);
    if (name == NULL)
        return 0;
    memcpy(name, step->name, step->name_bytes);
    name[step->name_bytes] = '"';
    kept = step->name_bytes + 1 < 8 ? step->name_bytes + 1 : 8;
    memset(head, 0, sizeof head);
    memcpy(head, name, kept);
    edge = &edges[node->name_count++];
    memcpy(&edge->word, head, 8);
    edge->keep = kept == 8 ? ~0ull : (1ull << 8 * kept) - 1;
    if (memchr(name, '\\', step->name_bytes) != NULL) {
        /* Written, it has escapes; as it is, its last backslash could take the quote of another
         * key for its own. Eight quotes begin no key. */
        memset(&edge->word, '"', 8);
        edge->keep = ~0ull;
    }
    if (step->name_bytes >= 7)
        memcpy(&edge->last_word, name + step->name_bytes - 7, 8);
    edge->name = name;
    edge->bytes = (uint32_t)step->name_bytes;
    edge->node = to;
    edge->pointer = (uint8_t)pointer;
    /* the byte after the quote of an empty name may be anything */
    node->filter |= step->name_bytes == 0 ? ~0ull : 1ull << fc_name_hash(edge->word);
    return to;
}

static uint32_t add_slice(fc_json_program *program, uint32_t from, const fc_json_step_spec *step,
                          uint32_t to, int pointer)
{
    fc_node *const node = &program->nodes[from];
    fc_slice_edge *const edges = realloc(node->slices, (node->slice_count + 1) * sizeof *edges);

    if (edges == NULL)
        return 0;
    node->slices = edges;
    edges[node->slice_count++] = (fc_slice_edge){
        .start = step->start,
        .stop = step->stop,
        .step = step->step,
        .node = to,
        .pointer = (uint8_t)pointer,
    };
    if (node->elements < step->stop)
        node->elements = step->stop;
    program->plain_names = 0;
    return to;
}

static uint32_t follow_name(fc_json_program *program, uint32_t from, const fc_json_step_spec *step)
{
    const int pointer = step->kind == FC_JSON_STEP_POINTER;
    const fc_node *const node = &program->nodes[from];
    uint32_t to;

    for (uint32_t e = 0; e < node->name_count; e++)
        if (node->names[e].bytes == step->name_bytes && node->names[e].pointer == pointer &&
            memcmp(node->names[e].name, step->name, step->name_bytes) == 0)
            return node->names[e].node;
    if (step->name_bytes > FC_NAME_BYTES_MAX || (to = add_node(program)) == 0)
        return 0;
    if (pointer && add_slice(program, from, step, to, 1) == 0)
        return 0;
    return add_name(program, from, step, to, pointer);
}

static uint32_t follow_slice(fc_json_program *program, uint32_t from, const fc_json_step_spec *step)
{
    const fc_node *const node = &program->nodes[from];
    uint32_t to;

    for (uint32_t e = 0; e < node->slice_count; e++)
        if (node->slices[e].start == step->start && node->slices[e].stop == step->stop &&
            node->slices[e].step == step->step && !node->slices[e].pointer)
            return node->slices[e].node;
    to = add_node(program);
    return to == 0 ? 0 : add_slice(program, from, step, to, 0);
}

/* Descending steps hang off a child of their own that is reached without a step. */
static uint32_t follow_any(fc_json_program *program, uint32_t from)
{
    if (program->nodes[from].any == 0) {
        const uint32_t to = add_node(program);
        if (to == 0)
            return 0;
        program->nodes[from].any = to;
        program->nodes[from].elements = UINT64_MAX;
    }
    program->plain_names = 0;
    return program->nodes[from].any;
}

static uint32_t follow_descent(fc_json_program *program, uint32_t from)
{
    if (program->nodes[from].descent == 0) {
        const uint32_t to = add_node(program);
        if (to == 0)
            return 0;
        program->nodes[to].descends = 1;
        program->nodes[to].elements = UINT64_MAX;
        program->nodes[from].descent = to;
    }
    program->plain_names = 0;
    return program->nodes[from].descent;
}

fc_status fc_json_program_add(fc_json_program *program, const fc_json_step_spec *steps,
                              size_t count, size_t cell, int many)
{
    uint32_t at = 0, *cells, passed[FC_STEPS_MAX + 1];
    fc_node *node;

    if (count > FC_STEPS_MAX)
        return FC_EINVAL;

    if (cell >= program->cell_count) {
        uint8_t *flags = realloc(program->many, cell + 1);
        if (flags == NULL)
            return FC_ENOMEM;
        memset(flags + program->cell_count, 0, cell + 1 - program->cell_count);
        program->many = flags;
        program->cell_count = cell + 1;
    }
    program->many[cell] = many != 0;
    program->has_many |= many != 0;
    for (size_t s = 0; s < count; s++) {
        passed[s] = at;
        if (steps[s].descend && (at = follow_descent(program, at)) == 0)
            return FC_EINVAL;
        if (steps[s].kind == FC_JSON_STEP_NAME || steps[s].kind == FC_JSON_STEP_POINTER)
            at = follow_name(program, at, &steps[s]);
        else if (steps[s].kind == FC_JSON_STEP_SLICE)
            at = follow_slice(program, at, &steps[s]);
        else
            at = follow_any(program, at);
        if (at == 0)
            return FC_EINVAL;
    }
    node = &program->nodes[at];
    for (uint32_t c = 0; c < node->cell_count; c++)
        if (node->cells[c] == cell)
            return FC_OK;
    cells = realloc(node->cells, (node->cell_count + 1) * sizeof *cells);
    if (cells == NULL)
        return FC_ENOMEM;
    node->cells = cells;
    cells[node->cell_count++] = (uint32_t)cell;
    for (size_t s = 0; s < count; s++)
        program->nodes[passed[s]].cells_below++;
    return FC_OK;
}
