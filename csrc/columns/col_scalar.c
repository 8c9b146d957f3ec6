/* columns/col_scalar.c - bool, the integers and the floats. */
#include <string.h>

#include "columns/append.h"

const char *fc_append_bool(fc_column *column, size_t row, const fc_json_cell *cell)
{
    if (cell->kind != FC_JSON_TRUE && cell->kind != FC_JSON_FALSE)
        return "expected true or false";
    if (cell->kind == FC_JSON_TRUE)
        column->values[row / 8] |= (uint8_t)(1u << row % 8);
    return NULL;
}

const char *fc_append_integer(fc_column *column, size_t row, const fc_json_cell *cell)
{
    fc_json_number number;

    if (cell->kind != FC_JSON_NUMBER)
        return "expected an integer";
    number = fc_json_number_read(cell->text, cell->length);
    if (number.kind == FC_JSON_DOUBLE)
        return "expected an integer, not a number with a fraction or an exponent";
    if (column->type == FC_COLUMN_UINT64) {
        if (number.kind == FC_JSON_INT64 && number.i < 0)
            return "integer out of range for uint64";
        if (number.kind == FC_JSON_BIGINT)
            return "integer out of range for uint64";
        memcpy(column->values + row * 8,
               number.kind == FC_JSON_INT64 ? (void *)&number.i : &number.u, 8);
        return NULL;
    }
    if (number.kind != FC_JSON_INT64)
        return "integer out of range for int64";
    if (column->type == FC_COLUMN_INT32) {
        const int32_t value = (int32_t)number.i;
        if (value != number.i)
            return "integer out of range for int32";
        memcpy(column->values + row * 4, &value, 4);
    } else {
        memcpy(column->values + row * 8, &number.i, 8);
    }
    return NULL;
}

const char *fc_append_float(fc_column *column, size_t row, const fc_json_cell *cell)
{
    const int single = column->type == FC_COLUMN_FLOAT32;
    double value;

    if (cell->kind != FC_JSON_NUMBER)
        return "expected a number";
    if (!fc_json_number_double(cell->text, cell->length, single, &value))
        return single ? "number out of range for float32" : "number out of range for float64";
    if (single) {
        const float narrow = (float)value;
        memcpy(column->values + row * 4, &narrow, 4);
    } else {
        memcpy(column->values + row * 8, &value, 8);
    }
    return NULL;
}
