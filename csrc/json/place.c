/* json/place.c - where a reader stands, for those that read a stream in several places at once. */
#include "json/reader.h"
#include "json/scan.h"

fc_json_place fc_json_place_of(const fc_json_reader *reader)
{
    fc_json_place place = {
        .offset = reader->stats.bytes, .lines = reader->lines, .line_start = reader->line_start};

    place.idle = reader->phase == FC_BETWEEN && !reader->discarding;
    for (size_t at = 0; at < reader->length; at++) {
        const uint8_t c = reader->text[at];
        if (at >= reader->at && !fc_is_space(c) && c != 0x1E)
            place.idle = 0;
        if (c == '\n') {
            place.lines++;
            place.line_start = reader->base + at + 1;
        }
    }
    return place;
}

void fc_json_begin_inside(fc_json_reader *reader) { reader->begun = 1; }
