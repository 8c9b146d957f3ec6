/*
 * json/program.h - all paths of a selection, merged into one tree of steps.
 *
 * A node stands for "the value that these steps lead to". A value of a document is at a set of
 * nodes at once when paths overlap (`$.a` and `$.*`); with names alone, the set has one node.
 */
#ifndef FC_JSON_PROGRAM_H
#define FC_JSON_PROGRAM_H

#include "base/arch.h"
#include "fastcore/json.h"

#define FC_NODES_MAX      4096  /* steps of all paths together */
#define FC_STEPS_MAX      64    /* of one path */
#define FC_NAME_BYTES_MAX 65535 /* of one step */

typedef struct fc_name_edge {
    uint64_t word;      /* the name and the quote after it, or the first 8 bytes of them */
    uint64_t keep;      /* which bits of `word` to compare */
    uint64_t last_word; /* the last 8 bytes of the name and its quote, where there are as many */
    const uint8_t *name;
    uint32_t bytes; /* of the name */
    uint32_t node;
    uint8_t pointer; /* of a JSON Pointer: a slice edge leads to the same node */
} fc_name_edge;

typedef struct fc_slice_edge {
    uint64_t start, stop, step;
    uint32_t node;
    uint8_t pointer; /* likewise: beside a name edge */
} fc_slice_edge;

typedef struct fc_node {
    fc_name_edge *names;
    fc_slice_edge *slices;
    uint32_t name_count, slice_count;
    uint32_t any;         /* node of every child; 0: none */
    uint32_t descent;     /* node that stands here and everywhere below; 0: none */
    uint8_t descends;     /* such a node: its children are at it too */
    uint64_t filter;      /* bit fc_name_hash() is set for each name */
    uint64_t elements;    /* no element from this index on leads on */
    uint32_t cells_below; /* that any node below reports to */
    uint32_t cell_count;
    uint32_t *cells; /* reports of the value at this node */
} fc_node;

struct fc_json_program {
    fc_node *nodes; /* nodes[0]: the record itself */
    uint32_t node_count;
    uint8_t *many; /* many[cell] */
    size_t cell_count;
    uint8_t has_many;
    uint8_t plain_names; /* every node has only names: sets of nodes are single nodes */
};

/* Of a key's raw text with its quote, by the first two bytes. */
static FC_ALWAYS_INLINE unsigned fc_name_hash(uint64_t word)
{
    return (unsigned)((uint32_t)(word & 0xFFFF) * 0x9E3779B1u >> 26);
}

#endif
