/* columns/splice.c - rows of one batch added to another: how the blocks of several threads meet. */
#include <string.h>

#include "base/bits.h"
#include "columns/append.h"

/* Eight bits from bit `at` on; reads no byte that holds none of the first `count`. */
static unsigned bits_at(const uint8_t *bits, size_t at, size_t count)
{
    const unsigned shift = at % 8;
    unsigned found = (unsigned)bits[at / 8] >> shift;

    if (shift > 0 && count > 8 - shift)
        found |= (unsigned)bits[at / 8 + 1] << (8 - shift);
    return found & (count >= 8 ? 0xFFu : (1u << count) - 1);
}

/* Copy `count` bits to where all bits are zero yet; returns how many of them are ones. */
static size_t copy_bits(uint8_t *to, size_t to_at, const uint8_t *from, size_t from_at,
                        size_t count)
{
    const unsigned shift = to_at % 8;
    size_t ones = 0;

    for (size_t i = 0; i < count; i += 8) {
        const size_t left = count - i;
        const unsigned bits = bits_at(from, from_at + i, left);
        uint8_t *const place = &to[(to_at + i) / 8];

        ones += (size_t)fc_popcount64(bits);
        place[0] |= (uint8_t)(bits << shift);
        if (shift > 0 && left > 8 - shift)
            place[1] |= (uint8_t)(bits >> (8 - shift));
    }
    return ones;
}

/* Values of any length: their bytes, and where each ends. */
static int splice_strings(fc_column *to, size_t row, const fc_column *from, size_t first,
                          size_t count)
{
    const int64_t start = from->offsets[first];
    const size_t bytes = (size_t)(from->offsets[first + count] - start);
    const int64_t moved = (int64_t)to->values_bytes - start;

    if (!fc_column_reserve(to, bytes))
        return 0;
    if (bytes > 0)
        memcpy(to->values + to->values_bytes, from->values + start, bytes);
    to->values_bytes += bytes;
    for (size_t i = 1; i <= count; i++)
        to->offsets[row + i] = from->offsets[first + i] + moved;
    return 1;
}

fc_status fc_batch_splice(fc_batch *batch, const fc_batch *other, size_t first, size_t count)
{
    const size_t row = batch->rows;

    if (count == 0)
        return FC_OK;
    if (!fc_batch_reserve(batch, row + count))
        return FC_ENOMEM;
    for (size_t c = 0; c < batch->column_count; c++)
        if (other->columns[c].offsets != NULL &&
            !splice_strings(&batch->columns[c], row, &other->columns[c], first, count)) {
            /* what has been added lies behind the last row, where nobody looks */
            while (c-- > 0)
                if (batch->columns[c].offsets != NULL)
                    batch->columns[c].values_bytes = (size_t)batch->columns[c].offsets[row];
            return FC_ENOMEM;
        }
    for (size_t c = 0; c < batch->column_count; c++) {
        fc_column *const to = &batch->columns[c];
        const fc_column *const source = &other->columns[c];
        const int bytes = fc_column_info_of(to->type)->bytes;

        to->null_count += count - copy_bits(to->valid, row, source->valid, first, count);
        if (bytes == 0)
            (void)copy_bits(to->values, row, source->values, first, count);
        else if (bytes > 0)
            memcpy(to->values + row * (size_t)bytes, source->values + first * (size_t)bytes,
                   count * (size_t)bytes);
    }
    batch->rows = row + count;
    return FC_OK;
}

void fc_batch_clear(fc_batch *batch)
{
    const size_t bytes = (batch->rows + 7) / 8;

    for (size_t c = 0; bytes > 0 && c < batch->column_count; c++) {
        fc_column *const column = &batch->columns[c];
        memset(column->valid, 0, bytes);
        if (fc_column_info_of(column->type)->bytes == 0)
            memset(column->values, 0, bytes);
        column->null_count = 0;
        column->values_bytes = 0;
    }
    batch->rows = 0;
}
