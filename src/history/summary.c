/* SPDX-License-Identifier: Apache-2.0 */
/* The summary in the head of a chunk, so that a query over whole chunks decodes nothing:
 *
 *   unless SUMMED (every sample is a number):
 *     varint numbers, varint bad, u8 quality of the last sample,
 *     varint first number - first time, varint last time - last number   (when numbers > 0)
 *   when there are numbers: u8 form, then min, max, first, last, sum:
 *     0..15  decimals of that exponent: zigzag min, then varint max, first, last, and sum, less
 *            min each (the sum: less count x min)
 *     16     five doubles
 *     32..47 as 0..15, of values that are n x 10^-k
 *     48..63 as 0..15, of values that are (float)(n / 10^k); the sum is a double */
#include "history/coder.h"

#include <math.h>

enum {
    FORM_DOUBLES = 16,
    FORM_MULTIPLY = 32, /* and the exponent */
    FORM_FLOAT = 48,    /* and the exponent */
    FORM_MAX = FORM_FLOAT + HISTORY_EXPONENT_MAX,
};

#define SUM_MAX (INT64_C(1) << 52) /* an integer that a double holds exactly, twice over */

/* A sum that keeps what it loses to rounding (Neumaier), so that the order of its parts does not matter. */
struct sum {
    double sum, lost;
};

static void add(struct sum *sum, double more)
{
    double total = sum->sum + more;
    bool larger = fabs(sum->sum) >= fabs(more);
    sum->lost += larger ? (sum->sum - total) + more : (more - total) + sum->sum;
    sum->sum = total;
}

static double total(const struct sum *sum)
{
    return isfinite(sum->sum) && isfinite(sum->lost) ? sum->sum + sum->lost : sum->sum;
}

/* Most chunks: good numbers that are small integers of one scale. */
static bool make_ranged(struct history_coder *coder, const struct history_column *column,
                        struct history_scale scale, struct history_chunk_info *info)
{
    if (column->marked || column->type == VALUE_NONE || column->type == VALUE_TEXT ||
        scale.form == HISTORY_FORM_NONE) {
        return false;
    }
    size_t count = column->count;
    coder->kernels->range(coder->numbers, count, &coder->range);
    if (coder->range.low < -SUM_MAX || coder->range.high > SUM_MAX) {
        return false;
    }
    info->min = history_scale_value(scale, coder->range.low);
    info->max = history_scale_value(scale, coder->range.high);
    info->first = history_scale_value(scale, coder->numbers[0]);
    info->last = history_scale_value(scale, coder->numbers[count - 1]);
    if (scale.form == HISTORY_FORM_FLOAT) { /* each is rounded: so is their sum */
        struct sum sum = { 0 };
        for (size_t i = 0; i < count; i++) {
            add(&sum, column->values[i].d);
        }
        info->sum = total(&sum);
    } else {
        info->sum = history_scale_value(scale, (int64_t)coder->range.sum);
    }
    info->numbers = count;
    info->first_number_us = info->first_us;
    info->last_number_us = info->last_us;
    return true;
}

static void make_any(const struct history_column *column, struct history_chunk_info *info)
{
    struct sum sum = { 0 };
    info->numbers = 0;
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
        add(&sum, number);
        info->last = number;
        info->last_number_us = column->times[i];
    }
    info->sum = total(&sum);
}

void history_summary_make(struct history_coder *coder, const struct history_column *column,
                          struct history_scale scale, struct history_chunk_info *info)
{
    info->count = column->count;
    info->first_us = column->times[0];
    info->last_us = column->times[column->count - 1];
    info->bad = 0;
    info->last_quality = column->marked ? column->marks[column->count - 1].quality : QUALITY_GOOD;
    coder->ranged = make_ranged(coder, column, scale, info);
    if (!coder->ranged) {
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
    struct history_scale scale = history_scale_find(history_kernels_plain(), values, 4, figures);
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

static void put_decimals(struct bytes_out *out, const struct history_chunk_info *info,
                         unsigned form, const int64_t figures[5])
{
    bytes_put_u8(out, (uint8_t)form);
    bytes_put_varint_signed(out, figures[0]);
    for (int i = 1; i < 4; i++) {
        bytes_put_varint(out, (uint64_t)(figures[i] - figures[0]));
    }
    if (form >= FORM_FLOAT) {
        bytes_put_f64le(out, info->sum);
    } else {
        bytes_put_varint_signed(
            out, (int64_t)((uint64_t)figures[4] - (uint64_t)figures[0] * info->numbers));
    }
}

static void put_doubles(struct bytes_out *out, const struct history_chunk_info *info)
{
    bytes_put_u8(out, FORM_DOUBLES);
    bytes_put_f64le(out, info->min);
    bytes_put_f64le(out, info->max);
    bytes_put_f64le(out, info->first);
    bytes_put_f64le(out, info->last);
    bytes_put_f64le(out, info->sum);
}

void history_summary_put(struct bytes_out *out, struct history_coder *coder,
                         struct history_scale scale, const struct history_chunk_info *info)
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
    if (coder->ranged) {
        static const unsigned forms[] = { 0, FORM_MULTIPLY, FORM_FLOAT };
        const struct history_range *range = &coder->range;
        int64_t known[5] = { range->low, range->high, coder->numbers[0],
                             coder->numbers[info->count - 1], (int64_t)range->sum };
        put_decimals(out, info, forms[scale.form] + scale.exponent, known);
    } else if (as_decimals(info, &exponent, figures)) {
        put_decimals(out, info, exponent, figures);
    } else {
        put_doubles(out, info);
    }
}

static void get_decimals(struct bytes *in, unsigned form, struct history_chunk_info *info)
{
    struct history_scale scale = { .form = HISTORY_FORM_DIVIDE, .exponent = form & 15u };
    scale.form = form >= FORM_FLOAT      ? HISTORY_FORM_FLOAT
                 : form >= FORM_MULTIPLY ? HISTORY_FORM_MULTIPLY
                                         : HISTORY_FORM_DIVIDE;
    uint64_t min = (uint64_t)bytes_get_varint_signed(in);
    info->min = history_scale_value(scale, (int64_t)min);
    info->max = history_scale_value(scale, (int64_t)(min + bytes_get_varint(in)));
    info->first = history_scale_value(scale, (int64_t)(min + bytes_get_varint(in)));
    info->last = history_scale_value(scale, (int64_t)(min + bytes_get_varint(in)));
    if (scale.form == HISTORY_FORM_FLOAT) {
        info->sum = bytes_get_f64le(in);
    } else {
        uint64_t sum = min * info->numbers + (uint64_t)bytes_get_varint_signed(in);
        info->sum = history_scale_value(scale, (int64_t)sum);
    }
}

static void get_figures(struct bytes *in, struct history_chunk_info *info)
{
    uint8_t form = bytes_get_u8(in);
    if (form > FORM_MAX || (form > FORM_DOUBLES && form < FORM_MULTIPLY)) {
        bytes_fail(in);
    } else if (form == FORM_DOUBLES) {
        info->min = bytes_get_f64le(in);
        info->max = bytes_get_f64le(in);
        info->first = bytes_get_f64le(in);
        info->last = bytes_get_f64le(in);
        info->sum = bytes_get_f64le(in);
    } else {
        get_decimals(in, form, info);
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
