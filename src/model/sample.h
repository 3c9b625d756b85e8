/* SPDX-License-Identifier: Apache-2.0 */
/* A sample: one value of one point at one time, with its quality. 32 bytes, no owner: text values
 * are borrowed until the call that got the sample returns.
 *
 * Times are microseconds UTC since 1970. The source time is the device's own where it sends one,
 * else the time at which the request that fetched it was answered; all samples of one answer carry
 * the same time. */
#ifndef BUSBAR_MODEL_SAMPLE_H
#define BUSBAR_MODEL_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Part of the log's and the history's format: append only. */
enum value_type {
    VALUE_NONE = 0, /* no value: quality says why */
    VALUE_BOOL = 1,
    VALUE_INT = 2,
    VALUE_DOUBLE = 3,
    VALUE_TEXT = 4,
};

#define TEXT_BYTES_MAX 4096 /* longest text value, bytes of UTF-8 */

struct text {
    uint32_t size; /* bytes, no terminator counted */
    char bytes[];  /* size bytes and a NUL */
};

union value {
    bool b;
    int64_t i;
    double d;
    const struct text *text;
    uint64_t bits; /* for comparing and copying */
};

struct sample {
    int64_t time_us;    /* source time */
    int64_t receive_us; /* when busbar got it */
    union value value;
    uint32_t point; /* series id, from state/; 0 = none */
    uint16_t
        detail; /* the protocol's own code behind a bad quality (Modbus exception ...); 0 = none */
    uint8_t type;    /* enum value_type */
    uint8_t quality; /* enum quality */
};

const char *value_type_word(uint8_t type); /* "bool", "int", "double", "string" */

/* Same type and same bits (text: same bytes; NaN equals the same NaN). */
bool value_equal(uint8_t type_a, union value a, uint8_t type_b, union value b);

/* The value as a number: bool 0/1, int, double. False for text and none. */
bool value_number(uint8_t type, union value value, double *out);

/* As a person reads it: "true", "-12", "21.4" (shortest that reads back), text as it is. */
void value_print(uint8_t type, union value value, struct buf *out);

struct text *text_new(const char *bytes, size_t size); /* caller frees with busbar_free */

/* Makes `text` (from text_new() or NULL) hold these bytes; reuses its memory while the size is near.
 * Returns the text, which may have moved. */
struct text *text_set(struct text *text, const char *bytes, size_t size);

#endif
