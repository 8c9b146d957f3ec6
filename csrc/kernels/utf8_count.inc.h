/*
 * utf8_count - how many code points start in text[0 .. length): bytes but continuations.
 *
 * Continuations (10xxxxxx) are counted lane by lane, up to 255 rounds before the lanes
 * are summed up.
 */
static size_t FC_SYM(utf8_count)(const uint8_t *text, size_t length)
{
    enum { ROUNDS_MAX = 255 };
    const vec two_bits = vec_splat(0xC0), continuation = vec_splat(0x80);
    const size_t step = vec_bytes();
    size_t at = 0, continuations = 0;

    while (at + step <= length) {
        size_t rounds = (length - at) / step;
        vec tally = vec_splat(0);
        if (rounds > ROUNDS_MAX)
            rounds = ROUNDS_MAX;
        for (; rounds != 0; rounds--, at += step)
            tally = vec_tally(tally, vec_eq(vec_and(vec_load(text + at), two_bits), continuation));
        continuations += vec_sum(tally);
    }
    for (; at < length; at++)
        continuations += (text[at] & 0xC0) == 0x80;
    return length - continuations;
}
