/* SPDX-License-Identifier: Apache-2.0 */
/* Events. First byte even: the rest is one event; what can be read is written again and must read the same. Odd:
 * the rest is the events of a log record, read one after another to the end. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "history/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void check_same(const struct event *a, const struct event *b)
{
    check(a->time_us == b->time_us && a->receive_us == b->receive_us &&
          a->severity == b->severity && a->ack_wanted == b->ack_wanted &&
          strcmp(a->source, b->source) == 0 && strcmp(a->kind, b->kind) == 0 &&
          strcmp(a->text, b->text) == 0 && strcmp(a->key, b->key) == 0 &&
          strcmp(a->once, b->once) == 0);
    check(a->argument_count == b->argument_count || b->cut);
    for (size_t i = 0; i < b->argument_count; i++) {
        check(strcmp(a->arguments[i].name, b->arguments[i].name) == 0 &&
              value_equal(a->arguments[i].type, a->arguments[i].value, b->arguments[i].type,
                          b->arguments[i].value));
    }
}

static void one_event(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_dup(data, size);
    struct event_decoded first, again;
    if (event_decode(&in, &first) == 0) {
        struct buf out;
        buf_init(&out, EVENT_BYTES_MAX);
        check(event_encode(&first.event, &out) == 0);
        struct bytes second = bytes_of(out.data, out.size);
        check(event_decode(&second, &again) == 0);
        check_same(&first.event, &again.event);
        event_decoded_fini(&again);
        buf_fini(&out);
        event_decoded_fini(&first);
    }
    bytes_fini(&in);
}

static void many_events(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_dup(data, size);
    struct event_decoded event;
    int error = 0;
    for (size_t i = 0; i <= size && error != BUSBAR_ENOENT; i++) {
        size_t left = bytes_left(&in);
        error = history_record_next_event(&in, &event);
        check(error == BUSBAR_ENOENT || bytes_left(&in) < left || bytes_short(&in));
        if (error == 0) {
            event_decoded_fini(&event);
        } else if (bytes_short(&in)) {
            break;
        }
    }
    bytes_fini(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    (data[0] % 2 == 0 ? one_event : many_events)(data + 1, size - 1);
    return 0;
}
