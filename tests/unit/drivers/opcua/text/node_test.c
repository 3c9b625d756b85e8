/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/text/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct rig {
    struct arena arena;
    const char *uri;
};

static int begin(void **state)
{
    static struct rig rig;
    rig = (struct rig){ 0 };
    arena_init(&rig.arena, 1 << 20);
    *state = &rig;
    return 0;
}

static int end(void **state)
{
    arena_fini(&((struct rig *)*state)->arena);
    return 0;
}

static struct opcua_id parsed(struct rig *rig, const char *text)
{
    struct opcua_id id;
    struct err err = { 0 };
    if (opcua_id_parse(text, &rig->arena, &rig->uri, &id, &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return id;
}

static void printed(const struct opcua_id *id, const char *want)
{
    struct buf out;
    buf_init(&out, 65536);
    opcua_id_print(id, &out);
    assert_string_equal(buf_text(&out), want);
    buf_fini(&out);
}

/* Part 6, 5.3.1.10 and 5.3.1.11. */
static const struct {
    const char *text, *same; /* same: how it is printed; NULL: as text */
} good[] = {
    { "i=2258", NULL },
    { "ns=0;i=85", "i=85" },
    { "i=4294967295", NULL },
    { "ns=10;i=1", NULL },
    { "ns=65535;s=a", NULL },
    { "ns=2;s=Oil.Temp", NULL },
    { "ns=2;s=with;semicolon and = and \xc3\xa4", NULL },
    { "s=s=", NULL },
    { "ns=1;g=09087e75-8e5e-499b-954f-f2a9603db28a", NULL },
    { "ns=1;g=09087E75-8E5E-499B-954F-F2A9603DB28A",
      "ns=1;g=09087e75-8e5e-499b-954f-f2a9603db28a" },
    { "ns=1;b=M/RbKBsRVkePCePcx24oRA==", NULL },
    { "nsu=urn:acme:press;s=Oil.Temp", NULL },
    { "nsu=http://opcfoundation.org/UA/;i=85", "i=85" },
    { "nsu=http://opcfoundation.org/UA/DI/;i=15001", NULL },
    { "nsu=urn:a%3Bb%25c;i=1", NULL },
    { "nsu=urn:a%20b;i=1", "nsu=urn:a%2520b;i=1" },
    { "nsu=urn:a%;i=1", "nsu=urn:a%25;i=1" },
};

static void read_and_written(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct opcua_id id = parsed(rig, good[i].text);
        printed(&id, good[i].same != NULL ? good[i].same : good[i].text);
        struct opcua_id again = parsed(rig, good[i].same != NULL ? good[i].same : good[i].text);
        assert_true(opcua_id_equal(&id, &again));
    }
}

static void parts(void **state)
{
    struct rig *rig = *state;
    struct opcua_id id = parsed(rig, "nsu=urn:a%3Bb;s=x");
    assert_string_equal(id.uri, "urn:a;b");
    assert_int_equal(id.kind, OPCUA_ID_TEXT);
    assert_int_equal(id.size, 1);
    struct opcua_id next = parsed(rig, "nsu=urn:a%3Bb;s=y");
    assert_ptr_equal(id.uri, next.uri);
    assert_false(opcua_id_equal(&id, &next));
    id = parsed(rig, "ns=7;i=9");
    assert_null(id.uri);
    assert_int_equal(id.index, 7);
    assert_int_equal(id.id.number, 9);
    /* Part 6, 5.2.2.6: C496578A-0DFE-4B8F-870A-745238C6AEAE on the wire. */
    static const uint8_t wire[16] = { 0x8a, 0x57, 0x96, 0xc4, 0xfe, 0x0d, 0x8f, 0x4b,
                                      0x87, 0x0a, 0x74, 0x52, 0x38, 0xc6, 0xae, 0xae };
    id = parsed(rig, "g=C496578A-0DFE-4B8F-870A-745238C6AEAE");
    assert_int_equal(id.size, 16);
    assert_memory_equal(id.id.bytes, wire, 16);
    id = parsed(rig, "b=AAAA");
    assert_int_equal(id.size, 3);
    assert_memory_equal(id.id.bytes, "\0\0\0", 3);
    assert_int_equal(sizeof(struct opcua_id), 24);
}

static const struct {
    const char *text;
    int column;
    const char *says;
} bad[] = {
    { "", 1, "begins with" },
    { "Oil.Temp", 1, "begins with" },
    { "x=1", 1, "begins with" },
    { "i=", 3, "a number" },
    { "i=-1", 3, "a number" },
    { "i=12x", 5, "a number" },
    { "i=4294967296", 3, "above 4294967295" },
    { "i=99999999999999999999999", 3, "above 4294967295" },
    { "ns=", 4, "';'" },
    { "ns=2", 5, "';'" },
    { "ns=;i=1", 4, "missing" },
    { "ns=2a;i=1", 5, "no number" },
    { "ns=65536;i=1", 4, "above 65535" },
    { "ns=2;", 6, "begins with" },
    { "ns=2;s=", 8, "missing" },
    { "s=\xff", 3, "UTF-8" },
    { "nsu=;i=1", 5, "no URI" },
    { "nsu=urn:x", 10, "';'" },
    { "nsu=\xff;i=1", 5, "UTF-8" },
    { "svr=1;i=1", 1, "another server" },
    { "g=09087e75", 3, "GUID" },
    { "g=09087e75-8e5e-499b-954f-f2a9603db28aa", 3, "GUID" },
    { "g=09087e758e5e-499b-954f-f2a9603db28a", 3, "GUID" },
    { "b=", 3, "base64" },
    { "b=Zg", 3, "base64" },
    { "b=Z*==", 3, "base64" },
};

static void refused(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct opcua_id id;
        struct err err = { 0 };
        assert_int_equal(opcua_id_parse(bad[i].text, &rig->arena, NULL, &id, &err), BUSBAR_EINVAL);
        if (strstr(err.message, bad[i].says) == NULL || err.column != bad[i].column) {
            fail_msg("'%s': column %d: %s", bad[i].text, err.column, err.message);
        }
        assert_non_null(strstr(err.hint, "nsu=urn:acme:press;s=Oil.Temp"));
    }
}

static void limits(void **state)
{
    struct rig *rig = *state;
    static char text[8192];
    struct opcua_id id;
    struct err err = { 0 };
    memset(text, 'a', sizeof(text));
    memcpy(text, "s=", 2);
    text[2 + OPCUA_ID_BYTES_MAX] = '\0';
    assert_int_equal(opcua_id_parse(text, &rig->arena, NULL, &id, &err), 0);
    assert_int_equal(id.size, OPCUA_ID_BYTES_MAX);
    text[2 + OPCUA_ID_BYTES_MAX] = 'a';
    text[3 + OPCUA_ID_BYTES_MAX] = '\0';
    assert_int_equal(opcua_id_parse(text, &rig->arena, NULL, &id, &err), BUSBAR_ELIMIT);
    memset(text, 'a', sizeof(text));
    memcpy(text, "nsu=", 4);
    memcpy(text + 4 + OPCUA_URI_MAX, ";i=1", 5);
    assert_int_equal(opcua_id_parse(text, &rig->arena, NULL, &id, &err), 0);
    memset(text + 4 + OPCUA_URI_MAX, 'a', 10);
    memcpy(text + 5 + OPCUA_URI_MAX, ";i=1", 5);
    assert_int_equal(opcua_id_parse(text, &rig->arena, NULL, &id, &err), BUSBAR_ELIMIT);
    struct arena none;
    arena_init(&none, 1);
    assert_int_equal(opcua_id_parse("nsu=urn:x;i=1", &none, NULL, &id, &err), BUSBAR_ENOMEM);
    assert_int_equal(opcua_id_parse("s=abc", &none, NULL, &id, &err), BUSBAR_ENOMEM);
    arena_fini(&none);
}

static void ranges(void **state)
{
    (void)state;
    static const char *const fine[] = {
        "0", "3", "0:9", "1,2:4", "0:1,0:1,7", "4294967295", "0:4294967295", "1,1,1,1,1,1,1,1"
    };
    static const char *const wrong[] = { "",    "a",  ":",   "1:",    ":1",  "3:3",
                                         "3:2", "1,", ",1",  "1:2:3", "-1",  "4294967296",
                                         " 1",  "1 ", "1;2", "1,,2",  "0x1", "1,1,1,1,1,1,1,1,1" };
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        assert_true(opcua_range_valid(fine[i]));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (opcua_range_valid(wrong[i])) {
            fail_msg("'%s' was taken", wrong[i]);
        }
    }
    struct opcua_range range;
    assert_true(opcua_range_parse("1,2:4", &range));
    assert_int_equal(range.dimensions, 2);
    assert_int_equal(range.first[0], 1);
    assert_int_equal(range.last[0], 1);
    assert_int_equal(range.first[1], 2);
    assert_int_equal(range.last[1], 4);
    assert_int_equal(opcua_range_count(&range), 3);
    assert_true(opcua_range_parse("0:4294967295,0:4294967295,0:4294967295", &range));
    assert_true(opcua_range_count(&range) == UINT64_MAX);
}

/* One bit flipped of a good text: refused with a message, or another id that prints and reads back as itself. */
static void flipped_bits(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        size_t size = strlen(good[i].text);
        for (size_t bit = 0; bit < size * 8; bit++) {
            char text[128];
            memcpy(text, good[i].text, size + 1);
            text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
            struct opcua_id id;
            struct err err = { 0 };
            if (opcua_id_parse(text, &rig->arena, NULL, &id, &err) != 0) {
                assert_true(err.message[0] != '\0' && err.column > 0);
                continue;
            }
            struct buf out;
            buf_init(&out, 1024);
            opcua_id_print(&id, &out);
            struct opcua_id again = parsed(rig, buf_text(&out));
            assert_true(opcua_id_equal(&id, &again));
            buf_fini(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(read_and_written, begin, end),
        cmocka_unit_test_setup_teardown(parts, begin, end),
        cmocka_unit_test_setup_teardown(refused, begin, end),
        cmocka_unit_test_setup_teardown(limits, begin, end),
        cmocka_unit_test(ranges),
        cmocka_unit_test_setup_teardown(flipped_bits, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
