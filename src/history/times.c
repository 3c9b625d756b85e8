/* SPDX-License-Identifier: Apache-2.0 */
/* Times of a chunk. Polls come at regular times, give or take a jitter: what is left when a straight
 * line from the first to the last time is taken away is small. Where a gap breaks the line, the
 * deltas are smaller.
 *
 *   u8    unit (low 4 bits: 0 us, 1 ms, 2 s; what all times since the first are multiples of)
 *         and method (high 4 bits: 0 line, 1 deltas)
 *   ints  line: times 1 .. count - 2 minus the line's; deltas: between neighbours but the last
 *
 * First time and span stand in the head of the chunk, so one or two times need nothing here. */
#include "history/coder.h"

#include <string.h>

enum { METHOD_LINE = 0, METHOD_DELTAS = 1 };

static const uint64_t units_us[] = { 1, 1000, 1000000 };

static unsigned find_unit(const int64_t *times, size_t count)
{
    bool ms = true;
    bool s = true;
    for (size_t i = 1; i < count && ms; i++) {
        uint64_t since = (uint64_t)times[i] - (uint64_t)times[0];
        ms = since % 1000 == 0;
        s = s && since % 1000000 == 0;
    }
    return ms ? (s ? 2u : 1u) : 0u;
}

/* The line i -> floor(i x span / (count - 1)), by steps, exact in 64 bits. */
struct line {
    uint64_t whole, part, parts; /* step = whole + part / parts */
    uint64_t value, rest;
};

static struct line line_of(uint64_t span, size_t count)
{
    uint64_t parts = count - 1;
    return (struct line){ .whole = span / parts, .part = span % parts, .parts = parts };
}

static inline uint64_t line_step(struct line *line)
{
    line->value += line->whole;
    line->rest += line->part;
    if (line->rest >= line->parts) {
        line->rest -= line->parts;
        line->value++;
    }
    return line->value;
}

static void put_times(struct bytes_out *out, struct history_coder *coder, const int64_t *times,
                      size_t count)
{
    unsigned unit = find_unit(times, count);
    uint64_t start = (uint64_t)times[0];
    struct line line = line_of(((uint64_t)times[count - 1] - start) / units_us[unit], count);
    size_t inner = count - 2;
    uint64_t before = 0;
    for (size_t i = 0; i < inner; i++) {
        uint64_t since = (uint64_t)times[i + 1] - start;
        since = unit == 0 ? since : unit == 1 ? since / 1000 : since / 1000000;
        coder->first[i] = (int64_t)(since - line_step(&line));
        coder->second[i] = (int64_t)(since - before);
        before = since;
    }
    struct history_ints_plan by_line;
    struct history_ints_plan by_deltas;
    history_ints_plan(coder->first, inner, &by_line);
    history_ints_plan(coder->second, inner, &by_deltas);
    bool deltas = by_deltas.bytes < by_line.bytes;
    bytes_put_u8(out, (uint8_t)(unit | (deltas ? METHOD_DELTAS : METHOD_LINE) * 16u));
    history_ints_put(out, deltas ? coder->second : coder->first, inner,
                     deltas ? &by_deltas : &by_line);
}

/* Points of one poll have the same times: what was encoded last is often asked for again. */
void history_times_put(struct bytes_out *out, struct history_coder *coder, const int64_t *times,
                       size_t count)
{
    struct history_times_memo *memo = &coder->memo;
    if (count <= 2) {
        return;
    }
    if (memo->count == count && memcmp(memo->times, times, count * sizeof(*times)) == 0) {
        bytes_put_block(out, memo->bytes, memo->size);
        return;
    }
    size_t from = bytes_out_size(out);
    put_times(out, coder, times, count);
    memo->size = bytes_out_size(out) - from;
    memo->count = memo->size <= sizeof(memo->bytes) ? count : 0;
    if (memo->count > 0) {
        memcpy(memo->times, times, count * sizeof(*times));
        memcpy(memo->bytes, out->at - memo->size, memo->size);
    }
}

void history_times_get(struct bytes *in, struct history_coder *coder, int64_t first_us,
                       uint64_t span_us, int64_t *times, size_t count)
{
    uint64_t start = (uint64_t)first_us;
    times[0] = first_us;
    times[count - 1] = (int64_t)(start + span_us);
    if (count <= 2) {
        return;
    }
    uint8_t head = bytes_get_u8(in);
    unsigned unit = head & 15u;
    unsigned method = head >> 4;
    if (unit >= sizeof(units_us) / sizeof(units_us[0]) || method > METHOD_DELTAS) {
        bytes_fail(in);
        return;
    }
    size_t inner = count - 2;
    history_ints_get(in, coder->first, inner);
    uint64_t unit_us = units_us[unit];
    if (method == METHOD_LINE) {
        struct line line = line_of(span_us / unit_us, count);
        for (size_t i = 0; i < inner; i++) {
            uint64_t since = line_step(&line) + (uint64_t)coder->first[i];
            times[i + 1] = (int64_t)(start + since * unit_us);
        }
    } else {
        uint64_t since = 0;
        for (size_t i = 0; i < inner; i++) {
            since += (uint64_t)coder->first[i];
            times[i + 1] = (int64_t)(start + since * unit_us);
        }
    }
    for (size_t i = 1; i < count; i++) {
        if (times[i] <= times[i - 1]) {
            bytes_fail(in);
            return;
        }
    }
}
