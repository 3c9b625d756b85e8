/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/postgres/rollup_hours.h"

#include <math.h>

#include "base/alloc.h"
#include "base/str.h"

enum { SPAN_HOURS = 50000 }; /* buckets asked for at once */

int64_t rollup_floor(int64_t time_us)
{
    int64_t rest = time_us % ROLLUP_HOUR_US;
    return time_us - (rest < 0 ? rest + ROLLUP_HOUR_US : rest);
}

static void put_number(double value, bool known, struct buf *out)
{
    char text[40] = "\\N";
    if (known) {
        (void)str_format_double(text, sizeof(text), value);
    }
    buf_printf(out, "\t%s", text);
}

int rollup_row(int16_t site, uint32_t point, const struct history_bucket *bucket, struct buf *out)
{
    char hour[STR_TIME_MAX];
    bool any = bucket->count > 0;
    (void)str_format_time(hour, sizeof(hour), bucket->start_us, 0, true);
    buf_append_text(out, hour);
    put_number(bucket->min, any, out);
    put_number(bucket->max, any, out);
    put_number(bucket->sum, any, out);
    put_number(bucket->first, any && !isnan(bucket->first), out); /* tiers do not know it */
    put_number(bucket->last, any, out);
    return buf_printf(out, "\t%u\t%llu\t%llu\t%llu\t%d\t%u\n", (unsigned)point,
                      (unsigned long long)bucket->count, (unsigned long long)bucket->bad,
                      (unsigned long long)bucket->others, (int)site, (unsigned)bucket->quality);
}

static int put_span(struct history *history, int16_t site, uint32_t point, int64_t from_us,
                    int64_t to_us, struct buf *out, size_t *rows)
{
    struct history_buckets result;
    int error = history_buckets(history, point, from_us, to_us, ROLLUP_HOUR_US, &result);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < result.count && error == 0; i++) {
        error = rollup_row(site, point, &result.buckets[i], out);
    }
    *rows += result.count;
    busbar_free(result.buckets);
    return error;
}

int rollup_point(struct history *history, int16_t site, uint32_t point, int64_t from_us,
                 int64_t to_us, struct buf *out, size_t *rows)
{
    int error = 0;
    for (int64_t at = from_us; at < to_us && error == 0; at += SPAN_HOURS * ROLLUP_HOUR_US) {
        int64_t end = at + SPAN_HOURS * ROLLUP_HOUR_US;
        error = put_span(history, site, point, at, end < to_us ? end : to_us, out, rows);
    }
    return error;
}

struct rollup_work *rollup_work_new(struct history *history, int16_t site, size_t count)
{
    struct rollup_work *work = busbar_alloc(sizeof(*work));
    work->history = history;
    work->site = site;
    work->wishes = busbar_alloc_array(count + 1, sizeof(*work->wishes));
    buf_init(&work->out, ROLLUP_BYTES_MAX);
    return work;
}

void rollup_work_free(struct rollup_work *work)
{
    busbar_free(work->wishes);
    buf_fini(&work->out);
    busbar_free(work);
}

void rollup_make(void *ctx)
{
    struct rollup_work *work = ctx;
    for (size_t i = 0; i < work->count && work->error == 0; i++) {
        const struct rollup_wish *wish = &work->wishes[i];
        work->error = rollup_point(work->history, work->site, wish->point, wish->from_us,
                                   wish->to_us, &work->out, &work->rows);
    }
}

void rollup_search(void *ctx)
{
    struct rollup_work *work = ctx;
    work->error = history_flush(work->history);
    work->oldest_us = history_begins_us(work->history);
}
