/*
 * json/walk.inc.h - see walk.h; compiled once per engine.
 *
 * An object is walked member by member: from the key's quote, one scan of the masks finds the
 * comma or bracket that ends the member or opens a container; commas and brackets in strings
 * are in no mask. A key is compared as one 8-byte word with its closing quote, which can match
 * only a key without escapes; a key with a backslash is unescaped first. Containers that no
 * path enters are passed over by fc_closing(). Once every cell below an object is filled, the
 * rest of it is passed over too.
 */
static FC_ALWAYS_INLINE size_t skip_space(const uint8_t *text, size_t at)
{
    while (FC_UNLIKELY(text[at] <= ' ') && fc_is_space(text[at]))
        at++;
    return at;
}

static int reserve_match(fc_walker *walker)
{
    const size_t capacity = walker->match_capacity < 16 ? 16 : walker->match_capacity * 2;
    fc_json_cell *matches;
    uint32_t *cell_of;

    if (walker->match_count < walker->match_capacity)
        return 1;
    matches = realloc(walker->matches, capacity * sizeof *matches);
    if (matches == NULL)
        return 0;
    walker->matches = matches;
    cell_of = realloc(walker->cell_of, capacity * sizeof *cell_of);
    if (cell_of == NULL)
        return 0;
    walker->cell_of = cell_of;
    walker->match_capacity = capacity;
    return 1;
}

/* A `many` cell has this value already: paths that overlap may report to one cell. */
static int is_match(const fc_walker *walker, uint32_t cell, const uint8_t *text)
{
    for (size_t m = walker->match_count; m-- > 0 && walker->matches[m].text == text;)
        if (walker->cell_of[m] == cell)
            return 1;
    return 0;
}

/* Tell the cells of `node` of a value. 0 when memory runs out. */
static int report_all(fc_walker *walker, const fc_node *node, fc_json_cell value)
{
    for (uint32_t c = 0; c < node->cell_count; c++) {
        const uint32_t cell = node->cells[c];
        if (walker->program->many[cell]) {
            if (is_match(walker, cell, value.text))
                continue;
            if (!reserve_match(walker))
                return 0;
            walker->cell_of[walker->match_count] = cell;
            walker->matches[walker->match_count++] = value;
        } else if (walker->cells[cell].kind == FC_JSON_MISSING) {
            walker->cells[cell] = value;
            walker->found++;
        }
    }
    return 1;
}

static FC_ALWAYS_INLINE int report(fc_walker *walker, const fc_node *node, fc_json_cell value)
{
    if (FC_LIKELY(node->cell_count == 1 && !walker->program->has_many)) {
        fc_json_cell *const cell = &walker->cells[node->cells[0]];
        if (cell->kind == FC_JSON_MISSING) {
            *cell = value;
            walker->found++;
        }
        return 1;
    }
    return report_all(walker, node, value);
}

static uint8_t kind_of(uint8_t first)
{
    static const uint8_t kinds[256] = {
        ['{'] = FC_JSON_OBJECT, ['['] = FC_JSON_ARRAY, ['"'] = FC_JSON_STRING,
        ['t'] = FC_JSON_TRUE,   ['f'] = FC_JSON_FALSE, ['n'] = FC_JSON_NULL,
    };
    const uint8_t kind = kinds[first];
    return kind == 0 ? FC_JSON_NUMBER : kind;
}

/* The value that starts at `at`. Returns the offset of the token behind it, or FC_NOWHERE. */
static FC_ALWAYS_INLINE size_t locate(const uint8_t *text, const fc_json_block *blocks,
                                      size_t limit, size_t at, fc_json_cell *value)
{
    size_t stop, open = 1;

    value->kind = kind_of(text[at]);
    value->escaped = 0;
    value->text = text + at;
    if (value->kind == FC_JSON_STRING) {
        stop = fc_next(blocks, limit, at + 1, FC_AT_QUOTE);
        if (FC_UNLIKELY(stop == FC_NOWHERE))
            return stop;
        value->text++;
        value->length = stop - at - 1;
        value->escaped = (uint8_t)fc_has_backslash(blocks, at, stop);
        return skip_space(text, stop + 1);
    }
    if (value->kind == FC_JSON_OBJECT || value->kind == FC_JSON_ARRAY) {
        stop = fc_closing(blocks, limit, at + 1, &open);
        if (FC_UNLIKELY(stop == FC_NOWHERE))
            return stop;
        value->length = stop + 1 - at;
        return skip_space(text, stop + 1);
    }
    stop = fc_next(blocks, limit, at, FC_AT_COMMA | FC_AT_OPEN | FC_AT_CLOSE);
    if (FC_UNLIKELY(stop == FC_NOWHERE))
        return stop;
    value->length = stop - at;
    while (value->length > 0 && fc_is_space(value->text[value->length - 1]))
        value->length--;
    return stop;
}

/* The edge of `node` for the key whose raw text starts at `key`, or NULL. */
static FC_ALWAYS_INLINE const fc_name_edge *match_name(const fc_node *node, const uint8_t *key,
                                                       size_t left)
{
    const uint64_t word = fc_load_le64(key);

    if ((node->filter >> fc_name_hash(word) & 1) == 0)
        return NULL;
    for (uint32_t e = 0; e < node->name_count; e++) {
        const fc_name_edge *const edge = &node->names[e];
        if (((word ^ edge->word) & edge->keep) == 0 &&
            (edge->bytes < 8 ||
             (edge->bytes < left && fc_load_le64(key + edge->bytes - 7) == edge->last_word &&
              (edge->bytes < 16 || memcmp(key + 8, edge->name + 8, edge->bytes - 15) == 0))))
            return edge;
    }
    return NULL;
}

/* The same for a key text[from .. to) that holds escapes. */
static const fc_name_edge *match_escaped(const fc_node *node, const uint8_t *key, size_t length)
{
    const fc_name_edge *found = NULL;
    uint8_t near[256], *plain = near;
    size_t bytes;

    if (length > 6 * (size_t)FC_NAME_BYTES_MAX)
        return NULL;
    if (length > sizeof near && (plain = malloc(length)) == NULL)
        return NULL;
    bytes = fc_json_unescape(key, length, plain);
    for (uint32_t e = 0; e < node->name_count && found == NULL; e++)
        if (node->names[e].bytes == bytes && memcmp(node->names[e].name, plain, bytes) == 0)
            found = &node->names[e];
    if (plain != near)
        free(plain);
    return found;
}

static fc_json_cell FC_SYM(whole_value)(const uint8_t *text, const fc_json_block *blocks,
                                        size_t start, size_t end)
{
    fc_json_cell value = {text + start, end - start, kind_of(text[start]), 0};

    if (value.kind == FC_JSON_STRING) {
        value.text++;
        value.length -= 2;
        value.escaped = (uint8_t)fc_has_backslash(blocks, start, end);
    }
    return value;
}

#include "json/walk_sets.inc.h"

static fc_walked walk_names(fc_walker *walker, const uint8_t *text, const fc_json_block *blocks,
                            size_t limit, size_t start, size_t end)
{
    const fc_json_program *const program = walker->program;
    const fc_node *node = &program->nodes[0];
    size_t depth = 0, at = start + 1;

    walker->frames[0].node = 0;
    walker->frames[0].found_then = walker->found; /* the record itself may be a cell */
    for (;;) {
        /* `at` is behind { or , */
        const fc_name_edge *edge;
        size_t key, stop;

        at = skip_space(text, at);
        if (FC_UNLIKELY(text[at] != '"')) {
            if (text[at] != '}')
                return FC_WALK_BAD;
            stop = at;
            goto closed;
        }
        key = at + 1;
        edge = match_name(node, text + key, end - key);
        if (edge == NULL) {
            stop = fc_next(blocks, limit, key, FC_AT_COMMA | FC_AT_OPEN | FC_AT_CLOSE);
            if (FC_UNLIKELY(stop >= end))
                return FC_WALK_BAD;
            if (FC_UNLIKELY(fc_has_backslash(blocks, key, stop))) {
                const size_t quote = fc_next(blocks, limit, key, FC_AT_QUOTE);
                if (quote >= end)
                    return FC_WALK_BAD;
                if (fc_has_backslash(blocks, key, quote)) {
                    edge = match_escaped(node, text + key, quote - key);
                    at = quote + 1;
                }
            }
        } else {
            at = key + edge->bytes + 1;
        }

        if (edge != NULL) {
            const fc_node *const next = &program->nodes[edge->node];
            fc_json_cell value;

            at = skip_space(text, at);
            if (FC_UNLIKELY(text[at] != ':'))
                return FC_WALK_BAD;
            at = skip_space(text, at + 1);
            if (text[at] == '{' && next->name_count > 0) {
                if (next->cell_count > 0) {
                    if (locate(text, blocks, limit, at, &value) >= end)
                        return FC_WALK_BAD;
                    if (!report(walker, next, value))
                        return FC_WALK_NOMEM;
                }
                walker->frames[++depth].node = edge->node;
                walker->frames[depth].found_then = walker->found;
                node = next;
                at++;
                continue;
            }
            stop = locate(text, blocks, limit, at, &value);
            if (FC_UNLIKELY(stop >= end))
                return FC_WALK_BAD;
            if (!report(walker, next, value))
                return FC_WALK_NOMEM;
            if (walker->found - walker->frames[depth].found_then == node->cells_below) {
                size_t open = 1;
                if (depth == 0)
                    return FC_WALKED;
                stop = fc_closing(blocks, limit, stop, &open);
                if (FC_UNLIKELY(stop >= end))
                    return FC_WALK_BAD;
            }
        } else if (text[stop] == '{' || text[stop] == '[') {
            size_t open = 1;
            stop = fc_closing(blocks, limit, stop + 1, &open);
            if (FC_UNLIKELY(stop >= end))
                return FC_WALK_BAD;
            stop = skip_space(text, stop + 1);
        }

        /* `stop` is what follows a value */
        for (;;) {
            if (text[stop] == ',') {
                at = stop + 1;
                break;
            }
            if (FC_UNLIKELY(text[stop] != '}'))
                return FC_WALK_BAD;
        closed:
            if (depth == 0)
                return stop + 1 == end ? FC_WALKED : FC_WALK_BAD;
            node = &program->nodes[walker->frames[--depth].node];
            stop = skip_space(text, stop + 1);
        }
    }
}

static fc_walked FC_SYM(walk)(fc_walker *walker, const uint8_t *text, const fc_json_block *blocks,
                              size_t limit, size_t start, size_t end)
{
    const fc_node *const top = &walker->program->nodes[0];

    for (size_t c = 0; c < walker->cell_count; c++)
        walker->cells[c].kind = FC_JSON_MISSING;
    walker->found = 0;
    walker->match_count = 0;
    if (!walker->program->plain_names)
        return walk_sets(walker, text, blocks, limit, start, end);
    if (top->cell_count > 0 && !report(walker, top, FC_SYM(whole_value)(text, blocks, start, end)))
        return FC_WALK_NOMEM;
    if (text[start] != '{' || top->name_count == 0)
        return FC_WALKED;
    return walk_names(walker, text, blocks, limit, start, end);
}
