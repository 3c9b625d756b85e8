/* SPDX-License-Identifier: Apache-2.0 */
/* Records of trend logs -> samples of points. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/bacnet/bacnet_detail.h"
#include "drivers/bacnet/bacnet_time.h"
#include "drivers/bacnet/bacnet_trend.h"
#include "drivers/bacnet/bacnet_value.h"
#include "model/quality.h"

enum {
    DATUM_BYTES = 64,       /* of one primitive with its tag; longer ones are not of a trend log */
    AHEAD_US = 60 * 1000000 /* a record may be that far in the future */
};

int bacnet_trend_time(const struct bacnet_trends *trends, const struct bacnet_datetime *at,
                      int64_t *time_us)
{
    int error = bacnet_datetime_us(at, trends->offset_minutes, time_us);
    if (error == 0 && trends->zone_is_ours) {
        /* summer time was not always what it is now */
        error = bacnet_datetime_us(at, bacnet_clock_offset_minutes(*time_us), time_us);
    }
    return error;
}

static struct sample *add(struct bacnet_trend_samples *out, uint32_t point, int64_t time_us)
{
    if (out->count == out->capacity) {
        out->capacity = out->capacity > 0 ? 2 * out->capacity : 256;
        out->points = busbar_realloc(out->points, out->capacity * sizeof(*out->points));
        out->samples = busbar_realloc(out->samples, out->capacity * sizeof(*out->samples));
        out->texts = busbar_realloc(out->texts, out->capacity * sizeof(*out->texts));
    }
    struct sample *sample = &out->samples[out->count];
    *sample = (struct sample){ .time_us = time_us, .quality = QUALITY_GOOD };
    out->texts[out->count] = NULL;
    out->points[out->count++] = point;
    return sample;
}

static void set_bad(struct sample *sample, uint8_t quality, uint16_t detail)
{
    sample->type = VALUE_NONE;
    sample->value.bits = 0;
    sample->quality = quality;
    sample->detail = detail;
}

static void set_value(const struct bacnet_trends *trends, uint32_t point, struct bytes elements,
                      struct sample *sample, struct text **text)
{
    struct bacnet_seen seen;
    const struct bacnet_target *target = &bacnet_targets(trends->device)[point];
    int64_t time_us = sample->time_us;
    bacnet_value_get(target, elements, sample, text, &seen);
    sample->time_us = time_us;
}

static void set_datum(const struct bacnet_trends *trends, uint32_t point,
                      const struct bacnet_datum *datum, struct sample *sample, struct text **text)
{
    uint8_t memory[DATUM_BYTES];
    struct bytes_out out = bytes_out_of(memory, sizeof(memory));
    switch (datum->kind) {
    case BACNET_DATUM_ANY: set_value(trends, point, datum->any, sample, text); break;
    case BACNET_DATUM_FAILURE:
        set_bad(sample, QUALITY_REFUSED, bacnet_detail_error(datum->error_code));
        break;
    default:
        if (bacnet_value_size(&datum->value) > sizeof(memory)) {
            set_bad(sample, QUALITY_DECODE, BACNET_DETAIL_TOO_LONG);
            break;
        }
        bacnet_put_value(&out, BACNET_APPLICATION, &datum->value);
        set_value(trends, point, bytes_of(memory, bytes_out_size(&out)), sample, text);
        break;
    }
}

static void apply_flags(const struct bacnet_trends *trends, uint8_t flags, struct sample *sample)
{
    if ((flags & BACNET_FLAG_FAULT) != 0) {
        set_bad(sample, QUALITY_FAULT, BACNET_DETAIL_FAULT);
    } else if ((flags & BACNET_FLAG_OUT_OF_SERVICE) != 0 &&
               trends->device->config.out_of_service_warns) {
        set_bad(sample, QUALITY_OUT_OF_SERVICE, BACNET_DETAIL_OUT_OF_SERVICE);
    }
}

/* What a log says of itself holds for all its points. */
static void take_status(const struct bacnet_trend_log *log, uint8_t status, int64_t time_us,
                        struct bacnet_trend_samples *out)
{
    out->disabled = (status & BACNET_LOG_DISABLED) != 0;
    out->purged = out->purged || (status & BACNET_LOG_PURGED) != 0;
    out->interrupted = out->interrupted || (status & BACNET_LOG_INTERRUPTED) != 0;
    if ((status & (BACNET_LOG_DISABLED | BACNET_LOG_INTERRUPTED)) == 0) {
        return;
    }
    for (size_t i = 0; i < log->link_count; i++) {
        set_bad(add(out, log->links[i].point, time_us), QUALITY_REFUSED, BACNET_DETAIL_LOG_OFF);
    }
}

static bool is_in_time(const struct bacnet_trends *trends, const struct bacnet_datetime *at,
                       struct bacnet_trend_samples *out, int64_t *time_us)
{
    out->records++;
    if (bacnet_trend_time(trends, at, time_us) != 0) {
        return false;
    }
    if (*time_us > clock_wall_us() + AHEAD_US) {
        out->future++;
        return false;
    }
    out->last_us = *time_us;
    return true;
}

static int take_record(const struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                       struct bytes *items, struct bacnet_trend_samples *out)
{
    struct bacnet_log_record record;
    int64_t time_us;
    if (bacnet_get_log_record(items, &record) != 0) {
        return BUSBAR_EPROTO;
    }
    if (!is_in_time(trends, &record.at, out, &time_us)) {
        return 0;
    }
    if (record.datum.kind == BACNET_DATUM_STATUS) {
        take_status(log, record.datum.status, time_us, out);
        return 0;
    }
    if (record.datum.kind == BACNET_DATUM_TIME) {
        out->clock_set_s = record.datum.seconds;
        return 0;
    }
    for (size_t i = 0; i < log->link_count; i++) {
        struct sample *sample = add(out, log->links[i].point, time_us);
        set_datum(trends, log->links[i].point, &record.datum, sample, &out->texts[out->count - 1]);
        apply_flags(trends, record.flags, sample);
    }
    return 0;
}

static int take_data(const struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                     struct bytes data, int64_t time_us, struct bacnet_trend_samples *out)
{
    unsigned member = 0;
    while (bytes_left(&data) > 0) {
        struct bacnet_datum datum;
        if (bacnet_get_log_datum(&data, &datum) != 0) {
            return BUSBAR_EPROTO;
        }
        member++;
        for (size_t i = 0; i < log->link_count; i++) {
            if (log->links[i].member == member) {
                struct sample *sample = add(out, log->links[i].point, time_us);
                set_datum(trends, log->links[i].point, &datum, sample, &out->texts[out->count - 1]);
            }
        }
    }
    return 0;
}

static int take_multiple(const struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                         struct bytes *items, struct bacnet_trend_samples *out)
{
    struct bacnet_log_multiple record;
    int64_t time_us;
    if (bacnet_get_log_multiple(items, &record) != 0) {
        return BUSBAR_EPROTO;
    }
    if (!is_in_time(trends, &record.at, out, &time_us)) {
        return 0;
    }
    switch (record.kind) {
    case BACNET_DATUM_STATUS: take_status(log, record.status, time_us, out); return 0;
    case BACNET_DATUM_TIME: out->clock_set_s = record.seconds; return 0;
    default: return take_data(trends, log, record.data, time_us, out);
    }
}

int bacnet_trend_records(const struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                         struct bytes items, struct bacnet_trend_samples *out)
{
    bool multiple = log->object.type == BACNET_TREND_LOG_MULTIPLE;
    int error = 0;
    *out = (struct bacnet_trend_samples){ .count = 0 };
    while (error == 0 && bytes_left(&items) > 0) {
        error = multiple ? take_multiple(trends, log, &items, out)
                         : take_record(trends, log, &items, out);
    }
    /* a text moves no more now */
    for (size_t i = 0; i < out->count; i++) {
        if (out->samples[i].type == VALUE_TEXT) {
            out->samples[i].value.text = out->texts[i];
        }
    }
    return error;
}

void bacnet_trend_samples_fini(struct bacnet_trend_samples *samples)
{
    for (size_t i = 0; i < samples->count; i++) {
        busbar_free(samples->texts[i]);
    }
    busbar_free(samples->points);
    busbar_free(samples->samples);
    busbar_free(samples->texts);
}
