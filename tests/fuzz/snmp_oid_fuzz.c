/* SPDX-License-Identifier: Apache-2.0 */
/* OIDs: octets -> parts -> octets and octets -> text -> octets are the same; the order is that of the parts; any text
 * either fails or comes back. */
#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "drivers/snmp/ber/oid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again_text(struct snmp_oid oid)
{
    struct snmp_oid_buf back;
    struct buf text;
    buf_init(&text, SNMP_OID_TEXT_MAX);
    snmp_oid_print(oid, &text);
    assert(!text.overflow);
    assert(snmp_oid_parse(buf_text(&text), &back, NULL) == 0);
    assert(snmp_oid_equal(back.oid, oid));
    buf_fini(&text);
}

static void again(struct snmp_oid oid)
{
    uint32_t parts[SNMP_OID_PARTS_MAX];
    struct snmp_oid_buf back;
    size_t count = snmp_oid_parts(oid, parts, SNMP_OID_PARTS_MAX);
    assert(count == snmp_oid_count(oid) && count >= 2);
    assert(snmp_oid_of(parts, count, &back) == 0);
    assert(snmp_oid_equal(back.oid, oid));
    if (count > 2) { /* the one before it: one part less */
        assert(snmp_oid_of(parts, count - 1, &back) == 0);
        assert(snmp_oid_order(back.oid, oid) < 0 && snmp_oid_under(oid, back.oid));
        assert(snmp_oid_append(&back, parts[count - 1]) == 0);
        assert(snmp_oid_equal(back.oid, oid));
    }
}

static void order(struct snmp_oid a, struct snmp_oid b)
{
    uint32_t a_parts[SNMP_OID_PARTS_MAX] = { 0 }, b_parts[SNMP_OID_PARTS_MAX] = { 0 };
    size_t a_count = snmp_oid_parts(a, a_parts, SNMP_OID_PARTS_MAX);
    size_t b_count = snmp_oid_parts(b, b_parts, SNMP_OID_PARTS_MAX);
    size_t at = 0;
    while (at < a_count && at < b_count && a_parts[at] == b_parts[at]) {
        at++;
    }
    bool less = at < b_count && (at == a_count || a_parts[at] < b_parts[at]);
    assert((snmp_oid_order(a, b) < 0) == less);
    assert((snmp_oid_order(b, a) > 0) == less);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 4 * SNMP_OID_BYTES_MAX) {
        return 0;
    }
    struct bytes copy = bytes_dup(data, size);
    size_t half = size / 2;
    if (snmp_oid_good(copy.start, size)) {
        struct snmp_oid oid = { copy.start, (uint16_t)size };
        again(oid);
        again_text(oid);
    }
    if (half > 0 && snmp_oid_good(copy.start, half) &&
        snmp_oid_good(copy.start + half, size - half)) {
        order((struct snmp_oid){ copy.start, (uint16_t)half },
              (struct snmp_oid){ copy.start + half, (uint16_t)(size - half) });
    }
    bytes_fini(&copy);

    struct bytes text = bytes_dup(data, size);
    struct snmp_oid_buf parsed;
    ((char *)(uintptr_t)text.start)[size - 1] = '\0';
    if (snmp_oid_parse((const char *)text.start, &parsed, NULL) == 0) {
        assert(snmp_oid_good(parsed.oid.bytes, parsed.oid.size));
        again_text(parsed.oid);
    }
    bytes_fini(&text);
    return 0;
}
