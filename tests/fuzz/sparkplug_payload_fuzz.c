/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of Sparkplug: a whole payload or a reason; plain values that were read are written and read again the same. */
#include <string.h>

#include "drivers/mqtt/sparkplug/payload.h"
#include "payload_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_metric(const struct sparkplug_metric *metric)
{
    check(metric->kind <= SPARKPLUG_IS_TEXT);
    check(metric->name == NULL || str_is_utf8(metric->name, metric->name_size));
    check(metric->units == NULL || str_is_utf8(metric->units, metric->units_size));
    check(metric->about == NULL || str_is_utf8(metric->about, metric->about_size));
    check(metric->kind != SPARKPLUG_IS_TEXT || str_is_utf8(metric->value.text, metric->size));
    check((metric->kind == SPARKPLUG_NONE) == (metric->null || metric->why != NULL));
}

/* Data types that are written as they were read. */
static bool is_plain(const struct sparkplug_metric *metric)
{
    return metric->kind != SPARKPLUG_NONE && metric->datatype != SPARKPLUG_UNKNOWN &&
           metric->datatype <= SPARKPLUG_UUID && metric->datatype != SPARKPLUG_DATETIME;
}

static void write_again(const struct sparkplug_metric *metric)
{
    struct sparkplug_metric one = *metric;
    struct sparkplug_payload put = { .metrics = &one, .count = 1 };
    struct sparkplug_payload got;
    struct sparkplug_reader *reader = sparkplug_reader_new();
    struct buf out;
    buf_init(&out, 4 << 20);
    if (sparkplug_payload_put(&out, &put) == 0) {
        check(sparkplug_payload_read(reader, bytes_of(out.data, out.size), &got, NULL) == 0);
        check(got.count == 1 && got.metrics[0].kind == one.kind);
        check(one.kind != SPARKPLUG_IS_INT || got.metrics[0].value.i == one.value.i);
        check(one.kind != SPARKPLUG_IS_BOOL || got.metrics[0].value.b == one.value.b);
        check(one.kind != SPARKPLUG_IS_TEXT || (got.metrics[0].size == one.size));
    }
    buf_fini(&out);
    sparkplug_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes copy = bytes_dup(data, size);
    struct sparkplug_reader *reader = sparkplug_reader_new();
    struct sparkplug_payload payload;
    struct err err = { 0 };
    int error = sparkplug_payload_read(reader, copy, &payload, &err);
    check(error == 0 || (payload.count == 0 && err.code == error && err.message[0] != '\0'));
    for (size_t i = 0; i < payload.count; i++) {
        check_metric(&payload.metrics[i]);
        if (i < 8 && is_plain(&payload.metrics[i])) {
            write_again(&payload.metrics[i]);
        }
        payload.metrics[i].datatype = (uint32_t)(size + i) % SPARKPLUG_DATATYPES;
        sparkplug_metric_settle(reader, &payload.metrics[i]);
        check_metric(&payload.metrics[i]);
    }
    sparkplug_reader_free(reader);
    bytes_fini(&copy);
    return 0;
}
