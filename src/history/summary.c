/* SPDX-License-Identifier: Apache-2.0 */
/* The summary in the head of a chunk, so that a query over whole chunks decodes nothing:
 *
 *   unless SUMMED (every sample is a number):
 *     varint numbers, varint bad, u8 quality of the last sample,
 *     varint first number - first time, varint last time - last number   (when numbers > 0)
 *   when there are numbers: u8 form, then min, max, first, last, sum:
 *     0..15  decimals of that exponent: zigzag min, then varint max, first, last, and sum, less
 *            min each (the sum: less count x min)
 *     16     five doubles */
#include "history/coder.h"

#include <math.h>

enum { FORM_DOUBLES = HISTORY_EXPONENT_MAX + 1 };

#define SUM_MAX (INT64_C(1) << 52) /* an integer that a double holds exactly, twice over */

/* Most chunks: nothing but good numbers. False: it is not one of these, and info is half filled. */
static bool make_plain(const struct history_column *column, struct history_chunk_info *info)
{
    const union value *values = column->values;
    size_t count = column->count;
    double sum = 0;
    if (column->marked) {
        return false;
    }
    if (column->type == VALUE_DOUBLE) {
        double min = values[0].d;
        double max = min;
        for (size_t i = 0; i < count; i++) {
            double number = values[i].d;
            min = number < min ? number : min;
            max = number > max ? number : max;
            sum += number;
        }
        info->min = min;
        info->max = max;
        info->first = values[0].d;
        info->last = values[count - 1].d;
        if (!isfinite(sum)) {
            return false; /* a NaN or an infinity is among them */
        }
    } else if (column->type == VALUE_INT || column->type == VALUE_BOOL) {
        int64_t min = (int64_t)values[0].bits;
        int64_t max = min;
        for (size_t i = 0; i < count; i++) {
            int64_t number = (int64_t)values[i].bits;
            min = number < min ? number : min;
            max = number > max ? number : max;
            sum += (double)number;
        }
        info->min = (double)min;
        info->max = (double)max;
        info->first = (double)(int64_t)values[0].bits;
        info->last = (double)(int64_t)values[count - 1].bits;
    } else {
        return false;
    }
    info->sum = sum;
    info->numbers = count;
    info->first_number_us = info->first_us;
    info->last_number_us = info->last_us;
    return true;
}

static void make_any(const struct history_column *column, struct history_chunk_info *info)
{
    info->numbers = 0;
    info->sum = 0;
    for (size_t i = 0; i < column->count; i++) {
        uint8_t quality = column->marked ? column->marks[i].quality : QUALITY_GOOD;
        uint8_t type = column->marked ? column->marks[i].type : column->type;
        double number;
        if (!history_is_number(type, column->values[i], quality, &number)) {
            info->bad += type == VALUE_NONE || quality_class(quality) == QUALITY_CLASS_BAD;
            continue;
        }
        if (info->numbers++ == 0) {
            info->min = info->max = info->first = number;
            info->first_number_us = column->times[i];
        }
        info->min = number < info->min ? number : info->min;
        info->max = number > info->max ? number : info->max;
        info->sum += number;
        info->last = number;
        info->last_number_us = column->times[i];
    }
}

void history_summary_make(const struct history_column *column, struct history_chunk_info *info)
{
    info->count = column->count;
    info->first_us = column->times[0];
    info->last_us = column->times[column->count - 1];
    info->bad = 0;
    info->last_quality = column->marked ? column->marks[column->count - 1].quality : QUALITY_GOOD;
    if (!make_plain(column, info)) {
        make_any(column, info);
    }
    info->summed = info->numbers == info->count && quality_is_good(info->last_quality);
}

/* The five figures as integers of one exponent; the sum is said as such when it is within rounding. */
static bool as_decimals(const struct history_chunk_info *info, uint8_t *exponent,
                        int64_t figures[5])
{
    union value values[4] = {
        { .d = info->min }, { .d = info->max }, { .d = info->first }, { .d = info->last }
    };
    struct history_scale scale = history_scale_find(values, 4, figures);
    if (scale.form != HISTORY_FORM_DIVIDE) {
        return false;
    }
    struct history_scale one = { .form = HISTORY_FORM_DIVIDE, .exponent = scale.exponent };
    double power = 1 / history_scale_value(one, 1);
    double sum = info->sum * power;
    if (!(sum > -(double)SUM_MAX && sum < (double)SUM_MAX)) {
        return false;
    }
    figures[4] = (int64_t)(sum + (sum < 0 ? -0.5 : 0.5));
    double error = history_scale_value(one, figures[4]) - info->sum;
    double bound = 1e-12 * (info->sum < 0 ? -info->sum : info->sum) + 1e-300;
    *exponent = scale.exponent;
    return error <= bound && error >= -bound;
}

void history_summary_put(struct bytes_out *out, const struct history_chunk_info *info)
{
    if (!info->summed) {
        bytes_put_varint(out, info->numbers);
        bytes_put_varint(out, info->bad);
        bytes_put_u8(out, info->last_quality);
        if (info->numbers > 0) {
            bytes_put_varint(out, (uint64_t)info->first_number_us - (uint64_t)info->first_us);
            bytes_put_varint(out, (uint64_t)info->last_us - (uint64_t)info->last_number_us);
        }
    }
    if (info->numbers == 0) {
        return;
    }
    uint8_t exponent = 0;
    int64_t figures[5];
    if (as_decimals(info, &exponent, figures)) {
        bytes_put_u8(out, exponent);
        bytes_put_varint_signed(out, figures[0]);
        for (int i = 1; i < 4; i++) {
            bytes_put_varint(out, (uint64_t)(figures[i] - figures[0]));
        }
        bytes_put_varint_signed(
            out, (int64_t)((uint64_t)figures[4] - (uint64_t)figures[0] * info->numbers));
    } else {
        bytes_put_u8(out, FORM_DOUBLES);
        bytes_put_f64le(out, info->min);
        bytes_put_f64le(out, info->max);
        bytes_put_f64le(out, info->first);
        bytes_put_f64le(out, info->last);
        bytes_put_f64le(out, info->sum);
    }
}

static void get_figures(struct bytes *in, struct history_chunk_info *info)
{
    uint8_t form = bytes_get_u8(in);
    if (form > FORM_DOUBLES) {
        bytes_fail(in);
    } else if (form == FORM_DOUBLES) {
        info->min = bytes_get_f64le(in);
        info->max = bytes_get_f64le(in);
        info->first = bytes_get_f64le(in);
        info->last = bytes_get_f64le(in);
        info->sum = bytes_get_f64le(in);
    } else {
        struct history_scale scale = { .form = HISTORY_FORM_DIVIDE, .exponent = form };
        uint64_t min = (uint64_t)bytes_get_varint_signed(in);
        info->min = history_scale_value(scale, (int64_t)min);
        info->max = history_scale_value(scale, (int64_t)(min + bytes_get_varint(in)));
        info->first = history_scale_value(scale, (int64_t)(min + bytes_get_varint(in)));
        info->last = history_scale_value(scale, (int64_t)(min + bytes_get_varint(in)));
        uint64_t sum = min * info->numbers + (uint64_t)bytes_get_varint_signed(in);
        info->sum = history_scale_value(scale, (int64_t)sum);
    }
}

void history_summary_get(struct bytes *in, struct history_chunk_info *info)
{
    info->numbers = info->count;
    info->bad = 0;
    info->last_quality = QUALITY_GOOD;
    info->first_number_us = info->first_us;
    info->last_number_us = info->last_us;
    if (!info->summed) {
        uint64_t numbers = bytes_get_varint(in);
        uint64_t bad = bytes_get_varint(in);
        info->last_quality = bytes_get_u8(in);
        if (bytes_short(in) || numbers > info->count || bad > info->count - numbers) {
            bytes_fail(in);
            return;
        }
        info->numbers = (size_t)numbers;
        info->bad = (size_t)bad;
        if (numbers > 0) {
            uint64_t first = (uint64_t)info->first_us + bytes_get_varint(in);
            uint64_t last = (uint64_t)info->last_us - bytes_get_varint(in);
            info->first_number_us = (int64_t)first;
            info->last_number_us = (int64_t)last;
            if (info->first_number_us < info->first_us || info->last_number_us > info->last_us ||
                info->first_number_us > info->last_number_us) {
                bytes_fail(in);
            }
        }
    }
    if (info->numbers > 0) {
        get_figures(in, info);
    }
}
