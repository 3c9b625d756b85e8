/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of the proleptic Gregorian calendar, UTC, of seconds since 1970. Any double must give something; what is out
 * of int64 and NaN count as its smallest value and wrap around, as they do in Prometheus (Go). Therefore
 * seconds are counted, unsigned, from a first of March so long ago that nothing is before it. */
#include <math.h>

#include "promql/functions_private.h"

#define DAY_SECONDS UINT64_C(86400)
/* 1 March of this year, a multiple of 400, is day 0; it leaves room for all of int64. */
#define FIRST_YEAR INT64_C(-292277022400)
/* Seconds from then to 1970: 365.2425 days a year from 1 January, 306 days on from March, 1969 years. */
#define SECONDS_TO_1970 UINT64_C(9223372028741760000)
/* Day 0 was a Wednesday. */
enum { ERA_DAYS = 146097, FIRST_WEEKDAY = 3 };

struct date {
    int64_t year;
    unsigned month, day; /* from 1 */
    unsigned year_day;   /* from 1 */
    unsigned weekday;    /* Sunday is 0 */
    unsigned second;     /* of the day */
};

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static struct date date_of(double value)
{
    int64_t seconds = value >= -0x1p63 && value < 0x1p63 ? (int64_t)value : INT64_MIN;
    uint64_t all = (uint64_t)seconds + SECONDS_TO_1970;
    uint64_t days = all / DAY_SECONDS;
    struct date date = { .second = (unsigned)(all % DAY_SECONDS),
                         .weekday = (unsigned)((days + FIRST_WEEKDAY) % 7) };
    /* years begin in March here, so that a leap day is the last of its year */
    uint64_t era_day = days % ERA_DAYS;
    uint64_t era_year = (era_day - era_day / 1460 + era_day / 36524 - era_day / (ERA_DAYS - 1)) /
                        365;
    unsigned year_day = (unsigned)(era_day - (365 * era_year + era_year / 4 - era_year / 100));
    unsigned month = (5 * year_day + 2) / 153;
    date.day = year_day - (153 * month + 2) / 5 + 1;
    date.month = month < 10 ? month + 3 : month - 9;
    date.year = FIRST_YEAR + (int64_t)(400 * (days / ERA_DAYS) + era_year) + (date.month <= 2);
    date.year_day = date.month <= 2 ? year_day - 305 : year_day + 60 + is_leap(date.year);
    return date;
}

double promql_map_year(double value, const double *args)
{
    (void)args;
    return (double)date_of(value).year;
}

double promql_map_month(double value, const double *args)
{
    (void)args;
    return date_of(value).month;
}

double promql_map_day_of_month(double value, const double *args)
{
    (void)args;
    return date_of(value).day;
}

double promql_map_day_of_week(double value, const double *args)
{
    (void)args;
    return date_of(value).weekday;
}

double promql_map_day_of_year(double value, const double *args)
{
    (void)args;
    return date_of(value).year_day;
}

double promql_map_days_in_month(double value, const double *args)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    struct date date = date_of(value);
    (void)args;
    return days[date.month - 1] + (date.month == 2 && is_leap(date.year) ? 1 : 0);
}

double promql_map_hour(double value, const double *args)
{
    (void)args;
    return date_of(value).second / 3600;
}

double promql_map_minute(double value, const double *args)
{
    (void)args;
    return date_of(value).second / 60 % 60;
}
