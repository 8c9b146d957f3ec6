/* columns/append.h - one function per kind of column: a cell to a value, or why not. */
#ifndef FC_COLUMNS_APPEND_H
#define FC_COLUMNS_APPEND_H

#include "fastcore/columns.h"

/*
 * Write the value of `cell`, which is neither missing nor null, at row `row`. Returns NULL, or
 * why the column cannot hold it; fc_no_memory when there was no room.
 */
typedef const char *fc_append(fc_column *column, size_t row, const fc_json_cell *cell);

extern const char fc_no_memory[];

fc_append fc_append_bool, fc_append_integer, fc_append_float, fc_append_string, fc_append_json,
    fc_append_timestamp, fc_append_date;

/* Room for `bytes` more in a column of values of any length. 0: no memory. */
int fc_column_reserve(fc_column *column, size_t bytes);

/* Room for that many rows in all. 0 when memory runs out. */
int fc_batch_reserve(fc_batch *batch, size_t rows);

#endif
