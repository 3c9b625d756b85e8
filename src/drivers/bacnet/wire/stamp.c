/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/wire/stamp.h"

#include "base/err.h"

enum {
    YEAR_BASE = 1900,
    YEAR_LAST = 1900 + 254,
    EPOCH_WEEKDAY = 3, /* 1970-01-01 was a Thursday; 0 = Monday */
    SEQUENCE_MAX = 65535,
};

#define US_PER_HUNDREDTH INT64_C(10000)
#define US_PER_S         INT64_C(1000000)
#define US_PER_MINUTE    (60 * US_PER_S)
#define US_PER_DAY       (86400 * US_PER_S)
#define TIME_MAX         (400 * 366 * US_PER_DAY) /* beyond any date, and our sums stay in 64 bits */

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int year, int month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to the first of a year (1900 to 2155). */
static int64_t days_before_year(int year)
{
    int past = year - 1;
    int64_t leaps = past / 4 - past / 100 + past / 400;
    return (int64_t)(year - 1970) * 365 + leaps - 477; /* 477 leap years to 1969 */
}

bool bacnet_date_is_full(const struct bacnet_date *date)
{
    return date->year != BACNET_ANY && date->month >= 1 && date->month <= 12 && date->day >= 1 &&
           date->day <= days_of_month(YEAR_BASE + date->year, date->month);
}

bool bacnet_time_is_full(const struct bacnet_time *time)
{
    return time->hour < 24 && time->minute < 60 && time->second < 60 && time->hundredth < 100;
}

bool bacnet_datetime_is_unset(const struct bacnet_datetime *at)
{
    return at->date.year == BACNET_ANY && at->date.month == BACNET_ANY &&
           at->date.day == BACNET_ANY && at->time.hour == BACNET_ANY &&
           at->time.minute == BACNET_ANY && at->time.second == BACNET_ANY;
}

int bacnet_datetime_us(const struct bacnet_datetime *at, int offset_minutes, int64_t *time_us)
{
    struct bacnet_time time = at->time;
    time.hundredth = time.hundredth == BACNET_ANY ? 0 : time.hundredth;
    if (!bacnet_date_is_full(&at->date) || !bacnet_time_is_full(&time)) {
        return BUSBAR_ERANGE;
    }
    int year = YEAR_BASE + at->date.year;
    int64_t days = days_before_year(year) + at->date.day - 1;
    for (int month = 1; month < at->date.month; month++) {
        days += days_of_month(year, month);
    }
    int64_t seconds = (int64_t)time.hour * 3600 + time.minute * 60 + time.second;
    *time_us = days * US_PER_DAY + seconds * US_PER_S + time.hundredth * US_PER_HUNDREDTH -
               offset_minutes * US_PER_MINUTE;
    return 0;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static void set_time(int64_t of_day_us, struct bacnet_time *time)
{
    int64_t seconds = of_day_us / US_PER_S;
    time->hour = (uint8_t)(seconds / 3600);
    time->minute = (uint8_t)(seconds / 60 % 60);
    time->second = (uint8_t)(seconds % 60);
    time->hundredth = (uint8_t)(of_day_us % US_PER_S / US_PER_HUNDREDTH);
}

int bacnet_datetime_of(int64_t time_us, int offset_minutes, struct bacnet_datetime *at)
{
    if (time_us > TIME_MAX || time_us < -TIME_MAX) {
        return BUSBAR_ERANGE;
    }
    int64_t days = floor_divide(time_us, US_PER_DAY);
    int64_t of_day = time_us - days * US_PER_DAY + offset_minutes * US_PER_MINUTE;
    int64_t shift = floor_divide(of_day, US_PER_DAY);
    of_day -= shift * US_PER_DAY;
    days += shift;
    if (days < days_before_year(YEAR_BASE) || days >= days_before_year(YEAR_LAST + 1)) {
        return BUSBAR_ERANGE;
    }
    int year = YEAR_BASE;
    while (days >= days_before_year(year + 1)) {
        year++;
    }
    int day = (int)(days - days_before_year(year));
    int month = 1;
    while (day >= days_of_month(year, month)) {
        day -= days_of_month(year, month);
        month++;
    }
    at->date.year = (uint8_t)(year - YEAR_BASE);
    at->date.month = (uint8_t)month;
    at->date.day = (uint8_t)(day + 1);
    int64_t weekday = days + EPOCH_WEEKDAY;
    at->date.weekday = (uint8_t)(weekday - floor_divide(weekday, 7) * 7 + 1);
    set_time(of_day, &at->time);
    return 0;
}

struct bacnet_datetime bacnet_get_datetime(struct bytes *in)
{
    struct bacnet_datetime at;
    at.date = bacnet_get_date(in, BACNET_APPLICATION);
    at.time = bacnet_get_time(in, BACNET_APPLICATION);
    return at;
}

void bacnet_put_datetime(struct bytes_out *out, const struct bacnet_datetime *at)
{
    bacnet_put_date(out, BACNET_APPLICATION, &at->date);
    bacnet_put_time(out, BACNET_APPLICATION, &at->time);
}

struct bacnet_stamp bacnet_get_stamp(struct bytes *in)
{
    struct bacnet_stamp stamp = { .kind = BACNET_STAMP_TIME };
    if (bacnet_next_is(in, BACNET_STAMP_TIME)) {
        stamp.at.time = bacnet_get_time(in, BACNET_STAMP_TIME);
    } else if (bacnet_next_is(in, BACNET_STAMP_SEQUENCE)) {
        stamp.kind = BACNET_STAMP_SEQUENCE;
        stamp.sequence = (uint16_t)bacnet_get_unsigned(in, BACNET_STAMP_SEQUENCE, SEQUENCE_MAX);
    } else {
        stamp.kind = BACNET_STAMP_DATETIME;
        bacnet_get_open(in, BACNET_STAMP_DATETIME);
        stamp.at = bacnet_get_datetime(in);
        bacnet_get_close(in, BACNET_STAMP_DATETIME);
    }
    return stamp;
}

void bacnet_put_stamp(struct bytes_out *out, const struct bacnet_stamp *stamp)
{
    switch (stamp->kind) {
    case BACNET_STAMP_TIME: bacnet_put_time(out, BACNET_STAMP_TIME, &stamp->at.time); break;
    case BACNET_STAMP_SEQUENCE:
        bacnet_put_unsigned(out, BACNET_STAMP_SEQUENCE, stamp->sequence);
        break;
    default:
        assert(stamp->kind == BACNET_STAMP_DATETIME);
        bacnet_put_open(out, BACNET_STAMP_DATETIME);
        bacnet_put_datetime(out, &stamp->at);
        bacnet_put_close(out, BACNET_STAMP_DATETIME);
        break;
    }
}

bool bacnet_stamp_equal(const struct bacnet_stamp *a, const struct bacnet_stamp *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    if (a->kind == BACNET_STAMP_SEQUENCE) {
        return a->sequence == b->sequence;
    }
    bool same_time = memcmp(&a->at.time, &b->at.time, sizeof(a->at.time)) == 0;
    return same_time && (a->kind == BACNET_STAMP_TIME ||
                         memcmp(&a->at.date, &b->at.date, sizeof(a->at.date)) == 0);
}
