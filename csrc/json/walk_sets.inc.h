/*
 * json/walk_sets.inc.h - the walk where paths have wildcards, elements or descendants; compiled
 * once per engine, between the parts of walk.inc.h.
 *
 * Every value that some path may lead to or through has a set of nodes (sets.h); a value whose set
 * is empty is passed over by the masks. A container is told to its cells when it opens, so that
 * matches come in the order of the document, and gets its length when it closes.
 */
static fc_walk_open *push_open(fc_walker *walker, size_t depth)
{
    if (depth == walker->open_capacity) {
        const size_t capacity = depth == 0 ? 32 : depth * 2;
        fc_walk_open *const open = realloc(walker->open, capacity * sizeof *open);
        if (open == NULL)
            return NULL;
        walker->open = open;
        walker->open_capacity = capacity;
    }
    return &walker->open[depth];
}

static int report_set(fc_walker *walker, size_t set, size_t count, fc_json_cell value)
{
    for (size_t i = set; i < set + count; i++)
        if (!report(walker, &walker->program->nodes[walker->sets.nodes[i]], value))
            return 0;
    return 1;
}

/* The container `open` ends before text[stop]: its cells get their length. */
static void set_length(fc_walker *walker, const fc_walk_open *open, const uint8_t *text,
                       size_t stop)
{
    const size_t length = stop - open->start;

    for (size_t m = open->match; m < open->match + open->match_count; m++)
        walker->matches[m].length = length;
    for (size_t i = open->set; i < open->set + open->set_count; i++) {
        const fc_node *const node = &walker->program->nodes[walker->sets.nodes[i]];
        for (uint32_t c = 0; c < node->cell_count; c++) {
            fc_json_cell *const cell = &walker->cells[node->cells[c]];
            if (cell->kind >= FC_JSON_ARRAY && cell->text == text + open->start)
                cell->length = length;
        }
    }
}

static fc_walked walk_sets(fc_walker *walker, const uint8_t *text, const fc_json_block *blocks,
                           size_t limit, size_t start, size_t end)
{
    fc_sets *const sets = &walker->sets;
    size_t depth = 0, pending = 0, set = 0, count = fc_sets_start(sets), at = start, stop;
    fc_walk_open *open;
    fc_json_cell value;

    for (;;) {
        /* a value starts at `at`, of the set [set, set + count) */
        if (count > 0 &&
            (text[at] == '{' ? fc_sets_enter_object(sets, set, count)
                             : text[at] == '[' && fc_sets_elements(sets, set, count) > 0)) {
            const uint32_t found = walker->found;
            if (depth == walker->depth_max)
                return FC_WALK_BAD;
            open = push_open(walker, depth++);
            if (open == NULL)
                return FC_WALK_NOMEM;
            open->start = at;
            open->set = set;
            open->set_count = count;
            open->match = walker->match_count;
            open->index = 0;
            open->elements = text[at] == '[' ? fc_sets_elements(sets, set, count) : 0;
            value = (fc_json_cell){text + at, 1, kind_of(text[at]), 0};
            if (!report_set(walker, set, count, value))
                return FC_WALK_NOMEM;
            open->match_count = walker->match_count - open->match;
            open->reported = walker->found > found || open->match_count > 0;
            pending += open->reported;
            stop = at;
        } else if (depth == 0) {
            value = FC_SYM(whole_value)(text, blocks, start, end);
            return report_set(walker, set, count, value) ? FC_WALKED : FC_WALK_NOMEM;
        } else {
            stop = locate(text, blocks, limit, at, &value);
            if (FC_UNLIKELY(stop >= end))
                return FC_WALK_BAD;
            if (count > 0 && !report_set(walker, set, count, value))
                return FC_WALK_NOMEM;
        }

        /* `stop` is an opening bracket, or what follows a value in the innermost container */
        for (;;) {
            const int first = stop == walker->open[depth - 1].start;
            open = &walker->open[depth - 1];
            at = stop;
            if (first || text[stop] == ',') {
                if (pending == 0 && walker->found == walker->cell_count &&
                    !walker->program->has_many)
                    return FC_WALKED;
                at = skip_space(text, stop + 1);
                if (text[at] != text[open->start] + 2) {
                    if (text[open->start] == '{' || open->index < open->elements)
                        break;
                    size_t level = 1;
                    at = fc_closing(blocks, limit, at, &level);
                    if (at >= end)
                        return FC_WALK_BAD;
                }
            }
            if (text[at] != text[open->start] + 2)
                return FC_WALK_BAD;
            if (open->reported) {
                set_length(walker, open, text, at + 1);
                pending--;
            }
            if (--depth == 0)
                return at + 1 == end ? FC_WALKED : FC_WALK_BAD;
            stop = skip_space(text, at + 1);
        }

        set = open->set + open->set_count;
        if (text[open->start] == '{') {
            const size_t key = at + 1;
            if (FC_UNLIKELY(text[at] != '"'))
                return FC_WALK_BAD;
            stop = fc_next(blocks, limit, key, FC_AT_QUOTE);
            if (FC_UNLIKELY(stop >= end))
                return FC_WALK_BAD;
            count = fc_sets_member(sets, open->set, open->set_count, text + key, stop - key,
                                   fc_has_backslash(blocks, key, stop));
            at = skip_space(text, stop + 1);
            if (FC_UNLIKELY(text[at] != ':'))
                return FC_WALK_BAD;
            at = skip_space(text, at + 1);
        } else {
            count = fc_sets_element(sets, open->set, open->set_count, open->index++);
        }
        if (count == FC_SETS_NOMEM)
            return FC_WALK_NOMEM;
    }
}
