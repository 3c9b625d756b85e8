/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in words, and values in every type: any octets give one line or a bad sample, and what a SET would
 * write of a value reads back as that value. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "drivers/snmp/snmp_words.h"
#include "model/quality.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_words(struct bytes in)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    snmp_describe(mib_builtin(), in.start, bytes_left(&in), &out);
    assert(out.size > 0 && !out.overflow);
    buf_fini(&out);
}

/* As its own question too: that it does not hold a point is the usual answer. */
static void fuzz_trace(struct bytes in)
{
    static const uint8_t uptime[] = { 0x2b, 6, 1, 2, 1, 1, 3, 0 };
    static const uint8_t descr[] = { 0x2b, 6, 1, 2, 1, 2, 2, 1, 2 };
    static const struct snmp_meaning any = { .bit = -1, .divisor = 1, .hint = "" };
    const struct snmp_row_name row = { { descr, sizeof(descr) }, "lo" };
    const struct snmp_address scalar = { .oid = { uptime, sizeof(uptime) }, .meaning = &any };
    const struct snmp_address cell = { .oid = row.column, .row = &row, .meaning = &any };
    struct sample raw;
    struct buf out;
    buf_init(&out, 1 << 20);
    (void)snmp_trace(mib_builtin(), &scalar, in, in, &out, &raw);
    (void)snmp_trace(mib_builtin(), &cell, in, in, &out, &raw);
    buf_fini(&out);
}

static void again(const struct snmp_meaning *meaning, uint8_t tag, const struct sample *sample)
{
    uint8_t room[TEXT_BYTES_MAX];
    struct snmp_value value;
    struct sample back;
    struct text *text = NULL;
    if (snmp_value_write(meaning, mib_builtin(), sample, room, sizeof(room), &value, NULL) != 0) {
        return;
    }
    snmp_value_read(meaning, mib_builtin(), &value, &text, &back);
    bool plain = meaning->type == SNMP_INT || meaning->type == SNMP_UNSIGNED ||
                 meaning->type == SNMP_ADDRESS || meaning->type == SNMP_HEX ||
                 meaning->type == SNMP_BOOL ||
                 (meaning->type == SNMP_TICKS && tag == BER_TIMETICKS);
    assert(!plain || value_equal(back.type, back.value, sample->type, sample->value));
    busbar_free(text);
}

static void fuzz_value(struct bytes content, uint8_t tag, uint8_t type, uint8_t bit)
{
    const struct snmp_meaning meaning = { .type = (enum snmp_type)(type % (SNMP_DATE + 1)),
                                          .bit = (int16_t)(bit < 64 ? bit : -1),
                                          .divisor = 1,
                                          .hint = bit % 2 == 0 ? "" : "1x:" };
    const struct snmp_value value = { tag, content };
    struct text *text = NULL;
    struct sample sample;
    struct buf out;
    snmp_value_read(&meaning, mib_builtin(), &value, &text, &sample);
    assert((sample.type == VALUE_NONE) == (sample.quality != QUALITY_GOOD));
    if (sample.type != VALUE_NONE) {
        again(&meaning, tag, &sample);
    }
    busbar_free(text);
    buf_init(&out, 1 << 20);
    snmp_value_print(mib_builtin(), NULL, &value, &out);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096) {
        return 0;
    }
    struct bytes copy = bytes_dup(data, size);
    fuzz_words(copy);
    fuzz_trace(copy);
    if (size >= 3) {
        struct bytes content = bytes_dup(data + 3, size - 3);
        fuzz_value(content, data[0], data[1], data[2]);
        bytes_fini(&content);
    }
    bytes_fini(&copy);
    return 0;
}
