/* columns/batch.c - rows: growth, nulls, taking back; and from a reader to rows in one call. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "columns/append.h"

const char fc_no_memory[] = "out of memory";
static const char required_missing[] = "a required value is missing";

static const fc_column_info infos[] = {
#define FC_COLUMN_ROW(id, name, bytes, arrow, numpy) {name, bytes, arrow, numpy},
#include "fastcore/column_types.def"
#undef FC_COLUMN_ROW
};

static fc_append *const append_of[FC_COLUMN_TYPES] = {
    [FC_COLUMN_BOOL] = fc_append_bool,
    [FC_COLUMN_INT64] = fc_append_integer,
    [FC_COLUMN_UINT64] = fc_append_integer,
    [FC_COLUMN_INT32] = fc_append_integer,
    [FC_COLUMN_FLOAT64] = fc_append_float,
    [FC_COLUMN_FLOAT32] = fc_append_float,
    [FC_COLUMN_STRING] = fc_append_string,
    [FC_COLUMN_BINARY] = fc_append_string,
    [FC_COLUMN_TIMESTAMP_S] = fc_append_timestamp,
    [FC_COLUMN_TIMESTAMP_MS] = fc_append_timestamp,
    [FC_COLUMN_TIMESTAMP_US] = fc_append_timestamp,
    [FC_COLUMN_TIMESTAMP_NS] = fc_append_timestamp,
    [FC_COLUMN_DATE] = fc_append_date,
    [FC_COLUMN_JSON] = fc_append_json,
};

const fc_column_info *fc_column_info_of(fc_column_type type) { return &infos[type]; }

fc_batch *fc_batch_new(const fc_column_type *types, const char *const *names, size_t count)
{
    fc_batch *batch = calloc(1, sizeof *batch);
    atomic_size_t *owners = malloc(sizeof *owners);

    if (batch == NULL || owners == NULL) {
        free(batch);
        free(owners);
        return NULL;
    }
    atomic_init(owners, 1);
    batch->count = owners;
    batch->columns = calloc(count + 1, sizeof *batch->columns);
    batch->defaults = calloc(count + 1, sizeof *batch->defaults);
    batch->required = calloc(count + 1, 1);
    if (batch->columns == NULL || batch->defaults == NULL || batch->required == NULL) {
        fc_batch_free(batch);
        return NULL;
    }
    batch->column_count = count;
    for (size_t c = 0; c < count; c++) {
        const size_t bytes = strlen(names[c]) + 1;
        batch->columns[c].type = types[c];
        batch->columns[c].name = malloc(bytes);
        if (batch->columns[c].name == NULL) {
            fc_batch_free(batch);
            return NULL;
        }
        memcpy(batch->columns[c].name, names[c], bytes);
    }
    return batch;
}

fc_batch *fc_batch_like(const fc_batch *batch)
{
    const size_t count = batch->column_count;
    fc_column_type *types = malloc((count + 1) * sizeof *types);
    const char **names = malloc((count + 1) * sizeof *names);
    fc_batch *like = NULL;

    if (types != NULL && names != NULL) {
        for (size_t c = 0; c < count; c++) {
            types[c] = batch->columns[c].type;
            names[c] = batch->columns[c].name;
        }
        like = fc_batch_new(types, names, count);
    }
    if (like != NULL) {
        memcpy(like->defaults, batch->defaults, count * sizeof *like->defaults);
        memcpy(like->required, batch->required, count);
    }
    free(types);
    free((void *)names);
    return like;
}

fc_batch *fc_batch_share(fc_batch *batch)
{
    atomic_fetch_add((atomic_size_t *)batch->count, 1);
    return batch;
}

void fc_batch_free(fc_batch *batch)
{
    if (batch == NULL || atomic_fetch_sub((atomic_size_t *)batch->count, 1) > 1)
        return;
    for (size_t c = 0; batch->columns != NULL && c < batch->column_count; c++) {
        fc_column *const column = &batch->columns[c];
        free(column->name);
        free(column->valid);
        free(column->values);
        free(column->offsets);
    }
    free(batch->columns);
    free(batch->defaults);
    free(batch->required);
    free(batch->count);
    free(batch);
}

int fc_column_reserve(fc_column *column, size_t bytes)
{
    size_t capacity = column->values_capacity;
    uint8_t *values;

    if (column->values_bytes + bytes <= capacity)
        return 1;
    while (capacity < column->values_bytes + bytes)
        capacity = capacity < 1024 ? 1024 : capacity * 2;
    values = realloc(column->values, capacity);
    if (values == NULL)
        return 0;
    column->values = values;
    column->values_capacity = capacity;
    return 1;
}

/* New bytes of bitmaps are zero: rows set bits, nulls need not clear any. */
static int grow_bits(uint8_t **bits, size_t rows, size_t more)
{
    uint8_t *grown = realloc(*bits, more / 8);
    if (grown == NULL)
        return 0;
    memset(grown + rows / 8, 0, (more - rows) / 8);
    *bits = grown;
    return 1;
}

static int grow_column(fc_column *column, size_t rows, size_t more)
{
    const int bytes = infos[column->type].bytes;

    if (!grow_bits(&column->valid, rows, more))
        return 0;
    if (bytes == 0)
        return grow_bits(&column->values, rows, more);
    if (bytes > 0) {
        uint8_t *values = realloc(column->values, more * (size_t)bytes);
        if (values == NULL)
            return 0;
        column->values = values;
    } else {
        int64_t *offsets = realloc(column->offsets, (more + 1) * sizeof *offsets);
        if (offsets == NULL)
            return 0;
        column->offsets = offsets;
        column->offsets[0] = 0;
    }
    return 1;
}

static int grow_rows(fc_batch *batch)
{
    const size_t more = batch->row_capacity == 0 ? 1024 : batch->row_capacity * 2;

    for (size_t c = 0; c < batch->column_count; c++)
        if (!grow_column(&batch->columns[c], batch->row_capacity, more))
            return 0;
    batch->row_capacity = more;
    return 1;
}

static void append_null(fc_column *column, size_t row)
{
    const int bytes = infos[column->type].bytes;

    column->null_count++;
    if (bytes > 0)
        memset(column->values + row * (size_t)bytes, 0, (size_t)bytes);
    else if (bytes < 0)
        column->offsets[row + 1] = (int64_t)column->values_bytes;
}

static void take_back(fc_column *column, size_t row)
{
    const uint8_t bit = (uint8_t)(1u << row % 8);

    if ((column->valid[row / 8] & bit) == 0)
        column->null_count--;
    column->valid[row / 8] &= (uint8_t)~bit;
    if (infos[column->type].bytes == 0)
        column->values[row / 8] &= (uint8_t)~bit;
    if (column->offsets != NULL)
        column->values_bytes = (size_t)column->offsets[row];
}

int fc_batch_reserve(fc_batch *batch, size_t rows)
{
    while (batch->row_capacity < rows)
        if (!grow_rows(batch))
            return 0;
    return 1;
}

fc_status fc_batch_append(fc_batch *batch, const fc_json_cell *cells, int mismatch_is_null)
{
    const size_t row = batch->rows;

    if (row == batch->row_capacity && !grow_rows(batch))
        return FC_ENOMEM;
    for (size_t c = 0; c < batch->column_count; c++) {
        fc_column *const column = &batch->columns[c];
        const fc_json_cell *const cell =
            cells[c].kind == FC_JSON_MISSING ? &batch->defaults[c] : &cells[c];
        const char *why;

        if (cell->kind > FC_JSON_NULL) {
            why = append_of[column->type](column, row, cell);
        } else if (cells[c].kind == FC_JSON_MISSING && batch->required[c]) {
            why = required_missing;
        } else {
            append_null(column, row);
            continue;
        }
        if (why == NULL) {
            column->valid[row / 8] |= (uint8_t)(1u << row % 8);
        } else if (mismatch_is_null && why != fc_no_memory && why != required_missing) {
            append_null(column, row);
        } else {
            batch->mismatch = why;
            batch->mismatch_column = c;
            while (c-- > 0)
                take_back(&batch->columns[c], row);
            return why == fc_no_memory ? FC_ENOMEM : FC_EINVAL;
        }
    }
    batch->rows++;
    return FC_OK;
}

fc_json_event fc_batch_read(fc_batch *batch, fc_json_reader *reader, size_t rows_max,
                            int mismatch_is_null, int *mismatched)
{
    *mismatched = 0;
    while (batch->rows < rows_max) {
        const fc_json_event event = fc_json_step(reader);
        const fc_json_cell *cells;
        fc_status status;

        if (event != FC_JSON_RECORD)
            return event;
        cells = fc_json_cells(reader);
        status = fc_batch_append(batch, cells, mismatch_is_null);
        if (status == FC_ENOMEM)
            return FC_JSON_NOMEM;
        if (status != FC_OK) {
            *mismatched = 1;
            const fc_json_cell *const cell = &cells[batch->mismatch_column];
            fc_json_reject(
                reader, cell->kind == FC_JSON_MISSING ? fc_json_record(reader)->text : cell->text,
                batch->mismatch);
            return FC_JSON_BAD;
        }
    }
    return FC_JSON_RECORD;
}
