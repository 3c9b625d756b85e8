/* SPDX-License-Identifier: Apache-2.0 */
#include "history/usual.h"

#include "history/history.h"
#include "history/log_decimals.h"
#include "history/words.h"

enum {
    TIMES = 0x10,
    TYPE = 0x0f,
    SAME = 1,
    FORM_DECIMALS = 0,
    FORM_MULTIPLIED = 1,
    FORM_FLOATS = 4,
    FORM_DOUBLES = 8,
    HEAD_BYTES_MAX = 96,
    RUN_BYTES_MAX = 5 + 2, /* zigzag of an id, twice a count */
    STEP_MIN_US = 100000,  /* a longer step of times is rounded to whole ms */
};

/* Filled before it is read: to clear it first (hardened builds do) would cost more than a small poll. */
#define SCRATCH __attribute__((uninitialized))

_Static_assert(sizeof(union value) == sizeof(int64_t), "columns of integers are read in place");

static const int64_t units_us[] = { 1, 1000, 1000000 };

static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t times(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

/* ---- looking ---- */

/* One pass for what nearly always is: samples of one type in a row. */
static size_t find_alike(struct history_usual_look *look, const struct sample *samples,
                         size_t count)
{
    const struct sample *first = &samples[0];
    uint64_t ids = 0;
    uint64_t times = 0;
    size_t i = 0;
    for (; i < count; i++) {
        const struct sample *sample = &samples[i];
        unsigned marks = (unsigned)sample->quality | sample->detail | (sample->type ^ first->type);
        if (marks != QUALITY_GOOD || sample->receive_us != sample->time_us) {
            break;
        }
        ids |= sample->point ^ (first->point + (uint32_t)i);
        times |= (uint64_t)(sample->time_us ^ first->time_us);
    }
    look->one_run = ids == 0;
    look->one_time = times == 0;
    return i;
}

void history_usual_cut(struct history_usual_look *look, const struct sample *samples, size_t count)
{
    struct history_usual_look alike;
    look->count = count;
    look->mixed = find_alike(&alike, samples, count) < count;
    look->one_run = look->one_run || (!look->mixed && alike.one_run);
    look->one_time = look->one_time || (!look->mixed && alike.one_time);
}

void history_usual_find(struct history_usual_look *look, const struct sample *samples, size_t count)
{
    *look = (struct history_usual_look){ 0 };
    if (!history_is_usual(&samples[0])) {
        return;
    }
    look->count = find_alike(look, samples, count);
    while (look->count < count && history_is_usual(&samples[look->count])) {
        look->mixed = true;
        look->one_run = false; /* or it may be; nobody looked */
        look->one_time = false;
        look->count++;
    }
}

size_t history_usual_bytes(size_t count)
{
    return HEAD_BYTES_MAX + count * (RUN_BYTES_MAX + 8 + 1 + HISTORY_DECIMAL_BYTES);
}

/* ---- ids ---- */

static size_t length_of_run(const struct sample *samples, size_t count, bool *same)
{
    size_t length = 1;
    uint32_t step = count > 1 && samples[1].point == samples[0].point ? 0 : 1;
    while (length < count && samples[length].point == samples[length - 1].point + step) {
        length++;
    }
    *same = step == 0;
    return length;
}

static void put_run(struct bytes_out *out, int64_t gap, size_t length, bool same)
{
    bytes_put_varint_signed(out, gap);
    bytes_put_varint(out, length << 1 | (same ? SAME : 0));
}

/* Returns whether all samples are of one series. */
static bool put_runs(struct bytes_out *out, const struct sample *samples, size_t count)
{
    size_t runs = 0;
    bool same = false;
    for (size_t at = 0; at < count; runs++) {
        at += length_of_run(samples + at, count - at, &same);
    }
    bytes_put_varint(out, runs);
    uint32_t expected = 0;
    for (size_t at = 0; at < count;) {
        size_t length = length_of_run(samples + at, count - at, &same);
        put_run(out, (int64_t)samples[at].point - expected, length, same);
        at += length;
        expected = samples[at - 1].point + 1;
    }
    return runs == 1 && same;
}

static bool get_runs(struct bytes *in, struct history_usual *usual)
{
    uint64_t runs = bytes_get_varint(in);
    int64_t expected = 0;
    uint64_t total = 0;
    if (runs == 0 || runs > usual->count) {
        return false;
    }
    usual->run_count = (uint32_t)runs;
    for (size_t i = 0; i < runs; i++) {
        struct history_run *run = &usual->runs[i];
        int64_t first = plus(expected, bytes_get_varint_signed(in));
        uint64_t length = bytes_get_varint(in);
        run->same = (length & SAME) != 0;
        length >>= 1;
        total += length;
        if (length == 0 || length > usual->count || total > usual->count || first < 1 ||
            first > HISTORY_SERIES_MAX) {
            return false;
        }
        run->first = (uint32_t)first;
        run->count = (uint32_t)length;
        expected = run->same ? first + 1 : first + (int64_t)length;
    }
    return total == usual->count && expected - 1 <= HISTORY_SERIES_MAX && !bytes_short(in);
}

/* ---- times ---- */

static int64_t step_of(const struct sample *samples, size_t count)
{
    int64_t span = minus(samples[count - 1].time_us, samples[0].time_us);
    int64_t step = span / (int64_t)(count - 1);
    bool is_long = step >= STEP_MIN_US;
    return is_long ? (step + 500) / 1000 * 1000 : step;
}

/* Divides all by the unit when they are multiples of it. */
static bool divide(int64_t *rest, size_t count, int64_t unit_us)
{
    SCRATCH int64_t parts[HISTORY_BATCH_SAMPLES];
    for (size_t i = 0; i < count; i++) {
        parts[i] = unit_us == 1000 ? rest[i] / 1000 : rest[i] / 1000000;
        if (parts[i] * unit_us != rest[i]) {
            return false;
        }
    }
    memcpy(rest, parts, count * sizeof(*rest));
    return true;
}

/* The coarsest unit of which all are multiples, when that may save a byte. */
static unsigned make_coarse(int64_t *rest, size_t count, uint64_t span)
{
    for (unsigned unit = 2; unit > 0 && span > UINT8_MAX; unit--) {
        if (divide(rest, count, units_us[unit])) {
            return unit;
        }
    }
    return 0;
}

/* line: the times are those of one series, so they go on and on. */
static void put_times(struct bytes_out *out, const struct sample *samples, size_t count, bool line)
{
    SCRATCH int64_t rest[HISTORY_BATCH_SAMPLES];
    int64_t step = line && count > 1 ? step_of(samples, count) : 0;
    int64_t first = samples[0].time_us;
    int64_t low = 0;
    int64_t high = 0;
    int64_t along = 0;
    for (size_t i = 0; i < count; i++) {
        rest[i] = minus(minus(samples[i].time_us, first), along);
        low = rest[i] < low ? rest[i] : low;
        high = rest[i] > high ? rest[i] : high;
        along = plus(along, step);
    }
    unsigned unit = make_coarse(rest, count, (uint64_t)minus(high, low));
    bytes_put_varint_signed(out, step);
    bytes_put_u8(out, (uint8_t)unit);
    history_words_put_between(out, rest, count, low / units_us[unit], high / units_us[unit]);
}

static void get_times(struct bytes *in, struct history_usual *usual)
{
    int64_t step = bytes_get_varint_signed(in);
    unsigned unit = bytes_get_u8(in);
    int64_t along = usual->times[0];
    if (unit >= sizeof(units_us) / sizeof(units_us[0])) {
        bytes_fail(in);
        return;
    }
    history_words_get(in, usual->times, usual->count);
    for (size_t i = 0; i < usual->count && !bytes_short(in); i++) {
        usual->times[i] = plus(along, times(usual->times[i], units_us[unit]));
        along = plus(along, step);
    }
}

/* ---- values ---- */

void history_bits_put(struct bytes_out *out, const union value *values, size_t count)
{
    for (size_t i = 0; i < count; i += 8) {
        unsigned byte = 0;
        for (size_t bit = 0; bit < 8 && i + bit < count; bit++) {
            byte |= (unsigned)values[i + bit].b << bit;
        }
        bytes_put_u8(out, (uint8_t)byte);
    }
}

void history_bits_get(struct bytes *in, union value *values, size_t count)
{
    const uint8_t *bits = bytes_get_block(in, (count + 7) / 8);
    for (size_t i = 0; i < count && bits != NULL; i++) {
        values[i].bits = ((unsigned)bits[i / 8] >> (i % 8)) & 1u;
    }
}

uint8_t history_reals_form(const union value *values, size_t count)
{
    uint64_t differs = 0;
    for (size_t i = 0; i < count; i++) {
        union value back = { .d = (double)(float)values[i].d };
        differs |= back.bits ^ values[i].bits;
    }
    return differs == 0 ? FORM_FLOATS : FORM_DOUBLES;
}

void history_reals_put(struct bytes_out *out, uint8_t form, const union value *values, size_t count)
{
    uint8_t *to = bytes_put_space(out, count * form);
    if (form == FORM_DOUBLES) {
        memcpy(to, values, count * sizeof(*values));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        float value = (float)values[i].d;
        memcpy(to + 4 * i, &value, 4);
    }
}

void history_reals_get(struct bytes *in, uint8_t form, union value *values, size_t count)
{
    bool known = form == FORM_FLOATS || form == FORM_DOUBLES;
    const uint8_t *from = known ? bytes_get_block(in, count * form) : NULL;
    if (from == NULL) {
        bytes_fail(in);
    } else if (form == FORM_DOUBLES) {
        memcpy(values, from, count * sizeof(*values));
    } else {
        for (size_t i = 0; i < count; i++) {
            float value;
            memcpy(&value, from + 4 * i, 4);
            values[i].d = (double)value;
        }
    }
}

static void put_doubles(struct bytes_out *out, const union value *values, size_t count)
{
    enum history_decimals kind = history_decimals_fit(values, count);
    uint8_t form = kind == HISTORY_DECIMALS_DIVIDE     ? FORM_DECIMALS
                   : kind == HISTORY_DECIMALS_MULTIPLY ? FORM_MULTIPLIED
                                                       : history_reals_form(values, count);
    bytes_put_u8(out, form);
    if (kind != HISTORY_DECIMALS_NONE) {
        history_decimals_put(out, kind, values, count);
    } else {
        history_reals_put(out, form, values, count);
    }
}

static void get_doubles(struct bytes *in, union value *values, size_t count)
{
    uint8_t form = bytes_get_u8(in);
    if (form == FORM_DECIMALS) {
        history_decimals_get(in, HISTORY_DECIMALS_DIVIDE, values, count);
    } else if (form == FORM_MULTIPLIED) {
        history_decimals_get(in, HISTORY_DECIMALS_MULTIPLY, values, count);
    } else {
        history_reals_get(in, form, values, count);
    }
}

static void put_column(struct bytes_out *out, uint8_t type, const union value *values, size_t count)
{
    switch (type) {
    case VALUE_BOOL: history_bits_put(out, values, count); break;
    case VALUE_INT: history_words_put(out, &values->i, count); break;
    default: put_doubles(out, values, count);
    }
}

static void get_column(struct bytes *in, uint8_t type, union value *values, size_t count)
{
    switch (type) {
    case VALUE_BOOL: history_bits_get(in, values, count); break;
    case VALUE_INT: history_words_get(in, &values->i, count); break;
    case VALUE_DOUBLE: get_doubles(in, values, count); break;
    default: bytes_fail(in);
    }
}

static const uint8_t mixed_order[] = { VALUE_INT, VALUE_DOUBLE, VALUE_BOOL };

static void put_mixed(struct bytes_out *out, const struct sample *samples, size_t count)
{
    SCRATCH union value values[HISTORY_BATCH_SAMPLES];
    for (size_t i = 0; i < count; i++) {
        bytes_put_u8(out, samples[i].type);
    }
    for (size_t t = 0; t < sizeof(mixed_order); t++) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
            values[found] = samples[i].value;
            found += samples[i].type == mixed_order[t];
        }
        if (found > 0) {
            put_column(out, mixed_order[t], values, found);
        }
    }
}

static void put_alike(struct bytes_out *out, const struct sample *samples, size_t count)
{
    SCRATCH union value values[HISTORY_BATCH_SAMPLES];
    for (size_t i = 0; i < count; i++) {
        values[i] = samples[i].value;
    }
    put_column(out, samples[0].type, values, count);
}

static void get_mixed(struct bytes *in, struct history_usual *usual)
{
    SCRATCH union value values[HISTORY_BATCH_SAMPLES];
    size_t known = 0;
    bytes_get_copy(in, usual->types, usual->count);
    for (size_t t = 0; t < sizeof(mixed_order); t++) {
        size_t wanted = 0;
        for (size_t i = 0; i < usual->count; i++) {
            wanted += usual->types[i] == mixed_order[t];
        }
        if (wanted > 0 && !bytes_short(in)) {
            get_column(in, mixed_order[t], values, wanted);
        }
        for (size_t i = 0, at = 0; i < usual->count && !bytes_short(in); i++) {
            if (usual->types[i] == mixed_order[t]) {
                usual->values[i] = values[at++];
            }
        }
        known += wanted;
    }
    if (known != usual->count) {
        bytes_fail(in);
    }
}

/* ---- all ---- */

void history_usual_put(struct bytes_out *out, const struct sample *samples,
                       const struct history_usual_look *look, int64_t before_us)
{
    bool line = false;
    uint8_t type = look->mixed ? HISTORY_USUAL_MIXED : samples[0].type;
    bytes_put_u8(out, HISTORY_USUAL_MARK);
    bytes_put_u8(out, (uint8_t)(type | (look->one_time ? 0 : TIMES)));
    bytes_put_varint(out, look->count);
    if (look->one_run) {
        bytes_put_varint(out, 1);
        put_run(out, samples[0].point, look->count, false);
    } else {
        line = put_runs(out, samples, look->count);
    }
    bytes_put_varint_signed(out, minus(samples[0].time_us, before_us));
    if (!look->one_time) {
        put_times(out, samples, look->count, line);
    }
    (look->mixed ? put_mixed : put_alike)(out, samples, look->count);
}

bool history_usual_get(struct bytes *in, int64_t before_us, struct history_usual *usual)
{
    uint8_t head = bytes_get_u8(in);
    uint64_t count = bytes_get_varint(in);
    if (bytes_short(in) || count == 0 || count > HISTORY_BATCH_SAMPLES ||
        (head & ~(TYPE | TIMES)) != 0) {
        return false;
    }
    usual->count = (uint32_t)count;
    usual->type = head & TYPE;
    usual->one_time = (head & TIMES) == 0;
    if (!get_runs(in, usual)) {
        return false;
    }
    usual->times[0] = plus(before_us, bytes_get_varint_signed(in));
    if (!usual->one_time) {
        get_times(in, usual);
    }
    if (usual->type == HISTORY_USUAL_MIXED) {
        get_mixed(in, usual);
    } else {
        get_column(in, usual->type, usual->values, usual->count);
    }
    return !bytes_short(in);
}
