/* json/sets.c - steps from set to set: see sets.h. */
#include "json/sets.h"

#include <stdlib.h>
#include <string.h>

fc_status fc_sets_init(fc_sets *sets, const fc_json_program *program)
{
    memset(sets, 0, sizeof *sets);
    sets->program = program;
    sets->capacity = 4 * (size_t)program->node_count + 64;
    sets->nodes = malloc(sets->capacity * sizeof *sets->nodes);
    sets->stamps = calloc(program->node_count + 1, sizeof *sets->stamps);
    return sets->nodes == NULL || sets->stamps == NULL ? FC_ENOMEM : FC_OK;
}

void fc_sets_destroy(fc_sets *sets)
{
    free(sets->nodes);
    free(sets->stamps);
}

/* Add a node, and what stands wherever it stands, to the set that begins at `first`. */
static void add(fc_sets *sets, size_t first, uint32_t node)
{
    do {
        if (sets->stamps[node] == sets->stamp)
            return;
        sets->stamps[node] = sets->stamp;
        sets->nodes[first + sets->made++] = node;
        node = sets->program->nodes[node].descent;
    } while (node != 0);
}

/* Begin a set at `first`; 0 when there is no room for it. */
static int begin(fc_sets *sets, size_t first)
{
    const size_t need = first + sets->program->node_count;

    sets->stamp++;
    sets->made = 0;
    if (need > sets->capacity) {
        uint32_t *const nodes = realloc(sets->nodes, 2 * need * sizeof *nodes);
        if (nodes == NULL)
            return 0;
        sets->nodes = nodes;
        sets->capacity = 2 * need;
    }
    return 1;
}

size_t fc_sets_start(fc_sets *sets)
{
    (void)begin(sets, 0); /* there is always room for one */
    add(sets, 0, 0);
    return sets->made;
}

size_t fc_sets_element(fc_sets *sets, size_t first, size_t count, uint64_t index)
{
    const size_t child = first + count;

    if (!begin(sets, child))
        return FC_SETS_NOMEM;
    for (size_t i = first; i < child; i++) {
        const uint32_t n = sets->nodes[i];
        const fc_node *const node = &sets->program->nodes[n];
        if (node->descends)
            add(sets, child, n);
        if (node->any != 0)
            add(sets, child, node->any);
        for (uint32_t e = 0; e < node->slice_count; e++) {
            const fc_slice_edge *const edge = &node->slices[e];
            if (index >= edge->start && index < edge->stop &&
                (index - edge->start) % edge->step == 0)
                add(sets, child, edge->node);
        }
    }
    return sets->made;
}

/* The name `key` with its escapes resolved: in `room`, or in memory to free. NULL: no memory. */
static uint8_t *plain_key(const uint8_t *key, size_t length, uint8_t *room, size_t room_bytes,
                          size_t *bytes)
{
    uint8_t *const plain = length <= room_bytes ? room : malloc(length);
    if (plain != NULL)
        *bytes = fc_json_unescape(key, length, plain);
    return plain;
}

size_t fc_sets_member(fc_sets *sets, size_t first, size_t count, const uint8_t *key, size_t length,
                      int escaped)
{
    const size_t child = first + count;
    uint8_t room[256], *plain = NULL;

    if (!begin(sets, child))
        return FC_SETS_NOMEM;
    if (escaped && length <= 6 * (size_t)FC_NAME_BYTES_MAX) {
        plain = plain_key(key, length, room, sizeof room, &length);
        if (plain == NULL)
            return FC_SETS_NOMEM;
        key = plain;
    }
    for (size_t i = first; i < child; i++) {
        const uint32_t n = sets->nodes[i];
        const fc_node *const node = &sets->program->nodes[n];
        if (node->descends)
            add(sets, child, n);
        if (node->any != 0)
            add(sets, child, node->any);
        for (uint32_t e = 0; e < node->name_count; e++)
            if (node->names[e].bytes == length && memcmp(node->names[e].name, key, length) == 0)
                add(sets, child, node->names[e].node);
    }
    if (plain != room)
        free(plain);
    return sets->made;
}

int fc_sets_enter_object(const fc_sets *sets, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        const fc_node *const node = &sets->program->nodes[sets->nodes[i]];
        if (node->name_count > 0 || node->any != 0 || node->descends)
            return 1;
    }
    return 0;
}

uint64_t fc_sets_elements(const fc_sets *sets, size_t first, size_t count)
{
    uint64_t elements = 0;
    for (size_t i = first; i < first + count; i++) {
        const fc_node *const node = &sets->program->nodes[sets->nodes[i]];
        if (elements < node->elements)
            elements = node->elements;
    }
    return elements;
}
