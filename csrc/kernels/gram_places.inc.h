/*
 * gram_places - every step-th place of a text, asked of a bitmap by a hash of its bytes.
 *
 * A place is written whether or not it passes, and counted if it does: nothing is left to
 * be predicted. There are no vectors in it: to gather eight words takes as long as to load
 * them one by one, on every machine looked at.
 */
FC_OP uint64_t gram_passes(const fc_gram_filter *f, uint64_t word)
{
    const uint64_t bit = (((word | f->fold) & f->mask) * FC_GRAM_MULTIPLIER) >> f->shift;
    return f->bitmap[bit / 64] >> (bit % 64) & 1;
}

static size_t FC_SYM(gram_places)(const uint8_t *text, size_t length, const fc_gram_filter *filter,
                                  size_t *at, size_t end, uint32_t *places)
{
    const fc_gram_filter f = *filter; /* in registers: stores to places[] cannot change it */
    const size_t from = *at, step = f.step;
    const size_t stop = length < f.bytes ? 0 : length - f.bytes + 1;
    const size_t limit = end < stop ? end : stop;
    const size_t whole = length < 8 ? 0 : limit < length - 7 ? limit : length - 7;
    size_t place = from, count = 0;

    for (; place + 3 * step < whole; place += 4 * step) {
        const uint64_t a = gram_passes(&f, fc_load_le64(text + place));
        const uint64_t b = gram_passes(&f, fc_load_le64(text + place + step));
        const uint64_t c = gram_passes(&f, fc_load_le64(text + place + 2 * step));
        const uint64_t d = gram_passes(&f, fc_load_le64(text + place + 3 * step));
        const uint32_t distance = (uint32_t)(place - from);

        places[count] = distance;
        places[count + a] = (uint32_t)(distance + step);
        places[count + a + b] = (uint32_t)(distance + 2 * step);
        places[count + a + b + c] = (uint32_t)(distance + 3 * step);
        count += a + b + c + d;
    }
    for (; place < limit; place += step) {
        places[count] = (uint32_t)(place - from);
        count += gram_passes(&f, fc_load_le64_part(text + place, length - place));
    }
    *at = place;
    return count;
}
