/* SPDX-License-Identifier: Apache-2.0 */
/* Which partitions of the table sample there are, as ranges in memory, and making those that are missing. A range that is
 * made never overlaps one that is there, also not where `partition` was another word before. */
#include "sinks/postgres/partitions.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

#define DAY_US    (INT64_C(24) * 3600 * CLOCK_US_PER_S)
#define AHEAD_US  (366 * DAY_US)
#define MONDAY_US (4 * DAY_US) /* 1970-01-05 */

enum { SQL_MAX = 256 * PG_PARTITIONS_AT_ONCE };

struct range {
    int64_t low, high;
};

struct pg_partitions {
    enum pg_unit unit;
    bool timescale;
    struct range *ranges; /* sorted, apart from one another */
    size_t count;
    /* What is being made. */
    struct pg_link *link;
    struct range *missing;
    size_t missing_count, made, asked;
    pg_partitions_cb cb;
    void *ctx;
};

/* ---- the calendar ---- */

static int64_t floor_to(int64_t time_us, int64_t step_us)
{
    int64_t rest = time_us % step_us;
    return time_us - (rest < 0 ? rest + step_us : rest);
}

/* Days since 1970 of the first of a month; months count from January 1970. */
static int64_t days_before_month(int64_t months)
{
    static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    int64_t year = 1970 + months / 12, month = months % 12, last = year - 1;
    int64_t leap_days = (last / 4 - last / 100 + last / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return (year - 1970) * 365 + leap_days + before[month] + (leap && month > 1);
}

static int64_t month_of(int64_t time_us)
{
    int64_t days = time_us / DAY_US;
    int64_t months = days / 31; /* never too many */
    while (days_before_month(months + 1) <= days) {
        months++;
    }
    return months;
}

int64_t pg_partition_low(enum pg_unit unit, int64_t time_us)
{
    if (time_us < 0) {
        return floor_to(time_us, DAY_US);
    }
    if (unit == PG_MONTH) {
        return days_before_month(month_of(time_us)) * DAY_US;
    }
    return unit == PG_DAY ? floor_to(time_us, DAY_US)
                          : floor_to(time_us - MONDAY_US, 7 * DAY_US) + MONDAY_US;
}

int64_t pg_partition_high(enum pg_unit unit, int64_t low_us)
{
    if (unit == PG_MONTH && low_us >= 0) {
        return days_before_month(month_of(low_us) + 1) * DAY_US;
    }
    return low_us + (unit == PG_WEEK && low_us >= 0 ? 7 : 1) * DAY_US;
}

int pg_partition_fits(int64_t time_us, int64_t now_us, struct err *err)
{
    char time[STR_TIME_MAX];
    if (time_us >= 0 && time_us < now_us + AHEAD_US) {
        return 0;
    }
    (void)str_format_time(time, sizeof(time), time_us, 0, true);
    err_set(err, BUSBAR_ERANGE, "its time is %s: no partition is made for that",
            time_us < 0 ? "before 1970" : time);
    err_hint(err, "set the clock of the device");
    return BUSBAR_ERANGE;
}

/* ---- what is there ---- */

struct pg_partitions *pg_partitions_new(enum pg_unit unit, bool timescale)
{
    struct pg_partitions *partitions = busbar_alloc(sizeof(*partitions));
    partitions->unit = unit;
    partitions->timescale = timescale;
    return partitions;
}

void pg_partitions_free(struct pg_partitions *partitions)
{
    if (partitions != NULL) {
        busbar_free(partitions->ranges);
        busbar_free(partitions->missing);
        busbar_free(partitions);
    }
}

size_t pg_partitions_count(const struct pg_partitions *partitions)
{
    return partitions->count;
}

/* The first range that ends behind the time. */
static size_t find(const struct pg_partitions *partitions, int64_t time_us)
{
    size_t low = 0, high = partitions->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (partitions->ranges[middle].high <= time_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool pg_partitions_has(const struct pg_partitions *partitions, int64_t time_us)
{
    size_t at = find(partitions, time_us);
    return partitions->timescale ||
           (at < partitions->count && partitions->ranges[at].low <= time_us);
}

static int by_low(const void *a, const void *b)
{
    const struct range *one = a, *two = b;
    return one->low < two->low ? -1 : one->low > two->low;
}

static int64_t cell_us(const struct pg_answer *answer, size_t row, size_t column, int64_t otherwise)
{
    const char *text = pg_cell(answer, row, column);
    int64_t value = otherwise;
    if (text != NULL) {
        (void)str_parse_i64(text, &value);
    }
    return value;
}

static void finish(struct pg_partitions *partitions, const struct pg_answer *answer)
{
    pg_partitions_cb cb = partitions->cb;
    partitions->cb = NULL;
    cb(partitions->ctx, answer);
}

static void loaded(void *ctx, const struct pg_answer *answer)
{
    struct pg_partitions *partitions = ctx;
    if (answer->error == 0) {
        size_t count = answer->rows < PG_PARTITIONS_MAX ? answer->rows : PG_PARTITIONS_MAX;
        busbar_free(partitions->ranges);
        partitions->ranges = busbar_alloc_array(count + 1, sizeof(*partitions->ranges));
        partitions->count = count;
        for (size_t row = 0; row < count; row++) {
            partitions->ranges[row] = (struct range){ cell_us(answer, row, 0, INT64_MIN),
                                                      cell_us(answer, row, 1, INT64_MAX) };
        }
        qsort(partitions->ranges, count, sizeof(*partitions->ranges), by_low);
    }
    finish(partitions, answer);
}

void pg_partitions_load(struct pg_partitions *partitions, struct pg_link *link, pg_partitions_cb cb,
                        void *ctx)
{
    partitions->cb = cb;
    partitions->ctx = ctx;
    /* Bounds as the server writes them: FOR VALUES FROM ('...') TO ('...'), MINVALUE, MAXVALUE or DEFAULT. */
    pg_run(
        link,
        "select (extract(epoch from substring(b from $re$FROM \\('([^']+)'\\)$re$)::timestamptz) * "
        "1000000)::int8, "
        "(extract(epoch from substring(b from $re$TO \\('([^']+)'\\)$re$)::timestamptz) * "
        "1000000)::int8 "
        "from (select pg_get_expr(c.relpartbound, c.oid) as b from pg_inherits i "
        "join pg_class c on c.oid = i.inhrelid where i.inhparent = 'sample'::regclass "
        "and c.relkind in ('r', 'f', 'p')) p where b is not null",
        loaded, partitions);
}

void pg_partitions_copy(struct pg_partitions *to, const struct pg_partitions *from)
{
    if (to->cb == NULL) {
        to->ranges = busbar_realloc(to->ranges, (from->count + 1) * sizeof(*to->ranges));
        memcpy(to->ranges, from->ranges, from->count * sizeof(*to->ranges));
        to->count = from->count;
    }
}

/* ---- making ---- */

/* The range of the unit around a time, less what is there already. */
static struct range gap_around(const struct pg_partitions *partitions, int64_t time_us)
{
    struct range gap = { .low = pg_partition_low(partitions->unit, time_us) };
    gap.high = pg_partition_high(partitions->unit, gap.low);
    size_t at = find(partitions, time_us);
    if (at > 0 && partitions->ranges[at - 1].high > gap.low) {
        gap.low = partitions->ranges[at - 1].high;
    }
    if (at < partitions->count && partitions->ranges[at].low < gap.high) {
        gap.high = partitions->ranges[at].low;
    }
    return gap;
}

static void put_make(const struct range *range, struct buf *sql)
{
    char low[STR_TIME_MAX], high[STR_TIME_MAX];
    (void)str_format_time(low, sizeof(low), range->low, 0, true);
    (void)str_format_time(high, sizeof(high), range->high, 0, true);
    buf_printf(sql, "%s('sample_%.4s%.2s%.2s",
               sql->size == 0 ? "select partition_make" : ", partition_make", low, low + 5,
               low + 8);
    if (range->high - range->low != DAY_US) {
        buf_printf(sql, "_%.4s%.2s%.2s", high, high + 5, high + 8);
    }
    buf_printf(sql, "', '%s', '%s')", low, high);
}

static void take_in(struct pg_partitions *partitions, const struct range *ranges, size_t count)
{
    size_t all = partitions->count + count;
    partitions->ranges = busbar_realloc(partitions->ranges, (all + 1) * sizeof(*ranges));
    memcpy(partitions->ranges + partitions->count, ranges, count * sizeof(*ranges));
    partitions->count = all;
    qsort(partitions->ranges, all, sizeof(*ranges), by_low);
}

static void make_some(struct pg_partitions *partitions);

static void made(void *ctx, const struct pg_answer *answer)
{
    struct pg_partitions *partitions = ctx;
    if (answer->error != 0) {
        finish(partitions, answer);
        return;
    }
    take_in(partitions, partitions->missing + partitions->made, partitions->asked);
    partitions->made += partitions->asked;
    if (partitions->made < partitions->missing_count) {
        make_some(partitions);
    } else {
        finish(partitions, answer);
    }
}

static void make_some(struct pg_partitions *partitions)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    size_t left = partitions->missing_count - partitions->made;
    partitions->asked = left < PG_PARTITIONS_AT_ONCE ? left : PG_PARTITIONS_AT_ONCE;
    for (size_t i = 0; i < partitions->asked; i++) {
        put_make(&partitions->missing[partitions->made + i], &sql);
    }
    if (partitions->asked == 0) {
        buf_append_text(&sql, "select 1");
    }
    pg_run(partitions->link, buf_text(&sql), made, partitions);
    buf_fini(&sql);
}

static int by_value(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;
    return one < two ? -1 : one > two;
}

void pg_partitions_make(struct pg_partitions *partitions, struct pg_link *link,
                        const int64_t *times_us, size_t count, pg_partitions_cb cb, void *ctx)
{
    int64_t *sorted = busbar_alloc_array(count + 1, sizeof(*sorted));
    memcpy(sorted, times_us, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_value);
    busbar_free(partitions->missing);
    partitions->missing = busbar_alloc_array(count + 1, sizeof(*partitions->missing));
    partitions->missing_count = partitions->made = partitions->asked = 0;
    partitions->link = link;
    partitions->cb = cb;
    partitions->ctx = ctx;
    int64_t until = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        if (sorted[i] >= until && !pg_partitions_has(partitions, sorted[i])) {
            struct range gap = gap_around(partitions, sorted[i]);
            partitions->missing[partitions->missing_count++] = gap;
            until = gap.high;
        }
    }
    busbar_free(sorted);
    make_some(partitions);
}
