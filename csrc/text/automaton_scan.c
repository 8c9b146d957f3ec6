/*
 * text/automaton_scan.c - run an automaton over a tile of text, four lanes side by side.
 *
 * One step of an automaton is a load whose address the last step's load gives: five
 * cycles or more in which a core does nothing else. Lanes at four places of the text
 * are independent, so their loads overlap. Each lane first reads `context` bytes before
 * its own without noting hits, after which its state is what it would be had it read
 * everything: no pattern is longer.
 */
#include "base/arch.h"
#include "text/automaton.h"

static FC_ALWAYS_INLINE uint32_t sparse_step(const fc_automaton *a, uint32_t state, uint8_t class)
{
    for (;;) {
        if (state < a->sparse_base)
            return a->dense[state + class];
        const uint32_t node = a->dense_count + ((state - a->sparse_base) >> 1);
        uint32_t low = a->first[node] & ~FC_OUTPUT_BIT, high = a->first[node + 1] & ~FC_OUTPUT_BIT;

        while (high - low > 8) {
            const uint32_t middle = low + (high - low) / 2;
            if (a->label[middle] <= class)
                low = middle;
            else
                high = middle;
        }
        for (; low < high; low++)
            if (a->label[low] == class)
                return a->sparse_base + 2 * (low - a->dense_count) + (a->first[low] >> 31);
        state = a->fail[node];
    }
}

static FC_ALWAYS_INLINE uint32_t step(const fc_automaton *a, uint32_t state, uint8_t byte,
                                      int all_dense)
{
    const uint8_t class = a->class_of[byte];
    return all_dense || FC_LIKELY(state < a->sparse_base) ? a->dense[state + class]
                                                          : sparse_step(a, state, class);
}

/* The state before the lane's first own byte. */
static FC_ALWAYS_INLINE uint32_t warm_up(const fc_automaton *a, const uint8_t *text, size_t from,
                                         size_t count, ptrdiff_t direction, int all_dense)
{
    const uint8_t *at = text + from;
    uint32_t state = 0;
    for (; count != 0; count--, at += direction)
        state = step(a, state, *at, all_dense);
    return state;
}

static FC_ALWAYS_INLINE void run(const fc_automaton *a, const uint8_t *text, size_t floor,
                                 size_t length, size_t base, size_t lanes, size_t lane_bytes,
                                 size_t context, int backward, int all_dense, fc_hit *hits,
                                 size_t counts[FC_LANES])
{
    const ptrdiff_t direction = backward ? -1 : 1;
    const size_t stride = lane_bytes + 1;
    uint32_t state[FC_LANES];
    size_t begin[FC_LANES], own[FC_LANES], least = lane_bytes;

    for (size_t lane = 0; lane < FC_LANES; lane++) {
        const size_t low = base + lane * lane_bytes < length ? base + lane * lane_bytes : length;
        const size_t high = length - low < lane_bytes ? length : low + lane_bytes;
        const size_t before = low > floor ? low - floor : 0;
        const size_t room = backward ? length - high : before;
        const size_t count = room < context ? room : context;

        own[lane] = lane < lanes ? high - low : 0;
        begin[lane] = backward ? high - 1 : low;
        if (own[lane] < least)
            least = own[lane];
        state[lane] = own[lane] == 0 ? 0
                                     : warm_up(a, text, backward ? high + count - 1 : low - count,
                                               count, direction, all_dense);
        counts[lane] = 0;
    }

    const uint8_t *at0 = text + begin[0], *at1 = text + begin[1], *at2 = text + begin[2],
                  *at3 = text + begin[3];
    uint32_t s0 = state[0], s1 = state[1], s2 = state[2], s3 = state[3];
    for (size_t i = 0; i < least; i++) {
        const ptrdiff_t move = direction * (ptrdiff_t)i;
        s0 = step(a, s0, at0[move], all_dense);
        s1 = step(a, s1, at1[move], all_dense);
        s2 = step(a, s2, at2[move], all_dense);
        s3 = step(a, s3, at3[move], all_dense);
        if (FC_UNLIKELY((s0 | s1 | s2 | s3) & 1)) { /* store all, count those that hold */
            const uint32_t place[FC_LANES] = {(uint32_t)(begin[0] + (size_t)move - base),
                                              (uint32_t)(begin[1] + (size_t)move - base),
                                              (uint32_t)(begin[2] + (size_t)move - base),
                                              (uint32_t)(begin[3] + (size_t)move - base)};
            const uint32_t now[FC_LANES] = {s0, s1, s2, s3};
            for (size_t lane = 0; lane < FC_LANES; lane++) {
                hits[lane * stride + counts[lane]] = (fc_hit){place[lane], now[lane]};
                counts[lane] += now[lane] & 1;
            }
        }
    }
    state[0] = s0, state[1] = s1, state[2] = s2, state[3] = s3;

    for (size_t lane = 0; lane < FC_LANES; lane++)
        for (size_t i = least; i < own[lane]; i++) {
            const size_t place = begin[lane] + (size_t)(direction * (ptrdiff_t)i);
            state[lane] = step(a, state[lane], text[place], all_dense);
            if (state[lane] & 1)
                hits[lane * stride + counts[lane]++] =
                    (fc_hit){(uint32_t)(place - base), state[lane]};
        }
}

void fc_automaton_hits(const fc_automaton *automaton, const uint8_t *text, size_t floor,
                       size_t length, size_t base, size_t lanes, size_t lane_bytes, size_t context,
                       int backward, fc_hit *hits, size_t counts[FC_LANES])
{
    if (automaton->fail == NULL) {
        if (backward)
            run(automaton, text, floor, length, base, lanes, lane_bytes, context, 1, 1, hits,
                counts);
        else
            run(automaton, text, floor, length, base, lanes, lane_bytes, context, 0, 1, hits,
                counts);
    } else if (backward) {
        run(automaton, text, floor, length, base, lanes, lane_bytes, context, 1, 0, hits, counts);
    } else {
        run(automaton, text, floor, length, base, lanes, lane_bytes, context, 0, 0, hits, counts);
    }
}
