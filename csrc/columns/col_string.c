/* columns/col_string.c - strings, the same as binary, and the raw text of any value. */
#include <string.h>

#include "columns/append.h"

static const char *append_bytes(fc_column *column, size_t row, const uint8_t *text, size_t length)
{
    if (!fc_column_reserve(column, length))
        return fc_no_memory;
    if (length > 0)
        memcpy(column->values + column->values_bytes, text, length);
    column->values_bytes += length;
    column->offsets[row + 1] = (int64_t)column->values_bytes;
    return NULL;
}

const char *fc_append_string(fc_column *column, size_t row, const fc_json_cell *cell)
{
    if (cell->kind != FC_JSON_STRING)
        return "expected a string";
    if (!cell->escaped)
        return append_bytes(column, row, cell->text, cell->length);
    if (!fc_column_reserve(column, cell->length))
        return fc_no_memory;
    column->values_bytes +=
        fc_json_unescape(cell->text, cell->length, column->values + column->values_bytes);
    column->offsets[row + 1] = (int64_t)column->values_bytes;
    return NULL;
}

const char *fc_append_json(fc_column *column, size_t row, const fc_json_cell *cell)
{
    const size_t quote = cell->kind == FC_JSON_STRING;
    return append_bytes(column, row, cell->text - quote, cell->length + 2 * quote);
}
