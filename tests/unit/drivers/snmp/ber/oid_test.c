/* SPDX-License-Identifier: Apache-2.0 */
/* OIDs: as octets and as text, both ways; their order against that of their parts; what is no OID. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/snmp/ber/oid.h"

enum { TEXT_MAX = 2000, RANDOM_OIDS = 2000 };

static struct snmp_oid_buf oid_of(const char *text)
{
    struct snmp_oid_buf oid;
    struct err err = { 0 };
    if (snmp_oid_parse(text, &oid, &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return oid;
}

/* A copy has pointers into the one before. */
static struct snmp_oid view(const struct snmp_oid_buf *oid)
{
    return (struct snmp_oid){ oid->bytes, oid->oid.size };
}

static void texts_and_octets(void **state)
{
    (void)state;
    static const struct {
        const char *text, *octets;
        size_t size, count;
    } rows[] = {
        { "1.3.6.1.2.1.1.3.0", "\x2b\x06\x01\x02\x01\x01\x03\x00", 8, 9 },
        { "0.0", "\x00", 1, 2 },
        { "0.39", "\x27", 1, 2 },
        { "1.0", "\x28", 1, 2 },
        { "2.0", "\x50", 1, 2 },
        { "2.999.3", "\x88\x37\x03", 3, 3 }, /* X.690, 8.19.5 */
        { "1.3.127.128", "\x2b\x7f\x81\x00", 4, 4 },
        { "1.3.16383.16384", "\x2b\xff\x7f\x81\x80\x00", 6, 4 },
        { "1.3.4294967295", "\x2b\x8f\xff\xff\xff\x7f", 6, 3 },
        { "2.4294967215", "\x8f\xff\xff\xff\x7f", 5, 2 },
        { "1.3.6.1.4.1.8072.3.2.10", "\x2b\x06\x01\x04\x01\xbf\x08\x03\x02\x0a", 10, 10 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct snmp_oid_buf made = oid_of(rows[i].text);
        struct snmp_oid oid = view(&made);
        assert_int_equal(oid.size, rows[i].size);
        assert_memory_equal(oid.bytes, rows[i].octets, rows[i].size);
        assert_true(snmp_oid_good(oid.bytes, oid.size));
        assert_int_equal(snmp_oid_count(oid), rows[i].count);
        struct buf text;
        buf_init(&text, TEXT_MAX);
        snmp_oid_print(oid, &text);
        assert_string_equal(buf_text(&text), rows[i].text);
        buf_fini(&text);
    }
    struct snmp_oid_buf dotted = oid_of(".1.3.6");
    struct snmp_oid_buf plain = oid_of("1.3.6");
    assert_true(snmp_oid_equal(view(&dotted), view(&plain)));
}

static void what_is_no_text_of_an_oid(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",     ".",    "1",    "1.",  "1..3",  "3.1",          "0.40",         "1.40", "1.3.x",
        "1.3 ", "-1.3", "1.3.", "1,3", "..1.3", "1.4294967296", "2.4294967216", "+1.3"
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct snmp_oid_buf oid;
        struct err err = { 0 };
        if (snmp_oid_parse(rows[i], &oid, &err) != BUSBAR_EINVAL || err.message[0] == '\0') {
            fail_msg("'%s' was taken", rows[i]);
        }
        assert_int_equal(snmp_oid_parse(rows[i], &oid, NULL), BUSBAR_EINVAL);
    }
}

static void octets_that_are_no_oid(void **state)
{
    (void)state;
    static const struct {
        const char *octets;
        size_t size;
    } rows[] = {
        { "\x80", 1 },                         /* begins with nothing */
        { "\x2b\x80\x01", 3 },                 /* longer than needed */
        { "\x2b\x81", 2 },                     /* cut */
        { "\x2b\x90\x80\x80\x80\x00", 6 },     /* 2^32 */
        { "\x2b\x81\x80\x80\x80\x80\x00", 7 }, /* six octets */
        { "\x88", 1 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_false(snmp_oid_good((const uint8_t *)rows[i].octets, rows[i].size));
    }
    uint8_t many[SNMP_OID_PARTS_MAX + 1];
    memset(many, 1, sizeof(many));
    assert_true(snmp_oid_good(many, SNMP_OID_PARTS_MAX - 1)); /* the first octet is two */
    assert_false(snmp_oid_good(many, SNMP_OID_PARTS_MAX));
    assert_true(snmp_oid_good(many, 0));
}

static void every_prefix_is_one_or_is_cut(void **state)
{
    (void)state;
    struct snmp_oid_buf made = oid_of("1.3.6.1.4.1.8072.4294967295.300.7");
    for (uint16_t size = 1; size < made.oid.size; size++) {
        bool whole = (made.bytes[size - 1] & 0x80) == 0;
        assert_int_equal(snmp_oid_good(made.bytes, size), whole);
    }
}

static int order_of_parts(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
    for (size_t i = 0; i < a_count && i < b_count; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return a_count < b_count ? -1 : a_count > b_count;
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

/* Few values, so that many begin alike, and those at which the length of a part changes. */
static size_t random_parts(uint32_t parts[8])
{
    static const uint32_t some[] = { 0, 1, 127, 128, 16383, 16384, 2097151, 2097152, UINT32_MAX };
    size_t count = 2 + (size_t)rand() % 6;
    parts[0] = (uint32_t)rand() % 3;
    parts[1] = (uint32_t)rand() % 40;
    for (size_t i = 2; i < count; i++) {
        parts[i] = some[(size_t)rand() % 9];
    }
    return count;
}

static void order_and_parts_against_a_naive_twin(void **state)
{
    (void)state;
    uint32_t parts[8], before[8] = { 0, 0 }, back[SNMP_OID_PARTS_MAX];
    size_t before_count = 2;
    struct snmp_oid_buf one, other;
    srand(6);
    for (int i = 0; i < RANDOM_OIDS; i++) {
        size_t count = random_parts(parts);
        assert_int_equal(snmp_oid_of(parts, count, &one), 0);
        assert_int_equal(snmp_oid_of(before, before_count, &other), 0);
        assert_int_equal(snmp_oid_parts(one.oid, back, SNMP_OID_PARTS_MAX), count);
        assert_memory_equal(back, parts, count * sizeof(parts[0]));
        int order = order_of_parts(parts, count, before, before_count);
        assert_int_equal(sign(snmp_oid_order(one.oid, other.oid)), order);
        assert_int_equal(sign(snmp_oid_order(other.oid, one.oid)), -order);
        assert_int_equal(snmp_oid_equal(one.oid, other.oid), order == 0);
        memcpy(before, parts, sizeof(parts));
        before_count = count;
    }
}

static void prefixes_and_tails(void **state)
{
    (void)state;
    struct snmp_oid_buf column = oid_of("1.3.6.1.2.1.2.2.1.8");
    struct snmp_oid_buf cell = oid_of("1.3.6.1.2.1.2.2.1.8.300.7");
    struct snmp_oid_buf other = oid_of("1.3.6.1.2.1.2.2.1.80");
    assert_true(snmp_oid_under(view(&cell), view(&column)));
    assert_true(snmp_oid_under(view(&column), view(&column)));
    assert_false(snmp_oid_under(view(&column), view(&cell)));
    assert_false(snmp_oid_under(view(&other), view(&column)));
    assert_true(snmp_oid_under(view(&cell), (struct snmp_oid){ 0 }));

    struct snmp_oid tail = snmp_oid_tail(view(&cell), view(&column));
    uint32_t part;
    assert_true(snmp_oid_next(&tail, &part));
    assert_int_equal(part, 300);
    assert_true(snmp_oid_next(&tail, &part));
    assert_int_equal(part, 7);
    assert_false(snmp_oid_next(&tail, &part));
    assert_int_equal(tail.size, 0);
}

static void building_to_the_limit(void **state)
{
    (void)state;
    struct snmp_oid_buf start = oid_of("1.3"), oid, twice;
    snmp_oid_take(&oid, view(&start));
    for (size_t count = 2; count < SNMP_OID_PARTS_MAX; count++) {
        assert_int_equal(snmp_oid_append(&oid, UINT32_MAX), 0);
    }
    assert_int_equal(snmp_oid_append(&oid, 0), BUSBAR_ELIMIT);
    assert_int_equal(snmp_oid_count(oid.oid), SNMP_OID_PARTS_MAX);
    assert_true(snmp_oid_good(oid.oid.bytes, oid.oid.size));

    struct buf text;
    buf_init(&text, SNMP_OID_TEXT_MAX);
    snmp_oid_print(oid.oid, &text);
    assert_false(text.overflow);
    assert_int_equal(snmp_oid_parse(buf_text(&text), &twice, NULL), 0);
    assert_true(snmp_oid_equal(twice.oid, oid.oid));
    buf_fini(&text);

    snmp_oid_take(&twice, view(&start));
    struct snmp_oid tail = snmp_oid_tail(oid.oid, twice.oid);
    assert_int_equal(snmp_oid_append_oid(&twice, tail), 0);
    assert_true(snmp_oid_equal(twice.oid, oid.oid));
    assert_int_equal(snmp_oid_append_oid(&twice, tail), BUSBAR_ELIMIT);
    assert_true(snmp_oid_equal(twice.oid, oid.oid));
}

static void a_flipped_bit_never_reads_too_far(void **state)
{
    (void)state;
    struct snmp_oid_buf made = oid_of("1.3.6.1.4.1.8072.4294967295.300.7");
    uint32_t parts[SNMP_OID_PARTS_MAX];
    size_t good = 0;
    for (size_t bit = 0; bit < (size_t)made.oid.size * 8; bit++) {
        uint8_t *copy = malloc(made.oid.size);
        assert_non_null(copy);
        memcpy(copy, made.bytes, made.oid.size);
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
        struct snmp_oid oid = { copy, made.oid.size };
        if (snmp_oid_good(copy, made.oid.size)) {
            assert_int_equal(snmp_oid_parts(oid, parts, SNMP_OID_PARTS_MAX), snmp_oid_count(oid));
            assert_int_not_equal(snmp_oid_order(oid, view(&made)), 0);
            good++;
        } else {
            (void)snmp_oid_parts(oid, parts, SNMP_OID_PARTS_MAX);
        }
        free(copy);
    }
    assert_true(good > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_octets),
        cmocka_unit_test(what_is_no_text_of_an_oid),
        cmocka_unit_test(octets_that_are_no_oid),
        cmocka_unit_test(every_prefix_is_one_or_is_cut),
        cmocka_unit_test(order_and_parts_against_a_naive_twin),
        cmocka_unit_test(prefixes_and_tails),
        cmocka_unit_test(building_to_the_limit),
        cmocka_unit_test(a_flipped_bit_never_reads_too_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
