/* SPDX-License-Identifier: Apache-2.0 */
/* Days: how blocks are cut by time. A day is (midnight, next midnight] UTC, open at its start, so that the
 * windows of PromQL and of the tiers, which are (start, end] too, never lie across two days.
 * Days are numbered from 1970-01-01; times before it have negative ones. */
#ifndef BUSBAR_HISTORY_DAYS_H
#define BUSBAR_HISTORY_DAYS_H

#include <stdint.h>

#define HISTORY_DAY_US (INT64_C(86400) * 1000000)

static inline int64_t history_day_of(int64_t time_us)
{
    int64_t before = time_us == INT64_MIN ? time_us : time_us - 1;
    return before >= 0 ? before / HISTORY_DAY_US : -1 - (-1 - before) / HISTORY_DAY_US;
}

/* The day's last microsecond. */
static inline int64_t history_day_end(int64_t day)
{
    return day >= INT64_MAX / HISTORY_DAY_US ? INT64_MAX : (day + 1) * HISTORY_DAY_US;
}

/* The first microsecond after the day before. */
static inline int64_t history_day_begin(int64_t day)
{
    return day <= INT64_MIN / HISTORY_DAY_US ? INT64_MIN : day * HISTORY_DAY_US + 1;
}

#endif
