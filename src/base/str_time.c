/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 3339 times, section 5.6. The calendar is the proleptic Gregorian one; day numbers count from 1970-01-01. To have
 * the leap day last, years begin in March: then the days before a month are (153 * month + 2) / 5.
 */
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define DAY_US    INT64_C(86400000000)
#define MINUTE_US INT64_C(60000000)

enum { ERA_DAYS = 146097, EPOCH_DAYS = 719468 }; /* 400 years; 0000-03-01 to 1970-01-01 */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t march_year = year - (month <= 2);
    int64_t era = floor_div(march_year, 400);
    int64_t of_era = march_year - era * 400;
    int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - EPOCH_DAYS;
}

struct date {
    int64_t year, month, day;
};

static struct date date_from_days(int64_t days)
{
    days += EPOCH_DAYS;
    int64_t era = floor_div(days, ERA_DAYS);
    int64_t of_era = days - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t day_of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    return (struct date){ .year = era * 400 + year + (month <= 2),
                          .month = month,
                          .day = day_of_year - (153 * march_month + 2) / 5 + 1 };
}

size_t str_format_time(char *to, size_t size, int64_t time_us, int offset_minutes, bool short_form)
{
    static const int64_t first = INT64_C(-62167219200) * 1000000; /* 0000-01-01 */
    static const int64_t last = INT64_C(253402300800) * 1000000 - 1;
    int64_t local = time_us < first ? first : time_us > last ? last : time_us;
    local += offset_minutes * MINUTE_US;
    local = local < first ? first : local > last ? last : local;
    int64_t days = floor_div(local, DAY_US);
    int64_t rest = local - days * DAY_US;
    struct date date = date_from_days(days);
    int seconds = (int)(rest / 1000000);
    int fraction = (int)(rest % 1000000);
    size_t length = str_format(to, size, "%04d-%02d-%02dT%02d:%02d:%02d", (int)date.year,
                               (int)date.month, (int)date.day, seconds / 3600, seconds / 60 % 60,
                               seconds % 60);
    if (fraction != 0 || !short_form) {
        length += str_format(to + length, size - length, ".%06d", fraction);
    }
    if (offset_minutes == 0) {
        length += str_format(to + length, size - length, "Z");
    } else {
        int minutes = offset_minutes < 0 ? -offset_minutes : offset_minutes;
        length += str_format(to + length, size - length, "%c%02d:%02d",
                             offset_minutes < 0 ? '-' : '+', minutes / 60, minutes % 60);
    }
    return length;
}

/* Exactly `digits` digits within [low, high] followed by `after` (0: anything); -1 when not so. */
static int take(const char **at, int digits, int low, int high, char after)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + (c - '0');
    }
    if (value < low || value > high || (after != '\0' && (*at)[digits] != after)) {
        return -1;
    }
    *at += digits + (after != '\0');
    return value;
}

static bool take_fraction(const char **at, int64_t *us)
{
    *us = 0;
    if (**at != '.') {
        return true;
    }
    int64_t unit = 100000;
    const char *digit = *at + 1;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        *us += (*digit - '0') * unit;
        unit /= 10;
    }
    bool any = digit != *at + 1;
    *at = digit;
    return any;
}

static bool take_offset(const char **at, int64_t *us)
{
    if (**at == 'Z' || **at == 'z') {
        (*at)++;
        *us = 0;
        return true;
    }
    int sign = **at == '-' ? -1 : **at == '+' ? 1 : 0;
    if (sign == 0) {
        return false;
    }
    (*at)++;
    int hours = take(at, 2, 0, 23, ':');
    int minutes = hours >= 0 ? take(at, 2, 0, 59, '\0') : -1;
    *us = sign * (hours * 60 + minutes) * MINUTE_US;
    return minutes >= 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

int str_parse_time(const char *text, int64_t *out_us)
{
    const char *at = text;
    int year = take(&at, 4, 0, 9999, '-');
    int month = year >= 0 ? take(&at, 2, 1, 12, '-') : -1;
    int day = month >= 0 ? take(&at, 2, 1, 31, '\0') : -1;
    if (day < 0 || day > days_in_month(year, month) || *at == '\0' || strchr("Tt ", *at) == NULL) {
        return BUSBAR_EINVAL;
    }
    at++;
    int hour = take(&at, 2, 0, 23, ':');
    int minute = hour >= 0 ? take(&at, 2, 0, 59, ':') : -1;
    int second = minute >= 0 ? take(&at, 2, 0, 60, '\0') : -1;
    int64_t fraction;
    int64_t offset;
    if (second < 0 || !take_fraction(&at, &fraction) || !take_offset(&at, &offset) || *at != '\0') {
        return BUSBAR_EINVAL;
    }
    if (second == 60) {
        second = 59;
        fraction = 999999;
    }
    *out_us = days_from_date(year, month, day) * DAY_US + (hour * 60 + minute) * MINUTE_US +
              second * INT64_C(1000000) + fraction - offset;
    return 0;
}
