/*
 * json/sets.h - which nodes of a program a value is at, when paths overlap.
 *
 * The sets of a value and of the containers around it lie one on top of the other on one stack.
 * A set holds each node once, so that a step costs no more than the program is long, whatever
 * the text: wildcards and descendants do not multiply.
 */
#ifndef FC_JSON_SETS_H
#define FC_JSON_SETS_H

#include "fastcore/status.h"
#include "json/program.h"

typedef struct fc_sets {
    const fc_json_program *program;
    uint32_t *nodes;
    size_t capacity;
    uint64_t *stamps; /* stamps[node] == stamp: it is in the set being made */
    uint64_t stamp;
    size_t made; /* nodes in it so far */
} fc_sets;

fc_status fc_sets_init(fc_sets *sets, const fc_json_program *program);
void fc_sets_destroy(fc_sets *sets);

/* Make the set of the outermost value at nodes[0]. Returns its size. */
size_t fc_sets_start(fc_sets *sets);

/*
 * From the set nodes[first .. first + count) of a container make that of a child, just behind it.
 * Returns its size; FC_SETS_NOMEM when there is no room. Of a key, the raw text between its quotes.
 */
#define FC_SETS_NOMEM ((size_t)-1)
size_t fc_sets_member(fc_sets *sets, size_t first, size_t count, const uint8_t *key, size_t length,
                      int escaped);
size_t fc_sets_element(fc_sets *sets, size_t first, size_t count, uint64_t index);

/* Whether any member of an object, and which elements of an array at most, lead on. */
int fc_sets_enter_object(const fc_sets *sets, size_t first, size_t count);
uint64_t fc_sets_elements(const fc_sets *sets, size_t first, size_t count);

#endif
