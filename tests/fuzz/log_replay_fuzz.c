/* SPDX-License-Identifier: Apache-2.0 */
/* Log replay. First byte even: the rest is a segment file, checksums and all. Odd: the rest is a record's
 * body whose checksum was right; what can be read of it is written again and must read the same. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/history.h"
#include "history/segment.h"
#include "history/usual.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SAMPLES_MAX = 8 * HISTORY_BATCH_SAMPLES };

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

/* What goes into the head as columns must be what a cursor reads as samples. */
static void read_columns(struct history_record_reader reader, const struct sample *samples,
                         int count)
{
    struct history_usual *usual = busbar_alloc(sizeof(*usual));
    if (history_record_usual(&reader, usual)) {
        check(count >= 0 && usual->count == (uint32_t)count);
        for (size_t r = 0, at = 0; r < usual->run_count; at += usual->runs[r++].count) {
            int64_t time_us = usual->times[usual->one_time ? 0 : at];
            check(samples[at].point == usual->runs[r].first && samples[at].time_us == time_us &&
                  samples[at].value.bits == usual->values[at].bits);
        }
    }
    busbar_free(usual);
}

static size_t read_body(const uint8_t *body, size_t size, struct sample *samples)
{
    struct history_record_reader reader;
    size_t total = 0;
    int count = 1;
    history_record_open(&reader, body, size);
    while (total + HISTORY_BATCH_SAMPLES <= SAMPLES_MAX && count > 0) {
        struct history_record_reader before = reader;
        count = history_record_next(&reader, samples + total);
        read_columns(before, samples + total, count);
        check(count >= BUSBAR_EDAMAGED && count <= HISTORY_BATCH_SAMPLES);
        total += count > 0 ? (size_t)count : 0;
    }
    return total;
}

static void write_again(const struct sample *samples, size_t count, struct sample *again)
{
    struct history_record_writer writer;
    history_record_init(&writer, 64 * 1024 * 1024);
    check(history_record_add(&writer, samples, count) == 0);
    size_t body = writer.buf.size - HISTORY_RECORD_HEAD;
    check(history_record_seal(&writer, 5, 7) >= writer.buf.size);
    check(read_body(writer.buf.data + HISTORY_RECORD_HEAD, body, again) == count);
    for (size_t i = 0; i < count; i++) {
        check(samples[i].time_us == again[i].time_us && samples[i].point == again[i].point &&
              samples[i].receive_us == again[i].receive_us &&
              samples[i].quality == again[i].quality && samples[i].detail == again[i].detail &&
              value_equal(samples[i].type, samples[i].value, again[i].type, again[i].value));
    }
    history_record_fini(&writer);
}

static void replay_segment(const uint8_t *data, size_t size, struct sample *samples)
{
    struct history_segment_head head;
    struct history_segment_reader reader;
    struct history_record_head record;
    const uint8_t *body;
    if (history_segment_get_head(data, size, &head) != 0) {
        return;
    }
    history_segment_open(&reader, data, size, &head);
    uint64_t before = 0;
    while (history_segment_next(&reader, &record, &body) == 0) {
        check(record.sequence >= before && reader.offset <= size);
        before = record.sequence + 1;
        size_t batches = history_record_batch_bytes(&record);
        (void)read_body(body, batches, samples);
        struct bytes events = bytes_of(body + batches, record.event_bytes);
        struct event_decoded event;
        while (history_record_next_event(&events, &event) == 0) {
            event_decoded_fini(&event);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    uint8_t *copy = malloc(size - 1 > 0 ? size - 1 : 1); /* exact, and aligned as in a segment */
    struct sample *samples = busbar_alloc_array(2 * SAMPLES_MAX, sizeof(*samples));
    memcpy(copy, data + 1, size - 1);
    if (data[0] % 2 == 0) {
        replay_segment(copy, size - 1, samples);
    } else {
        size_t count = read_body(copy, size - 1, samples);
        if (count > 0) {
            write_again(samples, count, samples + SAMPLES_MAX);
        }
    }
    busbar_free(samples);
    free(copy);
    return 0;
}
