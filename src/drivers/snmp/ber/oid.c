/* SPDX-License-Identifier: Apache-2.0 */
/* Object identifiers as BER octets. The first sub-identifier holds two parts (40 * first + second); all others
 * one each, seven bits an octet, high bits first, the last octet without its top bit.
 *
 * Because each is minimal, two OIDs are equal when their octets are, one is under another when it begins with its
 * octets, and of two sub-identifiers the longer is the greater. */
#include "drivers/snmp/ber/oid.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { FIRST_STEP = 40, PART_BYTES_MAX = 5, MORE = 0x80, DIGIT_BITS = 7 };

/* One sub-identifier from the front; 0: cut, over 32 bits, or longer than needed. Else how many octets it has. */
static size_t get_part(const uint8_t *bytes, size_t size, uint32_t *part)
{
    uint64_t value = 0;
    if (size > 0 && bytes[0] == MORE) {
        return 0;
    }
    for (size_t i = 0; i < size && i < PART_BYTES_MAX; i++) {
        value = value << DIGIT_BITS | (bytes[i] & (MORE - 1));
        if ((bytes[i] & MORE) == 0) {
            *part = (uint32_t)value;
            return value <= UINT32_MAX ? i + 1 : 0;
        }
    }
    return 0;
}

static size_t put_part(uint8_t bytes[PART_BYTES_MAX], uint32_t part)
{
    size_t size = 1;
    for (uint32_t rest = part >> DIGIT_BITS; rest > 0; rest >>= DIGIT_BITS) {
        size++;
    }
    for (size_t i = size; i-- > 0; part >>= DIGIT_BITS) {
        bytes[i] = (uint8_t)((part & (MORE - 1)) | (i + 1 < size ? MORE : 0));
    }
    return size;
}

/* How many of the octets, in steps of eight, are a sub-identifier each: most of most OIDs. */
static size_t count_short(const uint8_t *bytes, size_t size)
{
    const uint64_t more = UINT64_C(0x8080808080808080);
    size_t at = 0;
    for (uint64_t eight; size - at >= sizeof(eight); at += sizeof(eight)) {
        memcpy(&eight, bytes + at, sizeof(eight));
        if ((eight & more) != 0) {
            break;
        }
    }
    return at;
}

bool snmp_oid_good(const uint8_t *bytes, size_t size)
{
    if (size > SNMP_OID_BYTES_MAX) {
        return false;
    }
    size_t at = count_short(bytes, size);
    size_t parts = at + 1; /* the first octet is two */
    for (; at < size; parts++) {
        if (bytes[at] < MORE) {
            at++;
            continue;
        }
        uint32_t part;
        size_t used = get_part(bytes + at, size - at, &part);
        if (used == 0) {
            return false;
        }
        at += used;
    }
    return parts <= SNMP_OID_PARTS_MAX;
}

/* The first two parts as the number they share; false: no such pair. */
static bool join_first(uint32_t first, uint32_t second, uint32_t *joined)
{
    if (first > 2 || (first < 2 && second >= FIRST_STEP) || second > UINT32_MAX - 2 * FIRST_STEP) {
        return false;
    }
    *joined = first * FIRST_STEP + second;
    return true;
}

static void split_first(uint32_t joined, uint32_t *first, uint32_t *second)
{
    *first = joined < 2 * FIRST_STEP ? joined / FIRST_STEP : 2;
    *second = joined - *first * FIRST_STEP;
}

int snmp_oid_of(const uint32_t *parts, size_t count, struct snmp_oid_buf *out)
{
    uint32_t joined;
    if (count < 2 || count > SNMP_OID_PARTS_MAX || !join_first(parts[0], parts[1], &joined)) {
        return BUSBAR_EINVAL;
    }
    size_t size = put_part(out->bytes, joined);
    for (size_t i = 2; i < count; i++) {
        size += put_part(out->bytes + size, parts[i]);
    }
    out->oid = (struct snmp_oid){ .bytes = out->bytes, .size = (uint16_t)size };
    return 0;
}

/* The digits of one part; moves `text` behind them. */
static int parse_part(const char **text, uint32_t *part, struct err *err)
{
    const char *at = *text;
    uint64_t value = 0;
    if (*at < '0' || *at > '9') {
        return err_set(err, BUSBAR_EINVAL, "numbers with a point between them are expected");
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value > UINT32_MAX) {
            return err_set(err, BUSBAR_EINVAL, "a number of an OID is at most %" PRIu32,
                           UINT32_MAX);
        }
    }
    *part = (uint32_t)value;
    *text = at;
    return 0;
}

int snmp_oid_parse(const char *text, struct snmp_oid_buf *out, struct err *err)
{
    uint32_t parts[SNMP_OID_PARTS_MAX];
    size_t count = 0;
    const char *at = text + (text[0] == '.' ? 1 : 0);
    for (;; at++) {
        if (count == SNMP_OID_PARTS_MAX) {
            return err_set(err, BUSBAR_EINVAL, "an OID has at most %d numbers", SNMP_OID_PARTS_MAX);
        }
        int e = parse_part(&at, &parts[count], err);
        if (e != 0) {
            return e;
        }
        count++;
        if (*at == '\0') {
            break;
        }
        if (*at != '.') {
            return err_set(err, BUSBAR_EINVAL, "'%c' stands where a point is expected", *at);
        }
    }
    if (count < 2) {
        return err_set(err, BUSBAR_EINVAL, "an OID has two numbers or more");
    }
    if (snmp_oid_of(parts, count, out) != 0) {
        return err_set(err, BUSBAR_EINVAL,
                       "an OID begins with 0, 1 or 2; behind 0 and 1 stands a number below %d",
                       FIRST_STEP);
    }
    return 0;
}

void snmp_oid_print(struct snmp_oid oid, struct buf *out)
{
    uint32_t parts[SNMP_OID_PARTS_MAX];
    size_t count = snmp_oid_parts(oid, parts, SNMP_OID_PARTS_MAX);
    if (count == 0) {
        (void)buf_append_text(out, "0.0");
    }
    for (size_t i = 0; i < count; i++) {
        (void)buf_printf(out, i > 0 ? ".%" PRIu32 : "%" PRIu32, parts[i]);
    }
}

void snmp_oid_take(struct snmp_oid_buf *to, struct snmp_oid from)
{
    assert(from.size <= SNMP_OID_BYTES_MAX);
    if (from.size > 0) {
        memmove(to->bytes, from.bytes, from.size);
    }
    to->oid = (struct snmp_oid){ .bytes = to->bytes, .size = from.size };
}

int snmp_oid_append(struct snmp_oid_buf *to, uint32_t part)
{
    uint8_t bytes[PART_BYTES_MAX];
    return snmp_oid_append_oid(
        to, (struct snmp_oid){ .bytes = bytes, .size = (uint16_t)put_part(bytes, part) });
}

/* Sub-identifiers, of which each ends with an octet without the top bit. */
static size_t count_ends(struct snmp_oid oid)
{
    size_t count = 0;
    for (size_t i = 0; i < oid.size; i++) {
        count += (oid.bytes[i] & MORE) == 0;
    }
    return count;
}

int snmp_oid_append_oid(struct snmp_oid_buf *to, struct snmp_oid tail)
{
    assert(to->oid.size > 0);
    if (snmp_oid_count(to->oid) + count_ends(tail) > SNMP_OID_PARTS_MAX ||
        (size_t)to->oid.size + tail.size > SNMP_OID_BYTES_MAX) {
        return BUSBAR_ELIMIT;
    }
    if (tail.size > 0) {
        memcpy(to->bytes + to->oid.size, tail.bytes, tail.size);
    }
    to->oid.size = (uint16_t)(to->oid.size + tail.size);
    return 0;
}

bool snmp_oid_equal(struct snmp_oid a, struct snmp_oid b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

/* Octets to the end of the sub-identifier that `at` is in. */
static size_t rest_of_part(struct snmp_oid oid, size_t at)
{
    size_t end = at;
    while (end < oid.size && (oid.bytes[end] & MORE) != 0) {
        end++;
    }
    return end - at;
}

int snmp_oid_order(struct snmp_oid a, struct snmp_oid b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    size_t at = 0;
    while (at < size && a.bytes[at] == b.bytes[at]) {
        at++;
    }
    if (at == size) {
        return (int)a.size - (int)b.size;
    }
    size_t rest_a = rest_of_part(a, at);
    size_t rest_b = rest_of_part(b, at);
    if (rest_a != rest_b) {
        return rest_a < rest_b ? -1 : 1;
    }
    return a.bytes[at] < b.bytes[at] ? -1 : 1;
}

bool snmp_oid_under(struct snmp_oid oid, struct snmp_oid prefix)
{
    return oid.size >= prefix.size &&
           (prefix.size == 0 || memcmp(oid.bytes, prefix.bytes, prefix.size) == 0);
}

struct snmp_oid snmp_oid_tail(struct snmp_oid oid, struct snmp_oid prefix)
{
    assert(snmp_oid_under(oid, prefix));
    return (struct snmp_oid){ .bytes = prefix.size > 0 ? oid.bytes + prefix.size : oid.bytes,
                              .size = (uint16_t)(oid.size - prefix.size) };
}

size_t snmp_oid_count(struct snmp_oid oid)
{
    return oid.size > 0 ? count_ends(oid) + 1 : 0;
}

bool snmp_oid_next(struct snmp_oid *tail, uint32_t *part)
{
    size_t used = get_part(tail->bytes, tail->size, part);
    if (used == 0) {
        return false;
    }
    tail->bytes += used;
    tail->size = (uint16_t)(tail->size - used);
    return true;
}

size_t snmp_oid_parts(struct snmp_oid oid, uint32_t *parts, size_t max)
{
    uint32_t joined, pair[2];
    if (!snmp_oid_next(&oid, &joined)) {
        return 0;
    }
    split_first(joined, &pair[0], &pair[1]);
    size_t count = 0;
    while (count < 2 && count < max) {
        parts[count] = pair[count];
        count++;
    }
    while (count < max && snmp_oid_next(&oid, &parts[count])) {
        count++;
    }
    return count;
}
