/*
 * columns/col_time.c - RFC 3339 timestamps and dates, as counts since 1970-01-01 UTC.
 *
 * Days from a civil date: Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013.
 */
#include <string.h>

#include "columns/append.h"

static const char no_timestamp[] = "expected an RFC 3339 timestamp or an integer";
static const char no_date[] = "expected a date, YYYY-MM-DD";
static const char too_far[] = "timestamp out of range for its unit";

static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* `count` digits at *at. -1: not digits. */
static int take(const uint8_t **at, const uint8_t *end, int count)
{
    int value = 0;

    if (end - *at < count)
        return -1;
    for (; count > 0; count--, ++*at) {
        if (**at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static int take_char(const uint8_t **at, const uint8_t *end, char c)
{
    if (*at == end || (**at | 0x20) != (c | 0x20))
        return 0;
    ++*at;
    return 1;
}

static int take_date(const uint8_t **at, const uint8_t *end, int64_t *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, leap;

    if ((year = take(at, end, 4)) < 0 || !take_char(at, end, '-') ||
        (month = take(at, end, 2)) < 0 || !take_char(at, end, '-') || (day = take(at, end, 2)) < 0)
        return 0;
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (month == 2 && leap))
        return 0;
    *days = days_of(year, month, day);
    return 1;
}

/* What follows the date. */
static int take_time(const uint8_t **at, const uint8_t *end, int64_t *seconds, int64_t *nanos)
{
    int hour, minute, second, sign, offset_hour, offset_minute;

    if ((hour = take(at, end, 2)) < 0 || !take_char(at, end, ':') ||
        (minute = take(at, end, 2)) < 0 || !take_char(at, end, ':') ||
        (second = take(at, end, 2)) < 0)
        return 0;
    /* RFC 3339 allows a leap second; it counts as the second after it, as in POSIX */
    if (hour > 23 || minute > 59 || second > 60)
        return 0;
    *seconds = hour * 3600 + minute * 60 + second;
    *nanos = 0;
    if (*at < end && **at == '.') {
        int64_t scale = 100000000;
        const uint8_t *const first = ++*at;
        for (; *at < end && **at >= '0' && **at <= '9'; ++*at, scale /= 10)
            *nanos += (**at - '0') * scale;
        if (*at == first)
            return 0;
    }
    if (take_char(at, end, 'z'))
        return *at == end;
    if (*at == end || (**at != '+' && **at != '-'))
        return 0;
    sign = *(*at)++ == '-' ? 1 : -1;
    if ((offset_hour = take(at, end, 2)) < 0 || !take_char(at, end, ':') ||
        (offset_minute = take(at, end, 2)) < 0 || offset_hour > 23 || offset_minute > 59)
        return 0;
    *seconds += sign * (offset_hour * 3600 + offset_minute * 60);
    return *at == end;
}

/* The plain text of a string cell without escapes, or unescaped into `room`. 0: too long. */
static int plain_text(const fc_json_cell *cell, uint8_t room[64], const uint8_t **text,
                      const uint8_t **end)
{
    *text = cell->text;
    *end = cell->text + cell->length;
    if (cell->escaped) {
        if (cell->length > 64)
            return 0;
        *text = room;
        *end = room + fc_json_unescape(cell->text, cell->length, room);
    }
    return 1;
}

static int64_t units_per_second(fc_column_type type)
{
    switch (type) {
    case FC_COLUMN_TIMESTAMP_S:
        return 1;
    case FC_COLUMN_TIMESTAMP_MS:
        return 1000;
    case FC_COLUMN_TIMESTAMP_US:
        return 1000000;
    default:
        return 1000000000;
    }
}

static const char *read_timestamp(fc_column_type type, const fc_json_cell *cell, int64_t *count)
{
    const int64_t units = units_per_second(type);
    const uint8_t *at, *end;
    uint8_t room[64];
    int64_t days, seconds, nanos, part;

    if (cell->kind == FC_JSON_NUMBER) {
        const fc_json_number number = fc_json_number_read(cell->text, cell->length);
        if (number.kind != FC_JSON_INT64)
            return number.kind == FC_JSON_DOUBLE ? no_timestamp : too_far;
        *count = number.i;
        return NULL;
    }
    if (cell->kind != FC_JSON_STRING || !plain_text(cell, room, &at, &end) ||
        !take_date(&at, end, &days))
        return no_timestamp;
    if (!take_char(&at, end, 't') && !take_char(&at, end, ' '))
        return no_timestamp;
    if (!take_time(&at, end, &seconds, &nanos))
        return no_timestamp;
    seconds += days * 86400;
    part = nanos / (1000000000 / units);
    if (seconds > (INT64_MAX - part) / units || seconds < INT64_MIN / units)
        return too_far;
    *count = seconds * units + part;
    return NULL;
}

const char *fc_time_read(fc_column_type type, const fc_json_cell *cell, int64_t *count)
{
    const uint8_t *at, *end;
    uint8_t room[64];

    if (type != FC_COLUMN_DATE)
        return read_timestamp(type, cell, count);
    if (cell->kind != FC_JSON_STRING || !plain_text(cell, room, &at, &end) ||
        !take_date(&at, end, count) || at != end)
        return no_date;
    return NULL;
}

const char *fc_append_timestamp(fc_column *column, size_t row, const fc_json_cell *cell)
{
    int64_t count;
    const char *const why = fc_time_read(column->type, cell, &count);
    if (why == NULL)
        memcpy(column->values + row * 8, &count, 8);
    return why;
}

const char *fc_append_date(fc_column *column, size_t row, const fc_json_cell *cell)
{
    int64_t days;
    const char *const why = fc_time_read(FC_COLUMN_DATE, cell, &days);
    const int32_t value = why == NULL ? (int32_t)days : 0;
    if (why == NULL)
        memcpy(column->values + row * 4, &value, 4);
    return why;
}
