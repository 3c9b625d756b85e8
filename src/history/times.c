/* SPDX-License-Identifier: Apache-2.0 */
/* Times of a chunk. Polls come at regular times, give or take a jitter: what is left when a straight
 * line from the first to the last time is taken away is small. Where a gap breaks the line, the
 * deltas are smaller.
 *
 *   u8    unit (low 4 bits: 0 us, 1 ms, 2 s; what all times since the first are multiples of)
 *         and method (high 4 bits: 0 line, 1 deltas, 4 steps; and 2: range-coded)
 *   ints  line: times 1 .. count - 2 minus the line's; deltas: between neighbours but the last; steps: as
 *         line, but the line's steps are whole units, the nearest, so that it does not follow the jitter
 *         of the two ends.
 *         Range-coded: varint size, bytes (range_coder.h)
 *
 * First time and span stand in the head of the chunk, so one or two times need nothing here. */
#include "history/coder.h"

#include <string.h>

#include "history/range_coder.h"

enum {
    METHOD_LINE = 0,
    METHOD_DELTAS = 1,
    METHOD_STEPS = 4,
    METHOD_RANGE = 2 /* and one of these */
};

static const uint64_t units_us[] = { 1, 1000, 1000000 };

/* Since the first, in the largest unit that all are multiples of, to first[]. Returns the unit. */
static unsigned find_unit(struct history_coder *coder, const int64_t *times, size_t count)
{
    const struct history_kernels *kernels = coder->kernels;
    for (unsigned unit = 2; unit > 0; unit--) {
        uint64_t one = (uint64_t)times[1] - (uint64_t)times[0];
        if (one % units_us[unit] == 0 &&
            kernels->units(times, count, units_us[unit], coder->first)) {
            return unit;
        }
    }
    kernels->units(times, count, 1, coder->first);
    return 0;
}

/* The line i -> floor(i x span / (count - 1)), exact in 64 bits. */
static struct history_line line_of(uint64_t start, uint64_t unit, uint64_t span, size_t count)
{
    uint64_t parts = count - 1;
    return (struct history_line){ .start = start,
                                  .unit = unit,
                                  .whole = span / parts,
                                  .part = (uint32_t)(span % parts),
                                  .parts = (uint32_t)parts };
}

/* The line with whole steps that is nearest to it. */
static struct history_line steps_of(struct history_line line)
{
    line.whole += 2 * line.part >= line.parts;
    line.part = 0;
    return line;
}

static void put_times(struct bytes_out *out, struct history_coder *coder, const int64_t *times,
                      size_t count)
{
    const struct history_kernels *kernels = coder->kernels;
    size_t inner = count - 2;
    unsigned unit = find_unit(coder, times, count);
    struct history_line line = line_of(0, 1, (uint64_t)coder->first[count - 1], count);
    int64_t *rest = coder->second;
    unsigned method = METHOD_LINE;
    kernels->line(&line, NULL, rest, inner);
    kernels->minus(coder->first + 1, rest, rest, inner);
    size_t least = history_ints_guess(kernels, rest, inner);
    if (least > 0 && line.part > 0) {
        struct history_line steps = steps_of(line);
        kernels->line(&steps, NULL, coder->off, inner);
        kernels->minus(coder->first + 1, coder->off, coder->off, inner);
        if (history_ints_guess(kernels, coder->off, inner) <= least) {
            method = METHOD_STEPS;
            rest = coder->off;
            least = history_ints_guess(kernels, coder->off, inner);
        }
    }
    if (least > 0) {
        int64_t *deltas = rest == coder->off ? coder->second : coder->off;
        kernels->deltas(coder->first, count - 1, deltas);
        if (history_ints_guess(kernels, deltas, inner) < least) {
            method = METHOD_DELTAS;
            rest = deltas;
        }
    }
    struct history_ints_plan plan;
    history_ints_plan(kernels, rest, inner, &plan);
    uint8_t *start = bytes_put_space(out, 1);
    *start = (uint8_t)(unit | method * 16u);
    history_ints_put(kernels, out, rest, inner, &plan);
    uint8_t *ints = start + 1;
    uint8_t *behind = out->at;
    if (coder->cold && history_range_write(out, (size_t)(behind - ints), rest, inner)) {
        history_keep_second(out, ints, behind);
        *start = (uint8_t)(*start + METHOD_RANGE * 16u);
    }
}

void history_times_put(struct bytes_out *out, struct history_coder *coder, const int64_t *times,
                       size_t count)
{
    struct history_times_memo *oldest = &coder->memos[0];
    if (count <= 2) {
        return;
    }
    coder->columns++;
    for (size_t i = 0; i < 2; i++) {
        struct history_times_memo *memo = &coder->memos[i];
        if (memo->count == count && memcmp(memo->times, times, count * sizeof(*times)) == 0) {
            memo->used = coder->columns;
            bytes_put_block(out, memo->bytes, memo->size);
            return;
        }
        oldest = memo->count == 0 || memo->used < oldest->used ? memo : oldest;
    }
    size_t from = bytes_out_size(out);
    put_times(out, coder, times, count);
    oldest->size = bytes_out_size(out) - from;
    oldest->count = oldest->size <= sizeof(oldest->bytes) ? count : 0;
    oldest->used = coder->columns;
    if (oldest->count > 0) {
        memcpy(oldest->times, times, count * sizeof(*times));
        memcpy(oldest->bytes, out->at - oldest->size, oldest->size);
    }
}

/* The first byte. */
struct head {
    unsigned unit, method;
    bool cold;
};

/* False: no encoder writes this. */
static bool get_head(struct bytes *in, struct head *head)
{
    uint8_t byte = bytes_get_u8(in);
    head->unit = byte & 15u;
    head->method = byte >> 4 & ~(unsigned)METHOD_RANGE;
    head->cold = (byte >> 4 & METHOD_RANGE) != 0;
    return head->unit < sizeof(units_us) / sizeof(units_us[0]) &&
           (head->method <= METHOD_DELTAS || head->method == METHOD_STEPS);
}

/* What the times of LINE and STEPS are told from. */
static struct history_line line_of_head(const struct head *head, int64_t first_us, uint64_t span_us,
                                        size_t count)
{
    uint64_t unit_us = units_us[head->unit];
    struct history_line line = line_of((uint64_t)first_us, unit_us, span_us / unit_us, count);
    return head->method == METHOD_STEPS ? steps_of(line) : line;
}

void history_times_get(struct bytes *in, struct history_coder *coder, int64_t first_us,
                       uint64_t span_us, int64_t *times, size_t count)
{
    struct head head;
    uint64_t start = (uint64_t)first_us;
    times[0] = first_us;
    times[count - 1] = (int64_t)(start + span_us);
    if (count <= 2) {
        return;
    }
    if (!get_head(in, &head)) {
        bytes_fail(in);
        return;
    }
    const struct history_kernels *kernels = coder->kernels;
    size_t inner = count - 2;
    bool alike = false;
    if (head.cold) {
        history_range_read(in, coder->first, inner);
    } else {
        alike = history_ints_get(kernels, in, coder->first, inner, history_all(inner));
    }
    if (bytes_short(in)) {
        return;
    }
    uint64_t unit_us = units_us[head.unit];
    struct history_line line = line_of_head(&head, first_us, span_us, count);
    bool ascend = false;
    if (head.method != METHOD_DELTAS && alike) { /* then only the ends may be out of order */
        line.start += unit_us * (uint64_t)coder->first[0];
        kernels->line(&line, NULL, times + 1, inner);
        ascend = line.whole > 0 && times[0] < times[1] && times[1] <= times[inner] &&
                 times[inner] < times[inner + 1];
    } else if (head.method != METHOD_DELTAS) {
        kernels->line(&line, coder->first, times + 1, inner);
    } else {
        kernels->sums(coder->first, inner, 0);
        for (size_t i = 0; i < inner; i++) {
            times[i + 1] = (int64_t)(start + (uint64_t)coder->first[i] * unit_us);
        }
    }
    if (!ascend && !kernels->ascend(times, count)) {
        bytes_fail(in);
    }
}

/* --- a part --- */

/* First index in [low, high) whose time is not before time_us; high: none. */
static size_t first_from(const int64_t *times, size_t low, size_t high, int64_t time_us)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (times[middle] < time_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* About where on the line a time is, among the inner ones 1 .. count - 2. */
static size_t place_of(int64_t first_us, uint64_t span_us, size_t count, int64_t time_us)
{
    if (time_us <= first_us) {
        return 0;
    }
    double share = (double)((uint64_t)time_us - (uint64_t)first_us) / (double)span_us;
    return share >= 1 ? count : (size_t)(share * (double)(count - 1));
}

/* Decodes the inner times at places first .. end - 1 (1 .. count - 2) of a line. */
static bool get_window(struct bytes *in, struct history_coder *coder, struct history_line line,
                       int64_t *times, size_t inner, struct history_part window)
{
    struct history_part rest = { .first = window.first - 1, .end = window.end - 1 };
    (void)history_ints_get(coder->kernels, in, coder->first, inner, rest);
    line.skip = (uint32_t)rest.first;
    coder->kernels->line(&line, coder->first + rest.first, times + window.first,
                         rest.end - rest.first);
    return !bytes_short(in) &&
           coder->kernels->ascend(times + window.first, window.end - window.first);
}

enum { WINDOW_MARGIN = 16 };

/* Decodes a window of the line around the part, a wider one until both its ends are outside. */
static void find_on_line(struct bytes *in, struct history_coder *coder, struct history_line line,
                         int64_t *times, size_t count, int64_t from_us, int64_t to_us,
                         struct history_part *part)
{
    struct bytes start = *in;
    uint64_t span_us = (uint64_t)times[count - 1] - (uint64_t)times[0];
    size_t low = place_of(times[0], span_us, count, from_us);
    size_t high = place_of(times[0], span_us, count, to_us);
    struct history_part window;
    for (size_t margin = WINDOW_MARGIN;; margin *= 4) {
        window.first = low > margin ? low - margin : 1;
        window.end = high + margin < count - 1 ? high + margin : count - 1;
        window.first = window.first < window.end ? window.first : window.end - 1;
        *in = start;
        if (!get_window(in, coder, line, times, count - 2, window)) {
            bytes_fail(in);
            return;
        }
        bool low_found = window.first == 1 || times[window.first] < from_us;
        bool high_found = window.end == count - 1 || times[window.end - 1] >= to_us;
        if (low_found && high_found) {
            break;
        }
    }
    size_t first = window.first == 1 ? 0 : window.first;
    size_t end = window.end == count - 1 ? count : window.end;
    part->first = first_from(times, first, end, from_us);
    part->end = first_from(times, part->first, end, to_us);
}

void history_times_find(struct bytes *in, struct history_coder *coder, int64_t first_us,
                        uint64_t span_us, int64_t *times, size_t count, int64_t from_us,
                        int64_t to_us, struct history_part *part)
{
    struct bytes start = *in;
    struct head head;
    if (count > WINDOW_MARGIN * 4 && get_head(in, &head) && !head.cold &&
        head.method != METHOD_DELTAS) {
        times[0] = first_us;
        times[count - 1] = (int64_t)((uint64_t)first_us + span_us);
        find_on_line(in, coder, line_of_head(&head, first_us, span_us, count), times, count,
                     from_us, to_us, part);
        return;
    }
    *in = start;
    history_times_get(in, coder, first_us, span_us, times, count);
    part->first = bytes_short(in) ? 0 : first_from(times, 0, count, from_us);
    part->end = bytes_short(in) ? 0 : first_from(times, part->first, count, to_us);
}
