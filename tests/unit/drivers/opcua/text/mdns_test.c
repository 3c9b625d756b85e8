/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements by multicast DNS: what avahi says (captured), every prefix of it, every flipped bit, names that lead
 * in circles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"
#include "drivers/opcua/text/mdns.h"

enum { PACKET_MAX = 2048 };

/* avahi 0.8, `avahi-publish -s "press.hall 2" _opcua-tcp._tcp 48250 path=/machine caps=DA,HD` on plc-3, 10.9.0.1. */
static const char announced[] = "0000840000000006000000000c70726573732e68616c6c20320a5f6f706375612d"
                                "746370045f746370056c6f63616c00"
                                "001080010000119400190d706174683d2f6d616368696e650a636170733d44412c"
                                "4844c019000c0001000011940002c0"
                                "0cc00c0021800100000078000e00000000bc7a05706c632d33c029c073001c8001"
                                "000000780010fe8000000000000038"
                                "5584fffe71ce79c073000180010000007800040a090001095f7365727669636573"
                                "075f646e732d7364045f756470c029"
                                "000c0001000011940002c019";
/* The same when the publisher ended. */
static const char said_goodbye[] = "000084000000000600000000095f7365727669636573075f646e732d7364045"
                                   "f756470056c6f63616c00000c00010000"
                                   "000000120a5f6f706375612d746370045f746370c023c034000c00010000000"
                                   "0000f0c70726573732e68616c6c2032c0"
                                   "34c0520021800100000000000e00000000bc7a05706c632d33c023c073001c8"
                                   "001000000780010fe8000000000000038"
                                   "5584fffe71ce79c073000180010000007800040a090001c0520010800100000"
                                   "00000190d706174683d2f6d616368696e"
                                   "650a636170733d44412c4844";
/* And when it asks whether the name is free: a question with the proposed records in the authority section. */
static const char probed[] = "0000000000010000000200000c70726573732e68616c6c20320a5f6f706375612d746"
                             "370045f746370056c6f63616c00"
                             "00ff0001c00c0021000100000078000e00000000bc7a05706c632d33c029c00c00100"
                             "0010000119400190d706174683d"
                             "2f6d616368696e650a636170733d44412c4844";

static size_t from_hex(const char *hex, uint8_t *to)
{
    size_t size = 0;
    for (; hex[0] != '\0'; hex += 2) {
        assert_true(size < PACKET_MAX);
        to[size++] = (uint8_t)(str_hex_digit(hex[0]) << 4 | str_hex_digit(hex[1]));
    }
    return size;
}

/* From an exact-size copy, so that one byte too many is seen. */
static int servers(const uint8_t *data, size_t size, struct opcua_mdns_server *out)
{
    struct bytes message = bytes_dup(data, size);
    int count = opcua_mdns_servers(message, out);
    bytes_fini(&message);
    return count;
}

static void what_avahi_announces(void **state)
{
    (void)state;
    static const uint8_t v4[] = { 10, 9, 0, 1 };
    static const uint8_t v6[] = { 0xFE, 0x80, 0,    0,    0,    0,    0,    0,
                                  0x38, 0x55, 0x84, 0xFF, 0xFE, 0x71, 0xCE, 0x79 };
    struct opcua_mdns_server found[OPCUA_MDNS_SERVERS_MAX];
    uint8_t data[PACKET_MAX];
    assert_int_equal(servers(data, from_hex(announced, data), found), 1);
    assert_string_equal(found[0].name, "press.hall 2");
    assert_true(found[0].placed && found[0].described && !found[0].gone);
    assert_string_equal(found[0].host, "plc-3.local");
    assert_int_equal(found[0].port, 48250);
    assert_string_equal(found[0].path, "/machine");
    assert_string_equal(found[0].caps, "DA,HD");
    assert_int_equal(found[0].address_count, 2);
    assert_int_equal(found[0].addresses[0].size, 16);
    assert_memory_equal(found[0].addresses[0].ip, v6, 16);
    assert_int_equal(found[0].addresses[1].size, 4);
    assert_memory_equal(found[0].addresses[1].ip, v4, 4);
}

static void a_goodbye_and_a_probe(void **state)
{
    (void)state;
    struct opcua_mdns_server found[OPCUA_MDNS_SERVERS_MAX];
    uint8_t data[PACKET_MAX];
    assert_int_equal(servers(data, from_hex(said_goodbye, data), found), 1);
    assert_string_equal(found[0].name, "press.hall 2");
    assert_true(found[0].gone && !found[0].placed && !found[0].described);
    assert_int_equal(servers(data, from_hex(probed, data), found), 0);
}

static void every_prefix_is_short(void **state)
{
    (void)state;
    static const char *const packets[] = { announced, said_goodbye };
    struct opcua_mdns_server found[OPCUA_MDNS_SERVERS_MAX];
    uint8_t data[PACKET_MAX];
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        size_t size = from_hex(packets[i], data);
        for (size_t cut = 0; cut < size; cut++) {
            assert_int_equal(servers(data, cut, found), BUSBAR_ESHORT);
        }
    }
}

static void is_sound(const struct opcua_mdns_server *server)
{
    assert_true(server->name[0] != '\0');
    assert_true(str_is_utf8(server->name, strlen(server->name)));
    assert_true(str_is_utf8(server->host, strlen(server->host)));
    assert_true(str_is_utf8(server->path, strlen(server->path)));
    assert_true(str_is_utf8(server->caps, strlen(server->caps)));
    assert_true(server->address_count <= OPCUA_MDNS_ADDRESSES_MAX);
}

static void every_bit_flipped(void **state)
{
    (void)state;
    static const char *const packets[] = { announced, said_goodbye, probed };
    struct opcua_mdns_server found[OPCUA_MDNS_SERVERS_MAX];
    uint8_t data[PACKET_MAX];
    int told = 0;
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        size_t size = from_hex(packets[i], data);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            int count = servers(data, size, found);
            assert_true(count <= OPCUA_MDNS_SERVERS_MAX);
            for (int k = 0; k < count; k++) {
                is_sound(&found[k]);
                told++;
            }
            data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
    }
    assert_true(told > 1000); /* most flips are in names, times and addresses */
}

/* ---- names ---- */

static int name_at(const void *data, size_t size, size_t at, char *name, size_t *offset)
{
    struct bytes in = bytes_dup(data, size);
    bytes_skip(&in, at);
    int error = opcua_mdns_get_name(&in, name);
    *offset = bytes_offset(&in);
    bytes_fini(&in);
    return error;
}

static void names_are_followed_backwards_only(void **state)
{
    (void)state;
    char name[OPCUA_MDNS_NAME_SIZE];
    size_t offset;
    /* "local" at 0, "a.b" + pointer to it at 7 */
    static const uint8_t fine[] = "\5local\0\1a\1b\xC0\0after";
    assert_int_equal(name_at(fine, sizeof(fine) - 1, 7, name, &offset), 0);
    assert_string_equal(name, "a.b.local");
    assert_int_equal(offset, 13);
    static const struct {
        const char *what;
        const char *data;
        size_t size, at;
        int error;
    } wrong[] = {
        { "to itself", "\xC0\0", 2, 0, BUSBAR_EPROTO },
        { "forwards", "\xC0\3x\1a\0", 6, 0, BUSBAR_EPROTO },
        { "two in a circle", "\xC0\2\xC0\0", 4, 2, BUSBAR_EPROTO },
        { "a circle through a label", "\1a\xC0\0", 4, 0, BUSBAR_EPROTO },
        { "into its own labels", "\1a\1b\xC0\2", 6, 0, BUSBAR_EPROTO },
        { "behind the end", "\xC3\xFF", 2, 0, BUSBAR_EPROTO },
        { "half a pointer", "\1a\0\xC0", 4, 3, BUSBAR_ESHORT },
        { "a kind that is not used (RFC 1035)", "\x41g\0", 3, 0, BUSBAR_EPROTO },
        { "another", "\x81g\0", 3, 0, BUSBAR_EPROTO },
        { "no end", "\1a\1b", 4, 0, BUSBAR_ESHORT },
        { "a label cut", "\5loc", 4, 0, BUSBAR_ESHORT },
        { "nothing", "", 0, 0, BUSBAR_ESHORT },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int error = name_at(wrong[i].data, wrong[i].size, wrong[i].at, name, &offset);
        if (error != wrong[i].error) {
            fail_msg("%s: %d", wrong[i].what, error);
        }
    }
}

static void names_as_text(void **state)
{
    (void)state;
    char name[OPCUA_MDNS_NAME_SIZE];
    size_t offset;
    static const uint8_t odd[] = "\6a.b\\\1c\3\xC3\xBCx\2\xC3x\0";
    assert_int_equal(name_at(odd, sizeof(odd) - 1, 0, name, &offset), 0);
    assert_string_equal(name, "a\\.b\\\\?c.\xC3\xBCx.?x");
    assert_int_equal(name_at("\0", 1, 0, name, &offset), 0);
    assert_string_equal(name, "");
    assert_int_equal(offset, 1);
}

static void a_name_has_255_bytes(void **state)
{
    (void)state;
    char name[OPCUA_MDNS_NAME_SIZE];
    uint8_t data[300];
    size_t offset;
    memset(data, '.', sizeof(data)); /* each is escaped: the longest text there is */
    for (size_t i = 0; i < 4; i++) {
        data[64 * i] = i < 3 ? 63 : 61;
    }
    data[3 * 64 + 62] = 0;
    assert_int_equal(name_at(data, 255, 0, name, &offset), 0);
    assert_int_equal(strlen(name), 2 * (3 * 63 + 61) + 3);
    data[3 * 64] = 62;
    data[3 * 64 + 62] = '.';
    data[3 * 64 + 63] = 0;
    assert_int_equal(name_at(data, 256, 0, name, &offset), BUSBAR_EPROTO);
}

/* ---- messages ---- */

static void put_name(struct buf *out, const char *instance)
{
    static const uint8_t service[] = "\012_opcua-tcp\4_tcp\5local";
    (void)buf_append_byte(out, (uint8_t)strlen(instance));
    (void)buf_append_text(out, instance);
    (void)buf_append(out, service, sizeof(service));
}

static void put_record(struct buf *out, const char *instance, uint8_t type, const void *data,
                       size_t size)
{
    const uint8_t head[] = { 0, type, 0, 1, 0, 0, 0, 60, (uint8_t)(size >> 8), (uint8_t)size };
    put_name(out, instance);
    (void)buf_append(out, head, sizeof(head));
    (void)buf_append(out, data, size);
}

static void put_head(struct buf *out, uint16_t answers)
{
    const uint8_t head[12] = { 0, 0, 0x84, 0, 0, 0, (uint8_t)(answers >> 8), (uint8_t)answers };
    (void)buf_append(out, head, sizeof(head));
}

static void data_that_does_not_fit_its_type(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        const char *data;
        size_t size;
    } wrong[] = {
        { OPCUA_MDNS_A, "\1\2\3", 3 },
        { OPCUA_MDNS_AAAA, "\1\2\3\4", 4 },
        { OPCUA_MDNS_SRV, "\0\0\0\0\1\1", 6 },
        { OPCUA_MDNS_SRV, "\0\0\0\0\1\1\5host", 11 }, /* the name goes on behind the data */
        { OPCUA_MDNS_PTR, "", 0 },
    };
    struct opcua_mdns_server found[OPCUA_MDNS_SERVERS_MAX];
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct buf out;
        buf_init(&out, PACKET_MAX);
        put_head(&out, 2);
        put_record(&out, "press", wrong[i].type, wrong[i].data, wrong[i].size);
        put_record(&out, "after", OPCUA_MDNS_TXT, "\0", 1);
        assert_int_equal(servers(out.data, out.size, found), BUSBAR_EPROTO);
        buf_fini(&out);
    }
}

static void more_servers_than_are_kept(void **state)
{
    (void)state;
    struct opcua_mdns_server found[OPCUA_MDNS_SERVERS_MAX];
    struct buf out;
    buf_init(&out, OPCUA_MDNS_MESSAGE_MAX);
    put_head(&out, 100);
    for (int i = 0; i < 100; i++) {
        char name[8];
        str_format(name, sizeof(name), "press%d", i);
        put_record(&out, name, OPCUA_MDNS_SRV, "\0\0\0\0\xBC\x7A\1h\0", 9);
    }
    assert_int_equal(servers(out.data, out.size, found), OPCUA_MDNS_SERVERS_MAX);
    assert_string_equal(found[OPCUA_MDNS_SERVERS_MAX - 1].name, "press31");
    assert_int_equal(found[0].port, 48250);
    buf_fini(&out);
}

static void texts_of_a_server(void **state)
{
    (void)state;
    static const char text[] = "\4caps\7other=1\6PATH=/\011caps=\1LDS\6caps=\xC3\377";
    struct opcua_mdns_server found[OPCUA_MDNS_SERVERS_MAX];
    struct buf out;
    buf_init(&out, PACKET_MAX);
    put_head(&out, 1);
    put_record(&out, "lds", OPCUA_MDNS_TXT, text, sizeof(text) - 1);
    assert_int_equal(servers(out.data, out.size, found), 1);
    assert_true(found[0].described && !found[0].placed);
    assert_string_equal(found[0].path, "/");
    assert_string_equal(found[0].caps, "LDS"); /* what is no text, and no UTF-8, is not taken */
    buf_fini(&out);
}

static void other_services_are_none_of_ours(void **state)
{
    (void)state;
    static const uint8_t printer[] = "\0\0\x84\0\0\0\0\1\0\0\0\0\3hp1\4_ipp\4_"
                                     "tcp\5local\0\0\x21\0\1\0\0\0\74\0\11\0\0\0\0\2w\1h\0";
    struct opcua_mdns_server found[OPCUA_MDNS_SERVERS_MAX];
    assert_int_equal(servers(printer, sizeof(printer) - 1, found), 0);
}

static void the_question(void **state)
{
    (void)state;
    static const char expected[] = "\0\0\0\0\0\1\0\0\0\0\0\0\012_opcua-tcp\4_tcp\5local\0\0\14\0\1";
    struct opcua_mdns_head head;
    char name[OPCUA_MDNS_NAME_SIZE];
    uint16_t type;
    struct buf out;
    buf_init(&out, PACKET_MAX);
    opcua_mdns_put_question(&out);
    assert_int_equal(out.size, sizeof(expected) - 1);
    assert_memory_equal(out.data, expected, out.size);
    struct bytes in = bytes_of(out.data, out.size);
    assert_int_equal(opcua_mdns_get_head(&in, &head), 0);
    assert_false(head.response);
    assert_int_equal(head.questions, 1);
    assert_int_equal(opcua_mdns_get_question(&in, name, &type), 0);
    assert_string_equal(name, OPCUA_MDNS_SERVICE);
    assert_int_equal(type, OPCUA_MDNS_PTR);
    assert_int_equal(bytes_left(&in), 0);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_avahi_announces),
        cmocka_unit_test(a_goodbye_and_a_probe),
        cmocka_unit_test(every_prefix_is_short),
        cmocka_unit_test(every_bit_flipped),
        cmocka_unit_test(names_are_followed_backwards_only),
        cmocka_unit_test(names_as_text),
        cmocka_unit_test(a_name_has_255_bytes),
        cmocka_unit_test(data_that_does_not_fit_its_type),
        cmocka_unit_test(more_servers_than_are_kept),
        cmocka_unit_test(texts_of_a_server),
        cmocka_unit_test(other_services_are_none_of_ours),
        cmocka_unit_test(the_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
